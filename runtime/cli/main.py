"""Entry point of the command line: one application, one place where errors become one line."""

from __future__ import annotations

import os
import sys

import typer

from machine.errors import TpukitError
from runtime.cli.commands_compile import compile_command
from runtime.cli.commands_demo import demo_command
from runtime.cli.commands_kernel import asm_command, disasm_command
from runtime.cli.commands_machine import inspect_command, machine_app
from runtime.cli.commands_run import cosim_command, run_command

app = typer.Typer(
    name="tpukit",
    help="Compile neural networks to a tensor processing unit; run them on its simulator and its Verilog.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo_command)
app.command("compile")(compile_command)
app.command("run")(run_command)
app.command("cosim")(cosim_command)
app.command("asm")(asm_command)
app.command("disasm")(disasm_command)
app.command("inspect")(inspect_command)
app.add_typer(machine_app, name="machine")


def main() -> None:
    """Run the command line; a `TpukitError` is printed in one line and exits with code 1."""
    try:
        app()
    except TpukitError as error:
        text = " ".join(str(error).split())
        print(f"tpukit: error: {text}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # the reader of standard output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()

"""The commands, listed once."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any, cast

import typer

from runtime.cli.commands_assembly import asm_command, disasm_command
from runtime.cli.commands_check import check_command
from runtime.cli.commands_compare import compare_command
from runtime.cli.commands_compile import compile_command
from runtime.cli.commands_demo import demo_command
from runtime.cli.commands_fuzz import fuzz_command
from runtime.cli.commands_kernel import kernel_command
from runtime.cli.commands_machine import inspect_command, machine_app
from runtime.cli.commands_operators import HELP as OPERATORS_HELP
from runtime.cli.commands_operators import operators_command
from runtime.cli.commands_profile import profile_command
from runtime.cli.commands_run import cosim_command, run_command

UsageError: type[typer.BadParameter] = cast(Any, typer.BadParameter.__mro__[1])
"""What the option parser raises: the parent of `typer.BadParameter`, which typer does not export."""

app = typer.Typer(
    name="tpukit",
    help="Compile neural networks to a tensor processing unit; run them on its simulator and its Verilog.",
    add_completion=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("demo")(demo_command)
app.command("compile")(compile_command)
app.command("run")(run_command)
app.command("profile")(profile_command)
app.command("check")(check_command)
app.command("compare")(compare_command)
app.command("cosim")(cosim_command)
app.command("fuzz")(fuzz_command)
app.command("kernel")(kernel_command)
app.command("asm")(asm_command)
app.command("disasm")(disasm_command)
app.command("inspect")(inspect_command)
app.command("operators", help=OPERATORS_HELP)(operators_command)
app.add_typer(machine_app, name="machine")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"tpukit {metadata.version('tpukit')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that come before a command."""


def run_application(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; without arguments, show the help."""
    code = app(args=list(arguments) or ["--help"], prog_name="tpukit", standalone_mode=False)
    return code if isinstance(code, int) else 0

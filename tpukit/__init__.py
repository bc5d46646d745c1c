"""tpukit: a compiler, a cycle-accurate simulator and verified Verilog for a tensor processing unit.

    import tpukit
    machine = tpukit.load_machine("edge16")
    program = tpukit.compile_program("model.onnx", machine, {"image": calibration_images})
    result = tpukit.Session(program).run({"image": images})
"""

from accel_sim.time import TimeResult, simulate_time
from compiler.graph import Graph, Node, Op, Quantization, Tensor
from compiler.kernel import Kernel, KernelBuilder, KernelDefinition, Loop, Region, kernel
from machine.assembly import assemble, disassemble
from machine.config import Machine, load_machine, machine_names, parse_machine
from machine.errors import KernelError, TpukitError
from machine.program import Program, load_program, parse_program
from runtime.board import Driver, MmapBus
from runtime.compare import Comparison, compare
from runtime.compile import compile_program
from runtime.cosim import CosimResult, cosimulate
from runtime.profile import BlockProfile, Costs, LayerProfile, NetworkProfile, profile_program
from runtime.session import Backend, RunResult, Session

__version__ = "0.1.0"

__all__ = [
    "Backend",
    "BlockProfile",
    "Comparison",
    "CosimResult",
    "Costs",
    "Driver",
    "Graph",
    "Kernel",
    "KernelBuilder",
    "KernelDefinition",
    "KernelError",
    "LayerProfile",
    "Loop",
    "Machine",
    "MmapBus",
    "NetworkProfile",
    "Node",
    "Op",
    "Program",
    "Quantization",
    "Region",
    "RunResult",
    "Session",
    "Tensor",
    "TimeResult",
    "TpukitError",
    "assemble",
    "compare",
    "compile_program",
    "cosimulate",
    "disassemble",
    "kernel",
    "load_machine",
    "load_program",
    "machine_names",
    "parse_machine",
    "parse_program",
    "profile_program",
    "simulate_time",
]

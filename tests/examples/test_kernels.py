"""The example kernels: right on every square machine, at exactly these cycles, and the same on the RTL."""

from __future__ import annotations

import pytest

from compiler.kernel import KernelDefinition
from examples.kernels import convolution, matmul, reduction
from machine.config import load_machine
from runtime.cosim import cosimulate
from runtime.kernel import run_kernel
from runtime.session import Session

NANO4, EDGE8, EDGE16 = (load_machine(name) for name in ("nano4", "edge8", "edge16"))
KERNELS: list[tuple[KernelDefinition, int, int]] = [
    (matmul.single, 23266, 24706),
    (matmul.halves, 20522, 21738),
    (matmul.doubled, 18465, 17929),
    (matmul.streamed, 17569, 17257),
    (convolution.passes, 15774, 15316),
    (convolution.on_chip, 12216, 11994),
    (convolution.fused, 11786, 11410),
    (convolution.overlapped, 10363, 10015),
    (reduction.rows, 8805, 8613),
    (reduction.tree, 3633, 3568),
    (reduction.taps, 2420, 2412),
    (reduction.streamed, 1693, 1644),
]
"""Each kernel with its cycles on nano4 and edge8. A change of them is a change of the kernel or of the law."""
IDS = [f"{kernel.function.__module__.rpartition('.')[2]}-{kernel.name}" for kernel, _, _ in KERNELS]


@pytest.mark.parametrize(("kernel", "nano4", "edge8"), KERNELS, ids=IDS)
def test_results_and_cycles(kernel: KernelDefinition, nano4: int, edge8: int) -> None:
    for machine, cycles in ((NANO4, nano4), (EDGE8, edge8)):
        run = run_kernel(kernel.build(machine), max_cycles=10**6)
        assert [check.differing for check in run.checks] == [0]
        assert run.cycles == run.profile.total.total_cycles == cycles
        assert run.roofline.bound_cycles == run.profile.bound_cycles <= cycles
        assert all(sum(states.values()) == cycles for states in run.profile.counters.values())
        named = [run.kernel.program.nodes[node].name for node in run.kernel.program.instruction_nodes if node >= 0]
        assert set(named) == {layer.name for layer in run.profile.layers}


@pytest.mark.parametrize("kernel", [matmul.streamed, convolution.overlapped, reduction.streamed], ids=lambda k: k.name)
def test_results_on_a_larger_machine(kernel: KernelDefinition) -> None:
    run = run_kernel(kernel.build(EDGE16), max_cycles=10**6)
    assert run.is_right and run.roofline.bound_cycles == run.profile.bound_cycles


@pytest.mark.slow
@pytest.mark.parametrize(("kernel", "nano4"), [entry[:2] for entry in KERNELS], ids=IDS)
def test_the_same_on_the_rtl(kernel: KernelDefinition, nano4: int) -> None:
    built = kernel.build(NANO4)
    result = cosimulate(Session(built.program))
    assert (result.equal, result.differences, result.cycles_rtl) == (True, [], nano4)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", [matmul.streamed, convolution.overlapped, reduction.rows], ids=lambda k: k.name)
def test_the_same_on_the_rtl_of_a_larger_machine(kernel: KernelDefinition) -> None:
    run = run_kernel(kernel.build(EDGE8), rtl=True, max_cycles=10**6)
    assert run.is_right and run.cosim is not None and run.cosim.cycles_rtl == run.cycles


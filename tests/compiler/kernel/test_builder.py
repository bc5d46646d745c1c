"""The builder of kernels: what it computes, how it orders engines, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tpukit
from machine import numerics
from machine.config import load_machine
from machine.errors import KernelError, ProgramError
from machine.isa import Engine
from machine.numerics import AddRescale, Rescale
from runtime.session import Session

NANO4 = load_machine("nano4")
MACHINES = [load_machine(name) for name in ("nano4", "edge8", "edge4x8", "edge8x4")]
HALF = Rescale(1 << 30, 0, 0)
"""Times one half."""


def outputs(kernel: tpukit.Kernel) -> dict[str, np.ndarray]:
    memory = Session(kernel.program).run().outputs["memory"]
    return {entry.name: entry.read(memory) for entry in kernel.outputs}


def random8(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_a_product_on_every_shape_of_array(machine: tpukit.Machine) -> None:
    """Also where a word holds several granules: operands are counted in granules."""
    block, lanes, m = machine.block_bytes, machine.columns // machine.granule_bytes, 12
    steps = machine.rows // machine.granule_bytes
    a, b = random8(m, 2 * block), random8(2 * block, block, seed=1)
    bias = np.arange(block, dtype=np.int32) * 100
    k = tpukit.KernelBuilder(machine)
    memory, tiles = k.activations(a), k.weight_tiles(b)
    entries, blocks = k.channel_parameters(bias, HALF), block // machine.columns
    words = k.scratchpad(2 * m * machine.granules_per_word, "a")
    result = k.scratchpad(m * machine.granules_per_word, "c")
    accumulators, parameters = k.accumulators(blocks * m), k.parameters(blocks)
    c = k.output("c", (m, block))
    k.load(entries, parameters)
    k.load(memory, words)
    k.weights(tiles)
    k.matrix(
        words, accumulators, rows=[(m, machine.granules_per_word)],
        taps=[(block // machine.rows, steps), (2, m * machine.granules_per_word)], blocks=blocks, zero_point=3,
    )
    k.vector(
        accumulators, result, blocks=tpukit.Loop(blocks, a=m, d=lanes),
        x=tpukit.Loop(m, a=1, d=machine.granules_per_word), parameters=parameters, zero_point=5, low=-100,
    )
    k.store(result, c)
    product = (a.astype(np.int32) - 3) @ b.astype(np.int32)
    expected = numerics.finish(product, bias, HALF.multiplier, 0, 0, 5, -100, 127)
    assert np.array_equal(outputs(k.build())["c"], expected)


def test_a_residual_and_a_product_of_two_operands_and_a_table() -> None:
    """The forms of the vector engine that a drain does not use."""
    a, b, table = random8(16, 4), random8(16, 4, seed=1), random8(256, seed=2)
    rescale = AddRescale(Rescale(1 << 30, 20, 3), Rescale(1 << 29, 20, 2), Rescale(1 << 30, 0, 18))
    k = tpukit.KernelBuilder(NANO4)
    x, y = k.scratchpad(16, "a", bank=0), k.scratchpad(16, "b", bank=1)
    record, entry, looked_up = k.parameters(1, "record"), k.parameters(1), k.table()
    k.load(k.activations(a), x)
    k.load(k.activations(b), y)
    k.load(k.addition_record(rescale, 4, -90, 90), record)
    k.load(k.channel_parameters([7] * 4, HALF), entry)
    k.load(k.table_data(table), looked_up)
    for index, fields in enumerate((
        {"b": y, "record": record}, {"b": y, "record": record, "subtract": True},
        {"b": y, "reduce": "mac", "parameters": entry, "a_zero_point": 1, "b_zero_point": 2}, {"table": looked_up},
    )):
        d, step = k.scratchpad(16, "d", bank=2 + index), int("b" in fields)
        k.vector(x, d, x=tpukit.Loop(16, a=1, b=step, d=1), **fields)  # type: ignore[arg-type]
        k.store(d, k.output(str(index), (16, 4)))
    products = (a.astype(np.int32) - 1) * (b.astype(np.int32) - 2)
    expected = [
        numerics.add(a, 0, b, 0, rescale, 4, -90, 90), numerics.add(a, 0, b, 0, rescale, 4, -90, 90, subtract=True),
        numerics.finish(products, 7, HALF.multiplier, 0, 0, 0, -128, 127), numerics.look_up(a, table),
    ]
    found = outputs(k.build())
    for index, array in enumerate(expected):
        assert np.array_equal(found[str(index)], array), index


def test_padded_lines_and_fills() -> None:
    image = random8(3, 5, 4)
    k = tpukit.KernelBuilder(NANO4)
    source, box = k.activations(image), k.scratchpad(5 * 7)
    k.fill(box[:7], -7)
    k.fill(box[28:], -7)
    k.load(source, box[7:28], line_bytes=20, words=7, window_pad=4, fill=-7, lines=[(3, 20, 7)])
    k.store(box, k.output("box", (5, 7, 4)))
    assert np.array_equal(outputs(k.build())["box"], np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=-7))


def test_memory_is_written_and_read_again() -> None:
    values = random8(8, 4)
    k = tpukit.KernelBuilder(NANO4)
    words, again, between = k.scratchpad(8), k.scratchpad(8), k.memory(32)
    k.load(k.data(values), words)
    k.store(words, between)
    k.load(between, again)
    k.store(again[4:], k.output("last", (4, 4)))
    k.store(again, k.output("wide", (8,), np.int32), lines=[(2, 16, 4)], words=4)
    found = outputs(k.build())
    assert np.array_equal(found["last"], values[4:]) and found["wide"].tobytes() == values.tobytes()


def test_blocks_of_accumulators_lie_where_they_are_asked_to() -> None:
    """Two output blocks 10 rows apart; what is drained from row 10 on is the second one's."""
    a, b = random8(8, 4), random8(4, 8, seed=1) // 16
    k = tpukit.KernelBuilder(NANO4)
    words, accumulators, second = k.scratchpad(8, "a"), k.accumulators(18), k.scratchpad(8, "c")
    entries = k.parameters(1)
    k.load(k.channel_parameters([0] * 4, HALF), entries)
    k.load(k.activations(a), words)
    k.weights(k.weight_tiles(b))
    k.matrix(words, accumulators, rows=[(8, 1)], blocks=2, accumulator_stride=10)
    k.vector(accumulators[10:], second, x=tpukit.Loop(8, a=1, d=1), parameters=entries)
    k.store(second, k.output("c", (8, 4)))
    product = a.astype(np.int32) @ b[:, 4:].astype(np.int32)
    assert np.array_equal(outputs(k.build())["c"], numerics.finish(product, 0, HALF.multiplier, 0, 0, 0, -128, 127))


@given(st.lists(st.tuples(st.integers(1, 400), st.one_of(st.none(), st.integers(0, 7))), max_size=12))
def test_regions_of_scratchpad_are_disjoint_and_begin_in_their_banks(wanted: list[tuple[int, int | None]]) -> None:
    k, taken = tpukit.KernelBuilder(NANO4), []
    for size, bank in wanted:
        try:
            region = k.scratchpad(size, bank=bank)
        except KernelError:  # then no place is free in which it could begin
            starts = range(2049 - size) if bank is None else range(bank * 256, min((bank + 1) * 256, 2049 - size))
            assert not any(all(start + size <= r.base or r.base + r.size <= start for r in taken) for start in starts)
            continue
        assert bank is None or region.base // NANO4.bank_granules == bank
        assert region.size == size and region.base + size <= NANO4.scratchpad_granules
        assert all(region.base + size <= other.base or other.base + other.size <= region.base for other in taken)
        taken.append(region)


@given(st.lists(st.tuples(st.sampled_from(["load", "vector", "store"]), *[st.integers(0, 3)] * 2), max_size=30))
def test_any_order_of_copies_is_free_of_races(steps: list[tuple[str, int, int]]) -> None:
    """Engines that share a few buffers: the verifier, which knows nothing of the builder, finds no race or deadlock."""
    k = tpukit.KernelBuilder(NANO4)
    data, room = k.data(random8(128)), [k.scratchpad(16, bank=bank) for bank in range(4)]
    memory = k.output("memories", (4, 64))
    values, stored = np.zeros((4, 64), np.int8), np.zeros((4, 64), np.int8)
    for kind, left, right in steps:
        if kind == "load":
            k.load(data[left * 16 : left * 16 + 64], room[right])
            values[right] = random8(128)[left * 16 : left * 16 + 64]
        elif kind == "store":
            k.store(room[left], memory[right * 64 : right * 64 + 64])
            stored[right] = values[left]
        else:
            k.vector(room[left], room[right], x=tpukit.Loop(16, a=1, d=1))
            values[right] = values[left]
    k.expect(memory, stored)
    assert np.array_equal(outputs(k.build())["memories"], stored)


def test_integers_of_numpy_are_integers() -> None:
    eight = np.int64(8)
    k = tpukit.KernelBuilder(NANO4)
    words = k.scratchpad(eight)  # type: ignore[arg-type]
    k.load(k.data(random8(32))[: 4 * eight], words[:eight], words=eight)  # type: ignore[arg-type]
    k.store(words, k.output("c", (eight, np.int8(4))))  # type: ignore[arg-type]
    assert np.array_equal(outputs(k.build())["c"], random8(32).reshape(8, 4))


def test_tokens_are_only_where_engines_meet() -> None:
    """Two loads into buffers of their own, each stored: the second load waits for nothing, a third for the store."""
    k = tpukit.KernelBuilder(NANO4)
    source, buffers = k.data(random8(64)), [k.scratchpad(16, "a"), k.scratchpad(16, "b")]
    for index in range(3):
        k.load(source, buffers[index % 2])
        k.store(buffers[index % 2], k.output(str(index), (64,)))
    loads = [each for each in k.build().program.instructions if each.engine is Engine.LOAD]
    assert [load["wait"] for load in loads] == [0, 0, 1 << Engine.STORE]
    assert [load["send"] for load in loads] == [1 << Engine.STORE] * 3


def test_sections_are_the_nodes_of_the_program() -> None:
    k = tpukit.KernelBuilder(NANO4, "copies")
    source, words = k.data(random8(64)), k.scratchpad(16)
    for index in range(2):
        with k.section("copy"):
            with k.section("in"):
                k.load(source, words)
            k.store(words, k.output(str(index), (64,)))
    k.load(source, words)
    program = k.build().program
    assert program.source == "copies"
    assert [(node.name, node.read_bytes, node.write_bytes) for node in program.nodes] == [
        ("copy/in", 128, 0), ("copy", 0, 128)]
    assert program.instruction_nodes == (0, 1, 0, 1, -1, -1)


def test_work_of_a_section() -> None:
    k = tpukit.KernelBuilder(NANO4)
    a, acc, d = k.scratchpad(16), k.accumulators(16), k.scratchpad(16)
    with k.section("all"):
        k.load(k.data(random8(64)), a)
        k.weights(k.weight_tiles(random8(8, 8)))
        k.matrix(a, acc, rows=[(4, 1), (2, 4)], taps=[(2, 1)], blocks=2)
        k.vector(acc, d, x=tpukit.Loop(4, d=1), kx=tpukit.Loop(3, a=1))
    (node,) = k.build().program.nodes
    assert (node.macs, node.matrix_cycles, node.vector_cycles) == (4 * 8 * 16, 4 * 8, 12)
    assert (node.read_bytes, node.read_cycles, node.write_bytes, node.bound_cycles) == (64 + 64, 32, 0, 32)


Call = Callable[[tpukit.KernelBuilder], object]
REFUSED: list[tuple[Call, str]] = [
    (lambda k: k.scratchpad(4000, "big"), "no room for the 4000 granules of 'big' in scratchpad from 0 on; 2048 of"),
    (lambda k: [k.scratchpad(257, "x", bank=1), k.scratchpad(256, "y", bank=1), k.scratchpad(2, "z", bank=1)],
     "no room for the 256 granules of 'y' in scratchpad that begins at 256 to 511; 1791 of 2048 are free"),
    (lambda k: k.scratchpad(1, bank=8), "bank 8: nano4 has banks 0 to 7"),
    (lambda k: k.scratchpad(0, "none"), "'none' must be of at least 1 of the granules, received 0"),
    (lambda k: k.accumulators(65, name="acc"), "65 rows of accumulators for 'acc'; a half of nano4 has 64"),
    (lambda k: [k.accumulators(40), k.accumulators(40, name="b")], "no room for the 40 rows of 'b' in half 0"),
    (lambda k: k.accumulators(1, half=2), "half 2 of the accumulators; legal are 0 and 1"),
    (lambda k: k.parameters(33, "p"), "no room for the 33 entries of 'p' in parameter"),
    (lambda k: [k.table(), k.table(), k.table("third")], "no room for the 1 tables of 'third'"),
    (lambda k: k.memory(1 << 31), "bytes of memory for 'memory'; legal are 1 to 1073741824"),
    (lambda k: k.output("a", (0, 3)), "output 'a': its shape must be positive integers, received (0, 3)"),
    (lambda k: k.output("a", (-2, -3)), "its shape must be positive integers, received (-2, -3)"),
    (lambda k: k.output("a", (2.0,)), "its shape must be positive integers, received (2.0,)"),  # type: ignore
    (lambda k: k.output("a", (2,), np.float32), "output 'a': its type must be one of integers, received float32"),
    (lambda k: k.scratchpad(1.5, "x"), "'x' must be a whole number of granules, received 1.5"),  # type: ignore[arg-type]
    (lambda k: k.accumulators(2.5), "'accumulators' must be a whole number of rows, received 2.5"),  # type: ignore
    (lambda k: k.memory(2.5), "'memory' must be a whole number of bytes, received 2.5"),  # type: ignore[arg-type]
    (lambda k: k.scratchpad(8, "x")[1], "such as [0:1], received 1"),  # type: ignore[index]
    (lambda k: k.scratchpad(8, "x")[0.5:], "such as [0:1], received slice(0.5"),
    (lambda k: k.vector(k.scratchpad(9), k.scratchpad(8), reduce="min"),  # type: ignore[arg-type]
     "vector.reduce is 'min'; legal are sum, max, mac"),
    (lambda k: k.memory(0), "0 bytes of memory for 'memory'"),
    (lambda k: k.load(k.data(random8(4)), k.scratchpad(8), words=1.5),  # type: ignore[arg-type]
     "load.words must be an integer, received 1.5"),
    (lambda k: [k.output("a", (3,)), k.output("a", (4,))], "an output cannot be called 'a': there is one of that name"),
    (lambda k: k.output("memory", (3,)), "an output cannot be called 'memory'"),
    (lambda k: k.data(np.zeros(3, np.float32), "f"), "data 'f' must be integers, one or more, received float32[3]"),
    (lambda k: k.data(np.zeros((2, 0), np.int8)), "received int8[2, 0]"),
    (lambda k: k.activations(np.zeros(3, np.uint8)), "activations must be int8 of 1 or more axes, received uint8[3]"),
    (lambda k: k.weight_tiles(random8(4)), "weights must be int8 of 2 or more axes, received int8[4]"),
    (lambda k: k.channel_parameters([1.5], HALF), "bias must be integers, one for each channel, received float64[1]"),
    (lambda k: k.channel_parameters([0, 1 << 31], HALF), "bias must be int32, received 0 to 2147483648"),
    (lambda k: k.channel_parameters([1, 2], [HALF]), "1 requantizations for 2 channels"),
    (lambda k: k.table_data(random8(255)), "a table is int8[256], received int8[255]"),
    (lambda k: k.expect(k.scratchpad(3), random8(3)), "is no output; legal are none"),
    (lambda k: k.expect(k.output("a", (3,)), random8(4)), "output 'a' is int8[3], expected of it is int8[4]"),
    (lambda k: k.scratchpad(8, "x")[4:9], "[4:9] is no part of 'x' (8 granules of scratchpad)"),
    (lambda k: k.scratchpad(8, "x")[-1:], "[-1:8] is no part of 'x'"),
    (lambda k: k.load(k.data(random8(36), "d"), k.scratchpad(8, "x")),
     "load's target reaches over 9 granules, received 'x' (8 granules of scratchpad)"),
    (lambda k: k.load(k.data(random8(32), "d"), k.scratchpad(8), line_bytes=12, lines=[(2, 24, 4)]),
     "load's source reaches over 36 bytes, received 'd' (32 bytes of memory)"),
    (lambda k: k.load(k.scratchpad(1, "x"), k.scratchpad(8)), "load's source must lie in memory, received 'x'"),
    (lambda k: k.load(k.data(random8(32)), k.parameters(1)), "takes 48 bytes, received 'data' (32 bytes of memory)"),
    (lambda k: k.load(k.data(random8(32)), k.table()), "a table's source reaches over 256 bytes"),
    (lambda k: k.load(k.data(random8(32)), k.scratchpad(8), window_bytes=5), "lane_offset 0 + window_bytes 5 is beyo"),
    (lambda k: k.load(k.data(random8(4)), k.scratchpad(8), lines=[(1, 0, 0)] * 4), "three nested loops at most"),
    (lambda k: k.load(k.data(random8(4)), k.scratchpad(8), lines=[(2, -1, 0)]), "a loop of 2 with step -1; legal"),
    (lambda k: k.fill(k.scratchpad(8), 200), "load.fill = 200: legal are -128 to 127"),
    (lambda k: k.weights(k.data(random8(24))), "weights must be whole tiles of 16 bytes from a multiple of 4 on"),
    (lambda k: k.weights(k.data(random8(64))[2:34]), "weights must be whole tiles"),
    (lambda k: k.matrix(k.scratchpad(8), k.accumulators(8), rows=[(9, 1)]), "matrix a reaches over 9 granules"),
    (lambda k: k.matrix(k.scratchpad(8), k.accumulators(8), rows=[(4, 1)], taps=[(2, 1), (2, 4)]),
     "matrix a reaches over 9 granules"),
    (lambda k: k.matrix(k.scratchpad(8), k.accumulators(8), rows=[(4, 1)], blocks=2, block_stride=5),
     "matrix a reaches over 9 granules"),
    (lambda k: k.matrix(k.scratchpad(8), k.accumulators(7, name="c"), rows=[(4, 1)], blocks=2),
     "matrix into reaches over 8 rows, received 'c' (7 rows of accumulator)"),
    (lambda k: k.matrix(k.scratchpad(8), k.scratchpad(8), rows=[(4, 1)]), "matrix into must lie in accumulator"),
    (lambda k: k.vector(k.accumulators(8), k.scratchpad(8), x=tpukit.Loop(9, a=1)), "vector a reaches over 9 rows"),
    (lambda k: k.vector(k.scratchpad(9), k.scratchpad(8), x=tpukit.Loop(9, d=1)), "vector d reaches over 9 granules"),
    (lambda k: k.vector(k.scratchpad(9), k.scratchpad(8), kx=tpukit.Loop(2, d=1)), "have no step of d"),
    (lambda k: k.vector(k.scratchpad(9), k.scratchpad(8), reduce="mac"), "vector takes b if and only if"),
    (lambda k: k.vector(k.scratchpad(9), k.scratchpad(8), b=k.scratchpad(9)), "vector takes b if and only if"),
    (lambda k: k.vector(k.scratchpad(9), k.scratchpad(8), b=k.scratchpad(9), reduce="mac"),
     "vector: A and B share a scratchpad bank"),
    (lambda k: k.vector(k.scratchpad(9), k.scratchpad(8), blocks=tpukit.Loop(2), parameters=k.parameters(1)),
     "vector parameters reaches over 2 entries"),
    (lambda k: k.store(k.scratchpad(8), k.data(random8(32), "d")), "is data, which can be read only; take an output"),
    (lambda k: k.store(k.scratchpad(7), k.output("c", (8, 4))), "store's source reaches over 8 granules"),
    (lambda k: k.store(k.scratchpad(16), k.output("c", (8, 4)), words=4, lines=[(3, 12, 1)]),
     "store's target reaches over 40 bytes, received 'c' (32 bytes of memory)"),
    (lambda k: k.store(k.scratchpad(8), k.output("c", (64, 4)), words=4, lines=[(3, 16, 3)]),
     "store's source reaches over 10 granules"),
    (lambda k: k.section("a#b").__enter__(), "section 'a#b': a name is printable text without '#'"),
    (lambda k: k.section("").__enter__(), "section '': a name is printable text"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_what_a_builder_refuses(call: Call, message: str) -> None:
    k = tpukit.KernelBuilder(NANO4)
    with pytest.raises(KernelError) as error:
        call(k)
    assert message in str(error.value)


def test_a_kernel_that_would_wait_for_ever_or_leave_weights_is_not_built() -> None:
    k = tpukit.KernelBuilder(NANO4)
    k.matrix(k.scratchpad(4), k.accumulators(4), rows=[(4, 1)])
    with pytest.raises(KernelError, match=r"test_builder.py, line \d+: instruction 0 \(matrix\): deadlock: 1 weight "):
        k.build()
    k = tpukit.KernelBuilder(NANO4)
    k.weights(k.weight_tiles(random8(8, 4)))
    with pytest.raises(ProgramError, match="2 weight tiles are pushed and never used"):
        k.build()


def test_a_decorated_function_is_a_kernel() -> None:
    @tpukit.kernel
    def empty(k: tpukit.KernelBuilder) -> None:
        """Do nothing.

        At all.
        """

    assert (empty.name, empty.summary) == ("empty", "Do nothing.")
    kernel = empty.build(NANO4)
    assert len(kernel.program.instructions) == 1 and kernel.name == kernel.program.source == "empty"

"""The property sets that are proved about the Verilog, and for each the bugs that make it fail.

A set's properties stand in `rtl/formal/<module>.svh`, which the module includes where `FORMAL_<MODULE>` is defined, so
that only the module under proof carries them and what it assumes about its inputs is not assumed of its instances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from machine.errors import ToolError


class Method(StrEnum):
    """How a set is checked; the values are SymbiYosys's modes."""

    INDUCTION = "prove"
    BOUNDED = "bmc"
    COVER = "cover"


@dataclass(frozen=True)
class Bug:
    """An error to plant: a text that stands in a source exactly once, and what takes its place."""

    file: str
    what: str
    old: str
    new: str

    def planted(self, text: str) -> str:
        """Return the source with the bug.

        Raises:
            ToolError: the old text does not stand in it exactly once.
        """
        if text.count(self.old) != 1:
            raise ToolError(f"bug {self.what!r}: {self.file} holds its text {text.count(self.old)} times, not once")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Proof:
    """A property set of one module.

    Attributes:
        name: by which it is asked for.
        what: what is proved, in a line.
        top: the module.
        sources: its files, below `rtl/`.
        parameters: its parameters where they are not the module's own defaults.
        method: induction (holds in every cycle) or bounded (holds in the first `depth` cycles).
        depth: cycles of the base case and of the induction, or of the bounded check.
        cover_depth: cycles in which every cover must be reached.
        bugs: planted errors, each of which must give a counterexample.
        quick: fast enough for CI.
    """

    name: str
    what: str
    top: str
    sources: tuple[str, ...]
    depth: int
    cover_depth: int
    bugs: tuple[Bug, ...]
    parameters: Mapping[str, int] = field(default_factory=dict)
    method: Method = Method.INDUCTION
    quick: bool = True

    @property
    def bug_depth(self) -> int:
        """Cycles in which a planted bug is looked for: enough to reach what the covers reach."""
        return max(self.depth, self.cover_depth)


QUEUE = "control/instruction_queue.sv"
TOKENS = "control/tokens.sv"
ARBITER = "memory/read_arbiter.sv"
CLAIMS = "scratchpad/claim_arbiter.sv"
CUTTER = "memory/burst_cutter.sv"
SHAPE = "memory/burst_shape.sv"
COUNTER = "memory/line_counter.sv"
ADDRESS = "memory/line_address.sv"
WALKER = "vector/vector_address_walker.sv"
WALK = "vector/vector_addresses.sv"
PASSES = "matrix/matrix_passes.sv"
BANK_MASK = "memory/bank_mask.sv"
REQUEST = "load/load_request.sv"
FETCH = "control/fetch.sv"
STORE = "store/store_write.sv"

PROOFS = (
    Proof(
        "instruction_queue",
        "a FIFO: what was pushed comes out, in order; full and valid are right",
        "instruction_queue",
        (QUEUE,),
        depth=4,
        cover_depth=12,
        parameters={"WIDTH": 4, "DEPTH": 8},
        bugs=(
            Bug(QUEUE, "a push with the last pop goes into the memory", "(single && pop_i));", "(single && !pop_i));"),
            Bug(QUEUE, "full one entry early", "full_o = count_q[PointerBits]", "full_o = count_q >= DEPTH - 1"),
        ),
    ),
    Proof(
        "tokens",
        "each counter is the signals sent minus those taken, 0 to 255; ready and overflow follow from them",
        "tokens",
        (TOKENS,),
        depth=3,
        cover_depth=6,
        bugs=(
            Bug(TOKENS, "a signal is lost where one is taken in the same cycle", "if (add != take)", "if (take == '0)"),
            Bug(TOKENS, "sender and receiver swapped", "send_i[5*p+q]", "send_i[5*q+p]"),
            Bug(TOKENS, "the last token stays", "count_q[i] != 8'd1", "count_q[i] != 8'd0"),
        ),
    ),
    Proof(
        "read_arbiter",
        "grants one-hot, by priority, exactly when there is room; bounded waiting; AR legal and stable; R to its owner",
        "read_arbiter",
        (ARBITER,),
        depth=8,
        cover_depth=20,
        parameters={"BUS_BYTES": 4, "OUTSTANDING": 3},
        bugs=(
            Bug(
                ARBITER,
                "load before weights",
                "load_req_i && !weights_req_i && !fetch_req_i",
                "load_req_i && !fetch_req_i",
            ),
            Bug(
                ARBITER,
                "AR changes while it waits",
                "(!arvalid_q || m_axi_arready_i);",
                "(!arvalid_q || !m_axi_arready_i);",
            ),
            Bug(
                ARBITER,
                "one burst too many",
                "outstanding_q < COUNT_BITS'(OUTSTANDING)",
                "outstanding_q <= COUNT_BITS'(OUTSTANDING)",
            ),
            Bug(ARBITER, "one beat too many", "8'(granted_beats) - 8'd1", "8'(granted_beats)"),
            Bug(
                ARBITER,
                "the owners' ring wraps late",
                "index == INDEX_BITS'(OUTSTANDING - 1)",
                "index == INDEX_BITS'(OUTSTANDING)",
            ),
        ),
    ),
    Proof(
        "claim_arbiter",
        "a scratchpad port or accumulator half never has two users; grants all or nothing, in the fixed order",
        "claim_arbiter_proof",
        (CLAIMS, "formal/claim_arbiter_proof.sv"),
        depth=3,
        cover_depth=6,
        bugs=(
            Bug(CLAIMS, "matrix forgets vector's grant", " || (vector_grant_o && vector_matrix);", ";"),
            Bug(
                CLAIMS,
                "vector reads what it writes",
                "matrix_hold_read_i | vector_hold_write_i)",
                "matrix_hold_read_i)",
            ),
            Bug(CLAIMS, "load ignores held ports", "load_req_i && !load_held", "load_req_i"),
        ),
    ),
    Proof(
        "burst_cutter",
        "bursts cover each line once, in order; 1 to 64 beats, 1 to 256 bytes, none crosses 256 bytes",
        "burst_cutter",
        (CUTTER, SHAPE, COUNTER, ADDRESS),
        depth=3,
        cover_depth=12,
        parameters={"BUS_BYTES": 4, "LENGTH_BITS": 12},
        bugs=(
            Bug(SHAPE, "a line's first burst too long", "- {1'b0, offset_i};", "- {2'b0, offset_i[6:0]};"),
            Bug(SHAPE, "the last beat is missing", "10'(BUS_BYTES - 1)) >> BEAT_SHIFT", "10'(0)) >> BEAT_SHIFT"),
            Bug(SHAPE, "a full rest is not the last", "left_i <= LENGTH_BITS'(room)", "left_i < LENGTH_BITS'(room)"),
            Bug(
                CUTTER,
                "the next line takes the shape of the next burst",
                "line_last_q ? next_bytes : step_bytes",
                "step_bytes",
            ),
        ),
    ),
    Proof(
        "line_counter",
        "the line's three indices stay within their counts, the innermost fastest; wraps and last are right",
        "line_counter",
        (COUNTER,),
        depth=3,
        cover_depth=14,
        bugs=(
            Bug(COUNTER, "dimension 2 restarts one short", "wrap2_o ? count2_q", "wrap2_o ? count2_q - 12'd1"),
            Bug(COUNTER, "last without dimension 3", "wrap2_o && left3_q == '0", "wrap2_o"),
        ),
    ),
    Proof(
        "line_address",
        "a line's address is base + sum of index times stride over three dimensions, modulo 2**32",
        "line_address",
        (ADDRESS,),
        depth=2,
        cover_depth=8,
        bugs=(
            Bug(ADDRESS, "dimension 2 begins where 1 ended", "along2    = base2_q", "along2    = address_q"),
            Bug(ADDRESS, "dimension 3's place is not kept", "if (wrap2_i) base3_d = next_o;", ""),
        ),
    ),
    Proof(
        "vector_address_walker",
        "an operand's address is base + sum of index times stride over five loops, modulo 2**18",
        "vector_address_walker",
        (WALKER,),
        depth=2,
        cover_depth=8,
        bugs=(Bug(WALKER, "levels below do not restart", "(advance_i >> l) != '0", "advance_i[l]"),),
    ),
    Proof(
        "vector_addresses",
        "the five loops visit each index once within its count; taps, last and parameter entry are right",
        "vector_addresses",
        (WALK, WALKER),
        depth=2,
        cover_depth=12,
        bugs=(
            Bug(WALK, "x is not restarted", "if (at_end[2:0] == '1) walk_x = x_start_q;", ""),
            Bug(WALK, "the parameter entry stands still", "advance[4] ? entry_q + 1'b1", "advance[4] ? entry_q"),
            Bug(WALK, "ky runs with kx", "walk_ky = at_end[0] ?", "walk_ky = advance[0] ?"),
        ),
    ),
    Proof(
        "matrix_passes",
        "a pass's address is a + sum of index times stride over blocks and taps; accumulator row, first tap, last",
        "matrix_passes",
        (PASSES,),
        depth=2,
        cover_depth=10,
        bugs=(
            Bug(
                PASSES,
                "a tap begins where the last ended",
                "pass1_d = pass1_q + stride1_q",
                "pass1_d = pass0_q + stride1_q",
            ),
            Bug(PASSES, "a block's first tap is not told", "first_tap_d = 1'b1;\n          end", "end"),
        ),
    ),
    Proof(
        "store_write",
        "AW and W stable until taken; beats, WLAST, strobes of each burst; sent when packed; outstanding bounded",
        "store_write",
        (STORE,),
        depth=4,
        cover_depth=16,
        parameters={"BUS_BYTES": 4, "OUTSTANDING": 3},
        bugs=(
            Bug(STORE, "AW is dropped while it waits", "(awvalid_q && !m_axi_awready_i);", "1'b0;"),
            Bug(
                STORE, "W runs on while it waits", "end else if (wvalid_q && m_axi_wready_i)", "end else if (wvalid_q)"
            ),
            Bug(STORE, "WLAST one beat early", "m_axi_wlast_o   = left_q == '0", "m_axi_wlast_o   = left_q <= 7'd1"),
            Bug(
                STORE,
                "one burst too many",
                "outstanding_q < COUNT_BITS'(OUTSTANDING)",
                "outstanding_q <= COUNT_BITS'(OUTSTANDING)",
            ),
            Bug(STORE, "an address before its data", "grant   = complete_q != '0", "grant   = taken_q != '0"),
        ),
    ),
    Proof(
        "fetch",
        "the fetch buffer never overflows; bursts legal, within the program, one after the other",
        "fetch",
        (FETCH, QUEUE),
        depth=4,
        cover_depth=16,
        parameters={"BUS_BYTES": 64, "FETCH_DEPTH": 4},
        bugs=(
            Bug(FETCH, "asks with a slot too few", "free_q >= FreeBits'(count)", "free_q + 1'b1 >= FreeBits'(count)"),
            Bug(FETCH, "reads behind the program", "burst_q <= left_q[31:3] != '0;", "burst_q <= left_q[31:2] != '0;"),
        ),
    ),
    Proof(
        "load_request",
        "a burst is asked for only if the read buffer has room, and stays until granted; slots add up",
        "load_request",
        (REQUEST, CUTTER, SHAPE, COUNTER, ADDRESS),
        depth=4,
        cover_depth=14,
        parameters={"LOAD_BEATS": 128, "BUS_BYTES": 16},
        bugs=(
            Bug(
                REQUEST, "a full buffer counts as free", "<= COMPARE_BITS'(free_q);", "<= COMPARE_BITS'(free_q) + 8'd1;"
            ),
            Bug(
                REQUEST,
                "a withdrawn request",
                "active_q && reads_q &&",
                "active_q && reads_q && freed_beats_i == '0 &&",
            ),
        ),
    ),
    Proof(
        "bank_mask",
        "a bank is claimed exactly if a granule of it lies in [first, last]",
        "bank_mask",
        (BANK_MASK,),
        depth=1,
        cover_depth=1,
        parameters={"BANKS": 8, "BANK_GRANULES": 512, "WIDTH": 20},
        bugs=(
            Bug(
                BANK_MASK,
                "the last bank is missed where it begins",
                "last_i < WIDTH'((bank + 1)",
                "last_i <= WIDTH'((bank + 1)",
            ),
        ),
    ),
)
"""Every property set, in the order of the table in docs/proofs.md."""


def proof_named(name: str) -> Proof:
    """Return the set of that name.

    Raises:
        ToolError: there is none; the message lists them.
    """
    for proof in PROOFS:
        if proof.name == name:
            return proof
    raise ToolError(f"no property set {name!r}; there are: {', '.join(proof.name for proof in PROOFS)}")

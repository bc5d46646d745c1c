"""Errors planted in the simulator: the function, and both models of time."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

HAND = "tests/accel_sim/time/test_hand_counts.py"
ENDINGS = "tests/accel_sim/time/test_endings.py"
ACCOUNTS = "tests/accel_sim/time/test_accounts.py"
RANDOM = "tests/accel_sim/events/test_random_programs.py::test_random_machines[0]"
LITERAL = "tests/accel_sim/function/test_literal.py"

MUTANTS = (
    # The stepper
    Mutant("stepper_hold", "accel_sim/stepper/claims.py", "until[holder, port] >= t", "until[holder, port] > t",
           "a port is free in the last cycle of its hold", (HAND, RANDOM)),
    Mutant("stepper_write_hold", "accel_sim/stepper/claims.py", "max(until, claims.write_until[engine, bank])",
           "until", "a short write ends the hold of a long one before it", (HAND, RANDOM)),
    Mutant("stepper_fetch_room", "accel_sim/stepper/control.py", "control.fetch_free < count",
           "control.fetch_free <= count", "fetch asks a slot later than it might", (HAND, RANDOM)),
    Mutant("stepper_token", "accel_sim/stepper/control.py", "-= (wait >> source) & 1", "-= 0",
           "a token is not consumed", (HAND, RANDOM)),
    Mutant("stepper_deadlock", "accel_sim/stepper/control.py", "DEADLOCK_CYCLES - 1", "DEADLOCK_CYCLES",
           "a deadlock is seen a cycle late", (ENDINGS, RANDOM)),
    Mutant("stepper_load_flight", "accel_sim/stepper/load.py", "in_flight(control, LOAD) < LOAD_IN_FLIGHT",
           "in_flight(control, LOAD) <= LOAD_IN_FLIGHT", "one more load is in flight", (HAND, RANDOM)),
    Mutant("stepper_load_segment", "accel_sim/stepper/load.py", "load.access_last = t + words",
           "load.access_last = t + words - 1", "a segment of load is a cycle short", (HAND, RANDOM)),
    Mutant("stepper_priority", "accel_sim/stepper/memory.py", "(FETCH, WEIGHTS, LOAD)", "(FETCH, LOAD, WEIGHTS)",
           "load comes before weights at the memory port", (HAND, RANDOM)),
    Mutant("stepper_response", "accel_sim/stepper/memory.py", "memory.last_response + 1", "memory.last_response",
           "two writes are answered in one cycle", (HAND, RANDOM)),
    Mutant("stepper_shift", "accel_sim/stepper/matrix.py", "t > matrix.shift_last and present",
           "t >= matrix.shift_last and present", "a shift starts in the last cycle of the one before", (HAND, RANDOM)),
    Mutant("stepper_half", "accel_sim/stepper/matrix.py", "t + rows + setup.matrix_latency - 1",
           "t + rows + setup.matrix_latency", "matrix holds its half a cycle too long", (HAND, RANDOM)),
    Mutant("stepper_vector_write", "accel_sim/stepper/vector.py", "last_hold + VECTOR_LATENCY_CYCLES", "last_hold",
           "vector frees its write ports with its reads", (HAND, RANDOM)),
    Mutant("stepper_store_pack", "accel_sim/stepper/store.py", "store.read_last + STORE_PACK_CYCLES",
           "store.read_last", "a store burst is sent before it is packed", (HAND, RANDOM)),
    Mutant("stepper_weights_room", "accel_sim/stepper/weights.py", "<= weights.free_beats", "< weights.free_beats",
           "a burst that fills the FIFO exactly waits", (HAND, RANDOM)),
    Mutant("stepper_dram_busy", "accel_sim/stepper/dram.py", "= first + beats", "= first + beats - 1",
           "a DRAM bank is free a cycle early", (RANDOM,)),
    Mutant("stepper_account", "accel_sim/stepper/accounts.py", "place -= 1", "place -= 0",
           "a draining cycle is charged to the next instruction", (ACCOUNTS, RANDOM)),
    # The events kernel
    Mutant("events_overflow", "accel_sim/events/control.py", "control.token[engine, target] > LARGEST_TOKEN",
           "control.token[engine, target] >= LARGEST_TOKEN", "a token counter overflows one early",
           (ENDINGS, RANDOM)),
    Mutant("events_dispatch", "accel_sim/events/control.py", "max(t + 1, control.head_complete)",
           "max(t + 2, control.head_complete)", "dispatch pauses a cycle", (HAND, RANDOM)),
    Mutant("events_until", "accel_sim/events/counts.py", "min(t - 1, upto)", "min(t, upto)",
           "a state is charged one cycle too many", (HAND, RANDOM)),
    Mutant("events_hold", "accel_sim/events/holds.py", "return until + 1 if", "return until if",
           "a port is free in the last cycle of its hold", (HAND, RANDOM)),
    Mutant("events_vector_write", "accel_sim/events/holds.py", "holds.vector_write_until[bank] + 1",
           "holds.vector_write_until[bank]", "a bank is free in the last cycle of vector's write", (HAND, RANDOM)),
    Mutant("events_load_pad", "accel_sim/events/load.py", "reach - instruction.window_pad", "reach",
           "a padded window waits for bytes that it does not read", (HAND, RANDOM)),
    Mutant("events_load_frees", "accel_sim/events/load.py", "load.access_frees = freed - load.line_freed",
           "load.access_frees = freed", "beats of a line are freed twice", (HAND, RANDOM)),
    Mutant("events_matrix_wait", "accel_sim/events/matrix.py", "max(matrix.read_last, matrix.shadow_full)",
           "matrix.shadow_full", "a pass begins while the one before still reads", (HAND, RANDOM)),
    Mutant("events_outstanding", "accel_sim/events/store.py", "_response(store, burst - setup.outstanding) + 1",
           "_response(store, burst - setup.outstanding)", "a write is sent in the cycle of the response that lets it",
           (HAND, RANDOM)),
    Mutant("events_vector_claim", "accel_sim/events/vector.py", "max(t + 1, vector.read_last)", "t + 1",
           "vector claims while it still reads", (HAND, RANDOM)),
    Mutant("events_tile_release", "accel_sim/events/weights.py", "begin + setup.rows", "begin + setup.rows - 1",
           "a tile's beats are freed a cycle early", (HAND, RANDOM)),
    Mutant("events_rate", "accel_sim/events/memory.py", "lacking + setup.rate_numerator - 1",
           "lacking + setup.rate_numerator", "a slow bus is a cycle slower now and then", (HAND, RANDOM)),
    # The function
    Mutant("function_load_inside", "accel_sim/function/load.py", "positions < line_bytes", "positions <= line_bytes",
           "the byte behind a line is read in place of the fill", (f"{LITERAL}::test_load",)),
    Mutant("function_exact", "accel_sim/function/matrix.py", "SINGLE_BOUND = 1 << 24", "SINGLE_BOUND = 1 << 27",
           "sums beyond single precision are computed in it", ("tests/accel_sim/function/test_exact_product.py",)),
    Mutant("function_accumulate", "accel_sim/function/matrix.py", "wrap32(state.accumulators[:, block_rows] + ",
           "wrap32(", "accumulating overwrites", (LITERAL,)),
    Mutant("function_residual", "accel_sim/function/vector.py", "[..., -1, -1]", "[..., 0, 0]",
           "the residual operand is that of the first tap", (LITERAL,)),
    Mutant("function_right_shift", "accel_sim/function/vector.py", "(shifts >> 8)", "(shifts >> 7)",
           "the right shift is read a bit too low", (LITERAL,)),
    Mutant("function_store_stride", "accel_sim/function/store.py", '* instruction["word_stride"]', "* 1",
           "store reads neighbouring words whatever the stride", (f"{LITERAL}::test_store",)),
    Mutant("function_weights_zero", "accel_sim/function/weights.py", '- np.int16(instruction["zero_point"])',
           '+ np.int16(instruction["zero_point"])', "the weights' zero point is added", (LITERAL,)),
)

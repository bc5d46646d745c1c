"""Errors planted in the Verilog, every unit of it."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

CONTROL = "tests/rtl/control/test_control.py"
LOAD = "tests/rtl/load/test_load.py::test_load[4-4-4-1024]"
MATRIX = "tests/rtl/matrix/test_matrix.py::test_engine[4-4]"
STORE = "tests/rtl/store/test_store.py::test_store[4-4-4-16]"
VECTOR = "tests/rtl/vector/test_vector.py::test_engine[4-4]"
REQUANTIZE = "tests/rtl/vector/test_vector.py::test_requantize[verilator-requantize]"
NARROW = "tests/rtl/vector/test_vector.py::test_requantize[verilator-requantize_narrow]"
WEIGHTS = "tests/rtl/weights/test_weights.py::test_weights[4-4-4-32-16]"
ARBITER = "tests/rtl/memory/test_memory.py::test_read_arbiter[16-16]"
CLAIMS = "tests/rtl/scratchpad/test_scratchpad.py::test_claim_arbiter[4]"
BANK = "tests/rtl/scratchpad/test_scratchpad.py::test_bank[verilator]"
HOST = "tests/rtl/host/test_host.py::test_host_registers[verilator]"
ACCUMULATORS = "tests/rtl/accumulators/test_accumulators.py::test_accumulators[4-16-verilator]"

MUTANTS = (
    Mutant("rtl_token_direction", "rtl/control/tokens.sv", "send_i[5*p+q]", "send_i[5*q+p]",
           "a token goes from the receiver to the sender", (f"{CONTROL}::test_tokens[verilator]",)),
    Mutant("rtl_token_last", "rtl/control/tokens.sv", "count_q[i] != 8'd1", "count_q[i] != 8'd2",
           "the last but one token of a counter is lost", (f"{CONTROL}::test_tokens[verilator]",)),
    Mutant("rtl_token_limit", "rtl/control/tokens.sv", "TOKEN_LIMIT - 1)", "TOKEN_LIMIT - 2)",
           "a counter overflows one token early", (f"{CONTROL}::test_tokens[verilator]",)),
    Mutant("rtl_queue_bypass", "rtl/control/instruction_queue.sv", "(!valid_o || (single && pop_i))", "!valid_o",
           "an instruction pushed while the only one leaves is lost",
           (f"{CONTROL}::test_instruction_queue[2-verilator]",)),
    Mutant("rtl_dispatch_window", "rtl/control/dispatch.sv", "store_lane + store_window > 10'(B)",
           "store_lane + store_window >= 10'(B)", "a store of whole words is illegal",
           (f"{CONTROL}::test_dispatch[4-4]",)),
    Mutant("rtl_dispatch_table", "rtl/control/dispatch.sv", "(vector_table != 0 && use_residual)",
           "(vector_table == 1 && use_residual)", "the second table beside a residual is legal",
           (f"{CONTROL}::test_dispatch[4-4]",)),
    Mutant("rtl_fetch_room", "rtl/control/fetch.sv", "free_q >= FreeBits'(count)", "free_q > FreeBits'(count)",
           "fetch asks a slot later than it might", (f"{CONTROL}::test_fetch[16-4]",)),
    Mutant("rtl_fetch_end", "rtl/control/fetch.sv", "left_q != 32'd4", "left_q != 32'd5",
           "fetch goes on after a last burst of four", (f"{CONTROL}::test_fetch[16-4]",)),
    Mutant("rtl_counter_clear", "rtl/control/state_counters.sv", "count_i && rst_ni && !clear_i", "count_i && rst_ni",
           "the cycle of a start is counted", (f"{CONTROL}::test_counters",)),
    Mutant("rtl_deadlock_cycle", "rtl/control/program_end.sv", "DEADLOCK_CYCLES - 1", "DEADLOCK_CYCLES - 2",
           "a deadlock is seen one cycle early", (f"{CONTROL}::test_program_end",)),
    Mutant("rtl_end_idle", "rtl/control/program_end.sv", "halt_i && empty_i && idle_i",
           "halt_i && (empty_i || idle_i)", "a program is done with instructions in a queue",
           (f"{CONTROL}::test_program_end",)),
    Mutant("rtl_run_drain", "rtl/control/run_state.sv", "running_q || draining_q;", "running_q;",
           "a reset while the port drains forgets what is outstanding", (f"{CONTROL}::test_run_state",)),
    Mutant("rtl_arbiter_outstanding", "rtl/memory/read_arbiter.sv", "outstanding_q < COUNT_BITS'(OUTSTANDING)",
           "outstanding_q <= COUNT_BITS'(OUTSTANDING)", "one more read burst is outstanding", (ARBITER,)),
    Mutant("rtl_arbiter_priority", "rtl/memory/read_arbiter.sv", "load_req_i && !weights_req_i && !fetch_req_i",
           "load_req_i && !fetch_req_i", "load and weights are granted in one cycle", (ARBITER,)),
    Mutant("rtl_arbiter_length", "rtl/memory/read_arbiter.sv", "8'(granted_beats) - 8'd1", "8'(granted_beats)",
           "a read burst is a beat too long", (ARBITER,)),
    Mutant("rtl_cutter_piece", "rtl/memory/burst_cutter.sv", "position_q[31:8] + 24'd1", "position_q[31:8] + 24'd2",
           "a burst skips 256 bytes", (WEIGHTS,)),
    Mutant("rtl_line_wrap", "rtl/memory/line_counter.sv", "if (wrap2_o) left3_d", "if (wrap1_o) left3_d",
           "the outermost line count moves with the middle one", (LOAD,)),
    Mutant("rtl_claim_held", "rtl/scratchpad/claim_arbiter.sv",
           "store_held = (store_read_i & (vector_hold_read_i | matrix_hold_read_i))",
           "store_held = (store_read_i & vector_hold_read_i)", "store reads a bank that matrix holds", (CLAIMS,)),
    Mutant("rtl_claim_order", "rtl/scratchpad/claim_arbiter.sv", "!(vector_grant_o && vector_load)",
           "!(store_grant_o && vector_load)", "load is granted the port that vector got in this cycle", (CLAIMS,)),
    Mutant("rtl_bank_enable", "rtl/scratchpad/scratchpad_bank.sv", "wen_i && wbe_i[b]",
           "wen_i && (b == 0 || wbe_i[b])", "byte 0 of a word is written without its enable", (BANK,)),
    Mutant("rtl_fifo_zero_point", "rtl/weights/weight_fifo.sv", "{zero_point_q[7], zero_point_q}",
           "{1'b0, zero_point_q}", "a negative zero point of the weights is taken as positive", (WEIGHTS,)),
    Mutant("rtl_fifo_present", "rtl/weights/weight_fifo.sv", "(read_row_q & ROW_BITS'(ROWS - 1)) == '0",
           "(read_row_q & ROW_BITS'(ROWS - 1)) == ROW_BITS'(1)", "a tile counts as present a cycle too long",
           (WEIGHTS,)),
    Mutant("rtl_weights_room", "rtl/weights/weights_engine.sv", "COMPARE_BITS'(mem_beats_o) <= ",
           "COMPARE_BITS'(mem_beats_o) < ", "a burst that fills the FIFO exactly waits", (WEIGHTS,)),
    Mutant("rtl_weights_tiles", "rtl/weights/weights_engine.sv", "if (retire_o) tiles_d = '0;",
           "if (retire_o) tiles_d = TILES_BITS'(1);", "an instruction retires a tile early after another", (WEIGHTS,)),
    Mutant("rtl_pe_operand", "rtl/matrix/pe.sv", "product = weight_q * x_i", "product = weight_q * x_o",
           "a product takes the activation of the cycle before", ("tests/rtl/matrix/test_matrix.py::test_array[4-4]",)),
    Mutant("rtl_pe_swap", "rtl/matrix/pe.sv", "if (swap_i) weight_q <= shadow_q;",
           "if (swap_i) weight_q <= load_i ? w_i : shadow_q;", "a swap during a shift takes the arriving weight",
           ("tests/rtl/matrix/test_matrix.py::test_array[4-4]", MATRIX)),
    Mutant("rtl_pass_tap", "rtl/matrix/matrix_passes.sv", "pass1_d = pass2_d;", "pass1_d = pass1_q;",
           "the taps of the middle level go on where they ended", (MATRIX,)),
    Mutant("rtl_pass_accumulator", "rtl/matrix/matrix_passes.sv", "accumulator_q + accumulator_stride_q",
           "accumulator_q + accumulator_stride_q + 16'd1", "blocks are a row further apart", (MATRIX,)),
    Mutant("rtl_accumulator_half", "rtl/accumulators/accumulators.sv", "vector_half_q <= vector_raddr_i[WORD_BITS]",
           "vector_half_q <= vector_raddr_i[WORD_BITS-1]", "vector gets the other half's row", (ACCUMULATORS,)),
    Mutant("rtl_requantize_tie", "rtl/vector/requantize.sv", "64'sd1073741824", "64'sd1073741823",
           "a tie of the high multiplication is rounded down", (REQUANTIZE,)),
    Mutant("rtl_requantize_sign", "rtl/vector/requantize.sv", "(!high_q[31] || wide", "(high_q[31] || wide",
           "ties of the right shift go towards zero", (REQUANTIZE,)),
    Mutant("rtl_narrow_lost", "rtl/vector/requantize_narrow.sv", "left_i > 5'd23 ? left_i - 5'd23 : '0",
           "left_i > 5'd24 ? left_i - 5'd24 : '0", "a left shift keeps a bit that 32 bits would lose", (NARROW,)),
    Mutant("rtl_clamp_order", "rtl/vector/vector_clamp.sv", "sum > 32'(high) || low > high", "sum > 32'(high)",
           "the lower clamp wins where it is above the upper", (VECTOR,)),
    Mutant("rtl_lane_residual", "rtl/vector/vector_lane.sv", "#(.WIDTH(9), .CYCLES(8))", "#(.WIDTH(9), .CYCLES(9))",
           "the residual operand comes a cycle late", (VECTOR,)),
    Mutant("rtl_lane_maximum", "rtl/vector/vector_lane.sv", "take = first_3_i || term", "take = term",
           "a maximum goes on from the result before", (VECTOR,)),
    Mutant("rtl_table_select", "rtl/vector/table_memory.sv", "address = {table_i, index_i}",
           "address = {!table_i, index_i}", "a look-up takes the other table", (VECTOR,)),
    Mutant("rtl_store_lane", "rtl/store/store_buffer.sv", "BYTE_BITS'(LANES - 1 - lane)", "BYTE_BITS'(LANES - lane)",
           "a byte goes to the next row of its burst buffer", (STORE,)),
    Mutant("rtl_store_quiet", "rtl/store/store_engine.sv", "!store_ren_o && !outstanding;", "!store_ren_o;",
           "waiting for a write response counts as quiet", (STORE,)),
    Mutant("rtl_load_tables", "rtl/load/load_place.sv", "last_word >= 20'(TABLE_WORDS)",
           "last_word > 20'(TABLE_WORDS)", "the word after the tables is legal", (LOAD,)),
    Mutant("rtl_load_steps", "rtl/load/load_place.sv", "words_i[3:0] - 4'd1", "words_i[3:0]",
           "a short segment claims a word too many", (LOAD,)),
    Mutant("rtl_host_response", "rtl/host/host_registers.sv", "else if (s_axil_bready_i) bvalid_q <= 1'b0;",
           "else bvalid_q <= 1'b0;", "a write response is taken back before it is accepted", (HOST,)),
    Mutant("rtl_host_counter_word", "rtl/host/host_registers.sv", "read_word[0] ? counter_i[63:32]",
           "!read_word[0] ? counter_i[63:32]", "the words of a counter are swapped", (HOST,)),
)

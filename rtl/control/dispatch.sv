// Dispatch: moves the oldest complete instruction into its engine's queue, one a cycle, or says that it is halt or
// illegal. Combinational. Legality is the table's (docs/isa.md) and that of docs/units/control.md.
module dispatch #(
    parameter int ROWS = 16,     // rows of the array
    parameter int COLUMNS = 16   // columns of the array
) (
    input  logic         running_i,     // the program runs
    input  logic         head_valid_i,  // the fetch buffer's oldest instruction is complete
    input  logic [511:0] head_i,        // that instruction
    input  logic [  4:0] full_i,        // full queues
    output logic [  4:0] push_o,        // dispatched into this queue in this cycle
    output logic         pop_o,         // removed from the fetch buffer in this cycle
    output logic         halt_o,        // the oldest instruction is halt
    output logic         illegal_o      // the oldest instruction is illegal
);
  localparam int B = ROWS > COLUMNS ? ROWS : COLUMNS;

  logic [3:0] opcode;
  logic [4:0] engine;  // one-hot; zero for halt and for unknown opcodes
  logic load_illegal, weights_illegal, matrix_illegal, vector_illegal, store_illegal, legal;
  logic [9:0] load_window, load_lane, store_window, store_lane;
  logic [1:0] load_space, vector_table;
  logic [2:0] reduce;
  logic use_residual;

  assign opcode = head_i[3:0];
  assign engine = {
    opcode == 4'(tpukit_isa::OPCODE_STORE),
    opcode == 4'(tpukit_isa::OPCODE_VECTOR),
    opcode == 4'(tpukit_isa::OPCODE_MATRIX),
    opcode == 4'(tpukit_isa::OPCODE_WEIGHTS),
    opcode == 4'(tpukit_isa::OPCODE_LOAD)
  };

  assign load_window = 10'(head_i[tpukit_isa::LOAD_WINDOW_BYTES_LSB+:tpukit_isa::LOAD_WINDOW_BYTES_BITS]);
  assign load_lane = 10'(head_i[tpukit_isa::LOAD_LANE_OFFSET_LSB+:tpukit_isa::LOAD_LANE_OFFSET_BITS]);
  assign load_space = head_i[tpukit_isa::LOAD_SPACE_LSB+:tpukit_isa::LOAD_SPACE_BITS];
  assign load_illegal = head_i[511:tpukit_isa::LOAD_USED_BITS] != '0
      || head_i[tpukit_isa::LOAD_WAIT_LSB+tpukit_isa::ENGINE_LOAD]
      || head_i[tpukit_isa::LOAD_SEND_LSB+tpukit_isa::ENGINE_LOAD]
      || load_space > 2'(tpukit_isa::SPACE_TABLES) || load_window == 0 || load_lane + load_window > 10'(B)
      || (load_space != 2'(tpukit_isa::SPACE_SCRATCHPAD) && (load_window != 10'(B) || load_lane != 0));

  assign weights_illegal = head_i[511:tpukit_isa::WEIGHTS_USED_BITS] != '0
      || head_i[tpukit_isa::WEIGHTS_WAIT_LSB+tpukit_isa::ENGINE_WEIGHTS]
      || head_i[tpukit_isa::WEIGHTS_SEND_LSB+tpukit_isa::ENGINE_WEIGHTS]
      || head_i[tpukit_isa::WEIGHTS_SOURCE_LSB] || head_i[tpukit_isa::WEIGHTS_TRANSPOSE_LSB];

  assign matrix_illegal = head_i[511:tpukit_isa::MATRIX_USED_BITS] != '0
      || head_i[tpukit_isa::MATRIX_WAIT_LSB+tpukit_isa::ENGINE_MATRIX]
      || head_i[tpukit_isa::MATRIX_SEND_LSB+tpukit_isa::ENGINE_MATRIX];

  assign reduce = head_i[tpukit_isa::VECTOR_REDUCE_LSB+:tpukit_isa::VECTOR_REDUCE_BITS];
  assign use_residual = head_i[tpukit_isa::VECTOR_USE_RESIDUAL_LSB];
  assign vector_table = head_i[tpukit_isa::VECTOR_TABLE_LSB+:tpukit_isa::VECTOR_TABLE_BITS];
  assign vector_illegal = head_i[511:tpukit_isa::VECTOR_USED_BITS] != '0
      || head_i[tpukit_isa::VECTOR_WAIT_LSB+tpukit_isa::ENGINE_VECTOR]
      || head_i[tpukit_isa::VECTOR_SEND_LSB+tpukit_isa::ENGINE_VECTOR]
      || reduce > 3'(tpukit_isa::REDUCE_MAC)
      || (reduce == 3'(tpukit_isa::REDUCE_MAC)
          && (use_residual || head_i[tpukit_isa::VECTOR_SOURCE_LSB]))
      || vector_table > 2'(tpukit_isa::TABLE_COUNT) || (vector_table != 0 && use_residual)
      || (head_i[tpukit_isa::VECTOR_SUBTRACT_LSB] && !use_residual);

  assign store_window = 10'(head_i[tpukit_isa::STORE_WINDOW_BYTES_LSB+:tpukit_isa::STORE_WINDOW_BYTES_BITS]);
  assign store_lane = 10'(head_i[tpukit_isa::STORE_LANE_OFFSET_LSB+:tpukit_isa::STORE_LANE_OFFSET_BITS]);
  assign store_illegal = head_i[511:tpukit_isa::STORE_USED_BITS] != '0
      || head_i[tpukit_isa::STORE_WAIT_LSB+tpukit_isa::ENGINE_STORE]
      || head_i[tpukit_isa::STORE_SEND_LSB+tpukit_isa::ENGINE_STORE]
      || store_window == 0 || store_lane + store_window > 10'(B);

  always_comb begin
    case (opcode)
      4'(tpukit_isa::OPCODE_HALT): legal = head_i[511:tpukit_isa::HALT_USED_BITS] == '0;
      4'(tpukit_isa::OPCODE_LOAD): legal = !load_illegal;
      4'(tpukit_isa::OPCODE_WEIGHTS): legal = !weights_illegal;
      4'(tpukit_isa::OPCODE_MATRIX): legal = !matrix_illegal;
      4'(tpukit_isa::OPCODE_VECTOR): legal = !vector_illegal;
      4'(tpukit_isa::OPCODE_STORE): legal = !store_illegal;
      default: legal = 1'b0;
    endcase
  end

  assign illegal_o = running_i && head_valid_i && !legal;
  assign halt_o = running_i && head_valid_i && legal && opcode == 4'(tpukit_isa::OPCODE_HALT);
  assign push_o = running_i && head_valid_i && legal ? engine & ~full_i : '0;
  assign pop_o = push_o != '0;
endmodule

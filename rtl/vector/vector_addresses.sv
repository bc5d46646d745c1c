// The five nested loops of a vector instruction: block, y, x, ky, kx (innermost), and the addresses of A, B and D in
// them. One iteration (a read) in each cycle from the one after start_i to the one with last_o.
//
//   cycle         t      t+1  ...  t+n
//   start_i       1                (1: the next instruction)
//   running_o            1    1    1
//   last_o               0    0    1
module vector_addresses (
    input  logic                                          clk_i,        // clock
    input  logic                                          rst_ni,       // synchronous reset, active low
    input  logic                                          start_i,      // begin instr_i in the next cycle
    input  logic [      tpukit_isa::VECTOR_USED_BITS-1:0] instr_i,      // the instruction, given with start_i
    output logic                                          running_o,    // an iteration in this cycle
    output logic                                          first_tap_o,  // it is the first tap of a result
    output logic                                          last_tap_o,   // it is the last tap of a result
    output logic                                          last_o,       // it is the instruction's last
    output logic [           tpukit_isa::ADDRESS_BITS-1:0] a_o,          // address of A
    output logic [           tpukit_isa::ADDRESS_BITS-1:0] b_o,          // address of B
    output logic [           tpukit_isa::ADDRESS_BITS-1:0] d_o,          // address of the result
    output logic [tpukit_isa::VECTOR_PARAMETERS_BITS-1:0] entry_o       // parameter entry of the block
);
  localparam int BLOCKS_BITS = tpukit_isa::VECTOR_BLOCKS_BITS;
  localparam int Y_BITS = tpukit_isa::VECTOR_Y_COUNT_BITS;
  localparam int X_BITS = tpukit_isa::VECTOR_X_COUNT_BITS;
  localparam int KY_BITS = tpukit_isa::VECTOR_KY_COUNT_BITS;
  localparam int KX_BITS = tpukit_isa::VECTOR_KX_COUNT_BITS;
  localparam int STRIDE_BITS = tpukit_isa::ADDRESS_BITS;
  localparam int LEVELS = 5;  // kx, ky, x, y, block: 0 to 4

  // The walk: iterations that are left after this one, for every level.
  logic running_d, running_q, first_tap_d, first_tap_q;
  logic [BLOCKS_BITS-1:0] blocks_d, blocks_q;
  logic [Y_BITS-1:0] y_d, y_q, y_start_q;
  logic [X_BITS-1:0] x_d, x_q, x_start_q;
  logic [KY_BITS-1:0] ky_d, ky_q, ky_start_q;
  logic [KX_BITS-1:0] kx_d, kx_q, kx_start_q;
  logic [tpukit_isa::VECTOR_PARAMETERS_BITS-1:0] entry_d, entry_q;
  logic [LEVELS-1:0] at_end_d, at_end, advance;  // levels in their last iteration
  logic last_q;  // the iteration is the instruction's last

  // The instruction and its fields come from registers, start_i at the end of a long path: what depends on both is worked
  // out for either value of start_i.
  logic [KX_BITS-1:0] start_kx, walk_kx;
  logic [KY_BITS-1:0] start_ky, walk_ky;
  logic [X_BITS-1:0] start_x, walk_x;
  logic [Y_BITS-1:0] start_y, walk_y;
  logic [BLOCKS_BITS-1:0] start_blocks, walk_blocks;
  logic [LEVELS-1:0] start_at_end, walk_at_end;

  // Strides of the instruction, lowest level first.
  logic [LEVELS*STRIDE_BITS-1:0] a_strides_q, b_strides_q;
  logic [(LEVELS-2)*STRIDE_BITS-1:0] d_strides_q;

  assign start_kx = instr_i[tpukit_isa::VECTOR_KX_COUNT_LSB+:KX_BITS];
  assign start_ky = instr_i[tpukit_isa::VECTOR_KY_COUNT_LSB+:KY_BITS];
  assign start_x = instr_i[tpukit_isa::VECTOR_X_COUNT_LSB+:X_BITS];
  assign start_y = instr_i[tpukit_isa::VECTOR_Y_COUNT_LSB+:Y_BITS];
  assign start_blocks = instr_i[tpukit_isa::VECTOR_BLOCKS_LSB+:BLOCKS_BITS];
  assign start_at_end = {start_blocks == '0, start_y == '0, start_x == '0, start_ky == '0, start_kx == '0};
  assign walk_at_end = {walk_blocks == '0, walk_y == '0, walk_x == '0, walk_ky == '0, walk_kx == '0};

  always_comb begin
    // The lowest level that is not at its end goes on.
    advance[0] = !at_end[0];
    for (int l = 1; l < LEVELS; l++) advance[l] = !at_end[l] && ((~at_end & LEVELS'((1 << l) - 1)) == '0);

    walk_kx = advance[0] ? kx_q - 1'b1 : kx_start_q;
    walk_ky = at_end[0] ? ky_q - 1'b1 : ky_q;
    if (at_end[1:0] == '1) walk_ky = ky_start_q;
    walk_x = at_end[1:0] == '1 ? x_q - 1'b1 : x_q;
    if (at_end[2:0] == '1) walk_x = x_start_q;
    walk_y = at_end[2:0] == '1 ? y_q - 1'b1 : y_q;
    if (at_end[3:0] == '1) walk_y = y_start_q;
    walk_blocks = advance[4] ? blocks_q - 1'b1 : blocks_q;

    kx_d = start_i ? start_kx : walk_kx;
    ky_d = start_i ? start_ky : walk_ky;
    x_d = start_i ? start_x : walk_x;
    y_d = start_i ? start_y : walk_y;
    blocks_d = start_i ? start_blocks : walk_blocks;
    at_end_d = start_i ? start_at_end : walk_at_end;
    entry_d = advance[4] ? entry_q + 1'b1 : entry_q;
    if (start_i) entry_d = instr_i[tpukit_isa::VECTOR_PARAMETERS_LSB+:tpukit_isa::VECTOR_PARAMETERS_BITS];
    first_tap_d = start_i || at_end[1:0] == '1;
    running_d = start_i || (running_q && !last_q);
  end

  always_ff @(posedge clk_i) begin
    kx_q <= kx_d;
    ky_q <= ky_d;
    x_q <= x_d;
    y_q <= y_d;
    blocks_q <= blocks_d;
    entry_q <= entry_d;
    first_tap_q <= first_tap_d;
    running_q <= running_d && rst_ni;
    at_end <= at_end_d;
    last_q <= running_d && rst_ni && (start_i ? start_at_end == '1 : walk_at_end == '1);
    if (start_i) begin
      kx_start_q <= kx_d;
      ky_start_q <= ky_d;
      x_start_q <= x_d;
      y_start_q <= y_d;
      a_strides_q <= {
        instr_i[tpukit_isa::VECTOR_A_BLOCK_STRIDE_LSB+:STRIDE_BITS],
        instr_i[tpukit_isa::VECTOR_A_Y_STRIDE_LSB+:STRIDE_BITS],
        instr_i[tpukit_isa::VECTOR_A_X_STRIDE_LSB+:STRIDE_BITS],
        instr_i[tpukit_isa::VECTOR_A_KY_STRIDE_LSB+:STRIDE_BITS],
        instr_i[tpukit_isa::VECTOR_A_KX_STRIDE_LSB+:STRIDE_BITS]
      };
      b_strides_q <= {
        instr_i[tpukit_isa::VECTOR_B_BLOCK_STRIDE_LSB+:STRIDE_BITS],
        instr_i[tpukit_isa::VECTOR_B_Y_STRIDE_LSB+:STRIDE_BITS],
        instr_i[tpukit_isa::VECTOR_B_X_STRIDE_LSB+:STRIDE_BITS],
        instr_i[tpukit_isa::VECTOR_B_KY_STRIDE_LSB+:STRIDE_BITS],
        instr_i[tpukit_isa::VECTOR_B_KX_STRIDE_LSB+:STRIDE_BITS]
      };
      d_strides_q <= {
        instr_i[tpukit_isa::VECTOR_D_BLOCK_STRIDE_LSB+:STRIDE_BITS],
        instr_i[tpukit_isa::VECTOR_D_Y_STRIDE_LSB+:STRIDE_BITS],
        instr_i[tpukit_isa::VECTOR_D_X_STRIDE_LSB+:STRIDE_BITS]
      };
    end
  end

  vector_address_walker #(
      .LEVELS(LEVELS)
  ) u_a (
      .clk_i,
      .start_i,
      .base_i(instr_i[tpukit_isa::VECTOR_A_LSB+:STRIDE_BITS]),
      .strides_i(a_strides_q),
      .advance_i(advance),
      .address_o(a_o)
  );
  vector_address_walker #(
      .LEVELS(LEVELS)
  ) u_b (
      .clk_i,
      .start_i,
      .base_i(instr_i[tpukit_isa::VECTOR_B_LSB+:STRIDE_BITS]),
      .strides_i(b_strides_q),
      .advance_i(advance),
      .address_o(b_o)
  );
  vector_address_walker #(
      .LEVELS(LEVELS - 2)
  ) u_d (
      .clk_i,
      .start_i,
      .base_i(instr_i[tpukit_isa::VECTOR_D_LSB+:STRIDE_BITS]),
      .strides_i(d_strides_q),
      .advance_i(advance[LEVELS-1:2]),
      .address_o(d_o)
  );

  assign running_o = running_q;
  assign first_tap_o = first_tap_q;
  assign last_tap_o = at_end[1:0] == '1;
  assign last_o = last_q;
  assign entry_o = entry_q;

  logic unused;
  assign unused = &{1'b0, instr_i};

`ifdef FORMAL_VECTOR_ADDRESSES
  `include "vector_addresses.svh"
`endif
endmodule

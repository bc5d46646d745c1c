// The systolic array: ROWS x COLUMNS processing elements with their skew, deskew and the weights' way in. A row of ROWS
// operands enters in one cycle, the row of COLUMNS sums leaves in one cycle.
//
//   cycle     t-1     t             t+r+c                       t+ROWS+COLUMNS-1
//   swap_i    1       (only before the first row of a pass)
//   x_i               row           byte r is at PE(r, c)
//   psum_o                                                      row @ weights
//
//   cycle          s        s+r           s+r+c               s+r+c+1
//   shift_i        1
//   weight_row_i   row 0    row r
//   shadow                                written, PE(r, c)   may be swapped in (swap at PE(r, c))
//
// PE(r, c) swaps r + c cycles after swap_i, and its shadow is written r + c cycles after shift_i: both ways are one
// diagonal delay line each, so a shift_i in the very cycle of swap_i writes no shadow before it is taken.
module systolic_array #(
    parameter int ROWS = 16,     // rows: operands of an activation row, rows of a weight tile
    parameter int COLUMNS = 16,  // columns: sums of an output row
    localparam int PSUM_BITS = 18 + $clog2(ROWS)
) (
    input  logic                         clk_i,         // clock
    input  logic                         rst_ni,        // synchronous reset, active low
    input  logic [           9*ROWS-1:0] x_i,           // activation row, 9-bit signed, operand 0 lowest
    input  logic                         swap_i,        // a pass's first row follows in the next cycle
    input  logic                         shift_i,       // a tile's row 0 is on weight_row_i, the others follow
    input  logic [        9*COLUMNS-1:0] weight_row_i,  // weight row, 9-bit signed, column 0 lowest
    output logic [PSUM_BITS*COLUMNS-1:0] psum_o         // sums of a row, signed, column 0 lowest
);
  localparam int DIAGONALS = ROWS + COLUMNS - 1;

  // Element k: what happens at the PEs with r + c = k. Element 0 is the input itself.
  logic [DIAGONALS-1:0] swap, shift;
  logic [DIAGONALS-2:0] swap_q, shift_q;
  assign swap  = {swap_q, swap_i};
  assign shift = {shift_q, shift_i};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      swap_q  <= '0;
      shift_q <= '0;
    end else begin
      swap_q  <= swap[DIAGONALS-2:0];
      shift_q <= shift[DIAGONALS-2:0];
    end
  end

  genvar r, c;
  generate
    for (c = 0; c < COLUMNS; c++) begin : g_weight
      logic [8:0] weight;  // column c of weight_row_i, c cycles later
      matrix_delay #(
          .BITS  (9),
          .CYCLES(c)
      ) u_skew (
          .clk_i,
          .data_i(weight_row_i[9*c+:9]),
          .data_o(weight)
      );
    end

    for (r = 0; r < ROWS; r++) begin : g_row
      logic [8:0] first;  // operand r, r cycles later
      matrix_delay #(
          .BITS  (9),
          .CYCLES(r)
      ) u_skew (
          .clk_i,
          .data_i(x_i[9*r+:9]),
          .data_o(first)
      );

      for (c = 0; c < COLUMNS; c++) begin : g_column
        logic signed [8:0] x_in, x_out;
        logic signed [PSUM_BITS-1:0] psum_in, psum_out;

        if (c == 0) begin : g_first_column
          assign x_in = first;
        end else begin : g_other_column
          assign x_in = g_row[r].g_column[c-1].x_out;
        end
        if (r == 0) begin : g_first_row
          assign psum_in = '0;
        end else begin : g_other_row
          assign psum_in = g_row[r-1].g_column[c].psum_out;
        end
        if (c == COLUMNS - 1) begin : g_last_column
          logic unused;
          assign unused = ^x_out;
        end

        pe #(
            .PSUM_BITS(PSUM_BITS)
        ) u_pe (
            .clk_i,
            .x_i(x_in),
            .x_o(x_out),
            .psum_i(psum_in),
            .psum_o(psum_out),
            .swap_i(swap[r+c]),
            .load_i(shift[r+c]),
            .w_i(g_weight[c].weight)
        );
      end
    end

    for (c = 0; c < COLUMNS; c++) begin : g_deskew
      matrix_delay #(
          .BITS  (PSUM_BITS),
          .CYCLES(COLUMNS - 1 - c)
      ) u_deskew (
          .clk_i,
          .data_i(g_row[ROWS-1].g_column[c].psum_out),
          .data_o(psum_o[PSUM_BITS*c+:PSUM_BITS])
      );
    end
  endgenerate
endmodule

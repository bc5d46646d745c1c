// What the load engine needs of an instruction right after its issue: the bytes of a line that its first 16 words need, and
// those before the window of its word 16 (docs/units/load.md). Combinational.
module load_ahead #(
    localparam int LINE_BITS = tpukit_isa::LOAD_LINE_BYTES_BITS
) (
    input  logic [tpukit_isa::INSTRUCTION_BITS-1:0] instr_i,  // a load instruction; else the output has no meaning
    output logic [2*LINE_BITS-1:0]                  ahead_o   // bytes before word 16's window, bytes needed (lowest)
);
  logic signed [LINE_BITS+1:0] line_bytes, stride, pad, after, last;
  logic [LINE_BITS-1:0] first_after, first_end;
  logic unused;

  always_comb begin
    line_bytes  = (LINE_BITS + 2)'(instr_i[tpukit_isa::LOAD_LINE_BYTES_LSB+:LINE_BITS]);
    stride      = (LINE_BITS + 2)'(instr_i[tpukit_isa::LOAD_WINDOW_STRIDE_LSB+:13]);
    pad         = (LINE_BITS + 2)'(instr_i[tpukit_isa::LOAD_WINDOW_PAD_LSB+:13]);
    after       = (stride <<< 4) - pad;
    last        = ((stride <<< 4) - stride) +
                  ((LINE_BITS + 2)'(instr_i[tpukit_isa::LOAD_WINDOW_BYTES_LSB+:9]) - pad);
    first_after = after < 0 ? '0 : after[LINE_BITS-1:0];
    first_end   = last < 0 ? '0 : last > line_bytes ? line_bytes[LINE_BITS-1:0] : last[LINE_BITS-1:0];
  end

  assign ahead_o = {first_after, first_end};
  assign unused  = ^{instr_i, after[LINE_BITS]};
endmodule

// One place for what a channel of AXI4-Lite carries. Ready and valid are registers, so that no path leads through it from
// an input to an output, as AXI asks of every interface; it takes a transfer every second cycle at most.
//
//   cycle       0   1         2
//   in_valid    1
//   in_ready    1   0 ...     1
//   out_valid       1 until out_ready
module axil_buffer #(
    parameter int WIDTH = 32  // bits of a transfer
) (
    input  logic             clk_i,        // clock
    input  logic             rst_ni,       // synchronous reset, active low; in_ready_o is low in it
    input  logic             in_valid_i,   // a transfer is offered
    output logic             in_ready_o,   // it is taken
    input  logic [WIDTH-1:0] in_data_i,    // what it carries
    output logic             out_valid_o,  // a transfer is here
    input  logic             out_ready_i,  // it is taken out
    output logic [WIDTH-1:0] out_data_o    // what it carries
);
  logic ready_q, valid_q;
  logic [WIDTH-1:0] data_q;

  assign in_ready_o  = ready_q;
  assign out_valid_o = valid_q;
  assign out_data_o  = data_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ready_q <= 1'b0;
      valid_q <= 1'b0;
    end else if (valid_q) begin
      ready_q <= out_ready_i;
      valid_q <= !out_ready_i;
    end else begin
      ready_q <= !(in_valid_i && ready_q);
      valid_q <= in_valid_i && ready_q;
    end
  end

  always_ff @(posedge clk_i) if (in_valid_i && ready_q) data_q <= in_data_i;
endmodule

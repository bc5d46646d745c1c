// One byte lane of a buffer: a memory with one write and one read port, read data registered.
//
//   cycle      a          a+1
//   read_i     1
//   address    x
//   data_o     .          memory[x] as of the end of a-1 (a write in `a` to the same address is not seen)
module byte_ram #(
    parameter int DEPTH = 16  // bytes; a power of two, at least 1
) (
    input  logic                                       clk_i,            // clock
    input  logic                                       write_i,          // write in this cycle
    input  logic [(DEPTH > 1 ? $clog2(DEPTH) : 1)-1:0] write_address_i,  // where
    input  logic [                                7:0] write_data_i,     // what
    input  logic                                       read_i,           // read in this cycle; otherwise data_o holds
    input  logic [(DEPTH > 1 ? $clog2(DEPTH) : 1)-1:0] read_address_i,   // where
    output logic [                                7:0] data_o            // one cycle after read_i
);
  logic [7:0] memory_q[DEPTH];

  always_ff @(posedge clk_i) begin
    if (write_i) memory_q[write_address_i] <= write_data_i;
    if (read_i) data_o <= memory_q[read_address_i];
  end
endmodule

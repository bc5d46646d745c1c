// The scratchpad banks that hold granules of [first, last]. Combinational.
module bank_mask #(
    parameter int BANKS         = 4,     // number of banks, at least 2
    parameter int BANK_GRANULES = 4096,  // granules in a bank
    parameter int WIDTH         = 20     // bits of an address, beyond the largest granule
) (
    input  logic [WIDTH-1:0] first_i,  // first granule
    input  logic [WIDTH-1:0] last_i,   // last granule, at least first_i
    output logic [BANKS-1:0] mask_o    // one bit a bank
);
  logic [BANKS-1:0] first_up_to;  // bit k: in bank k or before it
  logic [BANKS-2:0] last_up_to;

  for (genvar bank = 0; bank < BANKS; bank++) begin : g_first
    assign first_up_to[bank] = first_i < WIDTH'((bank + 1) * BANK_GRANULES);
  end
  for (genvar bank = 0; bank < BANKS - 1; bank++) begin : g_last
    assign last_up_to[bank] = last_i < WIDTH'((bank + 1) * BANK_GRANULES);
  end

  assign mask_o = first_up_to & ~{last_up_to, 1'b0};

`ifdef FORMAL_BANK_MASK
  `include "bank_mask.svh"
`endif
endmodule

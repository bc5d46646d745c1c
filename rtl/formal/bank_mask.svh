  // A bank is in the mask exactly if some granule of it lies in [first, last], whichever granule that is.
  for (genvar bank = 0; bank < BANKS; bank++) begin : g_f_bank
    localparam int F_FIRST = bank * BANK_GRANULES;
    localparam int F_LAST = F_FIRST + BANK_GRANULES - 1;
    always_comb begin
      assert (mask_o[bank] == (32'(first_i) <= F_LAST && 32'(last_i) >= F_FIRST));
    end
  end
  always_comb begin
    assume (first_i <= last_i && 32'(last_i) < BANKS * BANK_GRANULES);
    cover (mask_o[0] && mask_o[BANKS-1]);
  end

// The claim arbiter with engines that behave as docs/timing.md says and otherwise at will: an engine uses a port in a
// cycle only if it was granted it in the cycle before or held it then; it holds some of the ports that it uses (at its
// last access none). Then no port ever has two users.
module claim_arbiter_proof #(
    parameter int BANKS = 4
) (
    input logic             clk_i,
    input logic             rst_ni,
    input logic             store_req_i,
    input logic             vector_req_i,
    input logic             matrix_req_i,
    input logic             load_req_i,
    input logic [BANKS-1:0] store_read_i,   // masks that they ask for
    input logic [BANKS-1:0] vector_read_i,
    input logic [BANKS-1:0] vector_write_i,
    input logic [BANKS-1:0] matrix_read_i,
    input logic [BANKS-1:0] load_write_i,
    input logic [      1:0] vector_acc_i,
    input logic [      1:0] matrix_acc_i,
    input logic [BANKS-1:0] store_keep_i,   // ports that they go on using; those that they keep are held
    input logic [BANKS-1:0] vector_keep_read_i,
    input logic [BANKS-1:0] vector_keep_write_i,
    input logic [BANKS-1:0] matrix_keep_i,
    input logic [BANKS-1:0] load_keep_i,
    input logic [      1:0] vector_keep_acc_i,
    input logic [      1:0] matrix_keep_acc_i
);
  `include "formal_reset.svh"
  logic store_grant, vector_grant, matrix_grant, load_grant, vector_bank_denied, matrix_bank_denied;
  // Ports in use in this cycle; ports that are held, because a use follows.
  logic [BANKS-1:0] store_q, vector_read_q, vector_write_q, matrix_q, load_q;
  logic [1:0] vector_acc_q, matrix_acc_q;
  logic [BANKS-1:0] store_hold, vector_hold_read, vector_hold_write, matrix_hold, load_hold;
  logic [1:0] vector_hold_acc, matrix_hold_acc;

  assign store_hold        = store_q & store_keep_i;
  assign vector_hold_read  = vector_read_q & vector_keep_read_i;
  assign vector_hold_write = vector_write_q & vector_keep_write_i;
  assign vector_hold_acc   = vector_acc_q & vector_keep_acc_i;
  assign matrix_hold       = matrix_q & matrix_keep_i;
  assign matrix_hold_acc   = matrix_acc_q & matrix_keep_acc_i;
  assign load_hold         = load_q & load_keep_i;

  claim_arbiter #(
      .BANKS(BANKS)
  ) i_claim_arbiter (
      .store_req_i,
      .store_read_i,
      .vector_req_i,
      .vector_read_i,
      .vector_write_i,
      .vector_acc_i,
      .matrix_req_i,
      .matrix_read_i,
      .matrix_acc_i,
      .load_req_i,
      .load_write_i,
      .store_hold_read_i(store_hold),
      .vector_hold_read_i(vector_hold_read),
      .vector_hold_write_i(vector_hold_write),
      .vector_hold_acc_i(vector_hold_acc),
      .matrix_hold_read_i(matrix_hold),
      .matrix_hold_acc_i(matrix_hold_acc),
      .load_hold_write_i(load_hold),
      .store_grant_o(store_grant),
      .vector_grant_o(vector_grant),
      .matrix_grant_o(matrix_grant),
      .load_grant_o(load_grant),
      .vector_bank_denied_o(vector_bank_denied),
      .matrix_bank_denied_o(matrix_bank_denied)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      {store_q, vector_read_q, vector_write_q, matrix_q, load_q, vector_acc_q, matrix_acc_q} <= '0;
    end else begin
      store_q        <= store_hold | (store_grant ? store_read_i : '0);
      vector_read_q  <= vector_hold_read | (vector_grant ? vector_read_i : '0);
      vector_write_q <= vector_hold_write | (vector_grant ? vector_write_i : '0);
      vector_acc_q   <= vector_hold_acc | (vector_grant ? vector_acc_i : '0);
      matrix_q       <= matrix_hold | (matrix_grant ? matrix_read_i : '0);
      matrix_acc_q   <= matrix_hold_acc | (matrix_grant ? matrix_acc_i : '0);
      load_q         <= load_hold | (load_grant ? load_write_i : '0);
    end
  end

  // What each asks for and another holds.
  logic store_blocked, vector_blocked, vector_acc_blocked, matrix_blocked, matrix_acc_blocked, load_blocked;
  // What each asks for and one before it in the order was granted in this cycle.
  logic vector_late, matrix_late, matrix_acc_late, load_late;

  assign store_blocked = |(store_read_i & (vector_hold_read | matrix_hold));
  assign vector_blocked = |(vector_read_i & (store_hold | matrix_hold | vector_hold_write)) ||
      |(vector_write_i & load_hold);
  assign vector_acc_blocked = |(vector_acc_i & matrix_hold_acc);
  assign matrix_blocked = |(matrix_read_i & (store_hold | vector_hold_read));
  assign matrix_acc_blocked = |(matrix_acc_i & vector_hold_acc);
  assign load_blocked = |(load_write_i & vector_hold_write);
  assign vector_late = store_grant && |(vector_read_i & store_read_i);
  assign matrix_late = (store_grant && |(matrix_read_i & store_read_i)) ||
      (vector_grant && |(matrix_read_i & vector_read_i));
  assign matrix_acc_late = vector_grant && |(matrix_acc_i & vector_acc_i);
  assign load_late = vector_grant && |(load_write_i & vector_write_i);

  always_comb begin
    if (f_started_q && rst_ni) begin
      // One user a port.
      assert ((store_q & vector_read_q) == '0 && (store_q & matrix_q) == '0 && (vector_read_q & matrix_q) == '0);
      assert ((vector_write_q & load_q) == '0);
      assert ((vector_acc_q & matrix_acc_q) == '0);
      // A grant exactly when all that it asks for is free, in the order store, vector, matrix, load.
      assert (store_grant == (store_req_i && !store_blocked));
      assert (vector_grant == (vector_req_i && !vector_blocked && !vector_acc_blocked && !vector_late));
      assert (matrix_grant ==
          (matrix_req_i && !matrix_blocked && !matrix_acc_blocked && !matrix_late && !matrix_acc_late));
      assert (load_grant == (load_req_i && !load_blocked && !load_late));
      // A denial by banks is told from one by accumulators.
      assert (vector_bank_denied == (vector_req_i && (vector_blocked || vector_late)));
      assert (matrix_bank_denied == (matrix_req_i && (matrix_blocked || matrix_late)));
      cover (store_grant && vector_grant && matrix_grant && load_grant && store_q != '0 && load_q != '0);
      cover (vector_req_i && !vector_grant && matrix_req_i && !matrix_grant && !matrix_bank_denied);
    end
  end
endmodule

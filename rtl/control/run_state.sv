// The run state: idle, running, draining, ended. A program runs from the cycle after its start to the cycle of its end.
// What is then still outstanding on the memory port is drained before STATUS says done, or before a reset is complete,
// so that the next program finds the port as after reset. An error shows at once.
//
//   cycle       0     1    ...   t      t+1
//   start_i     1
//   running_o         1    ...   1      0
//   draining_o                          1 ... until nothing is outstanding
module run_state (
    input  logic       clk_i,       // clock
    input  logic       rst_ni,      // synchronous reset, active low
    input  logic       start_i,     // CONTROL.start is written; ignored unless idle or done
    input  logic       reset_i,     // CONTROL.reset is written
    input  logic       end_i,       // the program ends in this cycle
    input  logic [2:0] end_status_i,  // with this status
    input  logic       drained_i,   // nothing is outstanding or on its way out on the memory port
    output logic       start_o,     // a program starts: this is cycle 0
    output logic       running_o,   // the program runs
    output logic       draining_o,  // waits for the memory port
    output logic [2:0] status_o     // STATUS
);
  localparam logic [2:0] Idle = 3'(tpukit_isa::STATUS_IDLE);
  localparam logic [2:0] Running = 3'(tpukit_isa::STATUS_RUNNING);
  localparam logic [2:0] Done = 3'(tpukit_isa::STATUS_DONE);

  logic running_q, draining_q;
  logic [2:0] status_q, final_q;  // final_q: STATUS once drained

  assign running_o  = running_q;
  assign draining_o = draining_q;
  assign status_o   = status_q;
  assign start_o    = start_i && !reset_i && (status_q == Idle || status_q == Done) && !draining_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      running_q  <= 1'b0;
      draining_q <= 1'b0;
      status_q   <= Idle;
      final_q    <= Idle;
    end else if (reset_i) begin
      running_q  <= 1'b0;
      draining_q <= running_q || draining_q;
      final_q    <= Idle;
      if (!running_q && !draining_q) status_q <= Idle;
    end else if (start_o) begin
      running_q <= 1'b1;
      status_q  <= Running;
    end else if (running_q && end_i) begin
      running_q  <= 1'b0;
      draining_q <= 1'b1;
      final_q    <= end_status_i;
      if (end_status_i != Done) status_q <= end_status_i;
    end else if (draining_q && drained_i) begin
      draining_q <= 1'b0;
      status_q   <= final_q;
    end
  end
endmodule

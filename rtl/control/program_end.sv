// End of a program (docs/timing.md): done, bus error, illegal instruction, address error, token overflow or deadlock,
// decided in the cycle in which it comes. Of several in one cycle the first of this order counts: bus error, illegal
// instruction, address error, token overflow, done, deadlock.
//
// A deadlock is the 64th quiet cycle in a row. Nothing that a unit does by itself takes more than a few cycles without an
// event (the longest is the packing of a store burst), so a machine that was quiet for 63 cycles is quiet in the next:
// that one need not be looked at, which takes a long path away.
module program_end (
    input  logic       clk_i,            // clock
    input  logic       rst_ni,           // synchronous reset, active low; held while not running
    input  logic       running_i,        // the program runs
    input  logic       halt_i,           // the head of the fetch buffer is halt
    input  logic       empty_i,          // all queues are empty
    input  logic       idle_i,           // all engines are idle
    input  logic       quiet_i,          // a quiet cycle
    input  logic       bus_error_i,      // the memory answers with an error
    input  logic       illegal_i,        // illegal instruction
    input  logic       address_error_i,  // address error of any unit
    input  logic       overflow_i,       // token overflow
    output logic       end_o,            // the program ends in this cycle
    output logic [2:0] status_o          // with this status code
);
  logic [5:0] quiet_q;  // quiet cycles just before this one
  logic done, deadlock;

  assign done = halt_i && empty_i && idle_i;
  assign deadlock = quiet_q == 6'(tpukit_isa::DEADLOCK_CYCLES - 1);
  assign end_o = running_i && (bus_error_i || illegal_i || address_error_i || overflow_i || done || deadlock);

  always @(posedge clk_i) begin
    if (rst_ni && deadlock) assert (quiet_i);
  end

  always_comb begin
    if (bus_error_i) status_o = 3'(tpukit_isa::STATUS_BUS_ERROR);
    else if (illegal_i) status_o = 3'(tpukit_isa::STATUS_ILLEGAL_INSTRUCTION);
    else if (address_error_i) status_o = 3'(tpukit_isa::STATUS_ADDRESS_ERROR);
    else if (overflow_i) status_o = 3'(tpukit_isa::STATUS_TOKEN_OVERFLOW);
    else if (done) status_o = 3'(tpukit_isa::STATUS_DONE);
    else status_o = 3'(tpukit_isa::STATUS_DEADLOCK);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || !quiet_i) quiet_q <= '0;
    else quiet_q <= quiet_q + 1'b1;
  end
endmodule

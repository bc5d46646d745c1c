// One engine for the eye: a signal for each state, named as in docs/timing.md, high in the cycles that are counted in it.
module engine_wave (
    input logic       running_i,  // this cycle counts
    input logic       issue_i,    // the engine issues in this cycle
    input logic       retire_i,   // it retires an instruction in this cycle
    input logic [3:0] state_i     // its state
);
  /* verilator lint_off UNUSEDSIGNAL */
  logic issue, retire;
  logic idle, busy, start, wait_token, wait_bank, wait_accumulator;
  logic wait_memory, wait_weights, wait_shift, wait_room, drain;
  /* verilator lint_on UNUSEDSIGNAL */
  assign issue = running_i && issue_i;
  assign retire = running_i && retire_i;
  assign idle             = running_i && state_i == 4'(tpukit_isa::STATE_IDLE);
  assign busy             = running_i && state_i == 4'(tpukit_isa::STATE_BUSY);
  assign start            = running_i && state_i == 4'(tpukit_isa::STATE_START);
  assign wait_token       = running_i && state_i == 4'(tpukit_isa::STATE_WAIT_TOKEN);
  assign wait_bank        = running_i && state_i == 4'(tpukit_isa::STATE_WAIT_BANK);
  assign wait_accumulator = running_i && state_i == 4'(tpukit_isa::STATE_WAIT_ACCUMULATOR);
  assign wait_memory      = running_i && state_i == 4'(tpukit_isa::STATE_WAIT_MEMORY);
  assign wait_weights     = running_i && state_i == 4'(tpukit_isa::STATE_WAIT_WEIGHTS);
  assign wait_shift       = running_i && state_i == 4'(tpukit_isa::STATE_WAIT_SHIFT);
  assign wait_room        = running_i && state_i == 4'(tpukit_isa::STATE_WAIT_ROOM);
  assign drain            = running_i && state_i == 4'(tpukit_isa::STATE_DRAIN);
endmodule

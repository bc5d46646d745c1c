// What the engines do, under the names of the profile (docs/traces.md): signals for a person who looks at waveforms.
// Nothing reads them, so a build without waves drops them.
module engine_waves (
    input logic [63:0] cycle_i,    // number of this cycle, as in docs/timing.md
    input logic        running_i,  // the program runs: this cycle counts
    input logic [ 4:0] issue_i,    // engines that issue in this cycle
    input logic [ 4:0] retire_i,   // engines that retire an instruction in this cycle
    input logic [19:0] state_i     // state of each engine
);
  /* verilator lint_off UNUSEDSIGNAL */
  logic [63:0] cycle;
  /* verilator lint_on UNUSEDSIGNAL */
  assign cycle = running_i ? cycle_i : '0;
  engine_wave load (
      .running_i,
      .issue_i (issue_i[tpukit_isa::ENGINE_LOAD]),
      .retire_i(retire_i[tpukit_isa::ENGINE_LOAD]),
      .state_i (state_i[4*tpukit_isa::ENGINE_LOAD+:4])
  );
  engine_wave weights (
      .running_i,
      .issue_i (issue_i[tpukit_isa::ENGINE_WEIGHTS]),
      .retire_i(retire_i[tpukit_isa::ENGINE_WEIGHTS]),
      .state_i (state_i[4*tpukit_isa::ENGINE_WEIGHTS+:4])
  );
  engine_wave matrix (
      .running_i,
      .issue_i (issue_i[tpukit_isa::ENGINE_MATRIX]),
      .retire_i(retire_i[tpukit_isa::ENGINE_MATRIX]),
      .state_i (state_i[4*tpukit_isa::ENGINE_MATRIX+:4])
  );
  engine_wave vector (
      .running_i,
      .issue_i (issue_i[tpukit_isa::ENGINE_VECTOR]),
      .retire_i(retire_i[tpukit_isa::ENGINE_VECTOR]),
      .state_i (state_i[4*tpukit_isa::ENGINE_VECTOR+:4])
  );
  engine_wave store (
      .running_i,
      .issue_i (issue_i[tpukit_isa::ENGINE_STORE]),
      .retire_i(retire_i[tpukit_isa::ENGINE_STORE]),
      .state_i (state_i[4*tpukit_isa::ENGINE_STORE+:4])
  );
endmodule

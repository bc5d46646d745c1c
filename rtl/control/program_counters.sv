// Everything that a program's run is measured by: cycles, beats, and the cycles of each engine in each state. All are
// cleared by start and stand still when the program has ended. Reading them perturbs nothing.
module program_counters (
    input  logic        clk_i,             // clock
    input  logic        rst_ni,            // synchronous reset, active low: all zero
    input  logic        clear_i,           // all zero from the next cycle on
    input  logic        running_i,         // this cycle counts
    input  logic [19:0] state_i,           // state of each engine
    input  logic        read_beat_i,       // a beat is read
    input  logic        write_beat_i,      // a beat is written
    input  logic [ 2:0] counter_engine_i,  // state counter to read: engine
    input  logic [ 3:0] counter_state_i,   // and state
    output logic [63:0] counter_o,         // its value
    output logic [63:0] cycles_o,          // counted cycles
    output logic [31:0] read_beats_o,      // beats read, modulo 2**32
    output logic [31:0] write_beats_o      // beats written, modulo 2**32
);
  logic [63:0] cycles_q;
  logic [31:0] read_beats_q, write_beats_q;
  logic [5*64-1:0] values;

  assign cycles_o = cycles_q;
  assign read_beats_o = read_beats_q;
  assign write_beats_o = write_beats_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      cycles_q <= '0;
      read_beats_q <= '0;
      write_beats_q <= '0;
    end else if (running_i) begin
      cycles_q <= cycles_q + 64'd1;
      read_beats_q <= read_beats_q + {31'b0, read_beat_i};
      write_beats_q <= write_beats_q + {31'b0, write_beat_i};
    end
  end

  generate
    for (genvar q = 0; q < 5; q++) begin : g_engine
      state_counters u_states (
          .clk_i,
          .rst_ni,
          .clear_i,
          .count_i(running_i),
          .state_i(state_i[4*q+:4]),
          .index_i(counter_state_i),
          .value_o(values[64*q+:64])
      );
    end
  endgenerate

  always_comb begin
    case (counter_engine_i)
      3'd0: counter_o = values[0+:64];
      3'd1: counter_o = values[64+:64];
      3'd2: counter_o = values[128+:64];
      3'd3: counter_o = values[192+:64];
      3'd4: counter_o = values[256+:64];
      default: counter_o = '0;
    endcase
  end
endmodule

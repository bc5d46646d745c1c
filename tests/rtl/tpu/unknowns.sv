// A second top beside testbench_clock, for Icarus: writes a line for every output of the machine that is unknown (X) where
// it means something, and starts a second program when the first has ended.
//
// Plusargs: +unknowns= the file; +second_address= +second_length= the second program, if any; +reset= 1: reset between.
`timescale 1ns / 1ns
module unknowns #(
    parameter int BUS_BYTES = 4  // bytes of a beat
) ();
  integer file, second_length, second_address, reset, cycle;
  logic second;
  string name;

  initial begin
    second = 1'b0;
    cycle = 0;
    if (!$value$plusargs("second_length=%d", second_length)) second_length = 0;
    if (!$value$plusargs("second_address=%d", second_address)) second_address = 0;
    if (!$value$plusargs("reset=%d", reset)) reset = 0;
    if (!$value$plusargs("unknowns=%s", name)) $fatal(1, "no file of unknowns");
    file = $fopen(name, "w");
  end

  // One bit of a sum of all bits is unknown if one of them is.
  `define KNOWN(condition, signal) \
    if ((condition) !== 1'b0 && (^testbench_clock.u_testbench.signal) === 1'bx) $fwrite(file, "%0d signal\n", cycle);

  always @(posedge testbench_clock.clk) begin
    cycle <= cycle + 1;
    if (testbench_clock.u_testbench.rst_n) begin
      `KNOWN(1'b1, m_arvalid)
      `KNOWN(testbench_clock.u_testbench.m_arvalid, m_araddr)
      `KNOWN(testbench_clock.u_testbench.m_arvalid, m_arlen)
      `KNOWN(testbench_clock.u_testbench.m_arvalid, m_arsize)
      `KNOWN(testbench_clock.u_testbench.m_arvalid, m_arburst)
      `KNOWN(1'b1, m_rready)
      `KNOWN(1'b1, m_awvalid)
      `KNOWN(testbench_clock.u_testbench.m_awvalid, m_awaddr)
      `KNOWN(testbench_clock.u_testbench.m_awvalid, m_awlen)
      `KNOWN(testbench_clock.u_testbench.m_awvalid, m_awsize)
      `KNOWN(testbench_clock.u_testbench.m_awvalid, m_awburst)
      `KNOWN(1'b1, m_wvalid)
      `KNOWN(testbench_clock.u_testbench.m_wvalid, m_wlast)
      `KNOWN(testbench_clock.u_testbench.m_wvalid, m_wstrb)
      `KNOWN(1'b1, m_bready)
      `KNOWN(1'b1, awready)
      `KNOWN(1'b1, wready)
      `KNOWN(1'b1, bvalid)
      `KNOWN(testbench_clock.u_testbench.bvalid, bresp)
      `KNOWN(1'b1, arready)
      `KNOWN(1'b1, rvalid)
      `KNOWN(testbench_clock.u_testbench.rvalid, rdata)
      `KNOWN(testbench_clock.u_testbench.rvalid, rresp)
      `KNOWN(1'b1, issue)
      `KNOWN(1'b1, retire)
      `KNOWN(1'b1, start)
      `KNOWN(1'b1, running)
      `KNOWN(testbench_clock.u_testbench.running, state)
      `KNOWN(1'b1, interrupt)
      // Bytes that are written.
      if (testbench_clock.u_testbench.m_wvalid) begin
        for (int b = 0; b < BUS_BYTES; b++) begin
          if (testbench_clock.u_testbench.m_wstrb[b] !== 1'b0 &&
              (^testbench_clock.u_testbench.m_wdata[8*b+:8]) === 1'bx) $fwrite(file, "%0d m_wdata\n", cycle);
        end
      end
    end
  end

  // All registers of the first program are read: the host begins anew.
  always @(negedge testbench_clock.clk) begin
    if (!second && second_length != 0 && testbench_clock.u_testbench.step_q == testbench_clock.u_testbench.StepEnd) begin
      second = 1'b1;
      testbench_clock.u_testbench.program_address = second_address;
      testbench_clock.u_testbench.program_length = second_length;
      testbench_clock.u_testbench.step_q = 0;
      if (reset != 0) testbench_clock.u_testbench.reset_q = 0;
      $fwrite(testbench_clock.u_testbench.result_file, "second\n");
      $fwrite(testbench_clock.u_testbench.events_file, "second\n");
    end
  end
endmodule

"""What of the Verilog its tests reach: lines, branches and toggles, counted by Verilator and merged over all builds."""

// Runs the test bench once for each entry of a file: toggles its clock until $finish, and nothing else. Each run has a
// model of its own, so it begins as after power-on.
//
// Arguments: the file of runs, in which every plusarg ends with a zero byte and every run with one more; and a file to
// which the seconds that each run took are appended when it has ended, a line each.
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "Vtestbench.h"
#include "verilated.h"

static void run(const std::vector<std::string>& plusargs) {
    std::vector<const char*> arguments{"testbench"};
    for (const auto& plusarg : plusargs) arguments.push_back(plusarg.c_str());
    const auto context = std::make_unique<VerilatedContext>();
    context->commandArgs(static_cast<int>(arguments.size()), arguments.data());
#if VM_TRACE
    context->traceEverOn(true);
#endif
    const auto bench = std::make_unique<Vtestbench>(context.get());
    while (!context->gotFinish()) {
        bench->clk_i = 0;
        bench->eval();
        context->timeInc(1);
        bench->clk_i = 1;
        bench->eval();
        context->timeInc(1);
    }
    bench->final();
}

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "error: two arguments are needed: the runs, and where their seconds go\n";
        return 2;
    }
    std::ifstream runs(argv[1], std::ios::binary);
    std::ofstream seconds(argv[2]);
    if (!runs || !seconds) {
        std::cerr << "error: cannot open " << (runs ? argv[2] : argv[1]) << "\n";
        return 2;
    }
    std::vector<std::string> plusargs;
    for (std::string text; std::getline(runs, text, '\0');) {
        if (!text.empty()) {
            plusargs.push_back(text);
            continue;
        }
        const auto start = std::chrono::steady_clock::now();
        run(plusargs);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        seconds << took.count() << std::endl;
        plusargs.clear();
    }
    return 0;
}

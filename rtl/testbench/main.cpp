// Runs the test bench once for each entry of a file: toggles its clock until $finish, and nothing else. Each run has a
// model of its own, so it begins as after power-on.
//
// Arguments: the file of runs, in which every plusarg ends with a zero byte and every run with one more; a file to which
// a line is appended when a run has ended, its seconds and the CPU seconds of its cycles; and a file in which the clock
// cycles of all runs until now are written again and again.
//
// The CPU seconds are those between the first cycle, which reads the memory image, and the last look at the clock, at
// most LOOK cycles before the last one, which writes the memory.
#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "Vtestbench.h"
#include "verilated.h"

static constexpr unsigned LOOK = 256;  // cycles from one look at the clock to the next
static constexpr double SAY = 0.25;    // CPU seconds from one note of the cycles to the next

static double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

static unsigned long long cycles = 0;  // of all runs

static double run(const std::vector<std::string>& plusargs, std::ofstream& progress) {
    std::vector<const char*> arguments{"testbench"};
    for (const auto& plusarg : plusargs) arguments.push_back(plusarg.c_str());
    const auto context = std::make_unique<VerilatedContext>();
    context->commandArgs(static_cast<int>(arguments.size()), arguments.data());
#if VM_TRACE
    context->traceEverOn(true);
#endif
    const auto bench = std::make_unique<Vtestbench>(context.get());
    double first = 0, last = 0, said = cpu_seconds();
    for (unsigned until_look = 1; !context->gotFinish(); ++cycles) {
        bench->clk_i = 0;
        bench->eval();
        context->timeInc(1);
        bench->clk_i = 1;
        bench->eval();
        context->timeInc(1);
        if (--until_look) continue;
        until_look = LOOK;
        last = cpu_seconds();
        if (first == 0) first = last;
        if (last - said < SAY) continue;
        said = last;
        progress.seekp(0);
        progress << cycles << std::endl;
    }
    bench->final();
#if VM_COVERAGE
    context->coveragep()->write();
#endif
    return last - first;
}

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "error: three arguments are needed: the runs, and where their seconds and cycles go\n";
        return 2;
    }
    std::ifstream runs(argv[1], std::ios::binary);
    std::ofstream seconds(argv[2]), progress(argv[3]);
    if (!runs || !seconds || !progress) {
        std::cerr << "error: cannot open " << (!runs ? argv[1] : !seconds ? argv[2] : argv[3]) << "\n";
        return 2;
    }
    std::vector<std::string> plusargs;
    for (std::string text; std::getline(runs, text, '\0');) {
        if (!text.empty()) {
            plusargs.push_back(text);
            continue;
        }
        const auto start = std::chrono::steady_clock::now();
        const double proper = run(plusargs, progress);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        seconds << took.count() << ' ' << proper << std::endl;
        plusargs.clear();
    }
    return 0;
}

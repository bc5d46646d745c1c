// Toggles the test bench's clock until $finish, and nothing else.
#include <memory>

#include "Vtestbench.h"
#include "verilated.h"

int main(int argc, char** argv) {
    const auto context = std::make_unique<VerilatedContext>();
    context->commandArgs(argc, argv);
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
    return 0;
}

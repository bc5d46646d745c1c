"""Errors planted in the machine's definition: numerics, instruction format, assembly text, program file."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

NUMERICS = "tests/machine/test_numerics.py"
ASSEMBLY = "tests/machine/test_assembly.py"
ISA = "tests/machine/test_isa.py"
FILE = "tests/machine/test_program_file.py"

MUTANTS = (
    Mutant("numerics_high_mul", "machine/numerics.py", "product + (1 << 30)", "product + (1 << 30) - 1",
           "a tie of the high multiplication is rounded down", (NUMERICS,)),
    Mutant("numerics_shift_tie", "machine/numerics.py", "(mask >> 1) + (wide < 0)", "(mask >> 1)",
           "negative ties of the right shift go upwards", (NUMERICS,)),
    Mutant("numerics_average_guard", "machine/numerics.py", "30 - (255 * count)", "29 - (255 * count)",
           "an average has one guard bit less", (NUMERICS,)),
    Mutant("numerics_add_scale", "machine/numerics.py", "2.0 * max(a_scale, b_scale)", "max(a_scale, b_scale)",
           "a sum's operands are scaled to the larger scale, not twice it", (NUMERICS,)),
    Mutant("numerics_smallest", "machine/numerics.py", "exponent < -MAX_SHIFT", "exponent <= -MAX_SHIFT",
           "the smallest factors become zero", (NUMERICS,)),
    Mutant("numerics_quantize", "machine/numerics.py", "np.rint(np.asarray(", "np.floor(np.asarray(",
           "quantization rounds down", (NUMERICS,)),
    Mutant("isa_count", "machine/isa.py", "value -= 1\n", "value -= 0\n", "a count is stored as it is", (ISA,)),
    Mutant("isa_sign", "machine/isa.py", "value > entry.maximum:", "value >= entry.maximum:",
           "the greatest signed value is read as negative", (ISA,)),
    Mutant("assembly_mask", "machine/assembly.py", "mask |= 1 << Engine", "mask = 1 << Engine",
           "of several engines in a mask the last is taken", (ASSEMBLY,)),
    Mutant("assembly_data", "machine/assembly.py", "line[first : last + 1]", "line[first : last]",
           "the last byte of a line of data is not printed", (ASSEMBLY,)),
    Mutant("program_checksum", "machine/program.py", "header_bytes > len(payload) or",
           "header_bytes > len(payload) and", "a wrong checksum is accepted", (FILE,)),
    Mutant("program_section", "machine/program.py", "offset + size > len(body)", "offset > len(body)",
           "a section may reach beyond the file", (FILE,)),
)

"""Errors planted in the compiler: importer, passes, quantizer, partition, tiler, allocator, tokens, verifier."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

BACKEND = "tests/compiler/backend"
FRONT = "tests/compiler/front"
OPERATORS = f"{FRONT}/test_import_operators.py"
METHODS = f"{FRONT}/test_calibration_methods.py"
CONTEXT = f"{FRONT}/test_context.py"
RANDOM_CALIBRATION = f"{FRONT}/test_random_calibration.py"

MUTANTS = (
    Mutant("importer_same_padding", "compiler/importer/windows.py", "before, after = (small, large) if upper",
           "before, after = (large, small) if upper", "SAME_UPPER and SAME_LOWER are swapped", (OPERATORS,)),
    Mutant("importer_ceil", "compiler/importer/windows.py", "(positions - 1) * stride >= size + before",
           "(positions - 1) * stride > size + before", "a window that starts in the padding behind is kept",
           (OPERATORS,)),
    Mutant("importer_undo_nodes", "compiler/importer/context.py", "del self.nodes[mark.nodes :]",
           "del self.nodes[mark.nodes + 1 :]", "a node of a refused operator stays", (CONTEXT,)),
    Mutant("importer_undo_names", "compiler/importer/context.py", "names.release(wanted, name)", "pass",
           "names that were taken back stay taken", (CONTEXT,)),
    Mutant("importer_indices", "compiler/importer/context.py", "if name in self.extra_outputs:",
           "if name in self.tensors and name in self.extra_outputs:",
           "who reads the indices of MaxPool is told that nothing writes them", (CONTEXT,)),
    Mutant("pass_clip", "compiler/passes/fuse_clip.py", "value if low is None else max(value, low)", "value",
           "the second of two clips does not raise the lower bound", (OPERATORS, f"{FRONT}/test_passes.py")),
    Mutant("pass_pad_channels", "compiler/passes/fuse_pad.py", "for axis in (0, 1, 4, 5)", "for axis in (0, 4, 5)",
           "padding of channels is fused as if there were none", (f"{FRONT}/test_passes.py",)),
    Mutant("pass_normalization", "compiler/passes/fold_batch_normalization.py", "bias - mean * factor", "bias - mean",
           "a batch normalisation's mean is not scaled", (OPERATORS,)),
    Mutant("quantizer_scale", "compiler/quantizer/scheme.py", "(high - low) / STEPS", "(high - low) / (STEPS + 1)",
           "an activation's range is a step short", (f"{FRONT}/test_quantizer.py",)),
    Mutant("quantizer_bound", "compiler/quantizer/scheme.py", "round(steps) + quantization.zero_point",
           "int(steps) + quantization.zero_point", "bounds are rounded towards zero", (f"{FRONT}/test_quantizer.py",)),
    Mutant("quantizer_product", "compiler/quantizer/parameters.py", "a.scale * b.scale / y.scale",
           "a.scale * a.scale / y.scale", "a product takes the first operand's scale twice",
           (f"{FRONT}/test_broadcasting.py", f"{FRONT}/test_reference.py")),
    Mutant("quantizer_percentile", "compiler/quantizer/ranges.py", "(2 if low < 0 < high else 1)", "1",
           "twice the share is cut where there are two ends", (METHODS,)),
    Mutant("quantizer_histogram", "compiler/quantizer/histogram.py", "dtype=np.float64) + 0.5", "dtype=np.float64)",
           "a bin stands for its lower end", (METHODS,)),
    Mutant("quantizer_random_integers", "compiler/quantizer/calibration.py", "generator.integers(0, 2, shape)",
           "generator.integers(0, 3, shape)", "random calibration draws an index that may not be legal",
           (RANDOM_CALIBRATION,)),
    Mutant("quantizer_random_samples", "compiler/quantizer/calibration.py", "RANDOM_SAMPLES * rows_of(tensor)",
           "RANDOM_SAMPLES", "random calibration draws too few samples where one has several rows",
           (RANDOM_CALIBRATION,)),
    Mutant("partition_sides", "compiler/placement/cut.py", "_add_arc(graph, ACCELERATOR, vertex, choice.host)",
           "_add_arc(graph, ACCELERATOR, vertex, choice.accelerator)", "the host is as cheap as the accelerator",
           ("tests/compiler/placement/test_cut.py",)),
    Mutant("tiler_edge", "compiler/backend/tile.py", "min(first + step, length)", "first + step",
           "the last tile reaches beyond the tensor", (f"{BACKEND}/test_tile.py",)),
    Mutant("tiler_chunks", "compiler/backend/tile.py", "c[0] < stop and first < c[1]", "c[0] <= stop and first < c[1]",
           "a chunk is loaded that no output reads", (f"{BACKEND}/test_reach.py",)),
    Mutant("allocator_constants", "compiler/backend/memory.py", "round_up(constants_at + extent.constant_bytes",
           "round_up(constants_at", "activations lie over the constants", (f"{BACKEND}/test_end_to_end.py",)),
    Mutant("allocator_life", "compiler/backend/memory.py", "if start + length <= taken_start",
           "if start + length <= taken_start + ALIGNMENT", "two activations overlap by 256 bytes",
           (f"{BACKEND}/test_end_to_end.py", f"{BACKEND}/test_random_mixtures.py")),
    Mutant("tokens_known", "compiler/backend/tokens.py", "self._now[engine][other] >= cause",
           "self._now[engine][other] >= cause - 1", "a wait for the next instruction but one is left out",
           (f"{BACKEND}/test_tokens.py",)),
    Mutant("tokens_learn", "compiler/backend/tokens.py", "max(clock[other], cause)", "max(clock[other], cause + 1)",
           "an engine believes that one more instruction has retired", (f"{BACKEND}/test_tokens.py",)),
    Mutant("verifier_race", "compiler/verify_program.py", "known[engine][other] < cause",
           "known[engine][other] < cause - 1", "a race with the instruction before is not seen",
           (f"{BACKEND}/test_verify_program.py",)),
    Mutant("verifier_rows", "compiler/verify_program.py", "first + rows - 2", "first + rows - 1",
           "only the last row of a pass is kept from being added to", (f"{BACKEND}/test_verify_program.py",)),
    Mutant("verifier_balance", "compiler/verify_program.py", "if waiting < 0:", "if waiting < -1:",
           "a tile of an instruction behind is taken", (f"{BACKEND}/test_verify_program.py",)),
)

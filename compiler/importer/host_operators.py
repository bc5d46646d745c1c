"""Operators of the standard ONNX domain that have no handler: nodes of the host, or refused, for which reason.

The tables are what `put_on_host` does with such operators: `tests/compiler/front/test_host_operators.py` tries them.
They are written down, not asked for, so that the page of operators does not depend on the installed packages.
"""

from __future__ import annotations

from collections.abc import Mapping

from compiler.importer.constants import RANDOM

NEWEST_OPSET = 28
"""The newest opset whose operators are all in the tables."""

_HOST = """
    AffineGrid And ArgMax ArgMin Attention BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast
    CastLike CausalConvWithState CenterCropPad Col2Im ConvInteger CumProd CumSum DFT DeformConv DequantizeLinear
    Det DynamicQuantizeLinear Einsum Equal EyeLike GRU GatherElements GatherND GlobalLpPool Greater GreaterOrEqual
    GridSample GroupNormalization Hardmax If InstanceNormalization IsInf IsNaN LSTM LayerNormalization Less
    LessOrEqual LinearAttention LpNormalization LpPool MatMulInteger MaxRoiPool MaxUnpool Mean Mod
    NegativeLogLikelihoodLoss Not OneHot OptionalGetElement OptionalHasElement Or QLinearConv QLinearMatMul
    QuantizeLinear RMSNormalization RNN ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMin ReduceProd
    ReduceSumSquare ReverseSequence RoiAlign RotaryEmbedding STFT Scan Scatter ScatterElements ScatterND Size
    SoftmaxCrossEntropyLoss TensorScatter TfIdfVectorizer TopK Trilu Where Xor
"""
HOST_OPERATORS = frozenset(_HOST.split())
"""Operators that only the host executes, as ONNX Runtime does."""

_REFUSED: Mapping[str, str] = {
    "the shape of its output depends on values": """
        BlackmanWindow Compress ConstantOfShape HammingWindow HannWindow MelWeightMatrix NonMaxSuppression NonZero Range
        Unique
    """,
    "ONNX Runtime does not infer the shape of its output": "Loop MeanVarianceNormalization",
    "sequences and optional values are not supported": """
        ConcatFromSequence Optional SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert
        SequenceLength SequenceMap SplitToSequence
    """,
    "texts are not supported": "RegexFullMatch StringConcat StringNormalizer StringSplit",
    "ONNX Runtime has no kernel for it": "ImageDecoder SwiGLU",
}
REFUSED_OPERATORS: Mapping[str, str] = {
    **{name: reason for reason, names in _REFUSED.items() for name in names.split()},
    **dict.fromkeys(RANDOM, "random operators are not supported"),
}
"""Operators that nothing executes, and why."""

COMPILE_TIME = "Constant"
"""The operator that has no inputs and is always evaluated at compile time."""

"""Where the time of a program goes: by layer and block of the model, and by cause (docs/profile.md)."""

from runtime.profile.build import profile_program
from runtime.profile.model import (
    CAUSES,
    LOSSES,
    BlockProfile,
    Costs,
    LayerProfile,
    NetworkProfile,
)

__all__ = [
    "CAUSES",
    "LOSSES",
    "BlockProfile",
    "Costs",
    "LayerProfile",
    "NetworkProfile",
    "profile_program",
]

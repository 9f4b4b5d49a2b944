"""The ratchet: an error that once was small must not grow back.

The budget of the error model is wide, so that other compilers pass. What our own
implementations reach is mostly far below it, and a change that doubles an error is a
loss, budget or not. The file holds the worst error of every implementation, operation,
dtype and kind of output on every platform, since processors round differently; those of
quick runs apart, as few points find less than many.

The file only ever tightens: judging takes its limits from :mod:`conformance.budgets`
alone, and no value above them can be written or read.
"""

from conformance.ratchet.judge import Verdict, check
from conformance.ratchet.record import (
    FILE,
    Key,
    entries,
    here,
    load,
    must_know,
    size_of,
)

__all__ = [
    "FILE",
    "Key",
    "Verdict",
    "check",
    "entries",
    "here",
    "load",
    "must_know",
    "size_of",
]

"""The truth: closed forms in 50-digit arithmetic, the only writer of vectors.

One module per kind of operation. Nothing here is shared with the implementations
under test.
"""

from conformance.oracle._core import Expected, Number, Outputs, Whole, encode, encoded
from conformance.oracle._evaluate import (
    COUPLED,
    DEFINITIONS,
    complete,
    defaults,
    evaluate,
    expect,
    expect_sum,
    truth,
)

__all__ = [
    "COUPLED",
    "DEFINITIONS",
    "Expected",
    "Number",
    "Outputs",
    "Whole",
    "complete",
    "defaults",
    "encode",
    "encoded",
    "evaluate",
    "expect",
    "expect_sum",
    "truth",
]

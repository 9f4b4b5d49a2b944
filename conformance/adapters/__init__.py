"""Adapters: the one way in which an implementation is asked for numbers."""

from conformance.adapters.functions import from_functions
from conformance.adapters.protocol import (
    Adapter,
    Capabilities,
    Errored,
    Evaluator,
    NotImplementedOperation,
    Outputs,
    Request,
    Response,
    Skipped,
)
from conformance.adapters.resolve import resolve

__all__ = [
    "Adapter",
    "Capabilities",
    "Errored",
    "Evaluator",
    "NotImplementedOperation",
    "Outputs",
    "Request",
    "Response",
    "Skipped",
    "from_functions",
    "resolve",
]

"""One record per operation; everything downstream is derived from these.

Profiles, command line, report and documentation iterate over ``OPERATIONS``. Only
NumPy and the standard library are needed, so the records can be read anywhere.
"""

from conformance.registry import (
    binary,
    ghm,
    heatmap,
    mining,
    probability,
    softmax,
)
from conformance.registry._general import GENERAL
from conformance.registry._operation import Operation, Rule

__all__ = ["GENERAL", "OPERATIONS", "Operation", "Rule"]

_MODULES = (binary, probability, softmax, heatmap, ghm, mining)
OPERATIONS: dict[str, Operation] = {
    operation.name: operation for module in _MODULES for operation in module.OPERATIONS
}

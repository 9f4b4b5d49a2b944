"""One record per operation; everything downstream is derived from these.

Profiles, command line, report and documentation iterate over ``OPERATIONS``. Only
NumPy and the standard library are needed, so the records can be read anywhere.
"""

from conformance.registry import binary, softmax
from conformance.registry._operation import Operation, Rule

__all__ = ["OPERATIONS", "Operation", "Rule"]

OPERATIONS: dict[str, Operation] = {
    o.name: o for o in (*binary.OPERATIONS, *softmax.OPERATIONS)
}

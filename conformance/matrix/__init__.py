"""Libraries of others, held against the specification and what is known of them."""

from conformance.matrix.run import Options, matrix

__all__ = ["Options", "matrix"]

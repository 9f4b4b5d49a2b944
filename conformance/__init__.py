"""Conformance suite: judges implementations against the specification."""

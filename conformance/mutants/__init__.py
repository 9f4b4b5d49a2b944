"""Proof that the suite can fail: planted faults, valid controls, faults of itself."""

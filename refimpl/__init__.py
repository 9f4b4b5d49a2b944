"""Reference implementation: the exact mathematics in NumPy float64."""

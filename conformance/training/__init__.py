"""Training outcomes: the same recipe trained by every backend, and compared."""

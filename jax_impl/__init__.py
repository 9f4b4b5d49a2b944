"""JAX implementation."""

"""The suite as a pytest plugin, for other libraries."""

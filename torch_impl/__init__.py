"""PyTorch implementation."""

"""Where the plugin stood before; what was installed then names this module."""

from conformance.plugin.options import pytest_addoption, pytest_configure

__all__ = ["pytest_addoption", "pytest_configure"]

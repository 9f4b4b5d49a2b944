"""Strategies that exist in every backend: names, signatures and fields agree."""

import importlib
import inspect

import pytest

MODULES = ("early_stopping", "gradients", "schedules")
BACKENDS = ("refimpl", "torch_impl", "jax_impl")


def own(backend, module):
    """Returns what a module defines for others, by name."""
    path = f"{backend}.{module}"
    members = vars(importlib.import_module(path)).items()
    return {
        name: value
        for name, value in members
        if getattr(value, "__module__", None) == path and not name.startswith("_")
    }


def shape(member):
    if inspect.isclass(member):
        return getattr(member, "_fields", ())
    parameters = inspect.signature(member).parameters.values()
    return [(p.name, p.kind, p.default) for p in parameters]


@pytest.mark.parametrize("module", MODULES)
def test_names_and_signatures_agree(module):
    expected, *others = (
        {name: shape(member) for name, member in own(backend, module).items()}
        for backend in BACKENDS
    )
    assert len(expected) > 1
    assert others == [expected, expected]

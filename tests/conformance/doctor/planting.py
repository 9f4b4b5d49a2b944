"""The register of planted ailments, and what makes one."""

import numpy as np

from tests.conformance.doctor.made import as_probabilities

PLANTED = {}


def planted(name, *, beside=()):
    """Registers a file; ``beside`` are findings that belong to the same ailment."""

    def register(make):
        key = make.__name__.replace("_", "-")
        PLANTED[key] = (name, tuple(beside), make)
        return make

    return register


def told(arrays, **more):
    return {**arrays, **{name: np.asarray(value) for name, value in more.items()}}


def probabilities(arrays):
    return as_probabilities(arrays)["probabilities"]

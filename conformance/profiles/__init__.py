"""Profiles: which questions are asked of an implementation."""

from collections.abc import Callable, Iterator, Mapping

from conformance.profiles import (
    accuracy,
    bad_input,
    determinism,
    distributed,
    dtypes,
    fresh,
    gradients,
    reductions,
    semantics,
    training,
    transforms,
    witness,
)
from conformance.profiles.batch import Batch, batches
from conformance.profiles.check import Check
from conformance.profiles.evaluate import evaluate
from conformance.profiles.judge import Failure, Result
from conformance.profiles.unit import Scope, Unit, thin

PROFILES: Mapping[str, Callable[[Scope], Iterator[Unit | Check]]] = {
    "accuracy": accuracy.units,
    "gradients": gradients.units,
    "fresh": fresh.units,
    "reductions": reductions.units,
    "semantics": semantics.units,
    "dtypes": dtypes.units,
    "transforms": transforms.units,
    "bad_input": bad_input.units,
    "determinism": determinism.units,
    "distributed": distributed.units,
    "witness": witness.units,
    "training": training.units,
}

__all__ = [
    "PROFILES",
    "Batch",
    "Check",
    "Failure",
    "Result",
    "Scope",
    "Unit",
    "batches",
    "evaluate",
    "thin",
]

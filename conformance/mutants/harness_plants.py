"""Functions of the harness as they would be if they were wrong."""

import json
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from conformance import budgets, canaries, profiles, runner, vectors
from conformance.adapters.remembering import Remembering
from conformance.mutants.harness import changed, replaced, updated
from conformance.profiles import judge
from conformance.profiles.batch import Batch
from conformance.report.counts import Tally

# Its package has a function of this name.
EVALUATE = import_module("conformance.profiles.evaluate")
# One dictionary, wherever it is used.
PROFILES: Any = profiles.PROFILES

units, tally = budgets.error_units, judge.tally
compare, all_results = judge._compare, runner._evaluate_all


def always_true(actual: Any, hi: Any, *_: Any) -> Any:
    return np.zeros(np.broadcast_shapes(np.shape(actual), np.shape(hi)))


def signed(actual: Any, hi: Any, lo: Any, scale: Any, dtype: str) -> Any:
    """An error below the truth is negative, and within every limit."""
    found = units(actual, hi, lo, scale, dtype)
    return np.where(np.asarray(actual) < np.asarray(hi), -found, found)


def times_size(actual: Any, *rest: Any) -> Any:
    return units(actual, *rest) / max(np.size(actual), 1)


def nan_is_anything(actual: Any, *rest: Any) -> Any:
    return np.where(np.isnan(actual), 0.0, units(actual, *rest))


def first_only(result: Any, errors: Any, *rest: Any, **limit: Any) -> Any:
    only = np.where(np.arange(errors.size) == 0, errors, 0.0)
    return tally(result, only, *rest, **limit)


def with_itself(result: Any, unit: Any, truth: Any, _actual: Any, *rest: Any) -> Any:
    return compare(result, unit, truth, np.asarray(truth.hi), *rest)


def broadcast(result: Any, unit: Any, truth: Any, actual: Any, *rest: Any) -> Any:
    shape = np.broadcast_shapes(np.shape(actual), np.shape(truth.hi))
    if np.prod(shape) == np.size(truth.hi):
        actual = np.broadcast_to(actual, shape).reshape(np.shape(truth.hi))
    return compare(result, unit, truth, actual, *rest)


def no_units(*_: Any) -> Iterator[Any]:
    return iter(())


def every_other(*arguments: Any) -> Iterator[Any]:
    for i, results in enumerate(all_results(*arguments)):
        if i % 2:
            yield results


def conforms(self: Tally) -> bool:
    return self.compared > 0


def shifted(self: Batch, outputs: Any, i: int) -> Any:
    points = self.shape[:1]
    own = self.slices[i - 1]
    arrays = {
        k: v[own] if v.shape[:1] == points and points else v
        for k, v in outputs.arrays.items()
    }
    return replace(outputs, arrays=arrays)


@contextmanager
def common_memory() -> Iterator[None]:
    """Answers that one implementation gave are those of all."""
    shared: OrderedDict[Any, Any] = OrderedDict()

    def common(self: Any, adapter: Any) -> None:
        self._adapter, self._answers = adapter, shared

    with changed(Remembering, __init__=common):
        yield


def on_disk(*, honest: bool) -> Callable[[], AbstractContextManager[None]]:
    """Makes a change of one number in the files, of which the manifest may know."""

    @contextmanager
    def plant() -> Iterator[None]:
        with tempfile.TemporaryDirectory() as place:
            folder = shutil.copytree(vectors.FOLDER, Path(place) / "1.0")
            path = folder / f"{canaries.FOCAL}.json"
            text = path.read_text()
            at = text.index('"outputs":{"', text.index("/basic/gamma=2;alpha=0.25"))
            at = text.index('"value":{', at)
            at = text.index('"bits":["', at) + len('"bits":["') + 6
            digit = "0" if text[at] != "0" else "1"
            path.write_text(text[:at] + digit + text[at + 1 :])
            if not honest:
                names = [*vectors.manifest()["files"]]
                files = {name: (folder / name).read_bytes() for name in names}
                described = json.loads(vectors._describe(files))
                (folder / vectors.MANIFEST).write_text(json.dumps(described))
            vectors.load.cache_clear()
            try:
                with changed(vectors, FOLDER=folder):
                    yield
            finally:
                vectors.load.cache_clear()

    return plant


def without(name: str) -> Any:
    return lambda: updated(PROFILES, {name: no_units})


def of_training(module: str, name: str, new: Any) -> Any:
    """Replaces something that only a comparison of trainings imports."""

    @contextmanager
    def plant() -> Iterator[None]:
        # Only here, since it imports much.
        place = import_module(f"conformance.training.{module}")
        if "." in name:
            kind, attribute = name.split(".")
            with changed(getattr(place, kind), **{attribute: new}):
                yield
        else:
            with replaced(getattr(place, name), new):
                yield

    return plant


def trained(self: Any, minimum_fall: float) -> dict[str, Any]:
    del self, minimum_fall
    return {"loss_before": [1.0], "loss_after": [0.5], "trained": True}


def all_equivalent(family: Any, **_: Any) -> list[str]:
    return ["equivalent"] * len(family)

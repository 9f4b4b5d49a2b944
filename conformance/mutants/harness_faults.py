"""What may be wrong with the harness, one fault each."""

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

from conformance import budgets, canaries, plan, profiles, runner, vectors
from conformance.adapters import Errored, remembering
from conformance.adapters.remembering import Remembering
from conformance.mutants.harness import COMPARE, Harness, changed, replaced, updated
from conformance.profiles import answers, judge
from conformance.profiles.batch import Batch
from conformance.report import counts
from conformance.report.counts import Tally

# Its package has a function of this name.
EVALUATE = import_module("conformance.profiles.evaluate")
# One dictionary, wherever it is used.
PROFILES: Any = profiles.PROFILES

units, tally = budgets.error_units, judge.tally
compare, all_results = judge._compare, runner._evaluate_all


def _always_true(actual: Any, hi: Any, *_: Any) -> Any:
    return np.zeros(np.broadcast_shapes(np.shape(actual), np.shape(hi)))


def _signed(actual: Any, hi: Any, lo: Any, scale: Any, dtype: str) -> Any:
    """An error below the truth is negative, and within every limit."""
    found = units(actual, hi, lo, scale, dtype)
    return np.where(np.asarray(actual) < np.asarray(hi), -found, found)


def _times_size(actual: Any, *rest: Any) -> Any:
    return units(actual, *rest) / max(np.size(actual), 1)


def _nan_is_anything(actual: Any, *rest: Any) -> Any:
    return np.where(np.isnan(actual), 0.0, units(actual, *rest))


def _first_only(result: Any, errors: Any, *rest: Any, **limit: Any) -> Any:
    only = np.where(np.arange(errors.size) == 0, errors, 0.0)
    return tally(result, only, *rest, **limit)


def _with_itself(result: Any, unit: Any, truth: Any, _actual: Any, *rest: Any) -> Any:
    return compare(result, unit, truth, np.asarray(truth.hi), *rest)


def _broadcast(result: Any, unit: Any, truth: Any, actual: Any, *rest: Any) -> Any:
    shape = np.broadcast_shapes(np.shape(actual), np.shape(truth.hi))
    if np.prod(shape) == np.size(truth.hi):
        actual = np.broadcast_to(actual, shape).reshape(np.shape(truth.hi))
    return compare(result, unit, truth, actual, *rest)


def _no_units(*_: Any) -> Iterator[Any]:
    return iter(())


def _every_other(*arguments: Any) -> Iterator[Any]:
    for i, results in enumerate(all_results(*arguments)):
        if i % 2:
            yield results


def _conforms(self: Tally) -> bool:
    return self.compared > 0


def _shifted(self: Batch, outputs: Any, i: int) -> Any:
    points = self.shape[:1]
    own = self.slices[i - 1]
    arrays = {
        k: v[own] if v.shape[:1] == points and points else v
        for k, v in outputs.arrays.items()
    }
    return replace(outputs, arrays=arrays)


@contextmanager
def _common_memory() -> Iterator[None]:
    """Answers that one implementation gave are those of all."""
    shared: OrderedDict[Any, Any] = OrderedDict()

    def common(self: Any, adapter: Any) -> None:
        self._adapter, self._answers = adapter, shared

    with changed(Remembering, __init__=common):
        yield


def _on_disk(*, honest: bool) -> Callable[[], AbstractContextManager[None]]:
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


def _without(name: str) -> Any:
    return lambda: updated(PROFILES, {name: _no_units})


def _of_training(module: str, name: str, new: Any) -> Any:
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


def _trained(self: Any, minimum_fall: float) -> dict[str, Any]:
    del self, minimum_fall
    return {"loss_before": [1.0], "loss_after": [0.5], "trained": True}


def _all_equivalent(family: Any, **_: Any) -> list[str]:
    return ["equivalent"] * len(family)


OWN = "py:conformance.mutants.adapters"
ALL: tuple[Harness, ...] = (
    Harness(
        "comparator-always-true",
        "Every error is 0.",
        lambda: replaced(units, _always_true),
    ),
    Harness(
        "absolute-value-dropped",
        "Numbers below the truth have a negative error.",
        lambda: replaced(units, _signed),
    ),
    Harness(
        "tolerance-times-size",
        "The tolerance is multiplied by the number of elements.",
        lambda: replaced(units, _times_size),
    ),
    Harness(
        "nan-equals-anything",
        "NaN has no error.",
        lambda: replaced(units, _nan_is_anything),
    ),
    Harness(
        "tiny-raised",
        "Numbers below 1e-3 may be flushed to 0.",
        lambda: updated(budgets.TINY, dict.fromkeys(budgets.TINY, 1e-3)),
    ),
    Harness(
        "first-number-only",
        "Only the first number of an output is judged.",
        lambda: replaced(tally, _first_only),
    ),
    Harness(
        "expected-with-itself",
        "The truth is compared with itself.",
        lambda: replaced(compare, _with_itself),
    ),
    Harness(
        "shapes-broadcast",
        "Arrays of other shapes are broadcast and compared.",
        lambda: replaced(compare, _broadcast),
    ),
    Harness(
        "dtype-not-looked-at",
        "The dtype of an answer does not matter.",
        lambda: replaced(judge.rejects_dtype, lambda *_: ""),
    ),
    Harness(
        "zero-cases",
        "Nothing is asked.",
        lambda: replaced(plan.units, _no_units),
    ),
    Harness(
        "gradients-not-asked",
        "The profile of gradients asks nothing.",
        _without("gradients"),
    ),
    Harness(
        "results-dropped",
        "Every other batch of results is dropped.",
        lambda: replaced(all_results, _every_other),
    ),
    Harness(
        "errored-is-passed",
        "An error of an adapter counts as a pass.",
        lambda: updated(EVALUATE.STATUS, {Errored: "pass"}),
    ),
    Harness(
        "deviations-not-counted",
        "An implementation conforms whatever failed.",
        lambda: changed(Tally, conforms=property(_conforms)),
    ),
    Harness(
        "exit-status-0",
        "The exit status is always 0.",
        lambda: replaced(counts.exit_status, lambda _: 0),
    ),
    Harness(
        "parts-shifted",
        "Units of a batch judge the numbers of each other.",
        lambda: changed(Batch, part=_shifted),
    ),
    Harness(
        "memory-mixes-calls",
        "The memory takes calls of an operation for the same.",
        lambda: replaced(remembering._key, lambda request: request.operation),
    ),
    Harness(
        "memory-is-shared",
        "The memory gives one implementation the answers of another.",
        _common_memory,
    ),
    Harness(
        "bad-values-pass",
        "Plausible numbers pass where NaN is due.",
        lambda: replaced(
            EVALUATE._judge_bad,
            lambda impl, unit, _: judge.blank(impl, unit, "bad_value", "pass"),
        ),
    ),
    Harness(
        "failures-pass",
        "What a check finds wrong is a pass.",
        lambda: replaced(
            answers.failed,
            lambda result, _reason, *, compared=1: answers.passed(
                result, compared=compared
            ),
        ),
    ),
    Harness(
        "stale-digest",
        "A number in the vectors is changed on disk.",
        _on_disk(honest=True),
    ),
    Harness(
        "forged-digest",
        "A number in the vectors is changed, and the manifest with it.",
        _on_disk(honest=False),
    ),
    Harness(
        "no-canaries",
        "There are no canaries but those that must live.",
        lambda: changed(canaries, ALL=canaries.ALL[:3]),
    ),
    Harness(
        "echo", "An adapter looks its answers up in the vectors.", impl=f"{OWN}:echo"
    ),
    Harness(
        "echo-or-zero",
        "An adapter looks its answers up, and is 0 elsewhere.",
        impl=f"{OWN}:echo_or_zero",
    ),
    Harness("skipping", "An adapter skips everything.", impl=f"{OWN}:skipping"),
    Harness(
        "declining",
        "An adapter answers what it likes and declines the rest.",
        impl=f"{OWN}:declining",
    ),
    Harness(
        "distance-0",
        "The distance of two trainings is always 0.",
        _of_training("lockstep", "_distance", lambda *_: 0.0),
        COMPARE,
    ),
    Harness(
        "dead-training-accepted",
        "A training of nothing counts as trained.",
        _of_training("session", "Session.progress", _trained),
        COMPARE,
    ),
    Harness(
        "everything-equivalent",
        "Metrics are equivalent however far apart they are.",
        _of_training("equivalence", "equivalence_verdicts", _all_equivalent),
        COMPARE,
    ),
)

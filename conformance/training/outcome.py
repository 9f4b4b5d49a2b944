"""What a comparison leaves behind: verdict and failures, in full and thinned."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.training.equivalence import DIFFERENT, UNDETERMINED
from conformance.training.theory.verdicts import DEPARTS, FOLLOWS

# Of a record: points of each trace, and digits of a number.
_POINTS, _DIGITS = 20, 4
# What a record leaves out: it is too long, or follows from the rest.
_LONG = ("pictures", "weights", "loss_before", "loss_after")
_DERIVED = ("summary", "contrasts")


def conclude(
    conditions: dict[str, Any], results: dict[str, Any], *, quick: bool
) -> dict[str, Any]:
    """Returns the outcome of a recipe.

    Args:
        conditions: That it was found under.
        results: What each data set's study found.
        quick: Undetermined verdicts are no failure, nor is a departure from theory,
            which is about the end of training.
    """
    failing = {DIFFERENT} if quick else {DIFFERENT, UNDETERMINED}
    failures = [
        f"{data}: {failure}"
        for data, found in results.items()
        for failure in (
            *_failures(found, failing),
            *(() if quick else _departures(found, conditions["recipe"])),
        )
    ]
    compared = sum(
        len(cell["verdict"])
        for found in results.values()
        for cell in found["lockstep"].values()
    )
    if not compared:
        failures.append("nothing was compared")
    return {
        **conditions,
        "verdict": "fail" if failures else "pass",
        "failures": failures,
        "data": results,
    }


def _failures(found: dict[str, Any], failing: set[str]) -> list[str]:
    return [
        *(
            f"lockstep of {backend} with {strategy}: {verdict}"
            for strategy, cell in found["lockstep"].items()
            for backend, verdict in cell["verdict"].items()
            if verdict != "pass"
        ),
        *(
            f"{backend} with {strategy}: nothing trained"
            for backend, by_strategy in found["seeds"].items()
            for strategy, cell in by_strategy.items()
            if not cell["trained"]
        ),
        *(
            f"{row['second']} and {row['first']} with {row['strategy']}: "
            f"{row['verdict']}"
            for row in found["equivalence"]
            if row["verdict"] in failing
        ),
    ]


def _departures(found: dict[str, Any], recipe: dict[str, Any]) -> list[str]:
    """Names strategies that depart from theory where the plain one follows it."""
    follows = found["theory"]["follows"]
    plain = next(iter(found["lockstep"]), None)
    if any(own.get(plain, {}).get("verdict") != FOLLOWS for own in follows.values()):
        return []
    known = {one["name"] for one in recipe["strategies"] if _ends_as_told(one)}
    return [
        f"{backend} with {strategy}: departs from theory"
        for backend, by_strategy in follows.items()
        for strategy, own in by_strategy.items()
        if own["verdict"] == DEPARTS and strategy in known
    ]


def _ends_as_told(strategy: dict[str, Any]) -> bool:
    """Tells whether theory knows where training ends.

    Dropped units make another network, an early stop is not the end, and examples that
    SMOTE invents come from another distribution. Then a departure is a finding.
    """
    early = strategy["patience"] is not None
    invented = strategy["resampling"] == "smote"
    return not (strategy["dropout"] or early or invented)


def as_json(outcome: dict[str, Any], **layout: Any) -> str:
    """Returns strict JSON, with null for NaN and infinity.

    Args:
        outcome: What may hold them.
        **layout: ``indent`` or ``separators``, as ``json.dumps`` takes them.
    """
    return json.dumps(_strict(outcome), allow_nan=False, **layout) + "\n"


def thinned(outcome: dict[str, Any]) -> dict[str, Any]:
    """Returns what is worth keeping of an outcome for years, which is small.

    That are the conditions, the raw metrics by seed and the verdicts, with four digits;
    of the lockstep some updates, whose numbers are in ``updates``; weights where they
    are one number that moves.
    """
    data = {
        name: {
            **{key: value for key, value in found.items() if key not in _DERIVED},
            "theory": {k: v for k, v in found["theory"].items() if k != "measured"},
            "lockstep": {
                strategy: _thinned_lockstep(cell)
                for strategy, cell in found["lockstep"].items()
            },
            "seeds": {
                backend: {
                    strategy: _thinned_seeds(cell)
                    for strategy, cell in by_strategy.items()
                }
                for backend, by_strategy in found["seeds"].items()
            },
        }
        for name, found in outcome["data"].items()
    }
    return {**outcome, "data": _rounded(data)}


def write_record(outcome: dict[str, Any], folder: Path) -> None:
    """Writes the thinned outcome to a file of the recipe's name."""
    text = as_json(thinned(outcome), separators=(",", ":"))
    (folder / f"{outcome['recipe']['name']}.json").write_text(text)


def _thinned_seeds(cell: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in cell.items() if key not in _LONG}
    return kept | ({"weights": cell["weights"]} if _moves(cell["weights"]) else {})


def _moves(weights: Sequence[Sequence[Any]]) -> bool:
    """Tells whether a weight that is one number changes from epoch to epoch."""
    numbers = [epoch for epoch in weights if isinstance(epoch[0], float)]
    return any(epoch != numbers[0] for epoch in numbers)


def _thinned_lockstep(cell: dict[str, Any]) -> dict[str, Any]:
    steps = len(cell["bound"])
    # The last point of each stretch, so that the last update is there.
    kept = sorted({steps * (n + 1) // _POINTS - 1 for n in range(_POINTS)} - {-1})

    def at(trace: Sequence[float]) -> list[float]:
        return [trace[index] for index in kept]

    return {
        "updates": [index + 1 for index in kept],
        "shadow": at(cell["shadow"]),
        "bound": at(cell["bound"]),
        "distances": {name: at(trace) for name, trace in cell["distances"].items()},
        **{name: cell[name] for name in ("horizon", "first_failure", "verdict")},
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

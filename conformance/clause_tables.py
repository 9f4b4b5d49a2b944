"""From what is known of a failed result to general clauses; clauses of identities."""

import math
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.budgets import UNIT_ROUNDOFF
from conformance.registry import GENERAL, OPERATIONS, Rule

if TYPE_CHECKING:
    from conformance.profiles.judge import Result

# Outputs of a whole call that say what its value is.
WHOLE = ("value", "sum", "mean", "none", "bad_value", "traces", "loss")
# Sums beyond this length fail by their length.
LONG = 70_000


def _is_bad(point: Mapping[str, Any]) -> bool:
    return point.get("policy") == "bad_value"


def _wrong_word(point: Mapping[str, Any]) -> bool:
    return _is_bad(point) and "unknown-option" in point["flags"]


def _numbers(point: Mapping[str, Any]) -> Iterator[float]:
    """Scores of a point; its labels and weights are none."""
    for name in ("logits", "probs", "predictions"):
        value = point.get(name, 0.0)
        yield from value if isinstance(value, list) else [value]


def _along_classes(point: Mapping[str, Any]) -> bool:
    arrays = (point.get("pos_weight"), point.get("class_weights"))
    weighed = any(isinstance(one, list) for one in arrays)
    return weighed and point["family"] == "weighting"


def _weighed(point: Mapping[str, Any]) -> bool:
    return point["family"] == "weighting" and point["sample_weight"] != 1


# By the points that failed: where numbers came instead of a refusal, and otherwise.
REFUSED: Mapping[str, Rule] = {
    "GEN-10": _wrong_word,
    "GEN-9": lambda p: _is_bad(p) and not _wrong_word(p),
}
POINTS: Mapping[str, Rule] = {
    "GEN-4": lambda p: p["family"] == "empty" and "tile" in p,
    "GEN-8": lambda p: any(math.isnan(x) for x in _numbers(p)),
    "GEN-7": lambda p: any(math.isinf(x) for x in _numbers(p)),
    "GEN-5": lambda p: _along_classes(p) or _weighed(p),
    "GEN-3": lambda p: p["output"] in ("mean", "normalizer"),
    "GEN-13": lambda p: p["output"] == "sum" and p.get("tile", 0) > LONG,
}
_PROFILES: Mapping[str, str] = {"transforms": "GEN-14", "distributed": "GEN-17"}
# Half precision that computes in itself is off by a few of its own units; what is off
# by more means something else.
_OWN_UNITS = 64.0
# Profiles whose questions are about one clause and no other.
_ALONE: Mapping[str, str] = {"determinism": "GEN-15", "training": "GEN-19"}

# What is asked of an implementation alone: the clause of whichever operation it is.
SENTENCES: Mapping[str, str] = {
    "*-arrays": "GEN-2",
    "inputs-unchanged-*": "GEN-16",
    "mean-is-total-over-normalizer": "GEN-3",
    "parts-add-up": "GEN-13",
    "sample_weight-stays-out-of-the-normalizer": "CE-4",
    "class_weights-are-*": "CE-1 SFL-1",
    "unit-weights-change-nothing": "GEN-5",
    "sample_weight-*": "GEN-5",
    "pos_weight-per-class": "GEN-5",
    "pos_weight-*": "BCE-1 FOC-1",
    "class_axis-*": "GEN-2",
    "swapping-the-classes-*": "BCE-1 FOC-1",
    "labels-are-linear": "BCE-1",
    "smoothing-*": "BCE-3 CE-3",
    "gamma-0-of-weighted_loss-*": "ADA-2",
    "gamma-0-is-the-mean-*": "SFL-3",
    "gamma-*": "FOC-1 ADA-1 SFL-1",
    "alpha-0-and-beta-0-*": "HEAT-1",
    "alpha-*": "FOC-1",
    "probability-is-focal-*": "ADA-1",
    "modulators-*": "ADA-2",
    "beta-0-is-focal": "HEAT-1",
    "a-map-without-slopes-*": "HEAT-1",
    "the-mask-*": "HEAT-1",
    "mean-without-peaks-*": "HEAT-3",
    "probabilities-are-*": "BCP-1",
    "ignored-*": "CE-5 SFL-3",
    "adding-a-constant-*": "CE-1 SFL-1",
    "permuting-*": "CE-1 SFL-1",
    "mean-divides-by-*": "CE-4 SFL-3",
    "one-hot-*": "CE-4",
    "weight-of-the-label-*": "CE-3",
    "two-classes-*": "CE-1 SFL-1",
    "one-class-*": "CE-7",
    "bins-share-*": "GHMC-1 GHMR-1",
    "average-over-*": "GHMC-1 GHMR-1",
    "one-bin-*": "GHMC-1 GHMR-1",
    "more-bins-*": "GHMC-2 GHMR-3",
    "masked-*": "GHMC-4 GHMR-3",
    "a-mask-that-*": "GHMC-4 GHMR-3",
    "a-state-of-zeros-*": "GHMC-3 GHMR-3",
    "*-average-of-the-same-batch": "GHMC-3 GHMR-3",
    "empty-bins-keep-*": "GHMC-3 GHMR-3",
    "ties-*": "MINE-2",
    "all-losses-equal": "MINE-2",
    "negative-and-infinite-*": "MINE-2",
    "half-an-example-*": "MINE-1",
    "at-least-one": "MINE-1",
    "all-of-them": "MINE-1",
}

_NUMBER = re.compile(r"(?P<name>[a-z_]+)-(-?\d+(\.\d+)?|-?inf|nan)$")
_RANGED = {
    *("alpha", "beta", "gamma", "mu", "momentum", "bins", "fraction"),
    *("label_smoothing", "pos_weight"),
}


def by_question(result: "Result") -> Iterator[str]:
    """The clause of a question that is about nothing else."""
    _, _, *rest = (*result.group.split("/"), "", "")
    if result.profile in _ALONE:
        yield _ALONE[result.profile]
    elif result.output == "traces":
        yield "GEN-14"
    elif result.profile == "bad_input":
        yield "GEN-9" if rest[0].startswith("poison") else _refused(rest[0])


class Asking(NamedTuple):
    """Clauses about the way of asking, said before and after those of the numbers."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def by_asking(result: "Result") -> Asking:
    """Clauses about the way in which an implementation was asked."""
    if result.profile == "dtypes":
        slope = result.output.startswith("grad_")
        unit = UNIT_ROUNDOFF[result.dtype if slope else "float32"]
        error = math.inf if result.worst is None else result.worst * unit
        small = error <= _OWN_UNITS * UNIT_ROUNDOFF[result.dtype]
        return Asking(before=("GEN-6",)) if small else Asking(after=("GEN-6",))
    curved = ("GEN-12",) if result.output == "hvp" else ()
    asked = _PROFILES.get(result.profile)
    return Asking(before=(*curved, asked) if asked else curved)


def by_output(output: str, first: str) -> Iterator[str]:
    """General clauses about an output."""
    if output in ("mean", "normalizer", "sum"):
        yield "GEN-3"
    if output.startswith("grad_") and output != f"grad_{first}":
        yield "GEN-11"


def by_sentence(result: "Result") -> Iterator[str]:
    """The clause of an identity, by its name."""
    _, profile, *rest = (*result.group.split("/"), "", "")
    if profile == "semantics":
        held = (v for k, v in SENTENCES.items() if fnmatchcase(rest[0], k))
        own = OPERATIONS[result.operation].clauses
        names = next(held, "").split()
        yield from (name for name in names if name in own or name in GENERAL)


def _refused(sentence: str) -> str:
    """What should have been refused: a number, a shape or anything else."""
    match = _NUMBER.search(sentence)
    if match and match["name"] in _RANGED:
        return "GEN-9"
    shapes = re.search(r"shape|axes|axis|fewer|shorter", sentence)
    return "GEN-2" if shapes else "GEN-10"

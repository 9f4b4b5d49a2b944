"""Five trivial cases for each operation, written out by hand.

The numbers are so plain that only the way they travel can be wrong: three elements, no
options, nothing near a limit. No two are equal, so that every confusion shows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from conformance.adapters.protocol import Array, Request
from conformance.profiles.calls import Call
from conformance.profiles.points import (
    ADAPTIVE,
    BCE,
    CE,
    FOCAL,
    GHMC,
    GHMR,
    HEATMAP,
    MINING,
    PROBS,
    SOFTMAX,
)

UNKNOWN = "no_such_operation"


@dataclass(frozen=True)
class Case:
    """One question with a known answer.

    Attributes:
        name: What it is about.
        request: The question.
        expected: The answer by output; empty where the answer is that there is none.
        others: Other numbers that might come by mistake, by what they are.
    """

    name: str
    request: Request
    expected: Mapping[str, Array]
    others: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class _Loss:
    """Three elements with their losses.

    Attributes:
        call: The call.
        values: Loss of each.
        slopes: Gradient of their sum.
        mean: Their mean.
        first: Loss of the first alone, where the others have a say in it.
    """

    call: Call
    values: tuple[float, ...]
    slopes: tuple[float | tuple[float, ...], ...]
    mean: float
    first: float | None = None


_X, _Y = np.array([0.0, 2.0, -1.0]), np.array([1.0, 0.0, 1.0])
_ROWS = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, -1.0], [0.5, 1.0, -0.5]])
_INDEX = np.array([0, 1, 2])
_NEAR, _FAR = np.array([0.25, 2.5, -1.0]), np.array([0.0, 2.0, 0.5])
_LOSSES = np.array([0.5, 2.0, 1.0])

_LOSS = {
    BCE: _Loss(
        Call(BCE, {"logits": _X, "labels": _Y}),
        (0.6931471805599453, 2.1269280110429727, 1.3132616875182228),
        (-0.5, 0.8807970779778823, -0.7310585786300049),
        1.3777789597070471,
    ),
    CE: _Loss(
        Call(CE, {"logits": _ROWS, "labels": _INDEX}),
        (1.0986122886681098, 2.1698460195562856, 2.1041306053367284),
        (
            (-0.6666666666666666, 0.3333333333333333, 0.3333333333333333),
            (0.8437947344813395, -0.8858048006154056, 0.04201006613406605),
            (0.33149896042409155, 0.5465493872661796, -0.8780483476902711),
        ),
        1.7908629711870414,
    ),
    FOCAL: _Loss(
        Call(FOCAL, {"logits": _X, "labels": _Y}),
        (0.17328679513998632, 1.6500781794214092, 0.701868303411385),
        (-0.29828679513998635, 1.076713730448482, -0.7682347231993177),
        0.8417444259909268,
    ),
    SOFTMAX: _Loss(
        Call(SOFTMAX, {"logits": _ROWS, "labels": _INDEX}),
        (0.48827212829693756, 1.7025699934240015, 1.6222192601078254),
        (
            (-0.6218110484942546, 0.3109055242471273, 0.3109055242471273),
            (1.0324927191922915, -1.0838975047920396, 0.051404785599748364),
            (0.40495488134687596, 0.667657726550441, -1.0726126078973168),
        ),
        1.271020460609588,
    ),
    ADAPTIVE: _Loss(
        Call(ADAPTIVE, {"logits": _X, "labels": _Y}, {"pos_weight": 3.0}),
        (0.5198603854199589, 1.6500781794214092, 2.105604910234155),
        (-0.8948603854199589, 1.076713730448482, -2.304704169597953),
        1.4251811583585077,
    ),
    HEATMAP: _Loss(
        Call(HEATMAP, {"logits": _X, "heatmap": _Y}),
        (0.17328679513998632, 1.6500781794214092, 0.701868303411385),
        (-0.29828679513998635, 1.076713730448482, -0.7682347231993177),
        1.2626166389863903,
    ),
    PROBS: _Loss(
        Call(PROBS, {"probs": np.array([0.5, 0.25, 0.125]), "labels": _Y}),
        (0.6931471805599453, 0.2876820724517809, 2.0794415416798357),
        (-2.0, 1.3333333333333333, -8.0),
        1.0200902648971872,
    ),
    GHMC: _Loss(
        Call(GHMC, {"logits": _NEAR, "labels": _Y}),
        (0.5759394198788436, 2.5788897342925496, 1.3132616875182228),
        (-0.4378234991142019, 0.9241418199787566, -0.7310585786300049),
        1.4893636138965387,
        first=0.5759394198788436,
    ),
    GHMR: _Loss(
        Call(GHMR, {"predictions": _NEAR, "targets": _FAR}),
        (0.23079872407968902, 0.48039984012787207, 1.480133327407934),
        (0.996815278536125, 0.9992009587217893, -0.9999111229612074),
        0.7304439638718317,
        first=0.23079872407968902,
    ),
}


def choose(operations: Iterable[str]) -> str:
    """Returns the first operation that there are cases for, or nothing."""
    claimed = set(operations)
    return next((name for name in (*_LOSS, MINING) if name in claimed), "")


def cases(operation: str, dtype: str) -> list[Case]:
    """Makes the five cases of an operation.

    Args:
        operation: One that :func:`choose` gave.
        dtype: Dtype to ask in.

    Returns:
        The cases.
    """
    own = _mining(dtype) if operation == MINING else _losses(_LOSS[operation], dtype)
    unknown = Request(UNKNOWN, dict(_LOSS[BCE].call.inputs), dtype=dtype)
    return [*own, Case("an operation that does not exist", unknown, {})]


def _losses(loss: _Loss, dtype: str) -> list[Case]:
    call, slope = loss.call, loss.call.first_gradient
    values, slopes = np.array(loss.values), np.array(loss.slopes)
    alone = call(**{name: array[:1] for name, array in call.inputs.items()})
    first = values[:1] if loss.first is None else np.array([loss.first])
    total = values.sum()

    def case(name: str, call: Call, output: str, right: Array, **others: Array) -> Case:
        asked = call.request(dtype, "cpu", (output,))
        return Case(name, asked, {output: right}, others)

    return [
        case("the loss of one element", alone, "value", first, gradient=slopes[:1]),
        case("three losses in order", call, "value", values, gradient=slopes),
        case("the gradient of their sum", call, slope, slopes, loss=values),
        case(
            "the mean",
            call(reduction="mean"),
            "value",
            np.array(loss.mean),
            sum=np.array(total),
        ),
    ]


def _mining(dtype: str) -> list[Case]:
    def case(name: str, losses: Array, fraction: float, **expected: object) -> Case:
        call = Call(MINING, {"losses": losses}, {"fraction": fraction})
        right = {key: np.array(value, float) for key, value in expected.items()}
        return Case(name, call.request(dtype, "cpu", tuple(right)), right)

    return [
        case("the only element", _LOSSES[:1], 1.0, mask=[1]),
        case("the mask in order", _LOSSES, 0.67, mask=[0, 1, 1]),
        case("the indices in order", _LOSSES, 0.67, indices=[1, 2]),
        case("all of them", _LOSSES, 1.0, indices=[1, 2, 0]),
    ]

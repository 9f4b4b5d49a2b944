"""Values that nobody can look at in compiled code: they must come out as NaN."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.adapters import Errored, NotImplementedOperation, Outputs
from conformance.adapters.protocol import Array
from conformance.profiles.answers import failed, passed
from conformance.profiles.calls import Call
from conformance.profiles.check import Ask
from conformance.profiles.judge import Result
from conformance.profiles.points import (
    INDEX,
    PLAIN,
    PROBABILITIES,
    ROWS,
    V,
    W,
    adaptive,
    bce,
    ce,
    focal,
    ghmc,
    ghmr,
    heatmap,
    probs,
    softmax,
)
from conformance.profiles.silence import unanswered

# The example that is spoilt.
SPOILT = 4
NO_WEIGHT = (-1.0, np.nan, np.inf)
NO_SHARE = (-0.5, 1.5, np.nan)
NO_INDEX = (-1, ROWS.shape[1])

exponent, share = np.array(1.5), np.array(0.125)
full_ce = ce(class_weights=W, label_smoothing=share).also(sample_weight=V[: len(INDEX)])

# A call with everything traced; what spoils one example; what spoils all of them.
TABLE: tuple[tuple[Call, Mapping[str, Any], Mapping[str, Any]], ...] = (
    (
        bce(pos_weight=exponent, label_smoothing=share).also(sample_weight=V),
        {"labels": NO_SHARE, "sample_weight": NO_WEIGHT},
        {"pos_weight": NO_WEIGHT, "label_smoothing": (-0.5, 1.0, np.nan)},
    ),
    (
        focal(pos_weight=exponent, gamma=exponent, alpha=share).also(sample_weight=V),
        {"labels": NO_SHARE, "sample_weight": NO_WEIGHT},
        {"pos_weight": NO_WEIGHT, "gamma": NO_WEIGHT, "alpha": NO_SHARE},
    ),
    (
        adaptive(pos_weight=exponent, gamma=exponent),
        {"labels": NO_SHARE},
        {"pos_weight": NO_WEIGHT, "gamma": NO_WEIGHT},
    ),
    (
        probs.also(sample_weight=V),
        {"probs": NO_SHARE, "labels": NO_SHARE, "sample_weight": NO_WEIGHT},
        {},
    ),
    (
        heatmap(alpha=exponent, beta=exponent),
        {"heatmap": NO_SHARE},
        {"alpha": NO_WEIGHT, "beta": NO_WEIGHT},
    ),
    (
        full_ce,
        {"labels": NO_INDEX, "sample_weight": NO_WEIGHT},
        {"class_weights": NO_WEIGHT, "label_smoothing": (-0.5, 1.0, np.nan)},
    ),
    (full_ce(labels=PROBABILITIES, normalizer="count"), {"labels": NO_SHARE}, {}),
    (
        softmax(class_weights=W, gamma=exponent),
        {"labels": NO_INDEX},
        {"class_weights": NO_WEIGHT, "gamma": NO_WEIGHT},
    ),
    (
        ghmc(momentum=share),
        {"labels": NO_SHARE},
        {"momentum": (-0.5, 1.0, np.nan)},
    ),
    (
        ghmr(momentum=share, mu=share),
        {"predictions": (np.nan,)},
        {"momentum": (-0.5, 1.0, np.nan), "mu": (0.0, -0.5, np.nan)},
    ),
)


@dataclass(frozen=True)
class Poison:
    """A call with a bad value, and which examples it spoils.

    Attributes:
        call: The call.
        name: What is wrong with it.
        spoilt: The examples whose value and gradient must be NaN, all others not.
        plain: The same with the bad value alone, for who has not all arguments.
    """

    call: Call
    name: str
    spoilt: NDArray[np.bool_]
    plain: Call

    def ask(
        self, result: Result, ask: Ask, device: str, _limit: float
    ) -> Iterator[Result]:
        """Asks for every loss and the gradient, and for their mean."""
        for reduction in ("none", "mean"):
            call = self.call(reduction=reduction)
            want = call.outputs[: 2 if reduction == "none" else 1]
            response = ask(call.request(result.dtype, device, want, result.transform))
            if isinstance(response, NotImplementedOperation):
                call = self.plain(reduction=reduction)
                request = call.request(result.dtype, device, want, result.transform)
                response = ask(request)
            if isinstance(response, Outputs):
                yield from self._judge_all(result, reduction, want, response)
                continue
            # Raised by one of them alone, it would hide the other.
            for name in want:
                request = call.request(result.dtype, device, (name,), result.transform)
                alone = response if len(want) == 1 else ask(request)
                if isinstance(alone, Errored) and alone.kind == "ValueError":
                    yield passed(
                        replace(result, output=name), compared=len(self.spoilt)
                    )
                elif isinstance(alone, Outputs):
                    yield from self._judge_all(result, reduction, (name,), alone)
                else:
                    yield unanswered(replace(result, output=name), alone)

    def _judge_all(
        self, result: Result, reduction: str, want: tuple[str, ...], outputs: Outputs
    ) -> Iterator[Result]:
        for name in want:
            output = replace(result, output=name if reduction == "none" else reduction)
            if name in outputs.arrays:
                yield self._judge(output, outputs.arrays[name])
            else:
                yield unanswered(output, NotImplementedOperation(f"no {name}"))

    def _judge(self, result: Result, array: Array) -> Result:
        if not array.ndim:
            right = np.isnan(array) or not self.spoilt.any()
            reason = f"a plausible number, {float(array)}, expected NaN"
            return passed(result) if right else failed(result, reason)
        if len(array) != len(self.spoilt):
            reason = f"shape {array.shape}, expected {len(self.spoilt)} examples"
            return failed(result, reason, compared=array.size)
        nan = np.isnan(array).reshape(len(array), -1)
        plausible, needless = self.spoilt & ~nan.all(1), nan.any(1) & ~self.spoilt
        if plausible.any():
            reason = f"a plausible number in example {plausible.argmax()}, expected NaN"
        elif needless.any():
            reason = f"NaN in example {needless.argmax()}, which is in order"
        else:
            return passed(result, compared=array.size)
        return failed(result, reason, compared=array.size)


def _spoiled(array: Any, value: float) -> Any:
    bad = array.copy()
    bad[(SPOILT,) if bad.ndim < 2 else (SPOILT, 1)] = value
    return bad


def poisons() -> Iterator[Poison]:
    """Yields every call with a bad value."""
    for call, ones, all_of_them in TABLE:
        size = len(next(iter(call.inputs.values())))
        one = np.arange(size) == SPOILT
        plain = next(one for one in PLAIN if one.operation == call.operation)
        for name, values in ones.items():
            for value in values:
                bad = {name: _spoiled(call.inputs[name], value)}
                kind = "probabilities" if call.inputs[name].ndim > 1 else name
                yield Poison(call(**bad), f"{kind} {value}", one, plain(**bad))
        for name, values in all_of_them.items():
            for value in values:
                array = call.options[name].copy()
                array[(1,) if array.ndim else ()] = value
                every = np.ones(size, bool)
                bad = {name: array}
                yield Poison(call(**bad), f"{name} {value}", every, plain(**bad))


POISONS = tuple(poisons())

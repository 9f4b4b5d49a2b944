"""Right answers, spoilt in one way: what canaries are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from conformance.adapters import Evaluator, Outputs, Request, Response
from conformance.budgets import UNIT_ROUNDOFF
from conformance.vectors import Group


@dataclass(frozen=True)
class Spoil:
    """What becomes of an answer; by default it stays.

    Attributes:
        answer: What comes instead.
        output: Which output is changed otherwise.
        units: By how much its last number is moved off the truth.
        value: What its last number becomes.
        factor: What all of its numbers are multiplied by.
        below: Magnitude from which down numbers become 0.
        dtype: In which dtype it is said to be.
        shape: Its new shape, as an index of the array.
        mutated: Arguments that are said to be changed.
        argument: Only with this argument; any by default.
        repeated: Only when asked again.
    """

    answer: object = ...
    output: str = "value"
    units: float = 0.0
    value: float | None = None
    factor: float = 1.0
    below: float = 0.0
    dtype: str = ""
    shape: object = ...
    mutated: tuple[str, ...] = ()
    argument: str = ""
    repeated: bool = False


class Spoilt:
    """Gives the answers of another, spoilt."""

    def __init__(
        self, reference: Evaluator, spoil: Spoil, groups: Sequence[Group]
    ) -> None:
        self._reference, self._spoil = reference, spoil
        self._group = groups[0] if groups else None
        self._asked = 0

    def eval(self, request: Request) -> Response:
        """Answers one request."""
        spoil = self._spoil
        self._asked += 1
        if isinstance(spoil.answer, Exception):
            raise spoil.answer
        if spoil.answer is not ...:
            # Anything at all may come from an adapter.
            return cast("Response", spoil.answer)
        response = self._reference.eval(request)
        named = {**request.inputs, **request.arrays}
        spared = bool(spoil.argument) and spoil.argument not in named
        if spared or (spoil.repeated and self._asked == 1):
            return response
        if not isinstance(response, Outputs) or spoil.output not in response.arrays:
            return response
        return self._spoilt(response)

    def _spoilt(self, response: Outputs) -> Outputs:
        spoil, name = self._spoil, self._spoil.output
        array = np.array(response.arrays[name] * spoil.factor)
        array[np.abs(array) < spoil.below] = 0.0
        if self._group is not None and (spoil.units or spoil.value is not None):
            array.flat[len(self._group.ids) - 1] = self._last(self._group)
        if spoil.shape is not ...:
            array = array[cast("slice | None", spoil.shape)]
        return Outputs(
            {**response.arrays, name: array},
            {**response.dtypes, name: spoil.dtype or response.dtypes[name]},
            response.traces,
            (*(response.mutated or ()), *spoil.mutated),
        )

    def _last(self, group: Group) -> float:
        if self._spoil.value is not None:
            return self._spoil.value
        truth = group.expected[self._spoil.output]
        step = self._spoil.units * UNIT_ROUNDOFF["float64"]
        return float(truth.hi.flat[-1] + step * truth.scale.flat[-1])

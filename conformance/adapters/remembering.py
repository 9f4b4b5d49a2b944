"""Answers that several profiles judge, asked for once."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from conformance.adapters.protocol import Evaluator, Request, Response

# Answers that are kept: all of one profile, of some fifty kilobytes each.
KEPT = 1200


class Remembering:
    """Keeps the latest answers to plain calls, which several profiles judge.

    Other calls pass through, since there the second answer is a question of its own.
    """

    def __init__(self, adapter: Evaluator) -> None:
        self._adapter = adapter
        self._answers: OrderedDict[Any, Response] = OrderedDict()

    def eval(self, request: Request) -> Response:
        """Answers from memory if it can."""
        if request.transform != "eager" or request.reduction != "none":
            return self._adapter.eval(request)
        key = _key(request)
        if key not in self._answers:
            self._answers[key] = self._adapter.eval(request)
            if len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        return self._answers[key]


def _key(request: Request) -> tuple[Any, ...]:
    return tuple(
        (name, _frozen(value)) for name, value in sorted(vars(request).items())
    )


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple((name, _frozen(item)) for name, item in value.items())
    return (value.shape, value.tobytes()) if hasattr(value, "tobytes") else value

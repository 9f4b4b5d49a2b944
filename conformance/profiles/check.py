"""Questions that no vector answers: identities, refusals, repetitions, shards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from conformance.adapters import Request, Response
from conformance.profiles.judge import Result

Ask = Callable[[Request], Response]


@dataclass(frozen=True, eq=False)
class Check:
    """One question, asked in as many requests as it needs.

    Attributes:
        profile: Name of the profile that asks.
        operation: Name of the operation.
        path: ``operation/profile/what is asked``.
        dtype: Dtype of the inputs.
        ask: Asks an implementation, given the blank result of the check, the way to
            ask, the device and the largest error in units of u * scale that passes.
        transform: How the framework runs the function.
        reduction: Reduction asked of the function.
    """

    profile: str
    operation: str
    path: str
    dtype: str
    ask: Callable[[Result, Ask, str, float], Iterator[Result]]
    transform: str = "eager"
    reduction: str = "none"

    @property
    def key(self) -> tuple[str, ...]:
        """What identifies the check among those of one implementation."""
        form = (self.dtype, self.transform, self.reduction)
        return (self.profile, self.operation, self.path, *form)

    def blank(self, impl: str) -> Result:
        """The result that every answer fills in."""
        return Result(
            impl=impl,
            profile=self.profile,
            operation=self.operation,
            group=self.path,
            dtype=self.dtype,
            transform=self.transform,
            reduction=self.reduction,
            output="value",
            status="pass",
        )

    def run(self, ask: Ask, impl: str, device: str, limit: float) -> Iterator[Result]:
        """Asks an implementation and yields what was found."""
        for found in self.ask(self.blank(impl), ask, device, limit):
            yield replace(found, group=self.path)

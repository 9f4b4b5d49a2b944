"""Units of work: what is evaluated together and reported together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from conformance.adapters import Capabilities
from conformance.registry import OPERATIONS, Operation
from conformance.vectors import Case, Group, SumCase, class_axis

# Inputs that a format represents exactly are exact in these dtypes too.
SERVES = {
    "bfloat16": ("float64", "float32", "bfloat16", "float16"),
    "float32": ("float64", "float32"),
    "float64": ("float64",),
}
HALVES = ("bfloat16", "float16")
# Elements of a call. JAX compiles every primitive anew for every shape, so all calls
# are padded to one, which is also the length of a reduction in the vectors.
WIDTH = 1023


@dataclass(frozen=True, eq=False)
class Unit:
    """One group of points, to be evaluated in one way.

    Attributes:
        profile: Name of the profile that asks.
        operation: Name of the operation.
        case: The points with their expected outputs.
        dtype: Dtype of the inputs.
        want: Outputs to judge.
        also: Outputs that other units judge, asked for in the same call.
        transform: How the framework runs the function.
        reduction: Reduction asked of the function.
        by_default: Whether the reduction is left out, being the default.
        traced: Hyper-parameters that are handed over as arrays.
        weighted: Whether each element has its own upstream gradient.
        repeat: Whether the call is made twice and must be traced once.
    """

    profile: str
    operation: str
    case: Case
    dtype: str
    want: tuple[str, ...]
    also: tuple[str, ...] = ()
    transform: str = "eager"
    reduction: str = "none"
    by_default: bool = False
    traced: tuple[str, ...] = ()
    weighted: bool = False
    repeat: bool = False

    @property
    def record(self) -> Operation:
        """What the suite knows about the operation."""
        return OPERATIONS[self.operation]

    @property
    def path(self) -> str:
        """Path of the group, or id of the sum."""
        return self.case.id if isinstance(self.case, SumCase) else self.case.path

    @property
    def ids(self) -> Sequence[str]:
        """Ids of the points; a sum has one."""
        return [self.case.id] if isinstance(self.case, SumCase) else self.case.ids

    @property
    def bad(self) -> bool:
        """Whether the inputs are out of range."""
        return isinstance(self.case, Group) and self.case.policy == "bad_value"

    @property
    def key(self) -> tuple[str, ...]:
        """What identifies the unit among those of one implementation."""
        form = (self.dtype, self.transform, self.reduction)
        return (self.profile, self.operation, self.path, *form)


@dataclass(frozen=True)
class Scope:
    """What a profile chooses its units from.

    Attributes:
        operation: Name of the operation.
        groups: Its groups, after selection.
        sums: Its sums, after selection.
        capabilities: What the implementation claims.
        quick: Whether to leave out what costs much and adds little.
        plain: How the functions are run where no transform is asked for.
        narrow: Dtypes that a group is asked in at most, by its path.
    """

    operation: str
    groups: list[Group]
    sums: list[SumCase]
    capabilities: Capabilities
    quick: bool = False
    plain: str = "eager"
    narrow: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def record(self) -> Operation:
        """What the suite knows about the operation."""
        return OPERATIONS[self.operation]

    @property
    def compiles(self) -> bool:
        """Whether every form of call, shape and dtype takes a compilation."""
        return "jit" in self.capabilities.transforms

    @cached_property
    def _typical(self) -> frozenset[str]:
        return frozenset(group.path for group in thin(self.groups, [])[0])

    def typical(self, group: Group) -> bool:
        """Whether a group is one of those that stand for all in a quick run."""
        return group.path in self._typical

    def run(self, case: Case, dtype: str) -> dict[str, Any]:
        """How a plain call of the case is made.

        Where calls are compiled, only typical groups are asked both as they stand and
        in float32; the others share the compilations of the profile of transforms.
        """
        plain = self.plain
        if (
            plain == "eager"
            and self.compiles
            and dtype == "float32"
            and isinstance(case, Group)
            and case.policy == "value"
            and not self.typical(case)
        ):
            plain = "jit"
        if plain == "eager":
            return {}
        traced: tuple[str, ...] = ()
        # Half precision would round the numbers.
        if isinstance(case, Group) and dtype not in HALVES:
            traced = traceable(self.record, case)
        return {"transform": plain, "traced": traced}

    def dtypes(self, case: Case, among: Iterable[str]) -> list[str]:
        """Dtypes that the implementation claims and the inputs are exact in."""
        claimed = self.capabilities.dtypes
        served = SERVES[case.exact_in]
        found = [dtype for dtype in among if dtype in claimed and dtype in served]
        if isinstance(case, Group) and case.path in self.narrow:
            return [dtype for dtype in found if dtype in self.narrow[case.path]]
        # Other shapes ask about indices and lengths, which no dtype changes.
        if isinstance(case, SumCase):
            usual = case.tile == WIDTH and not self.quick
        else:
            usual = len(case.shape) == 1
        return found if usual else found[-1:]


def gradients(case: Case) -> tuple[str, ...]:
    """Gradients that the vectors know of a case."""
    known = tuple(name for name in case.expected if name.startswith("grad_"))
    return (*case.slopes, *known) if isinstance(case, SumCase) else known


def divisible(record: Operation, group: Group) -> bool:
    """Whether points lie along the first axis and do not need each other."""
    first = group.inputs[record.positional[0]]
    classes_first = first.ndim > 1 and class_axis(group) % first.ndim == 0
    return record.form != "coupled" and len(group.shape) == 1 and not classes_first


def values(group: Group) -> tuple[str, ...]:
    """What the vectors know of a call besides its gradients."""
    known = (name for name in ("value", "mask") if name in group.expected)
    return (*known, *group.totals)


def differentiable(record: Operation, group: Group) -> tuple[str, ...]:
    """Gradients with respect to all inputs that are real numbers."""
    inputs = (k for k in record.point_arguments if k in group.inputs)
    return tuple(f"grad_{k}" for k in inputs if k not in group.kinds)


def refused(record: Operation) -> tuple[str, ...]:
    """Outputs that a value out of range must make NaN, unless it raises."""
    if record.returns == "selection":
        return ("mask",)
    return ("value", f"grad_{record.positional[0]}")


def traceable(record: Operation, group: Group) -> tuple[str, ...]:
    """Hyper-parameters of a group that may be handed over as traced arrays."""
    numbers = (k for k, v in group.params.items() if isinstance(v, float))
    return tuple(k for k in numbers if k not in record.static)


def thin(groups: list[Group], sums: list[SumCase]) -> tuple[list[Group], list[SumCase]]:
    """Keeps one group of every family and form of call, and few sums.

    Groups with class axes count as one form for each number of axes, which keeps the
    square ones beside the others.

    Of groups that differ only in the values of hyper-parameters, the one with the most
    usual values is kept: it shares its call with those of other families.
    """
    usual = Counter(_setting(group) for group in groups)
    forms: dict[tuple[Any, ...], list[Group]] = {}
    for group in groups:
        rank = len(group.shape)
        form: tuple[Any, ...] = (group.family, group.exact_in, group.policy, rank)
        if rank == 1:
            form += (*sorted(group.params), *sorted(group.arrays), *group.inputs)
        forms.setdefault(form, []).append(group)
    return (
        [
            max(same, key=lambda group: usual[_setting(group)])
            for same in forms.values()
        ],
        _cover(case for case in sums if case.tile in (0, WIDTH)),
    )


def _cover(sums: Iterable[SumCase]) -> list[SumCase]:
    """Keeps few sums that still show every output, option and length."""
    kept: list[SumCase] = []
    seen: set[Any] = set()
    for case in sorted(sums, key=lambda case: (-case.tile, -len(case.expected))):
        options = (v for v in case.params.values() if isinstance(v, str))
        shows = {case.tile, *case.expected, *options}
        if not shows <= seen:
            kept.append(case)
            seen |= shows
    return kept


def _setting(group: Group) -> tuple[Any, ...]:
    return tuple(sorted(group.params.items()))

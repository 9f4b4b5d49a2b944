"""Known wrong answers that every run judges first.

A suite that cannot fail proves nothing. Before an implementation is judged, the answers
of the reference are spoilt in many small ways, and each must be found out by the same
code that judges everything else, from the plan to the exit status. The reference as it
is, and off by less than the budget, must pass by the same way.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from conformance import plan, profiles
from conformance.adapters import (
    Adapter,
    Capabilities,
    Errored,
    NotImplementedOperation,
    Outputs,
    Skipped,
    remembering,
    resolve,
)
from conformance.budgets import C_MAX
from conformance.plan import Judged, Options
from conformance.profiles import Result
from conformance.profiles.points import FOCAL
from conformance.profiles.unit import WIDTH
from conformance.report import counts
from conformance.spoilt import Spoil, Spoilt
from conformance.vectors import load

POINTS = f"{FOCAL}/saturation/gamma=2"
SEVERAL = f"{FOCAL}/saturation/gamma=*"
TABLE = f"{FOCAL}/weighting/gamma=2;pos_weight=(1,5,20)"
SUM = f"{FOCAL}/reduction/default;n=7#*"
MEAN = f"{FOCAL}/reduction/default;n=1023#*"
BAD = f"{FOCAL}/bad_input/gamma=2;alpha=0.25;labels"
# Errors in units of u * scale: rounding may add one, or take one away.
WITHIN, BEYOND = C_MAX - 2, C_MAX + 2


@dataclass(frozen=True)
class Canary:
    """Answers of the reference, spoilt or not, and what must be said of them.

    Attributes:
        name: What is wrong with them.
        case: Groups and sums that they are asked for.
        profile: Profile that asks.
        spoil: What becomes of the right answers.
        status: Exit status that is owed.
        check: Checks that are asked, of a profile that has some.
        found: Status that a result must have; by default what leads to the exit status.
    """

    name: str
    case: str
    profile: str
    spoil: Spoil
    status: int = 1
    check: str = "*"
    found: str = ""


RIGHT = Spoil()
ALL: tuple[Canary, ...] = (
    Canary("right numbers", SEVERAL, "accuracy", RIGHT, 0),
    Canary("right gradients", SEVERAL, "gradients", RIGHT, 0),
    Canary(
        "a number off within the budget", POINTS, "accuracy", Spoil(units=WITHIN), 0
    ),
    Canary("a number too large", POINTS, "accuracy", Spoil(units=BEYOND)),
    Canary("a number too small", POINTS, "accuracy", Spoil(units=-BEYOND)),
    Canary("NaN", POINTS, "accuracy", Spoil(value=np.nan)),
    Canary("infinity", POINTS, "accuracy", Spoil(value=np.inf)),
    Canary("small numbers flushed to 0", POINTS, "accuracy", Spoil(below=1e-4)),
    Canary("numbers for float32", POINTS, "accuracy", Spoil(dtype="float32")),
    Canary("an axis too many", TABLE, "accuracy", Spoil(shape=None)),
    Canary("a row too few", TABLE, "accuracy", Spoil(shape=slice(1, None))),
    Canary(
        "no value",
        POINTS,
        "accuracy",
        Spoil(answer=Outputs({}, {})),
        found="not_implemented",
    ),
    Canary(
        "a gradient of zeros",
        POINTS,
        "gradients",
        Spoil(output="grad_logits", factor=0.0),
    ),
    Canary(
        "a gradient of the other sign",
        POINTS,
        "gradients",
        Spoil(output="grad_logits", factor=-1.0),
    ),
    Canary("a mean of the sum", SUM, "reductions", Spoil(factor=7.0)),
    Canary("an array for a mean", SUM, "reductions", Spoil(shape=None)),
    Canary(
        "a number where NaN is due",
        BAD,
        "accuracy",
        Spoil(answer=Outputs({"value": np.ones(WIDTH)}, {"value": "float64"})),
    ),
    Canary(
        "a weight that counts otherwise",
        "",
        "semantics",
        Spoil(factor=1.01, argument="sample_weight"),
        check="*/sample_weight-is-a-factor",
    ),
    Canary(
        "an argument changed in place",
        "",
        "semantics",
        Spoil(mutated=("logits",)),
        check="*/inputs-unchanged-contiguous",
    ),
    Canary(
        "other bits when asked again",
        MEAN,
        "determinism",
        Spoil(factor=1 + 2.0**-52, repeated=True),
    ),
    Canary(
        "a wrong call that is answered",
        "",
        "bad_input",
        Spoil(answer=Outputs({"value": np.ones(12)}, {"value": "float64"})),
        check="*/reduction-other",
    ),
    Canary(
        "nothing but skipped",
        POINTS,
        "accuracy",
        Spoil(answer=Skipped("no")),
        found="skipped",
    ),
    Canary(
        "nothing implemented",
        POINTS,
        "accuracy",
        Spoil(answer=NotImplementedOperation("no")),
        found="not_implemented",
    ),
    Canary("an error", POINTS, "accuracy", Spoil(answer=Errored("Error", "")), 2),
    Canary("an exception", POINTS, "accuracy", Spoil(answer=RuntimeError()), 2),
    Canary("no message", POINTS, "accuracy", Spoil(answer=None), 2),
)


@dataclass(frozen=True)
class Verdict:
    """What a run says of the canaries.

    Attributes:
        asked: How many there are.
        killed: Wrong answers that were found out.
        spared: Right answers that passed.
        missed: Names of those that got another status than they are owed.
    """

    asked: int
    killed: int
    spared: int
    missed: tuple[str, ...]

    def record(self) -> dict[str, int]:
        """The verdict as JSON knows it."""
        return {"asked": self.asked, "killed": self.killed, "spared": self.spared}

    @property
    def trusted(self) -> bool:
        """Whether the harness sees what it must see."""
        # None missed of none asked would say nothing.
        return self.killed >= FEWEST and self.spared > 0 and not self.missed

    @property
    def reason(self) -> str:
        """Why the harness is not to be trusted, in one line."""
        unseen = "; ".join(self.missed) or f"more than {self.killed} wrong answers"
        return f"the harness does not see: {unseen}; nothing it says can be believed."


RESULT_OF = {0: "pass", 1: "fail", 2: "errored"}
# A catalogue that has lost its entries must not pass for one that was judged.
FEWEST = 20


def judge() -> Verdict:
    """Has every canary judged as an implementation is."""
    reference = resolve("numpy")
    able = replace(reference.start(), operations=(FOCAL,))
    seen = [one for one in ALL if is_seen(one, reference, able)]
    missed = tuple(one.name for one in ALL if one not in seen)
    killed = sum(one.status > 0 for one in seen)
    return Verdict(len(ALL), killed, len(seen) - killed, missed)


def is_seen(canary: Canary, reference: Adapter, able: Capabilities) -> bool:
    """Whether a canary gets what it is owed, and not by another way.

    Args:
        canary: What is judged.
        reference: Whose answers are spoilt.
        able: What is claimed.

    Returns:
        Whether the exit status is right and follows from a result that is.
    """
    results = list(_results(canary, reference, able))
    due = canary.found or RESULT_OF[canary.status]
    status = counts.exit_status(counts.tallies((canary.name,), results))
    return status == canary.status and any(r.status == due for r in results)


def _results(
    canary: Canary, reference: Adapter, able: Capabilities
) -> Iterator[Result]:
    file = load(FOCAL)
    groups = [group for group in file.groups if fnmatchcase(group.path, canary.case)]
    sums = [case for case in file.sums if fnmatchcase(case.id, canary.case)]
    options = Options((canary.name,), (canary.profile,), select=canary.check)
    one = Judged(canary.name, reference, able, "cpu")
    memory = remembering.Remembering(Spoilt(reference, canary.spoil, groups))
    asked = plan.units(one, canary.profile, {FOCAL: (groups, sums)}, options)
    for batch in profiles.batches(asked):
        yield from profiles.evaluate(batch, memory, one.name, one.device, one.limit)

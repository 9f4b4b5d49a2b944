"""Levels are lost by what they are about, and known only where they were asked."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from rich.console import Console

import torch_impl
from conformance.adapters import from_functions
from conformance.levels import LEVELS, lowest, of_implementation, standings
from conformance.plan import Judged, Options, choose, units
from conformance.profiles import PROFILES, Result, batches, evaluate
from conformance.profiles.points import BCE, CE, FOCAL
from conformance.registry import OPERATIONS
from conformance.report.stream import read
from conformance.runner import run

# As many as levels need; shards, witnesses and compilers are for other tests.
ASKED = ("accuracy", "gradients", "reductions", "semantics", "dtypes", "bad_input")


def results(function, operation, profiles=ASKED, framework="torch"):
    functions = function if isinstance(function, dict) else {operation: function}
    adapter = from_functions(functions, framework=framework)
    one = Judged("candidate", adapter, adapter.start(), "cpu")
    cases = choose(Options(quick=True))
    found = []
    for profile in profiles:
        for batch in batches(units(one, profile, cases, Options(quick=True))):
            found += evaluate(batch, adapter, one.name, one.device, 8.0)
    return found


def standing(function, operation, profiles=ASKED, framework="torch"):
    found = results(function, operation, profiles, framework)
    return standings(found, profiles)["candidate", operation]


def test_own_loss_holds_what_was_asked():
    one = standing(torch_impl.sigmoid_focal_loss, FOCAL)
    assert one.levels == dict(zip(LEVELS, ["held"] * 3 + ["unknown"], strict=True))
    assert one.reached == "L2"
    assert not one.losses


def test_own_loss_trains():
    one = standing(torch_impl.sigmoid_focal_loss, FOCAL, [*ASKED, "training"])
    # A quick run does not train.
    assert one.levels["L3"] == "unknown"


def native(logits, labels, *, reduction="mean"):
    """PyTorch's own, whose gradient loses its tail."""
    return F.binary_cross_entropy_with_logits(logits, labels, reduction=reduction)


def clipped(logits, labels, *, reduction="mean"):
    """Dead where it is confidently wrong."""
    p = torch.sigmoid(logits).clamp(1e-7, 1 - 1e-7)
    loss = -(labels * p.log() + (1 - labels) * (1 - p).log())
    return loss if reduction == "none" else getattr(loss, reduction)()


def textbook_focal(logits, labels, *, gamma=2.0, reduction="mean"):
    """NaN where the power of 0 is below 0."""
    p = torch.sigmoid(logits)
    pt = labels * p + (1 - labels) * (1 - p)
    loss = native(logits, labels, reduction="none") * (1 - pt) ** gamma
    return loss if reduction == "none" else getattr(loss, reduction)()


def other_focal(logits, labels, *, gamma=2.0, **options):
    """Another meaning."""
    return torch_impl.sigmoid_focal_loss(logits, labels, gamma=gamma + 1, **options)


def nearly_focal(logits, labels, *, gamma=2.0, **options):
    """The same meaning, out of budget."""
    return torch_impl.sigmoid_focal_loss(logits, labels, gamma=gamma + 1e-6, **options)


def by_count(logits, labels, **options):
    """A mean over the examples, whatever the weights."""
    return torch_impl.cross_entropy(
        logits, labels, **{**options, "normalizer": "count"}
    )


@pytest.mark.parametrize(
    ("function", "operation", "lost"),
    [
        (native, BCE, {"L2"}),
        (clipped, BCE, {"L1", "L2"}),
        (textbook_focal, FOCAL, {"L1", "L2"}),
        (other_focal, FOCAL, {"L0"}),
        (nearly_focal, FOCAL, {"L2"}),
        (by_count, CE, {"L0"}),
    ],
)
def test_level_that_is_lost(function, operation, lost):
    @functools.wraps(function)
    def without_parts(*arguments, **options):
        if options.get("reduction") == "parts":
            raise NotImplementedError("no parts")
        return function(*arguments, **options)

    one = standing(without_parts, operation, ("accuracy", "gradients", "reductions"))
    assert lost <= set(one.losses)
    assert min(one.losses) == min(lost)


def test_what_was_not_asked_is_not_known():
    one = standing(torch_impl.sigmoid_focal_loss, FOCAL, ("accuracy",))
    assert set(one.levels.values()) == {"unknown"}
    assert one.reached == ""


def test_what_was_not_compared_is_not_known():
    def absent(logits, labels, **_):
        raise NotImplementedError(f"{logits.shape}, {labels.shape}")

    one = standing(absent, FOCAL)
    assert one.reached == ""
    assert one.declined > 100
    assert "held" not in one.levels.values()


def test_what_raises_loses_the_definition():
    def raising(logits, labels, **_):
        raise RuntimeError(f"out of order with {logits.shape}, {labels.shape}")

    one = standing(raising, FOCAL)
    assert one.levels["L0"] == "lost"
    assert one.reached == ""


def test_raising_where_it_is_special_loses_accuracy_alone():
    def strict(logits, labels, **options):
        if not torch.isfinite(logits).all():
            raise RuntimeError("finite logits only")
        return torch_impl.sigmoid_focal_loss(logits, labels, **options)

    one = standing(strict, FOCAL)
    assert set(one.losses) == {"L2"}
    assert one.reached == "L1"


def test_group_that_raises_does_not_speak_against_others():
    found = results(clipped, BCE, ("accuracy",))
    kept = {r.group for r in found if r.status != "errored" and "/basic/" in r.group}
    assert kept


def test_who_declines_what_is_hard_holds_nothing():
    """Or else everybody could choose by what to be judged."""

    def cautious(logits, labels, **options):
        far = isinstance(logits, torch.Tensor) and not (abs(logits) <= 17).all()
        if far:
            raise NotImplementedError("too far out")
        return torch_impl.sigmoid_focal_loss(logits, labels, **options)

    one = standing(cautious, FOCAL)
    assert one.reached == ""
    assert set(one.levels.values()) == {"unknown"}


def test_who_declines_special_values_is_not_known_to_be_accurate():
    def finite(logits, labels, **options):
        if isinstance(logits, torch.Tensor) and not torch.isfinite(logits).all():
            raise NotImplementedError("finite logits only")
        return torch_impl.sigmoid_focal_loss(logits, labels, **options)

    one = standing(finite, FOCAL)
    assert [one.levels[level] for level in LEVELS[:3]] == ["held", "held", "unknown"]


def test_dtype_that_is_claimed_and_never_answered_is_not_known():
    def wide(logits, labels, **options):
        if getattr(logits, "dtype", None) == torch.bfloat16:
            raise NotImplementedError("no half precision")
        return torch_impl.sigmoid_focal_loss(logits, labels, **options)

    one = standing(wide, FOCAL)
    assert [one.levels[level] for level in LEVELS[:3]] == ["held", "held", "unknown"]


def test_arguments_that_are_not_there_are_no_choice():
    def plain(logits, labels, *, gamma=2.0, reduction="mean"):
        return torch_impl.sigmoid_focal_loss(
            logits, labels, gamma=gamma, reduction=reduction
        )

    one = standing(plain, FOCAL)
    assert one.declined > 100
    assert [one.levels[level] for level in LEVELS[:3]] == ["held"] * 3


@pytest.mark.parametrize("name", ["echo", "echo_or_zero", "skipping", "declining"])
def test_dishonest_adapters_hold_no_level(name, tmp_path):
    impl = f"py:conformance.mutants.adapters:{name}"
    path = "sigmoid_focal_loss/*"
    options = Options((impl,), (*ASKED, "fresh"), path, out=tmp_path)
    run(options, Console(quiet=True))
    results = read(tmp_path / "report.json").results
    found = standings(results, (*ASKED, "fresh"))
    assert found[impl, FOCAL].reached == ""


def test_lowest_level():
    assert lowest(["L2", "L1", "L3"]) == "L1"
    assert lowest(["L2", ""]) == ""
    assert lowest([]) == ""


def test_only_what_an_implementation_has_counts():
    (kept, *_) = results(torch_impl.sigmoid_focal_loss, FOCAL, ("accuracy",))
    missing = replace(
        kept, operation=BCE, status="not_implemented", compared=0, lost=""
    )
    found = standings([kept, missing], tuple(PROFILES))
    assert len(found) == 2
    assert [one.compared for one in of_implementation(found, "candidate")] == [
        kept.compared
    ]


def test_level_travels_with_the_report():
    found = results(other_focal, FOCAL, ("accuracy",))
    wrong = next(r for r in found if r.lost)
    full = replace(wrong, clauses=("FOC-1",), diagnosis="why", curve=((1.0, np.inf),))
    assert Result.from_record(full.record()) == full
    assert "lost" not in next(r for r in found if r.status == "pass").record()
    assert set(OPERATIONS) >= {r.operation for r in found}

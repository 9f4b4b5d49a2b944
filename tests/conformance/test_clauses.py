"""Every failed result names a clause, whoever asked and however."""

from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache

import pytest

from conformance import clause_tables, clauses, repro, vectors
from conformance.mutants import torch_binary, torch_transforms
from conformance.profiles import PROFILES
from conformance.profiles.bad_input import REFUSALS
from conformance.profiles.semantics import IDENTITIES
from conformance.registry import GENERAL, OPERATIONS
from conformance.report.counts import Tally
from conformance.report.terminal import summary
from tests.conformance.test_clauses_named import (
    BCE,
    FOCAL,
    NAMED,
    own_bce,
    raised_on_zero,
    results,
    wrong,
)


@pytest.mark.parametrize(
    ("function", "transform", "output", "named"),
    [
        (
            torch_transforms.detached_weight_of_scalars,
            "vmap",
            "grad_logits",
            ("GEN-14", "FOC-2"),
        ),
        (torch_transforms.steep_forward_mode, "jvp", "jvp", ("GEN-14", "FOC-2")),
        (torch_transforms.steep_forward_mode, "hessian", "hvp", ("GEN-12", "GEN-14")),
        (torch_transforms.lowered_by_autocast, "autocast", "value", ("GEN-6",)),
    ],
)
def test_a_transform_is_named_before_the_operation(function, transform, output, named):
    transforms = (transform,)
    found = wrong(function, FOCAL, "basic/*", "transforms", output, transforms)
    assert {result.clauses[: len(named)] for result in found} == {named}


ASKED = [name for name in PROFILES if name not in ("witness", "fresh")]
ROWS = [row[:3] for row in NAMED if row[2] != "*"] + [(raised_on_zero, BCE, "b*")]


@pytest.mark.parametrize(
    ("function", "operation", "select"), ROWS, ids=[r[0].__name__ for r in ROWS]
)
def test_every_failed_result_names_clauses(function, operation, select):
    found = [*results(function, operation, select, ASKED)]
    assert any(result.clauses for result in found)
    own = {**GENERAL, **OPERATIONS[operation].clauses}
    for result in found:
        assert bool(result.clauses) == (result.status in ("fail", "errored"))
        assert set(result.clauses) <= set(own)
        assert len(set(result.clauses)) == len(result.clauses) <= clauses.MOST


@cache
def blank():
    return next(iter(results(own_bce, BCE, "kink/default", ["accuracy"])))


def asked(operation, profile, sentence, **changes):
    path = f"{operation}/{profile}/{sentence}"
    form = {"status": "fail", "profile": profile, "operation": operation}
    return clauses.cite(replace(blank(), group=path, **form, **changes)).clauses


def test_every_identity_names_its_clause_and_every_pattern_serves():
    patterns = set(clause_tables.SENTENCES)
    for one in IDENTITIES:
        path = one.check("float64").path.split("/")[-1]
        pattern = next(p for p in clause_tables.SENTENCES if fnmatchcase(path, p))
        (named,) = {
            name
            for name in clause_tables.SENTENCES[pattern].split()
            if name in {**GENERAL, **OPERATIONS[one.operation].clauses}
        }
        assert asked(one.operation, "semantics", path)[0] == named
        patterns.discard(pattern)
    assert patterns == {"inputs-unchanged-*"}


@pytest.mark.parametrize(
    ("sentence", "clause"),
    [
        ("gamma--1.0", "GEN-9"),
        ("gamma-nan", "GEN-9"),
        ("label_smoothing-1.0", "GEN-9"),
        ("pos_weight-inf", "GEN-9"),
        ("pos_weight-shape-12-1", "GEN-2"),
        ("labels-with-one-more-axis", "GEN-2"),
        ("fewer-labels", "GEN-2"),
        ("class_axis-2", "GEN-2"),
        ("reduction-other", "GEN-10"),
        ("reduction-1", "GEN-10"),
        ("logits-integers", "GEN-10"),
        ("gamma-as-text", "GEN-10"),
        ("poison-labels-1.5", "GEN-9"),
    ],
)
def test_what_should_have_been_refused(sentence, clause):
    assert asked(BCE, "bad_input", sentence) == (clause,)


def test_every_refusal_has_a_clause():
    named = {
        asked(one.call.operation, "bad_input", one.name.replace(" ", "-"))[0]
        for one in REFUSALS
    }
    assert named == {"GEN-2", "GEN-9", "GEN-10"}


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        (
            {"output": "traces", "reason": "traced 2 times for two equal calls"},
            "GEN-14",
        ),
        ({"reason": "came back as bfloat16, expected float32"}, "GEN-6"),
        ({"reason": "shape (3, 1), expected (3,)"}, "GEN-2"),
        ({"profile": "determinism", "output": "value"}, "GEN-15"),
        ({"profile": "distributed", "output": "mean"}, "GEN-17"),
        ({"profile": "training", "output": "parameters"}, "GEN-19"),
        ({"profile": "transforms", "output": "hvp"}, "GEN-12"),
        ({"output": "no such output"}, "BCE-4"),
    ],
)
def test_the_way_of_asking_names_its_clause(changes, clause):
    result = clauses.cite(replace(blank(), status="fail", **changes))
    assert result.clauses[0] == clause


def test_what_passed_names_nothing():
    assert blank().status == "pass"
    assert clauses.cite(blank()).clauses == ()
    skipped = replace(blank(), status="skipped")
    assert clauses.cite(skipped).clauses == ()
    broken = replace(blank(), status="errored", reason="adapter: KeyError: 'want'")
    assert clauses.cite(broken).clauses == ()


def test_an_exception_names_what_was_asked():
    found = [*results(raised_on_zero, BCE, "basic/default", ["accuracy"])]
    assert {(r.status, r.clauses) for r in found} == {("errored", ("BCE-1",))}


def test_clauses_survive_the_report():
    (first, *_) = wrong(torch_binary.kink_at_zero, BCE, "kink/default", "gradients")
    assert type(first).from_record(first.record()) == first


def test_the_summary_says_what_is_departed_from():
    (first, *_) = wrong(torch_binary.kink_at_zero, BCE, "kink/default", "gradients")
    parts = summary([first], {first.impl: Tally()}, 1.0, "report")
    shown = "\n".join(str(part) for part in parts)
    gist = OPERATIONS[BCE].clauses["BCE-2"]
    assert f"deviates from clause BCE-2: {gist}" in shown


@pytest.mark.parametrize("impl", ["torch", "py:my_losses:adapter"])
def test_a_script_says_what_is_asked(impl):
    group = next(
        group
        for group in vectors.load(BCE).groups
        if group.path.endswith("/saturation/default")
    )
    point = next(one for one in group.ids if ";y=1;x=17#" in one)
    first = repro.script(point, impl).splitlines()[0]
    assert first.startswith("# BCE-1 (value); BCE-4 (grad_labels); BCE-2 (grad_logits)")
    assert compile(first, "script", "exec")

import io
import math

import pytest
import torch
from rich.console import Console

from conformance.mutants import torch_binary as faults
from conformance.mutants import torch_classes as class_faults
from conformance.mutants import torch_others as others
from conformance.plan import Options
from conformance.report.stream import read
from conformance.runner import run
from tests.conformance.diagnosing import (
    diagnoses,
    mean_by,
    noisy,
    results,
    rewritten,
    says,
    scaled,
)
from tests.conformance.test_cli import conformance

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
CE, SOFTMAX = "cross_entropy", "softmax_focal_loss"
GHM = "ghmc_loss"
SUMS = "reduction/*n=1023#*"


# Mistake, operation, cases, output and what must be said of one of them.
FACTORS = [
    (scaled(FOCAL, 2.0), FOCAL, "basic/*", "value", "2 times what is specified: "),
    (scaled(FOCAL, 1.37), FOCAL, "basic/*", "value", "every number is 1.37 times"),
    (scaled(FOCAL, -1.0), FOCAL, "basic/*", "value", "-1 times *: the sign"),
    (scaled(BCE, 1 / math.log(2)), BCE, "basic/*", "value", "1.443 *to base 2"),
    (scaled(BCE, 1 / math.log(10)), BCE, "basic/*", "value", "0.4343 *to base 10"),
    (scaled(BCE, math.log(2)), BCE, "basic/*", "value", "multiplied by log 2"),
    (scaled(FOCAL, 1 / 1023), FOCAL, "basic/*", "grad_logits", "divided by N = 1023"),
    (scaled(BCE, 2 / 3), BCE, "basic/*", "grad_logits", "is 0.6667 times"),
    (
        scaled(SOFTMAX, 1 / 3),
        SOFTMAX,
        "basic/*",
        "value",
        "0.3333 *divided by C = 3, the number of classes",
    ),
    (
        mean_by(BCE, lambda x, _, o: o.get("sample_weight", torch.ones_like(x)).sum()),
        BCE,
        SUMS,
        "mean",
        "divided by Σw of the examples = * instead of N = 1023",
    ),
    (
        class_faults.mean_over_examples,
        CE,
        SUMS,
        "mean",
        "divided by * kept examples = 877 instead of Σw of the labels = 2337",
    ),
    (
        mean_by(CE, lambda x, _, __: x.numel()),
        CE,
        SUMS,
        "mean",
        "divided by N·C = 3069 instead of *",
    ),
    (
        class_faults.ignored_counted,
        CE,
        SUMS,
        "mean",
        "divided by N = 1023 instead of the number of kept examples = 877",
    ),
    (
        faults.mean_over_positives,
        FOCAL,
        SUMS,
        "mean",
        "divided by * = * instead of N = 1023",
    ),
    (
        others.heat_over_elements,
        "heatmap_focal_loss",
        SUMS,
        "grad_logits",
        "divided by N = 1023 instead of the number of positives = 186",
    ),
    (faults.sum_by_default, FOCAL, SUMS, "mean", "1023 times *not divided by N = 1023"),
    (
        others.biased_average,
        GHM,
        "param_edge/bins=30;momentum=0.875;*",
        "value",
        "8 times *: 1/(1 - m) of the first batch with m = 0.875",
    ),
    (
        others.not_averaged_over_bins,
        GHM,
        "basic/default",
        "value",
        "8 times *: not averaged over 8 bins",
    ),
    (
        rewritten(GHM, average_over=lambda _: "nonempty"),
        GHM,
        "basic/*average_over=bins",
        "value",
        "averaged over the bins that are not empty; * of 30 bins are not empty",
    ),
]


@pytest.mark.parametrize(
    ("function", "operation", "select", "output", "phrase"), FACTORS
)
def test_factor_is_named(function, operation, select, output, phrase):
    told = diagnoses(function, operation, select, output)
    assert any(says(one, phrase) for one in told), told


@pytest.mark.parametrize("size", [1e-3, 1e-4])
def test_noise_is_not_explained(size):
    found = results(noisy(size), FOCAL, "[bdps]a*/*")
    failed = [r for r in found if r.status == "fail"]
    assert len(failed) > 100
    assert {r.diagnosis for r in failed} == {""}


def test_right_answers_are_not_diagnosed():
    found = [*results(faults.focal, FOCAL, "basic/*")]
    assert {(r.status, r.diagnosis) for r in found} == {("pass", "")}


def test_a_barely_wrong_answer_is_not_diagnosed():
    found = [*results(faults.gamma_off_by_1e_6, FOCAL, "basic/*")]
    failed = [r for r in found if r.status == "fail" and r.output == "value"]
    assert {r.diagnosis for r in failed} == {""}


def test_several_explanations_are_all_named():
    """With positives alone, alpha on both sides is a loss times alpha."""
    function = rewritten(FOCAL, alpha=lambda a: 1 - a)
    told = diagnoses(function, FOCAL, "one_class/gamma=2;*labels=1", "value")
    assert any(" or " in one and "on both sides" in one for one in told)


def test_checks_say_by_which_factor_answers_differ():
    function = scaled(CE, lambda _, __, options: 1 + ("class_weights" in options))
    found = [*results(function, CE, "semantics/unit-weights*", ("semantics",))]
    told = {r.diagnosis for r in found if r.status == "fail"}
    assert told == {"every number is 2 times what is expected"}


def test_run_shows_and_stores_it(tmp_path):
    shown = io.StringIO()
    impl = "py:tests.conformance.diagnosing:halved"
    options = Options((impl,), select=f"{FOCAL}/basic/*", out=tmp_path)
    assert run(options, Console(file=shown, width=200)) == 1
    sentence = "every number is 0.5 times what is specified: half"
    assert f"\n  {sentence}\n" in shown.getvalue()
    stored = read(tmp_path / "report.json").results
    told = {r.diagnosis for r in stored if r.status == "fail" and r.output == "value"}
    assert told == {sentence}


@pytest.mark.parametrize(
    ("number", "status", "phrase"),
    [
        ("16.118", 0, "-log(1e-7): probabilities kept above 1e-7"),
        ("27.631", 0, "-log(1e-12)"),
        ("87.3365", 0, "-log(2^-126): the smallest normal float32"),
        ("9.2085", 0, "(1 - 0.0001)^2"),
        ("4.0295", 0, "0.25 · log(1e-7)"),
        ("23.2535", 0, "1/log(2) · log(1e-7)"),
        ("12.34", 1, "no number"),
        ("0", 1, "no number"),
        ("nan", 1, "no number"),
    ],
)
def test_numbers_are_explained_on_the_command_line(number, status, phrase):
    done = conformance("diagnose", number)
    assert done.returncode == status
    assert phrase in done.stdout
    assert done.stderr == ""

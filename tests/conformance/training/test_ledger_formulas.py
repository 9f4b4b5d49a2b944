"""Claims that operations decide: change the evidence, and the verdict changes."""

from fnmatch import fnmatchcase

import numpy as np
import pytest

from conformance.training import claims as printed
from conformance.training.ledger import (
    CLAIMS,
    FAILS,
    HOLDS,
    HOLDS_WHEN,
    NO_EVIDENCE,
    NOT_TESTABLE,
    Runs,
    settle,
    weighting,
)
from tests.conformance.training.ledgers import write

BY_NUMBER = {claim.number: claim for claim in CLAIMS}

# The verdict as it is, and what it becomes when evidence is replaced.
CHANGES = [
    ("A1", HOLDS_WHEN, {"difference on soft labels": 0.0}, HOLDS),
    ("A1", HOLDS_WHEN, {"difference on hard labels": 0.1}, FAILS),
    ("A2", FAILS, {"positives": 30_000, "negatives": 6_000}, HOLDS),
    ("A4", FAILS, {"first weight": 5.0}, HOLDS),
    ("A5", HOLDS_WHEN, {"pt - p at w = 5": 0.0}, HOLDS),
    ("A5", HOLDS_WHEN, {"pt - p at w = 1": 0.1}, FAILS),
    ("A6", HOLDS, {"printed loss minus weighted BCE": 0.1}, FAILS),
    ("A9", FAILS, {"* NaN after": 0}, HOLDS),
    ("A9", FAILS, {"* NaN after": 0, "* NaN before": 0}, HOLDS_WHEN),
    (
        "B5",
        HOLDS_WHEN,
        {"printed loss *": 20.0, "*gradient of the sigmoid*": 1.0},
        FAILS,
    ),
    ("B6", HOLDS, {"capped at 100": np.inf}, FAILS),
    ("B6", HOLDS, {"empty data": np.nan}, FAILS),
    ("C1", FAILS, {"stated": [0.0111, 0.1111, 1.0]}, HOLDS),
    ("C2", FAILS, {"stated": [0.0011, 0.0110, 0.1054]}, HOLDS),
    ("C2", FAILS, {"normalised": [0.0011, 0.0110, 0.1054]}, HOLDS),
    ("C3", HOLDS, {"stated": [0.0334, 0.1054, 0.3162]}, FAILS),
    (
        "C4",
        HOLDS_WHEN,
        {"a / (K - 1)": [0.95, 0.05], "second part*(K - 1)": 0.05},
        HOLDS,
    ),
    ("C4", HOLDS_WHEN, {"a / K": [0.9, 0.1]}, FAILS),
    ("C9", HOLDS_WHEN, {"*mean, index labels": 1.515747017634398}, HOLDS),
    ("C9", HOLDS_WHEN, {"*mean, probability labels*": 1.0}, FAILS),
    ("C10", HOLDS, {"precisions": [0.988, 0.887, 0.72]}, FAILS),
    ("D1", HOLDS_WHEN, {"torch": "NaN", "our JAX form": "NaN"}, HOLDS),
    ("D1", HOLDS_WHEN, {"formula without a check: NaN": 0}, FAILS),
    ("D2", FAILS, {"log p at p = 1": -np.inf}, HOLDS),
    ("D3", FAILS, {"shifted loss": 40.0, "shifted gradient": -1.0}, HOLDS),
    ("D4", HOLDS_WHEN, {"weighted mean, halves minus whole": 0.0}, HOLDS),
    ("D4", HOLDS_WHEN, {"mean, twice the batch to once": 2.0}, FAILS),
    ("D4", HOLDS_WHEN, {"unweighted mean, halves minus whole": 0.1}, FAILS),
    ("D5", HOLDS, {"printed sum": 3.1}, FAILS),
    ("D6", HOLDS_WHEN, {"*reduced*": 0.0}, HOLDS),
    ("D6", HOLDS_WHEN, {"unreduced, on hard labels": 0.1}, FAILS),
    ("D7", FAILS, {"one alpha": 3.0}, HOLDS),
    ("D8", FAILS, {"largest float16": 1e39}, HOLDS),
    ("D9", HOLDS_WHEN, {"*shards*": 0.0}, HOLDS),
    ("D9", HOLDS_WHEN, {"even shards": 0.1}, FAILS),
    ("D10", HOLDS_WHEN, {"counted from 0": [0.1, 0.2, 0.3]}, HOLDS),
    ("D10", HOLDS_WHEN, {"counted from 1": [0.0, 0.1, 0.2]}, FAILS),
    ("E1", HOLDS_WHEN, {"mean against mean": 0.91}, HOLDS),
    ("E1", HOLDS_WHEN, {"summed over examples": 0.89}, FAILS),
    ("E3", FAILS, {"scalar alpha to none, by class": [0.25, 0.5, 0.75]}, HOLDS),
    (
        "E5",
        FAILS,
        {
            "printed weight at g = 1": 20.0,
            "printed mean weight below": 1.0,
            "published mean weight below": 1.0,
            "first batch at momentum 0.75 to none": 1.0,
        },
        HOLDS,
    ),
    ("E7", NOT_TESTABLE, {"tasks": ["detection", "medical images"]}, NO_EVIDENCE),
    ("E8", FAILS, {"infinite": 0, "NaN": 0}, HOLDS),
]


# Training only adds to what formulas say.
TRAINED_TOO = {"D8", "D9", "D10"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("none"), records=None)


def replaced(evidence, changes):
    """Replaces what is named, where an asterisk stands for any text."""
    found = dict(evidence)
    for pattern, value in changes.items():
        names = [name for name in evidence if fnmatchcase(name, pattern)]
        assert names, pattern
        found |= dict.fromkeys(names, value)
    return found


@pytest.mark.parametrize(("number", "word", "changes", "other"), CHANGES)
def test_changed_evidence_changes_the_verdict(number, word, changes, other, runs):
    claim = BY_NUMBER[number]
    entry = settle(claim, runs)
    assert entry.verdict.word == word != other
    changed = claim.judge(replaced(entry.evidence, changes))
    assert changed.word == other
    assert changed.sentence != entry.verdict.sentence or number == "D1"


@pytest.mark.parametrize(
    "changes", [{"shifted loss": 40.0}, {"shifted gradient": -1.0}]
)
def test_half_a_cure_is_none(changes, runs):
    entry = settle(BY_NUMBER["D3"], runs)
    assert BY_NUMBER["D3"].judge(replaced(entry.evidence, changes)).word == FAILS


def test_every_claim_that_formulas_decide_is_among_them():
    decided = {claim.number for claim in CLAIMS if not claim.recipes}
    assert {row[0] for row in CHANGES} == decided | TRAINED_TOO


@pytest.mark.parametrize(
    "number", sorted({row[0] for row in CHANGES if BY_NUMBER[row[0]].note})
)
def test_notes_come_out_or_are_mistaken_by_the_evidence(number, runs):
    claim = BY_NUMBER[number]
    entry = settle(claim, runs)
    assert entry.note.endswith("came out as expected")
    changes = [row[2] for row in CHANGES if row[0] == number]
    assert claim.note is not None
    outcomes = [claim.note.comes_out(replaced(entry.evidence, own)) for own in changes]
    assert not all(outcomes)


# An operation that is replaced, and the verdict that follows.
OPERATIONS = [
    ("A1", "label_weighted_bce", lambda x, _, **__: x, FAILS),
    ("E1", "loss_share_of_negatives", lambda **_: 0.95, HOLDS),
    ("E8", "focal_of_probabilities", lambda p, _: p, HOLDS),
    ("D9", "mean_of_batch_means", lambda losses, *_: losses[0][0], FAILS),
    ("C4", "manually_smoothed", lambda y, a: y * (1 - a) + a / 2, HOLDS_WHEN),
]


@pytest.mark.parametrize(("number", "name", "other", "word"), OPERATIONS)
def test_another_operation_has_another_verdict(
    number, name, other, word, runs, monkeypatch
):
    before = settle(BY_NUMBER[number], runs)
    monkeypatch.setattr(printed, name, other)
    after = settle(BY_NUMBER[number], runs)
    assert after.verdict.word == word
    assert after.verdict != before.verdict


def test_another_rule_of_weights_moves_the_wording(runs, monkeypatch):
    monkeypatch.setattr(weighting, "pos_weight", lambda p, n: p / n)
    entry = settle(BY_NUMBER["A2"], runs)
    assert "does not balance" in entry.verdict.sentence
    assert entry.note.endswith("the expectation was mistaken")


@pytest.mark.parametrize(
    ("number", "strategy", "told"),
    [
        ("D8", "half", "logits in float16 -0.100, the same, loss scaled +0.000"),
        ("D9", "uneven-shards", "even shards +0.000, uneven shards -0.100, even"),
        ("D10", "warm-up-zero", "counted from 0 - counted from 1 -0.100"),
    ],
)
def test_trainings_add_to_what_formulas_say(number, strategy, told, runs, tmp_path):
    without = settle(BY_NUMBER[number], runs)
    write(tmp_path, {("stability", strategy, "f1_half"): 0.5})
    entry = settle(BY_NUMBER[number], Runs(tmp_path, records=None))
    assert "In training" not in without.verdict.sentence
    assert f"In training, F1 at 0.5 moves by: {told}" in entry.verdict.sentence
    assert without.verdict.word == entry.verdict.word
    assert entry.note == without.note

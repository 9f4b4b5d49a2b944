"""Claims that training decides: change the outcome, and the verdict changes."""

import json

import numpy as np
import pytest

from conformance.training.ledger import (
    CLAIMS,
    FAILS,
    HOLDS,
    HOLDS_WHEN,
    NO_EVIDENCE,
    Runs,
    settle,
)
from tests.conformance.training import ledgers
from tests.conformance.training.ledgers import BACKENDS, ascending, outcome, write

BY_NUMBER = {claim.number: claim for claim in CLAIMS}
A, B, C, E = "pos_weight", "multilabel", "smoothing", "extreme"

SETTLED = ascending([1.0] * 15 + [7.5] * 15)
CAPPED = ascending([1 + epoch / 2 for epoch in range(19)] + [10.0] * 11)
MIXED = [settled[:5] + own[5:] for settled, own in zip(SETTLED, CAPPED, strict=True)]
RANKED = {
    (A, "dynamic", "f1_half"): 0.65,
    (A, "adaptive-article", "f1_half"): 0.7,
    (A, "dynamic", "f1_searched"): 0.75,
    (A, "adaptive-article", "f1_searched"): 0.8,
}
STEADY = {
    (A, strategy, metric): spread
    for metric in ("f1_half", "f1_searched")
    for strategy, spread in {
        "inverse": 0.04,
        "dynamic": 0.01,
        "adaptive-article": 0.002,
    }.items()
}
WIDE = dict.fromkeys(STEADY, 0.3)
ZERO = {(B, "inverted", m): 0.0 for m in ("macro_recall_half", "fraction_above_half")}
BOTH = {(B, "correct", f"macro_f1_{cut}"): 0.8 for cut in ("half", "searched")}
SHAKY = {(B, "per-batch", "macro_f1_half"): 0.05}
BETTER = {
    (C, "sampler-inverse", metric): 0.8 for metric in ("macro_f1", "balanced_accuracy")
}
RISING = {(C, f"smooth-0.{k}", "entropy"): 0.1 + 0.1 * k for k in (1, 2, 3)}
FITTED = {(C, f"smooth-0.{k}", "train_accuracy"): 0.99 - 0.1 * k for k in (1, 2, 3)}
BEST = {(C, "smooth-0.2", "validation_accuracy"): 0.95}
NOISY = {
    (C, strategy, metric): 2.0
    for strategy in ("plain", "smooth-0.1", "smooth-0.2", "smooth-0.3")
    for metric in ("entropy", "train_accuracy", "validation_accuracy")
}
JOINT = "joint-square-root-0.1"
RECALLED = {(C, JOINT, "recall_2"): 0.7}
QUIET = {(C, "plain", "noisy_accuracy"): 0.5, (C, JOINT, "noisy_accuracy"): 0.75}
LARGE = {
    (E, f"focal-0.75-{g}", metric): 0.6
    for g in (1, 2, 5)
    for metric in ("f1_half", "average_precision")
}
RECALLS = {
    (E, "focal-0.25-2", "recall_half"): 0.7,
    (E, "ghm-printed", "recall_half"): 0.8,
}
SURE = {
    (E, "plain", "specificity_half"): 0.998,
    (E, "ghm-printed", "specificity_half"): 0.985,
    (E, "focal-0.25-2", "specificity_half"): 0.97,
}
LOOSE = {
    (E, strategy, metric): 2.0
    for strategy in ("plain", "focal-0.25-2", "ghm-printed")
    for metric in ("recall_half", "specificity_half")
}
UNSTABLE = {(E, "focal-0.25-2", "recall_half"): 0.05}

# Means, spreads and the verdict that they lead to.
ROWS = [
    ("A3", {(A, "dynamic", "weights"): MIXED}, {}, HOLDS_WHEN),
    ("A3", {(A, "dynamic", "weights"): SETTLED}, {}, HOLDS),
    ("A3", {(A, "dynamic", "weights"): CAPPED}, {}, FAILS),
    ("A7", {}, {}, FAILS),
    ("A7", RANKED, {}, HOLDS_WHEN),
    ("A7", RANKED, STEADY, HOLDS),
    ("A7", {}, WIDE, NO_EVIDENCE),
    # One step up and one down is no ranking.
    ("A7", {k: v for k, v in RANKED.items() if k[1] == "dynamic"}, {}, FAILS),
    ("A8", {}, {}, FAILS),
    ("A8", {}, STEADY, HOLDS),
    ("A8", {}, {k: v for k, v in STEADY.items() if k[2] == "f1_half"}, HOLDS_WHEN),
    ("B1", {}, {}, FAILS),
    ("B1", ZERO, {}, HOLDS),
    ("B1", {(B, "inverted", "macro_recall_half", "digits"): 0.0}, {}, HOLDS_WHEN),
    ("B3", {}, {}, HOLDS),
    ("B3", {(B, "correct", "macro_f1_searched"): 0.2}, {}, FAILS),
    ("B3", {(B, "correct", "macro_f1_searched", "digits"): 0.2}, {}, HOLDS_WHEN),
    ("B3", {}, {(B, "correct", "macro_f1_searched"): 0.9}, NO_EVIDENCE),
    ("B4", {}, {}, FAILS),
    ("B4", {}, SHAKY, HOLDS),
    ("B4", {}, {(*next(iter(SHAKY)), "digits"): 0.05}, HOLDS_WHEN),
    ("C5", {}, {}, FAILS),
    ("C5", BETTER, {}, HOLDS),
    ("C6", {}, {}, FAILS),
    ("C6", RISING, {}, HOLDS_WHEN),
    ("C6", {**RISING, **FITTED, **BEST}, {}, HOLDS),
    ("C6", BEST, {}, HOLDS_WHEN),
    ("C6", {}, NOISY, NO_EVIDENCE),
    ("C7", {}, {}, FAILS),
    ("C7", RECALLED, {}, HOLDS),
    ("C7", {**RECALLED, (C, JOINT, "recall_0"): 0.8}, {}, HOLDS_WHEN),
    ("C7", {(C, JOINT, "recall_2"): 0.45}, {}, HOLDS_WHEN),
    ("C8", {}, {}, FAILS),
    ("C8", QUIET, {}, HOLDS),
    ("C8", {(C, JOINT, "noisy_accuracy"): 0.55}, {}, HOLDS_WHEN),
    ("E2", {}, {}, FAILS),
    ("E2", LARGE, {}, HOLDS),
    ("E2", {k: v for k, v in LARGE.items() if k[1].endswith("-1")}, {}, HOLDS_WHEN),
    ("E4", {}, {}, HOLDS),
    ("E4", {(E, "heatmap-focal", "average_precision"): 0.3}, {}, FAILS),
    ("E6", {}, {}, FAILS),
    ("E6", {**RECALLS, **SURE}, UNSTABLE, HOLDS_WHEN),
    ("E6", {(E, "focal-0.25-2", "recall_half", "user"): 0.7}, {}, HOLDS_WHEN),
    ("E6", {}, LOOSE, NO_EVIDENCE),
]


def settled(number, folder, *args, **options):
    write(folder, *args, **options)
    return settle(BY_NUMBER[number], Runs(folder, records=None))


@pytest.mark.parametrize(("number", "changes", "spreads", "word"), ROWS)
def test_verdict_follows_the_outcome(number, changes, spreads, word, tmp_path):
    entry = settled(number, tmp_path, changes, spreads=spreads)
    assert entry.verdict.word == word, entry.verdict.sentence
    assert entry.sources[0].recipe in BY_NUMBER[number].recipes


def test_every_claim_of_training_is_among_them():
    asked = {claim.number for claim in CLAIMS if claim.recipes}
    asked -= {"B2", "D8", "D9", "D10"}
    assert {row[0] for row in ROWS} == asked
    for number in asked:
        assert len({row[3] for row in ROWS if row[0] == number}) > 1


@pytest.mark.parametrize("number", sorted({row[0] for row in ROWS} - {"A3"}))
def test_without_the_run_there_is_no_evidence(number, tmp_path):
    entry = settle(BY_NUMBER[number], Runs(tmp_path, records=None))
    recipe = BY_NUMBER[number].recipes[0]
    assert entry.verdict.word == NO_EVIDENCE
    assert f"`conformance compare {recipe}`" in entry.verdict.sentence
    assert entry.evidence == {}


@pytest.mark.parametrize("number", sorted({row[0] for row in ROWS} - {"A3"}))
def test_a_strategy_that_was_not_run_is_no_evidence(number, tmp_path, monkeypatch):
    world = {
        name: (data, metrics, ("other",))
        for name, (data, metrics, _) in ledgers.WORLD.items()
    }
    monkeypatch.setattr(ledgers, "WORLD", world)
    entry = settled(number, tmp_path, recipes=world)
    assert entry.verdict.word == NO_EVIDENCE


def test_one_backend_alone_does_not_make_a_claim_hold(tmp_path):
    write(tmp_path, LARGE, backends=("torch",))
    whole = settle(BY_NUMBER["E2"], Runs(tmp_path, records=None))
    assert whole.verdict.word == HOLDS
    path = tmp_path / E / "outcome.json"
    record = json.loads(path.read_text())
    other = outcome(E, {}, {}, ("jax",))
    for name, data in record["data"].items():
        data["seeds"] |= other["data"][name]["seeds"]
    path.write_text(json.dumps(record))
    entry = settle(BY_NUMBER["E2"], Runs(tmp_path, records=None))
    assert entry.verdict.word not in (HOLDS, HOLDS_WHEN)


@pytest.mark.parametrize("lacking", ["jax", "torch", "a seed"])
def test_a_ranking_takes_eight_seeds_of_both(lacking, tmp_path, monkeypatch):
    if lacking == "a seed":
        monkeypatch.setattr(ledgers, "SEEDS", tuple(range(7)))
    backends = tuple(name for name in ("numpy", *BACKENDS) if name != lacking)
    entry = settled("A7", tmp_path, RANKED, backends=backends)
    assert entry.verdict.word == NO_EVIDENCE
    assert "takes 8 seeds of torch and of JAX" in entry.verdict.sentence


def test_claims_of_one_to_a_hundred_do_not_look_at_milder_data(tmp_path):
    digits = {(*key, "digits"): value for key, value in {**RECALLS, **LARGE}.items()}
    for number in ("E2", "E6"):
        entry = settled(number, tmp_path, digits)
        assert entry.verdict.word == FAILS
        assert "digits" not in str(entry.evidence)


def test_the_case_of_the_chest_is_one_data_set(tmp_path):
    entry = settled("C7", tmp_path, RECALLED)
    names = {row["data"] for rows in entry.evidence.values() for row in rows}
    assert names == {"synthetic-1000"}


def test_shifts_of_the_prior_are_those_of_theory(tmp_path):
    entry = settled("C5", tmp_path, {(C, "sampler-inverse", "offset"): -0.25})
    for row in entry.evidence["shift of log-odds"]:
        common, *_, rare = ledgers.WORLD[C][0][row["data"]]
        assert row["balance"] == pytest.approx(np.log(common / rare))
        assert row["sampler"] == pytest.approx(row["balance"])
        # Each batch is divided by its weights, which the rare class adds most to.
        assert 0.5 * row["balance"] < row["weights"] < row["balance"]
        assert 1.5 * row["balance"] < row["both"] < 2 * row["balance"]
    for row in entry.evidence["measured shift"]:
        (predicted,) = (
            own["both"]
            for own in entry.evidence["shift of log-odds"]
            if own["data"] == row["data"]
        )
        assert row["mean"] == pytest.approx(predicted - 0.25)
    assert "4.5 balances synthetic-900, both together should add 8.9 and add 8.7" in (
        entry.verdict.sentence
    )


def test_figures_that_contradict_each_other_are_found(tmp_path):
    entry = settled("E6", tmp_path, {**RECALLS, **SURE}, spreads=UNSTABLE)
    assert entry.verdict.condition == "precision of negatives means their recall"
    possible = dict.fromkeys(("CE", "focal", "GHM-C"), 0.999)
    evidence = {**entry.evidence, "largest precision of negatives": possible}
    assert BY_NUMBER["E6"].judge(evidence).word == HOLDS


def test_element_weight_is_measured_where_it_was_trained(tmp_path):
    without = settle(BY_NUMBER["B2"], Runs(tmp_path, records=None))
    assert without.verdict.word == HOLDS
    assert "not trained yet" in without.verdict.sentence
    same = settled("B2", tmp_path)
    assert same.note.endswith("came out as expected")
    assert all(name in same.verdict.sentence for name in BACKENDS)
    moved = settled("B2", tmp_path, {(B, "element", "macro_f1_half"): 0.5})
    assert moved.note.endswith("the expectation was mistaken")
    claim = BY_NUMBER["B2"]
    evidence = {**same.evidence, "pos_weight 0.5 on the negative term": 0.5}
    assert claim.judge(evidence).word == FAILS


NOTES = [
    ("B1", ZERO, {}),
    ("B3", {(B, "correct", "macro_f1_half"): 0.45}, BOTH),
    ("C6", RISING, {}),
    ("C5", {(C, "sampler-inverse", "recall_0"): 0.7}, {}),
    ("E2", {}, LARGE),
]


@pytest.mark.parametrize(("number", "as_expected", "otherwise"), NOTES)
def test_notes_of_training_come_out_or_are_mistaken(
    number, as_expected, otherwise, tmp_path
):
    right = settled(number, tmp_path, as_expected)
    assert right.note.endswith("came out as expected")
    wrong = settled(number, tmp_path, otherwise)
    assert wrong.note.endswith("the expectation was mistaken")


def test_kept_records_stand_in_for_what_was_not_run(tmp_path):
    own, kept = tmp_path / "own", tmp_path / "kept"
    write(own, recipes=[A])
    write(tmp_path / "made", ZERO, recipes=[B])
    kept.mkdir()
    (tmp_path / "made" / B / "outcome.json").rename(kept / f"{B}.json")
    runs = Runs(own, records=kept)
    first, second = (settle(BY_NUMBER[n], runs) for n in ("A8", "B1"))
    assert not first.sources[0].kept
    assert second.sources[0].kept
    assert second.verdict.word == HOLDS
    assert str(second.sources[0]) == (
        "multilabel: kept record of this project multilabel.json, 10 seeds; "
        "torch 2, jax 1"
    )

"""Where the verdicts of trainings turn: epochs, levels, parts of a claim."""

import json

import numpy as np
import pytest

from conformance.training.ledger import (
    CLAIMS,
    FAILS,
    HOLDS_WHEN,
    NO_EVIDENCE,
    Runs,
    settle,
)
from conformance.training.ledger.contrasts import contrast, enough
from tests.conformance.training.ledgers import WORLD, ascending, outcome, write

BY_NUMBER = {claim.number: claim for claim in CLAIMS}
A, B, C, E = "pos_weight", "multilabel", "smoothing", "extreme"


def settled(number, folder, *args, **options):
    write(folder, *args, **options)
    return settle(BY_NUMBER[number], Runs(folder, records=None))


@pytest.mark.parametrize(
    ("values", "share"),
    [
        # Epoch 20 is the first that counts, and all later ones do.
        ([1.0] * 19 + [7.5] * 11, 100),
        ([1.0] * 20 + [7.5] * 10, 0),
        ([7.5] * 25 + [10.0] * 5, 0),
        ([7.0] * 30, 100),
        ([6.9] * 30, 0),
    ],
)
def test_a_weight_settles_by_epoch_20(values, share, tmp_path):
    weights = {(A, "dynamic", "weights"): ascending(values)}
    entry = settled("A3", tmp_path, weights)
    assert f"Recorded: {share} % of the runs" in entry.verdict.sentence


def test_both_thresholds_refute_a_ranking_or_it_is_open(tmp_path):
    wide = {
        (A, strategy, "f1_half"): 0.3
        for strategy in ("inverse", "dynamic", "adaptive-article")
    }
    assert settled("A7", tmp_path, spreads=wide).verdict.word == NO_EVIDENCE
    assert settled("A7", tmp_path).verdict.word == FAILS


def test_a_spread_is_judged_at_the_level_of_intervals(tmp_path):
    record = outcome(B, {}, {}, ("jax",))
    cells = record["data"]["digits"]["seeds"]["jax"]
    draws = np.random.default_rng(3).normal(size=(2, 10))
    draws -= draws.mean(axis=1, keepdims=True)
    draws[1] -= draws[0] * (draws[0] @ draws[1]) / (draws[0] @ draws[0])
    draws /= draws.std(axis=1, ddof=1, keepdims=True)
    # Without correlation a ratio of 2.2 has p = 0.03, one of 3 has p = 0.005.
    for ratio, word in ((2.2, "undetermined"), (3.0, "higher")):
        for strategy, own in (("plain", draws[0]), ("correct", ratio * draws[1])):
            cells[strategy]["metrics"]["macro_f1_half"] = own.tolist()
        path = tmp_path / f"{ratio}" / B / "outcome.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(record))
        rows = contrast(
            Runs(tmp_path / f"{ratio}", records=None),
            B,
            "macro_f1_half",
            first="plain",
            second="correct",
            spreads=True,
        )
        (row,) = (row for row in rows if row["data"] == "digits")
        assert row["second spread"] / row["first spread"] == pytest.approx(ratio)
        assert row["spread"] == word


def test_seeds_are_enough_if_every_contrast_has_them():
    assert enough([{"n": 8}, {"n": 9}])
    assert not enough([{"n": 8}, {"n": 7}])


def test_a_missing_run_says_whether_other_data_would_do(tmp_path, monkeypatch):
    data, metrics, strategies = WORLD[C]
    (name,) = (name for name in data if name.endswith("900"))
    monkeypatch.setitem(WORLD, C, ({name: data[name]}, metrics, strategies))
    told = settled("C7", tmp_path).verdict.sentence
    assert "joint-square-root-0.1 on the data that this is about:" in told
    monkeypatch.setitem(WORLD, C, ({name: data[name]}, metrics, ("other",)))
    told = settled("C8", tmp_path).verdict.sentence
    assert "has joint-square-root-0.1 and plain: `" in told


def test_a_shift_is_measured_from_plain_training(tmp_path):
    offsets = {"plain": 0.5, "inverse": 9.0, "sampler-inverse": -0.5}
    changes = {(C, name, "offset"): own for name, own in offsets.items()}
    found = settled("C5", tmp_path, changes).evidence
    predicted = {row["data"]: row["both"] for row in found["shift of log-odds"]}
    for row in found["measured shift"]:
        assert row["mean"] == pytest.approx(predicted[row["data"]] - 1.0)


def test_best_at_an_alpha_is_better_than_at_every_other(tmp_path):
    changes = {(C, f"smooth-0.{k}", "validation_accuracy"): 0.95 for k in (2, 3)}
    assert settled("C6", tmp_path, changes).verdict.word == FAILS


def test_one_refuted_column_refutes_the_table(tmp_path):
    spreads = {
        (C, strategy, "entropy"): 2.0
        for strategy in ("plain", "smooth-0.1", "smooth-0.2", "smooth-0.3")
    }
    assert settled("C6", tmp_path, spreads=spreads).verdict.word == FAILS


def test_noise_that_nothing_shows_is_open(tmp_path):
    wide = {(C, "plain", "noisy_accuracy"): 0.9}
    assert settled("C8", tmp_path, spreads=wide).verdict.word == NO_EVIDENCE


def test_a_difference_too_small_to_matter_is_no_direction(tmp_path):
    small = {(C, "joint-square-root-0.1", "noisy_accuracy"): 0.504}
    spreads = dict.fromkeys(
        ((C, s, "noisy_accuracy") for s in ("plain", "joint-square-root-0.1")), 1e-4
    )
    assert settled("C8", tmp_path, small, spreads=spreads).verdict.word == FAILS


def test_heat_maps_are_open_where_backends_disagree(tmp_path):
    name = "synthetic"
    changes = {(E, "heatmap-focal", "average_precision", name): 0.3}
    assert settled("E4", tmp_path, changes).verdict.word == NO_EVIDENCE


def test_an_interval_that_may_be_a_direction_is_none(tmp_path):
    # Ends at about 0.1: less than is asserted, more than what matters.
    wide = {(C, "plain", "noisy_accuracy"): 0.08}
    assert settled("C8", tmp_path, spreads=wide).verdict.word == FAILS


def test_a_part_of_the_grid_refutes_it_where_no_other_shows_it(tmp_path):
    every = {
        (E, f"focal-0.75-{g}", metric): 0.9
        for g in (1, 2, 5)
        for metric in ("f1_half", "average_precision")
    }
    entry = settled("E2", tmp_path, spreads=every)
    assert entry.verdict.word == NO_EVIDENCE
    assert entry.note.endswith("; open")
    every.pop((E, "focal-0.75-2", "f1_half"))
    assert settled("E2", tmp_path, spreads=every).verdict.word == FAILS
    part = {(E, "focal-0.75-2", "f1_half"): 0.6}
    assert settled("E2", tmp_path, part).verdict.word == HOLDS_WHEN


def test_over_correction_is_measured_and_not_only_predicted(tmp_path):
    changes = {(C, "sampler-inverse", "recall_0"): 0.7}
    assert settled("C5", tmp_path, changes).note.endswith("came out as expected")
    changes[C, "sampler-inverse", "offset"] = -6.0
    assert settled("C5", tmp_path, changes).note.endswith("was mistaken")


def test_a_cure_is_told_by_its_parts(tmp_path):
    changes = {
        (B, "correct", "macro_f1_half"): 0.4,
        (B, "correct", "macro_f1_searched"): 0.525,
        (B, "correct", "macro_f1_global"): 0.9,
    }
    told = settled("B3", tmp_path, changes).verdict.sentence
    assert told == (
        "Macro F1 over plain training at 0.5: both +0.225, thresholds alone +0.200, "
        "one threshold for all labels +0.100, weights alone +0.100, weights after "
        "thresholds +0.025. Once thresholds are searched, 25 % of what the weights "
        "gain alone is left."
    )


def test_weights_that_gain_nothing_leave_nothing(tmp_path):
    loss = {(B, "correct", "macro_f1_half"): 0.2}
    told = settled("B3", tmp_path, loss).verdict.sentence
    assert told.endswith("nothing is left, for the weights alone gain nothing.")
    # Where they lose on one data set only, the other tells.
    part = {
        (B, "correct", "macro_f1_half"): 0.4,
        (B, "correct", "macro_f1_searched"): 0.525,
        (B, "correct", "macro_f1_half", "digits"): 0.2,
    }
    entry = settled("B3", tmp_path, part)
    assert "25 % of what the weights gain alone" in entry.verdict.sentence
    assert entry.note.endswith("came out as expected")


def test_the_tail_begins_where_float32_has_no_probability_left(tmp_path):
    entry = settled("B5", tmp_path)
    assert entry.verdict.condition == "a logit is about 17 or beyond"
    finite = {
        name: 20.0 if name.startswith("printed") else own
        for name, own in entry.evidence.items()
    }
    assert BY_NUMBER["B5"].judge(finite).word == HOLDS_WHEN


def test_trainings_with_shards_are_held_against_their_own_kind(tmp_path):
    changes = {
        ("stability", strategy, "f1_half"): own
        for strategy, own in {
            "logits": 0.6,
            "even-shards": 0.61,
            "uneven-shards": 0.62,
            "weighted": 0.4,
            "weighted-shards": 0.5,
        }.items()
    }
    told = settled("D9", tmp_path, changes).verdict.sentence
    assert told.endswith(
        "even shards +0.010, uneven shards +0.020, even shards, weighted mean +0.100."
    )

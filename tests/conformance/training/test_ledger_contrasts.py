"""Numbers under the verdicts: pairing, intervals, places; nothing is constant."""

import json
from itertools import product

import numpy as np
import pytest

from conformance.training.ledger import CLAIMS, Runs, ledger
from conformance.training.ledger.contrasts import (
    contrast,
    higher,
    levels,
    refuted,
    steadier,
    unsteadier,
    where,
)
from conformance.training.ledger.runs import MissingRunError
from conformance.training.ledger.wording import plain
from tests.conformance.training import ledgers


def perturbed(value, factor=1.37):
    """Changes every number and word of evidence, each name by a factor of its own."""
    if isinstance(value, dict):
        return {name: perturbed(own, 1 + len(name) / 10) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return [perturbed(own, factor) for own in value]
    if isinstance(value, str):
        return f"{value}!"
    if isinstance(value, int | np.integer):
        return value + 3
    return 7.0 if not np.isfinite(value) else factor * (value + 0.31)


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outcome")
    weights = ledgers.ascending(range(30))
    ledgers.write(folder, {("pos_weight", "dynamic", "weights"): weights})
    return {e.claim.number: e for e in ledger(Runs(folder, records=None))}


@pytest.mark.parametrize("number", [claim.number for claim in CLAIMS])
def test_no_sentence_is_constant(number, entries):
    entry = entries[number]
    rows = {
        name: own if name == "data" else perturbed(own)
        for name, own in entry.evidence.items()
    }
    changed = entry.claim.judge(rows)
    assert changed.sentence != entry.verdict.sentence


@pytest.mark.parametrize("number", [claim.number for claim in CLAIMS])
def test_evidence_is_plain_and_judged_alike_after_json(number, entries):
    entry = entries[number]
    stored = json.loads(json.dumps(plain(entry.evidence), allow_nan=False))
    numbers = {"Infinity": np.inf, "-Infinity": -np.inf}
    again = {
        name: numbers.get(own, own) if isinstance(own, str) else own
        for name, own in stored.items()
    }
    if "NaN" not in stored.values():
        assert entry.claim.judge(again) == entry.verdict


@pytest.fixture
def made(tmp_path):
    changes = {
        ("multilabel", "correct", "macro_f1_half"): 0.5,
        ("multilabel", "correct", "macro_f1_half", "digits"): 0.2,
    }
    ledgers.write(tmp_path, changes, recipes=["multilabel"])
    return tmp_path


def test_a_contrast_is_of_the_second_minus_the_first(made):
    rows = contrast(
        Runs(made, records=None),
        "multilabel",
        "macro_f1_half",
        first="plain",
        second="correct",
    )
    assert [(row["data"], row["backend"]) for row in rows] == [
        *product(["digits", "synthetic"], ["jax", "torch"])
    ]
    for row in rows:
        wanted = 0.2 if row["data"] == "synthetic" else -0.1
        assert row["mean"] == pytest.approx(wanted, abs=1e-12)
        assert row["low"] < wanted < row["high"] < wanted + 0.01
        assert row["first"] == pytest.approx(0.3)
        assert row["n"] == 10
        assert "spread" not in row
    assert where(rows, lambda row: row["low"] > 0) == (["synthetic"], ["digits"])


def test_seeds_are_paired_by_number(tmp_path):
    record = ledgers.outcome("multilabel", {}, {})
    cells = record["data"]["digits"]["seeds"]["jax"]
    noise = np.random.default_rng(5).normal(size=10)
    cells["plain"]["metrics"]["macro_f1_half"] = noise.tolist()
    # The same seeds in another order, and one that the other does not have.
    cells["correct"]["seeds"] = [*range(9, 0, -1), 17]
    later = [float(noise[seed] + 0.1) for seed in range(9, 0, -1)]
    cells["correct"]["metrics"]["macro_f1_half"] = [*later, 50.0]
    write(tmp_path, record)
    rows = contrast(
        Runs(tmp_path, records=None),
        "multilabel",
        "macro_f1_half",
        first="plain",
        second="correct",
        data=lambda name: name == "digits",
    )
    row = rows[0]
    assert (row["backend"], row["n"]) == ("jax", 9)
    assert row["mean"] == pytest.approx(0.1)
    assert row["high"] - row["low"] < 1e-9


def write(folder, record):
    path = folder / "multilabel" / "outcome.json"
    path.parent.mkdir()
    path.write_text(json.dumps(record))


def test_a_seed_that_is_not_a_number_leaves_no_interval(tmp_path):
    record = ledgers.outcome("multilabel", {}, {})
    for backend in ("torch", "jax"):
        cell = record["data"]["digits"]["seeds"][backend]["correct"]
        cell["metrics"]["macro_f1_half"][3] = None
    write(tmp_path, record)
    rows = levels(
        Runs(tmp_path, records=None), "multilabel", "macro_f1_half", "correct"
    )
    told = [row for row in rows if row["data"] == "digits"]
    assert all(row["low"] == -np.inf and row["high"] == np.inf for row in told)
    assert higher([told], "so.", asserted=0.1).word == "no evidence"


def test_what_was_not_measured_is_missing(made):
    with pytest.raises(MissingRunError, match="measured no recall_7"):
        levels(Runs(made, records=None), "multilabel", "recall_7", "correct")


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        ((0.1, 0.1), (0.2, 0.2), "holds"),
        ((0.1, -0.1), (0.2, 0.1), "holds when"),
        ((-0.1, -0.1), (0.04, 0.04), "fails"),
        ((-0.1, -0.1), (0.04, 0.06), "fails"),
        ((-0.1, -0.1), (0.06, 0.06), "no evidence"),
        # A rise that is smaller than what is asserted.
        ((0.01, 0.01), (0.04, 0.04), "fails"),
        ((0.01, 0.01), (0.04, 0.06), "holds when"),
        ((-0.3, -0.3), (-0.1, -0.1), "fails"),
    ],
)
def test_a_rise_is_judged_by_intervals_and_by_what_is_asserted(low, high, word):
    rows = [
        {"data": name, "backend": "jax", "low": a, "high": b}
        for name, a, b in zip("ab", low, high, strict=True)
    ]
    verdict = higher([rows], "so.", asserted=0.05)
    assert verdict.word == word
    name = "b" if low == (0.01, 0.01) else "a"
    assert verdict.condition == (f"trained on {name}" if word == "holds when" else "")


def test_a_rise_is_of_every_contrast_and_refuted_by_one():
    def family(low, high):
        return [{"data": "a", "backend": "jax", "low": low, "high": high}]

    up, down, wide = family(0.1, 0.2), family(-0.2, -0.1), family(-0.2, 0.2)
    assert higher([up, up], "so.", asserted=0.05).word == "holds"
    assert higher([up, down], "so.", asserted=0.05).word == "fails"
    assert higher([up, wide], "so.", asserted=0.05).word == "no evidence"


def test_a_ranking_is_refuted_by_one_step_on_every_backend_of_a_data_set():
    def step(*rows):
        return [{"data": name, "backend": b, "high": h} for name, b, h in rows]

    high, low = ("a", "jax", 0.2), ("a", "jax", 0.01)
    assert refuted([(step(high), 0.05), (step(low), 0.05)])
    assert refuted([(step(("b", "jax", 0.2), low), 0.05)])
    assert not refuted([(step(("a", "torch", 0.2), low), 0.05)])
    assert not refuted([(step(high), 0.05), (step(low), 0.005)])


def test_steadiness_is_of_every_backend_and_family():
    def rows(*words):
        return [
            {"data": "a", "backend": name, "spread": word}
            for name, word in zip(("torch", "jax"), words, strict=True)
        ]

    assert steadier([rows("lower", "lower")]) == ["a"]
    assert steadier([rows("lower", "undetermined")]) == []
    assert steadier([rows("lower", "lower"), rows("lower", "higher")]) == []
    assert unsteadier([rows("higher", "higher")]) == ["a"]
    assert unsteadier([rows("lower", "lower")]) == []

"""What the README says of trainings is what the records say."""

import json
import re
from pathlib import Path

import numpy as np

from conformance.training.ledger import VERDICTS, ledger
from conformance.training.ledger.runs import RECORDS, Runs
from conformance.training.recipes import RECIPES

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = README.split("### Training outcomes")[1].split("\n### ")[0]


def record(name):
    return json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))


def of_recipe(name):
    data = record(name)["data"]
    cells = [cell for found in data.values() for cell in found["lockstep"].values()]
    updates = [cell["horizon"] for cell in cells]
    worst = max(
        np.max(np.divide(distances, cell["bound"]))
        for cell in cells
        for distances in cell["distances"].values()
    )
    rows = [
        row
        for found in data.values()
        for row in found["equivalence"]
        if {row["first"], row["second"]} == {"torch", "jax"}
    ]
    equivalent = sum(row["verdict"] == "equivalent" for row in rows)
    strategies = {name for found in data.values() for name in found["lockstep"]}
    return (
        f"`{name}`",
        str(len(strategies)),
        ", ".join(data),
        f"{min(updates)} to {max(updates)}",
        f"{worst:.1%}".replace("%", " %"),
        f"{equivalent} of {len(rows)}",
        f"{max(abs(row['mean']) for row in rows):.1g}",
    )


def test_recipes_are_those_of_the_records():
    rows = re.findall(r"^\| (`\w+` \| \d+ \| .*) \|$", SECTION, re.M)
    assert rows == [" | ".join(of_recipe(name)) for name in RECIPES]


def test_scores_are_those_of_the_record():
    found = record("pos_weight")["data"]
    rows = re.findall(
        r"^\| (\w*) \| `([\w-]+)` \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$",
        SECTION,
        re.M,
    )
    assert len(rows) >= 15
    data = ""
    for name, strategy, *numbers in rows:
        data = name or data
        cell = found[data]["seeds"]["torch"][strategy]
        expected = (
            cell["metrics"]["f1_half"],
            cell["metrics"]["f1_searched"],
            cell["theory"]["ece_raw"],
            cell["theory"]["ece_corrected"],
        )
        assert numbers == [f"{np.mean(values):.3f}" for values in expected]


def test_share_of_the_threshold_is_that_of_the_record():
    shares = record("pos_weight")["data"]["synthetic"]["theory"]["threshold_share"]
    share = shares["torch"]["inverse"]["share"]
    (told,) = re.findall(r"([\d.]+) % \[([\d.]+), ([\d.]+)\]", SECTION)
    expected = (share["value"], share["low"], share["high"])
    assert told == tuple(f"{100 * value:.0f}" for value in expected)


def test_verdicts_are_those_of_the_ledger():
    found = {verdict: [] for verdict in VERDICTS}
    for entry in ledger(Runs(None)):
        found[entry.verdict.word].append(entry.claim.number)
    rows = re.findall(r"^\| ([a-z ]+) \| ((?:[A-E]\d+(?:, )?)+) \|$", SECTION, re.M)
    assert dict(rows) == {k: ", ".join(v) for k, v in found.items() if v}
    (count,) = re.findall(r"judges (\d+) claims", SECTION)
    assert int(count) == sum(map(len, found.values()))

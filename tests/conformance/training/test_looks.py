import math
from dataclasses import replace

import numpy as np
import pytest

from conformance.training.looks import blocks, merge, undetermined
from conformance.training.verdicts import equivalences
from tests.conformance.training import made


def test_blocks_are_what_every_look_adds():
    found = blocks((10, 20, 40))
    assert [block[0] for block in found] == [0, 10, 20]
    assert [len(block) for block in found] == [10, 10, 20]
    assert [seed for block in found for seed in block] == list(range(40))
    assert blocks((3,)) == [(0, 1, 2)]


def test_undetermined_on_any_pair():
    rows = [
        {"strategy": "a", "verdict": "equivalent"},
        {"strategy": "a", "verdict": "undetermined"},
        {"strategy": "b", "verdict": "equivalent"},
        {"strategy": "c", "verdict": "different"},
    ]
    assert undetermined(rows) == {"a"}


def test_merged_blocks_are_one_run():
    whole = made.seed_cell(range(10), index=3)
    parts = [made.seed_cell(range(4), index=3), made.seed_cell(range(4, 10), index=3)]
    assert merge(parts) == {**whole, "seconds": 2.0}
    parts[1]["trained"] = False
    assert merge(parts)["trained"] is False
    assert merge(parts[:1]) == parts[0]


def test_weights_join_by_epoch_and_a_stopped_block_has_none():
    first, second = made.seed_cell(range(2)), made.seed_cell(range(2, 4))
    first["weights"] = [[1.0, 2.0]]
    second["weights"] = [[3.0, 4.0], [5.0, 6.0]]
    assert merge([first, second])["weights"] == [
        [1.0, 2.0, 3.0, 4.0],
        [None, None, 5.0, 6.0],
    ]


def study(recipe, true_difference, generator):
    """Returns the verdicts of a sequential study, and how many seeds each took."""
    pending, columns = set(made.NAMES), {name: np.empty(0) for name in made.NAMES}
    rows = []
    for block in blocks(recipe.statistics.looks):
        for name in sorted(pending):
            drawn = true_difference[name] + 0.02 * generator.normal(size=len(block))
            columns[name] = np.append(columns[name], drawn)
        cells = {
            backend: {
                name: {"metrics": {"f1_searched": (sign * column).tolist()}}
                for name, column in columns.items()
            }
            for backend, sign in (("torch", 0.0), ("jax", 1.0))
        }
        rows = equivalences(cells, recipe, made.MARGIN)
        pending = undetermined(rows)
        if not pending:
            break
    return {row["strategy"]: (row["verdict"], row["n"]) for row in rows}


@pytest.mark.parametrize(
    ("shift", "wrong"), [(made.MARGIN, "equivalent"), (0.0, "different")]
)
def test_level_of_the_family_holds_over_all_looks(shift, wrong):
    """No more false verdicts than alpha, on the edge of each hypothesis."""
    generator = np.random.default_rng(7)
    recipe = replace(
        made.RECIPE,
        statistics=replace(made.RECIPE.statistics, looks=(10, 20, 40), alpha=0.2),
    )
    shifts, studies = dict.fromkeys(made.NAMES, shift), 400
    found = [study(recipe, shifts, generator) for _ in range(studies)]
    false = np.mean([wrong in dict(f.values()) for f in found])
    # Three deviations of a binomial; without any correction it is about 0.6.
    assert 0.05 < false <= 0.2 + 3 * math.sqrt(0.2 * 0.8 / studies)


def test_more_seeds_are_spent_only_where_they_are_needed():
    generator = np.random.default_rng(3)
    shifts = {"plain": 0.0, "ratio": 0.5, "focal": 0.008}
    found = study(made.RECIPE, shifts, generator)
    assert found["ratio"] == ("different", 10)
    assert found["focal"][1] == 40

from dataclasses import replace

import pytest

from conformance.training import cells as module
from conformance.training.cells import Cell
from conformance.training.recipe import Lockstep, Optimizer, Weight
from tests.conformance.training import made

PLAIN, RATIO = made.RECIPE.strategies[:2]
SEEDS = Cell(
    "made/torch/plain/0-1",
    made.Problem(),  # pyright: ignore[reportArgumentType]
    made.PLAN,
    PLAIN,
    made.RECIPE,
    ("numpy",),
    "cpu",
    (0, 1),
)
LOCKSTEP = replace(SEEDS, seeds=(), backends=("numpy", "torch"))
OTHER = Optimizer("adam", (), None, 0.0)


def content(cell, source="now", data_digest=None):
    return cell.content(source=source, data_digest=data_digest)


def of_statistics(**changed):
    statistics = replace(made.RECIPE.statistics, **changed)
    return {"recipe": replace(made.RECIPE, statistics=statistics)}


@pytest.mark.parametrize(
    "changed",
    [
        {"plan": replace(made.PLAN, epochs=4)},
        {"plan": replace(made.PLAN, options={"seed": 2})},
        {"plan": replace(made.PLAN, batch=9)},
        {"strategy": RATIO},
        {"strategy": replace(PLAIN, factor=2.0)},
        {"recipe": replace(made.RECIPE, optimizer=OTHER)},
        {"recipe": replace(made.RECIPE, task="heatmap")},
        of_statistics(minimum_fall=0.1),
        {"backends": ("jax",)},
        {"seeds": (2, 3)},
        {"seeds": ()},
    ],
)
def test_what_a_result_depends_on(changed):
    assert content(replace(SEEDS, **changed)) != content(SEEDS)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "other"},
        {"plan": replace(made.PLAN, margin=0.5, strategies=("plain",))},
        {"recipe": replace(made.RECIPE, strategies=(PLAIN,))},
        {"recipe": replace(made.RECIPE, lockstep=Lockstep(shadows=9))},
        of_statistics(looks=(5,), alpha=0.1, main_metric="f1_half"),
    ],
)
def test_what_a_result_does_not_depend_on(changed):
    assert content(replace(SEEDS, **changed)) == content(SEEDS)


def test_code_data_versions_and_lockstep_matter():
    assert content(SEEDS, source="edited") != content(SEEDS)
    assert content(SEEDS, data_digest="a") != content(SEEDS)
    assert set(content(SEEDS)["versions"]) >= {"python", "numpy", "scikit-learn"}
    other = replace(made.RECIPE, lockstep=Lockstep(shadows=9))
    assert content(replace(LOCKSTEP, recipe=other)) != content(LOCKSTEP)


def test_recipes_optimizer_does_not_matter_to_a_strategy_with_its_own():
    own = replace(SEEDS, strategy=replace(PLAIN, optimizer=OTHER))
    other = replace(made.RECIPE, optimizer=replace(OTHER, max_norm=2.0))
    assert content(own) == content(replace(own, recipe=other))


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"strategy": RATIO}, True),
        ({"recipe": replace(made.RECIPE, optimizer=OTHER)}, True),
        ({"seeds": (2, 3)}, True),
        ({"seeds": ()}, False),
        ({"backends": ("jax",)}, False),
        ({"plan": replace(made.PLAN, name="other")}, False),
        ({"strategy": replace(PLAIN, loss="focal")}, False),
        ({"strategy": replace(PLAIN, weight=Weight("ratio"))}, False),
    ],
)
def test_which_cells_share_a_program(changed, same):
    assert (replace(SEEDS, **changed).program == SEEDS.program) is same


def test_what_is_computed(monkeypatch):
    monkeypatch.setattr(module, "run_seeds", lambda *args, **kw: {"seeds": [args, kw]})
    monkeypatch.setattr(module, "run_lockstep", lambda *args, **kw: {"all": [args, kw]})
    given = SEEDS.problem, made.PLAN, PLAIN, made.RECIPE
    one = {"backend": "numpy", "device": "cpu", "seeds": (0, 1)}
    assert SEEDS.compute() == {"seeds": [given, one]}
    both = {"backends": ("numpy", "torch"), "device": "cpu"}
    assert LOCKSTEP.compute() == {"all": [given, both]}

from dataclasses import replace

import pytest

from conformance.training import canaries, equivalence, lockstep, tiny


def test_nothing_is_missed():
    assert canaries.missed() == []


@pytest.mark.parametrize(
    ("module", "name", "other", "missed"),
    [
        (lockstep, "_distance", lambda *_: 0.0, "a learning rate off by 1e-6"),
        (lockstep, "_distance", lambda *_: 1.0, "the same training"),
        (equivalence, "holm", lambda p: [1.0] * len(p), "the same metrics"),
        (equivalence, "holm", lambda p: [0.0] * len(p), "metrics apart"),
    ],
)
def test_what_is_missed_is_named(monkeypatch, module, name, other, missed):
    monkeypatch.setattr(module, name, other)
    assert any(text.startswith(missed) for text in canaries.missed())


def test_a_recipe_that_is_chaotic_is_no_canary(monkeypatch):
    strict = replace(tiny.RECIPE.lockstep, horizon=1e-17)
    monkeypatch.setattr(tiny, "RECIPE", replace(tiny.RECIPE, lockstep=strict))
    assert any("'chaotic' instead of 'pass'" in text for text in canaries.missed())

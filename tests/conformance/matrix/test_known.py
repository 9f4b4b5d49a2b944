import re
from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.matrix.known import FOLDER, Selector, load
from conformance.peers import LIBRARIES
from conformance.profiles import Result
from conformance.profiles.judge import Failure
from conformance.registry import GENERAL, OPERATIONS
from tests.conformance.matrix.test_strict import entry

KNOWN = load()
JUDGING = re.compile(r"\b(wrong|wrongly|bug|bugs|buggy|incorrect\w*|broken)\b", re.I)


def test_every_library_is_listed():
    assert {one.library for one in KNOWN} == set(LIBRARIES)
    assert {one.kind for one in KNOWN} == {"deviation", "choice"}


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_wording(path: Path):
    assert not JUDGING.findall(path.read_text())
    assert "/work" not in path.read_text()


@pytest.mark.parametrize(
    "one", KNOWN, ids=lambda o: f"{o.library}-{o.operation}-{o.id}"
)
def test_an_entry_is_complete(one):
    assert one.clause in {**GENERAL, **OPERATIONS[one.operation].clauses}
    assert one.cause.endswith(".")
    assert one.observed.theirs != one.observed.specified
    assert bool(one.level) == (one.kind == "deviation")


def test_the_required_ones_are_there():
    listed = {(one.library, one.operation, one.id) for one in KNOWN}
    assert listed >= {
        ("torch", "binary_cross_entropy_with_logits", "bce-gradient-tail"),
        ("torch", "cross_entropy", "soft-normalizer"),
        ("torch", "cross_entropy", "all-ignored"),
        ("torchvision-formula", "sigmoid_focal_loss", "nan-below-one"),
        ("torchvision-formula", "sigmoid_focal_loss", "second-nan"),
        ("keras-jax", "sigmoid_focal_loss", "nan-below-one"),
        ("keras-torch", "sigmoid_focal_loss", "nan-below-one"),
        ("keras-jax", "sigmoid_focal_loss", "focal-clamped-probabilities"),
        ("optax", "cross_entropy", "index-out-of-range"),
        ("optax", "sigmoid_focal_loss", "label-gradient"),
        ("kornia", "sigmoid_focal_loss", "soft-convention"),
        ("monai", "sigmoid_focal_loss", "soft-convention"),
    }


@pytest.mark.parametrize(
    ("old", "new", "phrases"),
    [
        ("[[deviation]]", "[[fault]]", ("torch.toml", "'fault'")),
        ("[[deviation]]", "[[deviation", ("torch.toml", "not TOML")),
        ('level = "L0"', 'level = "L9"', ("label-gradient", "level", "L0, L1", "'L9'")),
        ('id = "label-gradient"', "", ("number 1", "id", "None")),
        ('"<2"', '"two"', ("versions", "specifier", "'two'")),
        ('"BCP-3"', '"third"', ("clause", "'third'")),
        ('thread = ""', 'thread = "see there"', ("thread", "https", "'see there'")),
        ('theirs = "0",', "", ("observed", "input, theirs and specified")),
        ("cause", "reason", ("reason", "cause")),
        ('"binary_cross_entropy"', '"hinge"', ("operation", "'hinge'")),
        ('output = "grad_labels"', 'colour = "red"', ("selectors", "'colour'")),
        ('profile = "gradients"', 'profile = "speed"', ("profile", "'speed'")),
        ('output = "grad_labels"', "output = 3", ("selectors.output", "3")),
    ],
)
def test_what_is_malformed_is_named(old, new, phrases, tmp_path):
    text = entry()
    assert old in text
    (tmp_path / "torch.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError) as caught:
        load(tmp_path)
    for phrase in ("torch.toml", *phrases):
        assert phrase in str(caught.value)


def test_an_entry_stands_once(tmp_path):
    (tmp_path / "torch.toml").write_text(entry() + entry())
    with pytest.raises(UsageError, match="twice"):
        load(tmp_path)


def test_selectors_match_paths_ids_and_every_pattern():
    form = ("float32", "eager", "none", "value", "fail")
    failed = Failure("o/saturation/gamma=2;x=1#a", 0, 1, 9)
    group = "o/saturation/gamma=2"
    result = Result("peer:x", "accuracy", "o", group, *form, failures=(failed,))
    assert Selector().matches(result)
    assert Selector(group=("saturation/*",)).matches(result)
    assert Selector(group=("*;x=1#a",)).matches(result)
    assert Selector(dtype=("bfloat16", "float32")).matches(result)
    assert not Selector(group=("basic/*",)).matches(result)
    assert not Selector(group=("saturation/*",), output=("grad_*",)).matches(result)
    assert not Selector(reason=("came back*",)).matches(result)

import pytest

from conformance.bench.plan import (
    LATENCY,
    Options,
    parse_dtypes,
    parse_sizes,
    plan,
    training,
)
from conformance.bench.problems import LOSSES


def options(tmp_path, **given):
    chosen = {"device": "cpu", "sizes": None, "dtypes": None, "select": ""}
    chosen |= {"rounds": None, "quick": False, "out": tmp_path, **given}
    return Options(**chosen)


def names(chosen):
    return [cell.name for cell in plan(chosen)]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("", None),
        ("1024", (1024,)),
        ("2^10, 7,2^10", (7, 1024)),
        ("2^10..2^14", (1024, 4096, 16384)),
        ("2^10..2^13,1000", (1000, 1024, 4096)),
    ],
)
def test_sizes(text, sizes):
    assert parse_sizes(text) == sizes


def test_dtypes():
    assert parse_dtypes("") is None
    assert parse_dtypes("bfloat16, float32,bfloat16") == ("bfloat16", "float32")


def test_everything_is_planned(tmp_path):
    found = names(options(tmp_path))
    assert len(found) == len(set(found))
    for loss in LOSSES:
        for size in (LATENCY, 2**10, 2**22):
            assert f"{loss}/float32/N={size}" in found
        assert f"{loss}/bfloat16/N={2**22}" in found
    for classes in (2, 50_000):
        assert f"cross_entropy/float32/K={classes}" in found
    assert names(options(tmp_path, device="cuda"))[-1].endswith("K=50000")
    assert f"bce/float32/N={2**28}" in names(options(tmp_path, device="cuda"))


def test_options_narrow_the_plan(tmp_path):
    chosen = options(tmp_path, sizes=(64,), dtypes=("bfloat16",), select="ghm*/*/N=*")
    assert names(chosen) == ["ghmc/bfloat16/N=64", "ghmr/bfloat16/N=64"]
    assert training(chosen, ("torch", "jax")) == []
    chosen = options(tmp_path, select="training/t*")
    assert names(chosen) == []
    assert training(chosen, ("torch", "jax")) == ["torch"]


def test_quick_is_small(tmp_path):
    chosen = options(tmp_path, quick=True)
    assert {cell.dtype for cell in plan(chosen)} == {"float32"}
    assert len(names(chosen)) == 2 * len(LOSSES)
    assert training(chosen, ("torch",)) == []
    assert chosen.resolved_rounds() == 9

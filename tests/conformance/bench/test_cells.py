from functools import partial

import numpy as np
import pytest
import torch

from conformance.bench import cells
from conformance.bench.contenders import Contender, contenders
from conformance.bench.problems import DTYPES, LOSSES, draw
from conformance.bench.runtimes import runtime

FRAMEWORKS = ("torch", "jax")
# Clamped probabilities differ from here on.
MODERATE = 9.0


@pytest.fixture(scope="module")
def runtimes():
    return {name: runtime(name, "cpu") for name in FRAMEWORKS}


def moderate(loss):
    problem = draw(loss, 640)
    np.clip(problem.logits, -MODERATE, MODERATE, out=problem.logits)
    return problem


@pytest.mark.parametrize("loss", LOSSES)
def test_all_agree_in_value_and_gradient(loss, runtimes):
    problem = moderate(loss)
    arguments = {k: r.arguments(problem, "float32") for k, r in runtimes.items()}
    reference = None
    for contender in contenders(loss, FRAMEWORKS):
        if contender.mode == "compiled" or contender.differs:
            continue
        framework = contender.framework
        ready = runtimes[framework].ready(contender, arguments[framework])
        value, gradient = ready.outputs()
        reference = reference or (value, gradient)
        assert value == pytest.approx(reference[0], rel=1e-5), contender.name
        # The peers' own rounding in the tails: an absolute error.
        scale = np.abs(reference[1]).max()
        np.testing.assert_allclose(
            gradient, reference[1], rtol=0, atol=2e-6 * scale, err_msg=contender.name
        )


def measure(functions, runtimes, **options):
    made = [
        Contender(name, "torch", "eager", partial(_given, function), **options)
        for name, function in functions.items()
    ]
    torch_alone = {"torch": runtimes["torch"]}
    cell = cells.measure(draw("focal", 64), "float32", made, torch_alone, rounds=9)
    return {found["library"]: found for found in cell["contenders"]}, cell


def _given(function):
    if isinstance(function, Exception):
        raise function
    return function


def square(x, _y):
    return (x * x).mean()


def test_wrong_numbers_are_not_timed(runtimes):
    wrong = {
        "equipoise": square,
        "scaled": lambda x, y: 1.2 * square(x, y),
        "close": lambda x, y: 1.01 * square(x, y),
        "nan": lambda x, y: square(x, y) * float("nan"),
        "deaf": lambda x, y: square(x, y).detach() + 0 * x.sum(),
        "broken": lambda _x, _y: torch.ones(2) @ torch.ones(3),
        "absent": ImportError("no module of that name\nand a page of advice"),
    }
    found, _ = measure(wrong, runtimes)
    statuses = {name: contender["status"] for name, contender in found.items()}
    measured = [name for name, status in statuses.items() if status == "measured"]
    assert measured == ["equipoise", "close"]
    assert all("samples" not in found[n] for n in found if n not in measured)
    assert "value off by 0.2" in found["scaled"]["error"]
    assert "gradient by 1 " in found["deaf"]["error"]
    assert "not finite" in found["nan"]["error"]
    assert found["absent"]["error"] == "ImportError: no module of that name"


def test_who_says_why_may_differ(runtimes):
    functions = {"equipoise": square, "scaled": lambda x, y: 3 * square(x, y)}
    found, _ = measure(functions, runtimes, differs="three times as much")
    assert found["scaled"]["status"] == "measured"
    assert found["scaled"]["value_off"] == pytest.approx(2.0, rel=1e-5)


def test_what_is_reported(runtimes):
    found, cell = measure({"equipoise": square, "peer": square}, runtimes)
    ours, peer = found["equipoise"], found["peer"]
    assert len(ours["samples"]) == 9
    # Logits and labels are read, a gradient is written.
    assert cell["traffic_bytes"] == 3 * 64 * 4
    assert ours["gb_per_s"] * ours["seconds"]["median"] == pytest.approx(768e-9)
    assert "ratio" not in ours
    expected = np.median(np.divide(peer["samples"], ours["samples"]))
    assert peer["ratio"]["median"] == pytest.approx(expected)
    # Squares and the gradient of each factor; scalars round up.
    assert 2 <= ours["peak_inputs"] <= 4


def test_times_are_kept_where_memory_cannot_be_told(runtimes, monkeypatch):
    def peak(_call):
        raise NotImplementedError("no such counter")

    monkeypatch.setattr("conformance.bench.torch_runtime.TorchCall.peak", peak)
    ours = measure({"equipoise": square}, runtimes)[0]["equipoise"]
    assert ours["status"] == "measured"
    assert len(ours["samples"]) == 9
    assert ours["peak_inputs"] is None
    assert ours["memory_error"] == "NotImplementedError: no such counter"


def test_traffic():
    assert draw("bce", 100).traffic("bfloat16") == 3 * 100 * 2
    # Four rows: logits in, gradient out, an index for each row.
    assert draw("cross_entropy", 128).traffic("float32") == 2 * 128 * 4 + 4 * 8


@pytest.mark.parametrize("loss", LOSSES)
def test_inputs_come_from_the_seed(loss):
    first, again, other = draw(loss, 320), draw(loss, 320), draw(loss, 320, seed=1)
    for one, two in zip(first.extras, again.extras, strict=True):
        assert (one == two).all()
    assert (first.logits == again.logits).all()
    assert (first.labels == again.labels).all()
    assert (first.logits != other.logits).any()
    assert first.logits.size == 320


def test_inputs_are_imbalanced():
    problem = draw("bce", 2**16)
    assert problem.labels.mean() == pytest.approx(0.05, abs=0.005)
    assert problem.logits.std() == pytest.approx(3.0, abs=0.05)
    labels = draw("cross_entropy", 2**16).labels
    counts = np.bincount(labels, minlength=32)
    assert counts[0] > 5 * counts[-1] > 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_reaches_both_frameworks(dtype, runtimes):
    for name, used in runtimes.items():
        logits, labels, weight = used.arguments(draw("bce", 8), dtype)
        for array in (logits, labels, weight):
            assert str(array.dtype).removeprefix("torch.") == dtype, name

import numpy as np
import pytest

from conformance.adapters import NotImplementedOperation, Outputs, Request, resolve
from conformance.errors import UsageError
from conformance.peers import LIBRARIES
from conformance.peers.libraries import PREFIX

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
SOFTMAX = "softmax_focal_loss"


def request(operation=FOCAL, logits=(1.0,), labels=(1.0,), **options):
    inputs = {"logits": np.array(logits), "labels": np.array(labels)}
    return Request(operation, inputs, **options)


@pytest.mark.parametrize("name", ["torch", "torchvision-formula", "optax"])
def test_a_library_answers_under_its_name(name):
    adapter = resolve(f"peer:{name}")
    claims = adapter.start()
    assert claims.version == LIBRARIES[name].version
    answer = adapter.eval(request(claims.operations[0]))
    assert isinstance(answer, Outputs)
    adapter.stop()


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_keras_runs_on_the_backend_asked_for(backend):
    adapter = resolve(f"peer:keras-{backend}")
    try:
        assert adapter.start().name == f"keras on {backend}"
        asked = request(logits=(-20.0,), dtype="float32", want=("value", "grad_logits"))
        answer = adapter.eval(asked)
        assert isinstance(answer, Outputs)
        # The value ends at -log(1e-7); the true gradient is -1.
        assert answer.arrays["value"] == pytest.approx(16.118, abs=1e-3)
        assert abs(answer.arrays["grad_logits"][0]) < 1e-6
    finally:
        adapter.stop()


def test_what_a_library_lacks_is_not_implemented():
    adapter = resolve("peer:torch")
    assert adapter.eval(request()) == NotImplementedOperation(f"no {FOCAL}")
    smooth = adapter.eval(request(BCE, params={"label_smoothing": 0.1}))
    assert smooth == NotImplementedOperation("no argument 'label_smoothing'")
    parts = adapter.eval(request(BCE, reduction="parts"))
    assert parts == NotImplementedOperation("no reduction 'parts'")
    inputs = {"logits": np.ones(2), "labels": np.ones(2), "sample_weight": np.ones(2)}
    wanted = Request(BCE, inputs, want=("value", "grad_sample_weight"))
    answer = adapter.eval(wanted)
    assert isinstance(answer, Outputs)
    assert "grad_sample_weight" not in answer.arrays


def test_reductions_are_left_to_the_caller_of_optax():
    answer = resolve("peer:optax").eval(request(reduction="mean"))
    assert isinstance(answer, NotImplementedOperation)


@pytest.mark.parametrize("name", ["caffe", ""])
def test_an_unknown_library_is_wrong_usage(name):
    with pytest.raises(UsageError, match="peer:keras-jax"):
        resolve(f"{PREFIX}{name}")


def test_a_library_that_is_not_installed_says_so(monkeypatch):
    monkeypatch.setattr("conformance.peers.libraries.find_spec", lambda _: None)
    with pytest.raises(UsageError, match="kornia, torch is not installed"):
        resolve("peer:kornia")


@pytest.mark.parametrize("name", ["kornia", "monai"])
def test_losses_over_classes_divide_by_count_alone(name):
    if not LIBRARIES[name].installed:
        pytest.skip(f"{name} is not installed")
    inputs = {"logits": np.zeros((3, 2)), "labels": np.array([0, 1])}
    asked = {"kinds": {"labels": "index"}, "params": {"class_axis": 0}}
    adapter = resolve(f"peer:{name}")
    answer = adapter.eval(Request(SOFTMAX, inputs, **asked))
    assert isinstance(answer, Outputs)
    # (1 - 1/3) ** 2 log 3
    assert answer.arrays["value"] == pytest.approx([0.488272] * 2, abs=1e-6)
    for params, reduction, lacking in (
        ({"normalizer": "weights"}, "mean", "argument 'normalizer'"),
        ({"normalizer": "peaks"}, "sum", "argument 'normalizer'"),
        ({"class_axis": 2}, "sum", "argument 'class_axis'"),
        ({}, "parts", "reduction 'parts'"),
    ):
        asked["params"] = params
        answer = adapter.eval(Request(SOFTMAX, inputs, reduction=reduction, **asked))
        assert answer == NotImplementedOperation(f"no {lacking}")

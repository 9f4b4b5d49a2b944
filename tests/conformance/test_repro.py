import io
import multiprocessing
import subprocess
import sys
import traceback
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from conformance import repro, vectors
from conformance.errors import UsageError
from conformance.registry import OPERATIONS

ROOT = Path(__file__).parents[2]
FOCAL = "sigmoid_focal_loss"


def alone(script):
    """Returns what a script prints in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, script + done.stderr
    return done.stdout


def executed(script, pipe):
    warnings.simplefilter("ignore")
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            exec(script, {"__name__": "__main__"})
    except BaseException:
        pipe.send((printed.getvalue(), traceback.format_exc()))
    else:
        pipe.send((printed.getvalue(), ""))


def forked(script):
    """Returns what a script prints in a copy of a process that imported everything."""
    here, there = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=executed, args=(script, there))
    process.start()
    there.close()
    printed, error = here.recv()
    process.join()
    assert not error, script + error
    return printed


FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["torch", "jax.numpy", "torch_impl", "jax_impl", __name__])


def run(script, how=forked):
    found = {}
    for line in how(script).splitlines():
        actual, expected = line.split(" expected")
        name, *numbers = actual.split()
        found[name] = [float(v) for v in numbers], [float(v) for v in expected.split()]
    return found


def agree(found, rel=1e-5):
    assert found
    for name, (actual, expected) in found.items():
        near = pytest.approx(expected, rel=rel, abs=1e-30, nan_ok=True)
        assert name == "hvp" or actual == near, name
    return set(found)


def group(operation, family, **wanted):
    return next(
        group
        for group in vectors.load(operation).groups
        if group.family == family
        and all(getattr(group, k) == v for k, v in wanted.items())
    )


@pytest.mark.parametrize(
    ("impl", "dtype", "transform"),
    [
        ("numpy", "float64", "eager"),
        ("torch", "float64", "eager"),
        ("torch", "float32", "vmap"),
        ("jax", "float64", "eager"),
        ("jax", "float32", "jit"),
    ],
)
def test_script_prints_the_numbers(impl, dtype, transform):
    case = group(FOCAL, "weighting", shape=(18,))
    script = repro.script(case.ids[5], impl, dtype, transform)
    assert len(script.splitlines()) <= 17
    found = run(script, alone)
    assert set(found) == set(case.expected)
    for name, (_, expected) in found.items():
        assert expected == [case.expected[name].hi.ravel()[5]]
    agree(found)


@pytest.mark.parametrize("impl", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("shape", [(3, 4, 2), (2, 3, 4)])
def test_point_among_classes(impl, shape):
    case = group(FOCAL, "weighting", shape=shape)
    i = 7
    found = run(repro.script(case.ids[i], impl))
    assert found["value"][1] == [case.expected["value"].hi.ravel()[i]]
    agree(found)


@pytest.mark.parametrize("impl", ["numpy", "torch", "jax"])
def test_sum(impl):
    case = next(
        c for c in vectors.load(FOCAL).sums if c.tile == 1025 and "gamma" in c.arrays
    )
    found = run(repro.script(case.id, impl))
    assert {"sum", "mean", "grad_gamma"} <= agree(found)


def kept(operation, keep):
    groups = vectors.load(operation).groups
    return next(g for g in groups if g.policy == "value" and keep(g))


FORMS = {
    "cross_entropy": lambda g: "class_weights" in g.arrays and "labels" in g.kinds,
    "softmax_focal_loss": lambda g: g.params.get("class_axis", -1) == 1,
    "heatmap_focal_loss": lambda g: "pos_mask" in g.inputs,
    "ghmc_loss": lambda g: "state_counts" in g.arrays and "sample_mask" in g.inputs,
    "ghmr_loss": lambda g: "mu" in g.params,
    "hard_example_mining": lambda g: len(g.ids) > 3,
    "binary_cross_entropy": lambda g: "sample_weight" in g.inputs,
}


@pytest.mark.parametrize("impl", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("operation", FORMS)
def test_every_form_prints_the_numbers(operation, impl):
    case = kept(operation, FORMS[operation])
    found = run(repro.script(case.ids[3], impl))
    assert agree(found) == {*case.expected, *case.totals}
    for name, whole in case.totals.items():
        assert found[name][1] == whole.hi.ravel().tolist()


@pytest.mark.parametrize("impl", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("operation", ["cross_entropy", "ghmc_loss"])
def test_sum_with_vectors(operation, impl):
    case = next(
        c
        for c in vectors.load(operation).sums
        if c.tile == 7 and any(e.hi.size > 1 for e in c.expected.values())
    )
    found = run(repro.script(case.id, impl))
    assert agree(found) == {*case.expected} - {"normalizer"}


@pytest.mark.parametrize(
    ("impl", "transform", "prints"),
    [
        ("torch", "jvp", {"jvp"}),
        ("torch", "hessian", {"hvp"}),
        ("torch", "checkpoint", {"value", "grad_logits"}),
        ("torch", "export", {"value"}),
        ("torch", "autocast", {"value", "grad_logits"}),
        ("jax", "jvp", {"jvp"}),
        ("jax", "hessian", {"hvp"}),
        ("jax", "checkpoint", {"value", "grad_logits"}),
    ],
)
@pytest.mark.parametrize("operation", ["softmax_focal_loss", "ghmc_loss"])
def test_transformed_scripts(operation, impl, transform, prints):
    case = kept(operation, lambda g: g.family == "basic" and g.exact_in == "bfloat16")
    found = run(repro.script(case.ids[0], impl, "", transform))
    assert prints <= agree(found)


def test_bad_value_expects_nan():
    case = group(FOCAL, "bad_input")
    assert "raising ValueError would do" in repro.script(case.ids[0], "torch")


def test_infinities_survive_the_hex_form():
    case = group(FOCAL, "nan_policy")
    i = int(np.flatnonzero(np.isinf(case.inputs["logits"].ravel()))[0])
    found = run(repro.script(case.ids[i], "torch"))
    expected = [case.expected["value"].hi.ravel()[i]]
    assert found["value"][1] == pytest.approx(expected, nan_ok=True)


def test_any_adapter_gets_a_request():
    case = group(FOCAL, "basic", exact_in="bfloat16")
    script = repro.script(case.ids[0], "py:tests.conformance.planted:good", "float64")
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert repr(float(case.expected["value"].hi[0])) in done.stdout


@pytest.mark.parametrize("impl", ["numpy", "torch", "jax", "py:a.b:c"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_form_of_case_compiles(operation, impl):
    file = vectors.load(operation)
    points = [group.ids[-1] for group in file.groups]
    for point in [*points, *(case.id for case in file.sums)]:
        compile(repro.script(point, impl), point, "exec")


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (("nothing#at-all", "torch"), "the closest are\n  "),
        (
            ("ID", "keras"),
            "--impl: expected numpy or torch or jax or peer:",
        ),
        (("ID", "numpy", "float32"), "--dtype: expected float64, got 'float32'"),
        (("ID", "torch", "", "jit"), "--transform: expected eager or compile or vmap"),
    ],
)
def test_wrong_arguments_say_what_is_accepted(arguments, phrase):
    point = group(FOCAL, "basic").ids[0]
    with pytest.raises(UsageError) as caught:
        repro.script(*(point if a == "ID" else a for a in arguments))
    assert phrase in str(caught.value)

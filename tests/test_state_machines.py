"""State machines take the same states in every backend, step by step."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jax_impl.early_stopping
import jax_impl.schedules
import refimpl.early_stopping
import refimpl.schedules
import torch_impl.early_stopping
import torch_impl.schedules

NAN, INF = float("nan"), float("inf")
MACHINES = {
    "dynamic": ("schedules", "dynamic_pos_weight"),
    "max": ("early_stopping", "early_stopping"),
    "min": ("early_stopping", "early_stopping"),
}
SEEDS, EPOCHS = 6, 40


@pytest.fixture(params=MACHINES)
def case(request):
    return request.param


def machine(backend, case):
    """Returns the first state and the function that makes the next."""
    module, name = MACHINES[case]
    module = getattr(backend, module)
    update = getattr(module, name)
    if case != "dynamic":
        update = partial(update, mode=case)
    return getattr(module, f"init_{name}")(), update


def options_of(case, rng):
    if case == "dynamic":
        return {"step": rng.uniform(0, 1), "max_value": rng.uniform(0, 8)}
    return {
        "patience": int(rng.integers(0, 12)),
        "min_delta": int(rng.integers(0, 3)) / 8,
    }


def problem(case, seed=3):
    """Metrics with ties, NaN and infinities, a row for each seed, and the options.

    Eighths, as ``min_delta`` is: some are no more than it above the best.
    """
    rng = np.random.default_rng(seed)
    metrics = rng.random((SEEDS, EPOCHS)) + np.linspace(0, 0.5, EPOCHS)
    metrics = np.round(8 * metrics) / 8
    metrics[rng.random(metrics.shape) < 0.1] = NAN
    metrics[rng.random(metrics.shape) < 0.03] = -INF
    metrics[1, 30] = INF
    return -metrics if case == "min" else metrics, options_of(case, rng)


def reference(case, metrics, options):
    """Returns the states after each metric, an array for each field."""
    state, update = machine(refimpl, case)
    states = [state := update(state, metric, **options) for metric in metrics]
    return [np.array(field) for field in zip(*states, strict=True)]


def equal(actual, expected):
    for field, own in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(field), own)
        assert np.asarray(field).dtype.kind == own.dtype.kind


def scan(case, options, metrics):
    first, update = machine(jax_impl, case)

    def body(state, metric):
        state = update(state, metric, **options)
        return state, state

    return jax.lax.scan(body, first, metrics)[1]


def test_jax_scan_takes_the_states_of_the_reference(case):
    metrics, options = problem(case)
    with jax.enable_x64(True):
        for row in metrics:
            actual = jax.jit(partial(scan, case, options))(jnp.array(row))
            equal(actual, reference(case, row, options))


def test_jax_over_seeds_and_options_takes_the_states_of_the_reference(case):
    metrics, _ = problem(case)
    rng = np.random.default_rng(8)
    options = [options_of(case, rng) for _ in range(SEEDS)]
    with jax.enable_x64(True):
        stacked = jax.tree.map(lambda *leaves: jnp.array(leaves), *options)
        run = jax.jit(jax.vmap(partial(scan, case)))
        fields = [np.asarray(field) for field in run(stacked, jnp.array(metrics))]
    for index, (row, own) in enumerate(zip(metrics, options, strict=True)):
        equal([field[index] for field in fields], reference(case, row, own))


def test_torch_takes_the_states_of_the_reference(case):
    metrics, options = problem(case)
    for row in metrics:
        state, update = machine(torch_impl, case)
        states = [state := update(state, metric, **options) for metric in row]
        actual = [torch.stack(field) for field in zip(*states, strict=True)]
        equal(actual, reference(case, row, options))


def test_torch_over_seeds_takes_the_states_of_the_reference(case):
    metrics, options = problem(case)
    first, update = machine(torch_impl, case)
    state = type(first)(*(field.expand(SEEDS) for field in first))
    over = torch.func.vmap(lambda state, metric: update(state, metric, **options))
    states = [state := over(state, metric) for metric in torch.tensor(metrics).T]
    fields = [torch.stack(field, 1) for field in zip(*states, strict=True)]
    for index, row in enumerate(metrics):
        equal([field[index] for field in fields], reference(case, row, options))


# Torch warns of what Inductor itself imports.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torch_compiled_takes_the_states_of_the_reference():
    # All in one program: compiling takes the time of this test.
    problems = {case: problem(case) for case in MACHINES}
    machines = {case: machine(torch_impl, case) for case in MACHINES}
    torch.compiler.reset()

    @partial(torch.compile, fullgraph=True)
    def compiled(states, metrics):
        return {
            case: machines[case][1](states[case], metrics[case], **problems[case][1])
            for case in MACHINES
        }

    states, trace = {case: machines[case][0] for case in MACHINES}, []
    for epoch in range(EPOCHS):
        now = {
            case: torch.tensor(rows[1, epoch]) for case, (rows, _) in problems.items()
        }
        trace.append(states := compiled(states, now))
    for case, (rows, options) in problems.items():
        fields = zip(*(states[case] for states in trace), strict=True)
        equal([torch.stack(f) for f in fields], reference(case, rows[1], options))


@pytest.mark.parametrize("backend", [torch_impl, jax_impl])
def test_a_state_of_plain_numbers_goes_on(backend, case):
    metrics, options = problem(case)
    row = metrics[0]
    state, update = machine(refimpl, case)
    for metric in row[:5]:
        state = update(state, metric, **options)
    first, resumed = machine(backend, case)
    with jax.enable_x64(True):
        after = resumed(type(first)(*state), row[5], **options)
        equal(
            [np.asarray(f) for f in after],
            map(np.array, update(state, row[5], **options)),
        )


def test_torch_drops_the_tape_of_a_metric(case):
    state, update = machine(torch_impl, case)
    options = {} if case == "dynamic" else {"patience": 2}
    after = update(state, torch.tensor(0.5, requires_grad=True), **options)
    assert not any(field.requires_grad for field in after)


def test_jax_carries_one_type(case):
    """In default precision too, and with promotion made explicit."""
    metrics, options = problem(case)
    first, _ = machine(jax_impl, case)
    with jax.numpy_dtype_promotion("strict"):
        states = scan(case, options, jnp.array(metrics[0], jnp.float32))
    assert [f.dtype for f in states] == [f.dtype for f in first]
    assert not any(field.weak_type for field in first)


def test_whole_numbers_make_the_same_state():
    for backend in (refimpl, torch_impl, jax_impl):
        whole = backend.schedules.init_dynamic_pos_weight(1)
        default = backend.schedules.init_dynamic_pos_weight()
        assert [np.asarray(f).dtype for f in whole] == [
            np.asarray(f).dtype for f in default
        ]


@pytest.mark.parametrize("backend", [refimpl, torch_impl, jax_impl])
def test_bad_calls_raise_alike(backend, case):
    state, update = machine(backend, case)
    name = "step" if case == "dynamic" else "patience"
    with pytest.raises(ValueError, match=f"{name} must be finite and >= 0, got -1"):
        update(state, 0.5, **{name: -1})
    with pytest.raises(TypeError, match="metric must be a number or a 0-d array"):
        update(state, "0.5", **{name: 1})

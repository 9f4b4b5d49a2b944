import numpy as np
import pytest
import torch

import torch_impl
from tests.stacked import CONSTANTS as SHARED
from tests.stacked import MODELS, stacked_problem
from torch_impl.models import MLP
from torch_impl.models.mlp import to_state
from torch_impl.train import ROWS, Trainer, highest_precision

CONSTANTS = {**SHARED, "clip_eps": 1e-6}


@pytest.fixture
def problem():
    return stacked_problem()


def make(problem, **changed):
    parameters, features, labels, *_ = problem
    options = {
        "loss": torch_impl.binary_cross_entropy_with_logits,
        "dtype": "float64",
        "device": "cpu",
        **CONSTANTS,
        **changed,
    }
    return Trainer(parameters, features, labels, **options)


def plain_loop(problem, index):
    """One model the usual way: module, backward, clip_grad_norm_, step."""
    parameters, features, labels, indices, weights = problem
    model = MLP((4, 5, 1), dtype=torch.float64)
    own = to_state([p[index] for p in parameters])
    model.load_state_dict({name: torch.tensor(a) for name, a in own.items()})
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=CONSTANTS["learning_rate"],
        betas=(CONSTANTS["beta1"], CONSTANTS["beta2"]),
        eps=CONSTANTS["eps"],
        weight_decay=CONSTANTS["weight_decay"],
    )
    losses, norms = [], []
    for rows in indices[index]:
        optimizer.zero_grad()
        logits = model(torch.tensor(features[rows]))[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, torch.tensor(labels[rows]), pos_weight=torch.tensor(weights[index])
        )
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)))
        optimizer.step()
        losses.append(loss.item())
    return model, losses, norms


def test_stack_equals_the_usual_loop(problem):
    trainer = make(problem)
    losses, norms = trainer.run(problem[3], problem[4])
    assert norms.max() > CONSTANTS["max_norm"]  # or clipping would go untested
    for index in range(MODELS):
        model, expected_losses, expected_norms = plain_loop(problem, index)
        # Two orders of summation over a dozen updates.
        np.testing.assert_allclose(losses[index], expected_losses, rtol=1e-12)
        np.testing.assert_allclose(norms[index], expected_norms, rtol=1e-12)
        for stacked, parameter in zip(
            trainer.parameters(), model.parameters(), strict=True
        ):
            expected = parameter.detach().numpy().T
            np.testing.assert_allclose(stacked[index], expected, rtol=1e-11, atol=1e-13)
        logits = model(torch.tensor(problem[1]))[:, 0].detach().numpy()
        np.testing.assert_allclose(
            trainer.logits(problem[1])[index], logits, rtol=1e-11, atol=1e-13
        )


def test_steps_in_two_runs_equal_one_run(problem):
    *_, indices, weights = problem
    whole, halves = make(problem), make(problem)
    whole.run(indices, weights)
    halves.run(indices[:, :5], weights)
    halves.run(indices[:, 5:], weights)
    for a, b in zip(whole.parameters(), halves.parameters(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_traced_program_follows_batch_size_and_weight(problem):
    *_, indices, weights = problem
    changing, fresh = make(problem), make(problem)
    changing.run(indices[:, :1, :4], weights)
    fresh.run(indices[:, :1, :4], weights)
    fresh._programs.clear()
    for trainer in (changing, fresh):
        trainer.run(indices, 2.0 * weights)
    for a, b in zip(changing.parameters(), fresh.parameters(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_parameters_come_back_as_given(problem):
    for given, returned in zip(problem[0], make(problem).parameters(), strict=True):
        np.testing.assert_array_equal(given, returned)


def test_many_rows_are_those_of_few(problem):
    trainer, features = make(problem), problem[1]
    many = np.resize(features, (ROWS + len(features), features.shape[1]))
    found = trainer.logits(many)
    assert found.shape == (MODELS, len(many))
    expected = np.resize(trainer.logits(features)[0], len(many))
    # Other lengths may be summed in another order.
    np.testing.assert_allclose(found[0], expected, rtol=1e-14, atol=1e-15)


def test_arguments_are_left_as_they_are(problem):
    before = [p.copy() for p in problem[0]]
    make(problem).run(problem[3], problem[4])
    for given, copy in zip(problem[0], before, strict=True):
        np.testing.assert_array_equal(given, copy)


def test_float32_stays_close_to_float64(problem):
    narrow, wide = make(problem, dtype="float32"), make(problem)
    for trainer in (narrow, wide):
        trainer.run(problem[3], problem[4])
    for a, b in zip(narrow.parameters(), wide.parameters(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)
    assert any((p != p.astype(np.float32)).any() for p in wide.parameters())


def test_precision_flag_is_restored():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with highest_precision():
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)

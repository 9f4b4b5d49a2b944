import copy
import io
from functools import partial

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from torch_impl.lr_schedulers import CurriculumLR, WarmupLR
from torch_impl.schedules import progressive_pos_weight, warmup_factor

RATES = (0.3, 0.7)
EPS = 2.0**-52


def optimizer():
    groups = [
        {"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in RATES
    ]
    return torch.optim.SGD(groups)


def rates(make, epochs=30):
    """Returns the rates of every epoch, a column for each group."""
    trained = optimizer()
    scheduler = make(trained)
    return run(trained, scheduler, epochs)


def run(trained, scheduler, epochs):
    found = []
    for _ in range(epochs):
        found.append([group["lr"] for group in trained.param_groups])
        trained.step()
        scheduler.step()
    return np.array(found)


def close(actual, expected, epochs=30):
    # A quotient and a product in each epoch.
    np.testing.assert_allclose(actual, expected, rtol=2 * epochs * EPS, atol=0)


def test_agrees_with_linear_lr():
    rng = np.random.default_rng(2)
    for _ in range(20):
        first, steps = rng.uniform(0.01, 1), int(rng.integers(1, 29))
        ours = partial(WarmupLR, steps=steps, first=first)
        peer = partial(lr_scheduler.LinearLR, start_factor=first, total_iters=steps)
        close(rates(ours), rates(peer))


def test_agrees_with_lambda_lr():
    warmup = rates(lambda o: WarmupLR(o, steps=10, first=0.0))
    close(warmup, rates(lambda o: lr_scheduler.LambdaLR(o, lambda e: min(e / 10, 1))))
    assert (warmup[0] == 0).all()
    curriculum = rates(lambda o: CurriculumLR(o, boundaries=[5], factors=[0.1, 1]))
    close(
        curriculum,
        rates(lambda o: lr_scheduler.LambdaLR(o, lambda e: 0.1 if e < 5 else 1)),
    )


def test_functions_serve_as_lambdas():
    def cosine(epoch):
        options = {"start": 1.0, "end": 0.1, "steps": 29, "shape": "cosine"}
        return float(progressive_pos_weight(epoch, **options))

    def peer(trained):
        # One group, since eta_min is a rate and no factor.
        del trained.param_groups[1]
        return lr_scheduler.CosineAnnealingLR(trained, 29, eta_min=0.03)

    actual = rates(lambda o: lr_scheduler.LambdaLR(o, cosine))
    # Its recursion loses digits where the wave is flat; see the closed form below.
    np.testing.assert_allclose(actual[:, :1], rates(peer), rtol=1e-12)
    epochs = np.arange(30)
    closed = 0.03 + (0.3 - 0.03) * (1 + np.cos(np.pi * epochs / 29)) / 2
    np.testing.assert_allclose(actual[:, 0], closed, rtol=8 * EPS)


@pytest.mark.parametrize("first", [0.0, 0.25])
def test_composes_in_sequence(first):
    def make(trained):
        warmup = WarmupLR(trained, steps=6, first=first)
        decay = lr_scheduler.ExponentialLR(trained, 0.9)
        return lr_scheduler.SequentialLR(trained, [warmup, decay], milestones=[6])

    factors = [float(warmup_factor(epoch, steps=6, first=first)) for epoch in range(6)]
    factors += [0.9**epoch for epoch in range(24)]
    close(rates(make), np.outer(factors, RATES))


def test_comes_second_in_sequence():
    def make(trained):
        decay = lr_scheduler.ExponentialLR(trained, 0.9)
        curriculum = CurriculumLR(trained, boundaries=[5], factors=[0.1, 1])
        return lr_scheduler.SequentialLR(trained, [decay, curriculum], milestones=[4])

    factors = [0.9**epoch for epoch in range(4)] + [0.1] * 5 + [1.0] * 21
    close(rates(make), np.outer(factors, RATES))


def test_chains():
    def make(trained):
        return lr_scheduler.ChainedScheduler(
            [
                WarmupLR(trained, steps=9, first=0.1),
                lr_scheduler.ExponentialLR(trained, 0.9),
                CurriculumLR(trained, boundaries=[5], factors=[0.2, 1]),
            ]
        )

    factors = [
        min((epoch + 1) / 10, 1) * 0.9**epoch * (0.2 if epoch < 5 else 1)
        for epoch in range(30)
    ]
    close(rates(make), np.outer(factors, RATES), epochs=90)


def test_chains_from_zero_if_it_goes_first():
    def make(trained):
        warmup = WarmupLR(trained, steps=10, first=0.0)
        decay = lr_scheduler.ExponentialLR(trained, 0.9)
        return lr_scheduler.ChainedScheduler([warmup, decay])

    factors = [min(epoch / 10, 1) * 0.9**epoch for epoch in range(30)]
    close(rates(make), np.outer(factors, RATES), epochs=60)


def test_state_dict_goes_on_where_it_was():
    whole = rates(lambda o: WarmupLR(o, steps=10, first=0.2))
    trained = optimizer()
    scheduler = WarmupLR(trained, steps=10, first=0.2)
    run(trained, scheduler, 4)
    file = io.BytesIO()
    torch.save([scheduler.state_dict(), trained.state_dict()], file)
    file.seek(0)
    own, others = torch.load(file, weights_only=True)
    trained = optimizer()
    # The options are part of the state, as in torch's own.
    scheduler = WarmupLR(trained, steps=3, first=0.9)
    scheduler.load_state_dict(own)
    trained.load_state_dict(others)
    np.testing.assert_array_equal(run(trained, scheduler, 26), whole[4:])


def test_last_epoch_goes_on_where_it_was():
    makes = (
        # Like this one of torch's, which stands here for all of them.
        partial(lr_scheduler.LinearLR, start_factor=0.2, total_iters=10),
        partial(WarmupLR, steps=10, first=0.2),
        partial(WarmupLR, steps=10, first=0.0),
        partial(CurriculumLR, boundaries=[2, 6], factors=[0.5, 1, 0.1]),
    )
    for make in makes:
        trained = optimizer()
        run(trained, make(trained), 4)
        resumed = optimizer()
        resumed.load_state_dict(trained.state_dict())
        close(run(resumed, make(resumed, last_epoch=3), 26), rates(make)[4:])


def test_copies_are_independent():
    trained = optimizer()
    scheduler = CurriculumLR(trained, boundaries=[2], factors=[0.5, 1])
    twin = copy.deepcopy(scheduler)
    run(trained, scheduler, 5)
    assert twin.get_last_lr() == [0.15, 0.35]


def test_rates_stay_numbers():
    assert type(WarmupLR(optimizer(), steps=3, first=0.5).get_last_lr()[0]) is float


def test_bad_options_raise_at_once():
    with pytest.raises(ValueError, match=r"first must be in \[0, 1\], got 2"):
        WarmupLR(optimizer(), steps=3, first=2)
    with pytest.raises(ValueError, match="factors must be one more than boundaries"):
        CurriculumLR(optimizer(), boundaries=[5], factors=[1])

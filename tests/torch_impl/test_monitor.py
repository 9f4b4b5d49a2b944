import copy
import pickle

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from torch_impl.gradients import largest_gradients
from torch_impl.monitor import GradientMonitor


class Tied(nn.Module):
    """One parameter used twice, one never, one frozen."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(2, 2, bias=False)
        self.head = nn.Linear(2, 1)
        self.unused = nn.Linear(2, 1)
        self.head.bias.requires_grad_(False)

    def forward(self, features):
        return self.head(self.shared(self.shared(features)))


@pytest.fixture
def module():
    torch.manual_seed(1)
    return Tied().double()


def backward(module, scale=1.0):
    module.zero_grad()
    features = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
    (scale * module(features)).sum().backward()


def present(module):
    found = largest_gradients(module.named_parameters())
    return {name: float(value) for name, value in found.items()}


def test_largest_of_all_passes_is_kept(module):
    passes = []
    with GradientMonitor(module) as monitor:
        assert monitor.largest() == {}
        for scale in (1.0, -5.0, 2.0):
            backward(module, scale)
            passes.append(present(module))
            assert monitor.largest() == {
                name: max(own[name] for own in passes) for name in passes[0]
            }
    assert set(passes[0]) == {"shared.weight", "head.weight"}
    assert passes[1]["shared.weight"] == 5.0 * passes[0]["shared.weight"] > 0.0


def test_a_parameter_used_twice_counts_once_with_all_of_its_gradient(module):
    with GradientMonitor(module) as monitor:
        backward(module)
    hidden = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
    weight, head = module.shared.weight.detach(), module.head.weight.detach()
    upstream = head.repeat(2, 1)
    second = upstream.T @ (hidden @ weight.T)
    first = (upstream @ weight).T @ hidden
    expected = float((first + second).abs().max())
    assert expected != pytest.approx(float(second.abs().max()))
    # A few products of float64.
    assert monitor.largest()["shared.weight"] == pytest.approx(expected, rel=1e-14)


def test_reset_forgets_and_remove_stops(module):
    monitor = GradientMonitor(module)
    backward(module, 7.0)
    monitor.reset()
    assert monitor.largest() == {}
    backward(module)
    expected = present(module)
    assert monitor.largest() == expected
    monitor.remove()
    monitor.remove()
    backward(module, 100.0)
    assert monitor.largest() == expected


def test_what_was_removed_is_not_entered(module):
    with GradientMonitor(module) as monitor:
        backward(module)
    with pytest.raises(RuntimeError, match="was removed: make a new one"), monitor:
        pass


def test_copies_of_the_module_are_not_watched(module):
    with GradientMonitor(module) as monitor:
        for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
            backward(twin)
        assert monitor.largest() == {}


def test_hooks_are_removed_when_training_fails(module):
    monitor = GradientMonitor(module)
    with pytest.raises(RuntimeError, match="out of luck"), monitor:
        raise RuntimeError("out of luck")
    backward(module)
    assert monitor.largest() == {}


# It warns of the cycle that it makes.
@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph")
def test_the_record_holds_no_tape(module):
    with GradientMonitor(module) as monitor:
        output = module(torch.ones(1, 2, dtype=torch.float64))
        output.square().sum().backward(create_graph=True)
        assert module.shared.weight.grad.requires_grad
        kept = list(vars(monitor)["_largest"].values())
    module.zero_grad()
    assert len(kept) == 2
    assert not any(value.requires_grad for value in kept)


def test_nan_shows_and_stays(module):
    with GradientMonitor(module) as monitor:
        for scale in (1.0, float("nan"), 1.0):
            backward(module, scale)
        assert all(value != value for value in monitor.largest().values())
        monitor.reset()
        backward(module)
        assert all(value == value for value in monitor.largest().values())


def test_layers_have_the_largest_of_their_parameters():
    layer = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1))
    with GradientMonitor(layer) as monitor:
        layer(torch.tensor([0.25, -0.5])).backward()
    single = monitor.largest()
    assert monitor.largest(per="layer") == {
        "0": max(single["0.weight"], single["0.bias"]),
        "1": max(single["1.weight"], single["1.bias"]),
    }
    assert single["0.weight"] < single["0.bias"]


def test_accumulated_gradients_are_seen_as_they_stand(module):
    with GradientMonitor(module) as monitor:
        backward(module)
        once = monitor.largest()
        module(
            torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
        ).sum().backward()
    assert monitor.largest() == {name: 2.0 * value for name, value in once.items()}


def test_an_optimizer_in_backward_does_not_disturb(module):
    def use_up(parameter):
        parameter.grad = None

    module.head.weight.register_post_accumulate_grad_hook(use_up)
    with GradientMonitor(module) as monitor:
        backward(module)
    assert set(monitor.largest()) == {"shared.weight"}


def test_a_compiled_module_is_watched(module):
    expected, compiled = (
        GradientMonitor(module),
        torch.compile(module, backend="aot_eager"),
    )
    backward(module)
    expected.remove()
    with GradientMonitor(module) as monitor:
        backward(compiled)
    assert monitor.largest() == pytest.approx(expected.largest(), rel=1e-14)


def test_values_stay_on_the_device_until_asked(module):
    fetches = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            fetches.append(str(func))
            return func(*args, **(kwargs or {}))

    with GradientMonitor(module) as monitor, Watch():
        backward(module)
    assert any("amax" in name for name in fetches)
    assert not [name for name in fetches if "_local_scalar" in name or "item" in name]
    assert monitor.largest()

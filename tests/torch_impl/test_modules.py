import copy
import inspect
import pickle

import numpy as np
import pytest
import torch

import torch_impl

# Module, its function, and what belongs to the call instead of the module.
OWN = [
    ("SigmoidFocalLoss", "sigmoid_focal_loss", {"sample_weight"}),
    ("SoftmaxFocalLoss", "softmax_focal_loss", set()),
    ("AdaptiveBCEWithLogitsLoss", "adaptive_bce_with_logits", set()),
    ("HeatmapFocalLoss", "heatmap_focal_loss", {"pos_mask"}),
    ("GHMCLoss", "ghmc_loss", {"state", "sample_mask"}),
    ("GHMRLoss", "ghmr_loss", {"state", "sample_mask"}),
]
SHAPE = (6, 4, 3)
GENERATOR = np.random.default_rng(5)
LOGITS = torch.tensor(GENERATOR.normal(0, 2, SHAPE))
SOFT = torch.tensor(GENERATOR.random(SHAPE))
INDEX = torch.tensor(GENERATOR.integers(0, 4, (6, 3)))
CLASSES = torch.tensor([0.25, 1.0, 3.0, 7.0], dtype=torch.float64)
ELEMENTS = torch.tensor(GENERATOR.random((4, 1)))


def value_and_gradient(module, input, target):
    x = input.clone().requires_grad_()
    value = module(x, target)
    weights = torch.arange(1.0, 1 + value.numel(), dtype=value.dtype)
    (weights.reshape(value.shape) * value).sum().backward()
    return value.detach(), x.grad


@pytest.mark.parametrize(("name", "function", "of_the_call"), OWN)
def test_constructors_take_the_options_of_the_function(name, function, of_the_call):
    def options(callable, absent):
        parameters = inspect.signature(callable).parameters.values()
        return {p.name: p.default for p in parameters if p.name not in absent}

    every = inspect.signature(getattr(torch_impl, function)).parameters
    of_the_call = {*list(every)[:2], *of_the_call}
    module = getattr(torch_impl, name)
    assert options(module, {}) == options(getattr(torch_impl, function), of_the_call)
    assert all(
        p.kind is p.KEYWORD_ONLY for p in inspect.signature(module).parameters.values()
    )
    assert set(inspect.signature(module.forward).parameters) == (
        {"self", *of_the_call} - {"state"}
    )


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("SigmoidFocalLoss", {"gamma": -1.0}, "gamma must be finite and >= 0"),
        ("SigmoidFocalLoss", {"alpha": 2.0}, "alpha must be in \\[0, 1\\]"),
        ("SoftmaxFocalLoss", {"normalizer": "n"}, "normalizer must be one of"),
        ("AdaptiveBCEWithLogitsLoss", {"modulator": "x"}, "modulator must be one of"),
        ("HeatmapFocalLoss", {"beta": -1.0}, "beta must be finite"),
        ("GHMCLoss", {"bins": 0}, "bins must be"),
        ("GHMCLoss", {"momentum": 1.0}, "momentum must be in \\[0, 1\\)"),
        ("GHMRLoss", {"mu": 0.0}, "mu must be"),
        ("GHMRLoss", {"reduction": "avg"}, "reduction must be one of"),
    ],
)
def test_bad_options_are_refused_at_once(name, options, text):
    options = {"pos_weight": 1.0, **options} if "Adaptive" in name else options
    with pytest.raises(ValueError, match=text):
        getattr(torch_impl, name)(**options)


@pytest.mark.parametrize(
    ("name", "function", "options", "of_the_call"),
    [
        (
            "SigmoidFocalLoss",
            "sigmoid_focal_loss",
            {"alpha": 0.25, "gamma": 1.5, "pos_weight": CLASSES, "class_axis": 1},
            {"sample_weight": 2 * SOFT},
        ),
        (
            "SoftmaxFocalLoss",
            "softmax_focal_loss",
            {
                "gamma": 0.5,
                "class_weights": CLASSES,
                "ignore_index": 2,
                "class_axis": 1,
                "normalizer": "weights",
            },
            {},
        ),
        (
            "AdaptiveBCEWithLogitsLoss",
            "adaptive_bce_with_logits",
            {"pos_weight": 5.0, "gamma": 1.5, "modulator": "weighted_loss"},
            {},
        ),
        (
            "HeatmapFocalLoss",
            "heatmap_focal_loss",
            {"alpha": 3.0, "beta": 1.5},
            {"pos_mask": SOFT > 0.5},
        ),
    ],
)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_every_option_reaches_the_function(
    name, function, options, of_the_call, reduction
):
    options = {**options, "reduction": reduction}
    module = getattr(torch_impl, name)(**options)
    labels = INDEX if name == "SoftmaxFocalLoss" else SOFT
    expected = getattr(torch_impl, function)(LOGITS, labels, **options, **of_the_call)
    assert torch.equal(module(LOGITS, labels, **of_the_call), expected)
    tensors = {key for key, value in options.items() if isinstance(value, torch.Tensor)}
    assert set(dict(module.named_buffers())) == tensors


MODULES = [
    torch_impl.BCEWithLogitsLoss(pos_weight=CLASSES[:, None].float()),
    torch_impl.BCELoss(weight=ELEMENTS.float()),
    torch_impl.CrossEntropyLoss(weight=CLASSES.float(), label_smoothing=0.1),
    torch_impl.SigmoidFocalLoss(
        alpha=0.25, pos_weight=CLASSES.float(), class_axis=1, reduction="sum"
    ),
    torch_impl.SoftmaxFocalLoss(class_weights=CLASSES.float(), class_axis=1),
    torch_impl.AdaptiveBCEWithLogitsLoss(pos_weight=torch.tensor(5.0)),
    torch_impl.HeatmapFocalLoss(beta=3.0),
    torch_impl.GHMCLoss(momentum=0.75),
    torch_impl.GHMRLoss(momentum=0.75, mu=0.1),
]
NAMED = {type(module).__name__: module for module in MODULES}


def arguments(module):
    by_class = isinstance(
        module, torch_impl.CrossEntropyLoss | torch_impl.SoftmaxFocalLoss
    )
    first = SOFT if isinstance(module, torch_impl.BCELoss) else LOGITS
    return first.float(), INDEX if by_class else SOFT.float().flip(0)


@pytest.mark.parametrize("name", NAMED)
def test_gradient_flows_and_copies_agree(name):
    expected = value_and_gradient(copy.deepcopy(NAMED[name]), *arguments(NAMED[name]))
    assert expected[1].abs().min() > 0
    again = pickle.loads(pickle.dumps(NAMED[name]))
    for actual, value in zip(
        value_and_gradient(again, *arguments(again)), expected, strict=True
    ):
        assert torch.equal(actual, value)


# Dynamo instantiates every autograd.Function that it traces.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("name", NAMED)
def test_compiled_module_agrees(name):
    eager = copy.deepcopy(NAMED[name])
    compiled = copy.deepcopy(NAMED[name])
    compiled.compile(fullgraph=True, backend="aot_eager")
    for _ in range(2):
        pairs = zip(
            value_and_gradient(compiled, *arguments(eager)),
            value_and_gradient(eager, *arguments(eager)),
            strict=True,
        )
        for actual, expected in pairs:
            torch.testing.assert_close(actual, expected)
    assert str(compiled.state_dict()) == str(eager.state_dict())


@pytest.mark.parametrize("name", NAMED)
def test_weights_move_and_round_trip(name):
    module = copy.deepcopy(NAMED[name]).double()
    floating = [b for b in module.buffers() if b.is_floating_point()]
    assert all(buffer.dtype == torch.float64 for buffer in floating)
    other = copy.deepcopy(NAMED[name])
    for buffer in other.buffers():
        buffer.zero_()
    other.load_state_dict(module.state_dict())
    assert other.state_dict().keys() == module.state_dict().keys()
    for actual, expected in zip(other.buffers(), module.buffers(), strict=True):
        assert torch.equal(actual.double(), expected.double())


def test_options_are_shown():
    assert repr(NAMED["SigmoidFocalLoss"]) == (
        "SigmoidFocalLoss(alpha=0.25, gamma=2.0, pos_weight=[0.25, 1.0, 3.0, 7.0], "
        "class_axis=1, reduction='sum')"
    )
    assert "label_smoothing=0.1" in repr(NAMED["CrossEntropyLoss"])
    assert "mu=0.1, bins=10, momentum=0.75" in repr(NAMED["GHMRLoss"])
    many = torch_impl.BCELoss(weight=torch.ones(9))
    assert repr(many) == "BCELoss(weight=tensor of shape (9,), reduction='mean')"


def test_learned_option_is_a_parameter():
    gamma = torch.nn.Parameter(torch.tensor(1.5))
    module = torch_impl.SigmoidFocalLoss(gamma=gamma)
    assert list(module.parameters()) == [gamma]
    module(LOGITS.float(), SOFT.float()).backward()
    assert gamma.grad is not None
    assert gamma.grad != 0

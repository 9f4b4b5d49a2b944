"""First and second derivatives against finite differences, eager and compiled."""

import pytest
import torch

import torch_impl

GENERATOR = torch.Generator().manual_seed(5)


def _draw(*shape):
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


def _number(value):
    return torch.tensor(value, dtype=torch.float64)


LOGITS, ROWS = 2 * _draw(6), 3 * _draw(4, 3)
# Inside (0, 1): a finite difference must not leave the range.
LABELS = torch.sigmoid(_draw(6))
SHARES, WEIGHTS = torch.softmax(_draw(4, 3), dim=-1), _number([1.0, 2.0, 0.5])
INDEX, PEAKS = torch.tensor([0, 2, -100, 1]), torch.tensor([True, *5 * [False]])
STATE = torch_impl.GHMState(_number([3.0, 0, 1, 2, 5]), torch.tensor([1, 0, 2, 3, 1]))
EACH = torch.rand(4, generator=GENERATOR, dtype=torch.float64)

CASES = {
    "binary_cross_entropy_with_logits": (
        lambda x, y, w, s: torch_impl.binary_cross_entropy_with_logits(
            x, y, pos_weight=w, label_smoothing=s
        ),
        (LOGITS, LABELS, _number(3.0), _number(0.1)),
    ),
    "sigmoid_focal_loss": (
        lambda x, y, a, g: torch_impl.sigmoid_focal_loss(x, y, alpha=a, gamma=g),
        (LOGITS, LABELS, _number(0.25), _number(1.5)),
    ),
    "adaptive_bce_with_logits": (
        lambda x, y, w, g: torch_impl.adaptive_bce_with_logits(
            x, y, pos_weight=w, gamma=g, modulator="weighted_loss"
        ),
        (LOGITS, LABELS, _number(3.0), _number(1.5)),
    ),
    "binary_cross_entropy": (
        torch_impl.binary_cross_entropy,
        (torch.sigmoid(LOGITS), LABELS),
    ),
    "cross_entropy": (
        lambda x, w, v, s: torch_impl.cross_entropy(
            x, INDEX, class_weights=w, sample_weight=v, label_smoothing=s
        ),
        (ROWS, WEIGHTS, EACH, _number(0.1)),
    ),
    "cross_entropy of probabilities": (
        lambda x, y, w: torch_impl.cross_entropy(
            x, y, class_weights=w, label_smoothing=0.1, smoothing="off_target"
        ),
        (ROWS, SHARES, WEIGHTS),
    ),
    "cross_entropy of ties": (
        lambda x: torch_impl.cross_entropy(x, INDEX),
        (torch.zeros(4, 3, dtype=torch.float64),),
    ),
    "softmax_focal_loss": (
        lambda x, w, g: torch_impl.softmax_focal_loss(
            x, INDEX, class_weights=w, gamma=g
        ),
        (ROWS, WEIGHTS, _number(1.5)),
    ),
    "softmax_focal_loss of ties": (
        lambda x: torch_impl.softmax_focal_loss(x, INDEX),
        (torch.zeros(4, 3, dtype=torch.float64),),
    ),
    "heatmap_focal_loss": (
        lambda x, h, a, b: torch_impl.heatmap_focal_loss(
            x, h, alpha=a, beta=b, pos_mask=PEAKS
        ),
        (LOGITS, LABELS, _number(2.0), _number(4.0)),
    ),
    "ghmc_loss": (
        lambda x, y: torch_impl.ghmc_loss(x, y, STATE, bins=5, momentum=0.5)[0],
        (LOGITS, LABELS),
    ),
    "ghmr_loss": (
        lambda x, y, mu: torch_impl.ghmr_loss(x, y, STATE, bins=5, momentum=0.5, mu=mu)[
            0
        ],
        (LOGITS, LABELS, _number(0.5)),
    ),
}


def _leaves(tensors):
    return tuple(tensor.clone().requires_grad_() for tensor in tensors)


@pytest.mark.parametrize("name", CASES)
def test_gradcheck(name):
    function, tensors = CASES[name]
    assert torch.autograd.gradcheck(function, _leaves(tensors), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(function, _leaves(tensors))


def test_every_loss_is_checked():
    losses = {n for n in torch_impl.__all__ if n.islower()} - {"hard_example_mining"}
    assert {name.partition(" ")[0] for name in CASES} == losses


def _assert_same(actual, expected):
    # Compiled code takes other elementary functions, which round in their own way.
    torch.testing.assert_close(actual, expected, rtol=1e-13, atol=0)


# Dynamo instantiates every autograd.Function that it traces.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("name", CASES)
def test_one_graph_without_breaks(name):
    function, tensors = CASES[name]
    graphs = []

    def count(graph, _):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(function, fullgraph=True, backend=count)
    for _ in range(2):
        actual, expected = _leaves(tensors), _leaves(tensors)
        value, reference = compiled(*actual), function(*expected)
        _assert_same(value, reference)
        slopes = torch.autograd.grad(value, actual)
        for slope, known in zip(
            slopes, torch.autograd.grad(reference, expected), strict=True
        ):
            _assert_same(slope, known)
    assert len(graphs) == 1

"""Large tensors are worked on in blocks, which must not be seen in the results."""

import pytest
import torch

import torch_impl
from torch_impl import _blocks

GENERATOR = torch.Generator().manual_seed(11)
LOSSES = {
    "binary_cross_entropy_with_logits": {"pos_weight": 3.0},
    "sigmoid_focal_loss": {"gamma": 1.5, "alpha": 0.25},
    "adaptive_bce_with_logits": {"pos_weight": 3.0, "modulator": "weighted_loss"},
    "heatmap_focal_loss": {},
    "ghmc_loss": {"bins": 7},
    "ghmr_loss": {"bins": 7},
    "cross_entropy": {"label_smoothing": 0.1},
    "softmax_focal_loss": {},
}
BY_CLASS = ("cross_entropy", "softmax_focal_loss")


def _draw(*shape):
    return 3 * torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


# The longest axis is cut, wherever it is, also in views.
LOGITS = {
    "vector": _draw(103),
    "long first axis": _draw(37, 3),
    "long last axis": _draw(3, 37),
    "image": _draw(2, 3, 17, 5),
    "transposed": _draw(5, 29).T,
    "stretched": _draw(31, 1).expand(31, 4),
    "scalar": _draw(),
    "empty": _draw(0, 3),
}


def _labels(name, logits):
    if name not in BY_CLASS:
        return torch.rand(logits.shape, generator=GENERATOR, dtype=torch.float64)
    shape = logits.shape[:-1]
    labels = torch.randint(0, logits.shape[-1], shape, generator=GENERATOR)
    return labels.where(torch.rand(shape, generator=GENERATOR) < 0.8, -100)


def _outcome(name, logits, labels, reduction):
    x = logits.detach().requires_grad_()
    found = getattr(torch_impl, name)(x, labels, reduction=reduction, **LOSSES[name])
    loss = found[0] if name.startswith("ghm") else found
    (gradient,) = torch.autograd.grad((2.5 * loss).sum(), x)
    return loss.detach(), gradient


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("shape", LOGITS)
@pytest.mark.parametrize("name", LOSSES)
def test_blocks_change_nothing(name, shape, reduction, monkeypatch):
    logits = LOGITS[shape]
    if name in BY_CLASS and logits.ndim == 0:
        pytest.skip("a scalar has no class axis")
    labels = _labels(name, logits)
    expected = _outcome(name, logits, labels, reduction)
    monkeypatch.setattr(_blocks, "_size", lambda: 8)
    cuts = []
    cut = _blocks.cut

    def counted(*args, **kwargs):
        pieces = list(cut(*args, **kwargs))
        cuts.append(len(pieces))
        return iter(pieces)

    monkeypatch.setattr("torch_impl._differentiable.cut", counted)
    monkeypatch.setattr(_blocks, "cut", counted)
    actual = _outcome(name, logits, labels, reduction)
    rows = logits.numel() > 8 and (name not in BY_CLASS or logits.ndim > 1)
    assert (max(cuts, default=1) > 1) == rows
    # A block may take a vector instruction where the whole took another: two roundings.
    for found, known in zip(actual, expected, strict=True):
        torch.testing.assert_close(found, known, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", ["binary_cross_entropy_with_logits", "cross_entropy"])
def test_sample_weights_are_cut_as_the_rows_are(name, monkeypatch):
    logits = LOGITS["long first axis"]
    labels = _labels(name, logits)
    weight = torch.rand(labels.shape, generator=GENERATOR, dtype=torch.float64)

    def total():
        return getattr(torch_impl, name)(logits, labels, sample_weight=weight)

    expected = total()
    monkeypatch.setattr(_blocks, "_size", lambda: 8)
    torch.testing.assert_close(total(), expected, rtol=1e-14, atol=0)


def test_a_single_row_longer_than_a_block_stays_whole(monkeypatch):
    logits, label = LOGITS["vector"], torch.tensor(7)
    expected = torch_impl.cross_entropy(logits, label)
    monkeypatch.setattr(_blocks, "_size", lambda: 8)
    assert torch.equal(torch_impl.cross_entropy(logits, label), expected)

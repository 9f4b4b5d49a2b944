"""Modules that hold the options of a loss, for all losses that focus."""

from typing import Any

from torch import Tensor

from refimpl import _validate
from torch_impl.adaptive import adaptive_bce_with_logits
from torch_impl.focal import sigmoid_focal_loss
from torch_impl.heatmap import heatmap_focal_loss
from torch_impl.modules._options import Shown, checked_reduction, hold
from torch_impl.softmax_focal import softmax_focal_loss


class SigmoidFocalLoss(Shown):
    """Holds the options of :func:`refimpl.sigmoid_focal_loss`."""

    shown = ("alpha", "gamma", "pos_weight", "class_axis", "reduction")

    def __init__(
        self,
        *,
        alpha: Any = None,
        gamma: Any = 2.0,
        pos_weight: Any = None,
        class_axis: int = -1,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if alpha is not None:
            _validate.check_number("alpha", alpha, high=1)
        _validate.check_number("gamma", gamma)
        hold(self, alpha=alpha, gamma=gamma, pos_weight=pos_weight)
        self.class_axis = class_axis
        self.reduction = checked_reduction(reduction)

    def forward(
        self, logits: Tensor, labels: Tensor, *, sample_weight: Tensor | None = None
    ) -> Any:
        """Computes the loss."""
        return sigmoid_focal_loss(
            logits,
            labels,
            alpha=self.alpha,
            gamma=self.gamma,
            pos_weight=self.pos_weight,
            sample_weight=sample_weight,
            class_axis=self.class_axis,
            reduction=self.reduction,
        )


class SoftmaxFocalLoss(Shown):
    """Holds the options of :func:`refimpl.softmax_focal_loss`."""

    shown = (
        "gamma",
        "class_weights",
        "ignore_index",
        "class_axis",
        "normalizer",
        "reduction",
    )

    def __init__(
        self,
        *,
        gamma: Any = 2.0,
        class_weights: Tensor | None = None,
        ignore_index: int = -100,
        class_axis: int = -1,
        normalizer: str = "count",
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        _validate.check_number("gamma", gamma)
        _validate.check_choice("normalizer", normalizer, _validate.NORMALIZERS)
        hold(self, gamma=gamma, class_weights=class_weights)
        self.ignore_index = ignore_index
        self.class_axis = class_axis
        self.normalizer = normalizer
        self.reduction = checked_reduction(reduction)

    def forward(self, logits: Tensor, labels: Tensor) -> Any:
        """Computes the loss."""
        return softmax_focal_loss(
            logits,
            labels,
            gamma=self.gamma,
            class_weights=self.class_weights,
            ignore_index=self.ignore_index,
            class_axis=self.class_axis,
            normalizer=self.normalizer,
            reduction=self.reduction,
        )


class AdaptiveBCEWithLogitsLoss(Shown):
    """Holds the options of :func:`refimpl.adaptive_bce_with_logits`."""

    shown = ("pos_weight", "gamma", "modulator", "reduction")

    def __init__(
        self,
        *,
        pos_weight: Any,
        gamma: Any = 2.0,
        modulator: str = "probability",
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        _validate.check_number("gamma", gamma)
        _validate.check_choice("modulator", modulator, _validate.MODULATORS)
        hold(self, pos_weight=pos_weight, gamma=gamma)
        self.modulator = modulator
        self.reduction = checked_reduction(reduction)

    def forward(self, logits: Tensor, labels: Tensor) -> Any:
        """Computes the loss."""
        return adaptive_bce_with_logits(
            logits,
            labels,
            pos_weight=self.pos_weight,
            gamma=self.gamma,
            modulator=self.modulator,
            reduction=self.reduction,
        )


class HeatmapFocalLoss(Shown):
    """Holds the options of :func:`refimpl.heatmap_focal_loss`."""

    shown = ("alpha", "beta", "reduction")

    def __init__(
        self, *, alpha: Any = 2.0, beta: Any = 4.0, reduction: str = "mean"
    ) -> None:
        super().__init__()
        _validate.check_number("alpha", alpha)
        _validate.check_number("beta", beta)
        hold(self, alpha=alpha, beta=beta)
        self.reduction = checked_reduction(reduction)

    def forward(
        self, logits: Tensor, heatmap: Tensor, *, pos_mask: Tensor | None = None
    ) -> Any:
        """Computes the loss."""
        return heatmap_focal_loss(
            logits,
            heatmap,
            alpha=self.alpha,
            beta=self.beta,
            pos_mask=pos_mask,
            reduction=self.reduction,
        )

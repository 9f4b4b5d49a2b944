"""The source articles' operations as printed, for comparison only; no public losses.

Each function is a printed formula in NumPy. Its docstring begins with the numbers of
the claims it belongs to, and says how the library's operation differs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from conformance.training.claims.harmonising import ghmc
from conformance.training.claims.losses import (
    adaptive_bce,
    bce_of_shifted_probabilities,
    focal_of_probabilities,
    focal_with_one_alpha,
    label_weighted_bce,
    manually_smoothed,
    where_weighted_bce,
)
from conformance.training.claims.means import (
    loss_share_of_negatives,
    mean_of_batch_means,
    weighted_mean_over_count,
)
from conformance.training.claims.weights import (
    PRINTED_CLASS_WEIGHTS,
    inverted_pos_weight,
    rarest_over_count,
)

AS_PRINTED: Mapping[str, Callable[..., Any]] = {
    "A1": label_weighted_bce,
    "A5": adaptive_bce,
    "B1": inverted_pos_weight,
    "C1": rarest_over_count,
    "C4": manually_smoothed,
    "C9": weighted_mean_over_count,
    "D3": bce_of_shifted_probabilities,
    "D6": where_weighted_bce,
    "D7": focal_with_one_alpha,
    "D9": mean_of_batch_means,
    "E1": loss_share_of_negatives,
    "E3": focal_with_one_alpha,
    "E5": ghmc,
    "E8": focal_of_probabilities,
}

__all__ = [
    "AS_PRINTED",
    "PRINTED_CLASS_WEIGHTS",
    "adaptive_bce",
    "bce_of_shifted_probabilities",
    "focal_of_probabilities",
    "focal_with_one_alpha",
    "ghmc",
    "inverted_pos_weight",
    "label_weighted_bce",
    "loss_share_of_negatives",
    "manually_smoothed",
    "mean_of_batch_means",
    "rarest_over_count",
    "weighted_mean_over_count",
    "where_weighted_bce",
]

"""Data sets of the recipes: drawn with known posterior, bundled, the user's own."""

from collections.abc import Callable

from conformance.training.data.blobs import blobs, patches
from conformance.training.data.bundled import (
    breast_cancer,
    digits,
    digits_multiclass,
    digits_multilabel,
    wine,
    wine_binary,
)
from conformance.training.data.parts import PARTS, Problem, Split
from conformance.training.data.resampled import resampled
from conformance.training.data.synthetic import (
    gaussian,
    multiclass_synthetic,
    multilabel_synthetic,
    synthetic,
)
from conformance.training.data.user import user_file

SOURCES: dict[str, Callable[..., Problem]] = {
    source.__name__: source
    for source in (
        synthetic,
        gaussian,
        digits,
        breast_cancer,
        wine_binary,
        multilabel_synthetic,
        digits_multilabel,
        multiclass_synthetic,
        wine,
        digits_multiclass,
        blobs,
    )
}

__all__ = [
    "PARTS",
    "SOURCES",
    "Problem",
    "Split",
    "blobs",
    "breast_cancer",
    "digits",
    "digits_multiclass",
    "digits_multilabel",
    "gaussian",
    "multiclass_synthetic",
    "multilabel_synthetic",
    "patches",
    "resampled",
    "synthetic",
    "user_file",
    "wine",
    "wine_binary",
]

"""Point families: which inputs each kind of operation is tried on, and why.

One module per kind of operation. Only NumPy is needed.
"""

from conformance.families._spec import (
    LARGEST,
    REDUCTION_SIZES,
    Array,
    Cases,
    GroupSpec,
    Inputs,
    Points,
    Setting,
    SumSpec,
    nearest,
    setting,
)
from conformance.families.binary import BinaryCases
from conformance.families.ghm import ClassificationCases, RegressionCases, aged
from conformance.families.heatmap import HeatmapCases
from conformance.families.mining import MiningCases
from conformance.families.probability import ProbabilityCases
from conformance.families.softmax import SoftmaxCases

__all__ = [
    "LARGEST",
    "REDUCTION_SIZES",
    "Array",
    "BinaryCases",
    "Cases",
    "ClassificationCases",
    "GroupSpec",
    "HeatmapCases",
    "Inputs",
    "MiningCases",
    "Points",
    "ProbabilityCases",
    "RegressionCases",
    "Setting",
    "SoftmaxCases",
    "SumSpec",
    "aged",
    "nearest",
    "setting",
]

"""Files of scores: what a model answers, the labels, and what its training was told."""

from conformance.scores.assemble import assemble, load_scores
from conformance.scores.fields import FIELDS
from conformance.scores.scores import Array, Column, Mask, Scores, against_rest

__all__ = [
    "FIELDS",
    "Array",
    "Column",
    "Mask",
    "Scores",
    "against_rest",
    "assemble",
    "load_scores",
]

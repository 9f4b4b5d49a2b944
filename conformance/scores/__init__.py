"""Files of scores: what a model answers, the labels, and what its training was told.

Two lines make one: ``np.savez("scores.npz", logits=logits, labels=labels)``. The arrays
of an ``.npz`` file, and the columns of a ``.csv`` or ``.parquet`` file, are the fields
of ``FIELDS`` or their aliases:

==============================  ==============  ==================================
scores (logits, probabilities)  labels          task
==============================  ==============  ==================================
``(N,)`` or ``(N, 1)``          ``(N,)``: 0, 1  binary
``(N, C)``                      ``(N, C)``      multi-label: each 0 or 1
``(N, K)``                      ``(N,)``        multi-class: indices 0 to K - 1
==============================  ==============  ==================================

Index -100 leaves an example out; one-hot rows are read as indices. In a table,
``logit_a`` and ``logit_b`` are the columns of one field, and what a file has once is a
constant column. A name that is not known, and a field that a task has no use for, is
told of in ``Scores.notes``; pickled objects are never loaded.
"""

from conformance.scores.assemble import assemble, load_scores
from conformance.scores.fields import FIELDS
from conformance.scores.scores import Array, Column, Mask, Scores, against_rest
from conformance.scores.told import WORDS

__all__ = [
    "FIELDS",
    "WORDS",
    "Array",
    "Column",
    "Mask",
    "Scores",
    "against_rest",
    "assemble",
    "load_scores",
]

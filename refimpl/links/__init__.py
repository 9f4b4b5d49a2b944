r"""Links: from the posterior to the logits that a loss trains for, and back.

A model that can represent it learns the minimiser of the expected loss, not the
posterior. For each loss, ``<loss>_link`` maps the posterior :math:`\eta` to that
minimiser and ``<loss>_posterior`` maps trained logits back to a calibrated posterior.
A threshold on the logits is the link of a threshold on the posterior:
``sigmoid_focal_link(0.5, alpha=0.25)`` is the logit from which label 1 is likelier.

==========================  ==========================================================
loss                        logits of its minimiser
==========================  ==========================================================
binary cross-entropy        :math:`\log(w t / (1 - t))`, t smoothed
sigmoid focal, heat map     root of a balance of slopes; the inverse is closed
adaptive                    the same, with its own modulator
cross-entropy               :math:`\log w_k t_k`, t smoothed
softmax focal               nested roots; the inverse is closed
GHM-C                       where training rests at given densities
balanced sampling           through :func:`prior_shift`
``binary_cross_entropy``    none needed: its probability is the posterior
GHM-R                       no posterior: the value at which d / sqrt(d^2 + mu^2)
                            over density averages to 0, from the median (small mu) to
                            the mean (large mu) of the reweighed targets
hard-example mining         none: what is selected depends on the whole batch
==========================  ==========================================================

Accuracy: logits x within 1e-12 max(1, \|x\|); a posterior, where labels are not
smoothed, within 1e-12 of itself down to 1e-300. What a probability near 1 leaves over
is carried by ``log_odds=True`` and, over classes, by the other classes.
"""

from refimpl.links.adaptive import adaptive_bce_link, adaptive_bce_posterior
from refimpl.links.bce import binary_cross_entropy_link, binary_cross_entropy_posterior
from refimpl.links.cross_entropy import cross_entropy_link, cross_entropy_posterior
from refimpl.links.decisions import cost_threshold, fbeta_threshold
from refimpl.links.focal import sigmoid_focal_link, sigmoid_focal_posterior
from refimpl.links.ghmc import ghmc_link, ghmc_posterior
from refimpl.links.heatmap import heatmap_focal_link, heatmap_focal_posterior
from refimpl.links.priors import prior_shift
from refimpl.links.softmax_focal import softmax_focal_link, softmax_focal_posterior

__all__ = [
    "adaptive_bce_link",
    "adaptive_bce_posterior",
    "binary_cross_entropy_link",
    "binary_cross_entropy_posterior",
    "cost_threshold",
    "cross_entropy_link",
    "cross_entropy_posterior",
    "fbeta_threshold",
    "ghmc_link",
    "ghmc_posterior",
    "heatmap_focal_link",
    "heatmap_focal_posterior",
    "prior_shift",
    "sigmoid_focal_link",
    "sigmoid_focal_posterior",
    "softmax_focal_link",
    "softmax_focal_posterior",
]

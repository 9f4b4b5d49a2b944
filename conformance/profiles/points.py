"""The calls that checks start from: one of each operation, of moderate size.

Logits are multiples of 1/8 within [-8, 8], so that sums of them with such numbers are
exact in every dtype. Nothing is symmetric: classes, weights and labels are uneven.
"""

import numpy as np

from conformance.profiles.calls import Call

BCE = "binary_cross_entropy_with_logits"
FOCAL = "sigmoid_focal_loss"
ADAPTIVE = "adaptive_bce_with_logits"
PROBS = "binary_cross_entropy"
HEATMAP = "heatmap_focal_loss"
CE = "cross_entropy"
SOFTMAX = "softmax_focal_loss"
GHMC = "ghmc_loss"
GHMR = "ghmr_loss"
MINING = "hard_example_mining"

X = np.array([-8, -4.5, -2.25, -1, -0.5, 0, 0.375, 1.5, 2, 3.125, 5, 7.75])
HARD = np.array([0.0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1])
SOFT = np.array([0.0, 1, 0.25, 0, 0.5, 1, 0.125, 0, 0.75, 0, 0, 1])
V = np.array([1, 0.5, 2, 0, 3, 1.25, 0.75, 1, 4, 0.25, 1.5, 2])
V2 = np.array([0.5, 1, 0.25, 3, 1, 0, 2, 1.5, 0.125, 4, 1, 0.5])

ROWS = np.array(
    [
        [2.0, 0, -1, 0.5],
        [0.5, 1, -0.5, -4],
        [0, 0.125, 3, -2],
        [1, 1.25, 0.75, 1.5],
        [-7.5, 2.5, 4, 3],
        [5, -3, -0.25, 1],
    ]
)
INDEX = np.array([0, 2, 2, 1, 3, 0])
W = np.array([1.0, 2, 5, 0.25])
W2 = np.array([0.5, 0, 1, 3])
PROBABILITIES = np.array(
    [
        [1, 0, 0, 0],
        [0.5, 0.25, 0.25, 0],
        [0, 0, 1, 0],
        [0.125, 0.125, 0.25, 0.5],
        [0, 0.75, 0, 0.25],
        [0.25, 0.25, 0.25, 0.25],
    ]
)

# Far from the edges of ten bins: |sigmoid(x) - y| is no multiple of 0.1.
G_X = np.array([-3.0, -2, -1.5, -0.75, -0.5, 0.25, 0.625, 1, 1.25, 2.5, 3.5, 4.5])
TARGETS = np.array([0.0, 0.5, 0.25, 0, 1, 0, 0.375, 0.25, 0, 0.5, 0.125, 0])
PREDICTIONS = TARGETS + np.array(
    [
        0.25,
        -0.0625,
        0.01171875,
        1,
        -2,
        0.0234375,
        0.5,
        0.0078125,
        -0.125,
        3,
        0.75,
        0.375,
    ]
)
LOSSES = np.array([0.5, 2, 0.125, 2, 1, 0, 7.5, 2, 0.25, 1, 3, 0.75])

bce = Call(BCE, {"logits": X, "labels": SOFT})
focal = Call(FOCAL, {"logits": X, "labels": SOFT})
adaptive = Call(ADAPTIVE, {"logits": X, "labels": SOFT}, {"pos_weight": 3.0})
probs = Call(PROBS, {"probs": np.arange(1, 13) / 16, "labels": SOFT})
heatmap = Call(HEATMAP, {"logits": X, "heatmap": SOFT})
ce = Call(CE, {"logits": ROWS, "labels": INDEX})
softmax = Call(SOFTMAX, {"logits": ROWS, "labels": INDEX})
ghmc = Call(GHMC, {"logits": G_X, "labels": HARD})
ghmr = Call(GHMR, {"predictions": PREDICTIONS, "targets": TARGETS})
mining = Call(MINING, {"losses": LOSSES}, {"fraction": 0.4})

# With as many arguments as there are, for what holds of every call.
FULL = (
    bce(pos_weight=np.array(3.0), label_smoothing=0.125).also(sample_weight=V),
    focal(pos_weight=np.array(3.0), alpha=0.25, gamma=1.5).also(sample_weight=V),
    adaptive(pos_weight=np.array(5.0), modulator="weighted_loss"),
    probs.also(sample_weight=V),
    heatmap.also(pos_mask=SOFT == 1),
    ce(class_weights=W, label_smoothing=0.125).also(sample_weight=V[:6]),
    softmax(class_weights=W, gamma=1.5, normalizer="weights"),
    ghmc(momentum=0.5).also(sample_mask=V > 0),
    ghmr(momentum=0.5).also(sample_mask=V > 0),
    mining,
)

# The same operations with as few, in the same order.
PLAIN = (bce, focal, adaptive, probs, heatmap, ce, softmax, ghmc, ghmr, mining)

import json

import numpy as np
import pytest

from conformance.doctor.document import as_json
from conformance.doctor.examine import examine
from conformance.doctor.terminal import rendered
from conformance.errors import UsageError
from conformance.scores import assemble

ODD = np.array([0, 1, -1, 0.5, 2, 1e-300, 1e300, -1e300, np.nan, np.inf, -np.inf])
TOLD = ("pos_weight", "class_weights", "sampler_weights", "sample_weight", "losses")
NUMBERS = {
    "loss_scale": (1.0, 65536.0, 1e300),
    "batch_size": (1.0, 2.0**40),
    "epsilon": (1e-300, 1e-7),
    "gamma": (0.0, 2.0, 1e3),
    "alpha": (0.25, 1e-300),
    "beta": (0.0, 0.999, 1.0),
    "label_smoothing": (0.0, 0.1, 0.999),
}


def odd(generator, shape, share):
    """Usual numbers, with a share of unusual ones."""
    usual = generator.normal(size=shape)
    return np.where(
        generator.random(shape) < share, generator.choice(ODD, shape), usual
    )


def hostile(generator):
    """A file whose shapes fit, and whose numbers need not."""
    n, classes = int(generator.integers(1, 40)), int(generator.integers(1, 4))
    share = generator.choice([0.0, 0.0, 0.2, 1.0])
    several = classes > 1 and generator.random() < 0.5
    shape = (n,) if classes == 1 else (n, classes)
    labels = generator.integers(
        0, classes if several else 2, (n,) if several else shape
    )
    kind = generator.choice(["logits", "probabilities"])
    arrays = {kind: odd(generator, shape, share), "labels": labels.astype(float)}
    if generator.random() < 0.3:
        arrays["labels"] = odd(generator, labels.shape, 0.5)
    lengths = {"losses": 12, "sample_weight": n, "class_weights": max(classes, 2)}
    for name in TOLD:
        if generator.random() < 0.4:
            length = lengths.get(name, classes)
            arrays[name] = np.abs(odd(generator, length, generator.choice([0.0, 0.5])))
    for name, values in NUMBERS.items():
        if generator.random() < 0.3:
            arrays[name] = np.array(generator.choice(values))
    if generator.random() < 0.5:
        arrays["dtype"] = np.array(generator.choice(["float16", "bfloat16"]))
    if generator.random() < 0.3:
        arrays["sampling"] = np.array("balanced")
    return arrays


@pytest.mark.parametrize("seed", range(300))
def test_no_file_stops_the_doctor(seed):
    arrays = hostile(np.random.default_rng(seed))
    try:
        scores = assemble(arrays)
    except UsageError:
        return
    seen = examine(scores)
    json.loads(as_json(seen, "s.npz"), parse_constant=pytest.fail)
    assert list(rendered(seen, 80))
    finite = all(np.isfinite(arrays[name]).all() for name in list(arrays)[:2])
    assert finite or seen.wrong

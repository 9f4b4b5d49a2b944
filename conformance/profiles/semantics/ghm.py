"""Identities of the gradient-harmonised losses and of mining."""

from collections.abc import Iterator

import numpy as np

from conformance.profiles.calls import STATE, Call
from conformance.profiles.derailed import sound
from conformance.profiles.points import (
    G_X,
    GHMC,
    GHMR,
    HARD,
    LOSSES,
    MINING,
    PREDICTIONS,
    TARGETS,
    bce,
    ghmc,
    ghmr,
    mining,
)
from conformance.profiles.semantics._identity import (
    Answer,
    Identity,
    Pair,
    Read,
    different,
    equal,
)

BINS, MU, MOMENTUM = 10, 0.0625, 0.75
MASK = np.arange(len(G_X)) % 4 != 1
DISTANCE = PREDICTIONS - TARGETS
ROOT = np.sqrt(DISTANCE**2 + MU**2)
DATA = {GHMC: (G_X, HARD), GHMR: (PREDICTIONS, TARGETS)}
NORM = {
    GHMC: np.abs(1 / (1 + np.exp(-G_X)) - HARD),
    GHMR: np.abs(DISTANCE) / ROOT,
}
# With the published average, which starts at 0, the first losses are too large: by
# 1 / (1 - m^t), which is 4.0, 2.2857, 1.7297, 1.4629 for m = 3/4.
RATIOS = tuple(1 / (1 - MOMENTUM**t) for t in (1, 2, 3, 4))


def counts(name: str) -> np.ndarray:
    """How many norms fall into each bin."""
    index = np.minimum((NORM[name] * BINS).astype(int), BINS - 1)
    return np.bincount(index, minlength=BINS).astype(float)


def carried(
    answer: Answer, call: Call, factors: tuple[float, ...], *, debias: bool
) -> Iterator[Pair]:
    """The same batch again and again, its state handed on."""
    (plain,) = answer(call, "value")
    now = call(momentum=MOMENTUM, debias=debias)
    found = counts(call.operation)
    for step, factor in enumerate(factors, start=1):
        value, *state = answer(now, "value", *STATE)
        yield Pair(f"value of step {step}", value, factor * plain)
        seen = np.where(found > 0, step, 0)
        yield Pair("state_updates", state[1], seen, exact=True)
        if not sound(state[0], BINS):
            average = (1 - MOMENTUM**step) * found
            yield Pair("state_counts", state[0], average, exact=True)
        if not all(sound(part, BINS) for part in state):
            # Handed on, it would rightly be refused, and no numbers would come.
            return
        now = now(state_counts=state[0], state_updates=state[1].astype(np.int64))


def untouched(answer: Answer, call: Call) -> Iterator[Pair]:
    """A bin that is empty keeps what it has seen."""
    before = np.full(BINS, 6.5), np.full(BINS, 3)
    now = call(momentum=0.5, state_counts=before[0], state_updates=before[1])
    after, updates = answer(now, *STATE)
    found = counts(call.operation)
    mixed = np.where(found > 0, 0.5 * 6.5 + 0.5 * found, 6.5)
    yield Pair("state_counts", after, mixed, exact=True)
    yield Pair("state_updates", updates, 3 + (found > 0), exact=True)


def masked(answer: Answer, call: Call) -> Iterator[Pair]:
    """Masked elements are as if they were not there."""
    first, second = DATA[call.operation]
    names = tuple(call.inputs)
    rest = call(**{names[0]: first[MASK], names[1]: second[MASK]})
    hidden = call(sample_mask=MASK)
    for output in ("value", "grad"):
        (actual,), (expected,) = answer(hidden, output), answer(rest, output)
        yield Pair(output, actual[MASK], expected)
        yield Pair(output, actual[~MASK], np.zeros((~MASK).sum()), exact=True)
        if output == "value":
            (mean,) = answer(hidden(reduction="mean"), output)
            yield Pair("mean", mean, answer(rest(reduction="mean"), output)[0])
    for output in STATE:
        (actual,), (expected,) = answer(hidden, output), answer(rest, output)
        yield Pair(output, actual, expected, exact=True)


def shares(answer: Answer, call: Call, plain: np.ndarray) -> Iterator[Pair]:
    """Every bin that is not empty gets the same share of the weight."""
    (value,) = answer(call, "value")
    found = counts(call.operation)
    index = np.minimum((NORM[call.operation] * BINS).astype(int), BINS - 1)
    equal_share = len(plain) / (found > 0).sum() / found[index]
    yield Pair("value", value, equal_share * plain)


def _both(call: Call, name: str, plain: np.ndarray) -> Iterator[Identity]:
    """What holds of classification and regression alike."""
    filled = int((counts(name) > 0).sum())
    of_all: Read = lambda a: a * filled / BINS  # noqa: E731 - read twice below
    fresh = {"state_counts": np.zeros(BINS), "state_updates": np.zeros(BINS, np.int64)}
    yield Identity(
        name,
        "bins share the weight equally",
        lambda answer: shares(answer, call, plain),
    )
    yield Identity(
        name,
        "average over bins and over filled bins",
        equal(call(average_over="bins"), call, value=of_all, grad=of_all),
    )
    yield Identity(
        name, "masked is dropped", lambda answer: masked(answer, call), once=True
    )
    yield Identity(
        name,
        "a mask that hides nothing",
        equal(call(sample_mask=np.ones(len(G_X), bool)), call),
    )
    yield Identity(
        name,
        "a state of zeros is none",
        equal(
            call(**fresh, momentum=0.5),
            call(momentum=0.5),
            outputs=("value", "grad", *STATE),
        ),
    )
    yield Identity(
        name,
        "debiased average of the same batch",
        lambda answer: carried(answer, call, (1.0,) * 4, debias=True),
    )
    yield Identity(
        name,
        "published average of the same batch",
        lambda answer: carried(answer, call, RATIOS, debias=False),
    )
    yield Identity(
        name, "empty bins keep their state", lambda answer: untouched(answer, call)
    )
    yield Identity(
        name,
        "more bins change the loss",
        different(call, call(bins=1)),
    )


def closed_form(answer: Answer) -> Iterator[Pair]:
    """One bin leaves the smooth distance itself."""
    value, grad = answer(ghmr(mu=MU, bins=1), "value", "grad")
    # Not root - mu, which cancels where the distance is small.
    yield Pair("value", value, DISTANCE**2 / (ROOT + MU))
    yield Pair("grad", grad, DISTANCE / ROOT)


def plain_bce() -> np.ndarray:
    """The loss that GHM-C weighs, of hard labels."""
    return np.logaddexp(0, np.where(HARD == 1, -G_X, G_X))


def selected(answer: Answer, losses: np.ndarray, fraction: float) -> Iterator[Pair]:
    """The mask and the indices say the same, in the order of the losses."""
    k = max(1, int(fraction * len(losses) + 0.5))
    mask, indices = answer(mining(losses=losses, fraction=fraction), "mask", "indices")
    yield Pair("mask", mask.sum(), np.asarray(k), exact=True)
    yield Pair("indices", np.asarray(indices.shape), np.asarray([k]), exact=True)
    marked = np.zeros(len(losses))
    marked[indices.astype(int)] = 1
    yield Pair("mask", mask, marked, exact=True)
    order = sorted(range(len(losses)), key=lambda i: (-losses[i], i))
    yield Pair("indices", indices, np.asarray(order[:k]), exact=True)
    rest = losses[mask == 0]
    largest = losses[mask == 1].min() >= rest.max(initial=-np.inf)
    yield Pair("mask", np.asarray(float(largest)), np.ones(()), exact=True)


def _mining(name: str, losses: np.ndarray, fraction: float) -> Identity:
    return Identity(MINING, name, lambda answer: selected(answer, losses, fraction))


IDENTITIES = (
    *_both(ghmc, GHMC, plain_bce()),
    *_both(ghmr(mu=MU), GHMR, DISTANCE**2 / (ROOT + MU)),
    Identity(
        GHMC,
        "one bin is cross-entropy",
        equal(ghmc(bins=1), bce(logits=G_X, labels=HARD)),
    ),
    Identity(
        GHMC,
        "one bin is the mean of cross-entropy",
        equal(
            ghmc(bins=1, reduction="mean"),
            bce(logits=G_X, labels=HARD, reduction="mean"),
            outputs=("value",),
        ),
    ),
    Identity(GHMR, "one bin is the smooth distance", closed_form),
    _mining("ties go to the smaller index", LOSSES, 0.4),
    _mining("all losses equal", np.ones(12), 0.25),
    _mining("half an example is one", LOSSES, 0.125),
    _mining("at least one", LOSSES, 0.01),
    _mining("all of them", LOSSES, 1.0),
    _mining("negative and infinite losses", np.append(LOSSES - 2, np.inf), 0.5),
)

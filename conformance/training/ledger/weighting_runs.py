"""Claims A3, A7 and A8: what training with the three weights shows."""

from collections.abc import Callable

import numpy as np

from conformance.training.ledger.claim import (
    Claim,
    Evidence,
    Note,
    Verdict,
    fails,
    holds,
    holds_when,
    undetermined,
)
from conformance.training.ledger.contrasts import (
    SEEDS,
    TOO_WIDE,
    Row,
    about,
    contrast,
    differences,
    enough,
    ranged,
    ratios,
    refuted,
    rises,
    steadier,
    where,
)
from conformance.training.ledger.runs import MissingRunError, Runs
from conformance.training.ledger.wording import number
from refimpl.schedules import dynamic_pos_weight, init_dynamic_pos_weight

EPOCHS = 50
SETTLED, AROUND, BY = 7.5, 0.5, 20


def _weights(improves: Callable[[int], bool]) -> list[float]:
    """Weights of the printed rule, given which epochs improve F1."""
    state, f1, found = init_dynamic_pos_weight(1.0), 0.0, []
    for epoch in range(EPOCHS):
        f1 += 0.01 if improves(epoch) else 0.0
        state = dynamic_pos_weight(state, f1, step=0.5, max_value=10.0)
        found.append(state.value)
    return found


def _settling(runs: Runs) -> Evidence:
    stalled = _weights(lambda epoch: epoch == 0)
    lucky = _weights(lambda epoch: epoch == 0 or epoch > 13)
    found: Evidence = {
        "epochs without improvement up to 7.5": stalled.index(SETTLED),
        "end if F1 never improves again": stalled[-1],
        "end if F1 then always improves": lucky[-1],
    }
    try:
        found["recorded"] = _recorded(runs)
    except MissingRunError:
        found["recorded"] = []
    return found


def _recorded(runs: Runs) -> list[Row]:
    """Share of runs that are about 7.5 from epoch 20 on, where there are as many."""
    rows = []
    for name in runs.data("pos_weight"):
        cells = runs.cells("pos_weight", name, "dynamic")
        for backend, cell in sorted(cells.items()):
            if len(cell.weights) <= BY:
                continue
            late = np.array(cell.weights, np.float64)[BY - 1 :]
            near = np.abs(late - SETTLED) <= AROUND
            rows.append(
                {
                    "data": name,
                    "backend": backend,
                    "n": len(cell.seeds),
                    "settled": float(near.all(axis=0).mean()),
                    "last weight": float(late[-1].mean()),
                }
            )
    return rows


def _judge_settling(found: Evidence) -> Verdict:
    needed = found["epochs without improvement up to 7.5"]
    ends = (
        found["end if F1 then always improves"],
        found["end if F1 never improves again"],
    )
    rows: list[Row] = found["recorded"]
    told = (
        f"From 1.0 in steps of 0.5 the weight is 7.5 after {needed} epochs without "
        f"improvement. It ends at {number(ends[0])} if every later epoch improves F1, "
        f"and at {number(ends[1])} if none does."
    )
    if rows:
        shares = [row["settled"] for row in rows]
        lasts = [row["last weight"] for row in rows]
        told += (
            f" Recorded: {ranged([100 * own for own in shares], '{:.0f}')} % of the "
            f"runs are about 7.5 from epoch {BY} on; the mean last weight is "
            f"{ranged(lasts, '{:.2f}')}."
        )
        if min(shares) == 1:
            return holds(told)
        if max(shares) == 0:
            return fails(told)
    if all(abs(end - SETTLED) <= AROUND for end in ends):
        return holds(told)
    if any(abs(end - SETTLED) <= AROUND for end in ends):
        condition = f"{needed} epochs improve nothing and all later ones do"
        return holds_when(condition, told)
    return fails(told)


METRICS = {"f1_half": "F1 at 0.5", "f1_searched": "F1 at the searched threshold"}
# That a ranking is to be seen on.
BACKENDS = {"torch", "jax"}
# Second minus first strategy, and the gain in test F1 that the article reports.
STEPS = {
    "dynamic - inverse": ("inverse", "dynamic", 0.05),
    "adaptive - dynamic": ("dynamic", "adaptive-article", 0.03),
}


def _ranking(runs: Runs) -> Evidence:
    return {
        f"{title}, {step}": contrast(
            runs, "pos_weight", metric, first=first, second=second, spreads=True
        )
        for metric, title in METRICS.items()
        for step, (first, second, _) in STEPS.items()
    }


def _judge_ranking(found: Evidence) -> Verdict:
    rankings = {
        title: [(found[f"{title}, {step}"], gain) for step, (*_, gain) in STEPS.items()]
        for title in METRICS.values()
    }
    shown = {
        title: where((row for rows, _ in steps for row in rows), rises)[0]
        for title, steps in rankings.items()
    }
    steady = steadier(list(found.values()))
    every = [row for rows in found.values() for row in rows]
    names = {row["data"] for row in every}
    told = _ranked(found)
    if not (enough(every) and {row["backend"] for row in every} >= BACKENDS):
        return undetermined(f"{told} That takes {SEEDS} seeds of torch and of JAX.")
    everywhere = all(set(own) == names for own in shown.values())
    if everywhere and set(steady) == names:
        return holds(told)
    if any(shown.values()):
        return holds_when(about({**shown, "stability": steady}), told)
    if all(map(refuted, rankings.values())):
        return fails(told)
    return undetermined(f"{told} {TOO_WIDE}")


def _ranked(found: Evidence) -> str:
    """Says the steps for either threshold, and how they change the spread."""
    scores = ". ".join(
        f"{title}: "
        + ", ".join(f"{s} {differences(found[f'{title}, {s}'])}" for s in STEPS)
        for title in METRICS.values()
    )
    spreads = ", ".join(
        f"{step.replace(' - ', ' to ')} "
        + ratios(
            [row for title in METRICS.values() for row in found[f"{title}, {step}"]]
        )
        for step in STEPS
    )
    return f"{scores}. Ratio of the standard deviations over seeds: {spreads}."


def _fluctuation(runs: Runs) -> Evidence:
    return {
        f"{title}, {other} against inverse": contrast(
            runs, "pos_weight", metric, first="inverse", second=other, spreads=True
        )
        for metric, title in METRICS.items()
        for other in ("dynamic", "adaptive-article")
    }


def _judge_fluctuation(found: Evidence) -> Verdict:
    told = "Standard deviation over seeds, as a share of that of inverse frequency: "
    told += "; ".join(
        f"{name.replace(' against inverse', '')} {ratios(rows)}"
        for name, rows in found.items()
    )
    families = {
        title: [rows for name, rows in found.items() if name.startswith(f"{title},")]
        for title in METRICS.values()
    }
    names = {row["data"] for rows in found.values() for row in rows}
    shown = {title: steadier(rows) for title, rows in families.items()}
    if all(set(own) == names for own in shown.values()):
        return holds(f"{told}.")
    if any(shown.values()):
        return holds_when(about(shown), f"{told}.")
    if enough(row for rows in found.values() for row in rows):
        return fails(f"{told}. No test of the spreads shows it to be the largest.")
    return undetermined(f"{told}. These are too few seeds to tell.")


CLAIMS = (
    Claim(
        "A3",
        "The dynamic weight settles at about 7.5 in epochs 15 to 20.",
        "The printed rule on sequences of F1, and recorded weights of the strategy.",
        _settling,
        _judge_settling,
        recipes=("pos_weight",),
        note=Note(
            "it can only rise: it stays at 7.5 only if every later epoch improves F1",
            lambda e: (
                e["end if F1 then always improves"] == SETTLED
                and e["end if F1 never improves again"] == 10.0
            ),
        ),
    ),
    Claim(
        "A7",
        "Adaptive beats dynamic beats inverse frequency in F1, and is more stable.",
        "Differences over paired seeds at both thresholds, and tests of the spreads.",
        _ranking,
        _judge_ranking,
        recipes=("pos_weight",),
    ),
    Claim(
        "A8",
        "Inverse frequency fluctuates on the test part.",
        "Spreads over paired seeds against both other strategies (Pitman and Morgan).",
        _fluctuation,
        _judge_fluctuation,
        recipes=("pos_weight",),
    ),
)

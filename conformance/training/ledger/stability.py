"""What the trainings of the recipe ``stability`` add to claims that formulas decide."""

from collections.abc import Mapping

from conformance.training.ledger.claim import Evidence
from conformance.training.ledger.contrasts import differences, if_run
from conformance.training.ledger.runs import Runs

RECIPE = "stability"
_SCORE = "trained F1 at 0.5, "


def trained(runs: Runs, steps: Mapping[str, tuple[str, str]]) -> Evidence:
    """Returns how F1 moves from one strategy to another; nothing where not trained.

    Args:
        runs: Records of training.
        steps: First and second strategy, by what the step is called.
    """
    return {
        f"{_SCORE}{name}": if_run(runs, RECIPE, "f1_half", first=first, second=second)
        for name, (first, second) in steps.items()
    }


def told(found: Evidence) -> str:
    """Says such evidence as a further sentence, or nothing."""
    moved = ", ".join(
        f"{name.removeprefix(_SCORE)} {differences(rows)}"
        for name, rows in found.items()
        if name.startswith(_SCORE) and rows
    )
    return f" In training, F1 at 0.5 moves by: {moved}." if moved else ""

"""An examination as one page that asks nothing of any network."""

import base64

import numpy as np
from markupsafe import Markup

from conformance.doctor.examine import Examination
from conformance.doctor.findings import Severity
from conformance.doctor.plots import figures
from conformance.doctor.terminal import (
    COLUMNS,
    heading,
    legend,
    shown,
    unasked,
    verdict,
)
from conformance.metrics import figure_bytes
from conformance.report.templating import content_policy, render, source
from conformance.scores import FIELDS, WORDS, Scores

TITLES = {
    "reliability": "Reliability: how much comes true at each probability",
    "histograms": "Probabilities of the examples of a class and of all others",
    "curves": "Precision against recall, and ROC, with the decisions made",
    "thresholds": "F1 at every threshold, with the best",
    "weights": "Weights that the counts ask for, and those that were used",
    "losses": "Losses of the training, with numbers that clamps leave",
}
KINDS = {Severity.WRONG: "bad", Severity.WARNING: "care", Severity.INFO: ""}
# Numbers of a field that are shown.
MOST = 6
# From here on lines have so many points that a picture is smaller than a drawing.
DRAWN = 20_000


def page(examination: Examination, file: str) -> str:
    """Writes the page.

    Args:
        examination: Of one file.
        file: Its name.

    Returns:
        HTML with its style and figures inside.
    """
    style = Markup(source("style.css") + source("doctor.css"))
    used = any(fact.used is not None for fact in examination.facts)
    return render(
        "doctor.html",
        policy=content_policy(style),
        style=style,
        file=file,
        examination=examination,
        verdict=verdict(examination),
        heading=heading(examination),
        legend=legend(examination),
        unasked=unasked(examination),
        kinds=KINDS,
        columns={k: v for k, v in COLUMNS.items() if used or k != "used"},
        rows=[(fact.name, shown(fact)) for fact in examination.facts],
        told=_told(examination.scores),
        figures=_images(examination.scores),
    )


def _told(scores: Scores) -> list[tuple[str, str, str]]:
    """What the file tells of the training: name, value and meaning."""
    rows = []
    for name, value in scores.told.items():
        numbers = np.ravel(value)
        shown = ", ".join(f"{own:.6g}" for own in numbers[:MOST] if name not in WORDS)
        more = f", … {numbers.size} in all" if numbers.size > MOST else ""
        rows.append((name, f"{shown}{more}" or str(value), FIELDS[name].meaning))
    return rows


def _images(scores: Scores) -> dict[str, tuple[str, Markup]]:
    """Figures as addresses that hold them, with their titles."""
    small = scores.values.size <= DRAWN
    format, kind = ("svg", "svg+xml") if small else ("png", "png")
    found = {}
    for name, figure in figures(scores).items():
        data = base64.b64encode(figure_bytes(figure, format=format)).decode()
        found[name] = (TITLES[name], Markup(f"data:image/{kind};base64,{data}"))
    return found

"""Badges: one for each implementation, its levels and its operations."""

from pathlib import Path

from conformance.levels import HELD, LOST, of_implementation
from conformance.profiles.severity import LEVELS
from conformance.report import facts
from conformance.report.evidence import Evidence
from conformance.report.facts import NO_LEVEL, Reach
from conformance.report.templating import render
from conformance.report.wording import slug

GOOD, FAIR, BAD, UNKNOWN = "#0b6638", "#7a4a00", "#a81620", "#57606b"
COLOURS = {"": UNKNOWN, NO_LEVEL: BAD, "L0": FAIR, "L1": FAIR, "L2": GOOD, "L3": GOOD}
MEANINGS = dict(zip(LEVELS, ("definition", "safe", "accurate", "trains"), strict=True))
NO_DATA = "no data"
# By which a badge is known as one of these.
MADE_HERE = 'class="equipoise-badge"'
# Widths of Verdana at 11 pixels: of these characters, of capitals and of others.
NARROW, WIDE = "fijlrtI.,:;|!'()[]/ -", "mwMW@%"


def badge(label: str, message: str, colour: str) -> str:
    """Draws a badge.

    Args:
        label: What it is about.
        message: What is known of that.
        colour: Behind the message.

    Returns:
        SVG with a title.
    """
    left = text_width(label) + 12
    width = left + text_width(message) + 12
    return render(
        "badge.svg", label=label, message=message, colour=colour, left=left, width=width
    )


def text_width(text: str) -> int:
    """Estimates how wide a text is, in pixels; the badge then holds it to that."""
    wide = {**dict.fromkeys(NARROW, 4.4), **dict.fromkeys(WIDE, 10.6)}
    sizes = (wide.get(c, 7.8 if c.isupper() or ord(c) > 127 else 6.8) for c in text)
    return round(sum(sizes))


def badges(evidence: Evidence) -> dict[str, str]:
    """Draws all badges of a run.

    Args:
        evidence: What is known.

    Returns:
        SVG by file name: ``torch.svg``, ``torch/L2.svg``, ``torch/bce.svg``.
    """
    run, found = evidence.run, dict[str, str]()
    if run is None:
        return {"equipoise.svg": badge("equipoise", NO_DATA, UNKNOWN)}
    spec = ".".join(str(evidence.header.get("spec", "")).split(".")[:2])
    name = f"equipoise {spec}".strip()
    standings = facts.standings(run)
    for impl in evidence.impls:
        folder = _unused(slug(impl), found)
        reach = facts.reach(run, impl)
        found[f"{folder}.svg"] = badge(name, _message(reach), COLOURS[reach.level])
        own = list(of_implementation(standings, impl))
        for level in LEVELS:
            states = {standing.levels[level] for standing in own}
            state = LOST if LOST in states else HELD if states == {HELD} else ""
            colour = {LOST: BAD, HELD: GOOD}.get(state, UNKNOWN)
            label = f"{name} {level} {MEANINGS[level]}"
            part = " in part" if state == HELD and reach.partial else ""
            message = f"{state}{part}" or NO_DATA
            found[f"{folder}/{level}.svg"] = badge(label, message, colour)
        for operation in [operation for who, operation in standings if who == impl]:
            reach = facts.reach(run, impl, operation)
            message = _message(reach) if reach.operations else "not implemented"
            file = _unused(f"{folder}/{slug(operation)}", found)
            found[f"{file}.svg"] = badge(operation, message, COLOURS[reach.level])
    return found


def _message(reach: Reach) -> str:
    """The level and where it was shown; nothing that is not known."""
    if not reach.level:
        return NO_DATA
    part = reach.operations < reach.among
    share = [f"{reach.operations} of {reach.among} operations"] if part else []
    some = ["in part"] if reach.partial and reach.level != NO_LEVEL else []
    return " ".join([reach.level, *some, *share, *reach.dtypes])


def _unused(name: str, found: dict[str, str]) -> str:
    """The name, or one beside it where two names make one file."""
    fresh, number = name, 1
    while f"{fresh}.svg" in found:
        number += 1
        fresh = f"{name}-{number}"
    return fresh


def write_badges(evidence: Evidence, folder: Path) -> list[Path]:
    """Writes all badges and removes those of earlier runs.

    A badge that is left over would go on to say what is no longer known.

    Args:
        evidence: What is known.
        folder: Where they go.

    Returns:
        Their paths.
    """
    found = badges(evidence)
    for old in sorted(folder.glob("**/*.svg")):
        if MADE_HERE in old.read_text(encoding="utf-8", errors="replace"):
            old.unlink()
            if old.parent != folder and not any(old.parent.iterdir()):
                old.parent.rmdir()
    for name, text in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [folder / name for name in found]

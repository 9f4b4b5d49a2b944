"""Error against the first argument, for plots: the worst at each value of it."""

import numpy as np
from numpy.typing import NDArray

from conformance.profiles.unit import Unit
from conformance.vectors import Group, class_axis

# Profiles that ask for every point as it stands; of functions that do not
# differentiate themselves, gradients come of the sum.
PLAIN = ("accuracy", "gradients")

Curve = tuple[tuple[float, float], ...]


def curve(unit: Unit, output: str, units: NDArray[np.float64]) -> Curve:
    """Sums up the error of an output by the first argument of the operation.

    A class loss has one number for many logits: it is shown by the margin of the
    labelled class, its logit less the largest other one.

    Args:
        unit: What was asked.
        output: Name of the output in the vectors.
        units: Error of every number in units of u * scale, flat.

    Returns:
        Pairs of an argument and the worst error there, of three digits; arguments that
        are not finite are left out. Empty for anything but the values and the first
        gradient of a plain call of points.
    """
    first = unit.record.positional[0]
    plain = unit.profile in PLAIN and unit.reduction in ("none", "sum")
    if not plain or output not in ("value", f"grad_{first}"):
        return ()
    if not isinstance(unit.case, Group) or not units.size:
        return ()
    where = _places(unit.case, first)
    if where is None:
        return ()
    places, worst = where.ravel(), units
    if units.size != places.size:
        # A gradient of classes: an example is as wrong as its worst class.
        axis = class_axis(unit.case)
        shape = unit.case.inputs[first].shape
        worst = units.reshape(shape).max(axis=axis).ravel()
    kept = np.isfinite(places)
    found: dict[float, float] = {}
    for x, error in zip(places[kept].tolist(), worst[kept].tolist(), strict=True):
        found[x] = max(error, found.get(x, 0.0))
    return tuple((x, float(f"{found[x]:.3g}")) for x in sorted(found))


def _places(group: Group, first: str) -> NDArray[np.float64] | None:
    """The first argument, or the margins; None where no class is labelled."""
    values = group.inputs[first]
    if values.ndim == len(group.shape):
        return values
    if group.kinds.get("labels") != "index":
        return None
    logits = np.moveaxis(values, class_axis(group), -1)
    labels = group.inputs["labels"]
    known = (labels >= 0) & (labels < logits.shape[-1])
    index = np.where(known, labels, 0).astype(int)[..., None]
    own = np.take_along_axis(logits, index, -1)[..., 0]
    others = logits.copy()
    np.put_along_axis(others, index, -np.inf, -1)
    with np.errstate(invalid="ignore"):
        margins = own - others.max(axis=-1)
    return np.where(known, margins, np.nan)

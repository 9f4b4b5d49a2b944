"""What is written on a figure, and whether it can be read."""

import numpy as np


def points(axis, label):
    """Returns the places of the line with this label, a row each."""
    line = next(one for one in axis.lines if one.get_label() == label)
    return np.asarray(line.get_xydata())


def texts(figure):
    """Returns everything that is written on a figure."""
    figure.draw_without_rendering()
    return [item.get_text() for item in figure.findobj(match=_is_text)]


def _is_text(item):
    return hasattr(item, "get_text") and bool(item.get_text().strip())


def overlap(figure):
    """Returns titles, labels and legends that stick out of the figure or collide."""
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    around = (*figure.legends, *figure.texts)
    boxes = [item.get_window_extent(renderer) for item in around]
    for axis in figure.axes:
        if axis.get_visible():
            labels = (axis.title, axis.xaxis.label, axis.yaxis.label)
            boxes += [x.get_window_extent(renderer) for x in labels if x.get_text()]
    page = figure.bbox
    # Half a pixel of rounding.
    out = [b for b in boxes if b.x0 < -0.5 or b.y0 < -0.5]
    out += [b for b in boxes if b.x1 > page.x1 + 0.5 or b.y1 > page.y1 + 0.5]
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    return out + [pair for pair in pairs if pair[0].overlaps(pair[1])]

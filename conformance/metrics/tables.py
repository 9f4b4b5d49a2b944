"""A report as tables on a terminal."""

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from conformance.metrics.classes import Average, ClassMetrics
from conformance.metrics.confusion import Confusion
from conformance.metrics.report import Report
from conformance.metrics.robustness import Robustness
from conformance.report.terminal import titled

NO_DATA = "no data"
# Of a wider matrix only the largest confusions are listed.
WIDTH = 80
MOST = 10
_KINDS = {
    "binary": "binary",
    "multilabel": "multi-label",
    "multiclass": "multi-class",
}
_AVERAGED = ("precision", "recall", "f1", "average_precision", "auroc")
_SHOWN = {"f1": "F1", "average_precision": "AP", "auroc": "AUROC"}


def report_tables(report: Report) -> list[Table | Text]:
    """Shows a report.

    Args:
        report: Of :func:`evaluate`.

    Returns:
        What all classes have in common, decisions and probabilities of each class,
        what is left out of the averages, confusions and the reliability curve: at most
        80 columns wide for names of up to 20 letters.
    """
    return [
        _overall(report),
        _decisions(report),
        _probabilities(report),
        *_left_out(report),
        *_confusions(report),
        _reliability(report),
    ]


def robustness_table(found: Mapping[str, Robustness], *, metric: str) -> Table:
    """Shows a metric under noise.

    Args:
        found: Results by strategy, all with the same sigmas.
        metric: What the metric is called.

    Returns:
        A table with a row for each strategy and sigma.
    """
    table = _table(
        f"{metric} under Gaussian noise",
        ("strategy", "sigma", metric, "deviation", "drop"),
    )
    for name, result in found.items():
        rows = (result.sigmas, result.means, result.deviations, result.drops)
        for sigma, mean, deviation, drop in zip(*rows, strict=True):
            share = NO_DATA if drop is None else f"{drop:.1%}"
            table.add_row(
                Text(name), f"{sigma:g}", _four(mean), _four(deviation), share
            )
    return table


def _overall(report: Report) -> Table:
    kind = _KINDS[report.kind]
    table = _table(f"{kind}, {report.examples} examples", ("metric", "value"))
    exact = " (all labels right)" if report.kind == "multilabel" else ""
    lines = {
        f"accuracy{exact}": report.overall.accuracy,
        "balanced accuracy": report.overall.balanced_accuracy,
        "Brier score": report.overall.brier,
        "log loss (nats)": report.overall.log_loss,
        "calibration error (ECE)": report.overall.ece,
        "predictive entropy (nats)": report.overall.entropy,
    }
    if report.kind == "multilabel":
        del lines["balanced accuracy"]
    for name, value in lines.items():
        table.add_row(name, _four(value))
    return table


def _decisions(report: Report) -> Table:
    rule = "probability >= threshold"
    if report.kind == "multiclass":
        rule = "the largest probability"
    columns = ["class", "support", "predicted", "precision", "recall", "F1"]
    thresholds = report.kind != "multiclass"
    table = _table(f"decisions: {rule}", [*columns, *["threshold"] * thresholds])
    for row in report.classes:
        counts = (str(row.support), str(row.predicted))
        shares = map(_four, (row.precision, row.recall, row.f1))
        known = [] if row.threshold is None else [f"{row.threshold:.4g}"]
        table.add_row(Text(row.name), *counts, *shares, *known)
    _add_averages(table, report.averages, ("", ""), ("precision", "recall", "f1"))
    return table


def _probabilities(report: Report) -> Table:
    table = _table(
        "probabilities",
        ("class", "rate", "mean p", "p >= 0.5", "AP", "AUROC", "Brier", "ECE"),
    )
    for row in report.classes:
        rates = (row.positive_rate, row.mean_probability, row.pass_rate)
        areas = (row.average_precision, row.auroc, row.brier, row.ece)
        table.add_row(Text(row.name), *map(_rate, rates), *map(_four, areas))
    averaged = ("average_precision", "auroc")
    _add_averages(table, report.averages, ("", "", ""), averaged)
    return table


def _add_averages(
    table: Table,
    averages: Sequence[Average],
    blanks: tuple[str, ...],
    metrics: tuple[str, ...],
) -> None:
    if averages:
        table.add_section()
    for average in averages:
        values = (_four(getattr(average, metric)) for metric in metrics)
        table.add_row(average.name, *blanks, *values, style="bold")


def _left_out(report: Report) -> Iterable[Text]:
    """Says which averages stand for less than all classes."""
    lines = []
    for metric in _AVERAGED if report.averages else ():
        missing = [row.name for row in report.classes if _lacks(row, metric)]
        if missing:
            total = len(report.classes)
            shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
            lines.append(
                f"macro {_SHOWN.get(metric, metric)} averages {total - len(missing)} "
                f"of {total} classes; no data: {shown}"
            )
    return [Text("\n".join(lines))] if lines else []


def _lacks(row: ClassMetrics, metric: str) -> bool:
    return getattr(row, metric) is None


def _confusions(report: Report) -> Iterable[Table]:
    if report.kind == "multilabel":
        yield _by_label(report.confusions)
        return
    (confusion,) = report.confusions
    yield _matrix(confusion) if _width(confusion) <= WIDTH else _largest(confusion)


def _by_label(confusions: Iterable[Confusion]) -> Table:
    columns = ("class", "true +", "false +", "false -", "true -")
    table = _table("right and wrong decisions", columns)
    for confusion in confusions:
        (true_no, false_yes), (false_no, true_yes) = confusion.counts
        counts = map(str, (true_yes, false_yes, false_no, true_no))
        table.add_row(Text(confusion.title), *counts)
    return table


def _matrix(confusion: Confusion) -> Table:
    heads, labels = _heads(confusion.names)
    table = _table("confusion: rows are true", ("", *heads, "recall"))
    # Ten classes fit only side by side.
    table.padding = 0
    rows = zip(labels, confusion.counts, confusion.recalls, strict=True)
    for label, counts, recall in rows:
        table.add_row(Text(label), *map(str, counts), _margin(recall))
    table.add_section()
    table.add_row("precision", *map(_margin, confusion.precisions), "")
    return table


def _heads(names: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Returns heads of columns and of rows: numbers join them where names are long."""
    if max(map(len, names)) <= 5:
        return names, names
    heads = [f"({k})" for k in range(len(names))]
    pairs = zip(heads, names, strict=True)
    return heads, [f"{head} {name}" for head, name in pairs]


def _width(confusion: Confusion) -> int:
    """Returns the least columns that the matrix takes; names fold down to nine."""
    counts = zip(*confusion.counts, strict=True)
    columns = [1 + max(5, *(len(str(count)) for count in own)) for own in counts]
    return len("precision") + sum(columns) + 1 + len("recall")


def _margin(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _largest(confusion: Confusion) -> Table:
    table = _table(
        "the largest confusions",
        ("true", "predicted", "count", "share of true"),
    )
    names = confusion.names
    wrong = [
        (count, i, j)
        for i, row in enumerate(confusion.counts)
        for j, count in enumerate(row)
        if i != j and count
    ]
    for count, i, j in sorted(wrong, key=lambda cell: -cell[0])[:MOST]:
        share = _four(confusion.shares[i][j])
        # Of a second text column no name may push a number out.
        table.add_row(Text(names[i]), Text(names[j][:20]), str(count), share)
    return table


def _reliability(report: Report) -> Table:
    exclusive = report.kind == "multiclass"
    what, rate = ("confidence", "accuracy") if exclusive else ("mean p", "rate")
    together = " of all labels together" if report.kind == "multilabel" else ""
    table = _table(
        f"reliability{together}: ECE {_four(report.reliability.ece)}",
        ("bin", "count", what, rate, "difference"),
    )
    last = report.reliability.bins[-1]
    for entry in report.reliability.bins:
        closing = "]" if entry is last else ")"
        label = f"[{entry.low:.4g}, {entry.high:.4g}{closing}"
        gap = NO_DATA
        if entry.rate is not None and entry.probability is not None:
            gap = f"{entry.rate - entry.probability:+.4f}"
        pair = (_four(entry.probability), _four(entry.rate))
        table.add_row(label, str(entry.count), *pair, gap)
    return table


def _table(title: str, columns: Iterable[str]) -> Table:
    """Makes a table of one column of names, which fold, and columns of numbers."""
    # Tables stand apart, also where they are printed one after the other.
    table = titled(f"\n{title}")
    for place, column in enumerate(columns):
        if place:
            table.add_column(Text(column), justify="right", no_wrap=True)
        else:
            table.add_column(Text(column), overflow="fold")
    return table


def _four(value: float | None) -> str:
    """Shows four places, and what is almost 0 or 1 as what it is."""
    if value is None:
        return NO_DATA
    text = f"{value:.4f}"
    if value != 0.0 and float(text) == 0.0:
        return f"{value:.1e}"
    return ">0.9999" if value < 1.0 == float(text) else text


def _rate(value: float) -> str:
    """Shows three digits, however rare."""
    text = f"{value:.3g}"
    return ">0.999" if value < 1.0 == float(text) else text

"""How figures name metrics."""

_WORDS = {
    "f1": "F1",
    "macro": "macro",
    "auc": "AUC",
    "ap": "average precision",
    "ece": "expected calibration error",
    "half": "at threshold 0.5",
    "searched": "at searched threshold",
    "global": "at one searched threshold",
    "noisy": "noisy",
    "entropy": "mean entropy in nats",
}


def metric_name(metric: str) -> str:
    """Returns a metric's name in words.

    Example:
        >>> metric_name("f1_half"), metric_name("macro_recall_half")
        ('F1 at threshold 0.5', 'macro recall at threshold 0.5')
        >>> metric_name("recall_2"), metric_name("average_precision")
        ('recall of class 2', 'average precision')
    """
    words = [
        f"of class {word}" if word.isdigit() else _WORDS.get(word, word)
        for word in metric.split("_")
    ]
    return " ".join(words)

"""What a file of scores may hold, in one table."""

from typing import Literal, NamedTuple

Kind = Literal["rows", "numbers", "number", "word", "words"]


class Field(NamedTuple):
    """Something that a file of scores may hold.

    Attributes:
        kind: ``rows`` has an entry for each example, ``numbers`` any length,
            ``number`` one, ``word`` one text and ``words`` one for each class.
        meaning: What it is.
        aliases: Other names of it.
    """

    kind: Kind
    meaning: str
    aliases: tuple[str, ...] = ()


FIELDS = {
    "logits": Field("rows", "scores before the sigmoid or softmax", ("logit",)),
    "probabilities": Field(
        "rows", "scores after it", ("probability", "probs", "prob", "y_prob")
    ),
    "labels": Field(
        "rows",
        "0 or 1, or class indices",
        ("label", "targets", "target", "y", "y_true"),
    ),
    "sample_weight": Field("rows", "weight of each example", ("sample_weights",)),
    "pos_weight": Field("numbers", "weight of positives in training", ("pos_weights",)),
    "class_weights": Field("numbers", "weight of each class", ("class_weight",)),
    "sampler_weights": Field(
        "numbers", "weights of a random sampler, by class or by example"
    ),
    "sampling": Field("word", "balanced, where a sampler balanced the classes"),
    "class_counts": Field(
        "numbers",
        "training examples of each class: (negatives, positives), or a pair for each "
        "label",
    ),
    "train_labels": Field("numbers", "labels of the training part, instead"),
    "thresholds": Field(
        "numbers", "decision thresholds, probabilities", ("threshold",)
    ),
    "losses": Field("numbers", "loss of each training step", ("loss",)),
    "loss_scale": Field("number", "factor of the loss in mixed precision"),
    "batch_size": Field("number", "elements that the loss is a mean of"),
    "epsilon": Field("number", "constant inside the logarithm", ("eps",)),
    "dtype": Field("word", "float16, bfloat16, float32 or float64, of training"),
    "gamma": Field("number", "exponent of a focal loss"),
    "alpha": Field("number", "weight of positives in a focal loss"),
    "label_smoothing": Field("number", "smoothing of the labels"),
    "beta": Field("number", "of the effective number of samples"),
    "task": Field("word", "binary, multilabel or multiclass, where shapes do not tell"),
    "class_names": Field("words", "name of each class"),
}
NAMES = {
    alias: name for name, field in FIELDS.items() for alias in (name, *field.aliases)
}

# What scikit-learn calls scores of either kind, and decisions: no labels of a class.
UNCLEAR = ("y_score", "y_scores", "y_pred")


def split_column(column: str) -> tuple[str, str] | None:
    """Splits the name of a table's column into a field and what follows it.

    Args:
        column: As in the file: ``label``, ``logit_0``, ``logits_cat``.

    Returns:
        The field and the class, which may be empty; nothing for a name that is not
        known.

    Example:
        >>> split_column("logits_cat"), split_column("label"), split_column("id")
        (('logits', 'cat'), ('labels', ''), None)
    """
    if column in NAMES:
        return NAMES[column], ""
    if column in UNCLEAR:
        return None
    # The longest first: "class_weight_0" is no "class" and "label_smoothing" no label.
    for alias in sorted(NAMES, key=len, reverse=True):
        rest = column.removeprefix(f"{alias}_")
        if rest and rest != column and FIELDS[NAMES[alias]].kind in ("rows", "numbers"):
            return NAMES[alias], rest
    return None

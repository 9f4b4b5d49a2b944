import numpy as np
import pytest
from scipy.special import softmax

from conformance.errors import UsageError
from conformance.scores import assemble

P = np.array([0.2, 0.9, 0.6, 0.4])
Y = np.array([0, 1, 1, 0])
X3 = np.array([[2.0, 0.0, -1.0], [0.5, 1.0, -0.5], [0.0, 0.0, 3.0], [1.0, 1.0, 1.0]])


def put(**arrays):
    return assemble({name: np.asarray(array) for name, array in arrays.items()})


@pytest.mark.parametrize(
    ("arrays", "phrases"),
    [
        ({"labels": Y}, ["expected logits or probabilities", "got labels"]),
        ({"logits": P}, ["expected labels", "got logits"]),
        ({"logits": P, "labels": Y[:3]}, ["(4,)", "(3,)"]),
        ({"logits": X3, "labels": X3[:, :2]}, ["(4, 3)", "(4, 2)"]),
        ({"logits": X3[None], "labels": Y}, ["(1, 4, 3)"]),
        ({"logits": [], "labels": []}, ["no example"]),
        ({"logits": 1.0, "labels": 1}, ["() and ()"]),
        ({"logits": P, "labels": 1}, ["(4,) and ()"]),
        ({"logits": ["a", "b"], "labels": [0, 1]}, ["logits must hold numbers"]),
        ({"logits": X3, "labels": [-100] * 4}, ["all labels are -100"]),
        ({"logits": P, "labels": Y, "task": "ranking"}, ["task", "'ranking'"]),
        ({"logits": P, "labels": Y, "task": "multiclass"}, ["does not fit", "(4,)"]),
        ({"logits": P, "labels": Y, "sampling": "some"}, ["sampling", "balanced"]),
        ({"logits": P, "labels": Y, "dtype": "int8"}, ["dtype", "bfloat16"]),
        ({"logits": P, "labels": Y, "pos_weight": [1, 2]}, ["pos_weight", "(2,)"]),
        ({"logits": P, "labels": Y, "beta": [0.9, 0.99]}, ["beta", "one number"]),
        ({"logits": X3, "labels": Y, "class_weights": [1, 2]}, ["(3,)", "(2,)"]),
        ({"logits": P, "labels": Y, "sample_weight": [1, 2]}, ["sample_weight"]),
        ({"logits": X3, "labels": Y, "class_names": ["a"]}, ["3 names, got 1"]),
        ({"logits": X3, "labels": Y, "class_names": ["a", "b", "a"]}, ["a, b, a"]),
        ({"logits": P, "labels": Y, "class_counts": [np.inf, 2]}, ["2^53", "inf"]),
        ({"logits": P, "labels": Y, "class_counts": [1, 2, 3]}, ["class_counts"]),
        (
            {"logits": X3, "labels": X3 > 0, "class_counts": [1, 2, 3]},
            ["pair for each"],
        ),
        ({"logits": P, "labels": Y, "class_counts": [1.5, 2]}, ["whole", "1.5"]),
        ({"logits": P, "labels": Y, "thresholds": -1.2}, ["probabilities", "-1.2"]),
        ({"logits": P, "labels": Y, "loss_scale": np.nan}, ["> 0", "nan"]),
        ({"logits": P, "labels": Y, "beta": 1.5}, ["in [0, 1]", "1.5"]),
        ({"logits": P, "labels": Y, "sampler_weights": [1, 2, 3]}, ["(2,) or (4,)"]),
        ({"logits": X3, "labels": Y, "sampler_weights": [1, 2]}, ["(3,) or (4,)"]),
        ({"logits": P, "labels": Y, "train_labels": X3}, ["1 columns", "(4, 3)"]),
    ],
)
def test_what_does_not_fit_is_named(arrays, phrases):
    with pytest.raises(UsageError) as caught:
        put(**arrays)
    for phrase in phrases:
        assert phrase in str(caught.value)


def test_shapes_tell_the_task():
    assert put(logits=P, labels=Y).task == "binary"
    assert put(logits=P[:, None], labels=Y).task == "binary"
    assert put(logits=P[:, None], labels=Y).shapes == ((4, 1), (4,))
    assert put(logits=X3, labels=Y).task == "multiclass"
    labels = np.array([[0, 1, 1], [0, 0, 0], [1, 1, 0], [0, 0, 1]])
    assert put(logits=X3, labels=labels).task == "multilabel"


def test_one_hot_labels_are_those_of_classes():
    index = np.arange(24) % 3
    hot = np.eye(3)[index]
    scores = put(logits=np.tile(X3, (6, 1)), labels=hot)
    assert scores.task == "multiclass"
    assert np.array_equal(scores.labels, index)
    assert scores.notes == ("labels are one-hot: taken for those of classes.",)
    assert put(logits=hot, labels=hot, task="multilabel").task == "multilabel"
    # A sigmoid for each: rows of independent labels do not sum to 1.
    independent = np.tile([0.9, 0.8, 0.1], (24, 1))
    assert put(probabilities=independent, labels=hot).task == "multilabel"


def test_ignored_examples_are_left_out_and_told():
    scores = put(logits=X3, labels=[0, -100, 2, -100])
    assert scores.labels.tolist() == [0, 2]
    assert np.array_equal(scores.values, X3[[0, 2]])
    assert scores.notes == ("2 examples are left out: label -100.",)


def test_what_a_task_has_no_use_for_is_told():
    scores = put(logits=X3, labels=Y, pos_weight=3.0)
    assert scores.notes == ("pos_weight is not used: the task is multiclass.",)
    several = put(logits=X3, labels=X3 > 0, beta=0.9, sampler_weights=[1.0])
    assert [note.split()[0] for note in several.notes] == ["sampler_weights", "beta"]
    bare = put(logits=P, labels=Y, epsilon=1e-7, batch_size=8)
    assert bare.notes == (
        "epsilon is not used: dtype is not told.",
        "batch_size is not used: dtype is not told.",
    )
    both = put(logits=P, probabilities=P, labels=Y)
    assert both.kind == "logits"
    assert both.notes == ("probabilities are not used: there are logits.",)


def test_columns_of_classes_are_one_against_the_rest():
    scores = put(logits=X3, labels=[0, 2, 2, 0])
    p = softmax(X3, axis=1)
    for k, column in enumerate(scores.columns):
        rest = np.log(np.exp(np.delete(X3, k, axis=1)).sum(axis=1))
        np.testing.assert_allclose(column.probabilities, p[:, k], rtol=1e-14)
        np.testing.assert_allclose(column.logits, X3[:, k] - rest, atol=1e-14)
    assert scores.columns[2].truth.tolist() == [False, True, True, False]
    assert scores.columns[2].predicted.tolist() == [False, False, True, False]
    # Where a probability rounds to 1, its log-odds still tell how near it is.
    far = put(logits=[[50.0, 0.0], [0.0, 1.0]], labels=[0, 1])
    np.testing.assert_allclose(far.logits, [[50, -50], [-1, 1]], rtol=1e-14)


def test_auroc_counts_ties_as_one_half():
    column = put(probabilities=[0.1, 0.5, 0.5, 0.9], labels=[0, 1, 0, 1]).columns[0]
    assert column.auroc == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert np.isnan(put(probabilities=P, labels=[1, 1, 1, 1]).columns[0].auroc)


def test_auroc_of_certainties():
    far = put(logits=[40.0, 50.0, 60.0, np.inf], labels=[0, 1, 0, 1]).columns[0]
    assert far.auroc == 0.75
    ends = put(probabilities=[0.0, 0.5, 1.0, 1.0], labels=[0, 0, 1, 1]).columns[0]
    assert ends.auroc == 1.0


def test_the_higher_of_two_labels_is_the_positive():
    for labels in ([-1, 1, 1, -1], [1, 2, 2, 1], [0, 255, 255, 0]):
        truth = put(logits=P, labels=labels).truth
        assert truth.tolist() == [False, True, True, False]
    assert put(logits=P, labels=[0.1, 0.5, 0.9, 0.0]).truth.tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_counts_are_of_training_where_they_are_told():
    assert put(logits=P, labels=[0, 1, 0, 0]).counts.tolist() == [[3, 1]]
    told = put(logits=P, labels=Y, class_counts=[90, 10])
    assert told.counts.tolist() == [[90, 10]]
    trained = put(logits=P, labels=Y, train_labels=[0, 0, 0, 1, 0])
    assert trained.counts.tolist() == [[4, 1]]
    classes = put(logits=X3, labels=Y, train_labels=[2, 2, 0, 1, 2])
    assert classes.counts.tolist() == [1, 1, 3]
    labels = np.array([[0, 1], [0, 1], [1, 1]])
    several = put(logits=X3[:, :2], labels=labels[[0, 1, 2, 0]], train_labels=labels)
    assert several.counts.tolist() == [[2, 1], [0, 3]]

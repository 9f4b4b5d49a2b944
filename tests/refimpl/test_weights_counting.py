import functools
import subprocess
import sys
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from refimpl.weights import (
    LabelCounts,
    PositiveCounts,
    count_labels,
    count_positives,
    init_label_counts,
    init_positive_counts,
    merge_counts,
)

INDICES = [2, 0, 2, 2, 1, 2]
FLAGS = [[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0]]
ARRAY: Any = np.zeros(3)
CLASSES: Any = init_label_counts(1)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def tensor(dtype, device="cpu"):
    return lambda values: torch.tensor(values).to(dtype).to(device)


def array(dtype, module=np):
    return lambda values: module.asarray(np.asarray(values)).astype(dtype)


INTEGERS = [
    pytest.param(tensor(getattr(torch, kind), device), id=f"torch-{kind}-{device}")
    for kind in ("int8", "uint8", "int16", "int32", "int64", "uint16", "uint32")
    for device in DEVICES
]
INTEGERS += [
    pytest.param(array(kind), id=f"numpy-{kind}")
    for kind in ("int8", "uint8", "int16", "uint16", "int32", "int64", "uint64")
]
INTEGERS += [
    pytest.param(array(kind, jnp), id=f"jax-{kind}")
    for kind in ("int4", "int8", "uint8", "int32", "uint32")
]
FLOATS = [
    pytest.param(tensor(getattr(torch, kind), device), id=f"torch-{kind}-{device}")
    for kind in ("bool", "bfloat16", "float16", "float32", "float64")
    for device in DEVICES
]
FLOATS += [
    pytest.param(array(kind, module), id=f"{module.__name__}-{kind}")
    for module, kind in [
        (np, "bool"),
        (np, "float16"),
        (np, "float64"),
        (jnp, "bool"),
        (jnp, "bfloat16"),
        (jnp, "float32"),
    ]
]


def counted(labels, classes: Any = 3, **options):
    return count_labels(init_label_counts(classes), labels, **options).counts.tolist()


def positives(labels, columns=3, mask: Any = None):
    state = count_positives(init_positive_counts(columns), labels, mask=mask)
    return [part.tolist() for part in state]


@pytest.mark.parametrize("make", [list, *INTEGERS])
def test_class_indices_of_any_framework(make):
    assert counted(make(INDICES)) == [1, 1, 4]


@pytest.mark.parametrize("make", [list, *INTEGERS, *FLOATS])
def test_flags_of_any_framework(make):
    assert positives(make(FLAGS)) == [[3, 1, 0], [1, 3, 4]]


def test_tensor_with_gradient():
    labels = torch.tensor(FLAGS, dtype=torch.bfloat16, requires_grad=True)
    assert positives(labels) == [[3, 1, 0], [1, 3, 4]]
    assert positives(labels * 1) == [[3, 1, 0], [1, 3, 4]]


@pytest.mark.parametrize("labels", [[True, False, True], np.array([True, False, True])])
def test_booleans_are_two_classes(labels):
    assert counted(labels, classes=2) == [1, 2]


def test_no_framework_is_imported():
    code = (
        "import sys, refimpl.weights;"
        "sys.exit(bool({'torch', 'jax', 'conformance'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(-1, 4), max_size=9), max_size=6),
    st.integers(0, 6),
)
def test_batches_and_workers_count_as_the_whole(batches, cut):
    def fold(part):
        count = functools.partial(count_labels, ignore_index=-1)
        return functools.reduce(count, part, init_label_counts(5))

    whole = [sum(batch.count(k) for batch in batches) for k in range(5)]
    assert fold(batches).counts.tolist() == whole
    merged = merge_counts(fold(batches[:cut]), fold(batches[cut:]))
    assert merged.counts.tolist() == whole


def test_loader_of_torch():
    data = TensorDataset(torch.zeros(6, 2), torch.tensor(INDICES))
    batches = (labels for _, labels in DataLoader(data, batch_size=4, shuffle=True))
    found = functools.reduce(count_labels, batches, init_label_counts(3))
    assert found.counts.tolist() == [1, 1, 4]


def test_merging_positives():
    first = PositiveCounts(np.array([1, 2]), np.array([3, 4]))
    second = PositiveCounts(np.array([10, 20]), np.array([30, 40]))
    assert [part.tolist() for part in merge_counts(first, second)] == [
        [11, 22],
        [33, 44],
    ]


def test_states_stay_as_they_are():
    state, flags = init_label_counts(3), init_positive_counts(3)
    count_labels(state, INDICES)
    count_positives(flags, FLAGS)
    assert not state.counts.any()
    assert not np.any(flags)


@pytest.mark.parametrize("kind", ["int8", "uint8", "float16"])
def test_counts_outgrow_the_type_of_the_labels(kind):
    # 70 000 exceeds float16, where counting in place stops at 2048.
    ones = np.ones((70_000, 1), kind)
    state = count_positives(PositiveCounts(np.array([2**53]), np.array([0])), ones)
    assert state.positives.dtype == np.int64
    assert state.positives[0] == 2**53 + 70_000
    if kind != "float16":
        state = count_labels(LabelCounts(np.array([0, 2**53 + 1])), ones)
        assert state.counts[1] == 2**53 + 70_001


@pytest.mark.parametrize(
    "labels", [[], np.zeros(0, int), torch.zeros(0), jnp.zeros((0, 4), int)]
)
def test_empty_batch_counts_nothing(labels):
    assert counted(labels) == [0, 0, 0]


@pytest.mark.parametrize("shape", [(0,), (0, 1)])
def test_empty_batch_of_flags(shape):
    assert positives(torch.zeros(shape), columns=1) == [[0], [0]]
    assert positives(np.zeros((0, 2)), columns=2) == [[0, 0], [0, 0]]


def test_many_classes():
    found = counted(np.array([70_000, 3, 70_000], np.uint32), classes=70_001)
    assert (found[3], found[70_000], sum(found)) == (1, 2, 3)


def test_ignored_labels_do_not_count():
    assert counted([0, -100, 2, -100, 2]) == [1, 0, 2]
    assert counted(np.array([0, 255, 2, 2], np.uint8), ignore_index=255) == [1, 0, 2]
    assert counted([[0, 1], [1, 2]], ignore_index=1) == [1, 0, 1]


def test_masked_elements_do_not_count_whatever_they_hold():
    labels = [[1.0, np.nan, 0.0], [0.0, 1.0, 7.0], [1.0, 0.0, 1.0]]
    mask = [[True, False, True], [True, True, False], [False, False, True]]
    assert positives(labels, mask=mask) == [[1, 1, 1], [1, 0, 1]]
    of_torch = torch.tensor(labels), torch.tensor(mask)
    assert positives(of_torch[0], mask=of_torch[1]) == [[1, 1, 1], [1, 0, 1]]


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_one_label_may_lack_its_axis(shape):
    assert positives(np.reshape([1, 0, 0, 0], shape), columns=1) == [[1], [3]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], r"in \[0, 3\) or ignore_index, got 3 at index \(1,\)"),
        ([[0, 1], [-1, 0]], r"got -1 at index \(1, 0\)"),
        (np.array([2**63 + 1], np.uint64), "got 9223372036854775809 at index"),
    ],
)
def test_class_out_of_range_is_named(labels, message):
    with pytest.raises(ValueError, match=message):
        counted(labels)


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([[0, 1, 0], [0, 0, 2]], {}, r"0 or 1, got 2 at index \(1, 2\)"),
        ([[0, 0.25, 1]], {}, r"got 0.25 at index \(0, 1\)"),
        ([[0, 1, float("nan")]], {}, r"got nan at index \(0, 2\)"),
        ([[0, -1, 1]], {}, "got -1"),
        ([[0, 1]], {}, r"shape \(N, 3\), got \(1, 2\)"),
        ([0, 1, 1], {}, r"shape \(N, 3\), got \(3,\)"),
        (1, {}, r"shape \(N, 3\), got \(\)"),
        (1, {"columns": 1}, r"shape \(N,\) or \(N, 1\), got \(\)"),
        ([[0, 1]], {"columns": 1}, r"got \(1, 2\)\. init_positive_counts\(2\) "),
        (FLAGS, {"mask": [[True] * 3]}, r"mask must have shape \(4, 3\)"),
    ],
)
def test_bad_flags_are_named(labels, options, message):
    with pytest.raises(ValueError, match=message):
        positives(labels, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: counted([0.0, 1.0]), "class indices .* got float64; cast"),
        (lambda: counted(["a"]), "labels must be integers, booleans or floats"),
        (lambda: positives([[1j] * 3]), "got complex128"),
        (lambda: positives([[None] * 3]), "got object"),
        (lambda: positives(FLAGS, mask=FLAGS), "mask must be boolean"),
        (lambda: count_labels(ARRAY, [0]), "state must be LabelCounts, got nd"),
        (lambda: count_positives(CLASSES, [0]), "must be PositiveCounts"),
        (lambda: merge_counts(CLASSES, init_positive_counts()), "must be"),
        (lambda: counted([0], classes=2.0), "classes must be an integer"),
        (lambda: counted([0], ignore_index=None), "ignore_index must be an integer"),
    ],
)
def test_wrong_kinds_raise(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_wrong_sizes_raise():
    with pytest.raises(ValueError, match=r"same shape, got \(2,\) and \(3,\)"):
        merge_counts(init_label_counts(2), init_label_counts(3))
    with pytest.raises(ValueError, match="classes must be >= 1, got 0"):
        init_label_counts(0)
    with pytest.raises(ValueError, match="labels must be >= 1, got 0"):
        init_positive_counts(0)

import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from refimpl import sampling
from refimpl.sampling import class_balanced_batches, sample_weights, weighted_indices

# Raw numbers of PCG64(SeedSequence(2026, spawn_key=(3,))).
RAW = (13712094268880264130, 3299844890453194931)
WEIGHTS = np.array([0.0, 0.5, 3.0, 0.0, 0.25, 1.25, 0.0])


def counts(rows, size=7):
    return np.bincount(rows, minlength=size)


def test_example_has_the_weight_of_its_class():
    found = sample_weights(np.array([2, 0, 1, 2]), np.array([1, 5, 8], np.int32))
    assert found.tolist() == [8.0, 1.0, 5.0, 8.0]
    assert found.dtype == np.float64


def test_booleans_are_two_classes_and_no_label_is_no_example():
    labels = [True, False, True, False, False]
    assert sample_weights(labels, [1.0, 5.0]).tolist() == [5.0, 1.0, 5.0, 1.0, 1.0]
    dealt = class_balanced_batches(labels, 2, seed=3)
    assert (dealt == class_balanced_batches([1, 0, 1, 0, 0], 2, seed=3)).all()
    assert sample_weights([], [1.0, 5.0]).shape == (0,)


def test_stream_is_the_one_pinned():
    # With 2**20 equal weights the index is the first 20 bits.
    rows = weighted_indices(np.full(2**20, 0.7), 2, seed=2026, epoch=3)
    assert rows.tolist() == [number >> 44 for number in RAW]
    assert weighted_indices(np.arange(1000), 6, seed=2026).tolist() == [
        618, 143, 965, 725, 877, 923,
    ]  # fmt: skip


def test_draws_invert_the_exact_distribution():
    weights = np.random.default_rng(3).random(41) ** 4
    uniforms = [Fraction(int(number) >> 11, 2**53) for number in raw_numbers(500)]
    sums = list(itertools.accumulate(map(Fraction, weights.tolist())))
    expected = [
        next(i for i, s in enumerate(sums) if s > u * sums[-1]) for u in uniforms
    ]
    assert weighted_indices(weights, 500, seed=2026, epoch=3).tolist() == expected


def raw_numbers(size):
    sequence = np.random.SeedSequence(2026, spawn_key=(3,))
    return np.random.PCG64(sequence).random_raw(size)


@pytest.mark.parametrize(("off_by", "agrees"), [(1.0, True), (1.02, False)])
def test_frequencies_are_those_of_the_weights(off_by, agrees):
    rows = weighted_indices(WEIGHTS * [1, 1, 1, 1, 1, off_by, 1], 10**6, seed=11)
    drawn = WEIGHTS > 0
    expected = WEIGHTS / WEIGHTS.sum() * 10**6
    p = stats.chisquare(counts(rows)[drawn], expected[drawn]).pvalue
    assert p > 0.01 if agrees else p < 1e-6


def test_weight_of_zero_is_never_drawn():
    rows = weighted_indices(WEIGHTS, 10**5, seed=5)
    assert not counts(rows)[WEIGHTS == 0].any()


@pytest.mark.parametrize("last", [2.0**-52, 0.3, 1.0, np.nextafter(2, 0), 3.0])
def test_extreme_numbers_draw_the_first_and_last_of_positive_weight(last, monkeypatch):
    ends = np.array([0, 2**64 - 1], np.uint64)
    monkeypatch.setattr(sampling, "_bits", lambda *_: ends)
    rows = weighted_indices([0.0, 1.0, 0.0, last, 0.0], 2, seed=0)
    assert rows.tolist() == [1, 3]


@pytest.mark.parametrize("scale", [2.0**-1070, 2.0**-40, 2.0**1022])
def test_only_ratios_of_weights_matter(scale):
    expected = weighted_indices(WEIGHTS, 200, seed=5)
    assert (weighted_indices(WEIGHTS * scale, 200, seed=5) == expected).all()


def test_weights_in_half_precision_are_added_in_float64():
    weights = np.random.default_rng(1).random(10**6).astype(np.float16)
    expected = weighted_indices(weights.astype(np.float64), 1000, seed=5)
    assert (weighted_indices(weights, 1000, seed=5) == expected).all()


def test_sums_of_ten_million_weights_are_right():
    # A plain sum is 1.6e-10 off at the end: a million units of round-off.
    sums = sampling._cumulative(np.full(10**7, 0.1))
    for at in (1, 4_321_987, 10**7):
        exact = Fraction(0.1) * at
        assert abs(Fraction(sums[at - 1]) - exact) <= exact * Fraction(2) ** -52


@pytest.mark.parametrize("other", [{"seed": 6}, {"epoch": 2}, {"seed": 5 + 2**32}])
def test_seeds_and_epochs_are_different_streams(other):
    arguments = {"seed": 5, "epoch": 1} | other
    rows = weighted_indices(np.ones(1000), 100, seed=5, epoch=1)
    assert (weighted_indices(np.ones(1000), 100, **arguments) == rows).sum() < 5


def test_high_bits_of_the_seed_do_not_run_into_the_epoch():
    rows = weighted_indices(np.ones(1000), 100, seed=5, epoch=1)
    other = weighted_indices(np.ones(1000), 100, seed=5 + 2**32, epoch=0)
    assert (other == rows).sum() < 5


@pytest.mark.parametrize(
    ("size", "uneven", "lengths"),
    [
        (11, "keep", [4, 4, 3]),
        (11, "pad", [4, 4, 4]),
        (11, "drop", [3, 3, 3]),
        (12, "pad", [4, 4, 4]),
        (2, "keep", [1, 1, 0]),
    ],
)
def test_ranks_together_draw_the_single_stream(size, uneven, lengths):
    total = sum(lengths)
    single = weighted_indices(WEIGHTS, total, seed=1, epoch=4)
    parts = [
        weighted_indices(
            WEIGHTS, size, seed=1, epoch=4, rank=rank, ranks=3, uneven=uneven
        )
        for rank in range(3)
    ]
    assert [len(part) for part in parts] == lengths
    union = np.full(total, -1)
    for rank, part in enumerate(parts):
        union[rank::3] = part
    assert (union == single).all()


def test_no_draws_is_an_empty_stream():
    assert weighted_indices(WEIGHTS, 0, seed=1).shape == (0,)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"weights": np.ones((2, 2))}, "weights must have one axis"),
        ({"weights": np.array([])}, "weights must have a value > 0"),
        ({"weights": [0.0, 0.0]}, "weights must have a value > 0"),
        ({"weights": [1.0, -1.0]}, "weights must be finite and >= 0, got -1.0 at"),
        ({"weights": [1.0, np.nan]}, "weights must be finite and >= 0, got nan"),
        ({"weights": [1.0, np.inf]}, "weights must be finite"),
        ({"weights": [1.0, 1j]}, "weights must be .* floats, got complex128"),
        ({"weights": ["1.0", "2.0"]}, "weights must be .* floats, got <U3"),
        ({"size": -1}, "size must be >= 0"),
        ({"size": 2.0}, "size must be an integer"),
        ({"seed": -1}, "seed must be >= 0"),
        ({"epoch": -1}, "epoch must be >= 0"),
        ({"ranks": 0}, "ranks must be >= 1"),
        ({"rank": 2, "ranks": 2}, r"rank must be in \[0, 2\), got 2"),
        ({"rank": -1}, "rank must be >= 0"),
        ({"uneven": "cut"}, "uneven must be one of 'keep', 'pad', 'drop'"),
    ],
)
def test_bad_draws_name_the_argument(change, text):
    arguments = {"weights": [1.0, 2.0], "size": 4, "seed": 0} | change
    with pytest.raises((TypeError, ValueError), match=text):
        weighted_indices(arguments.pop("weights"), arguments.pop("size"), **arguments)


@pytest.mark.parametrize(
    ("labels", "class_weights", "text"),
    [
        ([0, 2], [1.0, 2.0], r"labels must be in \[0, 2\), got 2 at index 1"),
        ([0, -1], [1.0, 2.0], r"labels must be in \[0, 2\), got -1 at index 1"),
        ([0.0, 1.0], [1.0, 2.0], "labels must be class indices"),
        ([[0, 1]], [1.0, 2.0], "labels must have one axis"),
        ([0, 1], [[1.0, 2.0]], "class_weights must have one axis"),
        ([0, 1], [1.0, np.inf], "class_weights must be finite"),
        ([0, 1], ["a", "b"], "class_weights must be .* floats"),
    ],
)
def test_bad_class_weights_name_the_argument(labels, class_weights, text):
    with pytest.raises((TypeError, ValueError), match=text):
        sample_weights(labels, class_weights)

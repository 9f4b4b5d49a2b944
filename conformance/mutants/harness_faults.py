"""What may be wrong with the harness, one fault each."""

from conformance import budgets, canaries, plan
from conformance.adapters import Errored, remembering
from conformance.mutants import harness_plants as plants
from conformance.mutants.harness import COMPARE, Harness, changed, replaced, updated
from conformance.mutants.harness_plants import (
    EVALUATE,
    all_results,
    compare,
    tally,
    units,
)
from conformance.profiles import answers, judge, silence
from conformance.profiles.batch import Batch
from conformance.report import counts
from conformance.report.counts import Tally

OWN = "py:conformance.mutants.adapters"
ALL: tuple[Harness, ...] = (
    Harness(
        "comparator-always-true",
        "Every error is 0.",
        lambda: replaced(units, plants.always_true),
    ),
    Harness(
        "absolute-value-dropped",
        "Numbers below the truth have a negative error.",
        lambda: replaced(units, plants.signed),
    ),
    Harness(
        "tolerance-times-size",
        "The tolerance is multiplied by the number of elements.",
        lambda: replaced(units, plants.times_size),
    ),
    Harness(
        "nan-equals-anything",
        "NaN has no error.",
        lambda: replaced(units, plants.nan_is_anything),
    ),
    Harness(
        "tiny-raised",
        "Numbers below 1e-3 may be flushed to 0.",
        lambda: updated(budgets.TINY, dict.fromkeys(budgets.TINY, 1e-3)),
    ),
    Harness(
        "first-number-only",
        "Only the first number of an output is judged.",
        lambda: replaced(tally, plants.first_only),
    ),
    Harness(
        "expected-with-itself",
        "The truth is compared with itself.",
        lambda: replaced(compare, plants.with_itself),
    ),
    Harness(
        "shapes-broadcast",
        "Arrays of other shapes are broadcast and compared.",
        lambda: replaced(compare, plants.broadcast),
    ),
    Harness(
        "dtype-not-looked-at",
        "The dtype of an answer does not matter.",
        lambda: replaced(judge.rejects_dtype, lambda *_: ""),
    ),
    Harness(
        "zero-cases",
        "Nothing is asked.",
        lambda: replaced(plan.units, plants.no_units),
    ),
    Harness(
        "gradients-not-asked",
        "The profile of gradients asks nothing.",
        plants.without("gradients"),
    ),
    Harness(
        "results-dropped",
        "Every other batch of results is dropped.",
        lambda: replaced(all_results, plants.every_other),
    ),
    Harness(
        "errored-is-passed",
        "An error of an adapter counts as a pass.",
        lambda: updated(silence.STATUS, {Errored: "pass"}),
    ),
    Harness(
        "deviations-not-counted",
        "An implementation conforms whatever failed.",
        lambda: changed(Tally, conforms=property(plants.conforms)),
    ),
    Harness(
        "exit-status-0",
        "The exit status is always 0.",
        lambda: replaced(counts.exit_status, lambda _: 0),
    ),
    Harness(
        "parts-shifted",
        "Units of a batch judge the numbers of each other.",
        lambda: changed(Batch, part=plants.shifted),
    ),
    Harness(
        "memory-mixes-calls",
        "The memory takes calls of an operation for the same.",
        lambda: replaced(remembering._key, lambda request: request.operation),
    ),
    Harness(
        "memory-is-shared",
        "The memory gives one implementation the answers of another.",
        plants.common_memory,
    ),
    Harness(
        "bad-values-pass",
        "Plausible numbers pass where NaN is due.",
        lambda: replaced(
            EVALUATE._judge_bad,
            lambda impl, unit, _: judge.blank(impl, unit, "bad_value", "pass"),
        ),
    ),
    Harness(
        "failures-pass",
        "What a check finds wrong is a pass.",
        lambda: replaced(
            answers.failed,
            lambda result, _reason, *, compared=1: answers.passed(
                result, compared=compared
            ),
        ),
    ),
    Harness(
        "stale-digest",
        "A number in the vectors is changed on disk.",
        plants.on_disk(honest=True),
    ),
    Harness(
        "forged-digest",
        "A number in the vectors is changed, and the manifest with it.",
        plants.on_disk(honest=False),
    ),
    Harness(
        "no-canaries",
        "There are no canaries but those that must live.",
        lambda: changed(canaries, ALL=canaries.ALL[:3]),
    ),
    Harness(
        "echo", "An adapter looks its answers up in the vectors.", impl=f"{OWN}:echo"
    ),
    Harness(
        "echo-or-zero",
        "An adapter looks its answers up, and is 0 elsewhere.",
        impl=f"{OWN}:echo_or_zero",
    ),
    Harness("skipping", "An adapter skips everything.", impl=f"{OWN}:skipping"),
    Harness(
        "declining",
        "An adapter answers what it likes and declines the rest.",
        impl=f"{OWN}:declining",
    ),
    Harness(
        "distance-0",
        "The distance of two trainings is always 0.",
        plants.of_training("lockstep", "_distance", lambda *_: 0.0),
        COMPARE,
    ),
    Harness(
        "dead-training-accepted",
        "A training of nothing counts as trained.",
        plants.of_training("session", "Session.progress", plants.trained),
        COMPARE,
    ),
    Harness(
        "everything-equivalent",
        "Metrics are equivalent however far apart they are.",
        plants.of_training(
            "equivalence", "equivalence_verdicts", plants.all_equivalent
        ),
        COMPARE,
    ),
)

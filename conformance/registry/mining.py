"""Record of hard-example mining."""

import math

from conformance.families import MiningCases, setting
from conformance.registry._general import out_of_range
from conformance.registry._operation import Operation

_MINING = Operation(
    name="hard_example_mining",
    clauses={
        "MINE-1": "selects floor(fraction N + 1/2) examples, at least one of any",
        "MINE-2": "order: loss descending, then index ascending",
        "MINE-3": "NaN counts as the largest loss",
    },
    array_arguments=(),
    hyperparameters={"fraction": (0.2, 1.0, 0.5, 0.3125, 0.0625, 0.01, 0.7)},
    amplification="0: a selection is right or wrong",
    positional=("losses",),
    form="coupled",
    returns="selection",
    static=("fraction",),
    mean_over="normalizer",
    cases=MiningCases(
        settings=tuple(
            setting(fraction=f) for f in (1.0, 0.5, 0.3125, 0.0625, 0.01, 0.7)
        ),
        bad_settings=tuple(setting(fraction=f) for f in (0.0, -0.1, 1.5)),
    ),
    flags={
        "mining-ties": lambda p: p["family"] in ("kink", "one_class"),
        "mining-nan": lambda p: math.isnan(p["losses"]),
        # 12.5 examples are 13.
        "mining-rounding": lambda p: p["fraction"] == 0.3125,
        "bad-parameter": out_of_range(fraction=lambda f: 0 < f <= 1),
    },
    answers={"mask": "MINE-2", "indices": "MINE-2", "": "MINE-2"},
    topics={"MINE-3": lambda p: p["family"] == "nan_policy"},
)

OPERATIONS = (_MINING,)

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from conformance.adapters import Capabilities, Outputs, Request
from conformance.adapters.exec_answers import (
    capabilities_of,
    longest,
    parse,
    response_of,
)
from conformance.adapters.wire import (
    UnspeakableError,
    WireError,
    eval_line,
    hexadecimal,
    rounded,
    start_line,
    stop_line,
)
from conformance.plan import Judged, Options, choose, units
from conformance.profiles import PROFILES, Check, batches, evaluate
from conformance.registry import OPERATIONS

SPEC = Path(__file__).parents[2] / "conformance" / "spec" / "1.0"
SCHEMA = json.loads((SPEC / "protocol.schema.json").read_text())
PROTOCOL = (SPEC / "protocol.md").read_text()
VALIDATOR = Draft202012Validator(SCHEMA)
FOCAL = "sigmoid_focal_loss"
TWO = {"logits": np.array([0.5, -1.0]), "labels": np.array([1.0, 0.0])}


def example(message):
    """The lines that the document gives as examples of a message."""
    blocks = re.findall(r"```json\n(.*?)```", PROTOCOL, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if f'"message":"{message}"' in line]


def test_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)
    messages = SCHEMA["properties"]["message"]["enum"]
    assert all(example(message) for message in messages)


def test_every_example_keeps_to_the_schema():
    for message in SCHEMA["properties"]["message"]["enum"]:
        for line in example(message):
            VALIDATOR.validate(json.loads(line))
            assert line == json.dumps(json.loads(line), separators=(",", ":"))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "1"},
        {"id": 0},
        {"message": "begin"},
        {"want": "value"},
        {"dtype": "double"},
        {"arguments": [{"name": "logits", "kind": "real", "shape": [1], "data": "0"}]},
        {"arguments": [{"name": "logits", "kind": "real", "data": "0" * 16}]},
        {"arguments": [{"name": "a", "kind": "text", "shape": [1], "data": "x"}]},
        {"arguments": [{"name": "a", "kind": "text", "shape": [], "data": 'a"b'}]},
    ],
)
def test_schema_refuses(change):
    right = json.loads(eval_line(1, Request(FOCAL, TWO)))
    assert VALIDATOR.is_valid(right)
    assert VALIDATOR.is_valid({**right, "unknown": {"is": "ignored"}})
    assert not VALIDATOR.is_valid({**right, **change})


def test_examples_are_what_is_sent():
    assert example("start") == [start_line(1)]
    assert example("stop") == [stop_line(4)]
    first = Request(
        FOCAL,
        TWO,
        params={"gamma": 1.5},
        want=("value", "grad_logits"),
    )
    second = Request(
        "cross_entropy",
        {"logits": np.array([[0.0, 1.0], [2.0, -1.0]]), "labels": np.array([1.0, 0.0])},
        params={"class_axis": 0, "normalizer": "count"},
        arrays={"class_weights": np.array([1.0, 3.0])},
        kinds={"labels": "index"},
        reduction="mean",
    )
    assert example("eval") == [eval_line(2, first), eval_line(3, second)]


def test_example_of_an_answer_is_right():
    (line,) = example("capabilities")
    claimed = capabilities_of(parse(line.encode(), 1))
    assert isinstance(claimed, Capabilities)
    assert FOCAL in claimed.operations
    first, _ = example("outputs")
    asked = Request(FOCAL, TWO, {"gamma": 1.5}, want=("value", "grad_logits"))
    answer = response_of(parse(first.encode(), 2), asked)
    assert isinstance(answer, Outputs)
    from refimpl import sigmoid_focal_loss, sigmoid_focal_loss_grad

    value = sigmoid_focal_loss(*TWO.values(), gamma=1.5, reduction="none")
    slope = sigmoid_focal_loss_grad(*TWO.values(), gamma=1.5)
    np.testing.assert_array_max_ulp(answer.arrays["value"], value, maxulp=8)
    np.testing.assert_array_max_ulp(answer.arrays["grad_logits"], slope, maxulp=8)


def test_numbers_are_their_bits():
    numbers = [1.0, -0.0, np.inf, 5e-324, 0.1]
    wanted = "".join(struct.pack(">d", number).hex() for number in numbers)
    assert hexadecimal(numbers) == wanted
    assert hexadecimal(1.0) == "3ff0000000000000"
    assert hexadecimal(np.nan) == "7ff8000000000000"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_narrow_numbers_travel_as_the_double_that_equals_them(dtype):
    request = Request(FOCAL, TWO, {"gamma": 0.1}, {"alpha": np.array(0.1)}, dtype=dtype)
    message = json.loads(eval_line(1, request))
    data = {a["name"]: a["data"] for a in message["arguments"]}
    assert data["gamma"] == hexadecimal(0.1)
    assert data["alpha"] == hexadecimal(rounded(0.1, dtype)) != data["gamma"]
    assert rounded(rounded(0.1, dtype), dtype) == rounded(0.1, dtype)


def test_kinds_say_what_numbers_are():
    request = Request(
        "heatmap_focal_loss",
        {"logits": TWO["logits"], "pos_mask": np.array([1.0, 0.0])},
        {"class_axis": True, "gamma": "0.5", "bins": 3, "mu": 2.5},
        kinds={"pos_mask": "mask"},
        reduction="",
        positional=("logits",),
    )
    message = json.loads(eval_line(1, request))
    kinds = {a["name"]: a["kind"] for a in message["arguments"]}
    assert kinds == {
        "logits": "real", "pos_mask": "mask", "class_axis": "mask", "gamma": "text",
        "bins": "index", "mu": "real",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"params": {"labels": [1.0]}}, "a list, as in labels"),
        ({"params": {"reduce_counts": len}}, "builtin_function"),
        ({"params": {"alpha": None}}, "NoneType, as in alpha"),
        ({"params": {"gamma": 'a"b'}}, "the text 'a\"b'"),
        ({"kinds": {"logits": "complex"}}, "complex numbers, as in logits"),
        ({"transform": "vmap"}, "the transform vmap"),
        ({"cotangent": np.ones(2)}, "upstream gradients"),
        ({"tangent": np.ones(2)}, "directions"),
        ({"layout": "strided"}, "the layout strided"),
        ({"shards": (1, 1)}, "shards"),
        ({"want": ("grad_logits",), "reduction": "mean"}, "a gradient under"),
    ],
)
def test_what_has_no_words(changes, words):
    with pytest.raises(UnspeakableError) as raised:
        eval_line(1, Request(FOCAL, TWO, **changes))
    assert words in str(raised.value)


def test_right_answers_are_never_too_long():
    assert longest(Request(FOCAL, TWO)) > 1 << 20
    million = {"logits": np.zeros(1_000_003), "labels": np.zeros(1_000_003)}
    wide = longest(Request(FOCAL, million, want=("value", "grad_logits")))
    assert wide >= 2 * 16 * 1_000_003


def test_other_versions():
    (line,) = example("capabilities")
    message = parse(line.encode(), 1)
    assert capabilities_of({**message, "protocol": "1.7"})
    with pytest.raises(WireError, match=r"expected protocol '1\.0'"):
        capabilities_of({**message, "protocol": "2.0"})


class _Listening:
    """Answers nothing, and keeps what it was asked."""

    def __init__(self):
        self.lines = []

    def start(self):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def eval(self, request):
        try:
            self.lines.append(eval_line(len(self.lines) + 1, request))
        except UnspeakableError:
            return Outputs({}, {})
        return Outputs({}, {})


def test_everything_that_a_run_asks_keeps_to_the_schema():
    """Of the small cases of every operation; all in the one form that is promised."""
    listening = _Listening()
    able = Capabilities(
        "any", "1", "exec", ("float64", "float32"), ("cpu",), ("eager",),
        tuple(OPERATIONS), autodiff=False,
    )  # fmt: skip
    options = Options(impls=["any"], quick=True)
    one = Judged("any", listening, able, "cpu")
    cases = choose(options)
    for profile in PROFILES:
        for batch in batches(units(one, profile, cases, options)):
            list(evaluate(batch, listening, "any", "cpu", 8.0))
            assert isinstance(batch, Check) or batch.units
    assert len(listening.lines) > 400
    form = re.compile(r'[!#-\[\]-~" ]*')
    for line in listening.lines:
        message = json.loads(line)
        VALIDATOR.validate(message)
        assert form.fullmatch(line)
        assert "\\" not in line
        assert line == json.dumps(message, separators=(",", ":"))
        assert list(message) == [
            "id", "message", "operation", "dtype", "want", "arguments"
        ]  # fmt: skip
        for argument in message["arguments"]:
            assert list(argument) == ["name", "kind", "shape", "data"]

import hashlib
import json
import shutil

import jsonschema
import numpy as np
import pytest

from conformance import budgets, vectors
from conformance.adapters.functions import STATE
from conformance.registry import OPERATIONS
from conformance.vectors import _encode

operations = pytest.mark.parametrize("operation", OPERATIONS)


def raw(operation):
    return json.loads((vectors.FOLDER / f"{operation}.json").read_text())


@pytest.fixture(scope="module")
def generated():
    seen = []
    files = _encode.generate(seen.append)
    assert len(seen) == len(set(seen))
    assert {s.split("/")[0] for s in seen} == set(OPERATIONS)
    return files


@pytest.fixture
def corpus(tmp_path, generated, monkeypatch):
    """A copy that may be damaged; regenerating it costs nothing."""
    monkeypatch.setattr(_encode, "generate", lambda _progress: generated)
    return shutil.copytree(vectors.FOLDER, tmp_path / "corpus")


def test_the_corpus_is_what_the_oracle_says(corpus):
    assert vectors.check(corpus) == []
    assert vectors.check() == []


def test_writing_restores_the_corpus(corpus):
    for path in corpus.glob("*.json"):
        if path.name not in vectors.STATIC:
            path.unlink()
    vectors.write(corpus)
    for path in vectors.FOLDER.iterdir():
        assert (corpus / path.name).read_bytes() == path.read_bytes()


@operations
def test_one_changed_bit_is_noticed(corpus, operation):
    path = corpus / f"{operation}.json"
    lines = path.read_text().split("\n")
    number = next(i for i, line in enumerate(lines) if '"outputs":{"' in line)
    start = lines[number].index('"bits":["') + len('"bits":["')
    digit = "0" if lines[number][start + 5] != "0" else "1"
    lines[number] = lines[number][: start + 5] + digit + lines[number][start + 6 :]
    path.write_text("\n".join(lines))
    assert vectors.check(corpus) == [
        f"{operation}.json differs from the oracle at line {number + 1}."
    ]


def test_a_missing_file_is_noticed(corpus):
    (corpus / "sigmoid_focal_loss.json").unlink()
    assert vectors.check(corpus) == ["sigmoid_focal_loss.json is missing."]


def test_a_missing_note_file_is_noticed(corpus):
    (corpus / "notes.json").unlink()
    assert "notes.json is missing." in vectors.check(corpus)


def test_a_truncated_file_is_noticed(corpus):
    path = corpus / "sigmoid_focal_loss.json"
    path.write_bytes(path.read_bytes()[:-1])
    assert [d.split(" at ")[0] for d in vectors.check(corpus)] == [
        "sigmoid_focal_loss.json differs from the oracle"
    ]


def test_an_extra_file_is_noticed(corpus):
    (corpus / "extra.json").write_text("{}")
    assert vectors.check(corpus) == ["extra.json does not belong here."]


def test_a_stale_digest_is_noticed(corpus):
    path = corpus / vectors.MANIFEST
    digest = vectors.manifest()["digest"]
    path.write_text(path.read_text().replace(digest, digest[::-1]))
    assert [d.split()[0] for d in vectors.check(corpus)] == [vectors.MANIFEST]


def test_an_edited_note_makes_the_manifest_stale(corpus):
    path = corpus / "notes.json"
    path.write_text(path.read_text().replace("wrong", "right"))
    assert [d.split()[0] for d in vectors.check(corpus)] == [vectors.MANIFEST]


def test_manifest_hashes_every_file():
    manifest = vectors.manifest()
    files = {p.name: p.read_bytes() for p in vectors.FOLDER.iterdir()}
    del files[vectors.MANIFEST]
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert manifest["files"] == hashes
    joined = "\n".join(sorted(hashes.values()))
    assert manifest["digest"] == hashlib.sha256(joined.encode()).hexdigest()
    assert set(manifest["points"]) == set(OPERATIONS)


def test_the_corpus_is_small():
    assert sum(p.stat().st_size for p in vectors.FOLDER.iterdir()) <= 5_000_000


@operations
def test_schema(operation):
    schema = json.loads((vectors.FOLDER / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(raw(operation))
    damaged = raw(operation)
    damaged["groups"][0]["points"][0]["inputs"]["logits"] = "1.0"
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(damaged)


@operations
def test_ids_depend_on_content_alone(operation):
    document, ids = raw(operation), []
    for group in document["groups"]:
        for point in group["points"]:
            content = {k: group[k] for k in ("params", "arrays")}
            content |= {"operation": operation, "inputs": point["inputs"]}
            path = point["id"].split("#")[0]
            assert path.startswith(group["path"] + ";")
            assert _encode.identity(path, content) == point["id"]
            ids.append(point["id"])
    for case in document["sums"]:
        content = {k: case[k] for k in ("params", "arrays", "tile")}
        content |= {"operation": operation}
        content["inputs"] = [p["inputs"] for p in case["points"]]
        assert _encode.identity(case["id"].split("#")[0], content) == case["id"]
        ids.append(case["id"])
    assert len(ids) == len(set(ids)) == vectors.manifest()["points"][operation]
    paths = [g["path"] for g in document["groups"]]
    assert paths == sorted(set(paths))


def test_ids_are_frozen():
    group = next(
        g
        for g in vectors.load("sigmoid_focal_loss").groups
        if g.path == "sigmoid_focal_loss/saturation/gamma=2"
    )
    assert group.ids[0] == "sigmoid_focal_loss/saturation/gamma=2;y=0;x=17#gu3foo3y2s"


@operations
def test_every_flag_has_a_note(operation):
    notes = vectors.notes()
    file = vectors.load(operation)
    used = {f for g in file.groups for flags in g.flags for f in flags}
    used |= {f for s in file.sums for f in s.flags}
    assert used <= set(notes)
    assert used == set(OPERATIONS[operation].flags)


def test_every_note_is_used():
    known = {flag for o in OPERATIONS.values() for flag in o.flags}
    assert set(vectors.notes()) == known


def classes_last(array, shape, axis):
    """One row per point."""
    if array.ndim > len(shape):
        array = np.moveaxis(array, axis, -1)
    return array.reshape(int(np.prod(shape)), *array.shape[len(shape) :])


def bits(numbers):
    return [_encode.hex_bits(v) for v in np.asarray(numbers).ravel()]


def flat(stored):
    return stored if isinstance(stored, list) else [stored]


def check_output(hi, lo, scale, output):
    pairs = np.reshape(output["bits"], (-1, 2)).tolist()
    assert [list(pair) for pair in zip(bits(hi), bits(lo), strict=True)] == pairs
    assert np.ravel(scale).tolist() == flat(output["scale"])


def check_points(points, shape, axis, inputs, expected):
    rows = {name: classes_last(v, shape, axis) for name, v in inputs.items()}
    truth = {
        name: [classes_last(part, shape, axis) for part in (e.hi, e.lo, e.scale)]
        for name, e in expected.items()
    }
    for i, point in enumerate(points):
        for name, stored in point["inputs"].items():
            assert bits(rows[name][i]) == flat(stored)
        for name, output in point["outputs"].items():
            hi, lo, scale = (part[i] for part in truth[name])
            check_output(hi, lo, scale, output)


@operations
def test_loading_restores_every_bit(operation):
    document, file = raw(operation), vectors.load(operation)
    for stored, group in zip(document["groups"], file.groups, strict=True):
        assert group.shape == tuple(stored["shape"])
        assert group.kinds == stored["kinds"]
        axis = vectors.class_axis(group)
        parts = stored["points"], group.shape, axis
        check_points(*parts, group.inputs, group.expected)
        for name, output in stored["totals"].items():
            whole = group.totals[name]
            check_output(whole.hi, whole.lo, whole.scale, output)
    for stored, case in zip(document["sums"], file.sums, strict=True):
        assert {"sum", "mean", "normalizer"} <= set(case.expected)
        axis = vectors.class_axis(case)
        base = (len(stored["points"]),)
        check_points(stored["points"], base, axis, case.points, case.slopes)
        for name, output in stored["outputs"].items():
            whole = case.expected[name]
            check_output(whole.hi, whole.lo, whole.scale, output)


@operations
def test_sums_repeat_their_points(operation):
    record = OPERATIONS[operation]
    for case in vectors.load(operation).sums:
        for name, points in case.points.items():
            examples = 1 if vectors.class_axis(case) == 0 and points.ndim > 1 else 0
            whole = np.moveaxis(case.inputs[name], examples, 0)
            base = np.moveaxis(points, examples, 0)
            assert len(whole) == case.tile
            for i in {0, 1, case.tile // 2, case.tile - 1} & set(range(case.tile)):
                np.testing.assert_array_equal(whole[i], base[i % len(base)])
        slope = case.elements(f"grad_{record.positional[0]}")
        assert slope.hi.shape == case.inputs[record.positional[0]].shape


@operations
def test_outputs_are_complete(operation):
    record = OPERATIONS[operation]
    first = f"grad_{record.positional[0]}"
    for group in vectors.load(operation).groups:
        if group.policy != "value":
            assert not group.expected
            continue
        varying = {*record.point_arguments} & {*group.inputs} - {*group.kinds}
        wanted = {f"grad_{name}" for name in varying}
        if record.returns == "selection":
            assert set(group.expected) == {"mask"}
            assert set(group.totals) == {"indices"}
            continue
        assert {"value", first} <= set(group.expected) <= {"value", *wanted}
        state = record.returns == "loss_and_state"
        assert set(group.totals) == set(STATE if state else ())
        assert set(group.expected) <= set(record.outputs)


@operations
def test_half_precision_results_are_in_range(operation):
    for group in vectors.load(operation).groups:
        limit = {"bfloat16": 65504, "float32": 3e38, "float64": 1e308}[group.exact_in]
        for expected in group.expected.values():
            size = np.abs(expected.hi[np.isfinite(expected.hi)])
            assert np.all(size <= limit), group.path


@operations
def test_no_result_lies_where_a_weight_shows_a_flush(operation):
    """An intermediate may be flushed before weights and logits multiply it."""
    for group in vectors.load(operation).groups:
        weights = 1.0 + float(group.params.get("gamma", 0.0))
        weights *= max(1.0, float(np.max(group.arrays.get("pos_weight", 1.0))))
        weights *= max(1.0, float(group.params.get("pos_weight", 1.0)))
        weights *= max(1.0, float(np.max(group.arrays.get("class_weights", 1.0))))
        weights *= float(np.max(group.inputs.get("sample_weight", 1.0)))
        dtypes = {"float64", "float32"} if group.exact_in != "float64" else {"float64"}
        for name, expected in group.expected.items():
            # The label gradient multiplies by the logit as well.
            factor = weights * (1e4 if name == "grad_labels" else 1.0)
            size = np.abs(expected.hi)
            for dtype in dtypes:
                tiny = budgets.TINY[dtype]
                shown = (size > 1.02 * tiny) & (size < factor * tiny)
                assert not np.any(shown), (group.path, name, dtype)

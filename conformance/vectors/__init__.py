"""Golden vectors: reading them, and checking that nobody touched them.

The data lies in ``1.0/`` beside this module. Only the oracle writes it; reading needs
NumPy alone.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.errors import UsageError

Array = NDArray[np.float64]
Json = dict[str, Any]
Progress = Callable[[str], None]

FOLDER = Path(__file__).parent / "1.0"
MANIFEST = "MANIFEST.json"
# Written by hand, as they hold prose; the manifest covers them all the same.
STATIC = ("notes.json", "schema.json")


@dataclass(frozen=True)
class Expected:
    """Truth of an output as ``hi + lo``, and the scale its error is judged by."""

    hi: Array
    lo: Array
    scale: Array


@dataclass(frozen=True)
class Group:
    """Points that share their hyper-parameters.

    Attributes:
        shape: Shape of the unreduced output, one element a point. Inputs and gradients
            of examples with classes have the class axis besides.
        kinds: ``"index"`` or ``"mask"`` by name of the inputs and arrays that are no
            real numbers.
        expected: Truth of every point.
        totals: Truth of what the whole call returns once.
    """

    path: str
    family: str
    exact_in: str
    params: Mapping[str, Any]
    arrays: Mapping[str, Array]
    kinds: Mapping[str, str]
    shape: tuple[int, ...]
    policy: str
    ids: tuple[str, ...]
    flags: tuple[tuple[str, ...], ...]
    inputs: Mapping[str, Array]
    expected: Mapping[str, Expected]
    totals: Mapping[str, Expected]


@dataclass(frozen=True)
class SumCase:
    """A reduction: base points repeated cyclically to ``tile`` elements.

    Attributes:
        kinds: As in a group.
        points: Inputs of the base points.
        slopes: Gradient of the sum at every base point.
        expected: Of the whole call: ``sum``, ``mean``, ``normalizer`` and
            ``grad_<array argument>`` of the sum.
    """

    id: str
    family: str
    exact_in: str
    params: Mapping[str, Any]
    arrays: Mapping[str, Array]
    kinds: Mapping[str, str]
    tile: int
    flags: tuple[str, ...]
    points: Mapping[str, Array]
    slopes: Mapping[str, Expected]
    expected: Mapping[str, Expected]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the unreduced output."""
        return (self.tile,)

    @property
    def inputs(self) -> dict[str, Array]:
        """Inputs of all elements; made anew, as they may be large."""
        return {name: self._tiled(points) for name, points in self.points.items()}

    def elements(self, name: str) -> Expected:
        """Gradient of the sum at every element."""
        slope = self.slopes[name]
        return Expected(*map(self._tiled, (slope.hi, slope.lo, slope.scale)))

    def _tiled(self, points: Array) -> Array:
        if points.ndim == 1:
            return np.resize(points, self.tile)
        examples = 1 if class_axis(self) in (0, -points.ndim) else 0
        cycle = np.resize(np.arange(points.shape[examples]), self.tile)
        return points.take(cycle, axis=examples)


Case = Group | SumCase


@dataclass(frozen=True)
class VectorFile:
    """All vectors of one operation."""

    operation: str
    spec: str
    groups: tuple[Group, ...]
    sums: tuple[SumCase, ...]


def from_bits(bits: Any) -> Array:
    """Decodes hex bits, a string or any nesting of lists of them."""
    words = np.asarray(bits)
    data = bytes.fromhex("".join(words.ravel().tolist()))
    return np.frombuffer(data, ">f8").astype(np.float64).reshape(words.shape)


def class_axis(case: Case) -> int:
    """The axis along which the classes of an example lie."""
    return case.params.get("class_axis", -1)


def along(per_element: NDArray[Any], shaped: Array, axis: int) -> NDArray[Any]:
    """What belongs to each element, ready to broadcast against an array of them."""
    if shaped.ndim == per_element.ndim:
        return per_element
    return np.expand_dims(per_element, axis)


def _arranged(points: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Numbers of each point as an array, classes along their axis."""
    if points.ndim == 1:
        return points.reshape(shape)
    return np.moveaxis(points.reshape(*shape, -1), -1, axis)


def _expected(outputs: list[Json], shape: tuple[int, ...], axis: int = -1) -> Expected:
    bits = from_bits([o["bits"] for o in outputs])
    scale = np.array([o["scale"] for o in outputs], dtype=np.float64)
    parts = (bits[..., 0], bits[..., 1], scale)
    return Expected(*(_arranged(part, shape, axis) for part in parts))


def _whole(outputs: Json) -> dict[str, Expected]:
    """What the whole call returns once: scalars and vectors."""
    one = {name: _expected([output], (1,), 1) for name, output in outputs.items()}
    return {k: Expected(e.hi[0], e.lo[0], e.scale[0]) for k, e in one.items()}


def _arguments(raw: Json) -> dict[str, Any]:
    """What groups and sums have in common."""
    return {
        "family": raw["family"],
        "exact_in": raw["exact_in"],
        "params": raw["params"],
        "kinds": raw["kinds"],
        "arrays": {name: from_bits(bits) for name, bits in raw["arrays"].items()},
    }


def _of_points(
    points: list[Json], shape: tuple[int, ...], axis: int
) -> tuple[dict[str, Array], dict[str, Expected]]:
    inputs = {
        k: from_bits([p["inputs"][k] for p in points]) for k in points[0]["inputs"]
    }
    outputs = {k: [p["outputs"][k] for p in points] for k in points[0]["outputs"]}
    return (
        {k: _arranged(numbers, shape, axis) for k, numbers in inputs.items()},
        {k: _expected(numbers, shape, axis) for k, numbers in outputs.items()},
    )


def _group(raw: Json) -> Group:
    points, shape = raw["points"], tuple(raw["shape"])
    inputs, expected = _of_points(points, shape, raw["params"].get("class_axis", -1))
    return Group(
        **_arguments(raw),
        path=raw["path"],
        shape=shape,
        policy=raw["policy"],
        ids=tuple(p["id"] for p in points),
        flags=tuple(tuple(p["flags"]) for p in points),
        inputs=inputs,
        expected=expected,
        totals=_whole(raw["totals"]),
    )


def _sum(raw: Json) -> SumCase:
    axis = raw["params"].get("class_axis", -1)
    points, slopes = _of_points(raw["points"], (len(raw["points"]),), axis)
    return SumCase(
        **_arguments(raw),
        id=raw["id"],
        tile=raw["tile"],
        flags=tuple(raw["flags"]),
        points=points,
        slopes=slopes,
        expected=_whole(raw["outputs"]),
    )


@cache
def load(operation: str) -> VectorFile:
    """Reads the vectors of an operation.

    Args:
        operation: Name of the operation.

    Returns:
        Groups of points and reductions, decoded to arrays.

    Raises:
        FileNotFoundError: There are no vectors for the operation.
        UsageError: The file is not the one that the manifest describes.
    """
    raw = json.loads(_intact(FOLDER / f"{operation}.json"))
    return VectorFile(
        operation=raw["operation"],
        spec=raw["spec"],
        groups=tuple(_group(g) for g in raw["groups"]),
        sums=tuple(_sum(s) for s in raw["sums"]),
    )


def _intact(path: Path) -> bytes:
    """Reads a file of vectors, which must have the digest that the manifest states."""
    data = path.read_bytes()
    stated = manifest(path.parent)["files"].get(path.name, "none")
    found = hashlib.sha256(data).hexdigest()
    if found != stated:
        raise UsageError(
            f"vectors: {path} has SHA-256 {found[:16]}…, {MANIFEST} says "
            f"{stated[:16]}…; restore the file, or regenerate all of them with "
            "`python -m conformance vectors --write`."
        )
    return data


def manifest(folder: Path = FOLDER) -> Json:
    """Reads the manifest: spec version, file hashes, point counts, corpus digest."""
    return json.loads((folder / MANIFEST).read_text())


def notes() -> dict[str, dict[str, Any]]:
    """Reads the notes: flag to bug, clauses, effect and link."""
    return json.loads((FOLDER / "notes.json").read_text())


def _describe(files: Mapping[str, bytes]) -> str:
    """The manifest of the given files."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    documents = {k: json.loads(v) for k, v in files.items() if k not in STATIC}
    points = {
        d["operation"]: sum(len(g["points"]) for g in d["groups"]) + len(d["sums"])
        for d in documents.values()
    }
    digest = hashlib.sha256("\n".join(sorted(hashes.values())).encode()).hexdigest()
    described = {
        "spec": next(iter(documents.values()))["spec"],
        "digest": digest,
        "points": points,
        "files": hashes,
    }
    return json.dumps(described, indent=1, sort_keys=True) + "\n"


def _regenerate(folder: Path, progress: Progress) -> dict[str, bytes]:
    """Every file as it should be: generated, or hand-written and as it is."""
    # The oracle needs mpmath, which readers of vectors may lack.
    from conformance.vectors._encode import generate

    files = {name: text.encode() for name, text in generate(progress).items()}
    for name in STATIC:
        if (folder / name).exists():
            files[name] = (folder / name).read_bytes()
    return {**files, MANIFEST: _describe(files).encode()}


def write(folder: Path = FOLDER, progress: Progress = lambda _: None) -> None:
    """Writes vectors and manifest with the oracle, beside the hand-written files.

    Args:
        folder: Where to write.
        progress: Called with the name of every case done.
    """
    for name, data in _regenerate(folder, progress).items():
        (folder / name).write_bytes(data)


def check(folder: Path = FOLDER, progress: Progress = lambda _: None) -> list[str]:
    """Regenerates the vectors in memory and compares them byte for byte.

    Args:
        folder: Where the vectors lie.
        progress: Called with the name of every case done.

    Returns:
        One sentence per difference; empty when the corpus is intact.
    """
    wanted = _regenerate(folder, progress)
    present = {p.name: p.read_bytes() for p in folder.iterdir()}
    required = {*wanted, *STATIC}
    differences = [f"{name} is missing." for name in sorted(required - set(present))]
    differences += [
        f"{name} does not belong here." for name in sorted(set(present) - required)
    ]
    for name in sorted(set(wanted) & set(present)):
        if wanted[name] != present[name]:
            old, new = present[name].splitlines(), wanted[name].splitlines()
            pairs = enumerate(zip(old, new, strict=False), start=1)
            line = next((i for i, (a, b) in pairs if a != b), min(len(old), len(new)))
            differences.append(f"{name} differs from the oracle at line {line}.")
    return [*differences, *_uncited(present.get("notes.json", b""))]


def _uncited(notes: bytes) -> list[str]:
    """Where notes and specification do not cite each other."""
    # It reads the pages, which readers of vectors do not need.
    from conformance.registry import citations

    return citations.problems(json.loads(notes)) if notes else []

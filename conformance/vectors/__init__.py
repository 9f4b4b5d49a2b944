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
    """Points that share their hyper-parameters, as arrays of ``shape``."""

    path: str
    family: str
    exact_in: str
    params: Mapping[str, Any]
    arrays: Mapping[str, Array]
    shape: tuple[int, ...]
    policy: str
    ids: tuple[str, ...]
    flags: tuple[tuple[str, ...], ...]
    inputs: Mapping[str, Array]
    expected: Mapping[str, Expected]


@dataclass(frozen=True)
class SumCase:
    """A reduction: base points repeated cyclically to ``tile`` elements.

    Attributes:
        inputs: Inputs of all ``tile`` elements.
        expected: Scalars: ``sum``, ``mean``, ``normalizer``, ``grad_<argument>``.
        grad_logits: Gradient of the sum at every element, of shape ``(tile,)``.
    """

    id: str
    family: str
    exact_in: str
    params: Mapping[str, Any]
    arrays: Mapping[str, Array]
    tile: int
    flags: tuple[str, ...]
    inputs: Mapping[str, Array]
    expected: Mapping[str, Expected]
    grad_logits: Expected


@dataclass(frozen=True)
class VectorFile:
    """All vectors of one operation."""

    operation: str
    spec: str
    groups: tuple[Group, ...]
    sums: tuple[SumCase, ...]


def from_bits(bits: Any) -> Array:
    """Decodes hex bits, a string or any nesting of lists of them."""
    words = np.vectorize(lambda h: int(h, 16), otypes=[np.uint64])(np.asarray(bits))
    return words.view(np.float64) if words.ndim else np.array(words).view(np.float64)


def _expected(outputs: list[Json], shape: tuple[int, ...]) -> Expected:
    bits = from_bits([o["bits"] for o in outputs]).reshape(-1, 2)
    scale = np.array([o["scale"] for o in outputs], dtype=np.float64)
    return Expected(*(a.reshape(shape) for a in (bits[:, 0], bits[:, 1], scale)))


def _inputs(points: list[Json], shape: tuple[int, ...]) -> dict[str, Array]:
    return {
        name: from_bits([p["inputs"][name] for p in points]).reshape(shape)
        for name in points[0]["inputs"]
    }


def _group(raw: Json) -> Group:
    points, shape = raw["points"], tuple(raw["shape"])
    return Group(
        path=raw["path"],
        family=raw["family"],
        exact_in=raw["exact_in"],
        params=raw["params"],
        arrays={name: from_bits(bits) for name, bits in raw["arrays"].items()},
        shape=shape,
        policy=raw["policy"],
        ids=tuple(p["id"] for p in points),
        flags=tuple(tuple(p["flags"]) for p in points),
        inputs=_inputs(points, shape),
        expected={
            name: _expected([p["outputs"][name] for p in points], shape)
            for name in points[0]["outputs"]
        },
    )


def _sum(raw: Json) -> SumCase:
    points, tile = raw["points"], raw["tile"]
    base = (len(points),)
    gradient = _expected([p["outputs"]["grad_logits"] for p in points], base)
    return SumCase(
        id=raw["id"],
        family=raw["family"],
        exact_in=raw["exact_in"],
        params=raw["params"],
        arrays={name: from_bits(bits) for name, bits in raw["arrays"].items()},
        tile=tile,
        flags=tuple(raw["flags"]),
        inputs={k: np.resize(v, tile) for k, v in _inputs(points, base).items()},
        expected={k: _expected([o], ()) for k, o in raw["outputs"].items()},
        grad_logits=Expected(
            *(np.resize(a, tile) for a in (gradient.hi, gradient.lo, gradient.scale))
        ),
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
    """
    raw = json.loads((FOLDER / f"{operation}.json").read_text())
    return VectorFile(
        operation=raw["operation"],
        spec=raw["spec"],
        groups=tuple(_group(g) for g in raw["groups"]),
        sums=tuple(_sum(s) for s in raw["sums"]),
    )


def manifest(folder: Path = FOLDER) -> Json:
    """Reads the manifest: spec version, file hashes, point counts, corpus digest."""
    return json.loads((folder / MANIFEST).read_text())


def notes() -> dict[str, dict[str, str]]:
    """Reads the notes: flag to bug, effect and link."""
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
    return differences

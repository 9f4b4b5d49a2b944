"""What a run depends on, recorded before its first result."""

import hashlib
import importlib.metadata
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "torch", "jax", "jaxlib", "flax", "optax")
OWN = ("refimpl", "torch_impl", "jax_impl", "conformance")

# Results are continued only where all of these agree; the rest is for the reader.
IDENTITY = ("spec", "digest", "source", "versions", "device", "precision", "options")


def header(
    manifest: dict[str, Any], options: dict[str, Any], frameworks: Iterable[str]
) -> dict[str, Any]:
    """Describes a run.

    Args:
        manifest: Manifest of the vectors.
        options: What was asked for.
        frameworks: Frameworks that the selected implementations use.

    Returns:
        Spec, digest of the vectors and of the sources, date, versions, device,
        precision flags, options and command.
    """
    used = set(frameworks)
    return {
        "spec": manifest["spec"],
        "digest": manifest["digest"],
        "source": source_digest(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        "device": {
            "name": options["device"],
            "machine": platform.machine(),
            "cpu": _cpu(),
            **_gpu(options, used),
        },
        "precision": _precision(used),
        "options": options,
        "command": ["conformance", *sys.argv[1:]],
    }


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Names what keeps a run from being continued by another.

    Args:
        old: Header of the interrupted run.
        new: Header of this one.

    Returns:
        A phrase per difference; empty if the run can be continued.
    """
    found = []
    for key in IDENTITY:
        before, now = old.get(key), new.get(key)
        if before == now:
            continue
        if isinstance(before, dict) and isinstance(now, dict):
            inner = [k for k in {**before, **now} if before.get(k) != now.get(k)]
            found += [
                f"{key}.{k}: {before.get(k)} then, {now.get(k)} now" for k in inner
            ]
        else:
            found.append(f"{key}: {before} then, {now} now")
    return found


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "absent"
    return {**versions, "platform": platform.platform()}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return next(models, platform.machine()).strip()


def _gpu(options: dict[str, Any], used: set[str]) -> dict[str, str]:
    if options["device"] == "cuda" and "torch" in used:
        import torch

        return {"gpu": torch.cuda.get_device_name()}
    if options["device"] == "cuda" and "jax" in used:
        import jax

        return {"gpu": jax.devices("gpu")[0].device_kind}
    return {}


def _precision(used: set[str]) -> dict[str, Any]:
    flags: dict[str, Any] = {}
    if "torch" in used:
        import torch

        flags["torch_matmul"] = torch.get_float32_matmul_precision()
        flags["torch_cudnn_tf32"] = torch.backends.cudnn.allow_tf32
    if "jax" in used:
        import jax

        # JAX adds its settings to this object at run time.
        precision = jax.config.jax_default_matmul_precision  # pyright: ignore[reportAttributeAccessIssue]
        flags["jax_default_matmul_precision"] = precision and str(precision)
        flags["jax_x64"] = "on around float64 requests"
    return flags


def source_digest() -> str:
    """Returns a digest of the code that is judged and that judges."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for package in OWN:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]

"""Runs the cells of a bench and writes what they found after each of them."""

import json
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from conformance import vectors
from conformance.bench.bars import verdicts
from conformance.bench.cells import reason
from conformance.bench.contenders import installed, libraries
from conformance.bench.growth import series
from conformance.bench.plan import LARGE, Options, cores, plan, training
from conformance.bench.runtimes import Runtime, runtime
from conformance.bench.tables import show
from conformance.bench.timing import Spread, take
from conformance.errors import UsageError
from conformance.report.header import header
from conformance.report.progress import progress
from conformance.report.terminal import INTERRUPTED

FRAMEWORKS = ("torch", "jax")
Work = tuple[str, Callable[[], dict[str, Any]]]


def bench(options: Options, console: Console) -> int:
    """Measures what was asked for.

    Args:
        options: What was asked for.
        console: Where to print.

    Returns:
        Exit status: 0 measured, 130 interrupted.

    Raises:
        UsageError: What was asked for does not exist or cannot be run here.
    """
    runtimes = _runtimes(options.device)
    work = list(_work(options, runtimes))
    if not work:
        raise UsageError(f"--select: {options.select!r} matches no cell.")
    path = _writable(options.out) / "bench.json"
    record = {"header": _header(options, runtimes), "interrupted": False, "cells": {}}
    _warn_of_load(record["header"], console)
    try:
        record["header"]["copy"] = _bandwidth(options, runtimes)
        _run(work, record, path, console)
    except KeyboardInterrupt:
        record["interrupted"] = True
    record["header"]["load"]["end"] = _load()
    record["bars"] = verdicts(record)
    _write(record, path)
    show(record, console)
    written = [path, *_plotted(record, path.with_suffix(".png"), console)]
    console.print(f"\n{', '.join(map(str, written))}", soft_wrap=True)
    if not record["interrupted"]:
        return 0
    console.print(f"interrupted with {len(record['cells'])} of {len(work)} cells")
    return INTERRUPTED


def _warn_of_load(header: dict[str, Any], console: Console) -> None:
    load, own = header["load"]["start"], header["threads"]["cores"]
    if load is not None and load > own / 2:
        console.print(
            f"load {load:.1f} on {own} cores: others disturb these timings",
            style="yellow",
        )


def _work(options: Options, runtimes: dict[str, Runtime]) -> Iterable[Work]:
    for cell in plan(options):
        yield (
            cell.name,
            lambda cell=cell: cell.measure(runtimes, options.resolved_rounds()),
        )
    for framework in training(options, runtimes):
        yield (
            f"training/{framework}",
            lambda framework=framework: _trained(
                framework, options.device, tuple(runtimes)
            ),
        )


def _trained(framework: str, device: str, against: tuple[str, ...]) -> dict[str, Any]:
    # The recipes need scikit-learn, which losses do not.
    from conformance.bench.training import measure_training

    try:
        return measure_training(framework, device, against=against)
    except Exception as error:
        return {"training": framework, "error": reason(error)}


def _run(
    work: list[Work], record: dict[str, Any], path: Path, console: Console
) -> None:
    with progress(console, len(work)) as shown:
        for number, (name, compute) in enumerate(work, start=1):
            shown.at(name)
            start = time.perf_counter()
            found = compute()
            seconds = round(time.perf_counter() - start, 2)
            record["cells"][name] = {**found, "wall_seconds": seconds}
            _write(record, path)
            shown.line(f"[{number}/{len(work)}] {name} {seconds:.1f} s")
            shown.at(name, advance=1)


def _runtimes(device: str) -> dict[str, Runtime]:
    found = {}
    for framework in FRAMEWORKS:
        if not installed(framework):
            continue
        try:
            found[framework] = runtime(framework, device)
        except RuntimeError as error:
            raise UsageError(
                f"--device: {framework} finds no {device} device: {error}"
            ) from error
    if not found:
        raise UsageError("bench: neither torch nor jax with optax is installed.")
    return found


def _header(options: Options, runtimes: dict[str, Runtime]) -> dict[str, Any]:
    threads: dict[str, int] = {"cores": cores()}
    if "torch" in runtimes:
        module = import_module("conformance.bench.torch_runtime")
        threads["torch"] = module.use_threads(cores())
    if "jax" in runtimes:
        # XLA takes one thread for each core that the process may use.
        threads["jax"] = cores()
    return {
        **header(vectors.manifest(), options.record(), runtimes),
        "threads": threads,
        "libraries": libraries(),
        # Of one minute: what else ran on these cores, and what the bench itself did.
        "load": {"start": _load()},
    }


def _load() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _bandwidth(options: Options, runtimes: dict[str, Runtime]) -> dict[str, Any]:
    """Measures the copy that states the machine's bandwidth."""
    framework, used = next(iter(runtimes.items()))
    traffic = LARGE[options.device]
    samples, errors = take(
        {"copy": used.copying(traffic)}, rounds=options.resolved_rounds(), seed=0
    )
    for error in errors.values():
        raise error
    bandwidths = [traffic / seconds / 1e9 for seconds in samples["copy"]]
    spread = Spread.of(bandwidths)
    return {
        "framework": framework,
        "bytes": traffic,
        "gb_per_s": spread.median,
        "low": spread.low,
        "high": spread.high,
    }


def _plotted(record: dict[str, Any], path: Path, console: Console) -> list[Path]:
    lines = [line for line in series(record["cells"]) if line.axis == "N"]
    lines = [line for line in lines if len(line.at) > 1]
    # One dtype: float32 where it was measured.
    lines = [line for line in lines if line.dtype == max(x.dtype for x in lines)]
    if not lines:
        return []
    try:
        from conformance.bench.plot import draw_plot
    except ModuleNotFoundError as error:
        console.print(f"no plot: {error.name} is not installed")
        return []
    device = record["header"]["device"]
    machine = device.get("gpu", f"{cores()} cores of {device['cpu']}")
    draw_plot(lines, path, machine)
    return [path]


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / "bench.tmp"
        probe.touch()
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"--out: cannot write {folder} ({reason}).") from error
    return folder


def _write(record: dict[str, Any], path: Path) -> None:
    # Aside and renamed: stopping here leaves what was written before.
    fresh = path.with_suffix(".tmp")
    fresh.write_text(_text(record))
    os.replace(fresh, path)


def _text(record: dict[str, Any]) -> str:
    """Returns JSON with a line for each cell and each bar."""
    strict = partial(json.dumps, allow_nan=False)
    parts = []
    for key, value in record.items():
        text = strict(value)
        if key == "cells":
            lines = (f"{strict(name)}: {strict(cell)}" for name, cell in value.items())
            text = "{\n" + ",\n".join(lines) + "\n}"
        elif key == "bars":
            text = "[\n" + ",\n".join(map(strict, value)) + "\n]"
        parts.append(f"{strict(key)}: {text}")
    return "{" + ",\n".join(parts) + "}\n"

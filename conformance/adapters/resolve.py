"""From the text given to ``--impl`` to an adapter."""

import importlib
import re
import sys
from pathlib import Path

from conformance.adapters.exec_runtime import from_command
from conformance.adapters.functions import from_functions
from conformance.adapters.protocol import Adapter
from conformance.errors import UsageError

IMPLEMENTATIONS = {"numpy": "refimpl", "torch": "torch_impl", "jax": "jax_impl"}
ACCEPTED = (
    f"{', '.join(IMPLEMENTATIONS)}, peer:library, py:package.module:attribute or "
    "exec:program"
)
# How an implementation's name begins.
_NAME = re.compile(rf"\s*((py|peer|exec):|({'|'.join(IMPLEMENTATIONS)})\s*$)")


def split_names(text: str) -> list[str]:
    """Splits a comma-separated option into its distinct parts.

    A program may have commas of its own: what follows one there belongs to it unless it
    looks like another implementation.

    Example:
        >>> split_names("numpy, torch,exec:./port --classes 1,2,py:mine:adapter")
        ['numpy', 'torch', 'exec:./port --classes 1,2', 'py:mine:adapter']
    """
    names: list[str] = []
    for part in text.split(","):
        if names and names[-1].strip().startswith("exec:") and not _NAME.match(part):
            names[-1] += f",{part}"
        else:
            names.append(part)
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))


def resolve(name: str) -> Adapter:
    """Makes the adapter that an implementation's name stands for.

    Args:
        name: ``numpy``, ``torch``, ``jax``, ``peer:library``,
            ``py:package.module:attribute`` or ``exec:program argument …``.

    Returns:
        The adapter, not started.

    Raises:
        UsageError: The name is not of this form, or what it names cannot be imported.
    """
    if name in IMPLEMENTATIONS:
        return _own(name)
    kind, _, rest = name.partition(":")
    if kind == "exec":
        return from_command(name)
    if kind == "peer":
        from conformance.peers import adapter  # only where it is asked for

        return adapter(rest)
    module_name, _, attribute = rest.rpartition(":")
    if kind != "py" or not module_name or not attribute.isidentifier():
        raise UsageError(f"--impl: expected {ACCEPTED}, got {name!r}.")
    return _third_party(name, module_name, attribute)


def _own(name: str) -> Adapter:
    from conformance.registry import OPERATIONS

    try:
        module = importlib.import_module(IMPLEMENTATIONS[name])
        names = [known for op in OPERATIONS for known in (op, f"{op}_grad")]
        functions = {
            known: getattr(module, known) for known in names if hasattr(module, known)
        }
        version = getattr(importlib.import_module(name), "__version__", "unknown")
        return from_functions(functions, framework=name, name=name, version=version)
    except ImportError as error:
        raise UsageError(
            f"--impl {name}: cannot import {IMPLEMENTATIONS[name]} ({error}); "
            f"install equipoise[{name}] or choose other implementations."
        ) from error


def _third_party(name: str, module_name: str, attribute: str) -> Adapter:
    # The console script does not put the working directory on the path; `-m` does.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise UsageError(
            f"--impl {name}: cannot import {module_name} "
            f"({type(error).__name__}: {error})."
        ) from error
    adapter = getattr(module, attribute, None)
    if adapter is None:
        raise UsageError(f"--impl {name}: {module_name} has no {attribute}.")
    missing = [m for m in ("start", "eval", "stop") if not hasattr(adapter, m)]
    if missing:
        raise UsageError(
            f"--impl {name}: expected an adapter with start, eval and stop, "
            f"got {type(adapter).__name__} without {', '.join(missing)}."
        )
    return adapter

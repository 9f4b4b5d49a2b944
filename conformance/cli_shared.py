"""What commands in several files have in common."""

import os
from collections.abc import Collection
from pathlib import Path

from conformance.adapters.resolve import split_names
from conformance.errors import UsageError

IMPLS = "numpy,torch,jax"


def keep_compilations() -> None:
    """Lets JAX keep what it compiles, as torch does, unless the user chose otherwise.

    The suite compiles hundreds of tiny programs, which JAX by itself would not keep.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache / "equipoise" / "jax"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


def names_in(option: str, text: str) -> list[str]:
    """Returns the names that an option holds.

    Raises:
        UsageError: It holds none.
    """
    names = split_names(text)
    if not names:
        raise UsageError(f"{option}: expected at least one name, got {text!r}.")
    return names


def check(option: str, value: str, accepted: Collection[str]) -> None:
    """Checks an option's value.

    Raises:
        UsageError: It is none of those accepted.
    """
    if value not in accepted:
        raise UsageError(f"{option}: expected {', '.join(accepted)}, got {value!r}.")

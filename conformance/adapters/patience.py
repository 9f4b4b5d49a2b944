"""How long a program of a user may take for a case."""

import os

from conformance.adapters.exec_runtime import TIMEOUT_VARIABLE
from conformance.errors import UsageError


def set_timeout(seconds: float | None) -> None:
    """Says how long a program may take; worker processes inherit it.

    Args:
        seconds: For a case; None leaves it as it is.

    Raises:
        UsageError: It is no time that ends.
    """
    if seconds is None:
        return
    if not 0 < seconds < float("inf"):
        raise UsageError(f"--timeout: expected seconds > 0, got {seconds:g}.")
    os.environ[TIMEOUT_VARIABLE] = str(seconds)

"""What became of a question that got no numbers."""

from dataclasses import replace

from conformance.adapters import (
    Errored,
    NotImplementedOperation,
    Response,
    Skipped,
)
from conformance.profiles.judge import Result
from conformance.profiles.severity import lost_by_silence

STATUS = {
    Skipped: "skipped",
    Errored: "errored",
    NotImplementedOperation: "not_implemented",
}


def unanswered(result: Result, response: Response) -> Result:
    """The result of a question that got no numbers.

    Args:
        result: The blank result.
        response: What came instead.

    Returns:
        The result with status and reason; an error loses a level.
    """
    if isinstance(response, Errored):
        reason = f"{response.kind}: {response.message}"
    else:
        reason = getattr(response, "reason", repr(response))
    # Anything that is not a message of the protocol is a fault of the adapter.
    status = STATUS.get(type(response), "errored")
    silent = lost_by_silence(result.group, result.profile)
    lost = silent if status == "errored" else ""
    return replace(result, status=status, reason=reason, lost=lost)

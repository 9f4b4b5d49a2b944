"""Judges any program that speaks the protocol on its standard input and output."""

import os
import shlex
import shutil
from collections.abc import Callable, Sequence

from conformance.adapters import exec_shards
from conformance.adapters.exec_answers import (
    SLACK,
    Message,
    capabilities_of,
    longest,
    parse,
    response_of,
)
from conformance.adapters.exec_process import FaultError, Program
from conformance.adapters.protocol import (
    Capabilities,
    Errored,
    Request,
    Response,
    Skipped,
)
from conformance.adapters.wire import (
    UnspeakableError,
    WireError,
    eval_line,
    start_line,
    stop_line,
)
from conformance.errors import UsageError

TIMEOUT_S = 10.0
# Worker processes make adapters from their names alone, so this travels beside them.
TIMEOUT_VARIABLE = "EQUIPOISE_CASE_TIMEOUT_S"
# So that a run ends, however a program fails: in a row, and of hours that it may hang.
FAULTS_IN_A_ROW = 3
TIMEOUTS = 12

# Sees every line, with "sent" or "came".
Watch = Callable[[str, str], None]


class ExecAdapter:
    """A program, restarted whenever it does something else than answer.

    Attributes:
        watch: Sees every line that is sent or comes.
    """

    def __init__(
        self, command: Sequence[str], *, timeout_s: float | None = None
    ) -> None:
        """Prepares an adapter.

        Args:
            command: Program and arguments.
            timeout_s: Seconds for each case, as the command line says by default.
        """
        self.watch: Watch | None = None
        self._command = list(command)
        self._timeout_s = _usual_timeout() if timeout_s is None else timeout_s
        self._program: Program | None = None
        self._number = 0
        self._faults = 0
        self._timeouts = 0
        self._gave_up = ""

    def start(self) -> Capabilities:
        """Starts the program and asks what it claims.

        Raises:
            FaultError: It does not answer, or not as the protocol says.
        """
        self._faults = self._timeouts = 0
        self._gave_up = ""
        return self._hire()

    def eval(self, request: Request) -> Response:
        """Answers one request; a program that fails is an answer too."""
        if self._gave_up:
            return Errored("adapter: GaveUp", self._gave_up)
        if request.shards and request.returns == "loss":
            return exec_shards.evaluate_all(self.eval, request)
        try:
            line = eval_line(self._number + 1, request)
        except UnspeakableError as error:
            return Skipped(str(error))
        try:
            if self._program is None:
                self._hire()
                line = eval_line(self._number + 1, request)
            message = self._ask(line, longest(request))
        except FaultError as fault:
            return self._failed(fault)
        self._faults = 0
        try:
            return response_of(message, request)
        except WireError as error:
            # The line was one, so the program can still be asked.
            return Errored("adapter: ProtocolError", str(error))

    def stop(self) -> None:
        """Ends the program."""
        if self._program is not None:
            self._number += 1
            line = stop_line(self._number)
            self._tell("sent", line)
            self._program.stop(f"{line}\n".encode())
            self._program = None

    def let_go(self) -> None:
        """Ends the program while another thread may be waiting for its answer."""
        program = self._program
        self._gave_up = "it was let go"
        if program is not None:
            program.kill()

    def pids(self) -> list[int]:
        """Number of the process of the program, while it lives."""
        return [] if self._program is None else [self._program.pid]

    def _hire(self) -> Capabilities:
        self.stop()
        self._program = Program(self._command)
        message = self._ask(start_line(self._number + 1), SLACK)
        try:
            return capabilities_of(message)
        except WireError as error:
            self._end()
            raise FaultError("ProtocolError", str(error)) from error

    def _ask(self, line: str, limit: int) -> Message:
        """Exchanges a message; a program at fault is ended."""
        program = self._program
        if program is None:
            raise FaultError("CrashError", "it is not running")
        self._number += 1
        try:
            self._tell("sent", line)
            answer = program.ask(f"{line}\n".encode(), limit, self._timeout_s)
            self._tell("came", answer.decode("ascii", "backslashreplace"))
            return parse(answer, self._number)
        except WireError as error:
            fault = FaultError("ProtocolError", str(error))
        except FaultError as found:
            fault = found
        except BaseException:
            # Interrupted between question and answer, it would answer the wrong one.
            self._end()
            raise
        words = program.last_words()
        self._end()
        heard = f"{fault}; last on its standard error: {words}" if words else str(fault)
        raise FaultError(fault.kind, heard)

    def _end(self) -> None:
        if self._program is not None:
            self._program.end()
            self._program = None

    def _failed(self, fault: FaultError) -> Errored:
        self._faults += 1
        self._timeouts += fault.kind == "TimeoutError"
        if self._faults >= FAULTS_IN_A_ROW or self._timeouts >= TIMEOUTS:
            times = f"{self._faults} faults in a row"
            if self._faults < FAULTS_IN_A_ROW:
                times = f"{self._timeouts} times no answer"
            self._gave_up = f"not asked after {times}, the last {fault.kind}: {fault}"
        return Errored(f"adapter: {fault.kind}", str(fault))

    def _tell(self, direction: str, line: str) -> None:
        if self.watch is not None:
            self.watch(direction, line)


def from_command(name: str) -> ExecAdapter:
    """Makes the adapter of ``exec:program argument …``.

    Args:
        name: As given to ``--impl``.

    Returns:
        The adapter, not started.

    Raises:
        UsageError: There is no such program.
    """
    try:
        command = shlex.split(name.partition(":")[2])
    except ValueError as error:
        raise UsageError(f"--impl {name}: cannot be split ({error}).") from error
    if not command:
        raise UsageError(f"--impl: expected exec:program, got {name!r}.")
    program = shutil.which(command[0])
    if program is None:
        there = os.path.exists(command[0])
        what = "a file that may be executed" if there else "a program"
        raise UsageError(f"--impl {name}: expected {what}, got {command[0]!r}.")
    return ExecAdapter([os.path.abspath(program), *command[1:]])


def _usual_timeout() -> float:
    return float(os.environ.get(TIMEOUT_VARIABLE) or TIMEOUT_S)

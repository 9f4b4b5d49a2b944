"""A program in a process of its own, asked line by line and within limits.

Whatever it does instead of answering ends in a :class:`FaultError` within the time that
it has; how much of it is kept in memory is limited beforehand.
"""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
import weakref
from collections.abc import Sequence
from typing import IO

CHUNK = 1 << 16
# Of standard error the end is kept, where the reason of a crash usually stands.
TAIL = 4000
SHOWN = 300
# A program that was told to stop, or whose pipe has closed, gets this long to end.
GRACE_S = 0.5


class FaultError(Exception):
    """A program did something else than answer.

    Attributes:
        kind: ``TimeoutError``, ``CrashError``, ``LimitError`` or ``ProtocolError``.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Program:
    """A running program; it ends when this object does, or this process."""

    def __init__(self, command: Sequence[str]) -> None:
        """Starts it.

        Args:
            command: Program and arguments.

        Raises:
            FaultError: It cannot be started.
        """
        try:
            self._process = subprocess.Popen(
                [*_bound_to_us(), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                # Ctrl-C is for us; and what stays in its group is ended with it.
                start_new_session=True,
            )
        except OSError as error:
            raise FaultError("CrashError", f"cannot be started: {error}") from error
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._in, self._out, self._err = (pipe for pipe in pipes if pipe)
        for pipe in (self._in, self._out, self._err):
            os.set_blocking(pipe.fileno(), False)
        self._tail = b""
        self._end = weakref.finalize(self, _end, self._process)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def ask(self, line: bytes, limit: int, timeout_s: float) -> bytes:
        """Sends a line and waits for one.

        Args:
            line: What to send, with its end.
            limit: Bytes that the answer may have.
            timeout_s: Seconds until it must be here.

        Returns:
            The answer, without the end of the line.

        Raises:
            FaultError: There is none; the program must be ended then.
        """
        self._expect_silence()
        # Most lines fit into the pipe, and there is nothing to wait for then.
        unsent = memoryview(line)[self._send(memoryview(line)) :]
        with selectors.PollSelector() as ready:
            if unsent:
                ready.register(self._in, selectors.EVENT_WRITE)
            ready.register(self._out, selectors.EVENT_READ)
            ready.register(self._err, selectors.EVENT_READ)
            return self._exchange(ready, unsent, limit, timeout_s)

    def stop(self, line: bytes) -> None:
        """Tells the program to stop, and ends it if it does not."""
        try:
            self._in.write(line)
            self._in.close()
            self._process.wait(GRACE_S)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self.end()

    def end(self) -> None:
        """Ends the program and all processes of its group."""
        self._end()

    def kill(self) -> None:
        """Ends the program; whoever waits for it sees its pipes close."""
        _kill(self._process)

    def last_words(self) -> str:
        """Returns the end of what it wrote to standard error, for people."""
        self._listen()
        text = self._tail.decode("utf-8", "replace").strip()
        clean = "".join(c if c.isprintable() else " " for c in text)
        return clean[-SHOWN:]

    def _exchange(
        self,
        ready: selectors.BaseSelector,
        unsent: memoryview,
        limit: int,
        timeout_s: float,
    ) -> bytes:
        deadline = time.monotonic() + timeout_s
        answer = bytearray()
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise FaultError("TimeoutError", f"no answer in {timeout_s:g} s")
            pipes = [key.fileobj for key, _ in ready.select(left)]
            if self._err in pipes and not self._listen(1):
                ready.unregister(self._err)
            if self._in in pipes:
                unsent = unsent[self._send(unsent) :]
                if not unsent:
                    ready.unregister(self._in)
            if self._out in pipes:
                chunk = self._read()
                answer += chunk
                if b"\n" in chunk:
                    return _one_line(answer, unsent, limit)
                if len(answer) > limit:
                    raise _too_long(limit)

    def _expect_silence(self) -> None:
        """Raises if it spoke, or ended, before it was asked."""
        try:
            early = self._out.read(CHUNK)
        except OSError:
            early = None
        if early == b"":
            raise self._ended("before it was asked, after its last answer")
        if early:
            raise FaultError(
                "ProtocolError",
                f"expected one line for each message, got {early[:60]!r} unasked",
            )

    def _send(self, unsent: memoryview) -> int:
        try:
            return self._in.write(unsent[:CHUNK]) or 0
        except BrokenPipeError as error:
            raise self._ended("before it had read the message") from error

    def _read(self) -> bytes:
        chunk = self._out.read(CHUNK)
        if chunk == b"":
            raise self._ended("instead of answering")
        return chunk or b""

    def _listen(self, chunks: int = 16) -> bool:
        """Takes what stands in standard error; tells whether there may be more."""
        for _ in range(chunks):
            try:
                chunk = self._err.read(CHUNK)
            except (OSError, ValueError):
                return False
            if chunk is None:
                return True
            if not chunk:
                return False
            self._tail = (self._tail + chunk)[-TAIL:]
        return True

    def _ended(self, when: str) -> FaultError:
        try:
            status = self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            return FaultError("CrashError", f"closed its pipe {when}")
        how = f"ended with status {status}"
        if status < 0:
            how = f"was ended by {signal.Signals(-status).name}"
        return FaultError("CrashError", f"{how} {when}")


def _one_line(answer: bytearray, unsent: memoryview, limit: int) -> bytes:
    line, _, rest = answer.partition(b"\n")
    if len(line) > limit:
        raise _too_long(limit)
    if rest:
        raise FaultError(
            "ProtocolError", f"expected one line, got another: {bytes(rest[:60])!r}"
        )
    if unsent:
        raise FaultError(
            "ProtocolError",
            f"answered before it had read the message, with {bytes(line[:60])!r}",
        )
    return bytes(line)


def _too_long(limit: int) -> FaultError:
    message = f"expected a line of at most {limit} bytes, got more"
    return FaultError("LimitError", message)


def _bound_to_us() -> list[str]:
    """Returns what makes Linux end a program with its parent, if it is there."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: "subprocess.Popen[bytes]") -> None:
    _kill(process)
    pipes: tuple[IO[bytes] | None, ...]
    pipes = (process.stdin, process.stdout, process.stderr)
    for pipe in pipes:
        if pipe:
            pipe.close()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        # Not even killed: nothing more can be done about it here.
        return

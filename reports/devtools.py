"""A Chromium of one's own, told what to do over a pipe: the Chrome DevTools Protocol, as far as printing needs it.

Messages are JSON, each ended by a null byte; the browser reads them from file descriptor 3 and answers on 4
(`--remote-debugging-pipe`; https://chromedevtools.github.io/devtools-protocol/). No port is opened.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
)
LAUNCH = """
import fcntl, os, sys
reads, writes, *command = sys.argv[1:]
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in (reads, writes)]
os.dup2(ends[0], 3), os.dup2(ends[1], 4)
os.execvp(command[0], command)
"""
"""Lays the pipe's ends where the browser looks for them, then becomes it."""


class BrowserError(Exception):
    """The browser did not start, answer in time, or do what it was asked; the message says which."""


class Refused(BrowserError):
    """The browser answered that it could not do this, now."""


class Browser:
    """A headless browser with a profile of its own; `with` ends it. One page at a time."""

    def __init__(self, program: str, seconds: float) -> None:
        self.program = program
        self.deadline = time.monotonic() + seconds
        self.seconds = seconds
        self.session: str | None = None
        self.sent = 0
        self.heard = b""

    def __enter__(self) -> Browser:
        self.place = tempfile.TemporaryDirectory(prefix="knowshift-browser-", ignore_cleanup_errors=True)
        commands, self.tell = os.pipe()
        self.hear, answers = os.pipe()
        # Chromium will not start as root within its sandbox.
        flags = [*FLAGS, f"--user-data-dir={self.place.name}/profile", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        command = [sys.executable, "-c", LAUNCH, str(commands), str(answers), self.program, *flags, "about:blank"]
        self.log = Path(self.place.name) / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                pass_fds=(commands, answers),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(commands)
        os.close(answers)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self.tell)  # a browser whose pipe is closed ends by itself
        try:
            self.process.wait(5 if kind is None else 0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.hear)
        self.place.cleanup()

    def open(self, url: str) -> None:
        """Open a page, which the methods below speak to."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        if failed := self.call("Page.navigate", url=url).get("errorText"):
            raise BrowserError(failed)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"].get("text", "the page's script failed")))
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until the expression is true in the page, which may not be there yet."""
        while True:
            with suppress(Refused):
                if self.evaluate(expression):
                    return
            time.sleep(0.05)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result. Raises BrowserError."""
        self.sent += 1
        message: dict[str, Any] = {"id": self.sent, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        with suppress(BrokenPipeError):  # a browser that ended is noticed below, with what it said
            os.write(self.tell, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self.sent:
            pass
        if "error" in answer:
            raise Refused(f"{method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        """Return the browser's next message."""
        parts = [self.heard]
        while b"\0" not in parts[-1]:
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([self.hear], [], [], left)[0]:
                raise BrowserError(f"not done after {self.seconds:g} seconds")
            if not (more := os.read(self.hear, 1 << 20)):
                raise BrowserError(self._last_words())
            parts.append(more)
        message, self.heard = b"".join(parts).split(b"\0", 1)
        parsed: dict[str, Any] = json.loads(message)
        return parsed

    def _last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it ended and said nothing"

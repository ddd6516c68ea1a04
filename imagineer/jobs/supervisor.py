"""Keeps a handful of programs running in one terminal.

Written for three things that Procfile runners lack: a program that dies is started again alone,
what others depend on starts first and stops last, and nothing survives when this process is
killed. One thread, no Django.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from imagineer.jobs.child_process import kill_group, start_child

STOP_PATIENCE = 8.0
# A program that lived so long has started well: its next restart does not wait.
SETTLED = 10.0
LONGEST_PAUSE = 15.0
COLOURS = (36, 33, 32, 35, 34, 96, 93)


@dataclass(frozen=True)
class Program:
    """What to run. keep: start it again when it ends; foundation: stopped after all others."""

    name: str
    args: Sequence[str]
    keep: bool = True
    foundation: bool = False
    on_success: Callable[[], None] | None = None


@dataclass
class _Running:
    program: Program
    colour: int
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    failures: int = 0
    next_start: float | None = field(default=0.0)
    partial_line: bytes = b""


class Supervisor:
    """Runs programs until SIGINT or SIGTERM; a second signal kills what has not stopped yet."""

    def __init__(self, cwd: Path, environment: dict[str, str]) -> None:
        self.cwd = cwd
        self.environment = environment
        self.stopping = False
        self._hurry = False
        self._all: list[_Running] = []
        self._selector = selectors.DefaultSelector()
        self._colourful = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def add(self, program: Program) -> None:
        """Run this from now on."""
        self._all.append(_Running(program, COLOURS[len(self._all) % len(COLOURS)]))

    def run(self, tick: Callable[[], None]) -> None:
        """Start everything, call ``tick`` a few times a second, return when all have stopped."""
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        try:
            while not self.stopping:
                self._start_due()
                self._read(0.1)
                self._reap()
                if not self.stopping:
                    tick()
            self.say("Stopping …")
        finally:
            self._stop([one for one in self._all if not one.program.foundation])
            self._stop([one for one in self._all if one.program.foundation])

    def say(self, text: str) -> None:
        """A line of the supervisor's own."""
        print(text, flush=True)  # noqa: T201

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._hurry = self.stopping
        self.stopping = True

    def _start_due(self) -> None:
        now = time.monotonic()
        for one in self._all:
            if one.process is None and one.next_start is not None and one.next_start <= now:
                self._start(one)

    def _start(self, one: _Running) -> None:
        one.process = start_child(
            one.program.args,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.cwd,
            env=self.environment,
        )
        one.started = time.monotonic()
        one.next_start = None
        assert one.process.stdout is not None
        os.set_blocking(one.process.stdout.fileno(), False)
        self._selector.register(one.process.stdout, selectors.EVENT_READ, one)

    def _read(self, seconds: float) -> None:
        """Pass on what the programs print, line by line, marked with their names."""
        for key, _ in self._selector.select(seconds):
            self._pass_on(key.data)

    def _pass_on(self, one: _Running) -> None:
        assert one.process is not None
        assert one.process.stdout is not None
        data = one.process.stdout.read()
        if data == b"":
            self._selector.unregister(one.process.stdout)
        *lines, one.partial_line = (one.partial_line + (data or b"")).split(b"\n")
        for line in lines:
            self._print(one, line)

    def _print(self, one: _Running, line: bytes) -> None:
        name = f"{one.program.name:<14}│"
        if self._colourful:
            name = f"\x1b[{one.colour}m{name}\x1b[0m"
        print(name, line.decode(errors="replace").rstrip("\r"), flush=True)  # noqa: T201

    def _reap(self) -> None:
        for one in self._all:
            if one.process is not None and one.process.poll() is not None:
                code = self._forget(one)
                if one.program.keep:
                    self._plan_restart(one, code)
                elif code == 0 and one.program.on_success:
                    one.program.on_success()

    def _forget(self, one: _Running) -> int:
        """Clear away a program that has ended, with all that it left behind; its exit code."""
        assert one.process is not None
        assert one.process.stdout is not None
        if one.process.stdout in self._selector.get_map():
            self._pass_on(one)
        if one.partial_line:
            self._print(one, one.partial_line)
            one.partial_line = b""
        if one.process.stdout in self._selector.get_map():
            self._selector.unregister(one.process.stdout)
        one.process.stdout.close()
        kill_group(one.process.pid)
        code = one.process.returncode
        one.process = None
        return code

    def _plan_restart(self, one: _Running, code: int) -> None:
        lived = time.monotonic() - one.started
        one.failures = 0 if lived > SETTLED else one.failures + 1
        pause = min(0.25 * 2**one.failures, LONGEST_PAUSE) if one.failures > 1 else 0.1
        one.next_start = time.monotonic() + pause
        self.say(f"{one.program.name} ended ({_how(code)}); it starts again in {pause:.1f} s")

    def _stop(self, group: list[_Running]) -> None:
        """SIGTERM to all of them, SIGKILL to those that take too long."""
        running = [one for one in group if one.process is not None]
        for one in running:
            assert one.process is not None
            one.process.terminate()
        deadline = time.monotonic() + STOP_PATIENCE
        while any(one.process for one in running):
            self._read(0.05)
            if self._hurry or time.monotonic() > deadline:
                for one in running:
                    if one.process is not None:
                        kill_group(one.process.pid)
            for one in running:
                if one.process is not None and one.process.poll() is not None:
                    self._forget(one)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"

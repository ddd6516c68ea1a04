"""The trainer's process, seen from the job that started it."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from imagineer.jobs.child_process import start_child, stop_child
from imagineer.jobs.registry import JobContext, JobFailed
from imagineer.words import span

LOOK_EVERY = 0.2
KEEP_EVERY = 2.0
GRACE = 1.0


class Progress:
    """What the trainer's events mean for the job.

    losses: one for each step so far; keep(losses) is called every KEEP_EVERY seconds.
    """

    def __init__(
        self, context: JobContext, total: int, keep: Callable[[list[float]], None]
    ) -> None:
        self.context, self.total, self.keep = context, total, keep
        self.losses: list[float] = []
        self.failure = ""
        self._kept = time.monotonic()
        self._began = (0, time.monotonic())

    def handle(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "message":
            self.context.progress(len(self.losses), self.total, event["text"])
        elif kind == "start":
            self.losses = list(event["losses"])
            self._began = (len(self.losses), time.monotonic())
            if self.losses:
                self.context.log(f"Going on after step {len(self.losses)}")
        elif kind == "step":
            self.losses.append(event["loss"])
            self.context.progress(len(self.losses), self.total, self._message())
        elif kind == "checkpoint":
            self.context.log(f"Saved the LoRA of step {event['step']}")
        elif kind == "done":
            self.context.log(f"Trained {self.total} steps, loss {event['loss']:.4f}")
        elif kind == "failed":
            self.failure = event["text"]

    def look(self) -> None:
        """Called several times a second; raises JobCancelled when the job should stop."""
        now = time.monotonic()
        if now - self._kept >= KEEP_EVERY:
            self._kept = now
            self.keep(self.losses)
        self.context.check_cancelled()

    def _message(self) -> str:
        done = len(self.losses)
        recent = self.losses[-20:]
        message = f"step {done} of {self.total}, loss {sum(recent) / len(recent):.4f}"
        first, began = self._began
        if done - first >= 5:
            left = (self.total - done) * (time.monotonic() - began) / (done - first)
            message += f", about {span(left)} left"
        return message


def run(task: Path, log: Path, progress: Progress) -> None:
    """Run the trainer to its end. Raises JobFailed with a sentence, or what progress raises.

    The process is asked to stop when anything is raised here: it saves what it has learned.
    """
    with log.open("ab") as stderr:
        process = start_child(
            [sys.executable, "-m", "training.lora_trainer", task],
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=Path(settings.BASE_DIR),
            env=_environment(),
        )
    try:
        for event in _events(process, progress.look):
            progress.handle(event)
        code = process.wait()
    finally:
        stop_child(process, grace=GRACE)
        if process.stdout:
            process.stdout.close()
    if code != 0:
        raise JobFailed(_failure(code, progress.failure)) from RuntimeError(_tail(log))


def _environment() -> dict[str, str]:
    # A bar for every file that is loaded would fill the log.
    quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TRANSFORMERS_VERBOSITY": "error"}
    # Threads that wait in a loop slow everything down, themselves most, when the cores are busy.
    return {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, **quiet, "PYTHONUNBUFFERED": "1"}


def _events(
    process: "subprocess.Popen[bytes]", look: Callable[[], None]
) -> Iterator[dict[str, Any]]:
    """The trainer's lines as they come, until it closes its output."""
    assert process.stdout is not None
    stream: IO[bytes] = process.stdout
    rest = b""
    while True:
        look()
        if not select.select([stream], [], [], LOOK_EVERY)[0]:
            continue
        read = os.read(stream.fileno(), 65536)
        if not read:
            return
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _failure(code: int, said: str) -> str:
    if said:
        return said
    if code == -9:
        return (
            "The training process was killed; most likely the memory did not suffice. "
            "Choose a smaller batch or size."
        )
    return f"The training process ended unexpectedly (code {code}). The log has the cause."


def _tail(log: Path, limit: int = 4000) -> str:
    text = log.read_bytes()[-limit:].decode("utf-8", "replace")
    return f"the trainer's last words:\n{text}"

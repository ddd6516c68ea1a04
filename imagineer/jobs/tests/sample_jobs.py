"""Kinds of job for tests with real processes: they leave traces that can be counted.

Every item is a file (temporary name, then renamed) and then a row, as real runners do it. A job
holds a lock while it runs, so two executions at the same time betray themselves.
"""

import ctypes
import fcntl
import os
import sys
import time
from pathlib import Path
from typing import Any

from django.db import connection

from imagineer.jobs import registry
from imagineer.jobs.child_process import start_child
from imagineer.jobs.models import Queue
from imagineer.jobs.registry import JobContext, JobFailed, Partial

TABLE = (
    "CREATE TABLE IF NOT EXISTS sample_item (job TEXT, number INTEGER, PRIMARY KEY (job, number))"
)


def make_items(context: JobContext) -> dict[str, Any] | Partial:
    """Write `items` files and rows in `folder`, each after `seconds`."""
    folder = Path(context.job.params["folder"])
    count = context.job.params["items"]
    with (folder / "running.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            (folder / f"overlap-{os.getpid()}").touch()
            raise JobFailed("Two executions at the same time.") from None
        for number in range(count):
            if not _is_done(context, number):
                time.sleep(context.job.params["seconds"])
                _make(context, folder, number)
            context.progress(number + 1, count, f"item {number}")
    if context.job.params.get("partial"):
        return Partial({"items": count}, "One item failed.")
    return {"items": count}


def _is_done(context: JobContext, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM sample_item WHERE job = %s AND number = %s",
            [str(context.job.pk), number],
        )
        return cursor.fetchone() is not None


def _make(context: JobContext, folder: Path, number: int) -> None:
    temporary = folder / f"item-{number}.part"
    temporary.write_text(f"item {number}")
    temporary.rename(folder / f"item-{number}")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sample_item (job, number) VALUES (%s, %s)", [str(context.job.pk), number]
        )


def wait_politely(context: JobContext) -> None:
    """Run until cancelled, asking at every step as a denoising loop does."""
    (Path(context.job.params["folder"]) / "started").write_text(str(os.getpid()))
    while True:
        context.check_cancelled()
        time.sleep(0.02)


def wait_deafly(context: JobContext) -> None:
    """Never ask: stuck in C code that keeps the interpreter lock and cannot be interrupted."""
    (Path(context.job.params["folder"]) / "started").write_text(str(os.getpid()))
    sum(range(10**15))


def wait_with_child(context: JobContext) -> None:
    """Keep a child that keeps a child, and never ask."""
    folder = Path(context.job.params["folder"])
    grandchild = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {NAP!r}])"
    child = start_child([sys.executable, "-c", grandchild], cwd=folder)
    (folder / "started").write_text(str(child.pid))
    child.wait()


NAP = (
    "import os, pathlib, time; pathlib.Path('grandchild').write_text(str(os.getpid()));"
    "time.sleep(600)"
)

_kept: dict[str, int] = {}


def count_in_memory(context: JobContext) -> dict[str, int]:
    """Tell how many jobs this process has run before, as a warm pipeline would be kept."""
    _kept["runs"] = _kept.get("runs", 0) + 1
    return {"runs": _kept["runs"], "pid": os.getpid()}


def crash(context: JobContext) -> None:
    """Die as a segmentation fault in a library does."""
    ctypes.string_at(0)


def chatter(context: JobContext) -> dict[str, int]:
    """Log a line at every step and progress through `items` steps."""
    for number in range(context.job.params["items"]):
        context.log(f"line {number}")
        context.progress(number + 1, context.job.params["items"])
        time.sleep(context.job.params["seconds"])
    return {}


RUNNERS: dict[str, registry.Runner] = {
    "items": make_items,
    "polite": wait_politely,
    "deaf": wait_deafly,
    "family": wait_with_child,
    "count": count_in_memory,
    "crash": crash,
    "chatter": chatter,
}


def register_all() -> None:
    """Every sample kind on every queue: default.items, gpu.deaf, …"""
    for queue in Queue:
        for verb, run in RUNNERS.items():
            registry.register(f"{queue}.{verb}", queue=queue, run=run, label="Sample")

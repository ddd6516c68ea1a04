"""The flag that a signal raises in a worker's child, seen at every step of a runner.

SIGUSR1 asks to cancel the running job, SIGTERM to lay it down because the worker is stopped.
Setting an attribute is all a handler does: it may interrupt any line of any library.
"""

import signal
from types import FrameType

CANCEL = signal.SIGUSR1
STOP = signal.SIGTERM


class _Flags:
    cancelled = False
    stopped = False


flags = _Flags()


def clear() -> None:
    """Before a job starts."""
    flags.cancelled = False
    flags.stopped = False


def install() -> None:
    """In a worker's child, main thread. Ctrl-C is the parent's business."""
    signal.signal(CANCEL, _on_cancel)
    signal.signal(STOP, _on_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _on_cancel(number: int, frame: FrameType | None) -> None:
    flags.cancelled = True


def _on_stop(number: int, frame: FrameType | None) -> None:
    flags.stopped = True

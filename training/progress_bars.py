"""Jobs as progress bars in a terminal, or as lines where there is none."""

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from imagineer.jobs.models import Job, Status

MARKS = {
    Status.QUEUED: "waiting",
    Status.RUNNING: "running",
    Status.COMPLETED: "[green]done[/]",
    Status.PARTIAL: "[yellow]partly failed[/]",
    Status.FAILED: "[red]failed[/]",
    Status.CANCELLED: "[yellow]cancelled[/]",
}


class JobBars:
    """One bar a job, drawn while the context lasts."""

    def __init__(self, jobs: Sequence[Job], console: Console | None = None) -> None:
        self.console = console or Console()
        self._progress = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[message]}"),
            console=self.console,
        )
        self._tasks: dict[object, TaskID] = {}
        self._states: dict[object, str] = {}
        for job in jobs:
            self._tasks[job.pk] = self._progress.add_task(
                escape(job.title), start=False, total=None, state=MARKS[Status.QUEUED], message=""
            )

    def __enter__(self) -> "JobBars":
        if self.console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.console.is_terminal:
            self._progress.stop()

    def update(self, jobs: Sequence[Job]) -> bool:
        """Show these rows; whether all of them have ended."""
        for job in jobs:
            self._show(job)
        return all(job.has_ended for job in jobs)

    def _show(self, job: Job) -> None:
        changed = self._states.get(job.pk) != job.status
        self._states[job.pk] = job.status
        if changed and not self.console.is_terminal:
            self.console.print(f"{escape(job.title)}: {MARKS[Status(job.status)]}")
        task = self._tasks[job.pk]
        if changed and job.status == Status.RUNNING:
            self._progress.start_task(task)
        if changed and job.has_ended:
            self._progress.stop_task(task)
        self._progress.update(
            task,
            total=job.progress_total or None,
            completed=job.progress_done,
            state=MARKS[Status(job.status)],
            message=escape(job.message if not job.has_ended else ""),
        )

"""The whole platform in one terminal: what `make run` calls."""

import http.client
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from imagineer.jobs import startup
from imagineer.jobs.child_process import start_child
from imagineer.jobs.models import Queue
from imagineer.jobs.supervisor import Program, SupervisorEnded, supervise


class Command(BaseCommand):
    help = "Start everything: queue server, web server and workers, until Ctrl-C."
    requires_system_checks = []
    welcomed = False
    demo: "subprocess.Popen[bytes] | None" = None

    def handle(self, *args: Any, **options: Any) -> None:
        lock = startup.lock_data_folder()
        startup.check_port()
        if startup.migrate():
            self.stdout.write("The database is up to date.")
        if startup.collect_static():
            self.stdout.write("Static files are collected.")
        connections.close_all()
        environment = dict(os.environ, PYTHONUNBUFFERED="1")
        try:
            supervise(programs(), settings.DATA_DIR / "run", environment, self.greet_once)
        except SupervisorEnded as error:
            raise CommandError(f"{error}. Everything has stopped; start again.") from None
        self.stdout.write("Stopped.")
        os.close(lock)

    def greet_once(self) -> bool:
        """At the web server's first answer, tell where to go and start the demo. Never ends it."""
        if self.welcomed:
            self.note_end_of_demo()
        elif _web_answers():
            self.welcomed = True
            self.greet()
        return False

    def greet(self) -> None:
        created = startup.ensure_admin()
        connections.close_all()
        lines = [f"\n  {settings.SITE_NAME} is ready: {_address()}"]
        if created:
            name, password = created
            lines.append(
                f"  Sign in as {name} with the password {password} (shown only this once)."
            )
        self.stdout.write("\n".join([*lines, "  Ctrl-C stops everything.\n"]))
        self.stdout.flush()
        if settings.DEMO and not _demo_seeded().exists() and "seed_demo" in get_commands():
            manage = settings.BASE_DIR / "manage.py"
            self.demo = start_child([sys.executable, manage, "seed_demo"])

    def note_end_of_demo(self) -> None:
        """Seeding that failed is tried again at the next start."""
        if self.demo and self.demo.poll() is not None:
            if self.demo.returncode == 0:
                _demo_seeded().touch()
            self.demo = None


def programs() -> list[Program]:
    """What runs: the queue server first, unless another one is set, then web and workers."""
    python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
    started = []
    if not settings.REDIS_URL:
        server = [python, "-m", "imagineer.jobs.embedded_redis", str(settings.DATA_DIR)]
        started.append(Program("redis", server, foundation=True))
    started.append(Program("web", [python, "-m", "uvicorn", *_web_options()]))
    started += [
        Program(f"worker-{queue}", [python, manage, "worker", queue]) for queue in Queue.values
    ]
    return started


def _web_options() -> list[str]:
    return [
        "imagineer.asgi:application",
        f"--host={settings.HOST}",
        f"--port={settings.PORT}",
        "--lifespan=off",
        "--no-access-log",
        "--log-level=warning",
        # Event streams never end by themselves.
        "--timeout-graceful-shutdown=2",
    ]


def _demo_seeded() -> Path:
    return Path(settings.DATA_DIR) / "demo-seeded"


def _reachable_host() -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104


def _address() -> str:
    host = _reachable_host()
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}/"


def _web_answers() -> bool:
    web = http.client.HTTPConnection(_reachable_host(), settings.PORT, timeout=2)
    try:
        web.request("GET", "/healthz")
        web.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        web.close()
    return True

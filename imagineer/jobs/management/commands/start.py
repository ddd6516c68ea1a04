"""The whole platform in one terminal: what `make run` calls."""

import http.client
import os
import sys
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand
from django.db import connections

from imagineer.jobs import startup
from imagineer.jobs.models import Queue
from imagineer.jobs.supervisor import Program, Supervisor


class Command(BaseCommand):
    help = "Start everything: queue server, web server and workers, until Ctrl-C."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        lock = startup.lock_data_folder()
        startup.check_port()
        if startup.migrate():
            self.stdout.write("The database is up to date.")
        if startup.collect_static():
            self.stdout.write("Static files are collected.")
        connections.close_all()
        supervisor = Supervisor(settings.BASE_DIR, dict(os.environ, PYTHONUNBUFFERED="1"))
        for program in programs():
            supervisor.add(program)
        supervisor.run(_Welcome(supervisor).tick)
        os.close(lock)


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


class _Welcome:
    """Waits for the web server's first answer, then tells where to go and starts the demo."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.done = False

    def tick(self) -> None:
        if self.done or not _web_answers():
            return
        self.done = True
        created = startup.ensure_admin()
        connections.close_all()
        say = self.supervisor.say
        say(f"\n  {settings.SITE_NAME} is ready: {_address()}")
        if created:
            name, password = created
            say(f"  Sign in as {name} with the password {password} (shown only this once).")
        say("  Ctrl-C stops everything.\n")
        self._start_demo()

    def _start_demo(self) -> None:
        seeded = settings.DATA_DIR / "demo-seeded"
        if not settings.DEMO or seeded.exists() or "seed_demo" not in get_commands():
            return
        manage = str(settings.BASE_DIR / "manage.py")
        demo = [sys.executable, manage, "seed_demo"]
        self.supervisor.add(Program("demo", demo, keep=False, on_success=seeded.touch))


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

"""`manage.py start`: from an empty folder to a running platform, and back to nothing."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from imagineer.jobs import startup
from imagineer.jobs.tests.platform import wait_until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Started:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.output_path = folder / "output"
        self.process = self.begin(self.port, self.output_path)

    def begin(self, port: int, output: Path, data: Path | None = None) -> "subprocess.Popen[bytes]":
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "imagineer.jobs.tests.start_settings",
            "IMAGINEER_DATA": str(self.folder / "data"),
            "PORT": str(self.port),
            "DEMO": "0",
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        return subprocess.Popen(
            [sys.executable, "manage.py", "start"],
            cwd=settings.BASE_DIR, env=environment,
            stdout=self.output_path.open("w"), stderr=subprocess.STDOUT,
        )  # fmt: skip

    @property
    def output(self) -> str:
        return self.output_path.read_text()

    def wait_ready(self) -> None:
        wait_until(lambda: "Ctrl-C stops" in self.output, "the address", 600)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    made = Started(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


@pytest.mark.processes
@pytest.mark.timeout(900)
def test_the_whole_platform_from_an_empty_folder(started: Started) -> None:
    started.wait_ready()
    assert f"http://127.0.0.1:{started.port}/" in started.output
    assert re.search(r"Sign in as admin with the password \S{16} ", started.output)
    wait_until(lambda: started.output.count("jobs is ready") == 3, "workers")

    web = http.client.HTTPConnection("127.0.0.1", started.port, timeout=30)
    web.request("GET", "/healthz")
    assert web.getresponse().status == 200

    family = psutil.Process(started.process.pid).children(recursive=True)
    started.process.send_signal(signal.SIGINT)
    assert started.process.wait(60) == 0
    assert not [one for one in family if one.is_running() and one.status() != "zombie"]


def test_a_second_start_on_the_same_folder_is_refused(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path
    lock = startup.lock_data_folder()
    with pytest.raises(CommandError, match=r"already runs on .* Stop it first"):
        startup.lock_data_folder()
    os.close(lock)
    os.close(startup.lock_data_folder())


def test_a_port_in_use_is_told_before_anything_starts(settings: Any) -> None:
    settings.HOST = "127.0.0.1"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings.PORT = other.getsockname()[1]
        with pytest.raises(CommandError, match=rf"port {settings.PORT} .* set PORT to another"):
            startup.check_port()
    startup.check_port()


def test_a_host_that_is_none_is_told(settings: Any) -> None:
    settings.HOST = "no such host"
    with pytest.raises(CommandError, match="HOST is 'no such host'"):
        startup.check_port()


@pytest.mark.django_db
def test_an_admin_is_made_only_when_there_is_none() -> None:
    created = startup.ensure_admin()
    assert created
    name, password = created
    user = get_user_model().objects.get(username=name)
    assert user.check_password(password)
    assert (user.is_staff, user.is_superuser) == (True, True)
    assert startup.ensure_admin() is None


@pytest.mark.django_db
def test_a_visitors_name_does_not_keep_an_admin_from_being_made() -> None:
    get_user_model().objects.create_user("admin")
    created = startup.ensure_admin()
    assert created
    assert created[0] != "admin"


@pytest.mark.django_db
def test_nothing_is_migrated_when_all_is_up_to_date() -> None:
    assert startup.migrate() is False


def test_static_files_are_collected_only_when_one_has_changed(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    calls = []
    monkeypatch.setattr(startup, "call_command", lambda *args, **options: calls.append(args))
    assert startup.collect_static()
    assert not startup.collect_static()
    monkeypatch.setattr(startup, "_static_digest", lambda: "another")
    assert startup.collect_static()
    assert len(calls) == 2

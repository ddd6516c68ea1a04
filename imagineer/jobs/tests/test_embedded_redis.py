"""The embedded queue server: one per folder, and no state of its files keeps it from starting."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from imagineer.jobs.embedded_redis import APPEND_FOLDER, socket_path
from imagineer.jobs.tests.platform import wait_until

pytestmark = pytest.mark.processes


class Server:
    """The server of one data folder, as the supervisor starts it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.client = redis.Redis(unix_socket_path=str(socket_path(data_dir)))
        self.process = self.begin()

    def begin(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "imagineer.jobs.embedded_redis", str(self.data_dir)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def wait(self) -> "Server":
        wait_until(self.answers, "the queue server")
        return self

    def kill(self, number: signal.Signals = signal.SIGKILL) -> str:
        """Kill it; what it has printed."""
        self.process.send_signal(number)
        return self.process.communicate()[0]

    def restart(self) -> "Server":
        self.process = self.begin()
        return self.wait()

    def append_files(self) -> list[Path]:
        """The files that commands are appended to, without the manifest."""
        return sorted((self.data_dir / "redis" / APPEND_FOLDER).glob("*.incr.aof"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path).wait()
    yield made
    made.process.kill()
    made.process.wait()


def fill(server: Server, keys: int = 200) -> None:
    for number in range(keys):
        server.client.set(f"key{number}", "x" * 20)


def test_it_listens_on_a_private_socket_only(server: Server) -> None:
    assert server.client.config_get("port") == {"port": "0"}
    assert socket_path(server.data_dir).stat().st_mode & 0o777 == 0o600


def test_a_second_server_on_the_same_folder_is_refused_with_a_sentence(server: Server) -> None:
    second = server.begin()
    output, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    assert "already runs" in output
    assert "Traceback" not in output
    assert server.answers()


def test_a_killed_server_comes_back_with_everything(server: Server) -> None:
    fill(server)
    server.kill()
    server.restart()
    assert server.client.dbsize() == 200


def test_a_stopped_server_comes_back_with_everything(server: Server) -> None:
    fill(server)
    server.kill(signal.SIGTERM)
    server.restart()
    assert server.client.dbsize() == 200


def test_a_half_written_last_command_is_dropped(server: Server) -> None:
    fill(server)
    server.kill()
    last = server.append_files()[-1]
    os.truncate(last, last.stat().st_size - 7)
    server.restart()
    assert server.client.dbsize() == 199


def test_a_file_damaged_in_the_middle_is_kept_aside_and_the_queue_starts_empty(
    server: Server,
) -> None:
    fill(server)
    server.kill()
    last = server.append_files()[-1]
    damaged = bytearray(last.read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 64] = os.urandom(64)
    last.write_bytes(damaged)
    server.restart()
    assert server.client.dbsize() == 0
    assert list((server.data_dir / "redis").glob(f"{APPEND_FOLDER}.damaged-*"))
    assert "filled again from the database" in server.kill()


def test_a_server_tried_out_dies_with_who_tries_it(server: Server) -> None:
    fill(server)
    for _ in range(20):
        server.kill()
        server.process = server.begin()
        parent = psutil.Process(server.process.pid)
        # It is tried out in a child; afterwards the parent itself becomes the server.
        while not (trials := parent.children()) and "valkey" not in parent.name():
            pass
        if trials:
            break
    else:
        pytest.fail("No trial was seen.")
    server.kill()
    wait_until(lambda: not trials[0].is_running(), "the trial's end")


def test_files_of_another_kind_do_not_keep_it_from_starting(server: Server) -> None:
    server.kill()
    for path in (server.data_dir / "redis" / APPEND_FOLDER).iterdir():
        path.write_bytes(os.urandom(500))
    server.restart()
    assert server.client.dbsize() == 0


def test_a_deep_data_folder_gets_a_short_private_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    path = socket_path(deep)
    assert len(str(path)) <= 100
    assert path == socket_path(deep)
    assert path != socket_path(deep.parent)
    server = Server(deep).wait()
    try:
        assert path.parent.stat().st_mode & 0o777 == 0o700
    finally:
        server.kill()
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def test_a_socket_folder_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("f" * 60)
    deep.mkdir(parents=True)
    folder = socket_path(deep).parent
    folder.symlink_to(tmp_path)
    try:
        process = subprocess.run(
            [sys.executable, "-m", "imagineer.jobs.embedded_redis", str(deep)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert process.returncode != 0
        assert "belongs to someone else" in process.stderr
    finally:
        folder.unlink()

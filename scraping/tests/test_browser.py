"""What the browser is held to, on processes that only play it."""

import asyncio
import subprocess
import sys
import time

import pytest

from scraping import browser

HOLDS = "data = bytes(150_000_000)\nprint(len(data), flush=True)\nimport time; time.sleep(60)"


def test_a_page_s_process_that_holds_too_much_is_killed_and_no_other():
    processes = [
        subprocess.Popen([sys.executable, "-c", code, kind], stdout=subprocess.PIPE)
        for code, kind in [
            (HOLDS.replace("bytes(", "b'x' * ("), "--type=renderer"),
            (HOLDS.replace("bytes(", "b'x' * ("), "--type=gpu-process"),
            ("print(flush=True); import time; time.sleep(60)", "--type=renderer"),
        ]
    ]
    try:
        for process in processes:
            assert process.stdout
            process.stdout.readline()

        async def watch_until_one_ends() -> None:
            watch = asyncio.create_task(browser.end_large_pages(100_000_000))
            deadline = time.monotonic() + 30
            while processes[0].poll() is None and time.monotonic() < deadline:
                await asyncio.sleep(0.1)
            watch.cancel()

        asyncio.run(watch_until_one_ends())
        assert [process.poll() for process in processes] == [-9, None, None]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(("user", "sandboxed"), [(0, False), (1000, True)])
def test_only_root_goes_without_the_sandbox(monkeypatch, user, sandboxed):
    monkeypatch.setattr(browser.os, "geteuid", lambda: user)
    assert browser.launch_options("/usr/bin/chromium")["chromium_sandbox"] is sandboxed


def test_files_go_with_the_crawl_unless_the_folder_is_too_deep_for_sockets(monkeypatch):
    monkeypatch.setenv("TMPDIR", "/tmp")
    browser.keep_files_in("/data/spool/" + "deep/" * 20)
    assert browser.os.environ["TMPDIR"] == "/tmp"
    browser.keep_files_in("/data/spool/scrape-1")
    assert browser.os.environ["TMPDIR"] == "/data/spool/scrape-1"

"""Several crawls of one source keep to its rate together."""

import threading
import time
from dataclasses import replace
from pathlib import Path

from scraping import shared_pace
from scraping.tests.child import config_of, crawl_alone
from scraping.tests.site import Site


def test_one_request_is_sent_in_each_interval(tmp_path: Path) -> None:
    folder = tmp_path / "pace"
    assert shared_pace.wait(folder, "3", 0.5) == 0
    assert 0.3 < shared_pace.wait(folder, "3", 0.5) <= 0.5
    assert shared_pace.wait(folder, "4", 0.5) == 0
    time.sleep(0.5)
    assert shared_pace.wait(folder, "3", 0.5) == 0


def test_what_nobody_can_read_and_clocks_that_were_set_back_hold_nothing_up(tmp_path: Path) -> None:
    for written in ("nonsense", "", f"{time.time() + 86400}"):
        (tmp_path / "source-3").write_text(written)
        assert shared_pace.wait(tmp_path, "3", 5) == 0
        assert shared_pace.wait(tmp_path, "3", 5) > 4


def test_two_processes_ask_no_more_often_than_one(site: Site, tmp_path: Path) -> None:
    moments: list[float] = []

    def answer() -> tuple[int, dict[str, str], bytes]:
        moments.append(time.monotonic())
        return 200, {"Content-Type": "text/html"}, b"<title>A page</title>"

    links = "".join(f'<a href="/{n}">x</a>' for n in range(5))
    crawls = []
    for start in ("/a", "/b"):
        site.page(start, links.replace('="/', f'="{start}/'))
        for number in range(5):
            site.answers[f"{start}/{number}"] = answer
        config = config_of(
            site.url + start, tmp_path, options={"obey_robots": False},
            pace_folder=str(tmp_path / "pace"),
        )  # fmt: skip
        target = replace(config.targets[0], source="7", rate_limit=200)
        config = replace(config, targets=(target,))
        crawls.append(threading.Thread(target=crawl_alone, args=(config,)))
    for crawl in crawls:
        crawl.start()
    for crawl in crawls:
        crawl.join()
    assert len(moments) == 10
    # 200 a minute are one in 0.3 s.
    assert max(moments) - min(moments) > 9 * 0.3 - 0.2

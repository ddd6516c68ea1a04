"""When the next request may be sent."""

import pytest

from scraping.pace import LONGEST_DELAY_S, Pace, heeded_delay


def sent(pace: Pace, wanted: list[tuple[str, str]], until: float = 100) -> list[float]:
    """When each of the requests (host, source) goes out, asked for one after the other."""
    now, moments = 0.0, []
    for host, source in wanted:
        while (wait := pace.wait(now, host, source)) > 0:
            now += wait
            assert now < until
        moments.append(round(now, 6))
    return moments


def test_without_any_rule_nothing_waits() -> None:
    assert sent(Pace(), [("a", "")] * 3) == [0, 0, 0]


def test_a_host_gets_its_pause_and_others_do_not_wait_for_it() -> None:
    pace = Pace(2)
    assert sent(pace, [("a", ""), ("b", ""), ("a", ""), ("a", "")]) == [0, 0, 2, 4]


def test_a_crawl_delay_holds_for_its_host_and_never_shortens_the_pause() -> None:
    pace = Pace(1)
    pace.slow_down("a", 5, now=0)
    pace.slow_down("a", 3, now=0)
    pace.slow_down("b", 0.1, now=0)
    assert sent(pace, [("a", ""), ("a", ""), ("b", ""), ("b", "")]) == [5, 10, 10, 11]


def test_a_source_s_limit_counts_all_its_hosts_together() -> None:
    pace = Pace()
    pace.limit("7", 30)
    assert sent(pace, [("a", "7"), ("b", "7"), ("c", ""), ("d", "7")]) == [0, 2, 2, 4]


def test_a_paused_host_is_left_alone_and_the_longer_pause_counts() -> None:
    pace = Pace()
    assert pace.pause("a", 10)
    assert not pace.pause("a", 4)
    assert pace.wait(1, "b") == 0
    assert pace.wait(1, "a") == 9
    assert pace.wait(10, "a") == 0


@pytest.mark.parametrize(
    ("asked", "heeded"),
    [
        (None, 0),
        (0.0, 0),
        (-5.0, 0),
        (float("nan"), 0),
        (2.5, 2.5),
        (1e308, LONGEST_DELAY_S),
        (float("inf"), LONGEST_DELAY_S),
    ],
)
def test_a_site_cannot_ask_for_pauses_without_end(asked, heeded):
    assert heeded_delay(asked) == heeded

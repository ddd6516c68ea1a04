"""Pages that a real Chromium opens in a crawl's process."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from django.conf import settings as django_settings

from scraping.crawl_config import TargetConfig, to_json
from scraping.tests.child import command, config_of, crawl_alone
from scraping.tests.raw_server import RawServer
from scraping.tests.site import OTHER_PUBLIC, Site

pytestmark = pytest.mark.browser

LATE = """<p>Nothing yet.</p><script>
setTimeout(() => {
  const picture = new Image();
  picture.onerror = () => picture.remove();
  picture.alt = "A late boat";
  picture.src = "/late.png";
  document.body.append(picture);
}, 100);
</script>"""
# Grows by a picture whenever its end is reached; ends: how often.
ENDLESS = """<div style="height: 2000px"></div><script>
let number = 0;
addEventListener("scroll", () => {
  if (number >= %d) return;
  if (innerHeight + scrollY < document.body.scrollHeight - 20) return;
  number += 1;
  document.body.insertAdjacentHTML("beforeend",
    `<div style="height: 3000px"><img src="/${number}.png"></div>`);
});
</script>"""


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path


def chromiums(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(pid).children(recursive=True)
        return [one for one in found if "--headless" in " ".join(one.cmdline())]
    return []


def test_pictures_that_scripts_add_are_found(site: Site, spool: Path):
    site.page("/", LATE)
    site.picture("/late.png", 1)
    assert crawl_alone(config_of(site.url + "/", spool)).pictures == []
    told = crawl_alone(config_of(site.url + "/", spool, rendering="on"))
    assert told.pictures == ["/late.png"]
    assert told.all("picture")[0]["alt"] == "A late boat"
    assert site.asked.count("/late.png") == 1
    assert site.agents == {"Imagineer/0.1 (test)"}
    assert told.log == ""


def test_auto_opens_only_what_shows_nothing_without(site: Site, spool: Path):
    site.page("/", '<img src="plain.png"><script></script><a href="/app">App</a>')
    site.page("/app", f'<a href="/bare">Bare</a>{LATE}')
    site.page("/bare", "Nothing at all.")
    for number, name in enumerate(("plain", "late")):
        site.picture(f"/{name}.png", number)
    told = crawl_alone(config_of(site.url + "/", spool, rendering="auto", options={"depth": 2}))
    assert told.pictures == ["/late.png", "/plain.png"]
    assert told.pages == ["/", "/app", "/bare"]
    assert [site.asked.count(path) for path in ("/", "/app", "/bare")] == [1, 2, 1]


def test_pages_that_are_opened_after_all_count_as_pages(site: Site, spool: Path):
    for name in ("/", *"abcd"):
        links = "".join(f'<a href="/{other}">x</a>' for other in "abcd")
        site.page(f"/{name.strip('/')}", f"{links}{LATE}")
    options = {"depth": 2, "max_pages": 2}
    told = crawl_alone(config_of(site.url + "/", spool, rendering="auto", options=options))
    assert len(told.pages) == 2
    assert told.all("target_end")[0]["reason"] == "pages"


def test_a_counter_s_pixel_is_no_picture_that_a_page_shows(site: Site, spool: Path):
    pixel = '<noscript><img src="https://www.facebook.com/tr?id=1" width=1 height=1></noscript>'
    site.page("/", f"{pixel}{LATE}")
    site.picture("/late.png", 1)
    told = crawl_alone(config_of(site.url + "/", spool, rendering="auto"))
    assert (told.pictures, site.asked.count("/")) == (["/late.png"], 2)


def test_a_page_is_scrolled_until_nothing_new_comes(site: Site, spool: Path):
    site.page("/", ENDLESS % 4)
    for number in range(1, 6):
        site.picture(f"/{number}.png", number)
    told = crawl_alone(config_of(site.url + "/", spool, rendering="on"))
    assert told.pictures == ["/1.png", "/2.png", "/3.png", "/4.png"]


def test_a_page_without_end_is_read_as_far_as_it_came(site: Site, spool: Path):
    site.page("/", ENDLESS % 10**9)
    began = time.monotonic()
    told = crawl_alone(config_of(site.url + "/", spool, rendering="on", timeout_s=8.0))
    assert time.monotonic() - began < 60
    assert told.pages == ["/"]
    assert told.all("found")[-1]["number"] > 10


def test_a_part_of_the_page_is_scrolled_where_the_page_is_not(site: Site, spool: Path):
    site.page(
        "/",
        """<style>body { margin: 0 } main { height: 100vh; overflow-y: auto }</style>
        <main><div style="height: 4000px"></div></main><script>
        document.querySelector("main").addEventListener("scroll", (event) => {
          if (!document.images.length) event.target.insertAdjacentHTML("beforeend",
            '<img src="/inner.png">');
        });</script>""",
    )
    site.picture("/inner.png", 1)
    told = crawl_alone(config_of(site.url + "/", spool, rendering="on"))
    assert told.pictures == ["/inner.png"]


def test_what_never_comes_is_left_out(site: Site, spool: Path):
    site.page("/", '<img src="a.png"><script src="/slow.js"></script><p>Below</p>')
    site.picture("/a.png", 1)
    site.slow("/slow.js")
    told = crawl_alone(config_of(site.url + "/", spool, rendering="on", timeout_s=6.0))
    assert told.pictures == ["/a.png"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("while (true) {}", "takes too long"),
        ("for (const all = [];;) all.push(new Uint8Array(1e8).fill(1))", "could not be read"),
        ("document.body.append('x'.repeat(3_000_000))", "larger than the set limit"),
        ("location = 'about:blank'", "could not be read"),
    ],
)
def test_a_page_that_goes_wrong_ends_alone(site: Site, spool: Path, script: str, words: str):
    site.page("/", '<img src="a.png"><a href="/bad">Bad</a><a href="/good">Good</a>')
    site.page("/bad", f"<p>Bad</p><script>{script}</script>")
    site.page("/good", LATE)
    for name in ("a", "late"):
        site.picture(f"/{name}.png", len(name))
    config = config_of(
        site.url + "/", spool, rendering="on", timeout_s=5.0, max_page_bytes=2_000_000
    )
    told = crawl_alone(config)
    assert told.pictures == ["/a.png", "/late.png"]
    assert len(told.troubles) == 1
    assert words in told.troubles[0]


def test_a_page_that_fetches_without_end_is_ended(site: Site, spool: Path):
    site.put("/blob", b"x" * 1_000_000, "application/octet-stream")
    site.page(
        "/", "<script>for (let n = 0; n < 500; n++) fetch('/blob?' + n).catch(() => {})</script>"
    )
    for number in range(500):
        site.put(f"/blob?{number}", b"x" * 1_000_000, "application/octet-stream")
    told = crawl_alone(config_of(site.url + "/", spool, rendering="on", max_page_bytes=1_000_000))
    assert "larger than the set limit" in told.troubles[0]
    assert len(site.asked) < 100


def test_files_behind_links_are_fetched_without_the_browser(site: Site, spool: Path):
    site.page("/", '<a href="/file">A file</a><a href="/saved">Saved</a><a href="/old">Old</a>')
    site.picture("/file", 1)
    site.answers["/saved"] = (
        200,
        {"Content-Type": "application/zip", "Content-Disposition": "attachment; filename=a.zip"},
        b"PK",
    )
    site.redirect("/old", "/new")
    site.page("/new", LATE)
    site.picture("/late.png", 2)
    told = crawl_alone(config_of(site.url + "/", spool, rendering="on"))
    assert told.pages == ["/", "/file", "/new"]
    assert "/late.png" in told.pictures
    assert not list(spool.rglob("*.zip"))


def test_dialogs_popups_and_workers_hold_nothing_up(site: Site, spool: Path):
    site.page(
        "/",
        """<a id="new" href="/popup" target="_blank">New</a><script>
        alert("Hello"); confirm("Yes?"); prompt("Who?");
        addEventListener("beforeunload", (event) => event.preventDefault());
        open("/popup"); document.getElementById("new").click();
        navigator.serviceWorker?.register("/worker.js").catch(() => {});
        navigator.geolocation?.getCurrentPosition(() => document.body.append("here"));
        document.title = [typeof RTCPeerConnection, typeof WebTransport].join();
        document.body.insertAdjacentHTML("beforeend", '<img src="/late.png">');
        </script>""",
    )
    site.picture("/late.png", 1)
    site.put("/worker.js", "", "text/javascript")
    config = config_of(site.url + "/", spool, rendering="on", options={"depth": 0})
    told = crawl_alone(config)
    assert told.pictures == ["/late.png"]
    assert told.all("picture")[0]["texts"]["page_title"] == "undefined,undefined"
    assert "/worker.js" not in site.asked


def test_a_page_leaves_nothing_for_the_next(site: Site, spool: Path):
    site.page(
        "/",
        """<a href="/next">Next</a><script>
        document.cookie = "seen=1"; localStorage.setItem("seen", "1");</script>""",
    )
    site.page(
        "/next",
        """<p>Next</p><script>document.body.insertAdjacentHTML("beforeend",
        `<img src="/${document.cookie || localStorage.getItem("seen") || "nothing"}.png">`)
        </script>""",
    )
    site.picture("/nothing.png", 1)
    told = crawl_alone(config_of(site.url + "/", spool, rendering="on"))
    assert told.pictures == ["/nothing.png"]


def test_two_targets_share_one_browser(site: Site, spool: Path):
    for number in (1, 2):
        site.page(f"/{number}", LATE.replace("late.png", f"{number}.png"))
        site.picture(f"/{number}.png", number)
    config = config_of(f"{site.url}/1", spool, rendering="on")
    first = config.targets[0]
    second = TargetConfig(2, f"{site.url}/2", str(spool), render_javascript="on")
    told = crawl_alone(replace(config, targets=(first, second)))
    assert told.pictures == ["/1.png", "/2.png"]
    assert len(told.all("target_end")) == 2
    assert told.log == ""


def test_a_browser_that_does_not_start_is_told(site: Site, spool: Path):
    site.page("/", LATE)
    told = crawl_alone(config_of(site.url + "/", spool, rendering="on", browser="/bin/false"))
    assert "Chromium does not start" in told.troubles[0]
    assert told.all("end")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_crawl_that_ends_early_leaves_no_browser(site: Site, spool: Path, number: int):
    site.page("/", "<script src='/slow.js'></script>")
    site.slow("/slow.js")
    config = config_of(site.url + "/", spool, rendering="on", timeout_s=60.0)
    child = subprocess.Popen(
        command(None), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        cwd=django_settings.BASE_DIR, process_group=0,
    )  # fmt: skip
    assert child.stdin
    with child.stdin as told:
        told.write(to_json(config).encode())
    deadline = time.monotonic() + 60
    while "/slow.js" not in site.asked:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    family = psutil.Process(child.pid).children(recursive=True)
    assert len(chromiums(child.pid)) >= 2
    # The kernel does the first to the child alone when its worker dies; the second is a cancel.
    os.kill(child.pid, number) if number == signal.SIGKILL else os.killpg(child.pid, number)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    child.wait(30)


@pytest.mark.parametrize("way", ["", "redirect", "script"])
def test_what_a_page_s_own_answer_tells_robots_holds(site: Site, spool: Path, way: str):
    """Several headers of one name come from the browser as one, which would say otherwise."""
    body = b"<title>A page</title><img src='/1.png'>"
    with RawServer(OTHER_PUBLIC) as other:
        other.raw(
            "/boats", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n"
            b"X-Robots-Tag: otherbot: noindex\r\nX-Robots-Tag: noai\r\n\r\n" % len(body) + body,
        )  # fmt: skip
        site.page("/", f"<script>location = '{other.url}/boats'</script>")
        if way == "redirect":
            site.redirect("/", f"{other.url}/boats")
        url = f"{site.url}/" if way else f"{other.url}/boats"
        told = crawl_alone(config_of(url, spool, rendering="on", options={"depth": 0}))
        assert told.refused == {"/1.png": "noai"}
        assert "/1.png" not in other.asked


@pytest.mark.parametrize("way", ["redirect", "script"])
def test_where_the_browser_ends_up_robots_txt_holds_too(site: Site, spool: Path, way: str):
    site.put("/robots.txt", "User-agent: *\nDisallow: /closed/", "text/plain")
    site.page("/closed/", '<img src="/1.png">')
    site.picture("/1.png", 1)
    site.page("/", "<script>location = '/closed/'</script>")
    if way == "redirect":
        site.redirect("/", "/closed/")
    config = config_of(site.url + "/", spool, rendering="on")
    told = crawl_alone(config)
    assert told.troubles == ["robots.txt of 127.0.0.2 asks crawlers not to fetch this."]
    assert told.pictures == []
    config = config_of(site.url + "/", spool, rendering="on", options={"obey_robots": False})
    assert crawl_alone(config).pictures == ["/1.png"]


def test_an_address_that_scripts_write_without_asking_is_no_other_page(site: Site, spool: Path):
    site.put("/robots.txt", "User-agent: *\nDisallow: /*?sort=", "text/plain")
    site.page("/", "<script>history.pushState({}, '', '/?sort=new')</script><img src='/1.png'>")
    site.picture("/1.png", 1)
    told = crawl_alone(config_of(site.url + "/", spool, rendering="on"))
    assert told.pictures == ["/1.png"]

"""Whatever a page tries in a real Chromium, nothing private is asked for anything."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scraping.tests.child import config_of, crawl_alone
from scraping.tests.site import OTHER_PUBLIC, PRIVATE, PUBLIC, Site

pytestmark = pytest.mark.browser

# Ways in which a page asks for something; TARGET stands for the origin, WS for it with ws:.
WAYS = {
    "img": '<img src="TARGET/img"><img srcset="TARGET/srcset 2x">',
    "iframe": '<iframe src="TARGET/iframe"></iframe>',
    "object": '<object data="TARGET/object"></object><embed src="TARGET/embed">',
    "script": '<script src="TARGET/script"></script>',
    "style": '<link rel="stylesheet" href="TARGET/style"><style>@import "TARGET/import"</style>',
    "hints": """<link rel="prefetch" href="TARGET/prefetch">
        <link rel="preload" as="script" href="TARGET/preload">
        <link rel="preconnect" href="TARGET"><link rel="dns-prefetch" href="TARGET">""",
    "video": '<video src="TARGET/video" autoplay></video>',
    "fetch": """<script>
        fetch("TARGET/fetch", {mode: "no-cors"}).catch(() => {});
        const asked = new XMLHttpRequest(); asked.open("GET", "TARGET/xhr"); asked.send();
        navigator.sendBeacon("TARGET/beacon");
        new EventSource("TARGET/events"); import("TARGET/module").catch(() => {});
        </script>""",
    "socket": '<script>new WebSocket("WS/socket");</script>',
    "worker": """<script>
        new Worker(URL.createObjectURL(new Blob([
          'fetch("TARGET/worker", {mode: "no-cors"}); importScripts("TARGET/imported");'])));
        navigator.serviceWorker?.register("/sw.js").catch(() => {});
        </script>""",
    "redirect": '<iframe src="/redirect?TARGET/redirected"></iframe>',
    "refresh": "<iframe srcdoc=\"<meta http-equiv='refresh' content='0;url=TARGET/refreshed'>\">"
    "</iframe>",
    "form": '<form action="TARGET/form" target="inner"></form><iframe name="inner"></iframe>'
    "<script>document.forms[0].submit()</script>",
    "frames": """<iframe src="data:text/html,<script src='TARGET/data'></script>"></iframe>
        <iframe src="view-source:TARGET/source"></iframe><iframe src="file:///etc/passwd"></iframe>
        <iframe src="javascript:fetch('TARGET/javascript')"></iframe>
        <iframe srcdoc="<script>location = 'TARGET/located'</script>"></iframe>
        <iframe sandbox="allow-scripts allow-popups" srcdoc="<script>open('TARGET/sand')</script>">
        </iframe><script>{
        const frame = document.createElement("iframe");
        frame.src = URL.createObjectURL(
          new Blob(["<script src='TARGET/blob'></" + "script>"], {type: "text/html"}));
        document.body.append(frame);
        }</script>""",
    "rest": """<link rel="modulepreload" href="TARGET/modules"><link rel="icon" href="TARGET/icon">
        <link rel="manifest" href="TARGET/manifest"><svg><image href="TARGET/svg"/></svg>
        <script type="speculationrules">
        {"prerender": [{"source": "list", "urls": ["TARGET/prerender"]}]}</script>
        <style>@font-face {font-family: x; src: url(TARGET/font)} body {font-family: x;
        background: image-set(url(TARGET/set) 1x)}</style><script>
        CSS.paintWorklet?.addModule("TARGET/paint").catch(() => {});
        new AudioContext().audioWorklet?.addModule("TARGET/audio").catch(() => {});
        addEventListener("pagehide", () => navigator.sendBeacon("TARGET/bye"));
        </script>""",
    "popup": '<a id="out" href="TARGET/popup" target="_blank">Out</a>'
    '<script>document.getElementById("out").click(); open("TARGET/open")</script>',
}
# What the browser does ask for where it may; the rest is spared, or shut off.
ARRIVES = {
    "/iframe", "/object", "/script", "/style", "/import", "/fetch", "/xhr", "/events", "/module",
    "/socket", "/worker", "/imported", "/redirected", "/refreshed", "/form",
    "/data", "/javascript", "/located", "/blob", "/modules",
}  # fmt: skip


@pytest.fixture
def loopback() -> Iterator[Site]:
    """Stands for this machine's own services, at all its names."""
    with Site("127.0.0.1") as made:
        yield made


def page_that_tries(site: Site, *origins: str) -> None:
    tries = [
        way.replace("TARGET", origin).replace("WS", origin.replace("http", "ws"))
        for origin in origins
        for way in WAYS.values()
    ]
    site.page("/", "<p>Here</p>" + "".join(tries) + '<img src="/seen.png">')
    site.picture("/seen.png", 1)
    worker = "self.addEventListener('install', () => fetch('/from-worker'))"
    site.put("/sw.js", worker, "text/javascript")
    for origin in origins:
        site.redirect(f"/redirect?{origin}/redirected", f"{origin}/redirected")


def test_what_the_browser_may_reach_it_reaches(site: Site, tmp_path: Path):
    """So that the tests below do not pass for want of trying."""
    with Site(OTHER_PUBLIC) as other:
        page_that_tries(site, other.url)
        crawl_alone(config_of(site.url + "/", tmp_path, rendering="on", options={"depth": 0}))
        assert set(other.asked) - {"/robots.txt", "/favicon.ico"} >= ARRIVES
        assert not {"/video", "/open"} & set(other.asked)
    assert "/from-worker" not in site.asked


def test_no_page_reaches_anything_private(site: Site, loopback: Site, tmp_path: Path):
    port = loopback.port
    with Site(PRIVATE) as private, Site("::1") as version_6:
        origins = [
            private.url,
            f"http://localhost:{port}",
            f"http://a.localhost:{port}",
            f"http://127.0.0.1:{port}",
            f"http://127.1:{port}",
            f"http://2130706433:{port}",
            f"http://0x7f000001:{port}",
            f"http://0177.0.0.1:{port}",
            f"http://0.0.0.0:{port}",
            f"http://[::ffff:127.0.0.1]:{port}",
            f"http://[::ffff:7f00:1]:{port}",
            f"http://[::1]:{version_6.port}",
            f"http://[64:ff9b::7f00:1]:{port}",
            f"http://rebound.test:{port}",
            "http://169.254.169.254",
            "http://metadata.google.internal",
        ]
        page_that_tries(site, *origins)
        # So that the port alone is no reason to refuse.
        ports = (site.port, port, private.port, version_6.port, 80)
        config = config_of(
            site.url + "/", tmp_path, rendering="on", options={"depth": 0}, allowed_ports=ports
        )
        told = crawl_alone(config, {"rebound.test": [["127.0.0.1"]]})
        assert told.pictures == ["/seen.png"]
        assert private.asked == loopback.asked == version_6.asked == []


def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing(
    site: Site, loopback: Site, tmp_path: Path
):
    """The page's own name, as in an attack by rebinding: the browser never keeps an answer."""
    with Site(PRIVATE, port=site.port) as private:
        site.page(
            "/",
            """<p>Here</p><script>
            for (let n = 0; n < 20; n++) fetch("/again?" + n, {cache: "no-store"}).catch(() => {});
            document.body.insertAdjacentHTML("beforeend", "<img src='/seen.png'>");
            </script>""",
        )
        site.picture("/seen.png", 1)
        config = config_of(
            f"http://rebound.test:{site.port}/", tmp_path, rendering="on", options={"depth": 0},
            allowed_hosts=(), allowed_networks=(f"{PUBLIC}/32",), allowed_ports=(site.port,),
        )  # fmt: skip
        names = {"rebound.test": [[PUBLIC], [PUBLIC], [PRIVATE], [PRIVATE, PUBLIC], [PRIVATE]]}
        told = crawl_alone(config, names)
        assert told.pages == ["/"]
        assert told.refused == {"/seen.png": "private"}
        assert private.asked == []


@pytest.mark.parametrize("way", ["redirect", "script"])
def test_a_page_that_goes_to_a_private_address_itself_is_told(
    site: Site, loopback: Site, tmp_path: Path, way: str
):
    site.page("/", f"<p>Here</p><script>location = '{loopback.url}/moved'</script>")
    if way == "redirect":
        site.redirect("/", f"{loopback.url}/moved")
    told = crawl_alone(config_of(site.url + "/", tmp_path, rendering="on"))
    assert loopback.asked == []
    assert len(told.troubles) == 1


def test_ports_that_are_not_open_are_not_reached(site: Site, tmp_path: Path):
    with Site(OTHER_PUBLIC) as other:
        page_that_tries(site, other.url)
        config = config_of(
            site.url + "/", tmp_path, rendering="on", options={"depth": 0},
            allowed_hosts=(f"{PUBLIC}:{site.port}",), allowed_networks=(f"{OTHER_PUBLIC}/32",),
        )  # fmt: skip
        assert crawl_alone(config).pictures == ["/seen.png"]
        assert other.asked == []


def test_nothing_goes_around_the_proxy_over_udp(site: Site, tmp_path: Path):
    """WebRTC, also from a frame of its own, and WebTransport, also from a worker."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((PRIVATE, 0))
        listener.settimeout(0.2)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    heard.append(listener.recv(2000))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        address = f"{PRIVATE}:{listener.getsockname()[1]}"
        site.page(
            "/",
            """<p>Here</p><script>
            const frame = document.createElement("iframe");
            document.body.append(frame);
            for (const inside of [window, frame.contentWindow]) {
              const Connection = inside.RTCPeerConnection;
              if (Connection) {
                const one = new Connection({iceServers: [{urls: "stun:ADDRESS"}]});
                one.createDataChannel("a");
                one.createOffer().then((offer) => one.setLocalDescription(offer));
              }
            }
            const worker = "try { new WebTransport('https://ADDRESS/') } catch {}";
            new Worker(URL.createObjectURL(new Blob([worker])));
            document.body.insertAdjacentHTML("beforeend", "<img src='/seen.png'>");
            </script>""".replace("ADDRESS", address),
        )
        site.picture("/seen.png", 1)
        told = crawl_alone(config_of(site.url + "/", tmp_path, rendering="on"))
        ended.set()
        thread.join()
    assert told.pictures == ["/seen.png"]
    assert heard == []

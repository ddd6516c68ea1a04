"""How fast a crawl fills the gallery, beside what its two halves can do alone.

    python -m benchmarks.crawl [--pictures 3000]

A process of its own serves a site of pages with six pictures each. It is crawled with everything on
but politeness; bare Scrapy downloads the same files and keeps nothing; two processes do the bare
work of benchmarks.ingest on them (decode, hash, scale, encode), and keep nothing either. The parts
run in turn in one go, so that whatever else the machine does meets all of them. Memory is that of
the process that runs the job, as a worker does, and of the crawler's.

Writes var/bench/crawl.json. FULL=0 takes a fifth of the pictures.
"""

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gallery.tests.photographs import photograph

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "var" / "bench" / "crawl.json"
RATE = (
    "images per second stored in the gallery, beside bare Scrapy downloading the same files and "
    "the bare loop of `benchmarks/ingest.py` on them: at least 0.8 of the slower of the two with "
    "everything on"
)
OTHERS = "`wget -r` and `gallery-dl` shown for information"
FLAT = "memory flat from 300 to 3 000 images"
HOST = "127.0.0.2"
A_PAGE = 6
SIZE = (640, 480)
# From a tenth of the pictures to all of them; more than allocators keep back, much less than what
# keeping the files would take.
FLAT_MB = 40.0


# --- The site ------------------------------------------------------------------------------------


def draw(number: int) -> bytes:
    file = io.BytesIO()
    photograph(number, SIZE).save(file, "JPEG", quality=90)
    return file.getvalue()


def write_site(folder: Path, pictures: int) -> None:
    """pictures / 6 pages, each of which links to ten others, and the pictures they show."""
    pages = pictures // A_PAGE
    with ProcessPoolExecutor(2) as pool:
        for number, data in enumerate(pool.map(draw, range(pictures), chunksize=20)):
            (folder / f"picture-{number}.jpg").write_bytes(data)
    for page in range(pages):
        links = [page * 10 + step for step in range(1, 11) if page * 10 + step < pages]
        shown = range(page * A_PAGE, (page + 1) * A_PAGE)
        name = "index.html" if page == 0 else f"page-{page}.html"
        (folder / name).write_text(
            f"<!doctype html><title>Page {page}</title><h1>Boats of page {page}</h1>"
            + "".join(
                f'<figure><img src="picture-{number}.jpg" alt="Boat {number}">'
                f"<figcaption>Boat {number} off the coast</figcaption></figure>"
                for number in shown
            )
            + "".join(f'<a href="page-{link}.html">Page {link}</a>' for link in links)
        )


@contextmanager
def served(folder: Path) -> Any:
    """The site's address while a process of its own serves it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.crawl", "--serve", str(folder)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def serve(folder: Path) -> None:
    """Serve the folder from memory, with connections kept open, and say where."""
    from twisted.internet import reactor
    from twisted.internet.error import CannotListenError
    from twisted.web.resource import Resource
    from twisted.web.server import Site
    from twisted.web.static import Data

    root = Resource()
    for path in folder.iterdir():
        kind = "image/jpeg" if path.suffix == ".jpg" else "text/html; charset=utf-8"
        root.putChild(path.name.encode(), Data(path.read_bytes(), kind))
    root.putChild(b"", Data((folder / "index.html").read_bytes(), "text/html; charset=utf-8"))
    loop: Any = reactor
    try:
        # gallery-dl's reader of any page takes addresses without a port alone.
        loop.listenTCP(80, Site(root), interface=HOST)
        print(f"http://{HOST}/", flush=True)
    except CannotListenError:
        port = loop.listenTCP(0, Site(root), interface=HOST)
        print(f"http://{HOST}:{port.getHost().port}/", flush=True)
    loop.run()


# --- Bare Scrapy ---------------------------------------------------------------------------------


def download(url: str) -> None:
    """Follow all links of the site and fetch all its pictures, with Scrapy as it comes."""
    import scrapy
    from scrapy.crawler import AsyncCrawlerProcess

    class Bare(scrapy.Spider):  # type: ignore[misc]
        name = "bare"
        start_urls = (url,)
        number = 0

        def parse(self, response: Any) -> Any:
            for address in response.css("img::attr(src)").getall():
                yield response.follow(address, self.picture)
            for link in response.css("a::attr(href)").getall():
                yield response.follow(link, self.parse)

        def picture(self, response: Any) -> None:
            Bare.number += len(response.body) > 0

    process = AsyncCrawlerProcess(
        {"LOG_LEVEL": "ERROR", "TELNETCONSOLE_ENABLED": False, "REMOTE_CONTROL_ENABLED": False}
    )
    process.crawl(Bare)
    process.start()
    print(json.dumps({"pictures": Bare.number}))


# --- The bare loop -------------------------------------------------------------------------------


def work(folder: Path, part: int) -> None:
    """Do what the bare loop does on every other picture, and say when it is ready and done."""
    import django

    django.setup()
    import pyvips

    from benchmarks.ingest import work_barely

    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    files = sorted(folder.glob("*.jpg"))[part::2]
    times = {}
    for library in ("pillow", "pyvips"):
        began = time.perf_counter()
        for path in files[:20]:
            work_barely(path.read_bytes(), library)
        times[library] = time.perf_counter() - began
    faster = min(times, key=lambda library: times[library])
    print("ready", flush=True)
    sys.stdin.readline()
    for path in files:
        work_barely(path.read_bytes(), faster)
    print(json.dumps({"pictures": len(files), "library": faster}), flush=True)


def bare_loop(folder: Path) -> tuple[int, float]:
    """Pictures and seconds of two processes."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.crawl", "--work", str(folder), str(part)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for part in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
    began = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    done = 0
    for process in processes:
        assert process.stdout is not None
        done += json.loads(process.stdout.readline())["pictures"]
    seconds = time.perf_counter() - began
    for process in processes:
        process.communicate()
    return done, seconds


# --- The crawl -----------------------------------------------------------------------------------


def crawl(url: str, pictures: int) -> None:
    """Crawl the site as a worker's job does, into a new gallery; say what came and how much memory.

    The settings are those of the platform, in the folder that IMAGINEER_DATA names.
    """
    import django

    django.setup()
    from django.core.management import call_command

    from gallery.models import Image
    from imagineer.jobs import registry
    from imagineer.jobs.models import Job
    from imagineer.jobs.runner import execute
    from scraping.models import ScrapeJob
    from scraping.options import checked
    from scraping.runs import Asked, start_crawl

    call_command("migrate", verbosity=0)
    options = checked({"depth": 10, "max_images": pictures * 2, "max_pages": pictures})
    scrape = start_crawl([Asked(url)], "Boats", options)
    warm_up = registry.kind("scraping.run").warm_up
    if warm_up is not None:
        warm_up()
    memory = _Memory(lambda: Image.objects.count())
    began = time.perf_counter()
    with memory:
        execute(scrape.job_id)
    seconds = time.perf_counter() - began
    scrape = ScrapeJob.objects.get(pk=scrape.pk)
    job = Job.objects.get(pk=scrape.job_id)
    refused = list(scrape.refused_images.values_list("reason", "detail")[:3])
    assert scrape.imported == pictures == Image.objects.count(), (job.error, refused)
    print(json.dumps({"pictures": pictures, "seconds": seconds, "memory": memory.seen}))


class _Memory:
    """Follows what this process and its children hold, in MB, beside the pictures stored."""

    def __init__(self, count: Callable[[], int]) -> None:
        self.count = count
        self.seen: list[tuple[int, float]] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ends.set()
        self._thread.join()

    def _watch(self) -> None:
        import psutil
        from django.db import connection

        me = psutil.Process()
        while not self._ends.wait(1):
            held = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.seen.append((self.count(), held / 1e6))
        connection.close()


def crawled(url: str, pictures: int, folder: Path) -> dict[str, Any]:
    """What :func:`crawl` says, from a process of its own."""
    environment = os.environ | {
        "IMAGINEER_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "imagineer.settings",
        "DATABASE_URL": "", "REDIS_URL": "", "LOG_LEVEL": "ERROR", "SCRAPE_DELAY": "0",
        "SCRAPE_ALLOWED_NETWORKS": f"{HOST}/32", "SCRAPE_ALLOWED_HOSTS": HOST,
    }  # fmt: skip
    found: dict[str, Any] = json.loads(
        _output(["--crawl", url, str(pictures)], environment).splitlines()[-1]
    )
    return found


def _output(words: list[str], environment: dict[str, str] | None = None) -> str:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.crawl", *words],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip


# --- The measurement -----------------------------------------------------------------------------


def others(url: str, pictures: int) -> dict[str, float | None]:
    """Pictures a second of other programs, None for one that is not installed or fetches none."""
    commands = {
        "wget -r": ["wget", "--quiet", "--recursive", "--level=inf", "--no-parent", url],
        "gallery-dl": [
            "gallery-dl", "--quiet", "--no-part", "--directory", ".",
            *(f"generic:{url}page-{page}.html" for page in range(1, pictures // A_PAGE)),
        ],
    }  # fmt: skip
    rates: dict[str, float | None] = {}
    for name, command in commands.items():
        program = shutil.which(command[0], path=f"{Path(sys.executable).parent}:{os.defpath}")
        if program is None:
            rates[name] = None
            continue
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            subprocess.run([program, *command[1:]], cwd=folder, check=False)
            seconds = time.perf_counter() - began
            came = len(list(Path(folder).rglob("*.jpg")))
        rates[name] = round(came / seconds, 1) if came else None
    return rates


def grown(memory: list[tuple[int, float]], pictures: int) -> dict[str, Any]:
    """What was held at about a tenth of the pictures, and at the end."""
    first = [held for count, held in memory if 0.1 <= count / pictures <= 0.25]
    last = [held for count, held in memory if count / pictures >= 0.85]
    early, late = statistics.median(first), statistics.median(last)
    return {
        "mb_at_a_tenth": round(early),
        "mb_at_the_end": round(late),
        "most_mb": round(max(held for _, held in memory)),
        "grown_mb": round(late - early, 1),
    }


def measure(metrics: dict[str, dict[str, Any]], pictures: int, folder: Path) -> None:
    site = folder / "site"
    site.mkdir()
    write_site(site, pictures)
    with served(site) as url:
        rates: dict[str, list[float]] = {"crawl": [], "scrapy": [], "bare loop": []}
        memory: list[tuple[int, float]] = []
        for turn in range(3):
            done, seconds = bare_loop(site)
            rates["bare loop"].append(done / seconds)
            began = time.perf_counter()
            came = json.loads(_output(["--download", url]).splitlines()[-1])["pictures"]
            rates["scrapy"].append(came / (time.perf_counter() - began))
            assert came == pictures
            if turn == 2:
                break
            found = crawled(url, pictures, folder / f"data-{turn}")
            rates["crawl"].append(found["pictures"] / found["seconds"])
            memory = [(count, held) for count, held in found["memory"]]
        a_second = {name: round(statistics.median(each), 1) for name, each in rates.items()}
        print(a_second, flush=True)
        ratio = a_second["crawl"] / min(a_second["scrapy"], a_second["bare loop"])
        metrics["rate"] |= {
            "value": round(ratio, 3), "a_second": a_second, "runs": rates, "ok": ratio >= 0.8,
        }  # fmt: skip
        held = grown(memory, pictures)
        metrics["memory"] |= {"value": held, "ok": held["grown_mb"] <= FLAT_MB}
        metrics["others"] |= {"value": others(url, pictures), "ok": True}


def main() -> int:
    told = sys.argv[1:]
    match told:
        case ["--serve", folder]:
            serve(Path(folder))
            return 0
        case ["--work", folder, part]:
            work(Path(folder), int(part))
            return 0
        case ["--download", url]:
            download(url)
            return 0
        case ["--crawl", url, number]:
            crawl(url, int(number))
            return 0
    parser = argparse.ArgumentParser(description=__doc__)
    full = os.environ.get("FULL", "1") != "0"
    parser.add_argument("--pictures", type=int, default=3000 if full else 600)
    pictures = parser.parse_args().pictures
    metrics: dict[str, dict[str, Any]] = {
        name: {"value": None, "target": target, "ok": False}
        for name, target in (("rate", RATE), ("memory", FLAT), ("others", OTHERS))
    }
    os.environ["DJANGO_SETTINGS_MODULE"] = "imagineer.settings"
    try:
        with tempfile.TemporaryDirectory(prefix="imagineer-bench-") as temporary:
            measure(metrics, pictures, Path(temporary))
    finally:
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(metrics, indent=2) + "\n")
    for name, metric in metrics.items():
        print(f"{name:<8} {'ok  ' if metric['ok'] else 'MISS'} {metric['value']}")
    return 0 if all(metric["ok"] for metric in metrics.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

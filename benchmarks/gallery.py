"""How the public pages fare as the gallery grows: 1 000, 100 000 and 1 000 000 images.

    python -m benchmarks.gallery [--sizes 1000,100000,1000000] [--rounds 60] [--keep FOLDER]

Each size is a SQLite database and a server process of its own. The processes are asked in turn, so
that whatever else the machine does meets all of them alike. Every page is also rendered by the same
view and template from rows in memory. Writes var/bench/gallery.json. FULL=0 leaves out the million.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent.parent / "var" / "bench" / "gallery.json"
LISTS = (
    "latest", "latest deep", "albums", "albums deep", "album", "album deep", "tag", "tag deep",
)  # fmt: skip
PAGES = (*LISTS, "image", "search", "search deep")
AT_MOST_8 = "At most 8 queries a page, the same number at every size"
RATIO = "p95 at 1 000 000 at most 1.3 times p95 at 1 000 for lists, album, image, tag"
SEARCH = "search at most 3 times"
INDEX = "in an index that answers in under 2 ms at a million images"
HALF = "List pages at 1 000 000 rows reach at least half of the in-memory rendering's throughput"


# --- The server process --------------------------------------------------------------------------


def serve(size: int, folder: str) -> None:
    """Fill the database if it is empty, then answer one JSON line for each line read."""
    os.environ.update(
        IMAGINEER_DATA=folder, DJANGO_SETTINGS_MODULE="imagineer.settings", DATABASE_URL="",
        REDIS_URL="", LOG_LEVEL="ERROR", ALLOWED_HOSTS="testserver",
    )  # fmt: skip
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from benchmarks.rows.gallery import fill

    settings.STORAGES["staticfiles"] = {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    fill(size)
    server = _Server()
    print(json.dumps({"filled_s": round(time.perf_counter() - began, 1)}), flush=True)
    for line in sys.stdin:
        print(json.dumps(server.answer(line.strip())), flush=True)


class _Server:
    """One visitor's requests, through every middleware, view and template."""

    def __init__(self) -> None:
        from django.test import Client

        from gallery.models import AlbumImage, Image
        from imagineer.keyset import encode_cursor

        self.client = Client()
        newest = Image.objects.order_by("-pk").values_list("pk", flat=True)[0]
        deep = max(60, newest - 50_000)
        place = AlbumImage.objects.filter(album=1).order_by("position", "pk")
        inside = [*place.values_list("position", "pk")[:50_000]]
        assert len(inside) >= 60
        self.paths = {
            "latest": "/",
            "latest deep": f"/?after={encode_cursor([deep])}",
            "albums": "/albums/",
            "albums deep": f"/albums/?after={encode_cursor(_deep_in_albums())}",
            "album": "/albums/album-0/",
            "album deep": f"/albums/album-0/?after={encode_cursor(inside[-60])}",
            "tag": "/tags/tag_0/",
            "tag deep": f"/tags/tag_0/?after={encode_cursor([_deep_in_tag()])}",
            "image": f"/images/{_open_image(deep)}/",
            "search": "/search/?q=word0",
            "search deep": f"/search/?q=word0&after={encode_cursor([deep])}",
        }
        self.in_memory: dict[str, Any] = {}

    def answer(self, asked: str) -> dict[str, Any]:
        kind, _, name = asked.partition(" ")
        if kind == "memory":
            import psutil

            return {"rss_mb": round(psutil.Process().memory_info().rss / 1e6)}
        if kind == "rendered":
            return {"seconds": self._rendered(name)}
        if kind == "index":
            return self._index()
        if kind == "queries":
            return {"queries": self._queries(name)}
        return {"seconds": self._timed(name)}

    def _timed(self, name: str) -> float:
        began = time.perf_counter()
        response = self.client.get(self.paths[name])
        seconds = time.perf_counter() - began
        assert response.status_code == 200, (name, response.status_code)
        return seconds

    def _queries(self, name: str) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as asked:
            self.client.get(self.paths[name])
        return len([query for query in asked if query["sql"].startswith(("SELECT", "WITH"))])

    def _index(self) -> dict[str, Any]:
        """How long the index of perceptual hashes takes to be read, and to answer.

        Each question is asked three times and the quickest counts: what else the machine does is
        no part of it.
        """
        from gallery import similar
        from gallery.hash_index import RADIUS
        from gallery.models import Image

        began = time.perf_counter()
        similar.catch_up()
        found: dict[str, Any] = {
            "images": len(similar._index),
            "read_s": round(time.perf_counter() - began, 2),
        }
        asked = Image.objects.order_by("pk").values_list("phash", flat=True)[:300]
        for name, radius in (("near_duplicates", RADIUS), ("more_like_this", similar.ALIKE_RADIUS)):
            times = []
            for phash in asked:
                assert phash is not None
                taken = []
                for _ in range(3):
                    began = time.perf_counter()
                    similar.known_within(phash, radius, similar.AT_MOST)
                    taken.append(time.perf_counter() - began)
                times.append(min(taken))
            found[name] = {
                "median_ms": round(statistics.median(times) * 1000, 3),
                "p95_ms": round(p95(times) * 1000, 3),
            }
        return found

    def _rendered(self, name: str) -> float:
        """The same view and template over the context it had, kept in memory."""
        from unittest import mock

        from django.shortcuts import render as real

        from gallery import views

        if name not in self.in_memory:

            def remembered(request: Any, template: str, context: Any, **more: Any) -> Any:
                self.in_memory[name] = template, context
                return real(request, template, context, **more)

            with mock.patch.object(views, "render", remembered):
                self.client.get(self.paths[name])
        template, context = self.in_memory[name]

        def from_memory(request: Any, *args: Any, **kwargs: Any) -> Any:
            return real(request, template, context)

        from django.urls import resolve

        match = resolve(self.paths[name].partition("?")[0])
        with (
            mock.patch.object(match.func, "__wrapped__", from_memory, create=True),
            mock.patch("django.urls.resolvers.URLResolver.resolve", _resolving(match, from_memory)),
        ):
            began = time.perf_counter()
            response = self.client.get(self.paths[name])
            seconds = time.perf_counter() - began
        assert response.status_code == 200
        return seconds


def _resolving(match: Any, view: Any) -> Any:
    from django.urls import ResolverMatch

    found = ResolverMatch(
        view, match.args, match.kwargs, match.url_name, match.app_names, match.namespaces,
        match.route, match.tried, match.captured_kwargs, match.extra_kwargs,
    )  # fmt: skip
    return lambda self, path: found


def _deep_in_albums() -> tuple[Any, ...]:
    """Where the last full page of the albums begins: those that were made first hold the most."""
    from gallery.models import Album

    oldest = Album.objects.filter(is_public=True).order_by("created_at", "id")
    return tuple(oldest.values_list("created_at", "id")[24])


def _deep_in_tag() -> int:
    """The image before the 1000th page of the most used tag, or before its last full page."""
    from gallery.models import Exposure, ImageTag

    uses = ImageTag.objects.filter(tag__name="tag 0", exposure__lte=Exposure.OPEN)
    newest = list(uses.order_by("-image_id").values_list("image_id", flat=True)[:50_000])
    return int(newest[-1] if len(newest) == 50_000 else newest[-60])


def _open_image(near: int) -> int:
    from gallery.models import Exposure, Image

    shown = Image.objects.filter(exposure__lte=Exposure.OPEN, pk__gte=near)
    return int(shown.order_by("pk").values_list("pk", flat=True)[0])


# --- The measurement -----------------------------------------------------------------------------


class Process:
    def __init__(self, size: int, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.size = size
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.gallery", "--serve", str(size), str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def ask(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.read()


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, int(len(values) * 0.95) - 1)]


def measure(sizes: list[int], rounds: int, folder: Path) -> dict[str, dict[str, Any]]:
    processes = []
    for size in sizes:
        process = Process(size, folder / str(size))
        print(f"{size:>9} images filled in {process.read()['filled_s']} s", flush=True)
        processes.append(process)
    figures: dict[str, Any] = {}
    for page in PAGES:
        times: dict[int, list[float]] = {size: [] for size in sizes}
        rendered: dict[int, list[float]] = {size: [] for size in sizes}
        queries = {each.size: each.ask(f"queries {page}")["queries"] for each in processes}
        for _ in range(rounds):
            for each in processes:
                times[each.size].append(each.ask(f"page {page}")["seconds"])
                rendered[each.size].append(each.ask(f"rendered {page}")["seconds"])
        figures[page] = {
            size: {
                "median_ms": round(statistics.median(times[size]) * 1000, 2),
                "p95_ms": round(p95(times[size]) * 1000, 2),
                "rendered_median_ms": round(statistics.median(rendered[size]) * 1000, 2),
                "queries": queries[size],
            }
            for size in sizes
        }
        for size in sizes:
            row = figures[page][size]
            print(
                f"{page:<12} {size:>9}  median {row['median_ms']:7.2f} ms  p95 {row['p95_ms']:7.2f}"
                f"  in memory {row['rendered_median_ms']:7.2f}  {row['queries']} queries",
                flush=True,
            )
    memory = {each.size: each.ask("memory")["rss_mb"] for each in processes}
    index = {each.size: each.ask("index") for each in processes}
    for each in processes:
        each.process.terminate()
    return _metrics(figures, sizes, memory, index)


def _metrics(
    figures: dict[str, Any],
    sizes: list[int],
    memory: dict[int, int],
    index: dict[int, dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    least, most = sizes[0], sizes[-1]
    counted = {page: {rows[size]["queries"] for size in sizes} for page, rows in figures.items()}
    worst = {page: max(numbers) for page, numbers in counted.items()}
    ratio = {
        page: round(rows[most]["p95_ms"] / rows[least]["p95_ms"], 2)
        for page, rows in figures.items()
    }
    half = {
        page: round(figures[page][most]["rendered_median_ms"] / figures[page][most]["median_ms"], 2)
        for page in LISTS
    }
    lists = {page: ratio[page] for page in (*LISTS, "image")}
    searches = {page: ratio[page] for page in ("search", "search deep")}
    return {
        "queries": {
            "value": worst,
            "target": AT_MOST_8,
            "ok": max(worst.values()) <= 8 and all(len(seen) == 1 for seen in counted.values()),
        },
        "p95_ratio": {"value": lists, "target": RATIO, "ok": max(lists.values()) <= 1.3},
        "search_ratio": {
            "value": searches, "target": SEARCH, "ok": max(searches.values()) <= 3,
        },
        "throughput": {"value": half, "target": HALF, "ok": min(half.values()) >= 0.5},
        "hash_index": {
            "value": index,
            "target": INDEX,
            "ok": all(
                index[most][name]["p95_ms"] < 2 for name in ("near_duplicates", "more_like_this")
            ),
        },
        "memory_mb": {"value": memory, "target": "memory of the server", "ok": True},
        "pages": {"value": figures, "target": "per page kind and depth", "ok": True},
    }  # fmt: skip


def main() -> int:
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]), sys.argv[3])
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    full = os.environ.get("FULL", "1") != "0"
    parser.add_argument("--sizes", default="1000,100000,1000000" if full else "1000,100000")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--keep", type=Path, help="where databases stay for the next run")
    told = parser.parse_args()
    sizes = [int(size) for size in told.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="imagineer-bench-") as temporary:
        metrics = measure(sizes, told.rounds, told.keep or Path(temporary))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(metrics, indent=2) + "\n")
    for name, metric in metrics.items():
        if name != "pages":
            print(f"{name:<14} {'ok  ' if metric['ok'] else 'MISS'} {metric['value']}")
    return 0 if all(metric["ok"] for metric in metrics.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

"""What would be taken from one page, before a crawl is started: the runner of ``scraping.preview``.

It waits in the queue "default", ahead of what waits there: on "crawl" it would stand behind crawls
of hours, and the queue's one worker runs one job at a time. The page is read by the same child and
spider as in a crawl, within bounds of seconds and bytes, and nothing enters the gallery.
"""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from gallery import image_files, similar
from gallery.fingerprint import distance
from gallery.image_files import DecodedImage, ImageRefused
from imagineer.jobs.models import Job
from imagineer.jobs.registry import JobContext, JobFailed, Result
from imagineer.jobs.submit import submit
from scraping import options, preview_files, spool
from scraping.addresses import site_of
from scraping.crawl_child import CrawlChild, Event
from scraping.crawl_config import CrawlConfig, TargetConfig
from scraping.crawl_settings import configured, of_source, rendering_of
from scraping.find_browser import NoBrowser, needed_browser
from scraping.judge_file import Judged, judge
from scraping.models import RefusedImage, Source
from scraping.options import CrawlOptions
from scraping.rendering import Rendering
from scraping.runs import Asked, tried

KIND = "scraping.preview"
PRIORITY = 100
MOST_PICTURES = 40
MOST_MEGABYTES = 60
MOST_SECONDS = 25.0
MOST_LINKS = 20
_POLL_S = 0.2
_WRITE_EVERY_S = 0.5
_MORE_SECONDS_FOR_BROWSER = 20.0
# After its time is up, for what it has still to tell.
_GRACE_S = 2.0
_TARGET = 0


def start_preview(
    asked: Asked,
    choices: Mapping[str, Any],
    created_by: Any = None,
    typed: Mapping[str, list[str]] | None = None,
) -> Job:
    """Ask for a preview of one address. choices: what is chosen over what its source wants.

    typed: the form that asks, as it was filled in; it is shown again from there. Raises Problem as
    a crawl's start does.
    """
    url, source, chosen = tried(asked, choices)
    params = {
        "url": url,
        "options": chosen.as_json(),
        "source": source.pk if source else None,
        "typed": dict(typed or {}),
    }
    return submit(
        KIND,
        title=f"Preview of {site_of(url)}",
        params=params,
        priority=PRIORITY,
        created_by=created_by,
    )


@dataclass
class _Preview:
    """told: what the pages of the preview show, as preview.json holds it."""

    context: JobContext
    chosen: CrawlOptions
    told: dict[str, Any]
    # Of pictures that would be taken: place on the page, SHA-256, perceptual hash.
    taken: list[tuple[int, str, int | None]] = field(default_factory=list)
    written: float = 0.0

    def write(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if at_once or now - self.written >= _WRITE_EVERY_S:
            self.written = now
            preview_files.write(self.context.job.pk, self.told)


def run(context: JobContext) -> Result:
    """Read the page and judge its pictures; what is known so far can be read meanwhile."""
    params = context.job.params
    chosen = options.from_json(params["options"])
    folder = preview_files.folder_of(context.job.pk)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "target").mkdir(parents=True)
    preview = _Preview(context, chosen, _nothing_yet(params["url"]))
    preview.write(at_once=True)
    similar.catch_up(context.check_cancelled)
    with CrawlChild(_config(context.job), folder / "log") as child:
        _follow(preview, child)
    preview.write(at_once=True)
    shutil.rmtree(folder / "target", ignore_errors=True)
    return {
        "found": preview.told["found"],
        "looked_at": len(preview.told["pictures"]),
        "would_be_taken": len(preview.taken),
    }


def _nothing_yet(url: str) -> dict[str, Any]:
    """links: pages that a crawl would go on to; robots: what the pages ask of them."""
    return {
        "url": url,
        "pages": [],
        "found": 0,
        "pictures": [],
        "links": 0,
        "first_links": [],
        "robots": [],
        "trouble": "",
        "cut_short": "",
    }


def _config(job: Job) -> CrawlConfig:
    folder = preview_files.folder_of(job.pk)
    source = Source.objects.filter(pk=job.params["source"]).first()
    chosen = options.from_json(job.params["options"])
    rendering = rendering_of(chosen, source)
    browser = _browser(rendering)
    target = TargetConfig(
        number=_TARGET,
        url=job.params["url"],
        folder=str(folder / "target"),
        max_downloads=MOST_PICTURES,
        render_javascript=rendering if browser else "off",
        is_preview=True,
        **of_source(source),
    )
    return configured(
        spool=str(folder),
        targets=(target,),
        options=replace(
            chosen,
            max_pages=_most_pages(source, chosen),
            max_megabytes=MOST_MEGABYTES,
            use_sitemaps=False,
        ),
        seconds_left=MOST_SECONDS + (_MORE_SECONDS_FOR_BROWSER if browser else 0),
        browser=browser,
    )


def _browser(rendering: Rendering) -> str:
    try:
        return needed_browser({rendering}, settings.CHROMIUM)
    except NoBrowser as missing:
        if rendering == "on":
            raise JobFailed(str(missing)) from missing
        return ""


def _most_pages(source: Source | None, chosen: CrawlOptions) -> int:
    """Of a plain page no link is followed; a sitemap or an API leads to pictures by others only."""
    is_plain = source is None or source.kind == Source.Kind.PAGES
    return chosen.max_pages if is_plain else 3


def _follow(preview: _Preview, child: CrawlChild) -> None:
    ends = time.monotonic() + child.config.seconds_left + _GRACE_S
    while True:
        pictures = preview.told["pictures"]
        preview.context.progress(len(pictures), max(len(pictures), preview.told["found"]))
        try:
            event = child.next_event(_POLL_S)
        except EOFError:
            preview.told["trouble"] = preview.told["trouble"] or "The crawler's process died."
            return
        if event is not None:
            if event["event"] == "end":
                return
            _handle(preview, event)
            preview.write()
        if time.monotonic() > ends:
            preview.told["cut_short"] = "minutes"
            return


def _handle(preview: _Preview, event: Event) -> None:
    told = preview.told
    match event["event"]:
        case "page":
            told["pages"].append(event["url"])
        case "found":
            told["found"] = event["number"]
        case "tried":
            told["links"] += event["number"]
            told["first_links"] += event["urls"][: MOST_LINKS - len(told["first_links"])]
            told["robots"] = sorted({*told["robots"], *event["robots"]})
        case "picture":
            _judge(preview, event)
        case "refused":
            _add(preview, event, event["reason"], event["detail"])
        case "trouble":
            told["trouble"] = told["trouble"] or event["detail"]
        case "target_end" if event["reason"] not in ("finished", "pages"):
            told["cut_short"] = event["reason"]


def _judge(preview: _Preview, event: Event) -> None:
    path = preview_files.folder_of(preview.context.job.pk) / event["file"]
    held = spool.read(path)
    path.unlink(missing_ok=True)
    if held is None:
        return
    _, data = held
    judged = _beside_others(preview, judge(data, preview.chosen))
    if judged.decoded is None:
        judged = replace(judged, decoded=_decoded(data))
    number = len(preview.told["pictures"])
    if judged.decoded is not None:
        preview_files.write_thumbnail(preview.context.job.pk, number, judged.decoded)
    if not judged.reason:
        preview.taken.append((_place(event), judged.sha256, judged.phash))
    _add(preview, event, judged.reason, judged.detail, judged, len(data))


def _decoded(data: bytes) -> DecodedImage | None:
    """To be shown, where judging did not need it."""
    try:
        return image_files.decode(data, max_width=300, max_height=300)
    except ImageRefused:
        return None


def _beside_others(preview: _Preview, judged: Judged) -> Judged:
    """Of two pictures of the page that are alike, a crawl takes the first."""
    if judged.reason:
        return judged
    for place, sha256, phash in preview.taken:
        if sha256 == judged.sha256:
            return replace(
                judged, reason=RefusedImage.Reason.EXACT, detail=f"Is picture {place} here."
            )
        if phash is None or judged.phash is None:
            continue
        if distance(phash, judged.phash) <= preview.chosen.near_distance:
            return replace(
                judged,
                reason=RefusedImage.Reason.NEAR,
                detail=f"Looks like picture {place} here.",
            )
    return judged


def _place(event: Event) -> int:
    """Its place among the page's pictures, from 1."""
    return (event["position"] or 0) + 1


def _add(
    preview: _Preview,
    event: Event,
    reason: str,
    detail: str,
    judged: Judged | None = None,
    size: int | None = None,
) -> None:
    decoded = judged.decoded if judged else None
    preview.told["pictures"].append(
        {
            "image_url": event["image_url"],
            "page_url": event["page_url"],
            "found_by": event["found_by"],
            "place": _place(event),
            "caption": event["caption"] or event["alt"],
            "reason": reason,
            "detail": detail,
            "same_as": judged.same_as if judged else None,
            "bytes": size,
            "width": decoded.width if decoded else None,
            "height": decoded.height if decoded else None,
            "has_thumbnail": decoded is not None,
        }
    )

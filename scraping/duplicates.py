"""A crawl finds what the gallery has: whose words count, and whose file.

Where it was found again stands in RefusedImage.same_as. Of an image that crawls brought, a source
that is trusted more than all where it was found before has the last word: its captions and tags
become the newest labels of the kind "web page", and so count before theirs. An image that came
in otherwise keeps its own words.
"""

from gallery.image_files import DecodedImage
from gallery.models import Image, Label
from scraping.crawl_config import Sighting
from scraping.found_labels import labels_in
from scraping.models import CrawlTarget, RefusedImage, ScrapedImage, Source
from scraping.write_labels import write_labels

_LEVELS = {Source.Trust.LOW: 0, Source.Trust.MEDIUM: 1, Source.Trust.HIGH: 2}
# A file of so many times the pixels is worth another place in the gallery.
BETTER = 1.5
IN_TRASH = "It lies in the trash."


def trust_of(target: CrawlTarget) -> int:
    """0 to 2; an address of no source is trusted as a source is that nothing was said of."""
    return _level(target.source.trust_level if target.source else None)


def _level(trust: str | None) -> int:
    return _LEVELS[Source.Trust(trust or Source.Trust.MEDIUM)]


def trust_in(image: Image) -> int | None:
    """The highest of where crawls found it, 0 to 2; None for an image that no crawl brought."""
    brought = ScrapedImage.objects.filter(image=image)
    levels = set(brought.values_list("target__source__trust_level", flat=True))
    if not levels:
        return None
    again = RefusedImage.objects.filter(same_as=image)
    levels |= set(again.values_list("target__source__trust_level", flat=True))
    return max(_level(level) for level in levels)


def is_trusted_more(target: CrawlTarget, image: Image) -> bool:
    """Whether the target's source is trusted more than any where the image was found before."""
    mine = trust_of(target)
    if mine == 0:
        return False
    before = trust_in(image)
    return before is not None and mine > before


def takes_its_place(target: CrawlTarget, image: Image, file: DecodedImage) -> bool:
    """Whether a file, nearly the same picture as an image, is kept instead of it.

    It must have clearly more pixels. The image must be what this very crawl brought (a thumbnail
    on a page that it read before), or come from a source that is trusted less; and nobody may have
    put words to it by hand. All others stay: an admin decides on these.
    """
    if file.width * file.height < BETTER * image.width * image.height:
        return False
    before = trust_in(image)
    if before is None or image.source_type != Image.Source.SCRAPED:
        return False
    mine = trust_of(target)
    ours = image.scraped_from.filter(scrape_job=target.scrape_job).exists()
    if not (mine > before or (ours and mine == before)):
        return False
    return not image.labels.filter(source=Label.Source.MANUAL).exists()


def compared(image: Image, file: DecodedImage) -> str:
    """How a file that looks like an image differs from it, as a sentence."""
    if file.width * file.height < BETTER * image.width * image.height:
        return f"Looks like image {image.pk}."
    return (
        f"Looks like image {image.pk}, and is larger: {file.width} × {file.height} pixels, "
        f"not {image.width} × {image.height}."
    )


def say(target: CrawlTarget, found: Sighting, image: Image) -> None:
    """Give the image the words found with it, as the newest of all from web pages."""
    said = image.labels.filter(source=Label.Source.SCRAPER).order_by("-created_at", "-pk")
    known = list(said.values_list("kind", "text"))
    newest = next((one for one in known if one[0] == Label.Kind.CAPTION), None)
    captions = [one for one in labels_in(found) if one[0] == Label.Kind.CAPTION]
    others = [one for one in labels_in(found) if one[0] != Label.Kind.CAPTION]
    wanted = [one for one in (*captions[:-1], *others) if one not in known]
    wanted += [one for one in captions[-1:] if one != newest]
    write_labels(target, image, wanted)

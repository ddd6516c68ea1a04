"""What the rooms above know of images that lists are filtered by: a fact is a kind and a value.

They register in ``ready()``, and call :func:`gallery.image_index.refresh` for the images of which
they know something else by now. :func:`gallery.search.fact` asks for a fact.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

Fact = tuple[str, object]
Teller = Callable[[Sequence[int]], Iterable[tuple[int, Fact]]]
_tellers: list[Teller] = []


def register(teller: Teller) -> None:
    """teller: of some images' ids, each fact with the id of its image. A few queries for all."""
    if teller not in _tellers:
        _tellers.append(teller)


def told(image_ids: Sequence[int]) -> dict[int, list[Fact]]:
    """What is known of these images, by their ids."""
    found: dict[int, list[Fact]] = defaultdict(list)
    for teller in _tellers:
        for image_id, fact in teller(image_ids):
            found[image_id].append(fact)
    return found

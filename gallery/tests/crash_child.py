"""A process of its own for the crash tests: ``python -m gallery.tests.crash_child kill|race …``.

It prepares one database and media folder, then forks writers, which is fast, kills them with
SIGKILL at seeded random moments, and compares rows and files after each. Prints one JSON line.
"""

import hashlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import django

PICTURES = 16
STEPS = {"open", "os.rename", "os.remove", "os.link", "os.mkdir"}
"""Audit events of Python that touch the file system."""


def main() -> None:
    mode, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    result = kill(seed, rounds) if mode == "kill" else race(seed, rounds)
    sys.stdout.write(json.dumps(result) + "\n")


def fork(work: Callable[[], None]) -> int:
    from django.db import connections

    connections.close_all()
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:  # a child must never return into its parent's code
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def kill(seed: int, rounds: int) -> dict[str, int]:
    """Kill a writer that adds, rates and deletes without end; compare after each death."""
    from gallery.models import Image
    from gallery.sweep import sweep

    chance = random.Random(seed)
    from gallery import albums

    albums.named("Shelf")
    for number in range(PICTURES):
        data_of(number)
    killed, most_orphans = 0, 0
    for number in range(rounds):
        if number % 2:
            # A step of the file system: how far a write has come does not depend on the machine.
            steps = chance.randint(1, 60)
            child = fork(lambda n=number, s=steps: write_until_step(seed * 1000 + n, s))  # type: ignore[misc]
        else:
            # Any moment, in the writer's own time, so that a busy machine changes little.
            child = fork(lambda n=number: write_without_end(seed * 1000 + n))  # type: ignore[misc]
            moment = chance.uniform(0.0, 0.15)
            while seconds_run(child) < moment:
                time.sleep(0.001)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        most_orphans = max(most_orphans, compare())
    make_old()
    swept = sweep(timedelta(hours=1))
    orphans = compare()
    write_all()
    return {
        "killed": killed,
        "most_orphans": most_orphans,
        "swept": len(swept.removed),
        "orphans_after_sweep": orphans,
        "rows": Image.objects.count(),
        "entries": albums.named("Shelf").images.count(),
        "orphans_at_end": compare(),
    }


def seconds_run(process: int) -> float:
    """CPU time, to the nanosecond."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9


def race(seed: int, writers: int) -> dict[str, int]:
    """Several processes add the same pictures in different orders to the same new album."""
    from gallery import albums
    from gallery.models import Album, AlbumImage, Image

    def write(number: int) -> None:
        from gallery.add_image import add_image

        order = list(range(PICTURES))
        random.Random(seed * 100 + number).shuffle(order)
        for picture in order:
            shelf = albums.named("Shelf")
            add_image(data_of(picture), source_type="upload", album=shelf)

    children = [fork(lambda number=number: write(number)) for number in range(writers)]  # type: ignore[misc]
    failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
    entries = AlbumImage.objects.values_list("position", flat=True)
    return {
        "failed": failed,
        "rows": Image.objects.count(),
        "albums": Album.objects.count(),
        "entries": len(entries),
        "positions": len(set(entries)),
        "orphans": compare(),
    }


def data_of(number: int) -> bytes:
    from gallery.tests.factories import picture_file

    if number not in _drawn:
        _drawn[number] = picture_file(number, 320, 200)
    return _drawn[number]


_drawn: dict[int, bytes] = {}


def write_without_end(seed: int) -> None:
    from gallery import albums, ratings, removal
    from gallery.add_image import add_image
    from gallery.models import Rating

    chance = random.Random(seed)
    while True:
        shelf = albums.named("Shelf")
        number = chance.randrange(PICTURES)
        image = add_image(
            data_of(number), source_type="generated", album=shelf, sidecar={"number": number}
        ).image
        if chance.random() < 0.3:
            ratings.change_rating([image], chance.choice(Rating.values))
        if chance.random() < 0.2:
            removal.delete_images([image.pk])


def write_until_step(seed: int, steps: int) -> None:
    """Write without end, killed right before the step-th opening, renaming or removing of media."""
    from django.conf import settings

    media, seen = str(settings.MEDIA_ROOT), 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in STEPS and any(str(part).startswith(media) for part in arguments):
            seen += 1
            if seen == steps:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    write_without_end(seed)


def write_all() -> None:
    from gallery import albums
    from gallery.add_image import add_image

    for number in range(PICTURES):
        shelf = albums.named("Shelf")
        add_image(data_of(number), source_type="generated", album=shelf, sidecar={})


def compare() -> int:
    """Every row has all its files whole; how many files no row names. Exits on a difference."""
    from django.conf import settings

    from gallery.models import AlbumImage, Image
    from gallery.removal import file_names

    media = Path(settings.MEDIA_ROOT)
    present = {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}
    for image in Image.objects.all():
        names = file_names(image)
        data = (media / names[0]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == image.sha256, image
        for name in names[2:]:
            assert whole_webp((media / name).read_bytes()), name
        assert AlbumImage.objects.filter(image=image).exists(), image
        present -= set(names)
    return len(present)


def whole_webp(data: bytes) -> bool:
    """The container's own length says whether a file was cut off."""
    return data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 == len(data)


def make_old() -> None:
    from django.conf import settings

    long_ago = time.time() - 7200
    for path in Path(settings.MEDIA_ROOT).rglob("*"):
        os.utime(path, (long_ago, long_ago))


if __name__ == "__main__":
    main()

"""Counts that tell of more, or of less, than may be listed."""

from django.test import Client

from imagineer.tests.leaks.worlds import Rows, State, World


def wrong_counts(client: Client, rows: Rows, world: World, choice: str) -> list[str]:
    """Counts that tell of more, or of less, than may be listed."""
    shown = {number: state for number, state in enumerate(world.pictures) if not state.is_hidden}
    listed = [state for state in shown.values() if choice != "hide" or not state.is_veiled]
    # Words are told of sharp pictures alone.
    told_of = {
        number: state for number, state in shown.items() if choice == "show" or not state.is_veiled
    }
    found = []

    def check(address: str, told: object, expected: object) -> None:
        if told != expected:
            found.append(f"{address}: counts {told} instead of {expected}")

    for number, album in enumerate(rows.albums):
        expected = sum(number in state.shelves for state in listed)
        if world.public_shelves[number]:
            address = f"/api/albums/{album.pk}"
            check(address, client.get(address).json()["image_count"], expected)
            address = f"/albums/{album.slug}/"
            check(address, client.get(address).context["album"].image_count, expected)
    shelves = {row.pk: row.image_count for row in client.get("/albums/").context["page"].items}
    check(
        "/albums/",
        shelves,
        {
            album.pk: number
            for place, album in enumerate(rows.albums)
            if world.public_shelves[place]
            and (number := sum(place in state.shelves for state in listed))
        },
    )
    page = client.get("/tags/commontag/")
    count = page.context["tag"].image_count if page.status_code == 200 else 0
    check("/tags/commontag/", count, len(told_of))
    tags = {row.name: row.image_count for row in client.get("/tags/").context["page"].items}
    check("/tags/", tags.get("commontag", 0), len(told_of))
    # Each has a tag of its own, and one that this implies.
    check("/tags/", len(tags), 2 * len(told_of) + bool(told_of))
    found_tags = client.get("/api/tags?q=commontag").json()["items"]
    check("/api/tags", sum(row["count"] for row in found_tags), len(told_of))
    for number, album in enumerate(rows.albums):
        if world.public_shelves[number]:
            address = f"/api/albums/{album.pk}/tags"
            counts = {row["name"]: row["count"] for row in client.get(address).json()["items"]}
            expected = sum(number in state.shelves for state in told_of.values())
            check(address, counts.get("commontag", 0), expected)
    if world.public_lora:
        expected = sum(state.lora for state in listed)
        check("/api/loras", client.get("/api/loras").json()["items"][0]["pictures"], expected)
        address = f"/loras/{rows.lora.pk}/"
        check(address, client.get(address).context["lora"].image_count, expected)
    if world.tells_of_run:
        address = f"/api/batches/{rows.run.pk}"
        told = client.get(address).json()
        check(address, (told["total"], told["done"], told["failed"]), (len(listed), len(listed), 0))
        check(address, len(told["items"]), len(listed))
    batches = int(world.tells_of_run)
    check("/api/batches", len(client.get("/api/batches").json()["items"]), batches)
    templates = client.get("/templates/").context["templates"]
    check("/templates/", templates[0][0].run_count, batches)
    check("/api/search", *_facets(client, world, told_of))
    # To leave out a private name leaves out nothing.
    names = [
        ("album", rows.albums[place].name, public)
        for place, public in enumerate(world.public_shelves)
    ] + [("lora", "loraname", world.public_lora)]
    for key, name, public in names:
        if not public:
            address = f"/api/search?q=common -{key}:{name}"
            check(address, client.get(address).json()["total"], len(told_of))
    return found


def _facets(client: Client, world: World, told_of: dict[int, State]) -> tuple[object, object]:
    """(what a search for all tells of numbers, what it should)."""
    told = client.get("/api/search?q=common").json()
    facets = {
        facets["title"]: {item["term"]: item["count"] for item in facets["items"]}
        for facets in told["facets"]
    }
    expected: dict[str, dict[str, int]] = {}
    for number, state in told_of.items():
        source = expected.setdefault("Source", {})
        source[f"source:{state.source_type}"] = source.get(f"source:{state.source_type}", 0) + 1
        tags = expected.setdefault("Tags", {})
        tags["tag:commontag"] = tags.get("tag:commontag", 0) + 1
        tags[f"tag:tagpic{number}"] = tags[f"tag:impliedpic{number}"] = 1
        if state.lora and world.public_lora:
            loras = expected.setdefault("LoRA", {})
            loras["lora:loraname"] = loras.get("lora:loraname", 0) + 1
    return (told["total"], facets), (len(told_of), expected)

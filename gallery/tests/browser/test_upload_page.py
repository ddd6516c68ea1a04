"""Uploading in a real browser: files, folders and archives, and a connection that is lost."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, Route, expect
from pytest_django import Settings

from gallery import admin_upload
from gallery.models import Album, Image, Label
from gallery.tests.browser.whole import assert_whole
from gallery.tests.browser.window import Visit, Visitor, sign_in
from gallery.tests.factories import picture_file
from gallery.tests.files import zipped
from imagineer.jobs.models import Job
from imagineer.jobs.runner import execute

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = "/admin/gallery/image/upload/"


@pytest.fixture
def admin(visit: Visit, admin_client: Client, settings: Settings, tmp_path: Path) -> Visitor:
    settings.DATA_DIR = tmp_path / "data"
    return sign_in(visit(), admin_client)


def choose(page: Page, *paths: Path) -> None:
    page.get_by_label("Pictures, archives").set_input_files(list(paths))


def title(page: Page) -> Any:
    return page.locator("#progress-title")


def row(page: Page, name: str) -> Any:
    return page.locator("[data-rows] li", has_text=name)


def test_each_file_has_its_answer(admin: Visitor, tmp_path: Path) -> None:
    good, same, bad = (tmp_path / name for name in ("good.png", "same.png", "bad.png"))
    good.write_bytes(picture_file(seed=1))
    same.write_bytes(picture_file(seed=1))
    bad.write_bytes(b"no picture at all")
    caption = tmp_path / "good.txt"
    caption.write_text("a red card")
    page = admin.open(PAGE)
    page.get_by_label("Album", exact=False).first.fill("From the browser")
    choose(page, same, good, bad, caption)
    expect(row(page, "good.png with .txt")).to_contain_text("added")
    expect(row(page, "same.png")).to_contain_text("known before")
    expect(row(page, "bad.png")).to_contain_text("taken")
    expect(title(page)).to_contain_text("3 of 3 uploaded, 1 known before, 1 refused")
    page.get_by_label("Only what was refused").check()
    expect(row(page, "good.png")).to_be_hidden()
    expect(row(page, "bad.png")).to_be_visible()
    title(page).get_by_role("link", name="From the browser").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("From the browser")
    assert Label.objects.get().text == "a red card"
    assert "status of 422" in admin.errors.pop()


def test_a_folder_becomes_an_album_in_the_order_of_names(admin: Visitor, tmp_path: Path) -> None:
    folder = tmp_path / "Holidays"
    (folder / "more").mkdir(parents=True)
    for name, seed in (("10.png", 10), ("2.png", 2), ("more/1.png", 1)):
        (folder / name).write_bytes(picture_file(seed))
    (folder / "2.json").write_text('{"tags": ["sea"]}')
    (folder / "notes.md").write_text("none of ours")
    (folder / ".DS_Store").write_text("x")
    page = admin.open(PAGE)
    page.locator("#upload-folder").set_input_files(folder)
    expect(title(page)).to_contain_text("3 of 3 uploaded, 1 other file passed over")
    entries = Album.objects.get(name="Holidays").entries.order_by("position")
    assert [entry.image.original_name for entry in entries] == ["2.png", "10.png", "1.png"]
    assert Label.objects.get().text == "sea"


DROP = """([bytes, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
  return data;
}"""


def test_pictures_are_dropped_on_the_page(admin: Visitor) -> None:
    page = admin.open(PAGE)
    carried = page.evaluate_handle(DROP, [list(picture_file()), "dropped.png"])
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": carried})
    expect(row(page, "dropped.png")).to_contain_text("added")


def test_an_archive_is_followed_to_its_end(admin: Visitor, tmp_path: Path) -> None:
    archive = tmp_path / "Deck.zip"
    archive.write_bytes(zipped({"a.png": picture_file(1), "b.png": b"broken"}))
    page = admin.open(PAGE)
    choose(page, archive)
    expect(row(page, "Deck.zip")).to_contain_text("waits to be taken in")
    execute(Job.objects.get().pk)
    expect(row(page, "Deck.zip")).to_contain_text("1 added, 1 left out")
    title(page).get_by_role("link", name="Deck").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Deck")


def test_a_hostile_archive_is_refused_in_its_row(admin: Visitor, tmp_path: Path) -> None:
    archive = tmp_path / "Deck.zip"
    archive.write_bytes(zipped({"../a.png": b"x"}))
    page = admin.open(PAGE)
    choose(page, archive)
    expect(row(page, "Deck.zip")).to_contain_text("leads outside")
    admin.errors.clear()


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch, admin: Visitor) -> Visitor:
    """Even small files come in parts, of a thousand bytes."""
    monkeypatch.setattr(admin_upload, "PARTS_FROM_BYTES", 1)

    def smaller(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("4_000_000", "1000"))

    admin.page.route("**/upload-send*.js", smaller)
    return admin


def test_a_large_file_goes_on_after_a_lost_connection(in_parts: Visitor, tmp_path: Path) -> None:
    data = picture_file(1, 600, 600)
    assert len(data) > 3000
    file = tmp_path / "large.png"
    file.write_bytes(data)
    parts: list[int] = []

    def unsteady(route: Route) -> None:
        parts.append(int(route.request.headers.get("upload-offset", -1)))
        if len(parts) in (2, 3):
            route.abort("connectionreset")
        else:
            route.continue_()

    page = in_parts.page
    page.route(
        "**/api/uploads/*",
        lambda route: unsteady(route) if route.request.method == "PATCH" else route.continue_(),
    )
    in_parts.open(PAGE)
    choose(page, file)
    expect(row(page, "large.png")).to_contain_text("added")
    assert Image.objects.get().file.read() == data
    # Only what was lost was sent again.
    assert parts[:4] == [0, 1000, 1000, 1000]
    assert parts[4:] == list(range(2000, len(data), 1000))
    in_parts.errors.clear()


def test_a_file_goes_on_where_a_closed_page_had_come_to(in_parts: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    file.write_bytes(picture_file(1, 600, 600))
    page = in_parts.page
    offsets: list[str] = []

    def note(route: Route) -> None:
        if route.request.method == "PATCH":
            offsets.append(route.request.headers["upload-offset"])
            if offsets == ["0", "1000", "2000"]:
                return
        route.continue_()

    page.route("**/api/uploads/*", note)
    in_parts.open(PAGE)
    choose(page, file)
    expect(row(page, "large.png").locator("progress")).to_be_visible()
    while len(offsets) < 3:
        page.wait_for_timeout(50)
    page.close(run_before_unload=False)
    page = in_parts.context.new_page()
    page.route("**/api/uploads/*", note)
    page.goto(in_parts.address + PAGE)
    choose(page, file)
    expect(row(page, "large.png")).to_contain_text("added")
    # The part on its way when the page was closed may still have come.
    assert offsets[3] in ("2000", "3000")


def test_stopping_and_trying_again(in_parts: Visitor, tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    first.write_bytes(picture_file(1, 600, 600))
    second.write_bytes(picture_file(2))
    page = in_parts.page
    held: list[Route] = []
    page.route("**/api/uploads/*", lambda route: held.append(route))
    in_parts.open(PAGE)
    choose(page, first, second)
    page.get_by_role("button", name="Stop").click()
    expect(row(page, "a.png")).to_contain_text("stopped")
    expect(title(page)).to_contain_text("0 of 2 uploaded")
    page.unroute("**/api/uploads/*")
    page.get_by_role("button", name="Try what failed again").click()
    expect(title(page)).to_contain_text("2 of 2 uploaded")
    assert Image.objects.count() == 2
    in_parts.errors.clear()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_page_is_whole_and_open_to_everyone(
    visit: Visit, admin_client: Client, tmp_path: Path, size: str
) -> None:
    visitor = sign_in(visit(size), admin_client)
    page = visitor.open(PAGE)
    good, bad = tmp_path / f"{'x' * 180}.png", tmp_path / "bad.png"
    good.write_bytes(picture_file(1))
    bad.write_bytes(b"x")
    choose(page, good, bad)
    expect(title(page)).to_contain_text("2 of 2 uploaded")
    assert_whole(page, "upload")
    assert "status of 422" in visitor.errors.pop()

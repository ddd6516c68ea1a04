"""The console in a real browser: every page on phone and desktop, light and dark, and its work."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from gallery import trash
from gallery.models import Album, Image, NearDuplicate, Rating
from gallery.tests.browser.whole import PICTOGRAMS, RIGHT_TO_LEFT, assert_whole
from gallery.tests.browser.window import Visit, sign_in
from gallery.tests.factories import make_album, make_image, make_label
from imagineer.jobs.models import Job, JobLog, Status
from imagineer.tests.rows import make_row

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOTH_SIZES = pytest.mark.parametrize("size", ["phone", "desktop"])
LONG = "a word_that_does_not_end_" + "x" * 100


def job(status: Status, **values: Any) -> Job:
    known = {"kind": "generation.run", "title": f"Zodiac in ink {LONG}", "queue": "gpu"}
    return Job.objects.create(**{**known, "status": status, **values})


def furnish() -> dict[str, str]:
    """Something of everything; the names and addresses of the pages that axe looks at."""
    lake = make_image(1, width=900, height=600, prompt="a quiet lake " * 40, rating=Rating.SAFE)
    card = make_image(2, original_name=f"{LONG}.png", is_public=False)
    adult = make_image(3, rating=Rating.ADULT, generation_params={"seed": 7, "sampler": LONG})
    label = make_label(lake, "Lake")
    make_label(lake, LONG, source="claude", model="claude", confidence=0.9)
    deck = make_album(LONG, [lake, card, adult], cover=card)
    for title in (RIGHT_TO_LEFT, PICTOGRAMS):
        make_album(title, [lake])
    nothing = make_album("Nothing yet")
    twin = make_image(4, original_name=f"{LONG}.png")
    NearDuplicate.objects.create(first=lake, second=twin, distance=3)
    trash.move_to_trash([make_image(5).pk])
    now = timezone.now()
    running = job(Status.RUNNING, progress_done=3, progress_total=12, message=LONG, started_at=now)
    job(Status.QUEUED)
    failed = job(Status.FAILED, error=f"No: {LONG}", started_at=now, finished_at=now)
    for number in range(3):
        JobLog.objects.create(job=failed, seq=number + 1, text=f"Line {number} {LONG}")
    return {
        "home": reverse("admin:index"),
        "images": reverse("admin:gallery_image_changelist"),
        "images of an album": f"{reverse('admin:gallery_image_changelist')}?album={deck.pk}",
        "no images": f"{reverse('admin:gallery_image_changelist')}?q=zebra",
        "image": reverse("admin:gallery_image_change", args=[lake.pk]),
        "image to delete": reverse("admin:gallery_image_delete", args=[card.pk]),
        "upload": reverse("admin:gallery_image_upload"),
        "trash": reverse("admin:gallery_image_trash"),
        "near-duplicates": reverse("admin:gallery_image_duplicates"),
        "albums": reverse("admin:gallery_album_changelist"),
        "album": reverse("admin:gallery_album_change", args=[deck.pk]),
        "empty album": reverse("admin:gallery_album_change", args=[nothing.pk]),
        "new album": reverse("admin:gallery_album_add"),
        "album to delete": reverse("admin:gallery_album_delete", args=[deck.pk]),
        "labels": reverse("admin:gallery_label_changelist"),
        "label": reverse("admin:gallery_label_change", args=[label.pk]),
        "new label": reverse("admin:gallery_label_add"),
        "jobs": reverse("admin:jobs_job_changelist"),
        "failed job": reverse("admin:jobs_job_change", args=[failed.pk]),
        "settings": reverse("admin:settings"),
        "running job": reverse("admin:jobs_job_change", args=[running.pk]),
    }


@BOTH_SIZES
def test_pages_are_whole_and_open_to_everyone(
    visit: Visit, admin_client: Client, size: str
) -> None:
    pages = furnish()
    visitor = sign_in(visit(size), admin_client)
    for name, path in pages.items():
        assert_whole(visitor.open(path), name)
    Job.objects.filter(status=Status.RUNNING).update(status=Status.CANCELLED)


@BOTH_SIZES
def test_empty_pages_are_whole(visit: Visit, admin_client: Client, size: str) -> None:
    visitor = sign_in(visit(size), admin_client)
    for name in (
        "index",
        "gallery_image_changelist",
        "gallery_image_trash",
        "gallery_image_duplicates",
        "gallery_album_changelist",
        "gallery_label_changelist",
    ):
        assert_whole(visitor.open(reverse(f"admin:{name}")), name)


@BOTH_SIZES
def test_menus_and_the_bar_are_whole(visit: Visit, admin_client: Client, size: str) -> None:
    album = make_album(LONG, [make_image(seed, rating=Rating.ADULT) for seed in range(3)])
    visitor = sign_in(visit(size), admin_client)
    page = visitor.open(f"{reverse('admin:gallery_image_changelist')}?album={album.pk}")
    page.locator(".pick").first.click()
    expect(page.locator("[data-select-bar]")).to_contain_text("1 selected")
    assert_whole(page, "a selection")
    page.locator(".filter-menu > summary").nth(2).click()
    assert_whole(page, "a filter")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert_whole(page, "what is undone")


def test_no_page_breaks_the_content_policy(visit: Visit, admin_client: Client) -> None:
    """Lists, forms and start pages of all tables; the window notes every refusal as an error."""
    visitor = sign_in(visit(), admin_client)
    for model in admin.site._registry:
        row = make_row(model)
        stem = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if model is Image:
            continue
        visitor.open(reverse(f"{stem}_changelist"))
        visitor.open(reverse(f"{stem}_change", args=[row.pk]))
        if admin.site._registry[model].has_add_permission(_request(admin_client)):
            visitor.open(reverse(f"{stem}_add"))


def _request(client: Client) -> Any:
    return client.get(reverse("admin:index")).wsgi_request


def tile(page: Page, image: Image) -> Any:
    return page.locator(".tile", has=page.locator(f'[value="{image.pk}"]'))


def test_pictures_are_selected_by_click_and_shift_click(visit: Visit, admin_client: Client) -> None:
    images = [make_image(seed) for seed in range(1, 7)][::-1]
    page = sign_in(visit(), admin_client).open(reverse("admin:gallery_image_changelist"))
    bar = page.locator("[data-select-bar]")
    expect(bar).to_contain_text("Nothing selected")
    tile(page, images[1]).locator(".pick").click()
    tile(page, images[4]).locator(".pick").click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 selected")
    tile(page, images[2]).locator("img").click()
    expect(bar).to_contain_text("3 selected")
    page.keyboard.press("Escape")
    expect(bar).to_contain_text("Nothing selected")
    page.get_by_label("This page").check()
    expect(bar).to_contain_text("6 selected")
    page.get_by_label("Album", exact=True).fill("Chosen")
    page.get_by_label("Album", exact=True).press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("6 pictures added to “Chosen”.")
    assert Album.objects.get(name="Chosen").entries.count() == 6


def test_an_album_is_ordered_by_dragging_and_by_number(visit: Visit, admin_client: Client) -> None:
    images = [make_image(seed) for seed in range(1, 5)]
    album = make_album("Cards", images)
    page = sign_in(visit(), admin_client).open(
        reverse("admin:gallery_album_change", args=[album.pk])
    )
    tiles = page.locator("[data-tile]")
    tiles.nth(3).drag_to(tiles.nth(0))
    expect(tiles.nth(0).locator("[data-place]")).to_have_attribute("name", f"place-{images[3].pk}")
    first = page.locator(f'[name="place-{images[0].pk}"]')
    first.fill("4")
    first.press("Tab")
    expect(tiles.nth(3).locator("[data-place]")).to_have_attribute("name", f"place-{images[0].pk}")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/gallery/album/")
    wanted = [images[3].pk, images[1].pk, images[2].pk, images[0].pk]
    entries = album.entries.order_by("position")
    assert list(entries.values_list("image_id", flat=True)) == wanted


def test_a_jobs_page_follows_it_to_its_end(visit: Visit, admin_client: Client) -> None:
    followed = job(
        Status.RUNNING, title="Zodiac", progress_done=1, progress_total=4, started_at=timezone.now()
    )
    page = sign_in(visit(), admin_client).open(reverse("admin:jobs_job_change", args=[followed.pk]))
    expect(page.locator(".job-figures")).to_contain_text("1 of 4")
    JobLog.objects.create(job=followed, seq=1, text="Drew the ram.")
    Job.objects.filter(pk=followed.pk).update(progress_done=2)
    expect(page.locator("[data-log]")).to_contain_text("Drew the ram.")
    expect(page.locator(".job-figures")).to_contain_text("2 of 4")
    JobLog.objects.create(job=followed, seq=2, text="Drew the bull.")
    Job.objects.filter(pk=followed.pk).update(
        status=Status.FAILED, error="The model is gone.", finished_at=timezone.now()
    )
    expect(page.locator(".job-error")).to_have_text("The model is gone.")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    expect(page.locator("[data-log] .line")).to_have_count(2)


def test_home_follows_what_runs(visit: Visit, admin_client: Client) -> None:
    page = sign_in(visit(), admin_client).open(reverse("admin:index"))
    expect(page.get_by_text("Nothing runs")).to_be_visible()
    started = job(Status.RUNNING, title="Zodiac", started_at=timezone.now())
    expect(page.get_by_role("link", name="Zodiac")).to_be_visible()
    page.get_by_role("button", name="Cancel Zodiac").click()
    expect(page.get_by_text("Stopping")).to_be_visible()
    started.refresh_from_db()
    assert started.cancel_requested_at is not None


def test_the_phones_menu_leads_everywhere(visit: Visit, admin_client: Client) -> None:
    page = sign_in(visit("phone"), admin_client).open(reverse("admin:index"))
    page.get_by_role("button", name="Menu").click()
    assert_whole(page, "the menu")
    page.get_by_role("link", name="Albums").click()
    page.wait_for_url("**/gallery/album/")


def test_pictures_are_sorted_without_javascript(visit: Visit, admin_client: Client) -> None:
    image = make_image()
    visitor = sign_in(visit(java_script_enabled=False), admin_client)
    page = visitor.open(reverse("admin:gallery_image_changelist"))
    page.locator(f'[name="_selected_action"][value="{image.pk}"]').check()
    page.get_by_label("Rating", exact=True).select_option("ADULT")
    page.get_by_role("button", name="Rate", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("1 picture rated adult.")
    image.refresh_from_db()
    assert image.rating == Rating.ADULT

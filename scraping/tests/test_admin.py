from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gallery.tests.factories import make_admin, make_album, make_row
from imagineer.jobs.models import Job, JobLog, Status
from imagineer.words import thin
from scraping.crawl_presets import CRAWL_PRESETS
from scraping.forms import ScrapeForm
from scraping.models import RefusedImage, ScrapedImage, ScrapeJob
from scraping.options import checked
from scraping.runs import Asked, start_crawl
from scraping.tests.factories import make_source

pytestmark = pytest.mark.django_db
URL = "https://example.org/boats/"
START = "/admin/scraping/scrapejob/start/"
# What a browser sends of the form as it comes.
AS_IT_COMES = {
    name: field.initial
    for name, field in ScrapeForm.base_fields.items()
    if field.initial is not None and field.initial is not False
}
FORM = AS_IT_COMES | {
    "urls": URL, "album_name": "Boats", "depth": "2", "max_images": "30", "max_pages": "10",
    "min_width": "100", "min_height": "80",
}  # fmt: skip


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def page_of(client: Client, scrape: ScrapeJob, query: str = "") -> str:
    response = client.get(reverse("admin:scraping_scrapejob_change", args=[scrape.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def refuse(scrape: ScrapeJob, number: int, **columns: Any) -> RefusedImage:
    return RefusedImage.objects.create(
        **{
            "scrape_job": scrape,
            "page_url": URL,
            "image_url": f"{URL}{number}.png",
            "address_digest": f"{number:064}",
            "reason": "small",
            "detail": "8 × 8 pixels, less than 200.",
        }
        | columns
    )


def test_a_crawl_is_started(admin):
    assert "How politely" in admin.get(START).content.decode()
    response = admin.post(START, FORM)
    scrape = ScrapeJob.objects.get()
    page = reverse("admin:scraping_scrapejob_change", args=[scrape.pk])
    assert response.headers["Location"] == page
    assert (scrape.url, scrape.album_name) == (URL, "Boats")
    chosen = {"depth": 2, "max_images": 30, "max_pages": 10, "min_width": 100, "min_height": 80}
    assert scrape.chosen == checked(chosen)


def test_what_a_source_wants_can_be_undone_where_the_form_has_it(admin):
    wanted = {"depth": 1, "follow_pagination": False}
    source = make_source(options=wanted, max_images=70)
    page = admin.get(f"{START}?sources={source.pk}")
    form = page.context["form"]
    assert (form.initial["depth"], form.initial["max_images"]) == (1, 70)
    assert f'name="filled_in_for" value="{source.pk}"' in page.content.decode()
    sent = AS_IT_COMES | {"sources": [str(source.pk)], "depth": "3", "follow_pagination": "on"}
    # Ticked in a form that stands as it is by default, the source has its wishes.
    admin.post(START, sent)
    admin.post(START, sent | {"filled_in_for": str(source.pk)})
    left, undone = ScrapeJob.objects.order_by("pk")
    assert (left.chosen.depth, left.chosen.follow_pagination) == (1, False)
    assert (undone.chosen.depth, undone.chosen.follow_pagination) == (3, True)


def test_who_names_an_album_gets_one_whatever_the_source_wants(admin):
    source = make_source(options={"auto_create_album": False})
    form = FORM | {"urls": "", "sources": [str(source.pk)]}
    admin.post(START, form)
    admin.post(START, form | {"album_name": ""})
    admin.post(START, {name: value for name, value in form.items() if name != "auto_create_album"})
    made = ScrapeJob.objects.order_by("pk")
    assert [(one.chosen.auto_create_album, one.album_name) for one in made] == [
        (True, "Boats"), (False, ""), (False, ""),
    ]  # fmt: skip


def test_what_has_become_of_all_that_was_found_is_told(admin):
    scrape = start_crawl([Asked(URL)], "Boats")
    ScrapeJob.objects.update(discovered=2_020, imported=5, duplicate=4, filtered=3)
    told = f"{thin(2008)} of the pictures found"
    assert f"{told} wait to be looked at" in page_of(admin, scrape)
    Job.objects.update(status=Status.COMPLETED)
    assert f"{told} were not looked at" in page_of(admin, scrape)
    ScrapeJob.objects.update(discovered=12)
    assert "of the pictures found" not in page_of(admin, scrape)


def test_statistics_tell_what_crawls_gave_by_source_and_day(admin):
    page = reverse("admin:scraping_statistics")
    assert "There was no crawl yet." in admin.get(page).content.decode()
    source = make_source("Ships & boats")
    scrape = start_crawl([Asked(source=source), Asked("https://elsewhere.example/")], "Boats")
    ScrapeJob.objects.update(discovered=7654, imported=4321)
    scrape.targets.filter(source=source).update(imported=4300)
    html = admin.get(page).content.decode()
    assert f"<b>{thin(7654)}</b><span>Found</span>" in html
    assert f'<a href="{source.get_absolute_url()}">Ships &amp; boats</a>' in html
    assert f'<td class="number">{thin(4300)}</td>' in html
    assert "Addresses of no source" in html
    assert f"<td>{timezone.localdate():%-d %b %Y}</td>" in html
    assert page in admin.get("/admin/scraping/scrapejob/").content.decode()


def test_every_option_has_a_field_and_is_heard(admin):
    assert {name for _, names in ScrapeForm.groups for name in names} | set(
        ScrapeForm.first
    ) == set(ScrapeForm.base_fields) - {"filled_in_for"}
    given = {
        "depth": 1, "max_images": 9, "max_pages": 8, "max_megabytes": 7, "max_minutes": 6,
        "render_javascript": "auto", "allowed_domains": ["a.example", "b.example"],
        "include": ["*/a/*"], "exclude": ["/b+/"], "follow_pagination": False,
        "use_sitemaps": True, "min_width": 5, "min_height": 4, "min_megapixels": 0.5,
        "max_aspect_ratio": 3.5, "min_kilobytes": 2, "formats": ["png", "webp"],
        "near_distance": 0, "obey_robots": False, "respect_noai": False,
        "auto_create_album": False, "only_new": True,
    }  # fmt: skip
    sent = {name: value for name, value in given.items() if value is not False} | {
        "urls": URL,
        "allowed_domains": "a.example\r\n\r\n b.example ",
        "include": "*/a/*",
        "exclude": "/b+/",
    }
    assert admin.post(START, sent).status_code == 302
    assert ScrapeJob.objects.get().chosen.as_json() == given


def test_several_addresses_and_sources_make_one_crawl(admin):
    boats, cats = make_source(), make_source("Cats", base_url="https://cats.example/")
    page = admin.get(f"{START}?sources={cats.pk}").content.decode()
    assert "Cats (cats.example)" in page
    admin.post(START, FORM | {"urls": f"{URL}\n{URL}\n", "sources": [boats.pk, cats.pk]})
    targets = ScrapeJob.objects.get().targets.all()
    assert [target.url for target in targets] == [URL, boats.base_url, cats.base_url]


def test_what_a_source_wants_stands_in_its_form_and_holds_where_nothing_else_is_chosen(admin):
    boats = make_source(options={"depth": 7, "min_width": 555}, max_images=77)
    page = admin.get(f"{START}?sources={boats.pk}").content.decode()
    assert 'name="depth" value="7"' in page
    assert 'name="max_images" value="77"' in page
    sent = AS_IT_COMES | {"sources": [boats.pk], "depth": "1"}
    admin.post(START, sent)
    chosen = ScrapeJob.objects.get().chosen
    assert (chosen.depth, chosen.min_width, chosen.max_images) == (1, 555, 200)


def test_a_name_is_looked_up_in_the_sources_that_can_be_searched(admin):
    boats = make_source(lookup_url="https://boats.example/find?q={name}")
    cats = make_source("Cats", base_url="https://cats.example/")
    sent = AS_IT_COMES | {"lookup": "red sail", "sources": [boats.pk]}
    admin.post(START, sent)
    assert ScrapeJob.objects.get().url == "https://boats.example/find?q=red%20sail"
    response = admin.post(START, sent | {"sources": [cats.pk]})
    assert "“Cats”: It cannot be searched by name" in response.content.decode()
    assert "form-row field-lookup errors" in response.content.decode()


def test_a_preset_holds_but_for_what_was_changed_beside_it(admin):
    admin.post(START, AS_IT_COMES | {"urls": URL, "preset": "site", "max_pages": "7"})
    chosen = dict(CRAWL_PRESETS["site"].options) | {"max_pages": 7}
    assert ScrapeJob.objects.get().chosen == checked(chosen)


def test_presets_speak_of_the_same_options_which_are_possible():
    first, *others = (set(preset.options) for preset in CRAWL_PRESETS.values())
    assert all(names == first for names in others)
    for preset in CRAWL_PRESETS.values():
        assert checked(preset.options).as_json().items() >= preset.options.items()


def estimate(admin: Client, **changes: Any) -> tuple[str, str]:
    sent = FORM | changes
    told = admin.post(START, sent, headers={"X-Estimate": "1"}).json()
    return told["cost"], told["verb"]


def test_the_estimate_names_the_site_and_the_longest_time(admin):
    source = make_source()
    most = "At most about 20 s with 0.5 s between requests."
    assert estimate(admin) == (most, "Scrape example.org")
    assert estimate(admin, sources=[source.pk]) == (most, "Scrape example.org and 1 more")
    assert estimate(admin, urls="", sources=[source.pk])[1] == "Scrape Boats"
    assert estimate(admin, max_minutes="1", max_images="3000")[0] == "1 min at most; it stops then."
    assert estimate(admin, depth="0", follow_pagination="")[0].startswith("At most about 16 s")
    assert estimate(admin, urls="", depth="x") == (most, "Scrape")
    assert estimate(admin, max_images="x") == ("", "Scrape example.org")


@pytest.mark.parametrize(
    ("change", "told", "field"),
    [
        ({"urls": ""}, "Write an address, or tick a source", "urls"),
        ({"urls": "http://127.0.0.1/"}, "private address", "urls"),
        ({"urls": f"{URL}\nhttp://10.0.0.1/"}, "Line 2: 10.0.0.1 is a private", "urls"),
        ({"urls": "http://a b/"}, "spaces", "urls"),
        ({"urls": "https://example.org/\x00"}, "ull characters", "urls"),
        ({"urls": "https://example.org/\x1b"}, "control characters", "urls"),
        ({"urls": "\n".join(f"{URL}{number}" for number in range(21))}, "At most 20", "urls"),
        ({"sources": ["987"]}, "not one of the available", "sources"),
        ({"sources": ["x", "-1", "9" * 40]}, "valid value", "sources"),
        ({"lookup": "boats"}, "Tick the sources", "lookup"),
        ({"album_name": "Taken"}, "exists already", "album_name"),
        ({"album_name": "a\x00b"}, "ull characters", "album_name"),
        ({"preset": "everything"}, "not one of the available", "preset"),
        ({"depth": "11"}, "less than or equal to 10", "depth"),
        ({"max_images": "many"}, "whole number", "max_images"),
        ({"max_minutes": ""}, "required", "max_minutes"),
        ({"min_megapixels": "nan"}, "Enter a number", "min_megapixels"),
        ({"max_aspect_ratio": "inf"}, "Enter a number", "max_aspect_ratio"),
        ({"max_aspect_ratio": "0.75"}, "never less than once", "max_aspect_ratio"),
        ({"render_javascript": "always"}, "not one of the available", "render_javascript"),
        ({"formats": ["svg"]}, "not one of the available", "formats"),
        ({"include": "x" * 501}, "at most 500", "include"),
        ({"exclude": "x\n" * 51}, "At most 50 lines", "exclude"),
        ({"allowed_domains": "a\x07b"}, "control characters", "allowed_domains"),
    ],
)
def test_a_wrong_form_comes_back_with_what_is_wrong_and_what_was_typed(admin, change, told, field):
    make_album("Taken")
    response = admin.post(START, FORM | {"min_width": "321"} | change)
    assert response.status_code == 422
    page = response.content.decode()
    assert told in page.replace("&#x27;", "'")
    assert f"form-row field-{field} errors" in page
    assert 'name="min_width" value="321"' in page
    assert not Job.objects.exists()


def test_a_source_that_is_off_is_refused_with_a_sentence(admin):
    source = make_source(enabled=False)
    assert "boats.example" not in admin.get(f"{START}?sources={source.pk}").content.decode()
    response = admin.post(START, FORM | {"sources": [source.pk]})
    assert response.status_code == 422
    assert "“Boats” is switched off. Switch it on" in response.content.decode()
    response = admin.post(START, FORM | {"urls": "https://boats.example/x"})
    assert "“Boats” (boats.example) is switched off" in response.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "url=https://example.org/",
        "urls=a&sources=x&sources=9999999999999999999999&depth=deep&max_images=",
        "formats=svg&formats=png&preset=x&min_megapixels=nan&obey_robots=&include=%00",
    ],
)
def test_whatever_stands_in_the_address_the_form_opens(admin, query):
    assert admin.get(f"{START}?{query}").status_code == 200


def test_a_crawl_s_page_shows_counts_pictures_and_what_was_not_taken(admin):
    scrape = start_crawl([Asked(URL)], "Boats")
    ScrapeJob.objects.update(discovered=1234, imported=1)
    image = make_row()
    ScrapedImage.objects.create(scrape_job=scrape, image=image, page_url=URL, image_url=URL)
    refuse(scrape, 1, found_by="data")
    refuse(scrape, 2, reason="exact", same_as=image)
    page = page_of(admin, scrape)
    assert "1\u202f234" in page
    assert f"/gallery/image/{image.pk}/change/" in page
    assert "8 × 8 pixels" in page
    assert "Already in the gallery" in page
    assert "a lazy image" in page
    assert 'rel="nofollow noopener noreferrer"' in page
    only_small = page_of(admin, scrape, "?reason=small&p=7")
    assert "/2.png" not in only_small
    assert page_of(admin, scrape, "?reason=nonsense&p=x")


def test_the_page_asks_the_database_equally_often_for_many_rows(
    admin, django_assert_max_num_queries
):
    scrape = start_crawl([Asked(URL)], "Boats")
    for number in range(30):
        image = make_row()
        ScrapedImage.objects.create(scrape_job=scrape, image=image, page_url=URL, image_url=URL)
        refuse(scrape, number, same_as=image, reason="near")
    with django_assert_max_num_queries(16):
        page_of(admin, scrape)


def test_the_live_part_tells_when_the_crawl_has_ended(admin):
    scrape = start_crawl([Asked(URL)], "Boats")
    live = reverse("admin:scraping_scrapejob_live", args=[scrape.pk])
    told = admin.get(live).json()
    assert "Stop" in told["head"]
    assert (told["ended"], told["log"]) == (False, [])
    Job.objects.update(status=Status.FAILED, error="The site is <gone>.")
    for number in range(3):
        JobLog.objects.create(job=scrape.job, seq=number + 1, text=f"Line {number}")
    told = admin.get(f"{live}?after=1").json()
    assert (told["ended"], [line["seq"] for line in told["log"]]) == (True, [2, 3])
    assert "The site is &lt;gone&gt;." in told["head"]
    assert "Go on" in told["head"]
    assert len(admin.get(f"{live}?after=x").json()["log"]) == 3
    assert admin.get(reverse("admin:scraping_scrapejob_live", args=[999])).status_code == 404


def test_each_address_has_its_state_its_counts_and_why_it_ended(admin):
    source = make_source(max_images=1500)
    scrape = start_crawl([Asked(URL), Asked(source.base_url, source)])
    second = scrape.targets.get(source=source)
    second.state, second.ended_because = "failed", "The site asks <not> to."
    second.imported = 1234
    second.save()
    page = page_of(admin, scrape)
    assert 'state-queued">Waiting' in page
    assert 'state-failed">Failed' in page
    assert "The site asks &lt;not&gt; to." in page
    assert thin(1234) in page
    assert f"of {thin(1500)}" in page
    assert reverse("admin:scraping_source_change", args=[source.pk]) in page


def test_refusals_have_pages_within_their_reason(admin):
    scrape = start_crawl([Asked(URL)])
    for number in range(60):
        refuse(scrape, number, reason="small" if number < 55 else "light")
    page = page_of(admin, scrape, "?reason=small&p=2")
    assert "Page 2 of 2" in page
    assert "?p=1&amp;reason=small" in page
    assert f"{URL}54.png" in page
    assert f"{URL}55.png" not in page


def test_the_list_tells_sites_and_states(admin):
    start_crawl([Asked("https://www.example.org/boats/")], "Boats")
    page = admin.get(reverse("admin:scraping_scrapejob_changelist")).content.decode()
    assert "example.org" in page
    assert "Queued" in page


def test_visitors_are_sent_to_sign_in(client):
    scrape = start_crawl([Asked(URL)], "Boats")
    for address in (
        START,
        reverse("admin:scraping_scrapejob_changelist"),
        reverse("admin:scraping_scrapejob_change", args=[scrape.pk]),
        reverse("admin:scraping_scrapejob_live", args=[scrape.pk]),
    ):
        response = client.get(address)
        assert response.status_code == 302
        assert "/login/" in response.headers["Location"]

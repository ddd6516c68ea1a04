"""Any labeler's sternest word counts until an admin decides; every way to decide, and after it."""

import importlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gallery import bulk, image_index, labels, near_duplicates, ratings
from gallery.models import Image, Label, Rating, is_veiled
from gallery.removal import file_names
from gallery.tests.factories import (
    make_admin,
    make_album,
    make_image,
    make_label,
    make_row,
    picture_file,
)
from gallery.tests.test_admin_images import LIST, form_of
from gallery.tests.test_api_images import JSON
from imagineer.jobs.models import Job
from imagineer.jobs.runner import execute

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
Now = Callable[[], Any]
WORDS = ["SAFE", "SUGGESTIVE", "ADULT", "EXPLICIT"]


def say(image: Image, rating: str, source: str = "claude") -> None:
    """As a labeler does."""

    def write() -> None:
        Label.objects.create(image=image, kind="rating", text=rating, source=source)
        image_index.refresh([image.pk])

    assert ratings.settle_rating(image, write, expected=(rating,))


def state(image: Image) -> tuple[str, bool, Any]:
    """(rating, whether it is decided on, by whom), by the row."""
    row = Image.everything.select_related("rating_decided_by").get(pk=image.pk)
    assert row.is_nsfw == (row.rating in ("ADULT", "EXPLICIT"))
    assert row.is_veiled == is_veiled(row.rating, row.source_type)
    return row.rating, row.rating_decided_at is not None, row.rating_decided_by


def files(media: Path) -> set[str]:
    return {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}


@pytest.fixture
def admin() -> Any:
    return make_admin("anna")


@pytest.fixture
def browser(admin: Any) -> Client:
    found = Client()
    found.force_login(admin)
    return found


# --- The rule ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sternest"),
    [
        ([], "UNRATED"), (["SAFE"], "SAFE"), (["ADULT", "SAFE"], "ADULT"),
        (["SUGGESTIVE", "EXPLICIT", "ADULT"], "EXPLICIT"), (["lewd", "SAFE", ""], "SAFE"),
        (["lewd"], "UNRATED"),
    ],
)  # fmt: skip
def test_the_sternest_of_words(words: list[str], sternest: str) -> None:
    assert ratings.sternest(words) == sternest


@pytest.mark.parametrize("source", ["claude", "local", "imported", "scraper"])
def test_whoever_says_it_the_sternest_word_counts(source: str) -> None:
    image = make_image()
    say(image, "SAFE")
    say(image, "ADULT", source)
    say(image, "SAFE", "local")
    assert state(image) == ("ADULT", False, None)
    assert image.rating == "ADULT"


def test_a_word_by_hand_alone_is_no_labelers_word() -> None:
    image = make_image()
    make_label(image, "EXPLICIT", kind="rating", source="manual")
    say(image, "SAFE")
    assert state(image) == ("SAFE", False, None)


def test_a_word_that_is_no_rating_counts_nothing() -> None:
    image = make_image()
    say(image, "lewd")
    assert state(image) == ("UNRATED", False, None)


def test_the_database_knows_no_decision_to_have_none() -> None:
    image = make_row(rating="SAFE")
    ratings.decide(image, "SAFE")
    with pytest.raises(IntegrityError), transaction.atomic():
        Image.objects.filter(pk=image.pk).update(rating="UNRATED")


# --- Every way to decide -------------------------------------------------------------------------


def by_patch(browser: Client, image: Image, rating: str, now: Now) -> None:
    answer = browser.patch(f"/api/images/{image.pk}", {"rating": rating}, content_type=JSON)
    assert answer.status_code == 200


def by_bar(browser: Client, image: Image, rating: str, now: Now) -> None:
    body = {"index": "0", "action": "set_rating", "rating": rating}
    browser.post(LIST, {**body, "_selected_action": [image.pk]})


def by_job(browser: Client, image: Image, rating: str, now: Now) -> None:
    change = bulk.Change(bulk.Action.SET_RATING, rating=rating)
    by = type(make_admin()).objects.get(username="anna")
    execute(bulk.submit_change(change, [image.pk], created_by=by).pk)


def by_page(browser: Client, image: Image, rating: str, now: Now) -> None:
    """Another rating where it is another one, else the box."""
    data = form_of(browser, image)
    data |= {"rating": rating} if data["rating"] != rating else {"is_decided": "on"}
    with now():
        assert browser.post(f"{LIST}{image.pk}/change/", data).status_code == 302


def by_label(browser: Client, image: Image, rating: str, now: Now) -> None:
    body = {"kind": "rating", "text": rating}
    path = f"/api/images/{image.pk}/labels"
    assert browser.post(path, body, content_type=JSON).status_code == 201


def by_label_reworded(browser: Client, image: Image, rating: str, now: Now) -> None:
    label = make_label(image, "SUGGESTIVE", kind="rating", source="manual")
    path = f"/api/images/{image.pk}/labels/{label.pk}"
    assert browser.put(path, {"text": rating}, content_type=JSON).status_code == 200


def by_label_beside_it(browser: Client, image: Image, rating: str, now: Now) -> None:
    data = form_of(browser, image) | {"labels-0-kind": "rating", "labels-0-text": rating}
    with now():
        assert browser.post(f"{LIST}{image.pk}/change/", data).status_code == 302


def by_label_page(browser: Client, image: Image, rating: str, now: Now) -> None:
    with now():
        body = {"image": image.pk, "kind": "rating", "text": rating}
        assert browser.post("/admin/gallery/label/add/", body).status_code == 302


WAYS = [
    by_patch, by_bar, by_job, by_page, by_label, by_label_reworded, by_label_beside_it,
    by_label_page,
]  # fmt: skip


@pytest.fixture
def now(django_capture_on_commit_callbacks: Any) -> Now:
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("rating", ["SAFE", "ADULT"])
def test_a_decision_ends_what_labelers_say(
    browser: Client, admin: Any, now: Now, way: Callable[..., None], rating: str
) -> None:
    image = make_image()
    say(image, "ADULT")
    way(browser, image, rating, now)
    assert state(image) == (rating, True, admin)
    for word in ("EXPLICIT", "SAFE"):
        say(image, word, "local")
        assert state(image) == (rating, True, admin)


@pytest.mark.parametrize("way", [by_patch, by_bar, by_job, by_page], ids=lambda way: way.__name__)
def test_unrated_gives_it_back_to_the_labelers(
    browser: Client, now: Now, way: Callable[..., None]
) -> None:
    image = make_image(rating="SAFE")
    say(image, "SUGGESTIVE")
    assert state(image)[:2] == ("SAFE", True)
    way(browser, image, "UNRATED", now)
    assert state(image) == ("SUGGESTIVE", False, None)
    say(image, "EXPLICIT")
    assert state(image) == ("EXPLICIT", False, None)


def test_a_second_decision_counts_over_the_first(browser: Client, admin: Any, now: Now) -> None:
    image = make_image(rating="SAFE", created_by=make_admin())
    by_patch(browser, image, "EXPLICIT", now)
    assert state(image) == ("EXPLICIT", True, admin)


def test_deciding_on_what_is_so_already_moves_no_files(media: Path) -> None:
    image = make_image()
    say(image, "SAFE")
    key, before = image.sharp_key, files(media)
    assert ratings.decide(image, "SAFE")
    assert (Image.objects.get().sharp_key, files(media)) == (key, before)
    assert not ratings.decide(image, "SAFE")
    assert state(image)[1]


def test_the_api_tells_whether_it_is_decided(client: Client) -> None:
    image = make_image()
    say(image, "SAFE")
    assert client.get(f"/api/images/{image.pk}").json()["rating_is_decided"] is False
    ratings.decide(image, "ADULT")
    assert client.get(f"/api/images/{image.pk}").json()["rating_is_decided"] is True


# --- The page in the console ---------------------------------------------------------------------


def test_its_page_says_who_decided(browser: Client, admin: Any) -> None:
    image = make_row()
    address = f"{LIST}{image.pk}/change/"
    assert "Nobody has decided yet" in browser.get(address).content.decode()
    admin.username = "<b>anna</b>"
    admin.save()
    ratings.decide(image, "SAFE", by=admin)
    page = browser.get(address).content.decode()
    assert "by &lt;b&gt;anna&lt;/b&gt;." in page


def test_saving_its_page_for_something_else_decides_nothing(browser: Client, now: Now) -> None:
    image = make_image()
    say(image, "SAFE")
    with now():
        browser.post(f"{LIST}{image.pk}/change/", form_of(browser, image) | {"prompt": "a fox"})
    assert state(image) == ("SAFE", False, None)
    assert Image.objects.get().prompt == "a fox"


def test_a_page_open_since_before_a_labeler_spoke_overrules_nothing(
    browser: Client, now: Now
) -> None:
    image = make_image()
    say(image, "SAFE")
    data = form_of(browser, image) | {"prompt": "a fox"}
    say(image, "EXPLICIT")
    with now():
        assert browser.post(f"{LIST}{image.pk}/change/", data).status_code == 302
    assert state(image) == ("EXPLICIT", False, None)


def test_its_box_gives_it_back(browser: Client, now: Now) -> None:
    image = make_image(rating="SAFE")
    say(image, "ADULT")
    data = form_of(browser, image)
    assert data.pop("is_decided") == "on"
    with now():
        browser.post(f"{LIST}{image.pk}/change/", data)
    assert state(image) == ("ADULT", False, None)


# --- Coming in -----------------------------------------------------------------------------------


def upload(browser: Client, *told: tuple[str, bytes], to: str = "upload", **options: Any) -> Any:
    sent = [SimpleUploadedFile(name, data) for name, data in told]
    return browser.post(f"/api/images/{to}", {"files": sent, **options})


def test_an_upload_with_a_rating_is_decided(browser: Client, admin: Any) -> None:
    upload(browser, ("a.png", picture_file(1)), rating="SAFE")
    image = Image.objects.get()
    say(image, "EXPLICIT")
    assert state(image) == ("SAFE", True, admin)


def test_an_upload_by_a_job_with_a_rating_is_decided(browser: Client, admin: Any) -> None:
    answer = upload(browser, ("a.png", picture_file(1)), to="bulk-upload", rating="ADULT")
    execute(answer.json()["id"])
    assert Job.objects.get().status == "completed"
    assert state(Image.objects.get()) == ("ADULT", True, admin)


def test_an_upload_without_a_rating_is_open() -> None:
    assert state(make_image()) == ("UNRATED", False, None)


def test_what_a_sidecar_says_is_a_labelers_word(browser: Client) -> None:
    upload(browser, ("a.png", picture_file(1)), ("a.json", b'{"rating": "q"}'))
    image = Image.objects.get()
    assert state(image) == ("ADULT", False, None)
    assert [(row.source, row.text) for row in image.labels.all()] == [("imported", "ADULT")]
    say(image, "SAFE")
    assert state(image) == ("ADULT", False, None)
    say(image, "EXPLICIT", "local")
    assert state(image) == ("EXPLICIT", False, None)


def test_a_sidecar_speaks_for_a_picture_that_was_here_too(browser: Client) -> None:
    image = make_image(1)
    say(image, "SAFE")
    upload(browser, ("a.png", picture_file(1)), ("a.json", b'{"rating": "e"}'))
    assert state(image) == ("EXPLICIT", False, None)
    ratings.decide(image, "SAFE")
    upload(browser, ("a.png", picture_file(1)), ("a.json", b'{"rating": "q"}'))
    assert state(image)[:2] == ("SAFE", True)


@pytest.mark.parametrize(
    ("before", "expected"),
    [("", ("SAFE", True)), ("ADULT", ("ADULT", False)), ("SUGGESTIVE", ("SUGGESTIVE", False))],
)
def test_uploading_a_rated_picture_again_decides_nothing(
    browser: Client, before: str, expected: tuple[str, bool]
) -> None:
    image = make_image(1)
    if before:
        say(image, before)
    upload(browser, ("a.png", picture_file(1)), rating="SAFE")
    assert state(image)[:2] == expected


# --- Words that go -------------------------------------------------------------------------------


def test_a_word_that_is_deleted_counts_no_more(browser: Client, now: Now) -> None:
    image = make_image()
    say(image, "SUGGESTIVE")
    say(image, "EXPLICIT", "local")
    data = form_of(browser, image)
    rows = {data[name]: name for name in data if name.startswith("labels-2-") and "-id" in name}
    stern = Label.objects.get(text="EXPLICIT")
    data[rows[stern.pk].replace("-id", "-DELETE")] = "on"
    with now():
        assert browser.post(f"{LIST}{image.pk}/change/", data).status_code == 302
    assert state(image) == ("SUGGESTIVE", False, None)
    with now():
        labels.delete_label(Label.objects.get())
    assert state(image) == ("UNRATED", False, None)
    say(image, "ADULT")
    assert state(image) == ("ADULT", False, None)


def test_a_decision_outlives_the_label_that_made_it(browser: Client, now: Now) -> None:
    image = make_image()
    by_label(browser, image, "SAFE", now)
    label = Label.objects.get()
    assert browser.delete(f"/api/images/{image.pk}/labels/{label.pk}").status_code == 204
    say(image, "EXPLICIT")
    assert state(image)[:2] == ("SAFE", True)


# --- Two pictures become one ---------------------------------------------------------------------


def rated(words: list[str], decision: str) -> Image:
    image = make_image()
    for word in words:
        say(image, word)
    if decision:
        ratings.decide(image, decision)
    return image


@pytest.mark.parametrize(
    ("kept", "other", "expected"),
    [
        ((["SAFE"], ""), (["ADULT"], ""), ("ADULT", False)),
        ((["EXPLICIT"], ""), (["SAFE"], ""), ("EXPLICIT", False)),
        # What was decided on the kept one holds against labelers, not against another admin.
        ((["ADULT"], "SAFE"), (["EXPLICIT"], ""), ("SAFE", True)),
        (([], "SAFE"), ([], "ADULT"), ("ADULT", True)),
        (([], "ADULT"), ([], "SAFE"), ("ADULT", True)),
        # What was decided on the other opens nothing.
        ((["ADULT"], ""), ([], "SAFE"), ("ADULT", False)),
        ((["SAFE"], ""), ([], "ADULT"), ("ADULT", True)),
    ],
)
def test_merged_pictures_have_the_stricter_rating(kept: Any, other: Any, expected: Any) -> None:
    one, two = rated(*kept), rated(*other)
    near_duplicates.merge(one, two)
    assert state(one)[:2] == expected
    if not expected[1]:
        say(one, "EXPLICIT", "local")
        assert state(one)[:2] == ("EXPLICIT", False)


# --- Everything follows at once ------------------------------------------------------------------


def closes_by_labeler(image: Image) -> None:
    say(image, "ADULT", "local")


def closes_by_admin(image: Image) -> None:
    ratings.decide(image, "EXPLICIT")


@pytest.mark.parametrize("close", [closes_by_labeler, closes_by_admin])
def test_pages_thumbnails_feeds_and_api_follow_at_once(
    client: Client, close: Callable[[Image], None]
) -> None:
    image = make_image(1, width=700, height=500, prompt="a walrus")
    make_album("Sea", [image])
    make_label(image, "ice", kind="tag")
    say(image, "SAFE")
    own, api = f"/images/{image.pk}/", f"/api/images/{image.pk}"
    lists = ["/", "/albums/", "/albums/sea/"]
    # These tell nothing of what is not open to everyone, not even that it is there.
    told = ["/search/?q=walrus", "/tags/ice/"]
    told += ["/feed.atom", "/albums/sea/feed.atom", "/tags/ice/feed.atom"]
    old = image.thumbnail_url(300, sharp=True)
    for path in (own, *lists, *told):
        assert image.sharp_key in text_of(client, path), path
    assert client.get(f"{own}original").status_code == 200
    assert client.get(f"{api}/thumbnail").content == client.get(old).content
    close(image)
    fresh = Image.objects.get()
    assert client.get(old).status_code == 404
    assert client.get(fresh.thumbnail_url(300, sharp=True)).status_code in (403, 404)
    assert client.get(f"{own}original").status_code in (403, 404)
    for path in (own, *lists, *told):
        text = text_of(client, path)
        assert image.sharp_key not in text, path
        assert fresh.sharp_key not in text, path
        assert (fresh.blurred_key in text) == (path in (own, *lists)), path
    found = client.get(api).json()
    assert (found["is_blurred"], found["rating"], found["original"]) == (True, fresh.rating, None)
    blurred = client.get(fresh.thumbnail_url(300, sharp=False)).content
    assert client.get(f"{api}/thumbnail").content == blurred
    assert client.get("/api/images", {"q": "walrus"}).json()["items"] == []
    ratings.decide(image, "SAFE")
    fresh.refresh_from_db()
    for path in (own, *lists, *told):
        assert fresh.sharp_key in text_of(client, path), path
    assert client.get("/api/images", {"q": "walrus"}).json()["items"][0]["id"] == image.pk


def text_of(client: Client, path: str) -> str:
    return client.get(path, follow=True).content.decode("utf-8", errors="replace")


# --- Whatever happens in between -----------------------------------------------------------------


def test_a_word_that_was_not_expected_counts_as_well(media: Path) -> None:
    image = make_image()
    written = []

    def write() -> None:
        written.append(1)
        Label.objects.create(image=image, kind="rating", text="ADULT", source="local")

    ratings.settle_rating(image, write)
    assert state(image) == ("ADULT", False, None)
    # Rolled back once, and made again.
    assert (len(written), image.labels.count()) == (2, 1)
    assert files(media) == {name for name in file_names(image) if not name.endswith(".json")}


def test_an_expected_word_that_does_not_come_changes_nothing(media: Path) -> None:
    image = make_image()
    before = files(media)
    ratings.settle_rating(image, expected=("EXPLICIT",))
    assert state(image) == ("UNRATED", False, None)
    assert files(media) == before


def test_what_fails_leaves_row_labels_and_files_as_they_were(media: Path) -> None:
    image = make_image()
    before = files(media)

    def write() -> None:
        make_label(image, "ADULT", kind="rating", source="local")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        ratings.settle_rating(image, write, expected=("ADULT",))
    assert (state(image), image.labels.count(), files(media)) == (
        ("UNRATED", False, None), 0, before,
    )  # fmt: skip


def test_of_an_image_that_is_gone_nothing_is_written() -> None:
    image = make_image()
    stale = Image.objects.get()
    image.delete()
    assert not ratings.settle_rating(stale, lambda: pytest.fail("written"), expected=("SAFE",))
    assert not ratings.decide(stale, "SAFE")


def test_a_deadlock_is_tried_again_and_another_error_is_not(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cause(Exception):
        def __init__(self, sqlstate: str) -> None:
            super().__init__(sqlstate)
            self.sqlstate = sqlstate

    # The test's own transaction is not the caller's.
    monkeypatch.setattr(connection, "in_atomic_block", False)
    image, tries = make_image(), []

    def write(code: str) -> None:
        tries.append(code)
        if len(tries) == 1:
            raise OperationalError("failed") from Cause(code)

    ratings.settle_rating(image, lambda: write("40P01"))
    assert len(tries) == 2
    tries.clear()
    with pytest.raises(OperationalError):
        ratings.settle_rating(image, lambda: write("57014"))
    assert len(tries) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round", range(3))
def test_labelers_that_speak_at_once_leave_the_sternest_word(media: Path, round: int) -> None:
    image = make_image()
    begin = threading.Barrier(4)
    wrong: list[BaseException] = []

    def speak(words: list[str]) -> None:
        try:
            begin.wait(timeout=20)
            mine = Image.objects.get(pk=image.pk)
            for word in words:
                say(mine, word)
        except BaseException as error:
            wrong.append(error)
        finally:
            connections.close_all()

    orders = (["SAFE", "SUGGESTIVE"], ["ADULT", "SAFE"], ["SAFE", "SAFE"], ["EXPLICIT", "SAFE"])
    threads = [threading.Thread(target=speak, args=(words,)) for words in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong
    assert state(image) == ("EXPLICIT", False, None)
    image.refresh_from_db()
    assert files(media) == {name for name in file_names(image) if not name.endswith(".json")}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round", range(3))
def test_a_decision_made_while_labelers_speak_holds(media: Path, round: int) -> None:
    image = make_image()
    begin = threading.Barrier(2)

    def decide() -> None:
        begin.wait(timeout=20)
        ratings.decide(Image.objects.get(pk=image.pk), "SAFE")
        connections.close_all()

    thread = threading.Thread(target=decide)
    thread.start()
    begin.wait(timeout=20)
    for word in ("ADULT", "SAFE", "EXPLICIT"):
        say(image, word)
    thread.join()
    assert state(image)[:2] == ("SAFE", True)


# --- Any order of anything -----------------------------------------------------------------------

_steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(WORDS), st.sampled_from(["claude", "local"])),
        st.tuples(st.just("import"), st.sampled_from(WORDS), st.just("")),
        st.tuples(st.just("decide"), st.sampled_from([*WORDS, "UNRATED"]), st.just("")),
        st.tuples(st.just("label"), st.sampled_from(WORDS), st.just("")),
        st.tuples(st.just("forget"), st.integers(0, 5), st.just("")),
        st.tuples(st.just("close"), st.booleans(), st.just("")),
    ),
    max_size=12,
)


def test_the_rating_follows_the_rule_after_any_steps(
    media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    @hypothesis_settings(
        max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(steps=_steps)
    def check(steps: list[tuple[str, Any, str]]) -> None:
        with transaction.atomic():
            image = make_image(1)
            decision = ""
            for verb, what, source in steps:
                key, shown = image.sharp_key, (image.rating, image.is_public)
                if verb == "say":
                    say(image, what, source)
                elif verb == "import":
                    say(image, what, "imported")
                elif verb == "decide":
                    ratings.decide(image, what)
                    decision = "" if what == "UNRATED" else what
                elif verb == "label":
                    labels.write_label(image, "rating", what)
                    decision = what
                elif verb == "forget":
                    rows = list(image.labels.order_by("pk"))
                    if rows:
                        with django_capture_on_commit_callbacks(execute=True):
                            labels.delete_label(rows[what % len(rows)])
                else:
                    ratings.change_visibility([image], not what)
                said = image.labels.exclude(source="manual").values_list("text", flat=True)
                expected = decision or max(said, key=["", *WORDS].index, default="UNRATED")
                assert state(image)[:2] == (expected, bool(decision))
                image.refresh_from_db()
                assert (image.sharp_key != key) == (shown != (image.rating, image.is_public))
                there = {name for name in file_names(image) if not name.endswith(".json")}
                assert files(media) == there
            transaction.set_rollback(True)
        for path in list(media.rglob("*.*")):
            path.unlink()

    check()


# --- Ratings from before decisions were kept -----------------------------------------------------


@pytest.mark.parametrize(
    ("rating", "words", "decided"),
    [
        ("UNRATED", [], False),
        ("SAFE", [], True),
        ("ADULT", [("claude", "ADULT"), ("local", "SAFE")], False),
        ("SAFE", [("claude", "ADULT"), ("local", "SAFE")], True),
        ("ADULT", [("claude", "ADULT"), ("manual", "ADULT")], True),
        ("ADULT", [("claude", "ADULT"), ("manual", "SAFE")], False),
        ("EXPLICIT", [("imported", "SAFE")], True),
        ("UNRATED", [("claude", "ADULT")], False),
        ("SAFE", [("claude", "nonsense")], True),
    ],
)
def test_old_ratings_are_decided_unless_labelers_explain_them(
    rating: str, words: list[tuple[str, str]], decided: bool
) -> None:
    migration = importlib.import_module("gallery.migrations.0010_who_decided_on_ratings")
    image = make_row(rating=rating)
    for source, text in words:
        make_label(image, text, kind="rating", source=source)
    make_label(image, "a caption")
    migration.keep_decisions(apps, None)
    assert state(image)[:2] == (rating, decided)


def test_old_ratings_are_kept_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    migration = importlib.import_module("gallery.migrations.0010_who_decided_on_ratings")
    monkeypatch.setattr(migration, "PART", 2)
    for number in range(5):
        image = make_row(rating="SAFE")
        make_label(image, "ADULT" if number % 2 else "SAFE", kind="rating", source="local")
    migration.keep_decisions(apps, None)
    decided = Image.objects.order_by("pk").values_list("rating_decided_at", flat=True)
    assert [at is not None for at in decided] == [False, True, False, True, False]


def test_old_ratings_take_a_few_queries(django_assert_max_num_queries: Any) -> None:
    migration = importlib.import_module("gallery.migrations.0010_who_decided_on_ratings")
    for _ in range(5):
        make_label(make_row(rating="SAFE"), "SAFE", kind="rating", source="local")
        make_row(rating="ADULT")
    with django_assert_max_num_queries(6):
        migration.keep_decisions(apps, None)


def test_every_rating_word_is_one_that_the_rule_knows() -> None:
    assert list(ratings.SEVERITY) == list(Rating)
    assert [word.value for word in ratings.SEVERITY[1:]] == WORDS

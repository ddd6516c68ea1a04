"""What a source wants of its crawls holds where nobody chose otherwise."""

from typing import Any

import pytest

from imagineer.jobs.models import Status
from imagineer.jobs.runner import execute
from scraping.crawl_events import Work
from scraping.crawl_folder import Clock
from scraping.jobs import _config
from scraping.models import ScrapeJob, Source
from scraping.options import checked
from scraping.runs import Asked, start_crawl
from scraping.sources import change
from scraping.tests.factories import fresh, job_of, make_source

pytestmark = pytest.mark.django_db
WISHES = {"depth": 1, "min_width": 64, "max_pages": 7, "obey_robots": True}


@pytest.fixture
def boats() -> Source:
    return make_source(options=WISHES, max_images=40)


def test_of_one_source_alone_they_hold_for_the_whole_crawl(boats: Source) -> None:
    asked = [Asked(boats.base_url, boats), Asked("https://boats.example/more/")]
    scrape = start_crawl(asked, choices={"min_width": 100})
    assert scrape.chosen == checked(WISHES | {"min_width": 100, "max_images": 80})
    assert [target.options for target in scrape.targets.all()] == [{}, {}]


def test_of_several_each_has_its_own_but_for_limits(boats: Source) -> None:
    asked = [Asked(boats.base_url, boats), Asked("https://example.org/")]
    scrape = start_crawl(asked, choices={"depth": 5})
    mine, other = scrape.targets.all()
    assert scrape.chosen == checked({"depth": 5})
    assert mine.options == {"min_width": 64, "obey_robots": True}
    assert mine.chosen == checked({"depth": 5, "min_width": 64})
    assert (other.options, other.chosen) == ({}, checked({"depth": 5}))


def test_options_that_are_given_whole_hold_whatever_sources_want(boats: Source) -> None:
    options = checked({"depth": 0})
    scrape = start_crawl([Asked(boats.base_url, boats)], options=options)
    assert (scrape.chosen, scrape.targets.get().chosen) == (options, options)


@pytest.mark.parametrize(("asked", "most"), [(None, 40), (5, 5), (500, 40)])
def test_no_more_is_taken_from_a_source_than_it_says(
    boats: Source, asked: int | None, most: int
) -> None:
    scrape = start_crawl([Asked(boats.base_url, boats, asked)])
    assert scrape.targets.get().max_images == most
    assert scrape.chosen.max_images == most


def test_the_child_is_told_them_and_a_key_for_its_own_target_alone(
    boats: Source, tmp_path: Any
) -> None:
    boats = change(boats, {"api_key": "sesame"})
    asked = [Asked("https://example.org/"), Asked(source=boats)]
    scrape = start_crawl(asked, choices={"depth": 5})
    targets = {target.pk: target for target in scrape.targets.all()}
    work: Any = Work(None, scrape, scrape.chosen, tmp_path, targets, Clock(tmp_path))  # type: ignore[arg-type]
    config = _config(work)
    plain, keyed = config.targets
    assert (plain.api_key, keyed.api_key) == ("", "sesame")
    assert config.of(plain).options == checked({"depth": 5})
    assert config.of(keyed).options == checked({"depth": 5, "min_width": 64})
    assert "sesame" not in repr(config)


def test_a_key_that_cannot_be_opened_any_more_fails_the_crawl_with_a_sentence(
    settings: Any,
) -> None:
    source = make_source(api_key="sesame")
    scrape = start_crawl([Asked(source.base_url, source)])
    settings.SECRET_KEY = "another"
    execute(scrape.job_id)
    assert job_of(scrape).status == Status.FAILED
    assert job_of(scrape).error.startswith("“Boats”: The API key was sealed under another")


def test_no_key_stands_in_what_a_crawl_leaves(settings: Any) -> None:
    settings.SCRAPE_DELAY = 0
    source = make_source(api_key="sesame", base_url="https://nowhere.invalid/")
    scrape = start_crawl([Asked(source=source)])
    execute(scrape.job_id)
    log = list(job_of(scrape).log_lines.values_list("text", flat=True))
    assert log
    told = f"{log} {job_of(scrape).__dict__} {fresh(scrape).__dict__}"
    assert "sesame" not in told
    assert ScrapeJob.objects.get().targets.get().state == "failed"

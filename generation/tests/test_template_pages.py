"""The public list of batch templates and a template's page."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gallery.tests.factories import make_album, make_row
from generation.models import BatchTemplate, GenerationItem, GenerationRun
from generation.tests.factories import make_admin, make_template
from imagineer.jobs.models import Job, Status

pytestmark = pytest.mark.django_db


def get(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def make_run(
    template: BatchTemplate, name: str, status: str = Status.COMPLETED, **album: Any
) -> Any:
    job = Job.objects.create(kind="generation.run", title=name, queue="gpu", status=status)
    image = make_row()
    run = GenerationRun.objects.create(
        job=job,
        template=template,
        album_name=name,
        user_theme="gold ink",
        is_batch=True,
        album=make_album(name, [image], **album),
    )
    GenerationItem.objects.create(
        run=run, index=0, name="Ace", prompt="x", seed=1, status="done", image=image
    )
    return run


def test_the_list_names_templates_with_their_rows(client: Client) -> None:
    make_run(make_template(), "My deck")
    page = get(client, "/templates/")
    for words in ("Suits", "Ace, Two, Three", "3 rows", "drawn once"):
        assert words in page


def test_a_size_is_shown_as_people_read_it(client: Client) -> None:
    template = make_template(width=None, height=None)
    for address in ("/templates/", template.get_absolute_url()):
        assert "3 rows · the model’s own size" in get(client, address)
    BatchTemplate.objects.update(width=64, height=96)
    for address in ("/templates/", template.get_absolute_url()):
        assert "3 rows · 64 × 96 px" in get(client, address)


def test_an_empty_list_says_what_will_be_there(client: Client) -> None:
    assert "No templates yet" in get(client, "/templates/")


def test_a_template_shows_each_row_with_its_prompt(client: Client) -> None:
    page = get(client, make_template().get_absolute_url())
    assert "playing card, Ace of hearts, red ink, clean print" in page
    assert "Nothing has been drawn with it yet" in page


def test_a_template_shows_its_runs_with_albums(client: Client) -> None:
    template = make_template()
    run = make_run(template, "My deck")
    page = get(client, template.get_absolute_url())
    assert run.album.get_absolute_url() in page
    assert "gold ink" in page


def test_visitors_see_no_private_nor_unfinished_run(client: Client) -> None:
    template = make_template()
    make_run(template, "Closed deck", is_public=False)
    make_run(template, "Failed deck", status=Status.FAILED)
    for address in ("/templates/", template.get_absolute_url()):
        page = get(client, address)
        assert "Closed deck" not in page
        assert "Failed deck" not in page
    client.force_login(make_admin())
    page = get(client, template.get_absolute_url())
    assert "Closed deck" in page
    assert "Failed deck" in page


def test_a_broken_table_is_named_and_breaks_nothing(client: Client) -> None:
    template = make_template(csv="no header of ours")
    assert "0 rows" in get(client, "/templates/")
    assert "cannot be read" in get(client, template.get_absolute_url())


def test_it_escapes_what_stands_in_the_table(client: Client) -> None:
    template = make_template(csv="name,suit\n<script>alert(1)</script>,x\n")
    assert "<script>alert" not in get(client, template.get_absolute_url())


def test_a_template_that_does_not_exist_is_not_found(client: Client) -> None:
    assert client.get("/templates/none/").status_code == 404


@pytest.mark.parametrize("count", [1, 12])
def test_the_queries_do_not_grow_with_the_runs(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    template = make_template()
    for number in range(count):
        make_run(template, f"Deck {number}")
    with django_assert_max_num_queries(5):
        client.get(template.get_absolute_url())
    with django_assert_max_num_queries(3):
        client.get("/templates/")


def test_an_album_from_a_template_links_it_and_names_its_cards(client: Client) -> None:
    run = make_run(make_template(), "My deck", source_type="batch_generation")
    address = run.album.get_absolute_url()
    page = get(client, address)
    assert 'Drawn from <a href="/templates/suits/">Suits</a>, “<bdi>gold ink</bdi>”' in page
    assert '<span class="spread-name">Ace</span>' in get(client, f"{address}?view=spread")


def test_an_albums_badge_leads_to_its_template_and_an_admin_to_the_run(
    client: Client, admin_client: Client
) -> None:
    template = make_template()
    run = make_run(template, "My deck", source_type="batch_generation")
    assert run.album is not None
    address = f"{run.album.get_absolute_url()}source"
    assert client.get(address)["Location"] == template.get_absolute_url()
    assert admin_client.get(address)["Location"] == (
        f"/admin/generation/generationrun/{run.pk}/change/"
    )

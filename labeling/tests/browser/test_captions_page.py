"""An album's captions in a real browser: whole and open to everyone, and a file comes down."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse

from gallery.tests.browser.window import Visit, Visitor
from gallery.tests.factories import make_album, make_image, make_label

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(visitor: Visitor, admin_client: Client) -> Visitor:
    key = admin_client.cookies["sessionid"].value
    visitor.context.add_cookies([{"name": "sessionid", "value": key, "url": visitor.address}])
    return visitor


def address() -> str:
    images = [make_image(number) for number in range(12)]
    for place, image in enumerate(images[:-1]):
        make_label(image, f"a card number {place} " * (1 + 4 * place), source="claude")
        for tag in range(12 - place):
            make_label(image, f"tag {'x' * 8 * tag}{tag}", kind="tag", source="claude")
    return reverse("admin:labeling_album_captions", args=[make_album("x" * 180, images).pk])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_page_is_open_to_everyone(
    visit: Visit, admin_client: Client, size: str, theme: str
) -> None:
    page = sign_in(visit(size, theme), admin_client).open(address())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]


def test_a_file_comes_down(visit: Visit, admin_client: Client) -> None:
    page = sign_in(visit(), admin_client).open(address())
    page.get_by_label("Format").select_option("csv")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Export").click()
    text = coming.value.path().read_text("utf-8-sig")
    assert text.startswith("file_name,caption,")
    assert len(text.splitlines()) == 13

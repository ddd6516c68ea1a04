from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory, override_settings

from gallery import panels
from gallery.models import Image
from gallery.tests.factories import make_row

pytestmark = pytest.mark.django_db

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.locmem.Loader",
                    {"one.html": "<p>{{ image.pk }} {{ words }}</p>", "two.html": "two"},
                )
            ]
        },
    }
]


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "_panels", {})
    monkeypatch.setattr(panels, "_details", {})


@override_settings(TEMPLATES=TEMPLATES)
def test_panels_are_rendered_in_order_of_registration() -> None:
    image = make_row()
    panels.register_panel("one.html", lambda request, image: {"words": "<b>"})
    panels.register_panel("two.html", lambda request, image: {})
    request = RequestFactory().get("/")
    assert panels.rendered(request, image) == [f"<p>{image.pk} &lt;b&gt;</p>", "two"]


def test_a_panel_with_nothing_to_say_is_left_out() -> None:
    panels.register_panel("one.html", lambda request, image: None)
    assert panels.rendered(RequestFactory().get("/"), make_row()) == []


def detail(request: HttpRequest, image: Image) -> Any:
    return {"page": image.pk}


def test_details_are_keyed() -> None:
    image = make_row()
    panels.register_image_detail("source", detail)
    panels.register_image_detail("source", detail)
    assert panels.details(RequestFactory().get("/"), image) == {"source": {"page": image.pk}}


def test_a_taken_key_is_refused() -> None:
    panels.register_image_detail("source", detail)
    with pytest.raises(ValueError, match="twice"):
        panels.register_image_detail("source", lambda request, image: 1)

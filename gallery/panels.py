"""What higher rooms have to say about an image, without this room knowing them.

A room registers in its ``ready()``: a template with a function for its context, rendered on the
image's page in the order of registration, or a key with a function for the API's answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from gallery.models import Image

PanelContext = Callable[[HttpRequest, Image], dict[str, Any] | None]
Detail = Callable[[HttpRequest, Image], Any]


@dataclass(frozen=True)
class Panel:
    template_name: str
    context: PanelContext


_panels: dict[str, Panel] = {}
_details: dict[str, Detail] = {}


def register_panel(template_name: str, context: PanelContext) -> None:
    """Show a panel on every image's page. context(request, image): None leaves it out.

    A public page renders it: the function must leave out what visitors may not see.
    """
    _panels[template_name] = Panel(template_name, context)


def register_image_detail(key: str, detail: Detail) -> None:
    """Add a key to ``GET /api/images/{id}``; detail(request, image) gives its JSON value.

    Raises ValueError for a key that is taken.
    """
    if key in _details and _details[key] is not detail:
        raise ValueError(f"The image detail {key!r} is registered twice.")
    _details[key] = detail


def rendered(request: HttpRequest, image: Image) -> list[SafeString]:
    """The panels of this image as HTML."""
    found = []
    for panel in _panels.values():
        context = panel.context(request, image)
        if context is not None:
            html = render_to_string(panel.template_name, {"image": image, **context}, request)
            found.append(html)
    return found


def details(request: HttpRequest, image: Image) -> dict[str, Any]:
    """Key → value for the API."""
    return {key: detail(request, image) for key, detail in _details.items()}

"""A real headless Chromium on Django's live server, watched for errors while pages are used."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1280, "height": 800},
}
Theme = Literal["light", "dark"]
# Reported on the page itself, so that a policy's refusal is an error as any other.
WATCH = """
addEventListener("securitypolicyviolation", (event) =>
  console.error("CSP", event.violatedDirective, event.blockedURI, event.sourceFile));
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert program, "Install Chromium, or set CHROMIUM to the path of one."
    # Playwright keeps a loop running in this thread, which Django takes for asynchronous code. A
    # module at a time, since tests of asynchronous code that follow start a loop of their own.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Visitor:
    """One person's browser window. ``errors`` collects what went wrong on any page."""

    page: Page
    context: BrowserContext
    address: str
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.address + path, wait_until="load")
        return self.page


Visit = Callable[..., Visitor]


def sign_in(visitor: Visitor, admin_client: Client) -> Visitor:
    """Give the window the session of a signed-in client."""
    key = admin_client.cookies["sessionid"].value
    visitor.context.add_cookies([{"name": "sessionid", "value": key, "url": visitor.address}])
    return visitor


@pytest.fixture
def visit(
    chromium: Browser, live_server: LiveServer, tmp_path: Path, settings: Any
) -> Iterator[Visit]:
    """visit(size="desktop", theme="light", **context options) opens a window."""
    settings.MEDIA_ROOT = tmp_path / "media"
    visitors: list[Visitor] = []

    def start(size: str = "desktop", theme: Theme = "light", **options: Any) -> Visitor:
        context = chromium.new_context(
            viewport=SIZES[size], color_scheme=theme, has_touch=size == "phone", **options
        )
        context.set_default_timeout(60_000)
        if options.get("java_script_enabled", True):
            context.add_init_script(WATCH)
        visitor = Visitor(context.new_page(), context, live_server.url)
        visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        visitor.page.on("console", lambda message: _note(visitor, message))
        visitors.append(visitor)
        return visitor

    yield start
    for visitor in visitors:
        visitor.context.close()
        assert visitor.errors == []


def _note(visitor: Visitor, message: Any) -> None:
    if message.type in ("error", "warning"):
        visitor.errors.append(f"{visitor.page.url}: {message.text}")

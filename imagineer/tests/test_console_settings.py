from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from imagineer.console_settings import read_variables

EXAMPLE = """# Every setting.

# --- Sign-in ---
# Who is an admin.
#ADMIN_EMAILS=
GOOGLE_CLIENT_SECRET=

# --- Server ---
# Where it listens,
# and nowhere else.
#PORT=8000
"""


def test_it_reads_sections_comments_and_defaults() -> None:
    sections = read_variables(EXAMPLE, {"PORT": "9000"})
    assert [section.name for section in sections] == ["Sign-in", "Server"]
    port = sections[1].variables[0]
    assert (port.name, port.default, port.value) == ("PORT", "8000", "9000")
    assert port.comment == "Where it listens, and nowhere else."
    assert not sections[0].variables[0].is_set


def test_it_never_reads_out_a_secret() -> None:
    sections = read_variables(EXAMPLE, {"GOOGLE_CLIENT_SECRET": "hush", "ADMIN_EMAILS": "a@b.org"})
    told = sections[0].variables
    assert [variable.is_set for variable in told] == [True, True]
    assert [variable.value for variable in told] == ["", ""]


@pytest.mark.django_db
def test_its_page_shows_no_secret(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    for name in ("SECRET_KEY", "ANTHROPIC_API_KEY", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, f"hush-{name}")
    page = admin_client.get(reverse("admin:settings")).content.decode()
    assert "hush-" not in page
    assert settings.SECRET_KEY not in page
    assert "ANTHROPIC_API_KEY" in page
    assert "Set in the environment" in page


@pytest.mark.django_db
def test_its_page_leads_to_people_tokens_and_every_table(admin_client: Client) -> None:
    page = admin_client.get(reverse("admin:settings")).content.decode()
    for name in ("auth_user", "accounts_apitoken", "gallery_label", "jobs_job"):
        assert reverse(f"admin:{name}_changelist") in page
    assert "The queue server does not answer." in page

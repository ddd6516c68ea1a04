from typing import Any

import pytest
from django.db import connection

from scraping.models import Source
from scraping.sealed import SealBroken, seal, unseal
from scraping.sources import change


def test_what_is_sealed_is_opened_and_looks_like_nothing() -> None:
    sealed = seal("sesame-é")
    assert unseal(sealed) == "sesame-é"
    assert "sesame" not in sealed
    assert seal("sesame-é") != sealed


def test_another_secret_key_opens_nothing_and_says_what_to_do(settings: Any) -> None:
    sealed = seal("sesame")
    settings.SECRET_KEY = "another"
    with pytest.raises(SealBroken, match="sealed under another SECRET_KEY"):
        unseal(sealed)


def test_an_earlier_secret_key_still_opens(settings: Any) -> None:
    sealed = seal("sesame")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert unseal(sealed) == "sesame"
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(seal("new")) == "new"


@pytest.mark.parametrize("broken", ["", "plain", "gAAAA", "ü", "x" * 5000])
def test_what_was_never_sealed_is_said_to_be_so(broken: str) -> None:
    with pytest.raises(SealBroken):
        unseal(broken)


@pytest.mark.django_db
def test_the_database_never_holds_a_key_in_the_clear() -> None:
    change(Source(name="A", base_url="https://a.example/"), {"api_key": "sesame"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM scraping_source")
        assert "sesame" not in repr(cursor.fetchall())

import pytest

from scraping.user_agent import name_of, with_contact


@pytest.mark.parametrize(
    ("agent", "contact", "expected"),
    [
        ("Imagineer/0.1 (self-hosted)", "", "Imagineer/0.1 (self-hosted)"),
        ("Imagineer/0.1 (self-hosted)", "a@b.org", "Imagineer/0.1 (self-hosted; +a@b.org)"),
        ("Imagineer/0.1", "https://b.org/bot", "Imagineer/0.1 (+https://b.org/bot)"),
    ],
)
def test_a_contact_is_named(agent: str, contact: str, expected: str) -> None:
    assert with_contact(agent, contact) == expected


@pytest.mark.parametrize("contact", ["a@b.org\r\nX: y", "me (here)", "a b", "ä@b.org", "a;b"])
def test_what_does_not_fit_into_the_header_is_refused(contact: str) -> None:
    with pytest.raises(ValueError, match="e-mail"):
        with_contact("Imagineer/0.1", contact)


def test_the_name_is_what_stands_before_the_version() -> None:
    assert name_of("Imagineer/0.1 (self-hosted)") == "Imagineer"

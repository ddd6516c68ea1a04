from scraping.same_picture import Candidate
from scraping.spiders.named_pictures import NamedPictures

PICTURE = Candidate(("https://example.org/1.png",), "sitemap", {"figcaption": "A boat"})


def test_pictures_wait_for_their_page_under_any_of_its_addresses() -> None:
    named = NamedPictures()
    named.add("https://www.example.org/boats/", [PICTURE])
    assert named.take("https://example.org/others") == []
    assert named.take("http://example.org/boats?utm_source=x") == [PICTURE]
    assert named.take("https://example.org/boats") == []


def test_they_are_known_again_after_a_kill() -> None:
    before, after = NamedPictures(), NamedPictures()
    before.add("https://example.org/boats", [PICTURE])
    after.words.update(before.words.new())
    assert after.take("https://example.org/boats") == [PICTURE]

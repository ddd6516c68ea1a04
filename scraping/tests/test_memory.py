from scraping.spiders.memory import Remembered, RememberedPictures


def test_a_set_tells_what_came_in_since_it_was_last_asked() -> None:
    known = Remembered(["a"])
    known.add("a")
    known.add("b")
    known.update(["b", "c"], ("d",))
    assert known.new() == ["b", "c", "d"]
    assert known.new() == []
    assert known == {"a", "b", "c", "d"}


def test_a_picture_is_known_by_its_best_address_or_a_larger_file() -> None:
    known = RememberedPictures(["https://example.org/a-300x200.jpg"])
    known.update(("https://example.org/b.jpg", "https://example.org/b-300x200.jpg"))
    host = "https://example.org/"
    assert known.has((f"{host}a-300x200.jpg", f"{host}a-90x60.jpg"))
    assert not known.has((f"{host}a-1024x683.jpg", f"{host}a-300x200.jpg"))
    assert known.has((f"{host}b-1024x683.jpg", f"{host}b-300x200.jpg"))
    # By what may have stood in for it: another picture.
    assert not known.has((f"{host}whole/1.jpg", f"{host}a-300x200.jpg"))
    assert not known.has((f"{host}b-90x60.jpg",))


def test_what_was_known_at_first_is_not_new() -> None:
    known = RememberedPictures(["https://example.org/a.jpg"])
    known.add("https://example.org/b.jpg")
    assert known.new() == ["https://example.org/b.jpg"]

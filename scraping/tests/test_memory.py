from scraping.spiders.memory import Remembered


def test_a_set_tells_what_came_in_since_it_was_last_asked() -> None:
    known = Remembered(["a"])
    known.add("a")
    known.add("b")
    known.update(["b", "c"], ("d",))
    assert known.new() == ["b", "c", "d"]
    assert known.new() == []
    assert known == {"a", "b", "c", "d"}

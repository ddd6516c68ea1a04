from scraping.held_bytes import HeldBytes


class Answer:
    pass


def test_bytes_are_held_as_long_as_what_holds_them() -> None:
    held = HeldBytes(most_bytes=100)
    one, other = Answer(), Answer()
    held.count(one, 60)
    assert not held.are_many
    held.count(other, 60)
    assert held.are_many
    del one
    assert held.bytes == 60
    assert not held.are_many

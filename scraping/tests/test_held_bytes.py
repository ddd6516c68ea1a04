from scraping.held_bytes import HeldBytes


class Answer:
    pass


def test_bytes_are_held_as_long_as_what_holds_them() -> None:
    held = HeldBytes(most_bytes=100)
    one, other = Answer(), Answer()
    were_many = []
    held.count(one, 60)
    were_many.append(held.are_many)
    held.count(other, 60)
    were_many.append(held.are_many)
    del one
    were_many.append(held.are_many)
    assert were_many == [False, True, False]
    assert held.bytes == 60

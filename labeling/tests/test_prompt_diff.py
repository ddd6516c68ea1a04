import pytest

from labeling.prompt_diff import ADDED, REMOVED, SAME, Part, changes


def test_a_changed_word_is_removed_and_added():
    assert changes("Say what you see.", "Say whom you see.\nBriefly.") == [
        Part(SAME, "Say "),
        Part(REMOVED, "what "),
        Part(ADDED, "whom "),
        Part(SAME, "you "),
        Part(REMOVED, "see."),
        Part(ADDED, "see.\nBriefly."),
    ]


def test_the_same_text_has_no_changes():
    assert changes("One two.", "One two.") == [Part(SAME, "One two.")]
    assert changes("", "") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a b"), ("a b", ""), ("  a\n\nb ", "b\ta"), ("a " * 500, "b " * 400 + "a"),
        ("One. Two. Three.", "Zero. One. Three. Four."),
    ],
)  # fmt: skip
def test_both_texts_can_be_read_from_the_parts(before, after):
    parts = changes(before, after)
    assert "".join(part.text for part in parts if part.change != ADDED) == before
    assert "".join(part.text for part in parts if part.change != REMOVED) == after

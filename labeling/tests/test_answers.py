import json

import pytest

from labeling.answers import ANSWER_SCHEMA, Answer, InvalidAnswer, read_answer

GOOD = {
    "caption": " A cat\n on a mat. ",
    "rating": "SAFE",
    "tags": ["Cat", "cat ", "mat", "Indoor_Scene", "#fur", "a, b", ""],
    "confidence": 1,
}


def test_an_answer_is_read_and_tidied():
    assert read_answer(json.dumps(GOOD)) == Answer(
        "A cat on a mat.", "SAFE", ("cat", "mat", "indoor scene", "fur", "a b"), 1.0
    )


def test_tags_over_ten_are_dropped():
    tags = [f"tag {number}" for number in range(15)]
    assert read_answer(json.dumps(GOOD | {"tags": tags})).tags == tuple(tags[:10])


@pytest.mark.parametrize(
    "text",
    [
        "", "no JSON", json.dumps(GOOD)[:-5], "[]", "null", '"text"', "[" * 100_000,
        *(
            json.dumps(GOOD | change)
            for change in (
                {"caption": ""}, {"caption": None}, {"caption": "x" * 5000}, {"rating": "FINE"},
                {"rating": 3}, {"tags": "cat"}, {"tags": ["cat"]}, {"tags": [1, 2, 3, 4, 5]},
                {"confidence": 1.2}, {"confidence": -1}, {"confidence": True},
                {"confidence": "high"}, {"confidence": float("nan")},
            )
        ),
    ],
)  # fmt: skip
def test_what_is_not_an_answer_is_refused_with_what_is_wrong(text):
    with pytest.raises(InvalidAnswer) as caught:
        read_answer(text)
    assert str(caught.value)


def test_the_schema_asks_for_every_field_of_an_answer():
    assert ANSWER_SCHEMA["required"] == list(Answer.__dataclass_fields__)


def test_tags_are_spelled_as_everywhere():
    tags = ["Red\x00Square_thing,", "fox, night", "STRASSE", "straße", "#owl.", "moon"]
    answer = read_answer(json.dumps(GOOD | {"tags": tags}))
    assert answer.tags == ("red square thing", "fox night", "strasse", "owl", "moon")

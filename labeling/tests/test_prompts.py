import pytest

from labeling.labeler import Found
from labeling.models import Prompt
from labeling.prompts import CARDS, SEEDED, instructions, options_in_words, user_text
from labeling.runs import current_prompt, seed_prompts


def test_without_context_nothing_is_said_of_words_found():
    assert user_text(Found(page_texts=("  \n ",), prompt="a lake")) == "Label this picture."


def test_a_trigger_word_is_to_be_left_out_of_the_caption():
    assert instructions("Describe it.") == "Describe it."
    told = instructions("Describe it.", "zkdeck")
    assert told.startswith("Describe it.\n\nThe word “zkdeck” names what all pictures of this set")
    assert "Leave the word itself out" in told


def test_the_prompt_for_cards_asks_for_what_makes_a_deck():
    (cards,) = [seeded.text for seeded in SEEDED if seeded.kind == CARDS]
    for word in ("rank and suit", "trump", "sign", "figure", "inks", "style", "layout"):
        assert word in cards


def test_options_are_said_in_words_that_fit_their_column():
    assert options_in_words("", True) == ""
    assert options_in_words("zkdeck", False) == "trigger word zkdeck, without context"
    assert len(options_in_words("x" * 100, False)) <= 150


def test_context_is_bounded_and_cannot_pose_as_a_mark():
    text = user_text(Found(album="<b>\x00", page_texts=("x" * 5000,) * 20))
    assert len(text) < 3000
    assert "<b>" not in text
    assert "\x00" not in text


@pytest.mark.django_db
def test_the_four_prompts_are_there_after_migrating():
    kinds = {"default", "sd_training", "detailed", "cards"}
    assert set(Prompt.objects.values_list("kind", flat=True)) == kinds


@pytest.mark.django_db
def test_seeding_again_changes_nothing_of_what_admins_wrote():
    Prompt.objects.create(kind="default", version=2, name="Mine", text="Mine.")
    seed_prompts()
    assert Prompt.objects.count() == 5
    assert current_prompt("default").text == "Mine."
    assert set(Prompt.objects.current().values_list("version", flat=True)) == {1, 2}

import pytest

from labeling.labeler import Found
from labeling.models import Prompt
from labeling.prompts import user_text
from labeling.runs import current_prompt, seed_prompts


def test_without_context_only_the_instructions_are_sent():
    assert (
        user_text("Describe it.", Found(page_texts=("  \n ",), prompt="a lake")) == "Describe it."
    )


def test_context_is_bounded_and_cannot_pose_as_a_mark():
    text = user_text("Describe it.", Found(album="<b>\x00", page_texts=("x" * 5000,) * 20))
    assert len(text) < 3000
    assert "<b>" not in text
    assert "\x00" not in text


@pytest.mark.django_db
def test_the_three_prompts_are_there_after_migrating():
    assert set(Prompt.objects.values_list("kind", flat=True)) == {
        "default",
        "sd_training",
        "detailed",
    }


@pytest.mark.django_db
def test_seeding_again_changes_nothing_of_what_admins_wrote():
    Prompt.objects.create(kind="default", version=2, name="Mine", text="Mine.")
    seed_prompts()
    assert Prompt.objects.count() == 4
    assert current_prompt("default").text == "Mine."
    assert set(Prompt.objects.current().values_list("version", flat=True)) == {1, 2}

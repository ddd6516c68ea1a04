import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gallery.infotext import Infotext, parse, png_with, read_png, write

FULL = Infotext(
    prompt="a red fox, (ink:1.2)\nsecond line: with a colon",
    negative_prompt="blurry,\nbad hands",
    steps=25,
    sampler="DPM++ 2M",
    schedule="Karras",
    guidance_scale=7.5,
    seed=2147483647,
    width=512,
    height=768,
    model="Built-in, the tiny one",
    model_hash="abc123",
    loras={"night deck": -0.25, "inks": 1.0},
    lora_hashes={"night deck": "0123456789ab", "inks": "ba9876543210"},
    version="Imagineer 0.1.0",
)


def test_it_writes_what_the_fields_tools_read() -> None:
    text = write(
        Infotext(
            prompt="a red fox",
            negative_prompt="blurry",
            steps=20,
            sampler="Euler a",
            guidance_scale=7.0,
            seed=42,
            width=512,
            height=512,
            model="sd15",
            loras={"inks": 0.8},
        )
    )
    assert text == (
        "a red fox <lora:inks:0.8>\n"
        "Negative prompt: blurry\n"
        "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x512, Model: sd15"
    )


def test_what_was_written_is_read_back() -> None:
    assert parse(write(FULL)) == FULL


def test_it_reads_a_text_of_the_web_ui() -> None:
    text = (
        "masterpiece, <lora:add_detail:0.5> portrait\n"
        "in two lines\n"
        "Negative prompt: (worst quality:1.4),\n"
        "lowres\n"
        "Steps: 30, Sampler: DPM++ 2M SDE Karras, CFG scale: 6.5, Seed: 123, Size: 832x1216, "
        'Model hash: 31e35c80fc, Model: sd_xl_base, Lora hashes: "add_detail: 7c6bad76eb54", '
        'ADetailer prompt: "face, \\"smile\\"", Denoising strength: 0.4, Version: v1.9.3'
    )
    info = parse(text)
    assert info.prompt == "masterpiece,  portrait\nin two lines"
    assert info.negative_prompt == "(worst quality:1.4),\nlowres"
    assert (info.steps, info.seed, info.guidance_scale) == (30, 123, 6.5)
    assert (info.width, info.height) == (832, 1216)
    assert info.loras == {"add_detail": 0.5}
    assert info.lora_hashes == {"add_detail": "7c6bad76eb54"}
    assert info.others == {"ADetailer prompt": 'face, "smile"', "Denoising strength": "0.4"}


@pytest.mark.parametrize(
    "text", ["", "only a prompt", "a: b", "scene: one, mood: dark", "Steps: x", "\n\n", "Steps: "]
)
def test_it_reads_texts_without_parameters(text: str) -> None:
    info = parse(text)
    assert info.steps is None
    assert info.seed is None


def test_a_prompt_line_that_looks_like_another_part_joins_the_line_before() -> None:
    info = parse(write(Infotext(prompt="one\nNegative prompt: two\nSteps: 3", steps=5)))
    assert info.prompt == "one Negative prompt: two Steps: 3"
    assert info.negative_prompt == ""
    assert info.steps == 5


words = st.text(
    st.characters(blacklist_categories=["C", "Z"], blacklist_characters="<>"), min_size=1
)
prompts = st.lists(words, min_size=1, max_size=8).map(" ".join)
names = st.text(
    st.characters(blacklist_categories=["C", "Z"], blacklist_characters='<>:,"\\'), min_size=1
)


@settings(deadline=None)
@given(
    st.builds(
        Infotext,
        prompt=prompts.filter(lambda text: not text.startswith(("Negative prompt:", "Steps: "))),
        negative_prompt=prompts,
        steps=st.integers(1, 150),
        sampler=st.sampled_from(["DPM++ 2M", "Euler a"]),
        guidance_scale=st.floats(1, 30).map(lambda number: round(number, 2)),
        seed=st.integers(0, 2**31 - 1),
        width=st.integers(64, 2048),
        height=st.integers(64, 2048),
        model=words,
        loras=st.dictionaries(names, st.floats(-2, 2).map(lambda number: round(number, 2) + 0.0)),
    )
)
def test_any_record_survives_the_round_trip(info: Infotext) -> None:
    assert parse(write(info)) == info


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    parse(text)


def test_the_png_carries_the_text_and_is_the_same_each_time() -> None:
    picture = Image.new("RGB", (8, 8), "red")
    for text in ("plain: latin é", "日本語\nSteps: 20"):
        data = png_with(picture, text)
        assert read_png(data) == text
        assert data == png_with(picture, text)
    chunk = b"tEXtparameters" if text.isascii() else b"iTXtparameters"
    assert chunk in data


def test_a_png_without_the_chunk_has_no_text() -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, format="PNG")
    assert read_png(file.getvalue()) == ""

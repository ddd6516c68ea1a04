"""The base model's tokenizer in the web process: the same tokens as transformers makes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.token_count import ENDS, LIMIT, TokenCount, counter
from generation.base_model import BUILTIN_FOLDER
from generation.base_tokenizer import CLIP, token_counter, tokenizer_folder

TEXTS = (
    "", "   \n ", "ace of hearts", "The ACE of Hearts!!", "it's 10 o'clock, they've 2,500",
    "Ünïcode e\u0301 ß ﬃ İstanbul", "猫耳少女 と 犬", "🃏♥️ a\u200db",
    "<|endoftext|> hello <|startoftext|>", "a\u00a0b\u2009c", "x" * 300, "ace of hearts, " * 40,
)  # fmt: skip


@pytest.fixture(scope="module")
def clip() -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(BUILTIN_FOLDER / "tokenizer")


def count(text: str) -> TokenCount:
    found = token_counter()
    assert found is not None
    return found.count([text])[0]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:20])
def test_it_counts_as_transformers_does(clip: Any, text: str) -> None:
    ids = clip(text, truncation=False, verbose=False)["input_ids"]
    assert count(text).tokens == len(ids)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_it_counts_any_text_as_transformers_does(text: str) -> None:
    tokenizer = pytest.importorskip("transformers").CLIPTokenizer.from_pretrained(
        BUILTIN_FOLDER / "tokenizer"
    )
    ids = tokenizer(text, truncation=False, verbose=False)["input_ids"]
    assert count(text).tokens == len(ids)


def test_the_place_is_told_from_which_nothing_is_read() -> None:
    words = "ace of hearts " * 25
    assert count(words) == TokenCount(LIMIT)
    assert count(f"{words}é 猫") == TokenCount(count("é 猫").tokens - ENDS + LIMIT, len(words))


def test_the_place_is_one_of_characters() -> None:
    # Each takes several tokens; the place is never within one.
    text = "猫" * 60
    cut = count(text).cut_at
    assert cut is not None
    assert count(text[:cut]).cut_at is None
    assert count(text[: cut + 1]).tokens > LIMIT


def test_the_gallery_asks_it(settings: Any) -> None:
    assert counter().is_exact
    assert counter().count(["ace of hearts"]) == [TokenCount(5)]
    settings.BASE_MODEL = "nobody/nothing"
    assert not counter().is_exact


def test_it_takes_no_torch_to_count() -> None:
    code = (
        "import sys, django; django.setup();"
        "from gallery.token_count import counter;"
        "assert counter().count(['an ace'])[0].tokens == 4;"
        "print([name for name in ('torch', 'transformers', 'diffusers') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().endswith("[]"), result.stdout


# --- Where its files are ------------------------------------------------------------------------


def test_a_folder_has_its_own(tmp_path: Path, settings: Any) -> None:
    shutil.copytree(BUILTIN_FOLDER / "tokenizer", tmp_path / "tokenizer")
    config = tmp_path / "tokenizer" / "tokenizer_config.json"
    config.write_text(json.dumps({"model_max_length": 20}))
    settings.BASE_MODEL = str(tmp_path)
    assert counter().limit == 20
    assert counter().count(["ace " * 18 + "king"])[0] == TokenCount(21, 18 * 4)


@pytest.mark.parametrize("config", [None, "{", "{}", '{"model_max_length": 1e30}', "[]"])
def test_without_a_limit_of_its_own_it_is_clips(
    tmp_path: Path, settings: Any, config: str | None
) -> None:
    shutil.copytree(BUILTIN_FOLDER / "tokenizer", tmp_path / "tokenizer")
    path = tmp_path / "tokenizer" / "tokenizer_config.json"
    path.unlink()
    if config is not None:
        path.write_text(config)
    settings.BASE_MODEL = str(tmp_path)
    assert counter().limit == LIMIT


def test_files_that_are_not_there_are_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer").mkdir()
    assert tokenizer_folder(str(tmp_path)) is None
    assert tokenizer_folder("somebody/some-model") is None
    assert tokenizer_folder("not a / repository at all") is None
    assert tokenizer_folder(str(tmp_path / "missing.safetensors")) is None


def test_damaged_files_are_no_tokenizer(tmp_path: Path, settings: Any) -> None:
    shutil.copytree(BUILTIN_FOLDER / "tokenizer", tmp_path / "tokenizer")
    (tmp_path / "tokenizer" / "vocab.json").write_text("{")
    settings.BASE_MODEL = str(tmp_path)
    assert token_counter() is None
    assert not counter().is_exact


def test_what_was_downloaded_before_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def cached(repository: str, name: str) -> str:
        asked.append((repository, name))
        return str(BUILTIN_FOLDER / "tokenizer" / "vocab.json")

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", cached)
    folder = BUILTIN_FOLDER / "tokenizer"
    assert tokenizer_folder("somebody/some-model") == folder
    assert tokenizer_folder(str(tmp_path / "model.safetensors")) == folder
    assert asked == [("somebody/some-model", "tokenizer/vocab.json"), (CLIP, "vocab.json")]

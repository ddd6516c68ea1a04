"""The tokenizer: every word of our prompts is one token, and any text works."""

from pathlib import Path

import pytest

from generation.builtin.captions import vocabulary
from generation.builtin.tokenizer import byte_symbols, learn_merges, write_tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(path, vocabulary())
    return path


def test_there_are_256_different_byte_symbols() -> None:
    assert len(set(byte_symbols())) == 256


def test_merges_join_every_word() -> None:
    merges = learn_merges(["card", "cards"])
    assert ("c", "a") in merges or ("a", "r") in merges
    assert {"card</w>", "cards</w>"} <= {left + right for left, right in merges}


def test_known_words_are_single_tokens(folder: Path) -> None:
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(folder)
    for word in vocabulary():
        assert len(tokenizer(word.upper()).input_ids) == 3, word


def test_any_text_fits_into_77_tokens(folder: Path) -> None:
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(folder)
    for text in ("", "Größe 7 ♥ \u4e2d", "word " * 300):
        ids = tokenizer(text, padding="max_length", truncation=True).input_ids
        assert len(ids) == 77
        assert ids[0] == tokenizer.bos_token_id
        assert max(ids) == ids[-1] == tokenizer.eos_token_id == len(tokenizer) - 1

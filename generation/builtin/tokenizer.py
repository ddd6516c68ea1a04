"""A CLIP tokenizer whose vocabulary is our own: every word of our prompts is one token.

It is an ordinary byte-pair tokenizer with all 256 byte symbols, so any text can be tokenised;
unknown words fall apart into pieces.
"""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77


def byte_symbols() -> list[str]:
    """The 256 printable characters by which CLIP's tokenizer writes bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    extra = [chr(256 + index) for index in range(256 - len(plain))]
    return [*(chr(code) for code in plain), *extra]


def learn_merges(words: Iterable[str]) -> list[tuple[str, str]]:
    """Merge the most common pair again and again until every word is one symbol."""
    split = [[*word[:-1], word[-1] + "</w>"] for word in words if word.isalpha()]
    merges: list[tuple[str, str]] = []
    while True:
        pairs = Counter(pair for word in split for pair in pairwise(word))
        if not pairs:
            return merges
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        split = [_merge(word, best) for word in split]


def _merge(word: list[str], pair: tuple[str, str]) -> list[str]:
    result: list[str] = []
    for symbol in word:
        if result and (result[-1], symbol) == pair:
            result[-1] += symbol
        else:
            result.append(symbol)
    return result


def write_tokenizer(folder: Path, words: Iterable[str]) -> int:
    """Write the files that CLIPTokenizer loads; returns the number of tokens.

    The last two ids are the start and the end of a text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    merges = learn_merges(words)
    symbols = byte_symbols()
    tokens = [*symbols, *(symbol + "</w>" for symbol in symbols)]
    tokens += [left + right for left, right in merges]
    tokens = [*dict.fromkeys(tokens), START, END]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    lines = ["#version: 0.2", *(f"{left} {right}" for left, right in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", "utf-8")
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": LENGTH,
        "do_lower_case": True,
        "add_prefix_space": False,
        "errors": "replace",
        "bos_token": START,
        "eos_token": END,
        "pad_token": END,
        "unk_token": END,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1), "utf-8")
    special = {key: config[key] for key in ("bos_token", "eos_token", "pad_token", "unk_token")}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=1), "utf-8")
    return len(tokens)

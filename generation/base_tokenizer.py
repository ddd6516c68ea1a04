"""The base model's tokenizer as the web process may load it: without torch, without a download.

It is built as transformers builds CLIP's, from the same files; a test holds that both make the same
tokens. What it counts is told to the gallery (:mod:`gallery.token_count`).
"""

import json
import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from gallery.token_count import ENDS, LIMIT, TokenCount, TokenCounter
from generation.base_model import BUILTIN, BUILTIN_FOLDER
from generation.builtin.tokenizer import END, START

logger = logging.getLogger(__name__)
# What a model in one file is completed with (diffusers does so too): all of CLIP's are alike.
CLIP = "openai/clip-vit-large-patch14"
VOCABULARY, MERGES, CONFIG = "vocab.json", "merges.txt", "tokenizer_config.json"
_WORDS = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


def token_counter() -> TokenCounter | None:
    """Counts as BASE_MODEL does; None if its tokenizer is not on this machine, or damaged."""
    folder = tokenizer_folder(settings.BASE_MODEL or BUILTIN)
    if folder is None:
        return None
    return _counter(folder, (folder / VOCABULARY).stat().st_mtime_ns)


def tokenizer_folder(repository: str) -> Path | None:
    """Where the tokenizer's files lie: in the model's folder, or in the Hugging Face cache."""
    if repository == BUILTIN:
        return BUILTIN_FOLDER / "tokenizer"
    path = Path(repository)
    if path.is_dir():
        return _whole(path / "tokenizer")
    if path.suffix == ".safetensors":
        return _cached(CLIP, "")
    return _cached(repository, "tokenizer/")


def _cached(repository: str, prefix: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(repository, f"{prefix}{VOCABULARY}")
    except HFValidationError:
        return None
    return _whole(Path(found).parent) if isinstance(found, str) else None


def _whole(folder: Path) -> Path | None:
    return folder if all((folder / name).is_file() for name in (VOCABULARY, MERGES)) else None


@lru_cache(maxsize=2)
def _counter(folder: Path, changed_at: int) -> TokenCounter | None:
    try:
        tokenizer = _tokenizer(folder)
    except Exception:  # The library raises nothing narrower for files that it cannot read.
        logger.exception("The tokenizer in %s cannot be read", folder)
        return None
    limit = _limit(folder / CONFIG)

    def count(texts: Sequence[str]) -> list[TokenCount]:
        return [_counted(tokenizer, text, limit - ENDS) for text in texts]

    return TokenCounter(count, limit)


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import BPE

    model = BPE.from_file(
        str(folder / VOCABULARY),
        str(folder / MERGES),
        unk_token=END,
        continuing_subword_prefix="",
        end_of_word_suffix="</w>",
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.add_special_tokens([START, END])
    return tokenizer


def _limit(config: Path) -> int:
    try:
        told = json.loads(config.read_text("utf-8"))
    except (OSError, ValueError):
        return LIMIT
    limit = told.get("model_max_length") if isinstance(told, dict) else None
    # Files without a limit of their own say one of 10^30.
    return limit if isinstance(limit, int) and ENDS < limit <= 10_000 else LIMIT


def _counted(tokenizer: Any, text: str, room: int) -> TokenCount:
    encoded = tokenizer.encode(text)
    count = len(encoded.ids)
    return TokenCount(count + ENDS, encoded.offsets[room][0] if count > room else None)

"""Prompts longer than CLIP's window: cut into pieces, encoded one by one, read side by side.

The method is that of AUTOMATIC1111's web UI: every 75 tokens between their own start and end
make one block of 77 text states, and cross-attention reads all blocks at once.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch


def blocks_needed(tokenizer: Any, *texts: str) -> int:
    """How many windows the longest of these texts fills; 1 for an empty one."""
    room: int = tokenizer.model_max_length - 2
    return max(1, *(math.ceil(len(_ids(tokenizer, text)) / room) for text in texts))


def encode_blocks(pipeline: Any, texts: Sequence[str], blocks: int) -> torch.Tensor:
    """Text states (B, 77 · blocks, D) of the texts, each padded to so many blocks."""
    tokenizer, encoder = pipeline.tokenizer, pipeline.text_encoder
    room = tokenizer.model_max_length - 2
    rows = [_windows(tokenizer, text, room, blocks) for text in texts]
    ids = torch.tensor(rows, device=encoder.device).flatten(0, 1)
    states: torch.Tensor = encoder(ids)[0]
    return states.reshape(len(texts), blocks * (room + 2), -1)


def _windows(tokenizer: Any, text: str, room: int, blocks: int) -> list[list[int]]:
    ids = _ids(tokenizer, text)
    windows = []
    for number in range(blocks):
        piece = ids[number * room : (number + 1) * room]
        window = [tokenizer.bos_token_id, *piece, tokenizer.eos_token_id]
        windows.append(window + [tokenizer.pad_token_id] * (room - len(piece)))
    return windows


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)[
        "input_ids"
    ]
    return ids

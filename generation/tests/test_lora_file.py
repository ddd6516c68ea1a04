import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation.lora_file import LoraFileError, LoraInfo, read_lora
from generation.tests.tiny_model import save_tiny_lora

DOWN = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"


def save(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + data)
    return path


def tensor(shape: list[int], start: int, dtype: str = "F32", size: int = 4) -> dict[str, Any]:
    count = 1
    for side in shape:
        count *= side
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, start + count * size]}


def kohya(path: Path, metadata: dict[str, str], width: int = 768) -> Path:
    """A LoRA of one layer in kohya's layout, rank 8, alpha 4."""
    header = {
        "__metadata__": metadata,
        f"{DOWN}.lora_down.weight": tensor([8, width], 0, "F16", 2),
        f"{DOWN}.lora_up.weight": tensor([320, 8], 16 * width, "F16", 2),
        f"{DOWN}.alpha": tensor([], 16 * width + 5120, "F32", 4),
    }
    return save(path, header, b"\0" * (16 * width + 5120) + struct.pack("<f", 4.0))


def test_it_reads_kohyas_metadata(tmp_path: Path) -> None:
    metadata = {
        "ss_output_name": "night_deck",
        "ss_network_dim": "8",
        "ss_base_model_version": "sd_v1",
        "ss_steps": "1500",
        "ss_learning_rate": "0.0001",
        "ss_tag_frequency": json.dumps(
            {"10_deck": {"nightdeck": 50, "card": 30}, "x": {"card": 9}}
        ),
        "modelspec.trigger_phrase": "nightdeck, moonlit",
    }
    info = read_lora(kohya(tmp_path / "a.safetensors", metadata))
    assert info == LoraInfo(
        rank=8,
        alpha=4.0,
        layers=1,
        targets=("unet to_k",),
        architecture="sd15",
        title="night_deck",
        trigger_words=("nightdeck", "moonlit"),
        tag_counts=(("nightdeck", 50), ("card", 39)),
        trained_with={"steps": "1500", "learning rate": "0.0001"},
    )
    json.dumps(info.as_json())


@pytest.mark.parametrize(
    ("width", "architecture"), [(128, "builtin"), (768, "sd15"), (1024, "sd2"), (2048, "sdxl")]
)
def test_the_width_of_the_text_states_tells_the_base_model(
    tmp_path: Path, width: int, architecture: str
) -> None:
    # The tensors are the truth; what the metadata says may be wrong.
    path = kohya(tmp_path / "a.safetensors", {"ss_base_model_version": "sdxl_base_v1-0"}, width)
    assert read_lora(path).architecture == architecture


def test_it_reads_the_layout_of_diffusers_and_peft(tmp_path: Path) -> None:
    info = read_lora(save_tiny_lora(tmp_path / "a.safetensors", rank=3))
    assert (info.rank, info.alpha, info.layers) == (3, None, 6)
    assert info.targets == ("unet to_k", "unet to_q", "unet to_v")


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ({}, "no LoRA layers"),
        ({"a.hada_w1_a": tensor([1], 0)}, "LoHa"),
        ({"model.diffusion_model.x": tensor([1], 0)}, "whole model"),
        ({f"{DOWN}.lora_down.weight": tensor([1, 1], 0)}, "no LoRA layers"),
        ([], "table of tensors"),
        ({"__metadata__": []}, "no LoRA layers"),
        ({"__metadata__": "x"}, "metadata"),
        ({"a": 3}, "'a' is damaged"),
        ({"a": {"dtype": "F32"}}, "'a' is damaged"),
        ({"a": tensor([1], 0, "X9")}, "'a' is damaged"),
        ({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, "'a' is damaged"),
        ({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, "'a' is damaged"),
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, "shorter than"),
        ({"a": tensor([1000], 0)}, "shorter than"),
        ({"a": tensor([1], 0), "b": tensor([1], 0)}, "overlap"),
        (b"{", "header cannot be read"),
        (b"\xff\xfe", "header cannot be read"),
        (b"[" * 100_000, "header cannot be read"),
    ],
)
def test_it_says_what_is_wrong_with_a_file(tmp_path: Path, header: Any, word: str) -> None:
    with pytest.raises(LoraFileError, match=word):
        read_lora(save(tmp_path / "a.safetensors", header, b"\0" * 4))


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 10**9, 100])
def test_a_header_longer_than_the_file_is_not_read(tmp_path: Path, length: int) -> None:
    with pytest.raises(LoraFileError, match="does not start like"):
        read_lora(save(tmp_path / "a.safetensors", {}, length=length))


@pytest.mark.parametrize("data", [b"", b"1234567"])
def test_a_file_that_is_too_short_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(LoraFileError, match="too short"):
        read_lora(tmp_path / "a.safetensors")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_damage_is_a_sentence_or_still_a_lora(tmp_path: Path, data: bytes, at: int) -> None:
    whole = kohya(tmp_path / "whole.safetensors", {"a": "b"}).read_bytes()
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(whole[:at] + data + whole[at + len(data) :])
    try:
        read_lora(damaged)
    except LoraFileError as error:
        assert str(error).endswith(".")  # noqa: PT017

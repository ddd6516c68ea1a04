"""Reading a LoRA's safetensors header: what it says of itself, without loading a tensor.

The format is https://github.com/huggingface/safetensors#format: eight bytes (little-endian) that
say how long the JSON header is, the header, then the tensors' bytes. Metadata keys are those of
kohya's sd-scripts (``ss_*``) and of https://github.com/Stability-AI/ModelSpec (``modelspec.*``).
"""

import json
import math
import re
import struct
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

MAX_HEADER_BYTES = 32 * 1024 * 1024
DTYPE_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4,
    "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
DOWN = re.compile(r"\.(lora_down|lora_A|lora\.down)(\.[^.]+)?\.weight$")
UP = re.compile(r"\.(lora_up|lora_B|lora\.up)(\.[^.]+)?\.weight$")
OTHER_KINDS = {"hada_": "LoHa", "lokr_": "LoKr", "oft_": "OFT"}
WIDTHS = {128: "builtin", 768: "sd15", 1024: "sd2", 2048: "sdxl"}
"""Width of the text states that cross-attention reads, by architecture."""


class LoraFileError(ValueError):
    """The file is not a LoRA that can be used; the text is a sentence for the person."""


@dataclass(frozen=True)
class LoraInfo:
    """What a LoRA's header says.

    rank: of most layers; alpha: the scale's numerator, None where the file does not say;
    targets: names of the adapted parts; architecture: builtin, sd15, sd2, sdxl or "" if unknown;
    tag_counts: training tags by how often they stood in captions, most common first.
    """

    rank: int
    alpha: float | None
    layers: int
    targets: tuple[str, ...]
    architecture: str
    title: str = ""
    trigger_words: tuple[str, ...] = ()
    tag_counts: tuple[tuple[str, int], ...] = ()
    trained_with: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _Tensor:
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_lora(path: Path) -> LoraInfo:
    """Read and check the header of the LoRA at `path`; raises LoraFileError."""
    with path.open("rb") as file:
        metadata, tensors, data_start = read_header(file, path.stat().st_size)
        alphas = [
            _scalar(file, data_start, tensor)
            for name, tensor in tensors.items()
            if name.endswith(".alpha")
        ]
    downs = {name: tensor for name, tensor in tensors.items() if DOWN.search(name)}
    if not downs or not any(UP.search(name) for name in tensors):
        raise LoraFileError(_not_a_lora(tensors))
    ranks = Counter(tensor.shape[0] for tensor in downs.values() if tensor.shape)
    if not ranks:
        raise LoraFileError("The LoRA's layers have no shape; the file is damaged.")
    known = [alpha for alpha in alphas if alpha is not None]
    return LoraInfo(
        rank=ranks.most_common(1)[0][0],
        alpha=known[0] if known else _decimal(metadata.get("ss_network_alpha")),
        layers=len(downs),
        targets=_targets(downs),
        architecture=_architecture(metadata, downs),
        title=_short(metadata.get("modelspec.title") or metadata.get("ss_output_name")),
        trigger_words=_trigger_words(metadata),
        tag_counts=_tag_counts(metadata),
        trained_with=_trained_with(metadata),
    )


def read_header(file: BinaryIO, size: int) -> tuple[dict[str, str], dict[str, _Tensor], int]:
    """Metadata, tensors by name, and where the tensors' bytes begin; raises LoraFileError."""
    start = file.read(8)
    if len(start) < 8:
        raise LoraFileError("The file is too short to be a safetensors file.")
    (length,) = struct.unpack("<Q", start)
    if length > MAX_HEADER_BYTES or length > size - 8:
        raise LoraFileError(
            "The file does not start like a safetensors file; .ckpt and .pt files can run code "
            "and are not taken."
        )
    try:
        header = json.loads(file.read(length).decode("utf-8"))
    except (ValueError, RecursionError):
        raise LoraFileError("The file's header cannot be read; it is damaged.") from None
    if not isinstance(header, dict):
        raise LoraFileError("The file's header is not a table of tensors.")
    metadata = header.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict):
        raise LoraFileError("The file's metadata is not a table of texts.")
    room = size - 8 - length
    tensors = {str(name): _tensor(str(name), entry, room) for name, entry in header.items()}
    if sum(tensor.end - tensor.start for tensor in tensors.values()) > room:
        raise LoraFileError("The file's tensors overlap; it is damaged.")
    texts = {str(key): value for key, value in metadata.items() if isinstance(value, str)}
    return texts, tensors, 8 + length


def _tensor(name: str, entry: Any, room: int) -> _Tensor:
    damaged = LoraFileError(f"The header's entry {name[:80]!r} is damaged.")
    if not isinstance(entry, dict):
        raise damaged
    dtype = entry.get("dtype")
    if not isinstance(dtype, str) or dtype not in DTYPE_BYTES:
        raise damaged
    shape, offsets = _whole_numbers(entry.get("shape")), _whole_numbers(entry.get("data_offsets"))
    if shape is None or offsets is None or len(offsets) != 2:
        raise damaged
    start, end = offsets
    if not start <= end <= room or end - start != math.prod(shape) * DTYPE_BYTES[dtype]:
        raise LoraFileError("The file is shorter than its header says; download it again.")
    return _Tensor(dtype, tuple(shape), start, end)


def _whole_numbers(value: Any) -> list[int] | None:
    """The value if it is a list of numbers from 0 up, else None."""
    if not isinstance(value, list):
        return None
    fits = all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in value)
    return value if fits else None


def _scalar(file: BinaryIO, data_start: int, tensor: _Tensor) -> float | None:
    formats = {"F16": "<e", "F32": "<f", "F64": "<d", "I32": "<i", "I64": "<q"}
    if math.prod(tensor.shape) != 1:
        return None
    file.seek(data_start + tensor.start)
    raw = file.read(tensor.end - tensor.start)
    if tensor.dtype == "BF16":
        value = struct.unpack("<f", b"\0\0" + raw)[0]
    elif tensor.dtype in formats:
        value = struct.unpack(formats[tensor.dtype], raw)[0]
    else:
        return None
    return float(value) if math.isfinite(value) else None


def _not_a_lora(tensors: dict[str, _Tensor]) -> str:
    for mark, kind in OTHER_KINDS.items():
        if any(mark in name for name in tensors):
            return f"This is a {kind} file, not a LoRA; it cannot be used."
    if any(name.startswith("model.diffusion_model.") for name in tensors):
        return "This is a whole model, not a LoRA; set BASE_MODEL to its path to draw with it."
    return "The file holds no LoRA layers."


def _targets(downs: dict[str, _Tensor]) -> tuple[str, ...]:
    """Names of the adapted layers without their place, for example to_q, ff_net_0_proj."""
    names = set()
    for name in downs:
        layer = DOWN.sub("", name).replace(".", "_")
        part = "text encoder" if layer.startswith(("lora_te", "text_encoder")) else "unet"
        match = re.search(
            r"(to_[qkv]|to_out|ff_net_\d+(?:_proj)?|proj_in|proj_out|conv\w*|[qkv]_proj|out_proj"
            r"|mlp_fc\d|time_emb_proj|\w+_sampler\w*|\w+samplers\w*)(?:_\d+)?$",
            layer,
        )
        names.add(f"{part} {match.group(1)}" if match else part)
    return tuple(sorted(names))


def _architecture(metadata: dict[str, str], downs: dict[str, _Tensor]) -> str:
    for name, tensor in downs.items():
        if re.search(r"attn2[._]to_k", name) and len(tensor.shape) >= 2:
            return WIDTHS.get(tensor.shape[1], "")
    said = (
        metadata.get("modelspec.architecture", "") + " " + metadata.get("ss_base_model_version", "")
    ).lower()
    for mark, architecture in (
        ("xl", "sdxl"), ("v2", "sd2"), ("sd_v1", "sd15"), ("v1", "sd15"),
    ):  # fmt: skip
        if mark in said:
            return architecture
    return ""


def _trigger_words(metadata: dict[str, str]) -> tuple[str, ...]:
    phrase = metadata.get("modelspec.trigger_phrase", "")
    return tuple(_short(word) for word in phrase.split(",") if word.strip())[:20]


def _tag_counts(metadata: dict[str, str]) -> tuple[tuple[str, int], ...]:
    """kohya's ss_tag_frequency, {folder: {tag: count}}, summed over folders."""
    try:
        folders = json.loads(metadata.get("ss_tag_frequency", "{}"))
    except (ValueError, RecursionError):
        return ()
    counts: Counter[str] = Counter()
    for tags in folders.values() if isinstance(folders, dict) else ():
        for tag, count in tags.items() if isinstance(tags, dict) else ():
            if isinstance(count, int) and not isinstance(count, bool):
                counts[_short(tag)] += count
    return tuple(counts.most_common(50))


def _trained_with(metadata: dict[str, str]) -> dict[str, str]:
    wanted = {
        "ss_sd_model_name": "base model", "ss_steps": "steps", "ss_max_train_steps": "steps",
        "ss_learning_rate": "learning rate", "ss_num_train_images": "pictures",
        "ss_resolution": "resolution", "ss_num_epochs": "epochs", "ss_optimizer": "optimizer",
        "ss_seed": "seed", "modelspec.author": "author", "modelspec.date": "date",
        "modelspec.license": "license", "modelspec.description": "description",
    }  # fmt: skip
    return {
        label: _short(metadata[key], 500)
        for key, label in reversed(wanted.items())
        if metadata.get(key) not in (None, "", "None")
    }


def _short(value: object, length: int = 100) -> str:
    printable = "".join(character for character in str(value or "") if character.isprintable())
    return printable.strip()[:length]


def _decimal(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None

"""Drawing pictures with diffusers. Knows no database: paths and numbers in, pictures out.

One pipeline stays loaded in the process; LoRA adapters are swapped in place. A seed gives the
same picture on the same machine, whatever is drawn beside it, up to the rounding of the last bit
(measured: at most 1 of 255 in a few values, since a larger batch sums in another order); at equal
batch size it is bit-identical. Noise comes from the CPU's generator, so that the same seed starts
from the same noise on every device.
"""

import ctypes
import gc
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image
from safetensors import safe_open

from generation.long_prompts import blocks_needed, encode_blocks
from generation.parameters import SCHEDULERS, Adapter, Settings, Wanted

logger = logging.getLogger(__name__)
# diffusers warns at every LoRA without text encoder layers, which is most of them.
diffusers.utils.logging.set_verbosity_error()
diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()
Report = Callable[[int, int, str], None]

KEPT_ADAPTERS = 4
"""Adapters that stay loaded beside the ones in use."""
CPU_PIXELS_AT_ONCE = 12 * 64 * 96
CUDA_BYTES_A_PIXEL = 4096
"""Room that one pixel of one picture takes on a GPU while it is drawn, generously."""
MOST_AT_ONCE = 12


class DrawingError(Exception):
    """The picture cannot be drawn; the text is a sentence for an admin."""


class ModelLoadError(DrawingError):
    """The base model cannot be loaded."""


class AdapterError(DrawingError):
    """A LoRA does not fit the base model, or its file is damaged."""


class OutOfMemoryError(DrawingError):
    """The picture is too large for the machine."""


@dataclass
class Loaded:
    """The pipeline that stays, and what was changed about it."""

    key: tuple[str, str, int]
    pipeline: Any
    scheduler_config: Any
    adapters: list[str] = field(default_factory=list)


_loaded: Loaded | None = None


def draw(
    source: str,
    pictures: Sequence[Wanted],
    settings: Settings,
    adapters: Sequence[Adapter] = (),
    *,
    device: str = "auto",
    report: Report = lambda step, total, message: None,
) -> list[Image.Image | None]:
    """Draw the pictures together; None where the model returned numbers that are none.

    source: diffusers folder, .safetensors file or Hugging Face id. adapters: at weight 0 they are
    left out, so the picture is the base model's bit for bit. report(step, total, message) is
    called before every file that is loaded and every denoising step; what it raises stops the
    drawing and passes through. Raises DrawingError.
    """
    loaded = load(source, device, report)
    with sentences(settings), torch.inference_mode():
        _apply(loaded, adapters, report)
        _set_scheduler(loaded, settings.scheduler)
        blocks = [_blocks(loaded.pipeline, wanted) for wanted in pictures]
        order = sorted(range(len(pictures)), key=lambda index: blocks[index])
        groups = [list(group) for _, group in groupby(order, key=lambda index: blocks[index])]
        drawn: dict[int, Image.Image | None] = {}
        for number, group in enumerate(groups):
            arrays = _forward(
                loaded.pipeline,
                [pictures[index] for index in group],
                blocks[group[0]],
                settings,
                _steps_of(report, number, len(groups), settings.steps),
            )
            drawn.update(zip(group, map(_to_picture, arrays), strict=True))
    return [drawn[index] for index in range(len(pictures))]


def batch_size(width: int, height: int, device: str = "auto") -> int:
    """How many pictures of this size are drawn fastest together without risking the memory."""
    where = resolve_device(device)
    if where.type == "cuda":
        free, _ = torch.cuda.mem_get_info(where)
        return max(1, min(MOST_AT_ONCE, free // (width * height * CUDA_BYTES_A_PIXEL)))
    return max(1, min(MOST_AT_ONCE, CPU_PIXELS_AT_ONCE // (width * height)))


def load(source: str, device: str = "auto", report: Report | None = None) -> Loaded:
    """The pipeline of this model, from memory if it is the one that is loaded."""
    global _loaded
    where = resolve_device(device)
    key = (source, str(where), _changed_at(source))
    if _loaded is not None and _loaded.key == key:
        return _loaded
    if report is not None:
        report(0, 0, "Loading the model")
    release()
    pipeline = _read(source, torch.float16 if where.type == "cuda" else torch.float32)
    try:
        pipeline.to(where)
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"The model {source} does not fit into the memory of {where}."
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    _loaded = Loaded(key, pipeline, dict(pipeline.scheduler.config))
    return _loaded


def release() -> None:
    """Forget the pipeline and give its memory back, to the system and to the GPU."""
    global _loaded
    _loaded = None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        except (OSError, AttributeError):
            logger.debug("This C library cannot give memory back at once.")


def resolve_device(device: str) -> torch.device:
    """auto: CUDA, else Apple's MPS, else the CPU; anything else as torch names it."""
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ModelLoadError(f"DEVICE is {device!r}; write auto, cpu, cuda or mps.") from error


def _changed_at(source: str) -> int:
    path = Path(source)
    index = path / "model_index.json" if path.is_dir() else path
    return index.stat().st_mtime_ns if index.is_file() else 0


def _read(source: str, dtype: torch.dtype) -> Any:
    path = Path(source)
    options: dict[str, Any] = {"dtype": dtype}
    try:
        if path.suffix == ".safetensors":
            return _read_single_file(path, options)
        if path.is_absolute() and not (path / "model_index.json").is_file():
            raise ModelLoadError(f"There is no diffusers model at {source}; check BASE_MODEL.")
        # Pickled weights can run code, so only safetensors are read. Ratings are people's
        # business here, not the safety checker's, which returns black pictures.
        return diffusers.AutoPipelineForText2Image.from_pretrained(
            source, use_safetensors=True, safety_checker=None, **options
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelLoadError(
            f"The model {source} cannot be loaded ({_first_line(error)}). Check BASE_MODEL, the "
            "disk and, for a Hugging Face repository, the network."
        ) from error


def _read_single_file(path: Path, options: dict[str, Any]) -> Any:
    """A checkpoint in the original layout; a folder of its name beside it may hold the configs."""
    if not path.is_file():
        raise ModelLoadError(f"There is no file {path}; check BASE_MODEL.")
    with safe_open(path, framework="pt") as weights:
        is_sdxl = any(key.startswith("conditioner.embedders.1.") for key in weights.keys())  # noqa: SIM118
    name = "StableDiffusionXLPipeline" if is_sdxl else "StableDiffusionPipeline"
    configs = path.with_suffix("")
    if (configs / "model_index.json").is_file():
        options = {**options, "config": str(configs)}
    return getattr(diffusers, name).from_single_file(str(path), safety_checker=None, **options)


def _apply(loaded: Loaded, adapters: Sequence[Adapter], report: Report) -> None:
    """Make these LoRAs, and no others, take part."""
    wanted = [adapter for adapter in adapters if adapter.weight != 0]
    pipeline = loaded.pipeline
    if not wanted:
        if loaded.adapters:
            pipeline.disable_lora()
        return
    for adapter in wanted:
        if adapter.name not in loaded.adapters:
            report(0, 0, f"Loading the LoRA {adapter.path.stem}")
            _load_adapter(loaded, adapter)
    names = [adapter.name for adapter in wanted]
    loaded.adapters = [name for name in loaded.adapters if name not in names] + names
    surplus = loaded.adapters[: max(0, len(loaded.adapters) - max(KEPT_ADAPTERS, len(names)))]
    pipeline.enable_lora()
    pipeline.set_adapters(names, adapter_weights=[adapter.weight for adapter in wanted])
    if surplus:
        pipeline.delete_adapters(surplus)
        loaded.adapters = loaded.adapters[len(surplus) :]


def _load_adapter(loaded: Loaded, adapter: Adapter) -> None:
    pipeline = loaded.pipeline
    try:
        pipeline.load_lora_weights(
            str(adapter.path.parent),
            weight_name=adapter.path.name,
            adapter_name=adapter.name,
            local_files_only=True,
            use_safetensors=True,
        )
        if not any(adapter.name in names for names in pipeline.get_list_adapters().values()):
            raise ValueError("none of its layers is in the model")
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        # A half-loaded adapter must not take part in the next picture.
        pipeline.unload_lora_weights()
        loaded.adapters.clear()
        raise AdapterError(
            f"The LoRA {adapter.path.stem} does not fit this base model ({_first_line(error)})."
        ) from error
    loaded.adapters.append(adapter.name)


def _set_scheduler(loaded: Loaded, name: str) -> None:
    known = SCHEDULERS[name]
    kind = getattr(diffusers, known.diffusers_class)
    loaded.pipeline.scheduler = kind.from_config(loaded.scheduler_config, **known.options)


def _blocks(pipeline: Any, wanted: Wanted) -> int:
    # Models with two text encoders pool their states, which cannot be laid side by side.
    if getattr(pipeline, "text_encoder_2", None) is not None:
        return 1
    return blocks_needed(pipeline.tokenizer, wanted.prompt, wanted.negative_prompt)


def _forward(
    pipeline: Any,
    pictures: Sequence[Wanted],
    blocks: int,
    settings: Settings,
    on_step: Callable[[int], None],
) -> np.ndarray[Any, Any]:
    """Pictures (B, height, width, 3) as floats in 0..1."""
    prompts = [wanted.prompt for wanted in pictures]
    negatives = [wanted.negative_prompt for wanted in pictures]
    words: dict[str, Any] = {"prompt": prompts, "negative_prompt": negatives}
    if blocks > 1:
        words = {
            "prompt_embeds": encode_blocks(pipeline, prompts, blocks),
            "negative_prompt_embeds": encode_blocks(pipeline, negatives, blocks),
        }

    def after_step(
        _: Any, step: int, timestep: torch.Tensor, tensors: dict[str, Any]
    ) -> dict[str, Any]:
        on_step(step + 1)
        return tensors

    on_step(0)
    images: np.ndarray[Any, Any] = pipeline(
        **words,
        num_inference_steps=settings.steps,
        guidance_scale=settings.guidance_scale,
        width=settings.width,
        height=settings.height,
        generator=[torch.Generator("cpu").manual_seed(wanted.seed) for wanted in pictures],
        callback_on_step_end=after_step,
        output_type="np",
    ).images
    return images


def _steps_of(report: Report, group: int, groups: int, steps: int) -> Callable[[int], None]:
    """Report a group's steps as part of the whole."""

    def on_step(step: int) -> None:
        message = f"step {min(step + 1, steps)} of {steps}"
        report(group * steps + step, groups * steps, message)

    return on_step


def _to_picture(array: np.ndarray[Any, Any]) -> Image.Image | None:
    if not np.isfinite(array).all():
        return None
    return Image.fromarray((array * 255).round().astype("uint8"))


@contextmanager
def sentences(settings: Settings) -> Iterator[None]:
    """Turn the ways in which torch runs out of memory into one sentence."""
    try:
        yield
    except RuntimeError as error:
        text = str(error).lower()
        if not isinstance(error, torch.OutOfMemoryError) and not any(
            mark in text for mark in ("out of memory", "can't allocate memory", "alloc_cpu")
        ):
            raise
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise OutOfMemoryError(
            f"The memory does not suffice for {settings.width} × {settings.height} px. "
            "Choose a smaller size."
        ) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".")

"""Rows for tests."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from PIL import Image as PillowImage

from generation.models import BatchTemplate, GenerationRun, ModelVersion
from generation.parameters import Adapter, Settings, Wanted
from generation.runs import create_batch_run, create_single_run

SMALL = {"width": 64, "height": 64, "steps": 2, "guidance_scale": 2.0}


def make_template(**values: Any) -> BatchTemplate:
    values = {
        "name": "Suits",
        "slug": "suits",
        "csv": "name,suit\nAce,hearts\nTwo,spades\nThree,clubs\n",
        "base_prompt": "playing card",
        "prompt_template": "{name} of {suit}",
        "style_suffix": "clean print",
        "example_theme": "red ink",
        "negative_prompt": "blurry",
        "width": 64,
        "height": 64,
    } | values
    return BatchTemplate.objects.create(**values)


def make_lora(name: str = "inks", **values: Any) -> ModelVersion:
    values = {"type": ModelVersion.Type.LORA, "file": f"lora/{name}.safetensors"} | values
    return ModelVersion.objects.create(name=name, **values)


def make_batch(template: BatchTemplate | None = None, **values: Any) -> GenerationRun:
    values = {"album_name": "My deck", "theme": "red ink", **SMALL, "seed": 7} | values
    return create_batch_run(template or make_template(), values)


def make_single(**values: Any) -> GenerationRun:
    return create_single_run({"prompt": "red card", **SMALL, "seed": 7} | values)


def make_admin(username: str = "ada") -> User:
    return User.objects.create_user(username, f"{username}@example.org", "pass", is_staff=True,
                                    is_superuser=True)  # fmt: skip


class FakeEngine:
    """Stands where torch would be: draws flat pictures whose colour is the seed's, or fails.

    failing: seeds whose picture cannot be drawn; before: called with every group.
    """

    class ModelLoadError(Exception):
        pass

    class AdapterError(Exception):
        pass

    def __init__(self, size: int = 2, failing: Sequence[int] = (), before: Any = None) -> None:
        self.size = size
        self.failing = set(failing)
        self.before = before
        self.drawn: list[int] = []
        self.adapters: Sequence[Adapter] = ()

    def batch_size(self, width: int, height: int, device: str) -> int:
        return self.size

    def draw(
        self,
        source: str,
        pictures: Sequence[Wanted],
        settings: Settings,
        adapters: Sequence[Adapter] = (),
        *,
        device: str = "auto",
        report: Any = None,
    ) -> list[PillowImage.Image | None]:
        self.adapters = adapters
        report(0, settings.steps, "step 1")
        if self.before:
            self.before(pictures)
        if self.failing & {wanted.seed for wanted in pictures}:
            raise RuntimeError("the tensors do not fit")
        self.drawn += [wanted.seed for wanted in pictures]
        size = (settings.width, settings.height)
        return [
            PillowImage.linear_gradient("L")
            .resize(size)
            .convert("RGB")
            .point(lambda value, seed=wanted.seed: (value + seed * 40) % 256)
            for wanted in pictures
        ]

"""LoRA files: taking them in, finding them safely, and choosing them for a picture."""

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet
from django.utils.text import slugify

from generation.base_model import BUILTIN, defaults_of
from generation.lora_file import LoraFileError, read_lora
from generation.models import ModelVersion
from generation.parameters import Adapter, LoraWeight
from imagineer.problems import Problem, invalid

FOLDER = "lora"
HASHED_AT_ONCE = 4 * 1024 * 1024
Check = Callable[[], None]
"""Called while a file is read; what it raises stops that and passes."""


def _go_on() -> None:
    """The check of callers whom nobody can stop."""


def register_lora(
    source: Path,
    *,
    name: str,
    base_model: ModelVersion | None = None,
    trigger_words: Sequence[str] = (),
    default_weight: float | None = None,
    description: str = "",
    is_public: bool = True,
    metadata: dict[str, Any] | None = None,
    metrics: dict[str, Any] | None = None,
) -> ModelVersion:
    """Copy a LoRA's .safetensors below MODELS_DIR and write its row, as the name's next version.

    The same bytes under the same name give the row that is there. The file is complete before the
    row is committed. Raises LoraFileError for a file that is not a LoRA.
    """
    info = read_lora(source)
    digest = sha256_of(source)
    known = ModelVersion.objects.filter(
        type=ModelVersion.Type.LORA, name=name, sha256=digest
    ).first()
    if known is not None:
        return known
    architecture = info.architecture or (base_model.architecture if base_model else "")
    if default_weight is None:
        default_weight = _default_weight(base_model, architecture)
    fields = {
        "architecture": architecture,
        "sha256": digest,
        "base_model": base_model,
        "trigger_words": list(trigger_words or info.trigger_words),
        "default_weight": default_weight,
        "description": description,
        "is_public": is_public,
        "metadata": {**info.as_json(), **(metadata or {})},
        "metrics": metrics or {},
    }
    while True:
        try:
            return _store(source, name, fields)
        except IntegrityError:
            # Another process took the number in this moment; the next one is free.
            if not ModelVersion.objects.filter(type=ModelVersion.Type.LORA, name=name).exists():
                raise


def _store(source: Path, name: str, fields: dict[str, Any]) -> ModelVersion:
    newest = ModelVersion.objects.filter(type=ModelVersion.Type.LORA, name=name).aggregate(
        newest=Max("version")
    )["newest"]
    version = (newest or 0) + 1
    # The name's digest keeps apart what slugs to the same text.
    stem = slugify(name)[:80] or hashlib.sha256(name.encode()).hexdigest()[:12]
    relative = f"{FOLDER}/{stem}-{version}-{fields['sha256'][:8]}.safetensors"
    target = Path(settings.MODELS_DIR) / relative
    _copy(source, target)
    with transaction.atomic():
        return ModelVersion.objects.create(
            type=ModelVersion.Type.LORA, name=name, version=version, file=relative, **fields
        )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and source.resolve() == target.resolve():
        return
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with source.open("rb") as reading, temporary.open("wb") as writing:
            shutil.copyfileobj(reading, writing)
            writing.flush()
            os.fsync(writing.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _default_weight(base_model: ModelVersion | None, architecture: str) -> float:
    if base_model is not None:
        return defaults_of(base_model).lora_weight
    if architecture == BUILTIN:
        return 1.0
    return float(settings.GENERATION_DEFAULTS.get(architecture, {}).get("lora_weight", 0.6))


@contextmanager
def on_disk(uploaded: "UploadedFile[bytes]") -> Iterator[Path]:
    """The uploaded file under a path; small uploads live in memory and are written out."""
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        for chunk in uploaded.chunks():
            file.write(chunk)
        file.flush()
        yield Path(file.name)


def delete_lora(version: ModelVersion) -> None:
    """Delete the row, then its file; raises ProtectedError where a picture or run needs it."""
    name = version.file
    version.delete()
    folder = Path(settings.MODELS_DIR).resolve()
    path = (folder / name).resolve()
    shared = ModelVersion.objects.filter(file=name).exists()
    if name and not shared and path.is_relative_to(folder) and path.suffix == ".safetensors":
        transaction.on_commit(lambda: path.unlink(missing_ok=True))


def sha256_of(path: Path, check: Check = _go_on) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(HASHED_AT_ONCE):
            digest.update(part)
            check()
    return digest.hexdigest()


def lora_path(version: ModelVersion) -> Path:
    """Where the LoRA's file is; raises LoraFileError unless it is a file below MODELS_DIR."""
    folder = Path(settings.MODELS_DIR).resolve()
    path = (folder / version.file).resolve()
    if not version.file or path.suffix != ".safetensors" or not path.is_relative_to(folder):
        raise LoraFileError(f"The LoRA {version} has no .safetensors file in the models folder.")
    if not path.is_file():
        raise LoraFileError(f"The file of the LoRA {version} is missing: {version.file}.")
    return path


_verified: dict[tuple[str, int, int], str] = {}


def verified_lora_path(version: ModelVersion, check: Check = _go_on) -> Path:
    """As lora_path, and the bytes are those that were registered; raises LoraFileError.

    A file of gigabytes takes seconds, once.
    """
    path = lora_path(version)
    status = path.stat()
    key = (str(path), status.st_mtime_ns, status.st_size)
    if key not in _verified:
        _verified[key] = sha256_of(path, check)
    if not version.sha256 or _verified[key] != version.sha256:
        raise LoraFileError(
            f"The file of the LoRA {version} is not the one that was registered "
            "(its SHA-256 differs). Import it again."
        )
    return path


def adapters_for(weights: Sequence[LoraWeight], check: Check = _go_on) -> list[Adapter]:
    """The files to apply, in order; those at weight 0 are left out. Raises LoraFileError."""
    versions = ModelVersion.objects.filter(type=ModelVersion.Type.LORA).in_bulk(
        [lora.model for lora in weights]
    )
    files = []
    for lora in weights:
        version = versions.get(lora.model)
        if version is None:
            raise LoraFileError(f"The LoRA with the id {lora.model} was deleted.")
        if lora.weight != 0:
            path = verified_lora_path(version, check)
            files.append(Adapter(adapter_name(version), path, lora.weight))
    return files


def adapter_name(version: ModelVersion) -> str:
    """A name that peft takes (no dots) and that changes with the bytes."""
    return f"lora_{version.pk}_{version.sha256[:12]}"


def loras_for(base_model: ModelVersion) -> QuerySet[ModelVersion]:
    """Active LoRAs that fit this base model, or do not say what they fit."""
    return ModelVersion.objects.filter(
        Q(base_model=base_model) | Q(architecture__in=["", base_model.architecture]),
        type=ModelVersion.Type.LORA,
        is_active=True,
    ).order_by("name", "-version")


def check_loras(weights: Sequence[LoraWeight], base_model: ModelVersion) -> None:
    """Raise Problem 422 for a LoRA that is unknown, inactive or made for another base model."""
    known = ModelVersion.objects.filter(type=ModelVersion.Type.LORA).in_bulk(
        [lora.model for lora in weights]
    )
    for index, lora in enumerate(weights):
        field = f"loras.{index}.model"
        version = known.get(lora.model)
        if version is None:
            raise invalid(field, f"There is no LoRA with the id {lora.model}.")
        if not version.is_active:
            raise invalid(field, f"The LoRA {version} is switched off.")
        if version.architecture not in ("", base_model.architecture):
            raise Problem(
                422,
                "wrong_base_model",
                f"The LoRA {version} is made for {version.architecture} models; "
                f"{base_model.name} is {base_model.architecture or 'of an unknown kind'}.",
                field,
            )


def newest_lora(name: str) -> ModelVersion | None:
    """The newest active version of the LoRA with this name."""
    return (
        ModelVersion.objects.filter(type=ModelVersion.Type.LORA, name=name, is_active=True)
        .order_by("-version")
        .first()
    )

import os
from pathlib import Path
from typing import Any

import pytest

# The models of these tests are too small for a second thread to help.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diffusers folder with random weights; draws 64 × 64 pixels in a moment."""
    from generation.tests.tiny_model import save_tiny_model

    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def tiny_model(tiny_folder: Path, settings: Any) -> Path:
    """The base model is the tiny one."""
    settings.BASE_MODEL = str(tiny_folder)
    return tiny_folder


@pytest.fixture
def models_dir(settings: Any, tmp_path: Path) -> Path:
    settings.MODELS_DIR = tmp_path / "models"
    return tmp_path / "models"


@pytest.fixture
def lora_file(tmp_path: Path) -> Path:
    """A LoRA with random weights for the tiny model."""
    from generation.tests.tiny_model import save_tiny_lora

    return save_tiny_lora(tmp_path / "inks.safetensors")

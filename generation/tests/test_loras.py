from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from generation import loras, seeding
from generation.base_model import ensure_base_model
from generation.lora_file import LoraFileError
from generation.models import BatchTemplate, ModelVersion
from generation.parameters import LoraWeight
from generation.seeding import seed_templates
from generation.tests.factories import make_lora
from generation.tests.tiny_model import save_tiny_lora

pytestmark = pytest.mark.django_db


def test_a_lora_is_copied_and_described(lora_file: Path, models_dir: Path) -> None:
    lora = loras.register_lora(lora_file, name="Night deck", trigger_words=["nightdeck"])
    assert (lora.version, lora.metadata["rank"]) == (1, 4)
    assert lora.file.startswith("lora/night-deck-1-")
    assert loras.verified_lora_path(lora).read_bytes() == lora_file.read_bytes()
    assert [path.name for path in (models_dir / "lora").iterdir()] == [Path(lora.file).name]


def test_the_same_bytes_are_the_same_lora_and_others_a_new_version(
    lora_file: Path, models_dir: Path, tmp_path: Path
) -> None:
    first = loras.register_lora(lora_file, name="inks")
    assert loras.register_lora(lora_file, name="inks") == first
    other = save_tiny_lora(tmp_path / "other.safetensors", seed=9)
    second = loras.register_lora(other, name="inks")
    assert (second.version, loras.newest_lora("inks")) == (2, second)
    assert loras.lora_path(first) != loras.lora_path(second)


def test_names_that_make_no_file_name_still_have_files(lora_file: Path, models_dir: Path) -> None:
    for name in ("夜", "../../etc", "夜 "):
        lora = loras.register_lora(lora_file, name=name)
        assert loras.lora_path(lora).is_relative_to(models_dir / "lora")


def test_it_takes_the_base_models_weight(lora_file: Path, models_dir: Path, settings: Any) -> None:
    settings.BASE_MODEL = "someone/stable-diffusion-v1-5"
    lora = loras.register_lora(lora_file, name="inks", base_model=ensure_base_model())
    assert (lora.default_weight, lora.architecture) == (0.6, "sd15")


@pytest.mark.parametrize(
    "file", ["", "../secret.safetensors", "/etc/passwd", "lora/a.ckpt", "lora/none.safetensors"]
)
def test_paths_out_of_the_models_folder_are_refused(models_dir: Path, file: str) -> None:
    models_dir.mkdir()
    (models_dir.parent / "secret.safetensors").write_bytes(b"")
    with pytest.raises(LoraFileError):
        loras.lora_path(make_lora(file=file))


def test_a_link_out_of_the_models_folder_is_refused(models_dir: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.safetensors"
    secret.write_bytes(b"")
    (models_dir / "lora").mkdir(parents=True)
    (models_dir / "lora" / "a.safetensors").symlink_to(secret)
    with pytest.raises(LoraFileError):
        loras.lora_path(make_lora(file="lora/a.safetensors"))


def test_a_file_that_was_changed_is_not_used(lora_file: Path, models_dir: Path) -> None:
    lora = loras.register_lora(lora_file, name="inks")
    loras.verified_lora_path(lora)
    path = loras.lora_path(lora)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(LoraFileError, match="SHA-256"):
        loras.verified_lora_path(lora)


def test_loras_at_weight_0_are_not_even_looked_for(models_dir: Path) -> None:
    lora = make_lora()
    assert loras.adapters_for([LoraWeight(lora.pk, 0.0)]) == []
    with pytest.raises(LoraFileError, match="missing"):
        loras.adapters_for([LoraWeight(lora.pk, 0.1)])
    with pytest.raises(LoraFileError, match="deleted"):
        loras.adapters_for([LoraWeight(lora.pk + 1, 0.1)])


def test_only_loras_that_fit_are_offered() -> None:
    fits = make_lora("fits", architecture="builtin")
    unknown = make_lora("unknown")
    make_lora("other", architecture="sdxl")
    make_lora("off", architecture="builtin", is_active=False)
    assert list(loras.loras_for(ensure_base_model())) == [fits, unknown]


def test_the_base_model_has_one_row(settings: Any) -> None:
    assert ensure_base_model() == ensure_base_model()
    settings.BASE_MODEL = "someone/sdxl-base"
    assert ensure_base_model().architecture == "sdxl"
    assert ModelVersion.objects.count() == 2


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_import_lora_says_what_it_took_in(lora_file: Path, models_dir: Path) -> None:
    words = ("--trigger", "nightdeck", "--trigger", "inky", "--weight", "0.7")
    told = run("import_lora", str(lora_file), "--name", "Inks", *words)
    lora = ModelVersion.objects.get()
    assert told.startswith("Inks v1: rank 4")
    assert (lora.trigger_words, lora.default_weight) == (["nightdeck", "inky"], 0.7)


@pytest.mark.parametrize("weight", ["3", "nan"])
def test_import_lora_refuses_a_weight_out_of_range(lora_file: Path, weight: str) -> None:
    with pytest.raises(CommandError):
        run("import_lora", str(lora_file), "--weight", weight)


def test_import_lora_says_why_not(tmp_path: Path, models_dir: Path) -> None:
    with pytest.raises(CommandError, match="no file"):
        run("import_lora", str(tmp_path / "none.safetensors"))
    (tmp_path / "bad.safetensors").write_bytes(b"not a lora at all")
    with pytest.raises(CommandError, match="does not start like"):
        run("import_lora", str(tmp_path / "bad.safetensors"))


def test_the_shipped_templates_are_seeded_once_and_complete() -> None:
    assert len(seed_templates()) == 3
    assert seed_templates() == []
    counts = {template.slug: len(template.rows) for template in BatchTemplate.objects.all()}
    assert counts == {"playing-cards": 54, "tarot": 78, "zodiac": 12}
    for template in BatchTemplate.objects.all():
        template.full_clean()
        # They take the size of the model that draws them.
        assert (template.width, template.height) == (None, None)


def test_seeding_leaves_an_admins_edits_alone_and_renews_what_was_not_touched() -> None:
    seed_templates()
    edited = BatchTemplate.objects.get(slug="zodiac")
    edited.style_suffix = "mine"
    edited.save()
    # As an older version of the project would have seeded it.
    old = BatchTemplate.objects.get(slug="tarot")
    old.base_prompt = "older words"
    values = {name: getattr(old, name) for name in seeding._FIELDS}
    old.seeded_digest = seeding._digest(values)
    old.save()
    assert [template.slug for template in seed_templates()] == ["tarot"]
    assert seed_templates() == []
    edited.refresh_from_db()
    assert edited.style_suffix == "mine"


def test_seeding_does_not_touch_an_admins_template_of_the_same_name() -> None:
    BatchTemplate.objects.create(name="Zodiac signs", csv="name\nA\n", prompt_template="{name}")
    assert len(seed_templates()) == 2


def test_the_command_says_what_it_did() -> None:
    assert "Playing cards" in run("seed_templates")
    assert run("seed_templates") == "All templates are there.\n"

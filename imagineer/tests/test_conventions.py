"""Conventions that a reader relies on, held by tests."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

ROOT = Path(settings.BASE_DIR)
HEAVY = (
    "torch",
    "diffusers",
    "transformers",
    "peft",
    "scrapy",
    "twisted",
    "anthropic",
    "onnxruntime",
)


def test_the_import_layers_hold():
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_a_web_process_loads_no_heavy_engine():
    code = (
        "import sys, django; django.setup(); import imagineer.urls;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().endswith("[]"), result.stdout


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_templates_hold_no_inline_script_or_style():
    for path in ROOT.glob("templates/**/*.html"):
        text = path.read_text()
        name = path.relative_to(ROOT)
        assert "<style" not in text, name
        assert ' style="' not in text, name
        assert not any(f' on{event}="' in text for event in ("click", "load", "change")), name
        for tag in text.split("<script")[1:]:
            head = tag.split(">", 1)[0]
            assert "src=" in head or 'type="application/json"' in head, name


def test_no_file_in_the_repository_is_over_its_size():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    weights = 0
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        size = path.stat().st_size if path.exists() else 0
        if name.startswith("generation/builtin_model/"):
            weights += size
        else:
            assert size <= 1_000_000, name
    assert weights < 12_000_000

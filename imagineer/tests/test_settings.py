"""Production settings hold, and every environment variable is documented."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
READER = re.compile(r"""env\.(?:text|flag|number|decimal|words)\(\s*["']([A-Z0-9_]+)["']""")
DIRECT = re.compile(r"""os\.(?:environ(?:\.get)?|getenv)[\[(]\s*["']([A-Z0-9_]+)["']""")
# Set by the system, Django or supervisord for what they start.
NOT_OURS = {
    "DJANGO_SETTINGS_MODULE", "PATH", "HOME", "TERM", "TMPDIR", "SUPERVISOR_PROCESS_NAME",
    "PLAYWRIGHT_BROWSERS_PATH",
}  # fmt: skip


def check_deploy(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "IMAGINEER_DATA": str(tmp_path),
        "PRODUCTION": "1",
        "DATABASE_URL": "",
        "SECRET_KEY": "",
        "ALLOWED_HOSTS": "pictures.example.org",
        "DJANGO_SETTINGS_MODULE": "imagineer.settings",
    } | variables
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_check_deploy_is_clean_in_production(tmp_path):
    key = "k3-" + "Vh7pQx2mZr9Lw4Ns8Tb6Yd1Fg5Jc0Ke" * 2
    result = check_deploy(tmp_path, SECRET_KEY=key)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_production_without_a_secret_key_stops_with_a_sentence(tmp_path):
    result = check_deploy(tmp_path)
    assert result.returncode != 0
    assert "SECRET_KEY is not set. In production, set it" in result.stderr
    assert not list(tmp_path.glob("secret_key*"))


ENTRANCES = {
    "manage.py": ["manage.py", "check"],
    "worker": ["manage.py", "worker", "default"],
    "start": ["manage.py", "start"],
    "uvicorn": ["-m", "uvicorn", "imagineer.asgi:application", "--port", "1"],
}


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_the_sentence_stands_alone(tmp_path, entrance):
    environment = {
        "PATH": os.environ["PATH"],
        "IMAGINEER_DATA": str(tmp_path),
        "PRODUCTION": "1",
        "SECRET_KEY": "",
    }
    command = [sys.executable, *ENTRANCES[entrance]]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("SECRET_KEY is not set. In production, set it")
    assert result.stdout == ""


def test_a_malformed_variable_stops_with_its_name(tmp_path):
    result = check_deploy(tmp_path, SECRET_KEY="x" * 60, PORT="eighty")
    assert "PORT is 'eighty'; write a whole number." in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "CLAUDE_PRICES",
            "claude-sonnet-5-5=2/10,x",
            "CLAUDE_PRICES: “x” is no price; write model",
        ),
        ("CLAUDE_EFFORT", "much", "CLAUDE_EFFORT is low, medium, high"),
        ("LABELERS", "labeling.labelers.NOBODY", "LABELERS names labeling.labelers.NOBODY: Module"),
        ("LABELING_BUDGET_USD", "-1", "LABELING_BUDGET_USD is -1.0; write a number from 0"),
    ],
)
def test_settings_of_labeling_are_read_or_refused_with_a_sentence(tmp_path, name, value, said):
    result = check_deploy(tmp_path, SECRET_KEY="x" * 60, **{name: value})
    assert result.returncode != 0
    assert said in result.stderr


def test_the_secret_key_is_kept_and_private(tmp_path):
    code = (
        "import django; django.setup(); from django.conf import settings as s; print(s.SECRET_KEY)"
    )
    command = [sys.executable, "-c", code]
    environment = {
        "PATH": os.environ["PATH"],
        "IMAGINEER_DATA": str(tmp_path),
        "SECRET_KEY": "",
        "DJANGO_SETTINGS_MODULE": "imagineer.settings",
    }
    keys = {
        subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(keys) == 1
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def variables_read() -> set[str]:
    names = set()
    for path in ROOT.glob("**/*.py"):
        parts = path.relative_to(ROOT).parts
        if parts[0] in {".venv", "var", "benchmarks"} or "tests" in parts:
            continue
        if path.name in {"environment.py", "test_settings.py", "manage.py"}:
            continue
        text = path.read_text()
        names |= set(READER.findall(text)) | set(DIRECT.findall(text))
    return names - NOT_OURS


def test_every_variable_stands_in_the_example_file_and_the_readme():
    read = variables_read()
    assert {"SECRET_KEY", "REDIS_URL", "PORT"} <= read
    example = set(re.findall(r"^#?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M))
    readme = set(re.findall(r"`([A-Z0-9_]+)`", (ROOT / "README.md").read_text()))
    assert read - example == set(), "not in .env.example"
    assert example - read == set(), "in .env.example, but nothing reads it"
    assert read - readme == set(), "not in README.md"

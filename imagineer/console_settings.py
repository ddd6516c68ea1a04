"""The settings page: what is set (no secret), who works, which versions run, what space is left.

The list of variables is `.env.example`, which holds every one with its comment and default.
"""

import os
import platform
import re
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum
from django.urls import reverse

from gallery.models import Image
from imagineer.jobs import overview

PACKAGES = (
    "django",
    "django-ninja",
    "rq",
    "pillow",
    "torch",
    "diffusers",
    "peft",
    "scrapy",
    "anthropic",
)
# Values that may be shown; of all others the page says only whether they are set.
SHOWN = frozenset(
    {
        "PRODUCTION",
        "DEBUG",
        "IMAGINEER_DATA",
        "SITE_NAME",
        "HOST",
        "PORT",
        "ALLOWED_HOSTS",
        "BEHIND_PROXY",
        "DEMO",
        "TIME_ZONE",
        "LOG_LEVEL",
        "MAX_IMAGE_MB",
        "MAX_ARCHIVE_MB",
        "NOAI",
        "VEIL_UNRATED",
        "NEAR_DUPLICATE_RADIUS",
        "X_ACCEL_PREFIX",
        "TRASH_DAYS",
        "MAX_LORA_MB",
        "SCRAPE_DELAY",
        "SCRAPE_ALLOWED_NETWORKS",
        "SCRAPE_ALLOWED_HOSTS",
        "SCRAPE_ALLOWED_PORTS",
        "CHROMIUM",
        "MAX_IMAGE_MEGAPIXELS",
        "MAX_REQUEST_MB",
        "BASE_MODEL",
        "DEVICE",
        "CLAUDE_MODEL",
        "CLAUDE_EFFORT",
        "CLAUDE_PRICES",
        "LABELING_BUDGET_USD",
        "LABELING_CONCURRENCY",
        "LABELING_LOW_CONFIDENCE",
        "SCRAPE_USER_AGENT",
        "SCRAPE_CONTACT",
        "AWS_STORAGE_BUCKET_NAME",
        "AWS_S3_REGION_NAME",
    }
)
_LINE = re.compile(r"#?([A-Z][A-Z0-9_]*)=(.*)")
_SECTION = re.compile(r"# -+ (.+?) -+")


@dataclass(frozen=True)
class Variable:
    name: str
    comment: str
    default: str
    is_set: bool
    value: str
    """Empty for what is not shown."""


@dataclass(frozen=True)
class Section:
    name: str
    variables: list[Variable]


def read_variables(text: str, environment: dict[str, str]) -> list[Section]:
    """The sections of an `.env.example`, each variable with what the environment says of it."""
    sections: list[Section] = []
    comment: list[str] = []
    for line in text.splitlines():
        section, found = _SECTION.fullmatch(line), _LINE.fullmatch(line)
        if section:
            sections.append(Section(section[1], []))
            comment = []
        elif found:
            if not sections:
                sections.append(Section("General", []))
            name, default = found.groups()
            value = environment.get(name, "").strip()
            shown = value if name in SHOWN else ""
            told = Variable(name, " ".join(comment), default, bool(value), shown)
            sections[-1].variables.append(told)
            comment = []
        elif line.startswith("# "):
            comment.append(line[2:])
        else:
            comment = []
    return [section for section in sections if section.variables]


def variables() -> list[Section]:
    try:
        text = (settings.BASE_DIR / ".env.example").read_text(encoding="utf-8")
    except OSError:
        return []
    return read_variables(text, dict(os.environ))


def versions() -> list[tuple[str, str]]:
    found = [("Python", platform.python_version()), (connection.vendor, _database_version())]
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def _database_version() -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
        else:
            cursor.execute("SHOW server_version")
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def space() -> dict[str, Any]:
    """Bytes: what the originals take, the models, the database, and what the disk has left."""
    images = Image.objects.aggregate(count=Count("pk"), total=Sum("bytes"))
    try:
        disk: Any = shutil.disk_usage(settings.DATA_DIR)
    except OSError:
        disk = None
    return {
        "images": images["count"],
        "image_bytes": images["total"] or 0,
        "model_bytes": _folder_bytes(settings.MODELS_DIR),
        "database_bytes": _database_bytes(),
        "free": disk.free if disk else None,
        "total": disk.total if disk else None,
    }


def _folder_bytes(folder: Path) -> int:
    """Models are few and large, so walking through them is quick."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).stat().st_size
            except OSError:
                continue
    return total


def _database_bytes() -> int | None:
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            row = cursor.fetchone()
        return int(row[0]) if row else None
    try:
        return Path(str(connection.settings_dict["NAME"])).stat().st_size
    except OSError:
        return None


def context() -> dict[str, Any]:
    return {
        "queue": overview.look(),
        "sections": variables(),
        "versions": versions(),
        "space": space(),
        "users_url": reverse("admin:auth_user_changelist"),
        "tokens_url": reverse("admin:accounts_apitoken_changelist"),
    }

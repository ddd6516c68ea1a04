"""What `manage.py start` makes ready before anything runs, each step quick when nothing changed."""

import fcntl
import hashlib
import os
import secrets
import socket
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def lock_data_folder() -> int:
    """Refuse a second start on the same data folder; the descriptor that holds the lock."""
    descriptor = os.open(settings.DATA_DIR / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise CommandError(
            f"Imagineer already runs on {settings.DATA_DIR}. Stop it first (Ctrl-C in its "
            "terminal), or set IMAGINEER_DATA to another folder."
        ) from None
    return descriptor


def check_port() -> None:
    """Say so before anything starts when the web server could not listen."""
    try:
        addresses = socket.getaddrinfo(
            settings.HOST, settings.PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise CommandError(
            f"HOST is {settings.HOST!r}, which is no address here: {error}"
        ) from None
    family, kind, protocol, _, address = addresses[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {settings.HOST} port {settings.PORT} ({error.strerror}). "
                "Another program may use it: stop that, or set PORT to another number."
            ) from None


def migrate() -> bool:
    """Bring the database up to date. Whether there was anything to do."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", interactive=False, verbosity=0)
    return True


def collect_static() -> bool:
    """Collect and compress the static files when any has changed. Whether one had."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    current = _static_digest()
    try:
        if stamp.read_text() == current:
            return False
    except OSError:
        pass
    # Swagger and Redoc are megabytes that no page of ours shows.
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["ninja"])
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(current)
    return True


def _static_digest() -> str:
    """Of every static file's name, size and time: reading them all would take seconds."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in finders.get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def ensure_admin() -> tuple[str, str] | None:
    """Make an admin when there is none: name and password, which is kept nowhere else."""
    users = get_user_model()
    if users.objects.filter(is_staff=True, is_active=True).exists():
        return None
    name = "admin"
    while users.objects.filter(username=name).exists():
        name = f"admin-{secrets.token_hex(2)}"
    password = secrets.token_urlsafe(12)
    users.objects.create_superuser(username=name, email="", password=password)
    return name, password

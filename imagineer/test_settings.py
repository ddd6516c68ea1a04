"""The settings under pytest: the real ones over a data folder of the test run's own."""

import os
import tempfile
from pathlib import Path

os.environ["IMAGINEER_DATA"] = tempfile.mkdtemp(prefix="imagineer-test-")
for name in (
    "DATABASE_URL", "REDIS_URL", "ANTHROPIC_API_KEY", "LABELING_BUDGET_USD", "ADMIN_EMAILS",
    "BASE_MODEL",
):  # fmt: skip
    if name == "DATABASE_URL" and os.environ.get("TEST_DATABASE_URL"):
        os.environ[name] = os.environ["TEST_DATABASE_URL"]
    else:
        # Set, not removed: a developer's .env must not reach the tests.
        os.environ[name] = "builtin" if name == "BASE_MODEL" else ""

from imagineer.settings import *  # noqa: E402,F403
from imagineer.settings import DATA_DIR, DATABASES, STORAGES  # noqa: E402

STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: threads and child processes of a test see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(DATA_DIR) / "test.sqlite3")}

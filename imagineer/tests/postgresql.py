"""``python -m imagineer.tests.postgresql COMMAND…``: run a command beside a PostgreSQL of its own.

The server listens on a socket in a temporary folder alone, keeps nothing, and ends with the
command, which finds it in TEST_DATABASE_URL. It needs Debian's package ``postgresql``, whose
programs refuse to run as root: then they run as the user ``postgres``.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

# Nothing is kept, so nothing is waited for.
OPTIONS = "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def programs() -> Path:
    """The folder of initdb and pg_ctl. Raises SystemExit where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = shutil.which("initdb")
    if not found and path is None:
        sys.exit("PostgreSQL is missing: apt install postgresql")
    return found[-1].parent if found else Path(str(path)).parent


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server."""
    folder = Path(tempfile.mkdtemp(prefix="imagineer-postgresql-"))
    as_user = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"
    control = [*as_user, str(programs() / "pg_ctl"), "--silent", "--wait", "--pgdata", str(data)]
    initdb = [str(programs() / "initdb"), "--pgdata", str(data), "--auth=trust", "--encoding=UTF8"]
    try:
        subprocess.run(
            [*as_user, *initdb, "--username=tests", "--no-sync"],
            check=True, cwd=folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        log = ["--log", str(folder / "log"), "-o", f"{OPTIONS} -k {folder}"]
        subprocess.run([*control, *log, "start"], check=True, cwd=folder)
        try:
            yield f"postgres://tests@{quote(str(folder), safe='')}/postgres"
        finally:
            subprocess.run([*control, "--mode=immediate", "stop"], check=False, cwd=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    with server() as address:
        environment = {**os.environ, "TEST_DATABASE_URL": address}
        sys.exit(subprocess.run(sys.argv[1:], env=environment, check=False).returncode)

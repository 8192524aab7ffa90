"""A PostgreSQL server of the tests' own, and a database for each test, on both of the databases there are.

The server lives in a temporary folder, belongs to a user without rights, is reached by a socket in that folder, and
writes to disk as it would anywhere (`fsync` stays on, but where a test says otherwise).
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

_DEBIAN = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, newest first."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class Server:
    """`durable`: whether what is committed must outlive the machine; a test that never looks at that is quicker."""

    def __init__(self, programs: Path, durable: bool = True) -> None:
        self.programs = programs
        self.durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="remit-pg-"))
        self.numbers = count(1)
        self.prefix: list[str] = []
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            user = next((name for name in ("postgres", "nobody") if _known(name)), None)
            if user is None:
                pytest.skip("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")
            self.prefix = ["runuser", "-u", user, "--"]
            shutil.chown(self.folder, user)
        self.run("initdb", "-D", "data", "-A", "trust", "-U", "remit", "-E", "UTF8", "--no-locale", "--no-sync")
        self.start()

    def run(self, program: str, *arguments: str, check: bool = True) -> None:
        command = [*self.prefix, str(self.programs / program), *arguments]
        with open(os.devnull, "rb") as nothing:
            done = subprocess.run(
                command, cwd=self.folder, stdin=nothing, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
        assert not check or done.returncode == 0, done.stderr

    def start(self) -> None:
        options = f"-c unix_socket_directories={self.folder} -c listen_addresses= -c max_connections=60"
        options += "" if self.durable else " -c fsync=off"
        self.run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")

    def stop(self, mode: str = "fast", check: bool = True) -> None:
        self.run("pg_ctl", "-D", "data", "-w", "-m", mode, "stop", check=check)

    def url(self, name: str) -> str:
        return f"postgresql://remit@/{name}?host={self.folder}"

    def database(self, place: Path | None = None) -> str:
        """The address of a new, empty database. `place`: an empty folder of the server's user that it is to lie in."""
        name = f"people{next(self.numbers)}"
        reach = ("-h", str(self.folder), "-U", "remit")
        where: tuple[str, ...] = ()
        if place is not None:
            self.run("psql", *reach, "-d", "postgres", "-c", f"CREATE TABLESPACE of_{name} LOCATION '{place}'")
            where = ("-D", f"of_{name}")
        self.run("createdb", *reach, *where, name)
        return self.url(name)

    def close(self) -> None:
        self.stop("immediate", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


class Database(NamedTuple):
    """An empty database. `path`: SQLite's file; `server`: PostgreSQL's."""

    url: str
    path: Path | None
    server: Server | None


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed: no `initdb` on the path, nor in /usr/lib/postgresql")
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed: remit[postgres]")
    made = Server(found)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(
    params=[
        pytest.param("sqlite", marks=pytest.mark.xdist_group("sqlite")),
        pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql")),
    ]
)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database, on each of the two in turn."""
    if request.param == "sqlite":
        path = tmp_path / "people.db"
        return Database(f"sqlite:///{path}", path, None)
    server: Server = request.getfixturevalue("server")
    return Database(server.database(), None, server)


def _known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True

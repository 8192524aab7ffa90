"""A PostgreSQL server whose disk really is full: a small file system in memory, which this test alone sees.

unshare: root of its own → mount → unshare: nobody of its own (PostgreSQL refuses root) → server, events, `remit apply`
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.stores.postgres import programs

SMALL = 'mount -t tmpfs -o size=32m,mode=0777 none "$1" && shift && exec "$@"'
STORY = """
import json, subprocess, sys
from pathlib import Path
from stores.owners import NOW, POLICY, TWO_OWNERS, assert_whole_log, invites, plain, setting
from stores.postgres import Server, programs
from remit.stores.sql import SqlStore
from remit.stores.store import StoreError

small, folder = Path(sys.argv[1]), Path(sys.argv[2])
(folder / "people.remit").write_text(POLICY)
(folder / "remit.toml").write_text("")
(small / "space").mkdir(mode=0o700)

def fill():
    with open(small / "filler", "wb", buffering=0) as filler:
        for size in (1 << 16, 1 << 12):
            try:
                while filler.write(bytes(size)):
                    pass
            except OSError:
                pass

def apply(event):
    done = subprocess.run(
        [sys.executable, "-m", "remit", "apply", "-", "--policy", str(folder), "--directory", url],
        input=json.dumps(event), capture_output=True, text=True, cwd=folder,
    )
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}

server = Server(programs(), durable=False)
try:
    url = server.database(small / "space")
    store = SqlStore(url)
    store.import_directory(TWO_OWNERS)
    fill()
    events, taken, raised = invites(), 0, None
    while raised is None and taken < 1000:
        before, event = plain(store.load()), next(events)
        try:
            taken += store.apply(setting(), event, NOW)["accepted"]
        except StoreError as error:
            raised = [str(error), error.help]
    told = {"raised": raised, "taken": taken, "full": apply(event)}
    told["nothing"] = plain(store.load()) == before and store.seen(event["id"]) is None
    told["logged"] = assert_whole_log(store)
    (small / "filler").unlink()
    told["room"] = apply(event)
    told["there"] = set(store.load().users) == {*before.users, event["user"]}
    told["logged later"] = assert_whole_log(store)
    store.close()
    print(json.dumps(told))
finally:
    server.close()
"""


def test_a_full_disk_of_the_server(root: Path) -> None:
    """The event is a clear error and nothing of it is left; once there is room it is accepted, and said once."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: no `initdb` on the path, nor in /usr/lib/postgresql")
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed: remit[postgres]")
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("there is no `unshare`")
    user, group = (os.getuid(), os.getgid()) if os.getuid() else (65534, 65534)
    own = [unshare, "--user", "--map-root-user", "--mount", "sh", "-c", SMALL, "sh"]
    nobody = [unshare, "--user", f"--map-user={user}", f"--map-group={group}"]
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as folder:  # a socket's path is short
        if subprocess.run([*own, small, *nobody, "true"], capture_output=True).returncode:
            pytest.skip("nothing may be mounted here")
        done = subprocess.run(
            [*own, small, *nobody, sys.executable, "-c", STORY, small, folder],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])},
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    message, help = told["raised"]
    assert message.endswith("cannot be written: the disk of the server is full")
    assert help == "make room; nothing was changed"
    assert told["full"]["code"] == 2
    assert "the disk of the server is full" in told["full"]["err"]
    assert "accepted" not in told["full"]["out"]
    assert (told["nothing"], told["logged"]) == (True, told["taken"])
    assert (told["room"]["code"], json.loads(told["room"]["out"])["accepted"]) == (0, True)
    assert (told["there"], told["logged later"]) == (True, told["taken"] + 1)

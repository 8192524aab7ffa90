"""Which candidates there are, and how each is fetched and built: by package name, into one folder, the peers' home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.process import ROOT, PeerError

PEERS = ROOT / "benchmarks" / "peers"
REQUIREMENTS = PEERS / "requirements.txt"
CERBOS = "@cerbos/cerbos-linux-x64"  # the npm package that carries the server; its version is in cerbos/package.json
BUILDING = 1800  # seconds that fetching and building one thing may take


class Home:
    """The folder where peers are installed and built; what is there already is used again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._built: dict[str, Path | PeerError] = {}

    def once(self, name: str, make: Callable[[Path], None]) -> Path:
        """The folder `name`, made by `make` at most once a run. Raises PeerError, each time, where that failed."""
        if name not in self._built:
            found = self.folder / name
            found.mkdir(parents=True, exist_ok=True)
            try:
                make(found)
                self._built[name] = found
            except PeerError as problem:
                self._built[name] = problem
        made = self._built[name]
        if isinstance(made, PeerError):
            raise made
        return made

    def python(self, package: str) -> str:
        """The interpreter of the peers' environment, with this package in it."""
        folder = self.once("python", lambda at: venv.create(at, with_pip=True) if not _python(at).exists() else None)
        self.once(f"installed/{package}", lambda _: _install(_python(folder), package))
        return str(_python(folder))

    def go(self, program: str, package: str = "") -> str:
        """A program of `peers/go`, or the one that a package named in its go.mod is."""

        def build(at: Path) -> None:
            _need("go")
            _run(["go", "build", "-o", str(at / program), package or f"./{program}"], PEERS / "go")

        return str(self.once(f"go/{program}", build) / program)

    def rust(self, program: str) -> str:
        def build(at: Path) -> None:
            _need("cargo")
            _run(["cargo", "build", "--release", "--quiet", "--target-dir", str(at)], PEERS / "rust")

        return str(self.once("rust", build) / "release" / program)

    def cerbos(self) -> str:
        """The server's program."""

        def fetch(at: Path) -> None:
            _need("npm")
            for name in ("package.json", "package-lock.json"):
                shutil.copy(PEERS / "cerbos" / name, at)
            _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], at)

        return str(self.once("npm", fetch) / "node_modules" / CERBOS / CERBOS.partition("/")[2])


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _install(python: Path, package: str) -> None:
    pinned = [line.split("#")[0].strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines()]
    wanted = next(line for line in pinned if line.startswith(f"{package}=="))
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--only-binary", ":all:", "--constraint", str(REQUIREMENTS), wanted], ROOT)


def _need(tool: str) -> None:
    if shutil.which(tool) is None:
        raise PeerError(f"`{tool}` is not here to build it")


def _run(command: Sequence[str], folder: Path) -> None:
    if not folder.exists():
        raise PeerError("there is no such program yet")
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=BUILDING)
    except subprocess.TimeoutExpired:
        raise PeerError(f"building took longer than {BUILDING} s") from None
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        told = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")
        raise PeerError(f"cannot be built: {told.strip()[:200]}")


class Engine(NamedTuple):
    """A candidate: as it is asked for (`--only`); whose voice it has where decisions differ (all forms of one engine
    have one); and the command that starts it, which may raise PeerError."""

    key: str
    family: str
    command: Callable[[Home], list[str]]


def _module(name: str, *arguments: str, package: str = "") -> Callable[[Home], list[str]]:
    """A module of `candidates`, run by the peers' Python, or by this one where it needs no package."""

    def command(home: Home) -> list[str]:
        python = home.python(package) if package else sys.executable
        return [python, "-m", f"benchmarks.peers.candidates.{name}", *arguments]

    return command


def _cerbos(over: str) -> Callable[[Home], list[str]]:
    return lambda home: [home.go("cerbos"), "-server", home.cerbos(), "-over", over]


REMIT = Engine("remit", "remit", _module("remit_pdp"))
ENGINES: tuple[Engine, ...] = (
    REMIT,
    Engine("remit-deciding", "remit", _module("remit_pdp", "deciding")),
    Engine("regorus-py", "regorus", _module("regorus_py", package="celine-regorus")),
    Engine("regorus-py-interpreter", "regorus", _module("regorus_py", "interpreter", package="celine-regorus")),
    Engine("pycasbin", "casbin", _module("casbin_py", package="pycasbin")),
    Engine("cedarpy", "cedar", _module("cedar_py", package="cedarpy")),
    Engine("cedarpy-sliced", "cedar", _module("cedar_py", "sliced", package="cedarpy")),
    Engine("oso", "oso", _module("oso_py", package="oso")),
    Engine("cedar-rust", "cedar", lambda home: [home.rust("cedar")]),
    Engine("cedar-rust-sliced", "cedar", lambda home: [home.rust("cedar"), "--sliced"]),
    Engine("regorus-rust", "regorus", lambda home: [home.rust("regorus")]),
    Engine("opa-go", "opa", lambda home: [home.go("opa")]),
    Engine("casbin-go", "casbin", lambda home: [home.go("casbin")]),
    Engine("casbin-go-sharded", "casbin", lambda home: [home.go("casbin"), "-sharded"]),
    Engine("cerbos-http", "cerbos", _cerbos("http")),
    Engine("cerbos-grpc", "cerbos", _cerbos("grpc")),
    Engine("cerbos-batch", "cerbos", _cerbos("batch")),
)

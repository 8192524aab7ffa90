"""Settings: `remit.toml`, or `[tool.remit]` in `pyproject.toml`; the nearest at or above the folder we stand in.

policy = "policy"                 # relative to the file
directory = "policy/directory.yaml"
company_id = "acme"
audit_permission = "read on audit_log"
output-format = "text"
[lint]
select = ["E", "W"]
ignore = ["W421"]
fail-level = "warning"
baseline = "lint-baseline.json"   # relative to the file
exact = true
reasons = ["deny"]
[lint.levels]
W305 = "error"
[lint.per-path]
"generated/**" = ["W305", "missing-title"]
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from remit.codes import CODES
from remit.diagnostics import Level, similar
from remit.project.directories import is_url

FAIL_LEVELS = ("error", "warning", "note")
Found = TypeVar("Found")
LEVELS: Mapping[str, Level | None] = {"error": "error", "warning": "warning", "note": "note", "off": None}
REASONS: Mapping[str, Literal["allow", "deny"]] = {"allow": "allow", "deny": "deny"}


class ConfigError(Exception):
    """A settings file that cannot be used; the message says which key and why."""


class PathSettings(NamedTuple):
    """Codes that are kept silent where a path matches: relative to `folder`, `*` and `?` inside one name, `**` over
    several; one without `/` matches the name alone, anywhere below. What is in a folder that matches, matches."""

    glob: str
    codes: frozenset[str]
    folder: Path

    def matches(self, path: str) -> bool:
        relative = os.path.relpath(path, self.folder).replace(os.sep, "/")
        return relative != ".." and not relative.startswith("../") and bool(_pattern(self.glob).match(relative))


class Config(NamedTuple):
    """Paths are resolved against the file they stand in; None where not set."""

    file: Path | None = None
    policy: Path | None = None
    directory: str | None = None
    company_id: str | None = None
    audit_permission: str | None = None
    output_format: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_level: str = "warning"
    baseline: Path | None = None
    exact: bool = False
    reasons: tuple[Literal["allow", "deny"], ...] = ()
    levels: Mapping[str, Level | None] = {}  # code → level, None where the code is off
    paths: tuple[PathSettings, ...] = ()


def find(start: Path) -> Config:
    """The settings for a folder. Raises ConfigError."""
    here = start.resolve()
    for folder in (here, *here.parents):
        own = folder / "remit.toml"
        if own.is_file():
            return _read(own, _toml(own))
        project = folder / "pyproject.toml"
        if project.is_file():
            tool = _toml(project).get("tool", {})
            if isinstance(tool, dict) and "remit" in tool:
                return _read(project, tool["remit"])
    return Config()


def _toml(file: Path) -> dict[str, Any]:
    import tomllib  # most folders have no settings to read

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file.name}: {error}") from error


_KEYS: dict[str, Any] = {"policy": str, "directory": str, "company_id": str, "audit_permission": str}
_KEYS |= {"output-format": str, "lint": dict}
_LINT_KEYS: dict[str, Any] = {"select": list, "ignore": list, "fail-level": str, "baseline": str, "exact": bool}
_LINT_KEYS |= {"reasons": list, "levels": dict, "per-path": dict}


def _read(file: Path, data: Any) -> Config:
    _shape(file, data, _KEYS, "")
    lint = data.get("lint", {})
    _shape(file, lint, _LINT_KEYS, "lint.")
    level = lint.get("fail-level", "warning")
    if level not in FAIL_LEVELS:
        raise ConfigError(f"{file.name}: `lint.fail-level` is one of {', '.join(FAIL_LEVELS)}, not `{level}`")
    directory = data.get("directory")
    if directory is not None and not is_url(directory):
        directory = str(file.parent / directory)
    return Config(
        file=file,
        policy=file.parent / data["policy"] if "policy" in data else None,
        directory=directory,
        company_id=data.get("company_id"),
        audit_permission=data.get("audit_permission"),
        output_format=data.get("output-format"),
        select=tuple(str(code) for code in lint.get("select", ())),
        ignore=tuple(str(code) for code in lint.get("ignore", ())),
        fail_level=level,
        baseline=file.parent / lint["baseline"] if "baseline" in lint else None,
        exact=lint.get("exact", False),
        reasons=tuple(_one_of(file, "lint.reasons", REASONS, effect) for effect in lint.get("reasons", ())),
        levels=_levels(file, lint.get("levels", {})),
        paths=tuple(_paths(file, lint.get("per-path", {}))),
    )


def _levels(file: Path, data: dict[str, Any]) -> dict[str, Level | None]:
    found = {}
    for word, level in data.items():
        code = _code(file, "lint.levels", word)
        found[code] = _one_of(file, f"lint.levels.{word}", LEVELS, level)
        if code.startswith("E") and level != "error":
            raise ConfigError(
                f"{file.name}: `lint.levels.{word}`: an error stays one; only the levels of warnings can be set"
            )
    return found


def _paths(file: Path, data: dict[str, Any]) -> Iterable[PathSettings]:
    for glob, codes in data.items():
        where = f"lint.per-path.{glob}"
        if not isinstance(codes, list):
            raise ConfigError(f"{file.name}: `{where}` is a list of codes")
        found = frozenset(_code(file, where, word) for word in codes)
        if error := next((code for code in sorted(found) if code.startswith("E")), None):
            raise ConfigError(f"{file.name}: `{where}`: `{error}` is an error, and errors are never kept silent")
        yield PathSettings(glob, found, file.parent)


def _code(file: Path, key: str, word: Any) -> str:
    """A code, by itself or by its name."""
    code = next((code for code, name in CODES.items() if word in (code, name)), None)
    if code is None:
        help = similar(str(word), [*CODES, *CODES.values()], "a code is a letter and three digits, or its name")
        raise ConfigError(f"{file.name}: `{key}`: there is no code `{word}`; {help}")
    return code


def _one_of(file: Path, key: str, known: Mapping[str, Found], word: Any) -> Found:
    if not isinstance(word, str) or word not in known:
        raise ConfigError(f"{file.name}: `{key}` is one of {', '.join(known)}, not `{word}`")
    return known[word]


def _pattern(glob: str) -> re.Pattern[str]:
    """A glob as a pattern that a path begins with."""
    parts = glob.strip("/").split("/")
    written = "" if "/" in glob.rstrip("/") else "(?:.*/)?"
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if part == "**":
            written += ".*" if last else "(?:.*/)?"
        else:
            name = "".join({"*": "[^/]*", "?": "[^/]"}.get(sign, re.escape(sign)) for sign in part)
            written += name if last else f"{name}/"
    return re.compile(rf"{written}(?:/.*)?\Z", re.DOTALL)


def _shape(file: Path, data: Any, keys: dict[str, Any], prefix: str) -> None:
    if not isinstance(data, dict):
        raise ConfigError(f"{file.name}: `{prefix.rstrip('.') or 'tool.remit'}` is a table of settings")
    for key, value in data.items():
        if key not in keys:
            help = similar(key, keys, f"the settings are {', '.join(keys)}")
            raise ConfigError(f"{file.name}: there is no setting `{prefix}{key}`; {help}")
        if not isinstance(value, keys[key]):
            kind = {str: "a text", list: "a list of texts", dict: "a table", bool: "true or false"}[keys[key]]
            raise ConfigError(f"{file.name}: `{prefix}{key}` is {kind}")

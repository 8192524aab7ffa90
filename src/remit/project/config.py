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
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from remit.diagnostics import similar
from remit.project.directories import is_url

FAIL_LEVELS = ("error", "warning", "note")


class ConfigError(Exception):
    """A settings file that cannot be used; the message says which key and why."""


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
_LINT_KEYS: dict[str, Any] = {"select": list, "ignore": list, "fail-level": str}


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
    )


def _shape(file: Path, data: Any, keys: dict[str, Any], prefix: str) -> None:
    if not isinstance(data, dict):
        raise ConfigError(f"{file.name}: `{prefix.rstrip('.') or 'tool.remit'}` is a table of settings")
    for key, value in data.items():
        if key not in keys:
            help = similar(key, keys, f"the settings are {', '.join(keys)}")
            raise ConfigError(f"{file.name}: there is no setting `{prefix}{key}`; {help}")
        if not isinstance(value, keys[key]):
            kind = {str: "a text", list: "a list of texts", dict: "a table"}[keys[key]]
            raise ConfigError(f"{file.name}: `{prefix}{key}` is {kind}")

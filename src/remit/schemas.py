"""The JSON Schemas of every shape that crosses the border, generated from the pydantic models.

`schema/NAME.schema.json` holds what `schema_text(NAME)` gives; a test compares them, and wheels carry them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _directory() -> dict[str, Any]:
    from remit.directory import wire

    return _of(wire.DirectoryFile)


def _table() -> dict[str, Any]:
    from remit import wire_table

    return _of(wire_table.TableFile)


def _diff() -> dict[str, Any]:
    from remit import wire_diff

    return _of(wire_diff.DiffFile)


def _shape(model: str) -> Callable[[], dict[str, Any]]:
    def generate() -> dict[str, Any]:
        from remit import wire  # pydantic takes longer to import than a decision takes

        return _of(getattr(wire, model))

    return generate


def _of(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True, mode="validation")


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "table": _table,
    "directory": _directory,
    "request": _shape("Request"),
    "response": _shape("Response"),
    "explanation": _shape("Explanation"),
    "event": _shape("Event"),
    "result": _shape("Result"),
    "audit": _shape("Audit"),
    "config": _shape("Config"),
    "diff": _diff,
}


def schema_text(name: str) -> str:
    """The schema as canonical JSON: sorted keys, indented by two, a line end. KeyError for an unknown name."""
    schema = {"$schema": DIALECT, "$id": f"urn:remit:schema:{name}", **SCHEMAS[name]()}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def shipped_text(name: str) -> str:
    """The schema as it lies in `schema/`, inside an installed package or in the checkout; needs no pydantic.

    KeyError for an unknown name, FileNotFoundError where the installation is broken.
    """
    if name not in SCHEMAS:
        raise KeyError(name)
    package = Path(__file__).resolve().parent
    installed = package / "schema" / f"{name}.schema.json"
    found = installed if installed.is_file() else package.parents[1] / "schema" / installed.name
    return found.read_text(encoding="utf-8")

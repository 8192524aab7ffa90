"""`remit schema`."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from remit.cli.main import remit
from remit.schemas import SCHEMAS


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_prints_the_file(root: Path, name: str) -> None:
    """The output is the file in `schema/`, byte for byte, and a valid JSON Schema."""
    result = CliRunner().invoke(remit, ["schema", name])
    assert result.exit_code == 0
    assert result.stdout == (root / "schema" / f"{name}.schema.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(result.stdout))


def test_without_a_name_the_names_are_listed() -> None:
    """Each schema on a line."""
    result = CliRunner().invoke(remit, ["schema"])
    assert (result.exit_code, result.stdout.split()) == (0, list(SCHEMAS))


def test_an_unknown_name_is_exit_2() -> None:
    """With the similar name that there is."""
    result = CliRunner().invoke(remit, ["schema", "reqest"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "`request` has a similar name" in result.stderr

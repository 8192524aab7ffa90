"""The table as a file: canonical in its meaning, whole or refused, as good as the sources."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from remit import Directory, Policy, PolicyError
from remit.schemas import schema_text
from remit.table import artifact
from tests.clinic import DIRECTORY, POLICY

SHIPPED = ["amberflo", "measure", "bizmetry", "amplitude", "amplitude/overlays/fernway"]
TEXT = artifact.write(Policy.from_sources({"clinic.remit": POLICY}).table)


def save(folder: Path, text: str) -> Path:
    path = folder / "clinic.table.json"
    path.write_text(text, encoding="utf-8")
    return path


def code_of(path: Path) -> str:
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    return caught.value.diagnostics[0].code


def ask(user: str, action: str, **properties: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": user},
        "action": {"name": action},
        "resource": {"type": "record", "id": "r1", "properties": properties},
    }


def meaning_line(text: str) -> str:
    return text.split("\n")[2]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policies_survive_the_file(root: Path, name: str) -> None:
    """A table written, read and written again is the same text, and fits its schema."""
    text = artifact.write(Policy.load(root / "policies" / name).table)
    assert artifact.write(artifact.read(text)) == text
    jsonschema.validate(json.loads(text), json.loads(schema_text("table")))


def test_the_meaning_has_the_same_bytes_under_every_hash_seed_and_in_every_folder(root: Path, tmp_path: Path) -> None:
    """Two runs with two hash seeds, in two folders, give the same file."""
    program = (
        "import sys; from remit import Policy; from remit.table import artifact; "
        "sys.stdout.reconfigure(encoding='utf-8', newline='\\n'); "
        "sys.stdout.write(artifact.write(Policy.load(sys.argv[1]).table))"
    )
    texts = []
    for seed in ("1", "2"):
        folder = tmp_path / f"copy-{seed}" / "measure"
        shutil.copytree(root / "policies" / "measure", folder)
        run = subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        )
        texts.append(run.stdout)
    assert texts[0] == texts[1]


def test_moved_and_reordered_sources_mean_the_same() -> None:
    """Statements in another order and in other files give the same bytes of meaning and the same digest."""
    head, *statements = POLICY.strip().split("\n\n")
    turned = {"a.remit": "\n\n".join(reversed(statements)), "z/b.remit": head}
    other = artifact.write(Policy.from_sources(turned).table)
    assert meaning_line(other) == meaning_line(TEXT)
    assert other.split("\n")[3] != TEXT.split("\n")[3]


def test_another_meaning_has_another_digest() -> None:
    """A changed number changes the digest."""
    changed = Policy.from_sources({"clinic.remit": POLICY.replace("<= 500", "<= 501")})
    assert changed.digest != Policy.from_sources({"clinic.remit": POLICY}).digest


def test_decisions_and_explanations_come_out_of_the_file_alone(tmp_path: Path) -> None:
    """Loaded from a table, a policy decides and explains as from its sources: lines, texts and reasons included."""
    people = Directory.from_text(DIRECTORY)
    source = Policy.from_sources({"clinic.remit": POLICY})
    loaded = Policy.load(save(tmp_path, TEXT))
    assert loaded.digest == source.digest
    for user in ("ann", "bob", "cyd", "eve", "olga", "nobody"):
        for action in ("read", "sign", "update", "delete", "fly"):
            for properties in ({}, {"vet": "ann", "status": "open"}, {"scope": "branch/north", "vet": user}):
                request = ask(user, action, **properties)
                mine = source.bind(people, lambda: 0).explain(request).to_dict()
                assert loaded.bind(people, lambda: 0).explain(request).to_dict() == mine


@pytest.mark.parametrize("keep", [0.01, 0.2, 0.5, 0.9, 0.999])
def test_a_table_cut_short_is_refused(tmp_path: Path, keep: float) -> None:
    """Whatever part of the file is lost, nothing is half-loaded."""
    assert code_of(save(tmp_path, TEXT[: int(len(TEXT) * keep)])) in ("E601", "E602")


@pytest.mark.parametrize("at", range(5, 100, 7))
def test_a_changed_letter_is_found(tmp_path: Path, at: int) -> None:
    """A letter exchanged anywhere makes the table damaged, whether or not it is still JSON."""
    place = len(TEXT) * at // 100
    changed = TEXT[:place] + ("x" if TEXT[place] != "x" else "y") + TEXT[place + 1 :]
    assert code_of(save(tmp_path, changed)) in ("E601", "E602", "E603")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E602"),
        ("{}", "E602"),
        ("[]", "E602"),
        ('{"format": "other", "version": 1}', "E602"),
        ("policy clinic", "E602"),
        ("[" * 100_000, "E602"),
        ('{"format":"remit-table","version":' + "[" * 100_000, "E601"),
        (TEXT.replace('"version":2', '"version":3', 1), "E603"),
        (TEXT.replace('"version":2', '"version":1', 1), "E603"),
        (TEXT.replace('"version":2', '"version":"2"', 1), "E601"),
        (TEXT.replace('"version":2', '"version":NaN', 1), "E601"),
        (TEXT.replace('"digest":"', '"digest":"0', 1), "E601"),
    ],
)
def test_foreign_files_other_versions_and_damage_are_told_apart(tmp_path: Path, text: str, code: str) -> None:
    """A file that is no table, one of another version and one that was damaged each have their own code."""
    assert code_of(save(tmp_path, text)) == code


@pytest.mark.parametrize(("version", "word"), [(1, "older"), (3, "newer")])
def test_a_table_of_another_version_says_which(tmp_path: Path, version: int, word: str) -> None:
    """Whether it is older or newer is said, and that the policy is to be compiled again."""
    with pytest.raises(PolicyError) as caught:
        Policy.load(save(tmp_path, TEXT.replace('"version":2', f'"version":{version}', 1)))
    [finding] = caught.value.diagnostics
    assert finding.message == f"this table is {word}: it is of version {version}, and this remit reads version 2"
    assert finding.help == "compile the policy again, with this version"


def test_a_table_laid_out_anew_is_read(tmp_path: Path) -> None:
    """A formatter may indent the JSON: the content is what is checked."""
    pretty = json.dumps(json.loads(TEXT), indent=2)
    assert Policy.load(save(tmp_path, pretty)).digest == Policy.from_sources({"clinic.remit": POLICY}).digest


def test_rule_ids_stay_when_other_lines_are_edited() -> None:
    """A rule's id depends on role, effect, cell and condition, and on nothing around them."""
    people = Directory.from_text(DIRECTORY)
    request = ask("bob", "sign", vet="bob", status="open", scope="branch/north")

    def identifier(text: str) -> str:
        return str(Policy.from_sources({"c.remit": text}).bind(people).decide(request).rules[0]["id"])

    edited = "# a comment\n" + POLICY.replace("deny delete", "deny update, delete").replace("treats", "in_charge")
    assert identifier(edited) == identifier(POLICY)
    assert identifier(POLICY.replace("treats and resource", "resource")) != identifier(POLICY)

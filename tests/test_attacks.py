"""What an attack on the whole found once: each stays mended."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from remit import Directory, Policy, PolicyError
from remit.cli.main import remit
from remit.table import artifact, meaning

DOC = "area a { resource doc { n: int s: string actions read, write } }\n"


def call(*words: str) -> Result:
    return CliRunner().invoke(remit, words)


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its denies would be missing: the policy does not compile without it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "main.remit").write_text(DOC, encoding="utf-8")
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # rights do not bind whoever may do everything
    with pytest.raises(PolicyError) as caught:
        Policy.load(tmp_path)
    assert [finding.code for finding in caught.value.diagnostics] == ["E010"]


def test_the_digest_of_a_loaded_table_is_of_what_it_decides(tmp_path: Path) -> None:
    """A table whose rules were exchanged has the digest of its rules, whatever its file claims."""
    strict = Policy.from_sources({"p.remit": DOC + "role r { allow read on doc when resource.n < 5 }"})
    loose = Policy.from_sources({"p.remit": DOC + "role r { allow read on doc }"})
    forged = json.loads(artifact.write(strict.table))
    forged["provenance"] = json.loads(artifact.write(loose.table))["provenance"]
    parts = [meaning.canonical(forged[part]) for part in ("meaning", "provenance")]
    forged["checksum"] = artifact._checksum(forged["digest"], *parts)
    (tmp_path / "t.json").write_text(json.dumps(forged), encoding="utf-8")
    assert Policy.load(tmp_path / "t.json").digest == loose.digest != strict.digest


def test_a_chain_of_includes_has_an_end() -> None:
    """Ten thousand roles in a row are refused, not closed."""
    chain = "role r0 { }\n" + "\n".join(f"role r{i} includes r{i - 1} {{ }}" for i in range(1, 10_000))
    with pytest.raises(PolicyError) as caught:
        Policy.from_sources({"p.remit": chain})
    assert [(finding.code, finding.span.text) for finding in caught.value.diagnostics if finding.span] == [
        ("E006", "role r300")
    ]


def test_a_chain_of_overlays_has_an_end(tmp_path: Path) -> None:
    """Seven hundred policies that extend one another are refused where the chain is too long."""
    (tmp_path / "o0.remit").write_text("policy o0", encoding="utf-8")
    for number in range(1, 700):
        text = f'policy o{number} extends "o{number - 1}.remit"'
        (tmp_path / f"o{number}.remit").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        Policy.load(tmp_path / "o699.remit")
    assert "E305" in {finding.code for finding in caught.value.diagnostics}


def test_the_search_for_repairs_has_an_end() -> None:
    """A hard puzzle as a condition: the search is cut, and says so."""
    random = Random(24)
    clauses = []
    for _ in range(102):
        picked = [random.choice(("", "not ")) + f"resource.f{i}" for i in random.sample(range(24), 3)]
        clauses.append(f"({' or '.join(picked)})")
    types = " ".join(f"f{i}: bool" for i in range(24))
    text = f"area a {{ resource t {{ {types} actions go }} }} everyone {{ allow go on t when {' and '.join(clauses)} }}"
    pdp = Policy.from_sources({"p.remit": text}).bind(Directory.from_text("users: {ann: {}}"))
    asked = {"subject": {"type": "user", "id": "ann"}, "action": {"name": "go"}, "resource": {"type": "t"}}
    assert pdp.explain(asked).to_dict()["repairs_complete"] is False


@pytest.mark.parametrize(
    ("declared", "condition", "given"),
    [
        ("x: string tags: set of string", "resource.x in resource.tags", {}),
        ("x: string tags: set of string", 'resource.x in resource.tags and resource.x != "a"', {}),
        ("at: time", 'resource.at > "2020-01-01T00:00:00Z" and resource.at < "2020-01-01T00:00:01Z"', {}),
        (
            "a: time b: time c: time",
            'resource.a - resource.b == 9d and resource.b - resource.c == 9d and resource.c == "2020-03-01T00:00:00Z"',
            {},
        ),
        ("s: " + " | ".join(f'"{i}"' for i in range(100)), 'resource.s == "99"', {"s": "1"}),
    ],
)
def test_repairs_that_were_missed(declared: str, condition: str, given: dict[str, str]) -> None:
    """Values that make these conditions true are found."""
    text = f"area a {{ resource t {{ {declared} actions go }} }} everyone {{ allow go on t when {condition} }}"
    pdp = Policy.from_sources({"p.remit": text}).bind(Directory.from_text("users: {ann: {}}"), lambda: 0)
    resource = {"type": "t", "properties": given}
    asked = {"subject": {"type": "user", "id": "ann"}, "action": {"name": "go"}, "resource": resource}
    [[atom]] = pdp.explain(asked).to_dict()["repairs"]
    values = {name.removeprefix("resource."): value for name, value in atom["attributes"].items()}
    assert pdp.allows("ann", "go", {"type": "t", "properties": {**given, **values}})


@pytest.mark.parametrize("scope", [10**5000, {"a": 1}, [[]], 1.5], ids=["huge", "object", "lists", "fraction"])
def test_odd_scopes_are_invalid_and_never_an_exception(scope: object) -> None:
    """A scope of any kind of value is answered."""
    pdp = Policy.from_sources({"p.remit": DOC}).bind(Directory.from_text("users: {ann: {}}"))
    resource = {"type": "doc", "properties": {"scope": scope}}
    asked = {"subject": {"type": "user", "id": "ann"}, "action": {"name": "read"}, "resource": resource}
    assert pdp.decide(asked).code == "invalid_request"
    assert pdp.allows("ann", "read", resource) is False
    assert pdp.actions(["ann"], resource) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["loop", "a\0b", "x" * 5000], ids=["circle", "nul", "long"])
def test_paths_that_name_nothing_are_exit_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Links in a circle, a NUL, a name no file system holds: said, with a code."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    result = call("can", "--policy", path, "--role", "r", "read", "doc")
    assert (result.exit_code, "E010" in result.stderr) == (2, True)


def test_a_strange_pyproject_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tool = 5` is somebody else's mistake."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("tool = 5\n", encoding="utf-8")
    assert call("init").exit_code == 0


def test_findings_never_replace_a_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`lint -o` refuses a policy's name, and replaces a link instead of following it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.remit").write_text(DOC, encoding="utf-8")
    assert call("lint", "p.remit", "-o", "p.remit").exit_code == 2
    assert (tmp_path / "p.remit").read_text(encoding="utf-8") == DOC
    (tmp_path / "victim").write_text("mine", encoding="utf-8")
    (tmp_path / "link").symlink_to("victim")
    assert call("lint", "p.remit", "-o", "link").exit_code == 0
    assert (tmp_path / "victim").read_text(encoding="utf-8") == "mine"


class Answering(dict[str, Any]):
    """Says one thing when it is asked and has another."""

    def get(self, name: str, default: Any = None) -> Any:
        return "region/north" if name == "scope" else super().get(name, default)


class Unhashed(str):
    """A text that cannot be a key."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)


@pytest.mark.parametrize(
    "resource",
    [
        defaultdict(lambda: "note"),
        {"type": "note", "properties": Answering()},
        {"type": "note", "properties": Answering(n=1)},
        {"type": Unhashed("note")},
        {"type": "note", "properties": {"owner": Unhashed("ann"), "status": Unhashed("open")}},
        SimpleNamespace(get=lambda name: None),
        [("type", "note")],
    ],
)
def test_odd_resources_are_decided_alike_everywhere(resource: Any) -> None:
    """`allows` and `deciding` say what `decide` says, and none of them raises."""
    policy = Policy.from_sources(
        {
            "p.remit": """
            scope company  scope region in company
            area a { resource note { owner: user  status: "open" | "shut"  actions read } }
            role reader { allow read on note when resource.owner == user.id and resource.status == "open" }
            role local { allow read on note }
            """
        }
    )
    people = {"ann": {"assignments": [{"role": "reader"}, {"role": "local", "scope": "region/north"}]}}
    pdp = policy.bind(Directory.from_text(json.dumps({"users": people, "scopes": {"region/north": {}}})))
    request = {"subject": {"type": "user", "id": "ann"}, "action": {"name": "read"}, "resource": resource}
    decision = pdp.decide(request)
    assert pdp.allows("ann", "read", resource) is decision.allowed
    assert pdp.deciding("ann", "read", resource) == next((rule["id"] for rule in decision.rules), None)

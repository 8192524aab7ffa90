"""The action for GitHub: its scripts run here as a runner would call them, in a repository of their own, with a `gh`
that keeps comments in a file; action.yml is what GitHub takes, and lets no text into a script."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from remit.cli.init_command import DIRECTORY, POLICY

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="the commands that stand in for a runner's are shell scripts"),
]

GH = """#!{python}
import json, os, subprocess, sys
words = sys.argv[1:]
store = os.environ["FAKE_COMMENTS"]
with open(store, encoding="utf-8") as file:
    comments = json.load(file)
if os.environ.get("FAKE_FORK"):
    sys.exit("HTTP 403: Resource not accessible by integration")
assert words[0] == "api" and os.environ["GH_TOKEN"] == "secret"
place = next(word for word in words if word.startswith("repos/"))
method = words[words.index("--method") + 1] if "--method" in words else "GET"
if method == "GET":
    assert place == "repos/acme/access/issues/7/comments?per_page=100", place
    jq = ["jq", "-r", words[words.index("--jq") + 1]]
    sys.exit(subprocess.run(jq, input=json.dumps(comments), encoding="utf-8").returncode)
name, _, path = words[words.index("-F") + 1].partition("=@")
assert name == "body"
with open(path, encoding="utf-8") as file:
    body = file.read()
if method == "POST":
    assert place == "repos/acme/access/issues/7/comments", place
    comments.append({{"id": len(comments) + 1, "user": {{"type": "Bot"}}, "body": body}})
else:
    [one] = [one for one in comments if place == "repos/acme/access/issues/comments/" + str(one["id"])]
    one["body"] = body
with open(store, "w", encoding="utf-8") as file:
    json.dump(comments, file)
"""


class Runner:
    """A runner on which this remit is installed, in a checkout of a repository with the policy of `remit init`."""

    def __init__(self, scripts: Path, folder: Path) -> None:
        self.scripts = scripts
        self.temp = folder / "temp"
        self.work = folder / "work"
        self.comments_file = folder / "comments.json"
        self.comments_file.write_text("[]", encoding="utf-8")
        (self.temp / "remit/venv/bin").mkdir(parents=True)
        self.program(self.temp / "remit/venv/bin/remit", f'#!/bin/sh\nexec "{sys.executable}" -m remit "$@"\n')
        self.program(self.temp / "remit/venv/bin/python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        self.program(folder / "bin/gh", GH.format(python=sys.executable))
        unwanted = re.compile(r"GITHUB_|RUNNER_|GIT_|GH_|PYTHON")
        self.env = {name: value for name, value in os.environ.items() if not unwanted.match(name)}
        self.env |= {
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_REPOSITORY": "acme/access",
            "GITHUB_EVENT_NAME": "push",
            "EXACT": "false",  # for speed; one test has it on
            "FAKE_COMMENTS": str(self.comments_file),
        }
        for who in ("AUTHOR", "COMMITTER"):
            self.env |= {f"GIT_{who}_NAME": "ann", f"GIT_{who}_EMAIL": "ann@acme.example"}
        self.write("policy/main.remit", POLICY)
        self.write("policy/directory.yaml", DIRECTORY)
        self.write("remit.toml", 'policy = "policy"\n')
        self.git("init", "-q", "-b", "main")
        self.commit("the first")

    @staticmethod
    def program(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IEXEC)

    def write(self, name: str, text: str) -> None:
        (self.work / name).parent.mkdir(parents=True, exist_ok=True)
        (self.work / name).write_text(text, encoding="utf-8")

    def git(self, *words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *words], cwd=cwd or self.work, env=self.env, capture_output=True, encoding="utf-8", check=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def change(self, old: str, new: str) -> str:
        """Replaces text in the policy, and commits."""
        text = (self.work / "policy/main.remit").read_text(encoding="utf-8")
        assert old in text
        self.write("policy/main.remit", text.replace(old, new))
        return self.commit(f"{new} for {old}")

    def run(self, script: str, code: int = 0, **env: str) -> str:
        """What a script prints, all of it; it must end with `code`."""
        for name in ("output", "summary"):
            (self.temp.parent / name).write_text("", encoding="utf-8")
        self.env["GITHUB_SHA"] = self.git("rev-parse", "HEAD")
        done = subprocess.run(
            ["bash", str(self.scripts / script)],
            cwd=self.work, env=self.env | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
            check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout

    @property
    def outputs(self) -> dict[str, str]:
        text = (self.temp.parent / "output").read_text(encoding="utf-8")
        return dict(line.split("=", 1) for line in text.splitlines())

    @property
    def summary(self) -> str:
        return (self.temp.parent / "summary").read_text(encoding="utf-8")

    @property
    def comments(self) -> list[dict[str, Any]]:
        found = json.loads(self.comments_file.read_text(encoding="utf-8"))
        assert isinstance(found, list)
        return found

    def comment(self, **env: str) -> str:
        """Writes the difference that was found as a comment."""
        found = self.outputs
        given = {"GH_TOKEN": "secret", "PULL_REQUEST": "7", "POLICY": "", "DIFF": found["diff"]}
        return self.run("comment.sh", **(given | {"CHANGED": found["changed"]} | env))


@pytest.fixture
def runner(root: Path, tmp_path: Path) -> Runner:
    """A runner with a clean policy."""
    return Runner(root / ".github/action", tmp_path)


GAIN = ("allow create on document", "allow create, publish on document")


# -- checks ------------------------------------------------------------------------------------------------------------


def test_a_clean_policy(runner: Runner) -> None:
    """Where nothing is wrong and nothing changed, every check has passed, and the outputs say so."""
    first = runner.git("rev-parse", "HEAD")
    runner.commit("nothing")
    printed = runner.run("check.sh", EVENT_BASE=first)
    assert "::error" not in printed
    assert runner.summary.count("| passed |") == 4
    assert {name: runner.outputs[name] for name in ("findings", "errors", "gained", "lost", "changed")} == {
        **dict.fromkeys(("findings", "errors", "gained", "lost", "changed"), "0")
    }
    assert json.loads(Path(runner.outputs["sarif"]).read_text(encoding="utf-8"))["version"] == "2.1.0"


def test_findings_are_annotations(runner: Runner) -> None:
    """A finding fails the run, stands at its line, and is in the SARIF file; the tests run all the same."""
    runner.change("allow create on document", "allow create on docment")
    printed = runner.run("check.sh", code=2, CHECKS="lint,test")
    assert "::error file=policy/main.remit,line=29,endLine=29,col=21," in printed
    assert runner.outputs["findings"] == runner.outputs["errors"] == "1"
    sarif = json.loads(Path(runner.outputs["sarif"]).read_text(encoding="utf-8"))
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["E104"]
    assert "| `remit lint` | failed |" in runner.summary
    assert "| `remit test` | could not be done |" in runner.summary


def test_exact_findings(runner: Runner) -> None:
    """The rules that need the solver run unless they are switched off."""
    runner.change(
        "role editor", 'role chief "Chief" includes author { in writing { allow * on document } }\n\nrole editor'
    )
    runner.run("check.sh", code=1, CHECKS="lint", EXACT="true")
    exact = int(runner.outputs["findings"])
    runner.run("check.sh", CHECKS="lint", FAIL_LEVEL="error")
    assert exact > int(runner.outputs["findings"])


@pytest.mark.parametrize(
    ("old", "new", "failed"),
    [("    allow create on", "  allow  create on", "fmt"), ("ben may delete plan", "ben may not delete plan", "test")],
)
def test_what_else_fails(runner: Runner, old: str, new: str, failed: str) -> None:
    """A file that is not in the format and a test that fails fail the run, each under its name alone."""
    runner.change(old, new)
    printed = runner.run("check.sh", code=1, CHECKS="fmt test")
    assert re.findall(r"^::error title=remit (\w+)::", printed, re.M) == [failed]
    assert f"| `remit {failed}` | failed |" in runner.summary


def test_coverage(runner: Runner) -> None:
    """`fail-under` fails where the tests reach less."""
    printed = runner.run("check.sh", code=1, CHECKS="test", FAIL_UNDER="100")
    assert "100 % was asked for" in printed


def test_several_policies(runner: Runner) -> None:
    """Policies are named one a line, and all are checked and compared."""
    runner.write("other/main.remit", POLICY.replace("policy documents", "policy other"))
    first = runner.commit("another")
    runner.write("other/main.remit", POLICY.replace("policy documents", "policy other").replace(*GAIN))
    runner.change("allow delete on document when own and", "allow delete on document when")
    policies = {"CHECKS": "fmt diff", "POLICY": "policy\n  other  \n\n"}
    printed = runner.run("check.sh", code=1, EVENT_BASE=first, FAIL_ON="gained", **policies)
    assert "2 files left as they are" in printed
    assert "`policy`" in runner.summary
    assert "`other`" in runner.summary
    assert int(runner.outputs["gained"]) >= 2


def test_an_unknown_check(runner: Runner) -> None:
    """A check that there is not is a wrong call."""
    assert "there is no such check" in runner.run("check.sh", code=2, CHECKS="lint tset")


def test_a_policy_that_is_not_there(runner: Runner) -> None:
    """A path that leads nowhere is a wrong call, and no clean run."""
    printed = runner.run("check.sh", code=2, CHECKS="lint fmt test", POLICY="polcy")
    assert printed.count("::error title=") == 3
    assert "sarif" not in runner.outputs


def test_text_of_a_policy_is_no_command(runner: Runner) -> None:
    """What a policy says cannot speak to the workflow: outside of its own commands, remit's output is switched off."""
    runner.change('test "authors write, editors publish"', 'test "x\\n::add-path::/tmp/evil"')
    runner.write("policy/::error title=evil::x.remit", "role {\n")
    runner.commit("evil")
    printed = runner.run("check.sh", code=2, CHECKS="lint fmt")
    spoken, stopped, hushed = [], "", 0
    for line in printed.splitlines():
        if stopped:
            hushed += bool(line)
            stopped = "" if line == f"::{stopped}::" else stopped
        elif line.startswith("::stop-commands::"):
            stopped = line.removeprefix("::stop-commands::")
            assert re.fullmatch(r"[0-9a-f]{32}", stopped)
        else:
            spoken.append(line)
    assert stopped == ""
    assert hushed > 10
    places = r"(error|warning|notice) file=policy/(main\.remit|%3A%3Aerror title=evil)"
    ours = rf"::(group::|endgroup::|error title=remit |{places})"
    assert [line for line in spoken if not re.match(ours, line)] == []


# -- what is compared --------------------------------------------------------------------------------------------------


def test_a_gain(runner: Runner) -> None:
    """A permission that was gained is in the summary and counted, and fails where `fail-on` says so."""
    first = runner.git("rev-parse", "HEAD")
    runner.change(*GAIN)
    runner.run("check.sh", EVENT_BASE=first, CHECKS="diff")
    assert runner.outputs["gained"] == runner.outputs["changed"] == "1"
    assert runner.outputs["lost"] == "0"
    assert "publish" in runner.summary
    printed = runner.run("check.sh", code=1, EVENT_BASE=first, CHECKS="diff", FAIL_ON="gained")
    assert "::error title=remit diff::" in printed


MOVE = ("assignments: [{role: author}]", "assignments: [{role: editor}]")


@pytest.mark.parametrize("directory", ["", "policy/directory.yaml", "{work}/policy/directory.yaml"])
def test_a_directory_alone(runner: Runner, directory: str) -> None:
    """With `by: user`, who gains by another role in the directory is counted and fails; the policy is as it was, so by
    role nothing is. The directory is that of the settings, or named."""
    first = runner.git("rev-parse", "HEAD")
    runner.write("policy/directory.yaml", DIRECTORY.replace(*MOVE))
    runner.commit("ben edits")
    given = {"EVENT_BASE": first, "CHECKS": "diff", "FAIL_ON": "gained"}
    given["DIRECTORY"] = directory.format(work=runner.work)
    runner.run("check.sh", **given)
    assert runner.outputs["changed"] == "0"
    printed = runner.run("check.sh", code=1, BY="user", **given)
    assert "::error title=remit diff::" in printed
    assert int(runner.outputs["gained"]) > 0
    assert runner.outputs["lost"] == "0"
    assert "`ben` gains" in runner.summary.lower()


def test_a_first_directory(runner: Runner) -> None:
    """Where the base had none, nobody was allowed anything by a role; a file that git does not keep is as it is."""
    runner.git("rm", "-q", "policy/directory.yaml")
    without = runner.commit("nobody")
    runner.write("policy/directory.yaml", DIRECTORY)
    runner.commit("somebody")
    given = {"EVENT_BASE": without, "CHECKS": "diff", "BY": "user"}
    runner.run("check.sh", **given)
    found = runner.outputs["gained"]
    assert int(found) > 5
    runner.run("check.sh", DIRECTORY="policy/directory.yaml", **given)
    assert runner.outputs["gained"] == found
    (runner.temp / "people.yaml").write_text(DIRECTORY, encoding="utf-8")
    runner.run("check.sh", DIRECTORY=str(runner.temp / "people.yaml"), **given)
    assert runner.outputs["changed"] == "0"


def test_a_shallow_checkout_of_a_merge(runner: Runner, tmp_path: Path) -> None:
    """A pull request, checked out as GitHub does by default, is compared with what its merge is on: not with the base
    of the day it was opened, nor with what else came since."""
    opened = runner.git("rev-parse", "HEAD")
    runner.git("checkout", "-q", "-b", "topic")
    runner.change(*GAIN)
    runner.git("checkout", "-q", "main")
    runner.write("policy/more.remit", 'role guest "Guest" { in writing { allow delete on document } }\n')
    runner.commit("somebody else's gain")
    runner.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    origin = tmp_path / "origin"
    runner.work.rename(origin)
    runner.git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=origin)
    runner.git("clone", "-q", "--depth=1", f"file://{origin}", str(runner.work), cwd=tmp_path)
    runner.run("check.sh", GITHUB_EVENT_NAME="pull_request", EVENT_BASE=opened, CHECKS="diff")
    assert runner.outputs["gained"] == "1"
    assert "guest" not in runner.summary


def test_a_checkout_of_the_head(runner: Runner) -> None:
    """Where the head of a pull request itself is checked out, it is compared with where it left the base."""
    runner.git("checkout", "-q", "-b", "topic")
    runner.change(*GAIN)
    runner.git("checkout", "-q", "main")
    base = runner.change("allow read, edit on document", "allow read on document")
    runner.git("checkout", "-q", "topic")
    runner.run("check.sh", GITHUB_EVENT_NAME="pull_request", EVENT_BASE=base, CHECKS="diff")
    assert (runner.outputs["gained"], runner.outputs["lost"]) == ("1", "0")


def test_a_named_base(runner: Runner) -> None:
    """`base` is a name that git knows, and goes before what the event says."""
    runner.git("tag", "v1")
    middle = runner.change(*GAIN)
    runner.commit("nothing")
    runner.run("check.sh", EVENT_BASE=middle, BASE="v1", CHECKS="diff")
    assert runner.outputs["gained"] == "1"


@pytest.mark.parametrize("before", ["", "0" * 40])
def test_nothing_before(runner: Runner, before: str) -> None:
    """A new branch, and an event without a base, have nothing to compare with, which is no failure."""
    printed = runner.run("check.sh", EVENT_BASE=before, CHECKS="diff", FAIL_ON="any")
    assert "nothing before" in printed
    assert "changed" not in runner.outputs


@pytest.mark.parametrize("base", ["f" * 40, "--upload-pack=touch evil"])
def test_a_base_that_is_not_here(runner: Runner, base: str) -> None:
    """A revision that cannot be had is a warning, with `fail-on` an error, and never a clean difference."""
    assert "::warning title=remit diff::" in runner.run("check.sh", BASE=base, CHECKS="diff")
    assert "::error title=remit diff::" in runner.run("check.sh", code=2, BASE=base, CHECKS="diff", FAIL_ON="any")
    assert "diff" not in runner.outputs
    assert not (runner.work / "evil").exists()


def test_a_first_policy(runner: Runner) -> None:
    """Where the base has no policy yet, everything is gained."""
    first = runner.git("rev-parse", "HEAD")
    runner.git("rm", "-rq", "policy")
    without = runner.commit("none")
    runner.git("checkout", "-q", first, "--", "policy")
    runner.commit("a policy")
    runner.run("check.sh", EVENT_BASE=without, CHECKS="diff")
    assert int(runner.outputs["gained"]) > 5


# -- the comment -------------------------------------------------------------------------------------------------------

needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="the `gh` of these tests filters with `jq`")


@needs_jq
def test_one_comment(runner: Runner) -> None:
    """The first run writes a comment, the next ones write over it, and when nothing is left it says so."""
    first = runner.git("rev-parse", "HEAD")
    runner.change(*GAIN)
    runner.run("check.sh", EVENT_BASE=first, CHECKS="diff")
    runner.comment()
    [one] = runner.comments
    assert one["body"].startswith("<!-- remit: ")
    assert "publish" in one["body"]
    runner.run("check.sh", EVENT_BASE="HEAD", CHECKS="diff")
    runner.comment()
    [one] = runner.comments
    assert "publish" not in one["body"]
    assert "No role allows or forbids anything else" in one["body"]


@needs_jq
def test_no_comment_about_nothing(runner: Runner) -> None:
    """Where no permission changed, no comment is begun."""
    runner.run("check.sh", EVENT_BASE="HEAD", CHECKS="diff")
    runner.comment()
    assert runner.comments == []


@needs_jq
def test_a_comment_by_role_and_one_by_user(runner: Runner) -> None:
    """One job may write both: neither writes over the other."""
    first = runner.git("rev-parse", "HEAD")
    runner.change(*GAIN)
    for by in ("role", "user", "role", "user"):
        runner.run("check.sh", EVENT_BASE=first, CHECKS="diff", BY=by)
        runner.comment(BY=by)
    heads = [comment["body"].partition("### ")[2].partition(" ")[0] for comment in runner.comments]
    assert heads == ["`author`", "`ben`"]


@needs_jq
def test_comments_of_others_stay(runner: Runner) -> None:
    """A person's comment that begins with the mark, and that of another job, stay as they are."""
    first = runner.git("rev-parse", "HEAD")
    runner.change(*GAIN)
    runner.run("check.sh", EVENT_BASE=first, CHECKS="diff")
    found = (runner.outputs["diff"], runner.outputs["changed"])
    runner.comment()
    [one] = runner.comments
    runner.comments_file.write_text(json.dumps([one | {"user": {"type": "User"}}]), encoding="utf-8")
    again = {"GH_TOKEN": "secret", "PULL_REQUEST": "7", "DIFF": found[0], "CHANGED": found[1]}
    runner.run("comment.sh", POLICY="", **again)
    runner.run("comment.sh", POLICY="other", **again)
    runner.run("comment.sh", POLICY="", **again)
    assert [comment["user"]["type"] for comment in runner.comments] == ["User", "Bot", "Bot"]


def test_a_token_that_may_not_write(runner: Runner) -> None:
    """Without the permission, as for a pull request from a fork, it is a warning: the run does not fail for it."""
    first = runner.git("rev-parse", "HEAD")
    runner.change(*GAIN)
    runner.run("check.sh", EVENT_BASE=first, CHECKS="diff")
    printed = runner.comment(FAKE_FORK="1")
    assert "::warning title=remit::" in printed
    assert runner.comments == []


# -- installing, and action.yml ----------------------------------------------------------------------------------------


def test_installs_its_own_checkout(runner: Runner, tmp_path: Path) -> None:
    """What is installed is the checkout of the action, with the extras, into an environment of its own."""
    shutil.rmtree(runner.temp / "remit/venv")
    fake = tmp_path / "python"
    log = tmp_path / "log"
    runner.program(
        fake,
        '#!/bin/sh\necho "$@" >>"$LOG"\n[ "$2" = venv ] || exit 0\nmkdir -p "$3/bin"\ncp "$0" "$3/bin/python"\n'
        'cp "$0" "$3/bin/remit"\n',
    )
    given = {"PYTHON": str(fake), "LOG": str(log), "GITHUB_ACTION_PATH": "/actions/remit"}
    runner.run("install.sh", EXTRAS="prove,sql", **given)
    assert "install --quiet --disable-pip-version-check /actions/remit[prove,sql]" in log.read_text(encoding="utf-8")
    runner.run("install.sh", code=2, EXTRAS="prove] evil[x", **given)


@pytest.fixture(scope="module")
def action(root: Path) -> dict[str, Any]:
    """action.yml."""
    found = yaml.safe_load((root / "action.yml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_no_text_becomes_script(action: dict[str, Any]) -> None:
    """No `run` of the action has an expression in it, and each names its shell."""
    runs = [step for step in action["runs"]["steps"] if "run" in step]
    assert len(runs) == 3
    assert [step for step in runs if "${{" in step["run"] or step["shell"] != "bash"] == []


def test_other_actions_are_pinned(action: dict[str, Any]) -> None:
    """Each action that this one uses is named by its whole commit."""
    uses = [step["uses"] for step in action["runs"]["steps"] if "uses" in step]
    assert uses
    assert [one for one in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one)] == []


def test_the_token_is_for_the_comment(action: dict[str, Any]) -> None:
    """Only the step that writes the comment is given the token."""
    given = [step["id"] for step in action["runs"]["steps"] if "inputs.token" in json.dumps(step)]
    assert given == ["comment"]


def test_every_input_is_used(action: dict[str, Any], root: Path) -> None:
    """Each input reaches a step, each output comes of one, and docs/ci.md has them all."""
    text = (root / "action.yml").read_text(encoding="utf-8")
    page = (root / "docs/ci.md").read_text(encoding="utf-8")
    assert [name for name in action["inputs"] if f"inputs.{name} " not in text.replace("}}", " ")] == []
    script = (root / ".github/action/check.sh").read_text(encoding="utf-8")
    assert [name for name in action["outputs"] if f"output {name} " not in script] == []
    assert [name for name in (*action["inputs"], *action["outputs"]) if f"`{name}`" not in page] == []


def test_scripts_set_their_options(root: Path) -> None:
    """Every script stops at the first error, at unset names and in pipes."""
    scripts = sorted((root / ".github/action").glob("*.sh"))
    assert len(scripts) == 3
    assert [path.name for path in scripts if "\nset -euo pipefail\n" not in path.read_text(encoding="utf-8")] == []


def test_schema_of_actions(action: dict[str, Any]) -> None:
    """action.yml is valid by the public schema of actions."""
    schemas = pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed: it ships the schemas")
    vendor = Path(schemas.__file__).parent / "builtin_schemas/vendor/github-actions.json"
    Draft7Validator(json.loads(vendor.read_text(encoding="utf-8"))).validate(action)

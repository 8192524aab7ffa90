"""The settings for CI services on docs/ci.md: each is valid by its service's schema, and what it calls runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from remit.cli.init_command import DIRECTORY, POLICY
from remit.policy import Policy
from remit.testing.run import run

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
SETTINGS = dict(re.findall(r"^<!-- file: (\S+) -->\n```yml\n(.*?)^```$", PAGE, re.S | re.M))
SCHEMAS = {".github/workflows": "github-workflows.json", ".": "gitlab-ci.json"}


def loaded(name: str) -> Any:
    return yaml.safe_load(SETTINGS[name])


def test_all_settings_are_looked_at() -> None:
    """Each block of settings on the page says which file it is, and these are they."""
    assert PAGE.count("```yml") == len(SETTINGS)
    assert sorted(SETTINGS) == [
        ".github/workflows/gains.yml",
        ".github/workflows/gate.yml",
        ".github/workflows/people.yml",
        ".github/workflows/policy.yml",
        ".gitlab-ci.yml",
        ".pre-commit-config.yaml",
    ]


@pytest.mark.parametrize("name", [name for name in SETTINGS if not name.startswith(".pre-commit")])
def test_schema(name: str) -> None:
    """Settings are valid by the public schema of their service."""
    schemas = pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed: it ships the schemas")
    vendor = Path(schemas.__file__).parent / "builtin_schemas/vendor"
    schema = json.loads((vendor / SCHEMAS[Path(name).parent.as_posix()]).read_text(encoding="utf-8"))
    # A workflow's `on` is a bool in YAML 1.1, and a word to GitHub.
    data = {"on" if key is True else key: value for key, value in loaded(name).items()}
    assert not [error.message for error in Draft7Validator(schema).iter_errors(data)]


def test_pre_commit_settings() -> None:
    """pre-commit takes the settings, and the checkout has the hooks they name."""
    client = pytest.importorskip("pre_commit.clientlib", reason="pre-commit is not installed")
    hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
    data = loaded(".pre-commit-config.yaml")
    client.cfgv.validate(data, client.CONFIG_SCHEMA)
    assert {hook["id"] for hook in data["repos"][0]["hooks"]} == hooks


@pytest.mark.parametrize("name", [name for name in SETTINGS if name.startswith(".github")])
def test_inputs_and_outputs_exist(name: str) -> None:
    """A workflow gives the action inputs that it has, and reads outputs that it has."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    [job] = loaded(name)["jobs"].values()
    [step] = [step for step in job["steps"] if "/remit@" in step.get("uses", "")]
    assert set(step.get("with", {})) <= set(action["inputs"])
    assert set(re.findall(r"steps\.remit\.outputs\.([\w-]+)", SETTINGS[name])) <= set(action["outputs"])


def test_fail_under_is_within_reach() -> None:
    """The policy of `remit init` passes every `fail-under` of the page, which says how much its tests reach."""
    table = Policy.from_sources({"main.remit": POLICY}).table
    found = run(table, time.time_ns, cover=True).coverage
    assert found is not None
    reached = int(found.percent)
    asked = {int(number) for number in re.findall(r"fail-under:? (\d+)", PAGE)}
    assert asked == {60}
    assert max(asked) <= reached
    assert f"one test reaches {reached} %" in " ".join(PAGE.split())


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the runners of these scripts have a POSIX shell")
@pytest.mark.parametrize("job", [name for name in loaded(".gitlab-ci.yml") if not name.startswith(".")])
def test_gitlab_job(job: str, tmp_path: Path) -> None:
    """The script of each job on GitLab ends with 0 on the policy of `remit init`, and leaves the reports it names."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy/main.remit").write_text(POLICY, encoding="utf-8")
    (tmp_path / "policy/directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    (tmp_path / "remit.toml").write_text('policy = "policy"\n', encoding="utf-8")
    found = loaded(".gitlab-ci.yml")[job]
    script = "\n".join(["git init -q && git add -A && git commit -q -m first", *found["script"]])
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "CI_"))} | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD",
        "POLICY_TOKEN": "",
        "PYTHONDONTWRITEBYTECODE": "1",
        **{f"GIT_{who}_{what}": "ann@acme.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(["sh", "-euc", script], cwd=tmp_path, env=env, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    artifacts = found["artifacts"]
    files = [*artifacts.get("reports", {}).values(), *artifacts.get("paths", [])]
    assert files
    for name in files:
        assert (tmp_path / name).read_text(encoding="utf-8").strip()
    if "codequality" in artifacts.get("reports", {}):
        assert json.loads((tmp_path / artifacts["reports"]["codequality"]).read_text(encoding="utf-8")) == []

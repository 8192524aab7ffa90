"""A shop's policy, the repository it is in, and calls of `remit diff` in it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from click.testing import CliRunner, Result

from remit.cli.main import remit

POLICY = """\
policy shop "Shop"
area sales "Sales" {
  resource order { owner: user  amount: int  actions read, create, cancel }
}
area money "Money" {
  resource invoice { amount: int  actions read, refund }
}
condition own = resource.owner == user.id
role viewer "Viewer" { in sales { allow read on order } }
role clerk "Clerk" includes viewer {
  in sales { allow create, cancel on order when own }
  in money { allow refund on invoice when resource.amount <= 500 }
}
role audit "Audit" { in money { allow read on * } in sales { deny cancel on order } }
guard one: at least 1 active clerk
"""
DIRECTORY = """\
users:
  ann: {assignments: [{role: clerk}]}
  bob: {status: disabled, assignments: [{role: clerk}]}
  cyd: {assignments: [{role: viewer}]}
"""
WIDER = (" when resource.amount <= 500", "")


def git(*words: str) -> str:
    own = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *own, *words], check=True, capture_output=True)
    return done.stdout.decode("utf-8", "replace")


def commit(message: str) -> None:
    git("add", "-A")
    git("commit", "-q", "-m", message)


def rewrite(file: Path, *replaced: str) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in zip(replaced[::2], replaced[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def call(*words: str) -> Result:
    return CliRunner().invoke(remit, ["diff", *words])


def kinds(*words: str) -> set[str]:
    """The classes of the changes there are."""
    result = call(*words, "--output-format", "json")
    assert result.exit_code == 0, result.stderr
    return {change["kind"] for change in json.loads(result.stdout)["changes"]}


def refused(*words: str) -> str:
    """What a call says that ends with 2."""
    result = call(*words)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "Traceback" not in result.stderr
    return result.stderr

"""`remit init`: the first files of a policy."""

from __future__ import annotations

from pathlib import Path

import click

from remit.cli.session import answers, fail, shown

SETTINGS = """\
# Where remit finds things. Paths are relative to this file.
policy = "policy"
directory = "policy/directory.yaml"
"""

POLICY = """\
# Who may do what with documents. Every `.remit` file of this folder belongs to the policy.
#
#   remit lint                                            is anything wrong?
#   remit test                                            do the examples below hold?
#   remit can ben edit document:plan --set author=ben     may ben?
#   remit explain ben edit document:plan                  and which line says so?
policy documents "Documents"

# The catalogue: what there is, and what can be done with it.
area writing "Writing" {
  resource document {
    author: user
    state: "draft" | "published"
    actions read, create, edit, publish, delete
  }
}

condition own "their own document" = resource.author == user.id

# Roles. Nothing is allowed unless a line allows it.
role reader "Reader" {
  in writing {
    allow read on document when resource.state == "published" because "drafts are nobody's business yet"
  }
}

role author "Author" includes reader {
  in writing {
    allow create on document
    allow read, edit on document when own
    allow delete on document when own and resource.state == "draft" because "what is published stays"
  }
}

role editor "Editor" includes author {
  in writing {
    allow read, edit, publish, delete on document
  }
}

# Properties that hold for every request.
assert "each role may what the one before may": reader within author within editor
assert "only editors publish": only editor may publish on document

# Examples, run by `remit test`.
test "authors write, editors publish" {
  user ann is editor
  user ben is author
  user cleo is reader
  given document plan { author: ben, state: "draft" }
  given document news { author: ann, state: "published" }
  ben may edit plan
  ben may delete plan
  ben may not edit news because own
  ben may not publish plan
  ann may publish plan
  cleo may read news
  cleo may not read plan
}
"""

DIRECTORY = """\
# Who holds which role.
users:
  ann:
    assignments: [{role: editor}]
  ben:
    assignments: [{role: author}]
  cleo: {}                            # reads through the group below

groups:
  staff:
    members: [cleo]
    assignments: [{role: reader}]
"""

FILES = {"remit.toml": SETTINGS, "policy/main.remit": POLICY, "policy/directory.yaml": DIRECTORY}


@click.command("init", short_help="write the first files of a policy")
@click.argument("folder", default=".")
@answers
def command(folder: str) -> int:
    """Write remit.toml, policy/main.remit and policy/directory.yaml into FOLDER (default: here): a small policy with
    its tests to begin from. Nothing is overwritten.

    Example: remit init access"""
    home = Path(folder)
    there = [name for name in FILES if (home / name).exists() or (home / name).is_symlink()]
    if there:
        fail(f"`{home / there[0]}` is there already", "nothing was written; name another folder: remit init FOLDER")
    written: list[Path] = []
    try:
        for name, text in FILES.items():
            file = home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as opened:
                written.append(file)
                opened.write(text)
    except OSError as error:
        for file in written:
            file.unlink(missing_ok=True)
        fail(f"nothing can be written to `{home}`: {(error.strerror or 'unknown reason').lower()}")
    inside = f"cd {home} && " if home.resolve() != Path.cwd() else ""
    click.echo(shown(f"wrote {', '.join(str(home / name) for name in FILES)}"))
    click.echo(shown(f"go on with: {inside}remit test"))
    return 0

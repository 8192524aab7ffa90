"""What there is to know of a code beside its findings: its page in docs/errors, its level, and how it comes to run."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from remit.codes import CODES
from remit.diagnostics import Level
from remit.lint.registry import RULES, rule_of


class Code(NamedTuple):
    """`default`: found without being asked for. `exact`: by `lint --exact` alone. `fixable`: some of its findings come
    with a fix. Codes of the compiler are always on, and what they find people mend."""

    code: str
    name: str
    level: Level
    default: bool
    exact: bool
    fixable: bool

    @property
    def page(self) -> str:
        """Its page, from the root of the repository."""
        return f"docs/errors/{self.code}.md"


@lru_cache(maxsize=1)
def codes() -> tuple[Code, ...]:
    """Every code there is, in order."""
    return tuple(_code(code) for code in sorted(CODES))


def _code(code: str) -> Code:
    if code not in RULES:
        return Code(code, CODES[code], "error" if code.startswith("E") else "warning", True, False, False)
    rule = rule_of(code)
    fixable = hasattr(import_module(f"remit.lint.{RULES[code]}"), "Fix")  # what a module needs to give one
    return Code(code, rule.name, rule.level, rule.default, rule.needs == "exact", fixable)


def page_text(code: str) -> str:
    """A code's page, as Markdown: from inside the installed package, else from the checkout. Raises KeyError for a code
    that is none, OSError where the installation is broken."""
    if code not in CODES:
        raise KeyError(code)
    package = Path(__file__).resolve().parents[1]
    installed = package / "docs" / "errors" / f"{code}.md"
    found = installed if installed.is_file() else package.parents[1] / "docs" / "errors" / installed.name
    return found.read_text(encoding="utf-8")


def prose(page: str) -> list[str]:
    """The paragraphs of a page between its title and its examples, each on one line."""
    head = page.partition("\n## ")[0].partition("\n")[2]
    return [" ".join(paragraph.split()) for paragraph in head.split("\n\n") if paragraph.strip()]

"""Correct policies to put defects into: copies of the shipped ones, and generated ones with overlays, as folders."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import NamedTuple

from referee.generate import Case, make_case
from referee.judge import written as directory_json
from referee.world import NOW

from remit.diagnostics import Diagnostic
from remit.lint.registry import RULES, rule_of
from remit.lint.rule import LintRule, Settings
from remit.model.expression import quoted
from remit.model.policy import Model, Rule
from remit.project.linting import Linted, lint_policy
from remit.project.looked import whole_path
from remit.project.policies import load
from remit.project.silencing import Quiet, said
from remit.source import Source, Span
from remit.syntax.printing import formatted
from remit.table.shape import RuleEntry, Table

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = (
    "amberflo",
    "amplitude",
    "bizmetry",
    "measure",
    "amplitude/overlays/fernway",
    "measure/overlays/subscription_desk",
)
_LEFT_OUT = ("events.remit", "coverage.remit", "README.md")  # examples alone, which take time to compile
SPOKEN = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|#[^\n]*')


class Edit(NamedTuple):
    """A stretch of a file's text, and what is to stand there. What lies between ⟦ and ⟧ is marked as the defect; the
    brackets are taken out."""

    path: str
    start: int
    end: int
    text: str


class Mark(NamedTuple):
    """Where a defect stands, in the text that has it."""

    path: str
    start: int
    end: int


class Spot(NamedTuple):
    """A rule of the policy's own text, and its entry in the table. `role` and `block` as in a lint `Written`."""

    role: str | None
    block: str | None
    extends: bool
    rule: Rule
    entry: RuleEntry

    @property
    def cells(self) -> set[tuple[str, str]]:
        return {(name, action) for name, actions in self.entry.cells.items() for action in actions}


@dataclass
class Ground:
    """A policy in a folder. `texts` are its own files' by whole path, its directory's under `people`."""

    name: str
    folder: Path
    texts: dict[str, str]
    model: Model
    table: Table
    sources: list[Source]
    people: str = ""
    case: Case | None = None
    _before: dict[str, list[Diagnostic]] = field(default_factory=dict)

    def before(self, code: str) -> list[Diagnostic]:
        """What lint finds without any defect, where the rule of this code is wanted."""
        key = code if code == "W103" or (code in RULES and not rule_of(code).default) else ""
        if key not in self._before:
            self._before[key] = look(self.folder, {}, code)
        return self._before[key]

    def free(self, span: Span, *codes: str) -> bool:
        """Whether nothing of these codes is found at a place."""
        return not any(
            one.code in codes and any(_meets(at, span) for at in (one.span, *(label.span for label in one.secondary)))
            for one in self.before(codes[0])
        )

    def found(self, code: str) -> bool:
        return any(one.code == code for one in self.before(code))

    @property
    def layered(self) -> bool:
        return self.model.base is not None

    @cached_property
    def spots(self) -> list[Spot]:
        """The policy's own rules that speak of anything."""
        entries = {(one.place.file, one.place.line, one.place.column): one for one in self.table.rules}
        model = self.model
        every: list[tuple[str | None, str | None, bool, Rule]] = []
        every += [(name, None, False, rule) for name, role in model.roles.items() for rule in role.rules]
        every += [(name, None, True, rule) for name, rules in model.extensions.items() for rule in rules]
        every += [(None, "everyone", False, rule) for rule in model.everyone]
        every += [(None, "members", False, rule) for rule in model.members]
        found = []
        for role, block, extends, rule in every:
            entry = entries.get((rule.span.source.name, rule.span.line, rule.span.column))
            if entry is not None and entry.cells:
                found.append(Spot(role, block, extends, rule, entry))
        return found

    def allowed(self) -> set[tuple[str, str]]:
        """The cells that any rule allows to anybody."""
        return {
            (name, action)
            for one in self.table.rules
            if one.effect == "allow"
            for name, actions in one.cells.items()
            for action in actions
        }

    # -- places and edits --------------------------------------------------------------------------------------------

    def path(self, span: Span) -> str:
        return whole_path(span.source)

    def instead(self, span: Span, text: str) -> Edit:
        return Edit(self.path(span), span.start, span.end, text)

    def marked(self, span: Span) -> Edit:
        """Marks what stands there already."""
        return self.instead(span, f"⟦{span.text}⟧")

    def at_end(self, text: str, path: str = "") -> Edit:
        path = path or self.path(self.model_span())
        return Edit(path, len(self.texts[path]), len(self.texts[path]), f"\n{text}\n")

    def model_span(self) -> Span:
        """The first file that roles stand in, or any."""
        spans = [role.span for role in self.model.roles.values()] + [spot.rule.span for spot in self.spots]
        return spans[0] if spans else Span(self.sources[0], 0, 0)

    def behind(self, span: Span, text: str) -> Edit:
        return Edit(self.path(span), span.end, span.end, text)

    def before_span(self, span: Span, text: str) -> Edit:
        return Edit(self.path(span), span.start, span.start, text)

    def inside(self, span: Span, text: str) -> Edit:
        """Text just behind the next `{` after a head."""
        at = bare(span.source.text).index("{", span.end) + 1
        return Edit(self.path(span), at, at, f"\n{text}\n")

    def body(self, spot: Spot, text: str) -> Edit:
        """Text at the top of the body that a rule stands in."""
        if spot.role is not None and not spot.extends:
            return self.inside(self.model.roles[spot.role].span, text)
        head = rf"extend\s+role\s+{spot.role}\s*(?=\{{)" if spot.extends else rf"(?<!\w){spot.block}\s*(?=\{{)"
        source = spot.rule.span.source
        heads = [found for found in re.finditer(head, bare(source.text)) if found.end() < spot.rule.span.start]
        return self.inside(Span(source, heads[-1].start(), heads[-1].end()), text)

    def block(self, block: str, text: str) -> Edit:
        """Text in the policy's own block `everyone` or `members`, the first of them; in a new one where it has none."""
        heads = list(self.words(rf"^{block}\s*(?=\{{)"))
        return self.inside(heads[0], text) if heads else self.at_end(f"{block} {{\n{text}\n}}")

    def quirk(self, word: str) -> str:
        """A rule that nothing else says, of little effect: for a role or a block that must not be empty."""
        plain = [
            (kind, action)
            for rule in self.table.rules
            if rule.effect == "allow" and rule.condition is None
            for kind, actions in rule.cells.items()
            for action in actions
        ]
        first = next(iter(self.table.types.values()))
        kind, action = plain[0] if plain else (first.name, first.actions[0])
        return f'deny {quoted(action)} on {quoted(kind)} when resource.id == "{word}"'

    def compiled(self, edits: Iterable[Edit]) -> Table | None:
        """The table of the policy with some edits; None where it does not compile."""
        return load(self.folder, apply(self.texts, edits)[0]).compiled.table

    def words(self, pattern: str) -> Iterator[Span]:
        """Where a pattern stands in the policy's own texts, outside of comments and strings."""
        for source in self.sources:
            for found in re.finditer(pattern, bare(source.text), re.M):
                yield Span(source, *found.span())


def bare(text: str) -> str:
    """A text whose comments and strings are blank."""
    return SPOKEN.sub(lambda found: " " * len(found[0]), text)


def _meets(one: Span | None, other: Span) -> bool:
    return (
        one is not None
        and whole_path(one.source) == whole_path(other.source)
        and (one.start < other.end and other.start < one.end)
    )


def apply(texts: Mapping[str, str], edits: Iterable[Edit]) -> tuple[dict[str, str], list[Mark]]:
    """The changed files' texts, and where the marks are in them."""
    by_path: dict[str, list[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit.path, []).append(edit)
    changed: dict[str, str] = {}
    marks: list[Mark] = []
    for path, some in by_path.items():
        pieces, at = [], 0
        for edit in sorted(some, key=lambda one: (one.start, one.end)):
            assert edit.start >= at, "edits of one seed overlap"
            pieces += [texts[path][at : edit.start], edit.text]
            at = edit.end
        text = "".join([*pieces, texts[path][at:]])
        plain, opened = "", 0
        for piece in re.split("([⟦⟧])", text):
            if piece == "⟦":
                opened = len(plain)
            elif piece == "⟧":
                marks.append(Mark(path, opened, len(plain)))
            else:
                plain += piece
        changed[path] = plain
    return changed, marks


def moved(edits: Iterable[Edit], path: str, at: int) -> tuple[int, int]:
    """Where a place of a text may be once edits are done: the first and the last offset."""
    shift = 0
    for edit in sorted((one for one in edits if one.path == path), key=lambda one: (one.start, one.end)):
        length = len(re.sub("[⟦⟧]", "", edit.text))
        if at < edit.start or (at == edit.start < edit.end):
            break
        if at < edit.end:
            return edit.start + shift, edit.start + shift + length
        shift += length - (edit.end - edit.start)
    return at + shift, at + shift


def look(folder: Path, texts: dict[str, str], code: str, baseline: Path | None = None) -> list[Diagnostic]:
    """What lint finds, with the solver: by the rules that run unless told otherwise, and by that of `code`."""

    def wanted(rule: LintRule) -> bool:
        return rule.default or rule.code == code

    settings = Settings(("allow", "deny")) if code == "W103" else Settings()
    linted = Linted(NOW, wanted, settings, exact=True, texts=texts)
    lint_policy(linted, folder, None)
    return said(linted, Quiet(baseline=baseline)).findings


# -- the policies ----------------------------------------------------------------------------------------------------


def _ground(name: str, folder: Path, case: Case | None = None) -> Ground | None:
    loaded = load(folder)
    if loaded.compiled.table is None:
        return None
    people = folder / "directory.yaml"
    texts = {whole_path(source): source.text for source in loaded.own}
    found = Ground(name, folder, texts, loaded.compiled.model, loaded.compiled.table, loaded.own, case=case)
    if people.is_file():
        found.people = os.path.abspath(people)
        found.texts[found.people] = people.read_text(encoding="utf-8")
    return found


def shipped(below: Path) -> list[Ground]:
    """Copies of the shipped policies and their overlays."""
    target = below / "policies"
    if not target.exists():
        shutil.copytree(ROOT / "policies", target, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    found = [_ground(name, target / name) for name in SHIPPED]
    return [one for one in found if one is not None]


def generated(below: Path, count: int, seed: int = 1) -> Iterator[Ground]:
    """Generated policies, in the one format; every other one with the overlays that go with it."""
    for number in range(count):
        case = make_case(Random(f"{seed}/ground/{number}"), 0)
        folder = below / f"g{seed}_{number}"
        layers = [case.sources, *(case.overlays if number % 2 else ())]
        for level, layer in enumerate(layers):
            place = folder / f"layer{level}"
            extends = f'policy over{level} extends "../layer{level - 1}"\n\n' if level else ""
            for at, (name, text) in enumerate(layer.items()):
                file = place / name
                file.parent.mkdir(parents=True, exist_ok=True)
                if level:
                    text = re.sub(r'^policy \w+ extends "\.\."\n*', "", text, flags=re.M)
                text = (extends if at == 0 else "") + text
                file.write_text(formatted(Source(name, text)), encoding="utf-8")
        top = folder / f"layer{len(layers) - 1}"
        people = json.dumps(directory_json(case.directory), indent=2)
        (top / "directory.yaml").write_text(people + "\n", encoding="utf-8")
        found = _ground(f"generated {seed}/{number}", top, case)
        if found is not None:
            yield found

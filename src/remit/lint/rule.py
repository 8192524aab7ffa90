"""What a lint rule is, and what it is shown.

A rule is one module of this room, registered by one line in `remit.lint.registry`. Its docstring is its manual and the
prose of its page: what it finds, why that is bad, the real defect it would have caught, whether its fix is safe.

    @rule("W305", "duplicate-rule")
    def check(subject: Subject) -> Iterator[Diagnostic]:
        for written in subject.rules():
            …
            yield check.finding("this rule stands twice", written.rule.span, help="remove one of the two")

What a rule `needs` decides what its function is given, and when it runs:

| needs | given | runs |
|---|---|---|
| policy | `Subject` | on every policy that compiles |
| exact | `Subject`, `Prover` | with `lint --exact` alone: it needs the solver |
| people | `People` | where a policy and a directory meet |
| text | one `Source` | on every file that could be read, also where there are errors |
| silence | `Silence` | on the comments of each file, when it is known what they keep silent |
| baseline | the stale entries | where a baseline is held against the findings |

Findings of a base are the base's: in an overlay, a rule speaks of what the overlay adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from remit.diagnostics import Diagnostic, Fix, Label, Level
from remit.directory.shape import Directory
from remit.evaluator.holding import Holders
from remit.evaluator.index import Index
from remit.lint.words import near
from remit.model.expression import Attr, Const, Expr, Member, attributes, walk
from remit.model.policy import Model, Role, Rule
from remit.source import Source, Span
from remit.table.meaning import Forms
from remit.table.shape import Place, RuleEntry, Table

Needs = Literal["policy", "exact", "people", "text", "silence", "baseline"]
Effect = Literal["allow", "deny"]


class Settings(NamedTuple):
    """What the settings say to rules. `reasons`: the effects whose rules must have a `because`."""

    reasons: tuple[Effect, ...] = ()


class Written(NamedTuple):
    """A rule of this policy's own text: of a role (`extends` where the overlay extends a base's), or of a block.
    `entry` is what became of it in the table, None where nothing did."""

    role: str | None
    block: str | None
    extends: bool
    rule: Rule
    entry: RuleEntry | None


@dataclass(frozen=True)
class Subject:
    """A policy that compiled. `model` is its outermost layer, `sources` are that layer's files."""

    model: Model
    table: Table
    sources: Sequence[Source]
    settings: Settings = field(default_factory=Settings)

    @cached_property
    def index(self) -> Index:
        return Index(self.table)

    @cached_property
    def entries(self) -> Mapping[tuple[str, int, int], RuleEntry]:
        """The table's rules by file, line and column."""
        return {(rule.place.file, rule.place.line, rule.place.column): rule for rule in self.table.rules}

    @cached_property
    def written(self) -> Sequence[Written]:
        """Every rule of this layer, in the order of the text within a role."""
        found = [(name, None, False, rule) for name, role in self.model.roles.items() for rule in role.rules]
        found += [(name, None, True, rule) for name, rules in self.model.extensions.items() for rule in rules]
        blocks = (("everyone", self.model.everyone), ("members", self.model.members))
        in_blocks = [(None, block, False, rule) for block, rules in blocks for rule in rules]
        return [Written(*one, self.entry(one[-1].span)) for one in [*found, *in_blocks]]

    def entry(self, span: Span) -> RuleEntry | None:
        """The table's rule that was written at a place."""
        return self.entries.get((span.source.name, span.line, span.column))

    def role(self, name: str) -> Role | None:
        """A role of this layer or a base's."""
        return self.model.role(name)

    @cached_property
    def forms(self) -> Forms:
        """The normal forms of conditions, each worked out once for all rules that ask."""
        return Forms(self.table)

    @cached_property
    def conditions(self) -> Sequence[Expr]:
        """Every condition that something of this layer is decided by: rules', events', asserts'."""
        found = [written.rule.condition for written in self.written]
        found += [event.trigger for event in self.model.events if not isinstance(event.trigger, str)]
        found += [claim.condition for claim in self.model.assertions]
        return [condition for condition in found if condition is not None]

    @cached_property
    def attributes(self) -> frozenset[Attr]:
        """Every attribute that the conditions of this layer read or ask for."""
        once = {id(one): one for one in self.conditions}.values()
        return frozenset[Attr]().union(*(attributes(condition) for condition in once))

    @cached_property
    def meaningful(self) -> frozenset[str]:
        """Names that mean something by themselves, wherever a role is called so: those that conditions compare with,
        and the roles of guards and asserts, in every layer."""
        found = {guard.role for guard in self.table.guards.values()} | {g.other for g in self.table.guards.values()}
        found.update(name for claim in self.table.assertions for name in claim.roles)
        conditions = [rule.condition for rule in self.table.rules] + [
            claim.condition for claim in self.table.assertions
        ]
        for condition in {id(one): one for one in conditions if one is not None}.values():
            for part in walk(condition):
                constants = (
                    part.collection if isinstance(part, Member) and isinstance(part.collection, tuple) else (part,)
                )
                found.update(str(one.value) for one in constants if isinstance(one, Const) and one.kind == "string")
        return frozenset(found)

    @cached_property
    def _spans(self) -> Mapping[tuple[str, int, int], Span]:
        found = {}
        for level, layer in enumerate(layers := self.model.layers()):
            prefix = "" if level == len(layers) - 1 else f"{layer.name}:"
            rules = [rule for role in layer.roles.values() for rule in role.rules]
            rules += [rule for extended in layer.extensions.values() for rule in extended]
            spans = [rule.span for rule in [*rules, *layer.everyone, *layer.members]]
            spans += [role.span for role in layer.roles.values()]
            for span in spans:
                found[prefix + span.source.name, span.line, span.column] = span
        return found

    def span(self, place: Place) -> Span:
        """Where a rule or role of the table was written, in this layer or a base's."""
        return self._spans[place.file, place.line, place.column]


@dataclass(frozen=True)
class People:
    """A directory beside its policy. `source` is the directory's text, empty where it is a database; `now` counts
    nanoseconds since 1970."""

    table: Table
    index: Index
    directory: Directory
    source: Source
    now: int

    def at(self, line: int, column: int, word: str) -> Span:
        """The word at a place of the directory's text (lines and columns from 1); the place alone where it is not
        there."""
        start = self._starts[min(line, len(self._starts)) - 1] + column - 1 if line else 0
        return Span(self.source, start, start + (len(word) if self.source.text.startswith(word, start) else 1))

    @cached_property
    def holders(self) -> Holders:
        """Who holds what."""
        return Holders(self.table, self.directory, self.index.bits)

    def near(self, line: int, column: int, word: str) -> Span:
        """Where a word first stands from a place on; the place alone where it is not near."""
        at = self.at(line, column, word)
        return (near(self.source, at.start, word) if line else None) or at

    @cached_property
    def _starts(self) -> Sequence[int]:
        found, at = [0], 0
        while (at := self.source.text.find("\n", at) + 1) > 0:
            found.append(at)
        return found


class LintRule(NamedTuple):
    """A registered rule. `default` rules run unless they are ignored; the others where they are selected by name or
    code, or a setting asks for them."""

    code: str
    name: str
    needs: Needs
    level: Level
    default: bool
    check: Callable[..., Iterator[Diagnostic]]

    def __call__(self, *given: Any) -> Iterator[Diagnostic]:
        return self.check(*given)

    def finding(
        self,
        message: str,
        span: Span | None,
        label: str = "",
        help: str = "",
        secondary: Sequence[Label] = (),
        fix: Fix | None = None,
        level: Level | None = None,
    ) -> Diagnostic:
        """A finding of this rule."""
        return Diagnostic(self.code, message, span, label, help, tuple(secondary), level or self.level, fix)


def rule(
    code: str, name: str, *, needs: Needs = "policy", level: Level = "warning", default: bool = True
) -> Callable[[Callable[..., Iterator[Diagnostic]]], LintRule]:
    """Makes a function that yields findings a lint rule."""
    return lambda check: LintRule(code, name, needs, level, default, check)

"""What stands in a file and in each block, in the order of the text; and where each kind of item may be parted.

A new statement or item needs a case in `inside` or in `item_layout`; `assert_never` names the one that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, assert_never

from remit.syntax import tree
from remit.syntax.printing_expressions import layout
from remit.syntax.printing_words import TOKEN, Fill, Layout, Row, Words, stack

_FURTHER = 4  # columns: what goes on from the head of a block or a rule stands further in than what is inside it
_ITEM_WORDS = 3  # of `individual over group`, `roles from subject`


class ActionList(NamedTuple):
    """`actions a, b` in a resource."""

    start: int
    end: int


class Setting(NamedTuple):
    """`individual over group` or `roles from subject`."""

    start: int
    end: int


Blocked = (
    tree.Area
    | tree.Resource
    | tree.Permission
    | tree.Attributes
    | tree.Role
    | tree.ExtendRole
    | tree.Block
    | tree.AreaBlock
    | tree.Assignments
    | tree.Test
)
Line = (
    tree.Policy
    | tree.Scope
    | tree.ActionSet
    | tree.Condition
    | tree.Guard
    | tree.Assertion
    | tree.Attribute
    | tree.Bundle
    | tree.AccessRule
    | tree.GrantRule
    | tree.OnEvent
    | tree.TestScope
    | tree.TestUser
    | tree.TestGiven
    | tree.TestMay
    | tree.TestEvent
    | ActionList
    | Setting
)
Item = Blocked | Line
Placed = tuple[int, int, Item]  # from where to where


def place(item: Item) -> Placed:
    """An item with its offsets, the end exclusive."""
    if isinstance(item, tree.Attribute):
        return item.name.start, item.type.span.end, item
    if isinstance(item, tree.Bundle):
        return item.actions[0].start, item.types[-1].end, item
    if isinstance(item, ActionList | Setting):
        return item.start, item.end, item
    span = item.span
    return span.start, span.end, item


def inside(block: Blocked, opened: int, closed: int) -> list[Placed]:
    """The items between the braces of a block, in order."""
    source = block.span.source
    match block:
        case tree.Role() | tree.ExtendRole() | tree.Block():
            return _merged([*block.body.rules, *block.body.blocks])
        case tree.AreaBlock():
            return [place(rule) for rule in block.rules]
        case tree.Test():
            return [place(line) for line in block.lines]
        case tree.Area():
            return _merged([*block.resources, *block.permissions])
        case tree.Resource():
            return _merged([*block.attributes, *_action_lists(block, source.text)])
        case tree.Permission():
            return [place(bundle) for bundle in block.bundles]
        case tree.Attributes():
            return [place(attribute) for attribute in block.attributes]
        case tree.Assignments():
            return _merged([*block.events, *_settings(block, source.text, opened, closed)])
        case _:
            assert_never(block)


def _merged(items: Iterable[Item]) -> list[Placed]:
    """Nodes that the tree keeps apart by kind, in the order they were written."""
    return sorted((place(item) for item in items), key=lambda placed: placed[0])


def _action_lists(resource: tree.Resource, text: str) -> list[ActionList]:
    """The lists that the tree has as one: a comma before a name holds it to those before."""
    found: list[ActionList] = []
    ends = {attribute.name.start: attribute.type.span.end for attribute in resource.attributes}
    last = resource.name.end if resource.title is None else resource.title.span.end
    names = {name.start: name.end for name in resource.actions}
    for start in sorted([*ends, *names]):
        if start in names:
            head = next(match for match in TOKEN.finditer(text, last, start) if match[0][0] not in "{#")
            if text[head.start()] == ",":
                found[-1] = ActionList(found[-1].start, names[start])
            else:
                found.append(ActionList(head.start(), names[start]))
            last = names[start]
        else:
            last = ends[start]
    return found


def _settings(block: tree.Assignments, text: str, opened: int, closed: int) -> list[Setting]:
    """What stands between the events: the tree only has that it is there."""
    if not block.individual_over_group and not block.roles_from_subject:
        return []
    found: list[Setting] = []
    starts = [event.span.start for event in block.events] + [closed]
    ends = [opened] + [event.span.end for event in block.events]
    for begin, stop in zip(ends, starts, strict=True):
        words = [m for m in TOKEN.finditer(text, begin, stop) if m[0][0] != "#"]
        for at in range(0, len(words), _ITEM_WORDS):
            found.append(Setting(words[at].start(), words[min(at + _ITEM_WORDS, len(words)) - 1].end()))
    return found


# -- layouts -----------------------------------------------------------------------------------------------------------

_HEAD = re.compile(r'(?:[^"`#{]++|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|`[^`\n]*`|#[^\n]*)*+\{')


def opening(text: str, start: int) -> int:
    """Behind the `{` of the block that begins at `start`."""
    match = _HEAD.match(text, start)
    assert match, "a block has a brace"
    return match.end()


def head_layout(block: Blocked, words: Words) -> Layout:
    """Where the head of a block may be parted, up to its `{`."""
    stop = len(words)
    if isinstance(block, tree.Role) and block.includes:
        includes = words.at(block.includes[0].start) - 1
        return stack(Fill(0, includes, _FURTHER), Fill(includes, stop, _FURTHER), step=_FURTHER)
    return Fill(0, stop, _FURTHER)


def conditions(item: Line) -> list[tree.Expression]:
    """The conditions written in an item."""
    match item:
        case tree.Condition():
            return [item.expression]
        case tree.AccessRule() | tree.GrantRule():
            return [item.when] if item.when is not None else []
        case tree.OnEvent():
            return [] if item.trigger is None or isinstance(item.trigger, str) else [item.trigger]
        case tree.Assertion():
            if isinstance(item.claim, tree.AssertRequires):
                return [item.claim.expression]
            if isinstance(item.claim, tree.AssertOnly | tree.AssertNo) and item.claim.when is not None:
                return [item.claim.when]
            return []
        case _:
            return []


def item_layout(item: Line, words: Words) -> Layout:
    """Where an item may be parted."""
    stop = len(words)
    match item:
        case tree.AccessRule() | tree.GrantRule():
            return _rule(item, words)
        case tree.Condition():
            expression = words.at(item.expression.span.start)
            return stack(Fill(0, expression), layout(item.expression, words, expression, stop, 0))
        case tree.ActionSet():
            return stack(Fill(0, words.at(item.actions[0].start)), Fill(words.at(item.actions[0].start), stop, 0))
        case tree.Attribute():
            return Fill(0, stop, before=("|",))
        case tree.OnEvent():
            return _on_event(item, words)
        case tree.Guard():
            return _titled(words, Fill(_behind_colon(words), stop))
        case tree.Assertion():
            return _assertion(item, words)
        case tree.TestUser():
            held = words.at(item.held[0].role.start) - 1 if item.held else None
            return _parts(words, held, _word(words, "with", 2))
        case tree.TestGiven():
            return _parts(words, _word(words, "{", 3))
        case tree.TestMay():
            because = words.at(item.because.start) - 1 if item.because else None
            return _parts(words, _word(words, "with", 4 if item.expected else 5), because)
        case tree.TestEvent():
            outcome = words.at(item.because.start) - 3 if item.because else stop - 2
            return _parts(words, _word(words, "with", 2) if item.claims else None, outcome)
        case tree.Policy() | tree.Scope() | tree.Bundle() | tree.TestScope() | ActionList() | Setting():
            return Fill(0, stop)
        case _:
            assert_never(item)


def _parts(words: Words, *starts: int | None) -> Layout:
    """The words, parted at these if they are there."""
    bounds = [0, *(start for start in starts if start is not None), len(words)]
    return stack(*(Fill(begin, stop, _FURTHER) for begin, stop in zip(bounds, bounds[1:], strict=False)))


def _word(words: Words, text: str, least: int) -> int | None:
    """Where a word stands that is no name there, for names are before number `least`."""
    return next((number for number in range(least, len(words)) if words.texts[number] in (text, text + "}")), None)


def _rule(rule: tree.AccessRule | tree.GrantRule, words: Words) -> Layout:
    """`because` is parted first, then `except` and `when`."""
    stop = len(words)
    because = stop - 2 if rule.because is not None else stop
    when = words.at(rule.when.span.start) - 1 if rule.when is not None else because
    excepts = when
    if isinstance(rule, tree.AccessRule) and rule.excepts:
        first = rule.excepts[0].action or rule.excepts[0].type
        excepts = words.at(first.start) - 1
    condition = layout(rule.when, words, when, because) if rule.when is not None else None
    body = stack(Fill(0, excepts, _FURTHER), Fill(excepts, when), condition)
    return stack(body, Fill(because, stop))


def _on_event(event: tree.OnEvent, words: Words) -> Layout:
    stop = len(words)
    assign = words.at(event.assign[0].start) - 1 if event.assign else stop
    requires = words.at(event.requires.span.start) if event.requires is not None else None
    trigger: Layout | None = None
    if event.trigger is None:
        when = assign
    elif isinstance(event.trigger, str):
        when = assign - 1 - len(event.trigger.split())
        trigger = Fill(when, assign)
    else:
        when = words.at(event.trigger.span.start) - 1
        trigger = layout(event.trigger, words, when, assign)
    required = when if requires is None else requires
    return stack(Fill(0, required), Fill(required, when), trigger, Fill(assign, stop))


def _behind_colon(words: Words) -> int:
    return next((number + 1 for number, text in enumerate(words.texts) if text.endswith(":")), 1)


def _titled(words: Words, rest: Layout) -> Layout:
    return stack(Fill(0, _behind_colon(words)), rest)


def _assertion(assertion: tree.Assertion, words: Words) -> Layout:
    claim, stop = assertion.claim, len(words)
    first = 2 if assertion.title is not None else 1
    found: Layout
    match claim:
        case tree.AssertWithin():
            found = Fill(first, stop, before=("within",))
        case tree.AssertOnly() | tree.AssertNo():
            when = words.at(claim.when.span.start) - 1 if claim.when is not None else stop
            condition = layout(claim.when, words, when, stop) if claim.when is not None else None
            types = words.at(claim.types[0].start)
            found = stack(stack(Fill(first, types), Fill(types, when, 0)), condition)
        case tree.AssertRequires():
            requires = words.at(claim.expression.span.start) - 1
            found = stack(Fill(first, requires), layout(claim.expression, words, requires, stop))
        case tree.AssertNever():
            other = words.at(claim.other_actions[0].start) - 1
            found = stack(Fill(first, other), Fill(other, stop))
        case _:
            assert_never(claim)
    if assertion.title is None:
        return Row((Fill(0, 1), found))
    return stack(Fill(0, first), found)

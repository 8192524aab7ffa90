"""Seeders: how files are written (W0), names and words (W1)."""

from __future__ import annotations

import re
from random import Random

from remit.source import Span

from .ground import SPOKEN, Edit, Ground, bare
from .seeder import Seed, fresh, one, seeder

# -- W001 ------------------------------------------------------------------------------------------------------------


def _file(ground: Ground, random: Random) -> str | None:
    """A file of the policy that is in the one format."""
    untidy = {ground.path(found.span) for found in ground.before("W001") if found.code == "W001" and found.span}
    return one(random, sorted(path for path in ground.texts if path != ground.people and path not in untidy))


def _spoilt(how: str, pattern: str, instead: str) -> None:
    """A seeder that writes something else for a pattern's group outside of comments and strings."""

    @seeder("W001", how)
    def spoil(ground: Ground, random: Random) -> Seed | None:
        path = _file(ground, random)
        if path is None:
            return None
        text = ground.texts[path]
        found = one(random, list(re.finditer(pattern, bare(text))))
        if found is None or SPOKEN.match(text, found.end()) or text[found.end() - 1] in '#"':
            return None
        line = text.rfind("\n", 0, found.start(1)) + 1
        behind = text.find("\n", found.end(1)) + 1 or len(text)
        return Seed(
            [Edit(path, line, behind, f"⟦{text[line : found.start(1)]}{instead}{text[found.end(1) : behind]}⟧")]
        )


_spoilt("blanks between words", r"\w( )\w", "   ")
_spoilt("a tab at a line's start", r"\n( +)\w", "\t")
_spoilt("empty lines in a body", r"\{(\n) ", "\n\n\n")
_spoilt("blanks at a line's end", r"[\w}]()\n", "  ")
_spoilt("no blank behind a comma", r"\w(, )\w", ",")
_spoilt("a statement in two lines", r"\bon( )\w", "\n")


# -- W002 ------------------------------------------------------------------------------------------------------------


def _said(ground: Ground, random: Random, sign: str) -> tuple[str, int, int] | None:
    """A comment (`#`) or a string (`"`) of the policy: its file, start and end."""
    places = [
        (path, *found.span())
        for path, text in sorted(ground.texts.items())
        if path != ground.people
        for found in SPOKEN.finditer(text)
        if found[0][0] == sign and len(found[0]) > 6 and found[0].isascii() and "remit" not in found[0].lower()
    ]
    return one(random, places)


def _unseen(how: str, sign: str, characters: str) -> None:
    @seeder("W002", how)
    def hide(ground: Ground, random: Random) -> Seed | None:
        place = _said(ground, random, sign)
        if place is None or (sign == '"' and _is_value(ground, *place)):
            return None
        path, start, end = place
        at = random.randint(start + 2, end - 2)
        if ground.texts[path][at - 1] == "\\":
            return None
        return Seed([Edit(path, at, at, f"⟦{random.choice(characters)}⟧")])


def _is_value(ground: Ground, path: str, start: int, end: int) -> bool:
    """Whether a string stands where another text would mean something else: not behind `because` or as a title."""
    line = ground.texts[path][:start].rstrip().rpartition("\n")[2].split()
    return not line or (line[-1] != "because" and line[0] not in ("role", "locked", "area", "condition", "policy"))


_unseen("a turning mark in a comment", "#", "\u202e\u2067\u202b")
_unseen("a turning mark in a reason or title", '"', "\u202e\u2066\u202d")
_unseen("a blank without width in a comment", "#", "\u200b\ufeff\u2060")
_unseen("a blank without width in a reason or title", '"', "\u200b\u00ad\u2060")


@seeder("W002", "a letter of another alphabet in a comment, reason or title")
def letter(ground: Ground, random: Random) -> Seed | None:
    place = _said(ground, random, random.choice('#"'))
    if place is None or (ground.texts[place[0]][place[1]] == '"' and _is_value(ground, *place)):
        return None
    path, start, end = place
    alike = {"a": "а", "e": "е", "o": "ο", "p": "р", "c": "с", "x": "х", "i": "і"}
    text = ground.texts[path][start:end]
    words = [found for found in re.finditer(r"[A-Za-z]{3,}", text) if not alike.keys().isdisjoint(found[0])]
    word = one(random, words)
    if word is None:
        return None
    at = random.choice([at for at in range(*word.span()) if text[at] in alike])
    made = f"{text[word.start() : at]}{alike[text[at]]}{text[at + 1 : word.end()]}"
    return Seed([Edit(path, start + word.start(), start + word.end(), f"⟦{made}⟧")])


# -- W101, W102, W103 ------------------------------------------------------------------------------------------------

_HUMPS = ("{0}New", "new{1}", "{1}", "{2}", "{0}_X")


def _renamed(ground: Ground, name: str, declared: Span, random: Random) -> Seed | None:
    """A name written otherwise everywhere, where it stands for one thing."""
    made = random.choice(_HUMPS).format(name, name.capitalize(), name.upper())
    pattern = re.compile(rf"(?<![\w/`.]){re.escape(name)}(?![\w`])")
    edits = []
    for path, text in ground.texts.items():
        in_people = re.compile(rf'(?<=role: ){name}(?!\w)|(?<="role": "){name}(?=")')
        for found in pattern.finditer(bare(text)) if path != ground.people else in_people.finditer(text):
            here = (path, found.start()) == (ground.path(declared), declared.start)
            edits.append(Edit(path, *found.span(), f"⟦{made}⟧" if here else made))
    return Seed(edits, names=[made]) if made.lower() != made else None


def _declares(how: str, pattern: str) -> None:
    @seeder("W101", how, W301="of roles alike the first by name is kept")
    def rename(ground: Ground, random: Random) -> Seed | None:
        names = list(ground.words(pattern))
        if ground.layered and "area" in pattern:
            return None
        span = one(random, [name for name in names if name.text == name.text.lower()])
        if span is None or any(
            f'"{span.text}"' in text for path, text in ground.texts.items() if path != ground.people
        ):
            return None  # a condition may ask for it, in quotes, which stay
        return _renamed(ground, span.text, span, random)


_declares("a role's name", r"(?<=role )\w+(?=[ \w]*\{)")
_declares("a condition's name", r"(?<=condition )\w+")
_declares("an area's name", r"(?<=area )\w+(?=\s*\{)")
_declares("a resource type's name", r"(?<=  resource )\w+")
_declares("a guard's name", r"(?<=guard )\w+")
_declares("a set's name", r"(?<=^actions )\w+(?= =)")
_declares("a permission's name", r"(?<=permission )\w+")


@seeder("W101", "an action beside the others", W212="no rule speaks of it")
def action(ground: Ground, random: Random) -> Seed | None:
    places = list(ground.words(r"(?<= actions )\w+(?=[,}\s])"))
    span = one(random, places)
    if span is None or ground.layered:
        return None
    return Seed([ground.behind(span, f", ⟦{fresh(ground, 'x') + random.choice(('Mark', 'Y', '_Z'))}⟧")])


@seeder("W101", "an attribute of a type or of the context", W213="no condition reads it")
def attribute(ground: Ground, random: Random) -> Seed | None:
    heads = list(ground.words(r"(?<=  )resource \w+ +(?=\{)")) + list(ground.words(r"^(context|user) (?=\{)"))
    span = one(random, heads)
    if span is None or ground.layered:
        return None
    return Seed([ground.inside(span, f"⟦{random.choice(('createdBy', 'Region', 'ID_OF', 'mX'))}⟧: string")])


@seeder("W102", "a role or area without its title")
def untitled(ground: Ground, random: Random) -> Seed | None:
    heads = [role.span for role in ground.model.roles.values() if role.title]
    heads += [area.span for area in ground.model.areas.values() if area.title and not ground.layered]
    span = one(random, heads)
    found = re.search(r' "[^"]*"', span.source.text[span.start :]) if span else None
    if span is None or found is None:
        return None
    title = Span(span.source, span.start + found.start(), span.start + found.end())
    if title.start < span.end:
        return Seed([ground.instead(span, f"⟦{span.text.replace(title.text, '')}⟧")])
    return Seed([ground.marked(span), ground.instead(title, "")])


@seeder("W102", "a new role without a title", W502="no line gives the new role", W212="its area was nobody's")
def new_untitled(ground: Ground, random: Random) -> Seed | None:
    name = fresh(ground, "helper")
    return Seed([ground.at_end(f"⟦role {name}⟧ {{ {ground.quirk(name)} }}")])


@seeder("W103", "a rule without its reason", W703="its text is shorter", W709="nobody says why any more")
def unreasoned(ground: Ground, random: Random) -> Seed | None:
    spot = one(random, [spot for spot in ground.spots if spot.rule.because])
    if spot is None:
        return None
    text = spot.rule.span.text
    return Seed([ground.instead(spot.rule.span, f"⟦{text[: bare(text).rindex('because')].rstrip()}⟧")])


@seeder("W103", "a reason that is blank")
def blank_reason(ground: Ground, random: Random) -> Seed | None:
    spot = one(random, [spot for spot in ground.spots if spot.rule.because])
    if spot is None:
        return None
    text = spot.rule.span.text
    at = bare(text).rindex("because") + len("because")
    return Seed([ground.instead(spot.rule.span, f'⟦{text[:at]} "{" " * random.randint(0, 2)}"⟧')])


# -- W104, W105 ------------------------------------------------------------------------------------------------------


@seeder("W104", "a test with the name of another")
def test_name(ground: Ground, random: Random) -> Seed | None:
    tests = ground.model.tests
    if len(tests) < 2:
        return None
    first, second = random.sample(tests, 2)
    title = re.match(r'test\s+("[^"]*")', first.span.text)
    other = re.match(r'test\s+("[^"]*")', second.span.text)
    if title is None or other is None:
        return None
    at = Span(second.span.source, second.span.start + other.start(1), second.span.start + other.end(1))
    return Seed([ground.instead(at, f"⟦{title[1]}⟧")])


@seeder("W104", "a test that was copied, with a comment and a line's end before its name")
def test_copied(ground: Ground, random: Random) -> Seed | None:
    test = one(random, ground.model.tests)
    if test is None:
        kind = next(iter(ground.table.types.values()))
        body = f"{{\n  user ann\n  given {kind.name} r1\n  ann may not {kind.actions[0]} r1\n}}"
        return Seed([ground.at_end(f'test "nobody may" {body}\n\ntest # again\n  ⟦"nobody may"⟧ {body}')])
    title = re.match(r'test\s+("[^"]*")', test.span.text)
    if title is None:
        return None
    return Seed([ground.behind(test.span, f"\n\ntest # again\n⟦{title[1]}⟧{test.span.text[title.end() :]}")])


@seeder("W105", "a block of areas in two")
def block_in_two(ground: Ground, random: Random) -> Seed | None:
    pairs = [
        (one_, other)
        for one_, other in zip(ground.spots, ground.spots[1:], strict=False)
        if one_.rule.areas
        and one_.rule.areas == other.rule.areas
        and one_[:3] == other[:3]
        and "}" not in bare(one_.rule.span.source.text[one_.rule.span.end : other.rule.span.start])
        and "in" not in bare(one_.rule.span.source.text[one_.rule.span.end : other.rule.span.start]).split()
    ]
    pair = one(random, pairs)
    if pair is None or pair[0].rule.areas is None:
        return None
    areas = list(pair[0].rule.areas)
    random.shuffle(areas)
    return Seed([ground.before_span(pair[1].rule.span, f"}} ⟦in {', '.join(areas)}⟧ {{ ")])


@seeder("W105", "a second block `everyone` or `members` in a file")
def second_block(ground: Ground, random: Random) -> Seed | None:
    spot = one(random, [spot for spot in ground.spots if spot.block])
    if spot is None or ground.found("W105"):
        return None
    return Seed([ground.at_end(f"⟦{spot.block}⟧ {{ {ground.quirk('x')} }}", ground.path(spot.rule.span))])


@seeder("W105", "a second `extend role`, in another order of files")
def second_extension(ground: Ground, random: Random) -> Seed | None:
    spot = one(random, [spot for spot in ground.spots if spot.extends])
    if spot is None:
        return None
    path = one(random, sorted(path for path in ground.texts if path != ground.people))
    head = next(ground.words(rf"extend role {spot.role}\b"))
    return Seed(
        [ground.at_end(f"⟦extend role {spot.role}⟧ {{ {ground.quirk('x')} }}", path or ""), ground.marked(head)]
    )

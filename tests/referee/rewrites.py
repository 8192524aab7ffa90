"""Policies written otherwise that mean the same: what `remit diff` must find no difference in.

Each rewriting takes one place of a policy's text and says it in other words. All of them hold in Kleene's logic, so
that incomplete requests are decided alike, too; what `weakened` does holds on complete requests only.

    allow read on record when a and b    →    allow read on record when not (not (a) or not (b))
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from referee.generate import Case

from remit import Policy, PolicyError

Sources = dict[str, str]
Layers = list[Sources]
Rewriting = Callable[[str, Random, Case], str | None]
Build = Callable[[Sources, Layers], Policy]
MORE = "extracted"

_END = r"(?= because|\n| allow| deny| grant|\})"
_RULE = re.compile(rf"(?P<head>\b(?:allow|deny|grant) +(?:(?! when ).)*?) when (?P<when>.*?){_END}")
_BARE = re.compile(rf"\b(?P<effect>allow|deny) +(?P<what>(?:(?! when ).)+?){_END}")
_NAMED = re.compile(r'condition (?P<name>\w+)(?: "[^"]*")? = (?P<body>.*)')
_ATTRIBUTE = r"(?P<attribute>(?:resource|user|context)\.\w+)"
_INT_BOUND = _ATTRIBUTE + r" (?P<word><=|>=|<|>) (?P<number>-?\d+)\b(?![smhd.])"
_TEXT = _ATTRIBUTE + r' (?P<word>==|!=) "(?P<value>\w+)"'


def rewritten(case: Case, random: Random, build: Build) -> tuple[Policy, Layers] | None:
    """The case's policy in other words, by one to eight rewritings; None where no attempt changes anything."""
    found: tuple[Policy, Layers] | None = None
    for _ in range(random.choice((1, 2, 4, 8))):
        layers = found[1] if found else [case.sources, *case.overlays]
        found = _once(layers, case, random, build, EXACT) or found
    return found


def weakened(case: Case, random: Random, build: Build) -> tuple[Policy, Layers] | None:
    """The case's policy with one condition that asks for something which every complete request fulfils."""
    if not case.world.scopes:
        return None  # no request has a place, and none is the less complete for that
    return _once([case.sources, *case.overlays], case, random, build, (_at_condition(_tautology),))


def extracted(case: Case, random: Random, build: Build) -> tuple[Policy, Layers] | None:
    """The case's policy with one role's own rules in a new role, MORE, which it alone includes."""
    return _once([case.sources, *case.overlays], case, random, build, (_extracted,))


def _once(
    layers: Layers, case: Case, random: Random, build: Build, rewritings: tuple[Rewriting, ...]
) -> tuple[Policy, Layers] | None:
    for _ in range(12):
        made = [dict(layer) for layer in layers]
        layer = random.choice(made)
        name = random.choice(sorted(layer))
        text = random.choice(rewritings)(layer[name], random, case)
        if text is None or text == layer[name]:
            continue
        layer[name] = text
        try:
            return build(made[0], made[1:]), made
        except PolicyError:
            continue  # what a reading must be guarded by has come behind it, or has gone
    return None


# -- conditions ------------------------------------------------------------------------------------------------------


def parted(text: str, word: str) -> list[str]:
    """The parts between ` word ` outside of brackets; one part where there is none."""
    found, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if depth == 0 and text.startswith(f" {word} ", at):
            found.append(text[start:at])
            start = at + len(word) + 2
    return [*found, text[start:]]


def _junction(text: str) -> tuple[str, list[str]] | None:
    for word in ("or", "and"):
        parts = parted(text, word)
        if len(parts) > 1:
            return word, parts
    return None


def _at_condition(change: Callable[[str, Random, str], str | None]) -> Rewriting:
    """A rewriting of one rule's condition, or of a named condition."""

    def rewriting(text: str, random: Random, case: Case) -> str | None:
        places = [match.span("when") for match in _RULE.finditer(text)]
        places += [match.span("body") for match in _NAMED.finditer(text)]
        if not places:
            return None
        start, end = random.choice(places)
        made = change(text[start:end], random, text)
        return None if made is None else text[:start] + made + text[end:]

    return rewriting


def _twice_not(condition: str, random: Random, text: str) -> str:
    return f"not (not ({condition}))"


def _de_morgan(condition: str, random: Random, text: str) -> str | None:
    found = _junction(condition)
    if found is None:
        return None
    other = "and" if found[0] == "or" else "or"
    return f"not ({f' {other} '.join(f'not ({part})' for part in found[1])})"


def _another_order(condition: str, random: Random, text: str) -> str | None:
    found = _junction(condition)
    if found is None:
        return None
    word, parts = found
    random.shuffle(parts)
    return f" {word} ".join(f"({part})" for part in parts)


def _absorbed(condition: str, random: Random, text: str) -> str:
    """`a` as `a or (a and b)`, or as `a and (a or b)`."""
    others = [match["when"] for match in _RULE.finditer(text)] or [condition]
    one, other = random.choice(others), random.choice(others)
    return random.choice(
        [
            f"({condition}) or (({condition}) and ({other}))",
            f"({condition}) and (({condition}) or ({other}))",
            f"(({condition}) or ({one})) and (({condition}) or (({other}) and ({condition})))",
            f"(({condition}) and ({one})) or (({condition}) and (({other}) or ({condition})))",
        ]
    )


def _distributed(condition: str, random: Random, text: str) -> str | None:
    """`a and (b or c)` as `(a and b) or (a and c)`, and the other way round."""
    found = _junction(condition)
    if found is None:
        return None
    word, parts = found
    other = "and" if word == "or" else "or"
    for at, part in enumerate(parts):
        inner = _junction(part[1:-1]) if part.startswith("(") and part.endswith(")") else None
        if inner is not None and inner[0] == other:
            rest = f" {word} ".join(f"({one})" for one in parts[:at] + parts[at + 1 :])
            return f" {other} ".join(f"(({rest}) {word} ({one}))" for one in inner[1])
    return None


def _extracted(text: str, random: Random, case: Case) -> str | None:
    """A role's own rules in a new role, which it alone includes; the role that is new is another's affair."""
    if case.overlays or any("user.roles" in one for one in case.sources.values()):
        return None  # an overlay may replace the role; the new role's name is in `user.roles`
    places = [match for match in _ROLE.finditer(text) if "rules" not in match[0] and match["body"].strip()]
    if not places or f"role {MORE}" in text:
        return None
    place = random.choice(places)
    included = ", ".join(filter(None, [place["included"], MORE]))
    was = re.search(r" was \w+", place[0][: place.start("body") - place.start()])
    head = f"role {place['name']}{was[0] if was else ''} includes {included} {{"
    return f"{text[: place.start()]}{head} }}\n\nrole {MORE} {{{place['body']}}}{text[place.end() :]}"


def _tautology(condition: str, random: Random, text: str) -> str:
    """The condition, and something that every complete request fulfils."""
    other = random.choice([match["when"] for match in _RULE.finditer(text)] or [condition])
    return f"({condition}) and (({other}) or not ({other}))"


# -- comparisons -----------------------------------------------------------------------------------------------------


def _at(pattern: str, instead: Callable[[re.Match[str], Case], str | None]) -> Rewriting:
    compiled = re.compile(pattern)

    def rewriting(text: str, random: Random, case: Case) -> str | None:
        places = [match for match in compiled.finditer(text) if _in_condition(text, match.start())]
        if not places:
            return None
        place = random.choice(places)
        made = instead(place, case)
        return None if made is None else text[: place.start()] + made + text[place.end() :]

    return rewriting


def _in_condition(text: str, at: int) -> bool:
    return any(match.start("when") <= at < match.end("when") for match in _RULE.finditer(text)) or any(
        match.start("body") <= at < match.end("body") for match in _NAMED.finditer(text)
    )


def _bound(match: re.Match[str], case: Case) -> str | None:
    """`x > 5` as `x >= 6`, and so on; not where that is no 64-bit int."""
    word, number = match["word"], int(match["number"])
    step = {"<": -1, ">": 1, "<=": 1, ">=": -1}[word]
    if not -(2**63) <= number + step < 2**63:
        return None
    other = {"<": "<=", ">": ">=", "<=": "<", ">=": ">"}[word]
    return f"{match['attribute']} {other} {number + step}"


def _between(match: re.Match[str], case: Case) -> str:
    """`x == 5` as bounds from both sides."""
    name, number = match["attribute"], match["number"]
    return f"({name} >= {number} and {name} <= {number})"


def _twice_bound(match: re.Match[str], case: Case) -> str:
    """`x <= 5` as `x <= 5 and x <= 12`, or as `x <= 5 or x <= -2`."""
    name, word, number = match["attribute"], match["word"], int(match["number"])
    away = 7 if word in ("<", "<=") else -7
    other = f"{name} {word} {number + away}" if number % 2 else f"{name} {word} {number - away}"
    return f"({match[0]} {'and' if number % 2 else 'or'} {other})"


def _no_other(match: re.Match[str], case: Case) -> str | None:
    """`x == "a"` as `x == "a" and x != "b"`, where "b" is a value of whatever has the value "a"."""
    words = {"open": "closed", "closed": "open", "red": "blue", "blue": "red", "web": "api", "api": "web"}
    if match["value"] not in words:
        return None
    name, other = match["attribute"], words[match["value"]]
    if match["word"] == "==":
        return f'({match[0]} and {name} != "{other}")'
    return f'({match[0]} and ({match[0]} or {name} == "{other}"))'


def _alternatives(match: re.Match[str], case: Case) -> str | None:
    items = re.findall(r'"[^"]*"|-?\d+|true|false', match["items"])
    if not items:
        return None
    joined = " or ".join(f"{match['attribute']} == {item}" for item in items)
    return f"(not ({joined}))" if match["no"] else f"({joined})"


def _other_values(match: re.Match[str], case: Case) -> str | None:
    """`status != "a"` of an enumeration as one of its other values."""
    root, name = match["attribute"].split(".")
    declared = [one for kind in case.world.kinds.values() for one in kind.attributes.values() if root == "resource"]
    declared += case.world.user if root == "user" else case.world.context if root == "context" else []
    values = {one.values if one.kind == "enum" else () for one in declared if one.name == name}
    if len(values) != 1 or match["value"] not in next(iter(values)):
        return None
    rest = [value for value in next(iter(values)) if (value == match["value"]) == (match["word"] == "==")]
    listed = ", ".join(f'"{value}"' for value in rest)
    return f"{match['attribute']} in [{listed}]"


def _inlined(text: str, random: Random, case: Case) -> str | None:
    """A named condition's body in place of its name."""
    everything = "\n".join(text for layer in (case.sources, *case.overlays) for text in layer.values())
    named = {match["name"]: match["body"] for match in _NAMED.finditer(everything)}
    places = [match for match in _RULE.finditer(text) if match["when"] in named]
    if not places:
        return None
    place = random.choice(places)
    return f"{text[: place.start('when')]}({named[place['when']]}){text[place.end('when') :]}"


# -- rules -----------------------------------------------------------------------------------------------------------


def _split_by_condition(text: str, random: Random, case: Case) -> str | None:
    """`allow x when a or b` as two rules; `deny`, too, for it applies unless both are false."""
    places = [match for match in _RULE.finditer(text) if len(parted(match["when"], "or")) > 1]
    if not places:
        return None
    place = random.choice(places)
    rules = [f"{place['head']} when {part}" for part in parted(place["when"], "or")]
    return text[: place.start()] + "  ".join(rules) + text[place.end() :]


def _split_by_selection(text: str, random: Random, case: Case) -> str | None:
    """`allow a, b on t` as two rules."""
    places = [
        match
        for match in [*_RULE.finditer(text), *_BARE.finditer(text)]
        if "," in match[0].partition(" on ")[0] and " on " in match[0].partition(" except ")[0]
    ]
    if not places:
        return None
    place = random.choice(places)
    head, _, tail = place[0].partition(" on ")
    effect, _, actions = head.partition(" ")
    rules = [f"{effect} {action.strip()} on {tail}" for action in actions.split(",")]
    return text[: place.start()] + "  ".join(rules) + text[place.end() :]


def _repeated(text: str, random: Random, case: Case) -> str | None:
    """A rule twice."""
    places = [*_RULE.finditer(text), *_BARE.finditer(text)]
    if not places:
        return None
    place = random.choice(places)
    return text[: place.start()] + place[0] + "  " + text[place.start() :]


_ROLE = re.compile(
    r"\brole (?P<name>\w+)(?: was \w+)?(?: includes (?P<included>[\w, ]+))? "
    r"\{(?P<body>[^}]*(?:\{[^}]*\}[^}]*)*)\}"
)


def _copied(text: str, random: Random, case: Case) -> str | None:
    """The rules of an included role in the role that includes it, too; or without its own, which it has from there."""
    if case.overlays:
        return None  # an overlay may replace the included role
    bodies = {match["name"]: match["body"] for match in _ROLE.finditer(text)}
    pairs = [
        (match, name)
        for match in _ROLE.finditer(text)
        for name in (match["included"] or "").split(", ")
        if name in bodies
    ]
    if not pairs:
        return None
    place, name = random.choice(pairs)
    return text[: place.start("body")] + bodies[name] + "\n" + text[place.start("body") :]


def _shuffled(text: str, random: Random, case: Case) -> str | None:
    """All statements in another order."""
    statements = text.rstrip("\n").split("\n\n")
    random.shuffle(statements)
    return "\n\n".join(statements) + "\n"


EXACT: tuple[Rewriting, ...] = (
    _at_condition(_twice_not),
    _at_condition(_de_morgan),
    _at_condition(_another_order),
    _at_condition(_absorbed),
    _at_condition(_distributed),
    _at(_INT_BOUND, _bound),
    _at(_ATTRIBUTE + r" == (?P<number>-?\d+)\b", _between),
    _at(_INT_BOUND, _twice_bound),
    _at(_TEXT, _no_other),
    _at(_ATTRIBUTE + r"(?P<no> not)? in \[(?P<items>[^\]]*)\]", _alternatives),
    _at(_TEXT, _other_values),
    _inlined,
    _split_by_condition,
    _split_by_selection,
    _repeated,
    _copied,
    _shuffled,
)

"""What generated policies declare, and the few names and values they draw from, so that things meet."""

from __future__ import annotations

from dataclasses import dataclass, field

from referee.decide import moment

Path = tuple[str, str]  # resource, user or context, and the attribute

NOW = 1_772_366_400 * 10**9  # 2026-03-01T12:00:00Z
DAY = 86_400 * 10**9
TIMES = (
    "2026-01-30T12:00:00Z",
    "2026-02-27T23:30:00Z",
    "2026-02-28T12:00:00+01:00",
    "2026-03-01T11:59:59.999999999Z",
    "2026-03-01T12:00:00Z",
    "2026-03-01T12:00:00.0000000009Z",
    "2026-03-01t14:00:00+02:00",
    "2026-03-01T13:00:00-00:30",
    "2026-03-02T12:00:00Z",
    "2026-03-31T12:00:00.5z",
)
NO_TIMES = ("2026-03-01T12:00:00", "2026-03-01", "2026-02-30T12:00:00Z", "2026-03-01T24:00:00Z", "noon", "")
DURATIONS = ("0s", "30m", "1h", "1d", "30d")
USERS = ("ann", "bob", "cyd", "dan", "bot")
WORDS = ("red", "blue", "north", "ann", "bob", "branch/one")
IDS = ("r1", "r2", "ann", "bob")
INTEGERS = (-1, 0, 1, 2, 3, 5)
ENDS = (2**63 - 1, -(2**63))
ACTIONS = ("read", "create", "update", "delete", "sign")
ROLES = ("viewer", "clerk", "vet", "boss", "owner")
SCOPES = (  # that conditions name: places, what is none, and names that a search for one could come upon by itself
    *("company", "region/north", "branch/north", "branch/south", "branch/lost", "region/one", "branch/one"),
    *("company/one", "company/x", "branch/nowhere", "branch", "galaxy/x", "north"),
)
ADDED_ROLES = (("intern", "auditor"), ("guest", "porter"))


@dataclass(frozen=True)
class Declared:
    """An attribute as it is declared. `kind` string, user, enum, int, bool, time or set; `element` of a set."""

    name: str
    kind: str
    optional: bool = False
    values: tuple[str, ...] = ()
    element: str = ""

    @property
    def text(self) -> str:
        listed = " | ".join(f'"{value}"' for value in self.values)
        mark = "?" if self.optional else ""
        one = f"({listed})?" if listed and self.optional else listed
        if self.kind == "set":
            return f"{self.name}: set of {one or self.element + mark}"
        return f"{self.name}: {one or self.kind + mark}"


@dataclass(frozen=True)
class Kind:
    """A resource type."""

    name: str
    area: str
    attributes: dict[str, Declared]
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Named:
    """A named condition: for which types, and what it asks `has` of."""

    name: str
    types: frozenset[str]
    asked: frozenset[Path]


@dataclass
class World:
    """What a policy declares, for those who write rules, directories and requests for it."""

    scopes: dict[str, str] = field(default_factory=dict)  # each kind below another, the first, the root, below none
    areas: dict[str, list[str]] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    sets: dict[str, frozenset[str]] = field(default_factory=dict)
    permissions: dict[str, dict[str, set[tuple[str, str]]]] = field(default_factory=dict)  # area → name → cells
    user: list[Declared] = field(default_factory=list)
    context: list[Declared] = field(default_factory=list)
    conditions: list[Named] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    locked: set[str] = field(default_factory=set)
    former: dict[str, str] = field(default_factory=dict)
    from_subject: bool = False
    focus: str = ""  # the built-in attribute that most conditions read, if any
    pool: list[tuple[Named, str]] = field(default_factory=list)  # conditions that many rules have

    @property
    def places(self) -> list[str]:
        return [f"{kind}/{name}" for kind in list(self.scopes)[1:] for name in ("north", "south")]

    def may_hold(self, above: str, kind: str) -> bool:
        """Whether a scope of one kind may be a parent of one of another."""
        return above == kind or (kind in self.scopes and self.may_hold(above, self.scopes[kind]))


def fits(world: World, named: Named, types: list[str]) -> bool:
    """Whether a named condition may stand in a rule over these types."""
    if not set(types) <= named.types:
        return False
    for root, name in named.asked:
        if root == "resource" and not any(name in world.kinds[kind].attributes for kind in types):
            return False
    return True


@dataclass(frozen=True)
class Varied:
    """An attribute that types declare differently."""

    name: str
    variants: tuple[Declared, ...]


def varied(name: str, *variants: tuple[str, tuple[str, ...], str]) -> Varied:
    return Varied(name, tuple(Declared(name, kind, False, values, element) for kind, values, element in variants))


_STATUS, _OTHER = ("open", "closed", "void"), ("open", "late", "closed")
_PLAIN: tuple[str, ...] = ()
RESOURCE_ATTRIBUTES = (
    varied("status", ("enum", _STATUS, ""), ("enum", _STATUS, ""), ("enum", _OTHER, ""), ("string", _PLAIN, "")),
    varied("stage", ("enum", _OTHER, ""), ("enum", ("red", "blue"), "")),
    varied("owner", ("user", _PLAIN, "")),
    varied("label", ("string", _PLAIN, "")),
    varied("cost", ("int", _PLAIN, "")),
    varied("size", ("int", _PLAIN, "")),
    varied("flag", ("bool", _PLAIN, "")),
    varied("done", ("bool", _PLAIN, "")),
    varied("made", ("time", _PLAIN, "")),
    varied("due", ("time", _PLAIN, "")),
    varied("tags", ("set", _PLAIN, "string"), ("set", _PLAIN, "string"), ("set", _STATUS, "enum")),
    varied("marks", ("set", ("red", "blue"), "enum")),
    varied("peers", ("set", _PLAIN, "user")),
    varied("codes", ("set", _PLAIN, "int")),
    varied("slots", ("set", _PLAIN, "time")),
)
USER_ATTRIBUTES = (
    Declared("team", "string"),
    Declared("level", "int"),
    Declared("since", "time"),
    Declared("labels", "set", element="string"),
    Declared("lead", "user"),
    Declared("temp", "bool"),
    Declared("mood", "enum", values=("open", "red")),
)
CONTEXT_ATTRIBUTES = (
    Declared("hour", "int"),
    Declared("mfa", "bool"),
    Declared("channel", "enum", values=("web", "api")),
    Declared("sent", "time"),
    Declared("via", "string"),
    Declared("rights", "set", element="string"),
)
TEXTUAL = ("string", "user", "enum")


assert moment("2026-03-01T12:00:00Z") == NOW

"""The shape of the compiled table's file, as a pydantic model: the source of its JSON Schema.

Reading a table does not use it: `remit.table.unpack` checks by hand, in a tenth of the time.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1)]
Where = tuple[int, int, int, str, str, str]  # number of the file, line, column, text, what is before and behind it
Cells = dict[str, list[str]]  # type → its actions
Expression = list[Any]  # [word, operand, …]: see remit.table.condition_data
Number = Annotated[int, Field(ge=0)]
Numbers = list[Number]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Enumeration(_Closed):
    enum: list[str]


class SetOf(_Closed):
    set: Word


Word = Literal["string", "int", "bool", "time", "user"] | Enumeration
Attributes = dict[str, tuple[Word | SetOf, bool]]  # name → type, optional


class TypeMeaning(_Closed):
    actions: list[str]
    area: str
    attributes: Attributes


class Catalogue(_Closed):
    types: dict[str, TypeMeaning]
    user: Attributes
    context: Attributes
    claims: Attributes


class RoleMeaning(_Closed):
    former: list[str]
    includes: list[str] = Field(description="Closed: all roles that come with it.")
    locked: bool


class CellMeaning(_Closed):
    """Normalised condition (as JSON text; `true` without one) → the roles and blocks that have it, after includes."""

    allow: dict[str, list[str]] | None = None
    deny: dict[str, list[str]] | None = None


class Assignments(_Closed):
    individual_over_group: bool
    roles_from_subject: bool
    lines: list[list[Any]]


class Scopes(_Closed):
    kinds: dict[str, str | None]
    root: str | None


class Meaning(_Closed):
    """What the policy means, canonical; the digest is over its one JSON text (sorted keys, no blanks)."""

    assertions: list[list[Any]]
    assignments: Assignments
    catalogue: Catalogue
    cells: dict[str, dict[str, CellMeaning]] = Field(description="type → action → effect")
    guards: dict[str, list[Any]]
    roles: dict[str, RoleMeaning]
    scopes: Scopes


class RoleOrigin(_Closed):
    name: Name
    title: str
    former: list[str] = Field(description="Former names, in the order of the text.")
    facets: Numbers
    place: Where


class RuleColumns(_Closed):
    """All rules: each column has as many entries as there are rules, and entry n is rule n's."""

    effect: Annotated[str, Field(pattern="^[ad]*$", description="A letter each: a for allow, d for deny.")]
    holder: Numbers = Field(description="0: the block everyone; 1: members; 2 and on: the roles, in their order.")
    facets: Numbers = Field(description="Places in `facet_sets`.")
    cells: Numbers = Field(description="Places in `cell_sets`.")
    condition: list[Annotated[int, Field(ge=-1)]] = Field(description="Places in `expressions`; -1 without one.")
    condition_text: Numbers = Field(description="Places in `texts`.")
    condition_at: Numbers = Field(description="Where the condition's text begins in the rule's.")
    because: Numbers = Field(description="Places in `texts`.")
    file: Numbers = Field(description="Places in `files`.")
    line: list[Annotated[int, Field(ge=1)]]
    column: list[Annotated[int, Field(ge=1)]]
    text: Numbers = Field(description="The rule as it was written: places in `texts`.")
    lead: Numbers = Field(description="What stands before it on its line: places in `texts`.")
    trail: Numbers = Field(description="What stands behind it on its line: places in `texts`.")


class EventOrigin(_Closed):
    kind: Name
    to_group: bool
    requires: list[str] | None
    within_own: bool
    trigger: Literal["first in domain", "unassigned"] | None
    condition: int = Field(ge=-1, description="Its place in `expressions`; -1 without one.")
    assign: list[str]
    place: Where


class AssertOrigin(_Closed):
    title: str
    kind: Literal["within", "only", "no", "requires", "never"]
    roles: list[str]
    cells: Number
    other: Number
    condition: int = Field(ge=-1, description="Its place in `expressions`; -1 without one.")
    place: Where


class TestOrigin(_Closed):
    title: str
    lines: list[dict[str, Any]]
    place: Where


class Provenance(_Closed):
    """The rules as they were written, with places, texts, titles, reasons and tests: not part of the digest. Texts,
    conditions, facets and cells that repeat stand once in lists of their own, and are named by their place there."""

    name: Name
    title: str
    base: str
    areas: list[tuple[str, str]]
    types: list[tuple[str, str, list[str]]]
    scopes: list[str]
    roles: list[RoleOrigin]
    facets: int
    rules: RuleColumns
    events: list[EventOrigin]
    guards: list[tuple[str, str, Where]]
    assertions: list[AssertOrigin]
    tests: list[TestOrigin]
    conditions: dict[str, str]
    files: list[str]
    texts: list[str]
    expressions: list[Expression] = Field(description="What a name stands for is the place of an earlier one.")
    facet_sets: list[Numbers]
    cell_sets: list[Cells]


class TableFile(_Closed):
    """A compiled policy: what `remit compile -o` writes, and every command takes in place of the sources."""

    format: Literal["remit-table"]
    version: Literal[2]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the meaning; it names the policy.")]
    checksum: int = Field(ge=0, description="CRC-32 of digest, meaning and provenance, against damage.")
    meaning: Meaning
    provenance: Provenance


SetOf.model_rebuild()

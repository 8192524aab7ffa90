"""Callbacks of the parser: each grammar rule's children become a node of `remit.syntax.tree`, without a tree between.

Children are tokens and nodes already built, in the order of the text. lark calls the method named as the rule.
"""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer

from remit.source import Source
from remit.syntax import tree
from remit.syntax.build_conditions import ConditionCallbacks
from remit.syntax.build_people import PeopleCallbacks
from remit.syntax.pieces import Children, after, body_of, tagged


class Builder(ConditionCallbacks, PeopleCallbacks, Transformer[Token, Any]):
    """One builder serves one parser; `begin` turns it to the next source."""

    def __init__(self) -> None:
        super().__init__()
        self.begin(Source("", ""))

    # -- the file ------------------------------------------------------------------------------------------------

    def start(self, children: Children) -> None:
        return None

    def policy(self, c: Children) -> tree.Policy:
        extends = after(c, "EXTENDS")
        title = c[2] if len(c) > 2 and c[2].type == "STRING" else None
        return self._keep(
            tree.Policy(
                self._name(c[1]),
                self._text(title) if title else None,
                self._text(extends) if extends else None,
                self._span(c[0], c[-1]),
            )
        )

    def scope(self, c: Children) -> tree.Scope:
        parent = after(c, "IN")
        title = c[2] if len(c) > 2 and c[2].type == "STRING" else None
        return self._keep(
            tree.Scope(
                self._name(c[1]),
                self._text(title) if title else None,
                self._name(parent) if parent else None,
                self._span(c[0], c[-1]),
            )
        )

    # -- catalogue -----------------------------------------------------------------------------------------------

    def area(self, c: Children) -> tree.Area:
        return self._keep(
            tree.Area(
                self._name(c[1]),
                self._title(c),
                [child for child in c if isinstance(child, tree.Resource)],
                [child for child in c if isinstance(child, tree.Permission)],
                self._span(c[0], c[-1]),
            )
        )

    def resource(self, c: Children) -> tree.Resource:
        return tree.Resource(
            self._name(c[1]),
            self._title(c),
            [child for child in c if isinstance(child, tree.Attribute)],
            [name for child in c if isinstance(child, tuple) for name in child[0]],
            [name for child in c if isinstance(child, tuple) for name in child[1]],
            self._span(c[0], c[-1]),
        )

    def own_actions(self, c: Children) -> tuple[list[tree.Name], list[tree.Name]]:
        """The actions of one list, and those marked as sensitive."""
        marked = [child for child in c if isinstance(child, tree.Name)]
        words = [child for child in c[1:] if child in marked or child.type != "COMMA"]
        return [word if isinstance(word, tree.Name) else self._name(word) for word in words], marked

    def sensitive(self, c: Children) -> tree.Name:
        return self._name(c[1])

    def permission(self, c: Children) -> tree.Permission:
        bundles = [child for child in c if isinstance(child, tree.Bundle)]
        return tree.Permission(self._name(c[1]), self._title(c), bundles, self._span(c[0], c[-1]))

    def bundle(self, c: Children) -> tree.Bundle:
        return tree.Bundle(c[0], c[2])

    def bundle_actions(self, c: Children) -> list[tree.Name]:
        return self._names(c)

    bundle_types = rule_actions = rule_types = names = bundle_actions

    def attribute(self, c: Children) -> tree.Attribute:
        return tree.Attribute(self._name(c[0]), c[2])

    def plain_type(self, c: Children) -> tree.PlainType:
        return tree.PlainType(self._name(c[0]), len(c) > 1, self._span(c[0], c[-1]))

    def enumeration(self, c: Children) -> tree.Enumeration:
        return tree.Enumeration([self._text(t) for t in c if t.type == "STRING"], False, self._span(c[0], c[-1]))

    def optional_enumeration(self, c: Children) -> tree.Enumeration:
        return tree.Enumeration(c[1].values, c[-1].type == "QUESTION", self._span(c[0], c[-1]))

    def set_type(self, c: Children) -> tree.SetType:
        element = c[2]
        optional, element.optional = element.optional, False
        return tree.SetType(element, optional, self._span(c[0], c[-1]))

    def action_set(self, c: Children) -> tree.ActionSet:
        return self._keep(tree.ActionSet(self._name(c[1]), c[3], self._span(c[0], c[3][-1])))

    def context(self, c: Children) -> tree.Attributes:
        attributes = [child for child in c if isinstance(child, tree.Attribute)]
        return self._keep(tree.Attributes(str(c[0]), attributes, self._span(c[0], c[-1])))  # type: ignore[arg-type]  # a keyword

    user = claims = context

    # -- roles ---------------------------------------------------------------------------------------------------

    def role(self, c: Children) -> tree.Role:
        at = 1 if c[0].type == "LOCKED" else 0
        former: list[tree.Name] = next((child[1] for child in c if tagged(child, "was")), [])
        includes: list[tree.Name] = next((child[1] for child in c if tagged(child, "includes")), [])
        return self._keep(
            tree.Role(
                self._name(c[at + 1]),
                self._title(c),
                at == 1,
                former,
                includes,
                body_of(c),
                self._span(c[0], c[-1]),
                self._span(c[0], c[at + 1]),
            )
        )

    def former(self, c: Children) -> tuple[str, list[tree.Name]]:
        return ("was", c[1])

    def includes(self, c: Children) -> tuple[str, list[tree.Name]]:
        return ("includes", c[1])

    def extend_role(self, c: Children) -> tree.ExtendRole:
        return self._keep(tree.ExtendRole(self._name(c[2]), body_of(c), self._span(c[0], c[-1])))

    def everyone(self, c: Children) -> tree.Block:
        return self._keep(tree.Block(str(c[0]), body_of(c), self._span(c[0], c[-1])))  # type: ignore[arg-type]  # a keyword

    members = everyone

    def in_areas(self, c: Children) -> tree.AreaBlock:
        rules = [child for child in c[2:] if isinstance(child, tree.AccessRule | tree.GrantRule)]
        return tree.AreaBlock(c[1], rules, self._span(c[0], c[-1]))

    def access_rule(self, c: Children) -> tree.AccessRule:
        excepts: list[tree.ExceptItem] = []
        when: tree.Expression | None = None
        because: tree.Text | None = None
        last: Any = c[3][-1]
        for child in c[4:]:
            if isinstance(child, tree.Text):
                because = child
                last = child
            elif isinstance(child, list):
                excepts = child
                last = child[-1].type
            else:
                when = child
                last = child
        return tree.AccessRule(str(c[0]), c[1], c[3], excepts, when, because, self._span(c[0], last))  # type: ignore[arg-type]  # a keyword

    def except_(self, c: Children) -> list[tree.ExceptItem]:
        return [child for child in c if isinstance(child, tree.ExceptItem)]

    def except_item(self, c: Children) -> tree.ExceptItem:
        if len(c) == 1:
            return tree.ExceptItem(None, self._name(c[0]))
        return tree.ExceptItem(self._name(c[0]), self._name(c[2]))

    def grant_rule(self, c: Children) -> tree.GrantRule:
        when: tree.Expression | None = None
        because: tree.Text | None = None
        for child in c[2:]:
            if isinstance(child, tree.Text):
                because = child
            else:
                when = child
        return tree.GrantRule(c[1], when, because, self._span(c[0], c[-1] if len(c) > 2 else c[1][-1]))

    def when(self, c: Children) -> tree.Expression:
        return c[1]  # type: ignore[no-any-return]

    def because(self, c: Children) -> tree.Text:
        return self._text(c[1])

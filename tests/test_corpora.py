"""Real tables, turned into policies and held against them cell by cell. Run with REMIT_CORPORA=FOLDER."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest

from remit import Directory, Pdp, Policy
from remit.analysis.queries import matrix
from remit.directory.shape import Assignment
from remit.proof.compare import compare
from remit.proof.people import compare_people

Cells = dict[tuple[str, str, str], bool]  # role, type, action → may


def policy_of(cells: Cells) -> str:
    """The table as a policy: a type with its actions for each resource, a role with a rule for each type."""
    types: dict[str, dict[str, None]] = {}
    roles: dict[str, dict[str, list[str]]] = {}
    for (role, kind, action), may in cells.items():
        types.setdefault(kind, {})[action] = None
        roles.setdefault(role, {})
        if may:
            roles[role].setdefault(kind, []).append(action)
    area = "\n".join(f"  resource `{kind}` {{ actions {listed(actions)} }}" for kind, actions in types.items())
    written = "\n".join(
        f"role `{role}` {{\n" + "\n".join(f"  allow {listed(a)} on `{kind}`" for kind, a in rules.items()) + "\n}"
        for role, rules in roles.items()
    )
    return f"policy corpus\narea things {{\n{area}\n}}\n{written}\n"


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def held_against(cells: Cells) -> None:
    """Each cell decides as the table says: asked by role, asked for a user, and listed in the matrix."""
    policy = Policy.from_sources({"corpus.remit": policy_of(cells)})
    users = {role: {"assignments": [{"role": role}]} for role, _, _ in cells}
    pdp = policy.bind(Directory.from_text(json.dumps({"users": users})))
    listing = {
        (role, row["type"], row["action"]): cell["effect"] == "allow"
        for row in matrix(policy.table)["rows"]
        for role, cell in row["cells"].items()
    }
    assert listing == cells
    for (role, kind, action), may in cells.items():
        assert pdp.allows(role, action, {"type": kind}) is may
        assert pdp.ask(None, action, {"type": kind}, roles=(role,)).allowed is may


def test_github_repository_roles(corpora: Path) -> None:
    """A hundred actions whose titles are no identifiers, five roles."""
    cells: Cells = {}
    for line in (corpora / "github-repository-roles.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith(("#", "action\t")):
            continue
        action, *marks = line.split("\t")
        for role, mark in zip(("Read", "Triage", "Write", "Maintain", "Admin"), marks, strict=False):
            cells[role, "repository", action] = mark == "1"
    assert len(cells) == 500
    held_against(cells)


def test_airflow_default_roles(corpora: Path) -> None:
    """Five roles by eighty-eight pairs of action and resource."""
    rows = json.loads((corpora / "airflow-cells.json").read_text(encoding="utf-8"))
    cells: Cells = {(row["role"], row["resource"], row["action"]): row["expected"] for row in rows}
    assert len(cells) == 440
    held_against(cells)


def test_amplitude_permissions(corpora: Path) -> None:
    """Permissions as bundles of actions, granted to the four default roles: each action as the table's union says."""
    permissions = json.loads((corpora / "amplitude-rbac-permissions.json").read_text(encoding="utf-8"))["permissions"]
    roles = ("viewer", "member", "manager", "admin")
    areas: dict[str, list[dict[str, object]]] = {}
    for permission in permissions:
        areas.setdefault(permission["product_area"], []).append(permission)
    text = "policy amplitude\n"
    cells: Cells = {}
    for area, inside in areas.items():
        actions = dict.fromkeys(action for permission in inside for action in permission["actions"])
        text += f"area `{area}` {{ resource `{area}` {{ actions {listed(actions)} }}\n"
        for permission in inside:
            text += f"permission `{permission['slug']}` {{ {listed(permission['actions'])} on `{area}` }}\n"
            for role in roles:
                for action in permission["actions"]:
                    given = role in permission["default_permissions"]
                    cells[role, area, action] = cells.get((role, area, action), False) or given
        text += "}\n"
    for role in roles:
        granted = [p["slug"] for p in permissions if role in p["default_permissions"]]
        text += f"role {role} {{ grant {listed(granted)} }}\n"
    policy = Policy.from_sources({"amplitude.remit": text})
    pdp = policy.bind(Directory())
    assert len(cells) > 800
    for (role, area, action), may in cells.items():
        assert pdp.ask(None, action, {"type": area}, roles=(role,)).allowed is may


def test_both_decompositions_of_domino_decide_as_the_matrix(corpora: Path) -> None:
    """79 users by 231 permissions, through two different sets of roles: every pair as the matrix says."""
    pairs = set()
    for line in (corpora / "domino.txt").read_text(encoding="utf-8").splitlines():
        user, permission = line.split()[:2]
        pairs.add((user, permission))
    users = sorted({user for user, _ in pairs} | {str(number) for number in range(1, 80)}, key=int)
    permissions = [str(number) for number in range(1, 232)]
    for name in ("domino_optimal_cover.txt", "domino_biclique.txt"):
        pdp = decomposed((corpora / name).read_text(encoding="utf-8"), users, permissions)
        judged = 0
        for user in users:
            for permission in permissions:
                assert pdp.allows(user, "use", {"type": f"p{permission}"}) is ((user, permission) in pairs)
                judged += 1
        assert judged == 18_249


def test_the_decompositions_of_domino_have_no_difference_by_user(corpora: Path) -> None:
    """By other roles, held by other users, everybody may the same; by role nearly everything differs."""
    cover, biclique = (decomposed_file(corpora, name) for name in ("domino_optimal_cover.txt", "domino_biclique.txt"))
    found = compare_people(cover.table, cover.directory, biclique.table, biclique.directory, 0)
    assert found.empty
    assert not compare(cover.table, biclique.table).empty


@pytest.mark.parametrize("number", range(12))
def test_one_assignment_of_domino_is_told_cell_by_cell(corpora: Path, number: int) -> None:
    """One less, or one more, beside the other decomposition: the cells that brute force finds, and no others."""
    cover, biclique = (decomposed_file(corpora, name) for name in ("domino_optimal_cover.txt", "domino_biclique.txt"))
    chosen = Random(f"domino/{number}")
    people = dict(biclique.directory.users)
    name = chosen.choice(sorted(user for user in people if people[user].assignments))
    held = people[name].assignments
    if number % 2:
        roles = sorted(set(biclique.table.roles) - {one.role for one in held})
        after = (*held, Assignment(chosen.choice(roles)))
    else:
        gone = chosen.choice(held)
        after = tuple(one for one in held if one is not gone)
    people[name] = people[name]._replace(assignments=after)
    changed = biclique.directory._replace(users=people)
    pdp = Pdp(biclique.table, changed, lambda: 0)
    expected = {
        (name, f"p{permission}"): "gained" if number % 2 else "lost"
        for permission in range(1, 232)
        if cover.allows(name, "use", {"type": f"p{permission}"}) != pdp.allows(name, "use", {"type": f"p{permission}"})
    }
    found = compare_people(cover.table, cover.directory, biclique.table, changed, 0)
    assert {(one.user, one.type): one.kind for one in found.changes} == expected
    assert expected
    assert found.unproven == ()


def decomposed_file(corpora: Path, name: str) -> Pdp:
    users = [str(number) for number in range(1, 80)]
    return decomposed((corpora / name).read_text(encoding="utf-8"), users, [str(number) for number in range(1, 232)])


def decomposed(text: str, users: list[str], permissions: list[str]) -> Pdp:
    """The roles of a decomposition and who holds them."""
    held: dict[str, list[dict[str, str]]] = {user: [] for user in users}
    policy = "policy domino\narea a {\n" + "\n".join(f"resource p{p} {{ actions use }}" for p in permissions) + "\n}\n"
    role = ""
    for line in text.splitlines():
        word, _, rest = line.partition(":")
        members = [part.strip() for part in rest.split(",") if part.strip()]
        if word == "role":
            role = f"role{rest.strip()}"
        elif word == "permissions":
            policy += f"role {role} {{ allow use on {', '.join(f'p{p}' for p in members)} }}\n"
        elif word == "users":
            for user in members:
                held[user].append({"role": role})
    people = json.dumps({"users": {user: {"assignments": given} for user, given in held.items()}})
    return Policy.from_sources({"domino.remit": policy}).bind(Directory.from_text(people))

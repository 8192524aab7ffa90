"""The benchmarks run, measure what they say, and their workload is what they say. How fast remit is, no test asks."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from remit import Directory, Pdp, Policy

pytestmark = pytest.mark.xdist_group("benchmarks")  # one worker makes the medium workload once
ROOT = Path(__file__).resolve().parents[1]
DIGEST = """
import hashlib
from benchmarks import workload as w
from remit import Directory, Policy
made = w.workload(w.QUICK[1], seed=7)
pdp = Policy.from_sources({"bench.remit": made.policy}).bind(Directory.from_text(made.directory_text()))
requests = w.mixed(w.questions(made, pdp, 60))
print(hashlib.sha256(repr((made.policy, made.directory_text(), requests)).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def workload() -> ModuleType:
    return _module("workload")


@pytest.fixture(scope="module")
def medium(workload: ModuleType) -> Any:
    """The generated workload of medium size, which the promises speak of."""
    return workload.workload(workload.MEDIUM)


@pytest.fixture(scope="module")
def pdp(medium: Any) -> Pdp:
    policy = Policy.from_sources({"bench.remit": medium.policy})  # raises for any finding
    return policy.bind(Directory.from_text(medium.directory_text(), "directory.json"))


def _module(name: str) -> ModuleType:
    """A module of `benchmarks/`, which stands beside the package and is not installed."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return import_module(f"benchmarks.{name}")


def _python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_same_seed_gives_the_same_workload_under_every_hash_seed(workload: ModuleType) -> None:
    found = [_python("-c", DIGEST, PYTHONHASHSEED=seed) for seed in ("1", "2")]
    assert [run.stderr for run in found] == ["", ""]
    assert found[0].stdout == found[1].stdout
    assert workload.workload(workload.QUICK[1], seed=7) == workload.workload(workload.QUICK[1], seed=7)


def test_another_seed_gives_another_policy_of_the_same_size(workload: ModuleType) -> None:
    one, other = (workload.workload(workload.QUICK[1], seed) for seed in (1, 2))
    assert one.policy != other.policy
    assert sum(map(len, one.rules.values())) == sum(map(len, other.rules.values()))


def test_medium_is_the_size_of_the_promise(medium: Any, pdp: Pdp) -> None:
    table, people = pdp.table, pdp.directory
    assert (len(table.rules), len(table.roles), len(table.types)) == (3_000, 100, 200)
    assert len(people.users) == 10_000


@pytest.mark.parametrize("size", ["SMALL", "QUICK"])
def test_the_other_sizes_compile_clean_and_have_the_rules_they_name(workload: ModuleType, size: str) -> None:
    named = getattr(workload, size)
    for one in named if isinstance(named[0], tuple) else [named]:
        policy = Policy.from_sources({"bench.remit": workload.workload(one).policy})
        assert (len(policy.table.rules), len(policy.table.roles), len(policy.table.types)) == (
            one.rules,
            one.roles,
            one.types,
        )


@pytest.mark.parametrize("lines", [5_000, 70_000])
def test_a_policy_of_so_many_lines_has_them_within_a_tenth(workload: ModuleType, lines: int) -> None:
    assert workload.of_lines(lines).policy.count("\n") == pytest.approx(lines, rel=0.1)


def test_rules_deny_and_ask_for_ownership_as_often_as_told(medium: Any) -> None:
    rules = [rule for of_role in medium.rules.values() for rule in of_role]
    allows = [rule for rule in rules if rule.effect == "allow"]
    owned = [rule for rule in allows if rule.condition in ("own", "resource.owner == user.id")]
    denies = [rule for rule in rules if rule.effect == "deny"]
    assert len(owned) / len(allows) == pytest.approx(0.25, abs=0.03)
    assert len(denies) / len(rules) == pytest.approx(0.05, abs=0.02)
    assert 0.3 < sum(bool(rule.condition) for rule in denies) / len(denies) < 0.7


def test_people_are_in_groups_and_at_two_levels_of_places(medium: Any, pdp: Pdp) -> None:
    people = pdp.directory
    parents = {name: scope.parents for name, scope in people.scopes.items()}
    assert any(name.startswith("team/") and above[0].startswith("division/") for name, above in parents.items())
    assert any(group.groups for group in people.groups.values())
    places = {a.scope and a.scope.split("/")[0] for user in people.users.values() for a in user.assignments}
    assert places == {None, "division", "team"}


def test_half_of_the_requests_are_allowed_and_every_class_is_there(workload: ModuleType, medium: Any, pdp: Pdp) -> None:
    by_class = workload.questions(medium, pdp, 400)
    counts = {name: len(found) for name, found in by_class.items()}
    assert counts == {"allowed outright": 120, "allowed by condition": 80, "denied by rule": 60, "no rule": 140}
    together = workload.mixed(by_class)
    assert len({question.user for question in together}) > 200
    assert len({(question.action, question.resource["type"]) for question in together}) > 150
    assert 0.2 < sum("scope" in question.resource["properties"] for question in together) / 400 < 0.8


def test_the_classes_are_what_the_engine_decides_on_both_ways(workload: ModuleType, medium: Any, pdp: Pdp) -> None:
    for name, found in workload.questions(medium, pdp, 200).items():
        for question in found:
            assert workload.class_of(pdp, question) == name
            assert pdp.allows(*question) == name.startswith("allowed")


def test_the_exponent_of_growth_tells_linear_from_square() -> None:
    exponent = _module("timing").exponent
    assert exponent([(x, 3.0 * x) for x in (5, 50, 500)]) == pytest.approx(1)
    assert exponent([(x, 0.1 * x * x) for x in (5, 50, 500)]) == pytest.approx(2)


def test_each_measured_loop_has_bytecode_of_its_own() -> None:
    """CPython adapts a call to what is called there: a shared loop would make each slow the other."""
    decide = _module("decide")
    one, other = (decide._alone(decide._calls, decide.empty, [], 1) for _ in range(2))
    assert one.func.__code__ is not other.func.__code__


def test_the_policy_for_proofs_is_the_size_it_says_and_changes_as_told() -> None:
    """Of ten lines exactly these are others; of every bound, every condition on an int, and nothing else."""
    diff = _module("diff")
    made = diff.large(20, 30, 10)
    table = Policy.from_sources({"large.remit": made}).table
    assert (len(table.rules), len(table.roles), len(table.types)) == (200, 20, 30)
    assert diff.large(20, 30, 10) == made
    few = diff.large(20, 30, 10, diff.Changed(rules=frozenset(range(5, 200, 20))))
    assert len(made.splitlines()) == len(few.splitlines())
    assert sum(one != other for one, other in zip(made.splitlines(), few.splitlines(), strict=True)) == 10
    every = diff.large(20, 30, 10, diff.Changed(bounds=1))
    pairs = [pair for pair in zip(made.splitlines(), every.splitlines(), strict=True) if pair[0] != pair[1]]
    assert len(pairs) == sum(" when " in line for line in made.splitlines())


def test_both_ways_to_ask_are_compared_by_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way that says something else has no speed."""
    diff = _module("diff")
    assert diff._asking(diff.QUICK)

    def none(self: object, *formulas: object) -> None:
        return None

    monkeypatch.setattr(diff._Fresh, "model", none)
    with pytest.raises(RuntimeError, match="do not say the same"):
        diff._asking(diff.QUICK)


@pytest.mark.slow
def test_every_benchmark_runs_to_its_end_and_tiny_sizes_are_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The promises are there, and nothing is held to them."""
    command, scale, page = (_module(name) for name in ("__main__", "scale", "page"))
    targets: set[str] = set()

    def recorded(title: str, found: Any, *more: Any) -> Any:
        kept = list(found)
        targets.update(figure.target for figure in kept)
        return page.figures(title, kept, *more)

    report = tmp_path / "report.md"
    for module in (command, scale):
        monkeypatch.setattr(module, "figures", recorded)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick", "-o", str(report)])
    assert command.main() == 0
    for promised in (
        "≤ 12 calls",
        "≤ 16 calls",
        "≤ 2.5 ×",
        "≤ 10 ns on this machine",
        "≤ 1.2 × lark",
        "≤ 4.0 s",
        "≤ 0.5 s",
        "≤ 0.3 s",
        "≥ 20,000 lines/s",
        "≤ 1.1 (1 is linear)",
        "≤ 8 × python -c pass",
        "e ≤ 0.1",
        "≤ 5 s",
        "≤ 60 s",
        "≤ 5 ms",
        "≤ 1.5 × compile",
        "≤ 0.1 × the first",
    ):
        assert promised in targets
    text = report.read_text(encoding="utf-8")
    assert f"{page.BEHIND}\n\nNot judged: tiny sizes.\n" in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and line.endswith(" |  |  |")]
    tables = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| what |")]
    assert rows == tables
    assert len(rows) > 100


def test_an_unknown_part_is_refused_by_name() -> None:
    ran = _python("-m", "benchmarks", "speed")
    assert ran.returncode == 2
    assert "`speed`" in ran.stderr


# -- beside other engines: remit's candidate alone, so that no test needs a peer ---------------------------------------


@pytest.fixture(scope="module")
def neutral(workload: ModuleType) -> Any:
    """The neutral policy of medium size."""
    return _module("peers.plain").policy(workload.MEDIUM)


def test_the_neutral_policy_has_the_rules_it_names_and_a_quarter_asks_for_ownership(neutral: Any) -> None:
    rules = neutral["rules"]
    allows = [rule for rule in rules if rule["effect"] == "allow"]
    denies = [rule for rule in rules if rule["effect"] == "deny"]
    assert (len(rules), len(neutral["roles"]), len(neutral["types"]), len(neutral["users"])) == (
        3_000,
        100,
        200,
        10_000,
    )
    assert (len(allows), len(denies)) == (2_850, 150)
    assert sum(rule["owner"] for rule in allows) / len(allows) == pytest.approx(0.25, abs=0.01)
    assert sum(rule["owner"] for rule in denies) / len(denies) == pytest.approx(0.25, abs=0.01)
    assert {len(held) for held in neutral["users"].values()} == {1, 2, 3}


def test_roles_of_the_neutral_policy_stand_in_chains_of_five(neutral: Any) -> None:
    closed = _module("peers.candidates.serving").closure(neutral)
    assert [len(roles) for roles in closed.values()] == [1, 2, 3, 4, 5] * 20


def test_the_same_seed_gives_the_same_neutral_workload(workload: ModuleType) -> None:
    plain = _module("peers.plain")
    one, same, other = (plain.policy(workload.QUICK[1], seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_neutral_requests_are_of_the_mix_and_no_two_are_the_same(workload: ModuleType) -> None:
    plain = _module("peers.plain")
    made = plain.policy(workload.SMALL)
    pdp = plain.remit_pdp(made)
    requests = plain.requests(made, pdp, 200, "h")
    classes = [plain.class_of(pdp, request) for request in requests]
    assert [classes.count(name) for name in plain.CLASSES] == [60, 40, 30, 70]
    assert plain.denied_share(pdp, requests) == 0.15
    assert len({request["id"] for request in requests}) == 200


def test_remit_decides_the_neutral_requests_as_their_form_says(workload: ModuleType) -> None:
    """Read from the neutral form itself, rule by rule."""
    plain = _module("peers.plain")
    made = plain.policy(workload.QUICK[1])
    closed = _module("peers.candidates.serving").closure(made)
    pdp = plain.remit_pdp(made)
    for request in plain.requests(made, pdp, 200, "h"):
        held = {role for direct in made["users"][request["user"]] for role in closed[direct]}
        effects = {
            rule["effect"]
            for rule in made["rules"]
            if rule["role"] in held
            and rule["type"] == request["type"]
            and request["action"] in rule["actions"]
            and (not rule["owner"] or request["owner"] == request["user"])
        }
        allowed = pdp.allows(request["user"], request["action"], plain.remit_resource(request))
        assert allowed == (effects == {"allow"})


@pytest.mark.slow
def test_remit_is_compared_with_what_cannot_be_built(workload: ModuleType, tmp_path: Path) -> None:
    """From end to end: both of remit's calls are timed, and what cannot be built is listed with the reason."""
    runner, engines, report = (_module(f"peers.{name}") for name in ("runner", "engines", "report"))

    def missing(home: object) -> list[str]:
        raise _module("peers.process").PeerError("no compiler")

    own = [engine for engine in engines.ENGINES if engine.family == "remit"]
    plan = runner.QUICK._replace(cold=60, rounds=2)
    found = runner.compare(
        workload.QUICK[0], plan, engines.Home(tmp_path), [*own, engines.Engine("gone", "gone", missing)]
    )
    allows, deciding, gone = found.rows
    assert (allows.trouble, deciding.trouble, found.remarks) == ("", "", [])
    assert allows.decisions == deciding.decisions
    assert allows.reasons == deciding.reasons
    assert allows.ratios == dict.fromkeys(("hot", "cold"), (1, 1, 1))
    assert deciding.ratios["cold"].median > 0
    assert gone.trouble == "not measured: no compiler"
    assert found.denied == 0.15
    lines = report.table(found).splitlines()
    assert "No engine measured here is ahead of remit." in lines
    assert lines[-1] == "| gone | – | – | – | – | **not measured: no compiler** |"


def _rows(**decisions: str) -> list[Any]:
    """A row each of these engines, of families named before the underscore."""
    runner, engines = _module("peers.runner"), _module("peers.engines")
    made = {key: engines.REMIT if key == "remit" else engines.Engine(key, key.split("_")[0], list) for key in decisions}
    return [runner.Row(made[key], key, decisions={"hot": digits}) for key, digits in decisions.items()]


def test_a_candidate_that_disagrees_is_told_with_the_request_and_not_timed() -> None:
    rows = _rows(remit="101", one="101", other="111")
    told = list(_module("peers.runner")._agree(rows, {"hot": ["first", "second", "third"], "cold": []}))
    assert [row.trouble for row in rows] == ["", "", "disagrees on 1 of 3 hot requests"]
    assert told == ['other disagrees on 1 of 3 hot requests; it allows "second", others do not']


def test_another_reason_for_the_same_decision_is_told_and_no_fault() -> None:
    """An engine that does not tell its reasons gives none that differ."""
    rows = _rows(remit="100", one="100", silent="100")
    for row, letters in zip(rows, ("adn", "ann", "???"), strict=True):
        row.reasons = {"hot": letters}
    told = list(_module("peers.runner")._reasons(rows))
    assert told == ["one gives another reason than remit for 1 hot requests"]
    assert not any(row.trouble for row in rows)


def test_where_voices_are_equal_nobody_is_the_judge() -> None:
    """Two forms of one engine have one voice."""
    rows = _rows(remit="1", remit_again="1", one="0", one_again="0")
    told = list(_module("peers.runner")._agree(rows, {"hot": ["first"], "cold": []}))
    assert len(told) == 4
    assert all(row.trouble for row in rows)


def test_engines_ahead_of_remit_stand_first(workload: ModuleType) -> None:
    report, runner, timing = _module("peers.report"), _module("peers.runner"), _module("timing")
    rows = _rows(remit="1", slow="1", fast="1")
    for row, ratio in zip(rows, (1.0, 3.0, 0.5), strict=True):
        row.times = {"hot": dict.fromkeys(range(3), ratio / 1e6)}
        row.ratios = {"hot": timing.spread([ratio])}
    lines = report.table(runner.Compared(workload.SMALL, rows, [], 0.15)).splitlines()
    assert "**Ahead of remit:** fast: hot 0.50 (0.50 … 0.50) of remit's time." in lines
    assert [line.split(" | ")[0] for line in lines[-3:]] == ["| fast", "| remit", "| slow"]


def test_a_candidate_that_does_not_answer_is_given_up_and_one_that_ends_says_why() -> None:
    process = _module("peers.process")
    with (
        process.Candidate([sys.executable, "-c", "import time; time.sleep(60)"]) as silent,
        pytest.raises(process.PeerError, match="`hello` took longer than"),
    ):
        silent.ask(0.1, do="hello")
    with (
        process.Candidate([sys.executable, "-c", "raise SystemExit('no engine here')"]) as ended,
        pytest.raises(process.PeerError, match="ended during `hello`: no engine here"),
    ):
        ended.ask(20, do="hello")


def test_what_peers_are_installed_from_is_pinned() -> None:
    lines = _module("peers.engines").REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pinned = [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]
    assert len(pinned) > 4
    assert all(line.count("==") == 1 for line in pinned)


def test_an_unknown_engine_is_refused_by_name() -> None:
    ran = _python("-m", "benchmarks", "peers", "--only", "speedy")
    assert ran.returncode == 2
    assert "`speedy`" in ran.stderr


@pytest.mark.slow
def test_can_loads_neither_lark_nor_pydantic_nor_rich(tmp_path: Path) -> None:
    startup = _module("startup")
    modules = startup.imported(startup.compiled(tmp_path), tmp_path)
    assert "remit.evaluator.pdp" in modules  # the list is of the right process
    assert startup.heavy(modules) == []


def test_a_heavy_package_would_be_noticed() -> None:
    startup = _module("startup")
    assert startup.heavy(["os", "lark.lexer", "richer", "pydantic"]) == ["lark", "pydantic"]


def test_digests_differ_for_different_workloads() -> None:
    """The comparison above compares something."""
    one = _python("-c", DIGEST)
    other = _python("-c", DIGEST.replace("seed=7", "seed=8"))
    assert len(one.stdout.strip()) == hashlib.sha256().digest_size * 2
    assert one.stdout != other.stdout

"""What `Policy.load` remembers of sources: the same table as they compile to, or none; and nobody else's."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from referee.generate import make_case

from remit import Directory, Policy, PolicyError
from remit.cli.main import remit
from remit.project import cache as caches
from remit.project import table_memory, user_cache
from tests.cli.remembered import asked_of_measure, in_order
from tests.clinic import POLICY
from tests.test_corpus import FILES, lay_out

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(
    [*(ROOT / "policies").glob("*"), *(ROOT / "policies").glob("*/overlays/*")], key=lambda path: path.as_posix()
)
DOC = "area a { resource doc { owner: user  actions read, write } }\n"
BASE = DOC + 'condition own "their own" = resource.owner == user.id\nrole reader { allow read on doc when own }\n'
OVERLAY = 'policy ours "Ours" extends "../base"\nextend role reader { allow write on doc }\n'


class Counted:
    """Loads policies, and says whether they were compiled for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.compiled = 0
        real = table_memory._compile

        def count(*given: Any) -> Any:
            self.compiled += 1
            return real(*given)

        monkeypatch.setattr(table_memory, "_compile", count)

    def load(self, path: Path | str) -> tuple[Policy, bool]:
        before = self.compiled
        policy = Policy.load(path)
        return policy, self.compiled > before

    def warm(self, path: Path | str) -> bool:
        return not self.load(path)[1]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, empty."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("REMIT_CACHE", str(folder))
    return folder


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        place = folder / f"{name.replace('__', '/')}.remit"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return folder


def entries(memory: Path) -> list[Path]:
    return sorted((memory / "table").glob("[0-9a-f]*"))


def same_twice(counted: Counted, path: Path | str) -> None:
    """What is remembered is what compiles."""
    plain = Policy.load(path, cache=False)
    cold, compiled = counted.load(path)
    warm, compiled_again = counted.load(path)
    assert (compiled, compiled_again) == (True, False)
    assert warm.table == plain.table == cold.table
    assert in_order(warm.table) == in_order(plain.table)
    assert warm.digest == plain.digest


# -- the same table --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_policies(counted: Counted, path: Path) -> None:
    """Every shipped policy is remembered as it compiles, to the order of every mapping; overlays too."""
    same_twice(counted, path)


def test_the_corpus(counted: Counted, tmp_path: Path, memory: Path) -> None:
    """So is what compiles of the corpus; what has a finding is not remembered."""
    fine = 0
    for name in FILES:
        lay_out(name, folder := tmp_path / name)
        try:
            Policy.load(folder, cache=False)
        except PolicyError:
            before = entries(memory)
            with pytest.raises(PolicyError):
                Policy.load(folder)
            assert entries(memory) == before
            continue
        same_twice(counted, folder)
        fine += 1
    assert fine > 5


@pytest.mark.parametrize("chunk", range(4))
def test_generated_policies(counted: Counted, tmp_path: Path, chunk: int) -> None:
    """So are policies that nobody thought of, with their overlays over one another."""
    for number in range(12):
        case = make_case(Random(f"memory/{chunk}/{number}"), requests=1)
        below = ""
        for layer, texts in enumerate([case.sources, *case.overlays]):
            folder = tmp_path / f"case{number}" / f"layer{layer}"
            if below and not any("extends" in text for text in texts.values()):
                texts = {**texts, "head.remit": f'policy layer{layer} extends ".."\n'}
            folder.mkdir(parents=True)
            for name, text in texts.items():  # in one folder: in one of its own, `policy` would begin another policy
                text = text.replace('extends ".."', f'extends "../{below}"')
                (folder / name.replace("/", "-")).write_text(text, encoding="utf-8")
            below = folder.name
        same_twice(counted, folder)


def test_one_file(counted: Counted, tmp_path: Path) -> None:
    """A policy may be a file."""
    same_twice(counted, write(tmp_path / "p", clinic=POLICY) / "clinic.remit")


def test_the_model_is_compiled_when_it_is_asked_for(counted: Counted, tmp_path: Path) -> None:
    """A remembered policy is a base like any other, of the texts that were read, whatever the files hold by then."""
    write(tmp_path / "base", main=BASE)
    path = write(tmp_path / "ours", main=OVERLAY)
    Policy.load(path)
    policy, compiled = counted.load(path)
    assert not compiled
    shutil.rmtree(path)
    over = "policy top\nextend role reader { deny write on doc when own }\n"
    made = Policy.from_sources({"top.remit": over}, base=policy)
    write(path, main=OVERLAY)
    assert made.digest == Policy.from_sources({"top.remit": over}, base=Policy.load(path, cache=False)).digest
    assert made.digest != policy.digest


def test_a_policy_from_a_table_has_no_model(tmp_path: Path) -> None:
    """There is nothing to compile."""
    out = tmp_path / "t.json"
    assert CliRunner().invoke(remit, ["compile", "--policy", str(ROOT / "policies/measure"), "-o", str(out)]).output
    assert Policy.load(out).model is None


# -- what makes an entry void ----------------------------------------------------------------------------------------


def test_an_edit_is_seen(counted: Counted, tmp_path: Path) -> None:
    """A text that changed, a file more, a file less and a file of another name are compiled anew, and what was there
    before is still remembered."""
    folder = write(tmp_path / "p", main=BASE, more="role writer { allow write on doc }")
    assert not counted.warm(folder)
    assert counted.warm(folder)
    write(folder, more="role writer { allow read on doc }")
    assert not counted.warm(folder)
    write(folder, even__more="role third { allow read on doc }")
    assert not counted.warm(folder)
    (folder / "even" / "more.remit").rename(folder / "even" / "other.remit")
    assert not counted.warm(folder)
    (folder / "even" / "other.remit").unlink()
    assert counted.warm(folder)


def test_a_text_moved_between_files_is_seen(counted: Counted, tmp_path: Path) -> None:
    """Where one text ends and the next begins is part of what an entry is for."""
    assert not counted.warm(write(tmp_path / "one" / "p", a=BASE, b=""))
    assert not counted.warm(write(tmp_path / "two" / "p", a="", b=BASE))


def test_a_policy_of_another_name_is_another(counted: Counted, tmp_path: Path) -> None:
    """A policy that does not say its name has that of its folder."""
    for name in ("one", "two"):
        policy, compiled = counted.load(write(tmp_path / name, main=BASE))
        assert (policy.table.name, compiled) == (name, True)


def test_a_base_that_changed_is_seen(counted: Counted, tmp_path: Path) -> None:
    """An overlay holds as long as all that it extends is as it was, to the last layer."""
    write(tmp_path / "ground", main=BASE)
    write(tmp_path / "base", main='policy middle extends "../ground"\nrole other { allow read on doc }\n')
    path = write(tmp_path / "ours", main=OVERLAY)
    same_twice(counted, path)
    write(tmp_path / "ground", main=BASE.replace("read on doc when own", "read on doc"))
    policy, compiled = counted.load(path)
    assert compiled
    assert policy.digest == Policy.load(path, cache=False).digest
    assert counted.warm(path)
    write(tmp_path / "ground", main=BASE)
    policy, compiled = counted.load(path)
    assert policy.digest == Policy.load(path, cache=False).digest
    shutil.rmtree(tmp_path / "ground")
    with pytest.raises(PolicyError):
        Policy.load(path)


def test_a_policy_below_is_not_ones_own(counted: Counted, tmp_path: Path) -> None:
    """A sub-folder that names a policy of its own is left out, warm as cold, until it names none."""
    folder = write(tmp_path / "p", main=BASE, sub__main="policy sub\nrole deep { }")
    same_twice(counted, folder)
    assert "deep" not in counted.load(folder)[0].table.roles
    write(folder, sub__main="role deep { allow read on doc }")
    policy, compiled = counted.load(folder)
    assert compiled
    assert "deep" in policy.table.roles


def test_places_are_shown_as_they_are_named_now(
    counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same policy from elsewhere, or by another way, is the same entry with other paths."""
    home = tmp_path / "home"
    write(home / "base", main=BASE)
    write(home / "ours", main=OVERLAY)
    Policy.load(home / "ours")
    monkeypatch.chdir(home)
    shutil.copytree(home, tmp_path / "copy")
    for path in ("ours", "../home/ours", tmp_path / "copy" / "ours"):
        policy, compiled = counted.load(path)
        assert not compiled
        assert policy.table.origins == Policy.load(path, cache=False).table.origins
    assert counted.load("ours")[0].table.origins == {
        "main.remit": "ours/main.remit",
        "base:main.remit": "base/main.remit",
    }


def test_a_base_elsewhere_with_the_same_way_to_it(counted: Counted, tmp_path: Path) -> None:
    """A copy of an overlay extends what stands beside the copy."""
    for name, base in (("one", BASE), ("two", BASE.replace("allow read", "deny read"))):
        write(tmp_path / name / "base", main=base)
        path = write(tmp_path / name / "ours", main=OVERLAY)
        assert Policy.load(path).digest == Policy.load(path, cache=False).digest
    assert counted.warm(path)


def test_a_file_that_cannot_be_read_is_never_overlooked(counted: Counted, tmp_path: Path) -> None:
    """What is wrong with the folder is said, however well the policy is remembered."""
    folder = write(tmp_path / "p", main=BASE)
    Policy.load(folder)
    (folder / "out.remit").symlink_to(tmp_path / "elsewhere.remit")
    with pytest.raises(PolicyError, match="E009"):
        Policy.load(folder)
    (folder / "out.remit").unlink()
    (folder / "bad.remit").write_bytes(b"\xff")
    with pytest.raises(PolicyError, match="E008"):
        Policy.load(folder)


def test_another_program_sees_nothing(counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither another version nor an edited checkout of this one takes what was kept."""
    folder = write(tmp_path / "p", main=BASE)
    Policy.load(folder)
    with monkeypatch.context() as other:
        other.setattr(caches, "__version__", "99.0")
        assert not counted.warm(folder)
    user_cache.program_digest.cache_clear()
    with monkeypatch.context() as other:
        other.setattr(table_memory, "_PROGRAM", ("model",))
        assert not counted.warm(folder)
        user_cache.program_digest.cache_clear()
    assert counted.warm(folder)


def test_the_program_is_all_that_tables_come_from() -> None:
    """Every module that a cold load brings in is either watched or does not say what a table comes to."""
    program = "import sys; from remit import Policy; Policy.load(sys.argv[1]); print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program, str(ROOT / "policies" / "measure")], capture_output=True, text=True, check=True
    )
    rooms = {name.split(".")[1] for name in ran.stdout.split() if name.startswith("remit.") and name.count(".") > 1}
    assert "syntax" in rooms
    assert rooms - {*table_memory._PROGRAM} <= {"evaluator", "directory", "membership", "explanation"}


# -- what is in the way ----------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path, memory: Path) -> tuple[Path, Path]:
    """A policy, and the entry that remembers it."""
    folder = write(tmp_path / "p", main=BASE)
    Policy.load(folder)
    [entry] = entries(memory)
    return folder, entry


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-10],
        lambda text: text.replace("reader", "writer"),
        lambda text: text.replace('"effect":"a"', '"effect":"d"'),
        lambda text: text + "\n",
        lambda text: "[" * 100_000,
    ],
    ids=["empty", "cut", "another role", "another effect", "longer", "deep"],
)
def test_a_damaged_entry_is_none(counted: Counted, kept: tuple[Path, Path], damage: Any) -> None:
    """An entry that is not as it was written is compiled over, and is whole again."""
    folder, entry = kept
    text = entry.read_text()
    assert damage(text) != text
    entry.write_text(damage(text))
    assert not counted.warm(folder)
    assert entry.read_text() == text
    assert counted.warm(folder)


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from leaves(value, (*path, key))


def test_a_forged_entry_is_none_or_a_table(counted: Counted, tmp_path: Path, memory: Path) -> None:
    """Whatever stands in an entry whose sum fits, a load ends with a policy that answers."""
    write(tmp_path / "base", main=BASE)
    path = write(tmp_path / "ours", main=OVERLAY)
    Policy.load(path)
    [entry] = entries(memory)
    data = json.loads(entry.read_text())["data"]
    people = Directory.from_text("users: {ann: {assignments: [{role: reader}]}}")
    random = Random(5)
    compiled = 0
    for where in leaves(data):
        forged = json.loads(json.dumps(data))
        place = forged
        for step in where[:-1]:
            place = place[step]
        place[where[-1]] = random.choice([None, True, -1, 99, 1.5, "", "zz", [], ["zz"], [[]], {}, {"a": 1}])
        payload = json.dumps(forged, separators=(",", ":"))
        entry.write_text(f'{{"sum": "{caches.hashed(entry.name, payload)}", "data": {payload}}}')
        policy, again = counted.load(path)
        compiled += again
        policy.bind(people).decide({"subject": {"type": "user", "id": "ann"}, "action": {"name": "read"}})
        policy.bind(people).allows("ann", "read", {"type": "doc", "properties": {"owner": "ann"}})
    assert compiled > 50


def test_the_folder_is_for_the_user_alone(kept: tuple[Path, Path], memory: Path) -> None:
    """It is made so."""
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (memory, memory / "table")] == [0o700, 0o700]


@pytest.mark.parametrize(("part", "mode"), [("", 0o770), ("", 0o707), ("table", 0o750), ("table", 0o705)])
def test_a_folder_that_others_may_write_is_not_used(
    counted: Counted, kept: tuple[Path, Path], memory: Path, part: str, mode: int
) -> None:
    """Somebody else could have put a table there. It is neither read nor written."""
    folder, entry = kept
    (memory / part).chmod(mode)
    assert not counted.warm(folder)
    before = entry.stat().st_mtime_ns
    assert not counted.warm(folder)
    assert entry.stat().st_mtime_ns == before
    (memory / part).chmod(0o700)
    assert counted.warm(folder)


def test_a_folder_of_somebody_else_is_not_used(
    counted: Counted, kept: tuple[Path, Path], memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its rights are: its owner could give them back."""
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    before = {file: file.stat().st_mtime_ns for file in memory.rglob("*")}
    assert not counted.warm(kept[0])
    assert not counted.warm(kept[0])
    assert {file: file.stat().st_mtime_ns for file in memory.rglob("*")} == before


@pytest.mark.parametrize("part", ["", "table"])
def test_a_link_or_a_file_in_its_place_is_not_used(
    counted: Counted, kept: tuple[Path, Path], memory: Path, tmp_path: Path, part: str
) -> None:
    """A folder elsewhere may be somebody else's."""
    place = memory / part if part else memory
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    assert not counted.warm(kept[0])
    assert not counted.warm(kept[0])
    place.unlink()
    place.write_text("mine")
    assert not counted.warm(kept[0])
    assert place.read_text() == "mine"


def test_a_disk_that_is_full(counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written, policies are loaded as ever."""

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caches, "_write", full)
    folder = write(tmp_path / "p", main=BASE)
    assert not counted.warm(folder)
    assert not counted.warm(folder)


def test_it_may_be_deleted(counted: Counted, kept: tuple[Path, Path], memory: Path) -> None:
    """At any time."""
    shutil.rmtree(memory)
    assert not counted.warm(kept[0])
    assert counted.warm(kept[0])


WRITER = """
import shutil, sys
from pathlib import Path
from remit import Policy
folder, memory, own = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
wanted = [Policy.load(folder / name, cache=False).table for name in "ab"]
wrong = 0
for turn in range(60):
    for name, table in zip("ab", wanted):
        wrong += Policy.load(folder / name).table != table
    if own == 0 and turn % 9 == 8:
        shutil.rmtree(memory, ignore_errors=True)
print(wrong)
"""


def test_processes_at_once(tmp_path: Path, memory: Path) -> None:
    """Two processes that load the same policies, one of which deletes what is remembered, load what is there."""
    write(tmp_path / "a", main=BASE)
    write(tmp_path / "b", main=BASE + "role other { allow write on doc }")
    command = [sys.executable, "-c", WRITER, str(tmp_path), str(memory)]
    running = [subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in range(2)]
    assert [process.communicate(timeout=120)[0].strip() for process in running] == ["0", "0"]


# -- where, and whether ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["off", "OFF", "Off", "0", "no", "false", "", "~/foo", "cache", "./cache", "../cache", ".", ".."]
)
def test_it_can_be_turned_off(counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """By the environment; no word that is no absolute path makes a folder of that name, or keeps anything in one."""
    monkeypatch.setenv("REMIT_CACHE", word)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(write(tmp_path / "p", main=BASE))
    assert not counted.warm(".")
    assert not counted.warm(".")
    assert sorted(os.listdir(tmp_path)) == ["home", "p"]
    assert os.listdir() == ["main.remit"]
    assert os.listdir(tmp_path / "home") == []


def test_a_call_can_do_without(counted: Counted, tmp_path: Path, memory: Path) -> None:
    """`cache=False` compiles, and keeps nothing."""
    folder = write(tmp_path / "p", main=BASE)
    Policy.load(folder, cache=False)
    assert not memory.exists()
    Policy.load(folder)
    before = counted.compiled
    Policy.load(folder, cache=False)
    assert counted.compiled == before + 1


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {"REMIT_CACHE": "/mine"}, "/mine"),
        ("linux", {"REMIT_CACHE": "off"}, None),
        ("linux", {"REMIT_CACHE": "mine", "XDG_CACHE_HOME": "/xdg"}, None),
        ("linux", {"REMIT_CACHE": "", "XDG_CACHE_HOME": "/xdg"}, None),
        ("linux", {"XDG_CACHE_HOME": "/xdg", "HOME": "/home/ann"}, "/xdg/remit"),
        ("linux", {"XDG_CACHE_HOME": "relative", "HOME": "/home/ann"}, "/home/ann/.cache/remit"),
        ("linux", {"HOME": "/home/ann"}, "/home/ann/.cache/remit"),
        ("linux", {"HOME": "relative"}, None),
        ("linux", {"HOME": ""}, None),
        ("darwin", {"HOME": ""}, None),
        ("darwin", {"HOME": "/Users/ann"}, "/Users/ann/Library/Caches/remit"),
        ("darwin", {"HOME": "/Users/ann", "XDG_CACHE_HOME": "/xdg"}, "/xdg/remit"),
        ("win32", {"LOCALAPPDATA": "/ann/Local", "XDG_CACHE_HOME": "/xdg"}, "/ann/Local/remit/Cache"),
    ],
)
def test_where_it_is(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], folder: str | None
) -> None:
    """As each system has it; nowhere where nobody says where."""
    for name in ("REMIT_CACHE", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert user_cache.cache_folder() == (None if folder is None else Path(folder))


def test_a_home_that_is_not_there_is_not_made(
    counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Users of services have homes that are nowhere."""
    monkeypatch.delenv("REMIT_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert not counted.warm(write(tmp_path / "p", main=BASE))
    assert not (tmp_path / "nobody").exists()


def test_the_folder_of_caches_is_made_for_the_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a home has none yet."""
    monkeypatch.delenv("REMIT_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    Policy.load(write(tmp_path / "p", main=BASE))
    place = tmp_path / (Path("Library/Caches") if sys.platform == "darwin" else Path(".cache"))
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert len(entries(place / "remit")) == 1


@pytest.fixture
def of_others(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Path]]:
    """Folders that belong to another user from now on, as far as anybody is told."""
    theirs: set[Path] = set()
    real = os.stat

    def told(path: Any, *given: Any, **more: Any) -> os.stat_result:
        found = real(path, *given, **more)
        if isinstance(path, (str, os.PathLike)) and Path(path) in theirs:
            return os.stat_result((*found[:4], os.geteuid() + 1, *found[5:10]))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", told)
        yield theirs


@pytest.mark.parametrize("there", [(), (".cache",)])
def test_nothing_is_made_in_the_home_of_somebody_else(
    counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_others: set[Path], there: tuple[str, ...]
) -> None:
    """Root, called with another's HOME, would leave folders there that their owner may not enter."""
    monkeypatch.delenv("REMIT_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    home = tmp_path / "home"
    home.mkdir()
    for name in there:
        (home / name).mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    folder = write(tmp_path / "p", main=BASE)
    of_others |= {home, home / ".cache"}
    assert not counted.warm(folder)
    assert not counted.warm(folder)
    assert [path.relative_to(home).as_posix() for path in home.rglob("*")] == [*there]
    of_others.clear()
    assert not counted.warm(folder)
    assert counted.warm(folder)


# -- commands --------------------------------------------------------------------------------------------------------


def test_a_remembered_policy_answers_without_the_compiler(memory: Path) -> None:
    """Neither lark nor the parser nor the checker is loaded for it."""
    compiler = ["lark", "remit.syntax.parser", "remit.model.check"]
    assert [asked_of_measure(compiler) for _ in range(2)] == [compiler, []]


def test_the_help_says_that_something_is_kept() -> None:
    """Where, and how to do without."""
    said = " ".join(CliRunner().invoke(remit, ["--help"]).stdout.split())
    assert "kept in ~/.cache/remit; REMIT_CACHE=off keeps nothing" in said


def test_compile_takes_the_sources(tmp_path: Path, memory: Path) -> None:
    """What is shipped never comes from what is remembered."""
    folder = str(write(tmp_path / "p", main=BASE))
    first = CliRunner().invoke(remit, ["compile", "--policy", folder]).stdout
    assert not memory.exists()
    Policy.load(folder)
    [entry] = entries(memory)
    data = json.loads(entry.read_text())["data"]
    data["table"]["provenance"]["title"] = "forged"
    payload = json.dumps(data, separators=(",", ":"))
    entry.write_text(f'{{"sum": "{caches.hashed(entry.name, payload)}", "data": {payload}}}')
    assert Policy.load(folder).table.title == "forged"
    assert CliRunner().invoke(remit, ["compile", "--policy", folder]).stdout == first

"""The `test` blocks and asserts of policies as tests of pytest, each an item that fails with the text of `remit test`.

    pytest --remit                                 every `.remit` file that pytest comes by
    pytest policy/main.remit                       this one, since it is named
    remit_policies = ["policies/measure"]          those at or below, always (in pytest's settings)

Nothing is collected unless one of these asks for it. A file's policy is the one that `remit test` would find: of
`remit_policies`, else of the settings' `policy`, else below pytest's root. It is compiled once, when its first file is
collected; one that does not compile is an error of that file, with all findings, and its other files have no tests.

pytest loads this module wherever remit is installed: so until there is a policy to run, it imports pytest alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from remit.policy import Policy
    from remit.table.shape import AssertEntry, TestEntry
    from remit.testing.asserts import Settler

SUFFIX = ".remit"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and the setting."""
    group = parser.getgroup("remit", "policies")
    group.addoption(
        "--remit", action="store_true", default=False, help="Run the `test` blocks and asserts of every .remit file."
    )
    parser.addini(
        "remit_policies",
        "Policies whose `test` blocks and asserts are run: folders or files.",
        type="paths",
        default=[],
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PolicyFile | None:
    """A `.remit` file that is asked for."""
    if file_path.suffix != SUFFIX:
        return None
    policies = _policies(parent.config)
    wanted = parent.config.getoption("--remit") or policies.names(file_path) or parent.session.isinitpath(file_path)
    return PolicyFile.from_parent(parent, path=file_path) if wanted else None


class _Policies:
    """The policies of one run by their paths. `named` are those of the setting, whole."""

    def __init__(self, config: pytest.Config) -> None:
        self.named = [Path(os.path.abspath(path)) for path in config.getini("remit_policies")]
        self.root = config.rootpath
        self.folder = str(config.invocation_params.dir)
        self._places: list[Path] | None = None
        self._loaded: dict[Path, Loaded | None] = {}  # None: it does not compile
        self._unsettled = False

    def names(self, file: Path) -> bool:
        """Whether the setting asks for this file."""
        return any(place == file or place in file.parents for place in self.named)

    def of(self, file: Path) -> Loaded | None:
        """The policy that a file belongs to. Raises PolicyError and ConfigError the first time; None afterwards, for
        what is wrong is said once."""
        if self._unsettled:
            return None
        self._unsettled = True  # until the settings are read
        around = [place for place in self._known() if place == file or place in file.parents]
        self._unsettled = False
        path = max(around, key=lambda place: len(place.parts), default=file.parent)
        if path not in self._loaded:
            self._loaded[path] = None
            self._loaded[path] = Loaded(path, self.folder)
        return self._loaded[path]

    def _known(self) -> list[Path]:
        """Every policy at or below what was asked for."""
        if self._places is None:
            from remit.project.config import find
            from remit.project.sources import policies_below

            settled = find(self.root).policy
            asked = self.named or [Path(os.path.abspath(settled or self.root))]
            found = [policies_below(place) if place.is_dir() else [place] for place in asked]
            self._places = [policy for policies in found for policy in policies]
        return self._places


_KEY = pytest.StashKey[_Policies]()


def _policies(config: pytest.Config) -> _Policies:
    if _KEY not in config.stash:
        config.stash[_KEY] = _Policies(config)
    return config.stash[_KEY]


class Loaded:
    """A policy that its tests share; paths in messages are relative to `folder`. Raises PolicyError."""

    def __init__(self, path: Path, folder: str) -> None:
        from remit.policy import Policy

        self.policy: Policy = Policy.load(path)
        self.folder = folder
        self._settler: Settler | None = None

    @property
    def settler(self) -> Settler:
        """What settles asserts, and remembers what it was asked."""
        if self._settler is None:
            from remit.testing.asserts import Settler

            self._settler = Settler(self.policy.table, self.policy.index)
        return self._settler

    def entries(self, file: Path) -> list[TestEntry | AssertEntry]:
        """The tests and asserts that stand in a file, in the order of its text."""
        table = self.policy.table
        every: list[TestEntry | AssertEntry] = [*table.tests, *table.assertions]
        own = {name for name, origin in table.origins.items() if os.path.abspath(origin) == str(file)}
        found = [entry for entry in every if entry.place.file in own]
        return sorted(found, key=lambda entry: (entry.place.line, entry.place.column))


class PolicyFile(pytest.File):
    """A file of a policy."""

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each `test` and each `assert` of the file."""
        from remit.policy import PolicyError
        from remit.project.config import ConfigError
        from remit.report.escape import safe
        from remit.report.text import draw_findings
        from remit.table.shape import TestEntry
        from remit.testing.selection import title

        policies = _policies(self.config)
        try:
            loaded = policies.of(self.path)
        except PolicyError as error:
            raise self.CollectError(draw_findings(error.diagnostics, False, policies.folder)) from error
        except ConfigError as error:
            raise self.CollectError(str(error)) from error
        if loaded is None:
            return
        seen: Counter[str] = Counter()
        for entry in loaded.entries(self.path):
            name = safe(title(entry))
            seen[name] += 1
            kind = Example if isinstance(entry, TestEntry) else Assertion
            many = f" ({seen[name]})" if seen[name] > 1 else ""  # names are used twice where the linter does not look
            yield kind.from_parent(self, name=name + many, entry=entry, loaded=loaded)


class _FailedError(Exception):
    """The text of a failure, whole."""


class _PolicyItem(pytest.Item):
    def __init__(self, *, entry: TestEntry | AssertEntry, loaded: Loaded, **rest: Any) -> None:
        super().__init__(**rest)
        self.entry: Any = entry
        self.loaded = loaded

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The text of `remit test`; of what is no failure of the policy, pytest's own."""
        if isinstance(excinfo.value, _FailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.entry.place.line - 1, self.name


class Example(_PolicyItem):
    """A `test` block."""

    def runtest(self) -> None:
        """Raises _FailedError."""
        from remit.policy import clock
        from remit.report.tests_text import failed_text
        from remit.testing.examples import run_test
        from remit.testing.run import Results

        now = clock()
        policy = self.loaded.policy
        result = run_test(policy.table, self.entry, lambda: now, policy.index)
        if result.failures:
            results = Results(policy.table, [result], [], now=now)
            raise _FailedError(failed_text(result, results, self.loaded.folder))


class Assertion(_PolicyItem):
    """An `assert`, which fails unless it is proved."""

    def runtest(self) -> None:
        """Raises _FailedError."""
        from remit.report.tests_text import claim_text, draw_results
        from remit.testing.run import Results

        table, folder = self.loaded.policy.table, self.loaded.folder
        result = self.loaded.settler.settle(self.entry)
        if result.result == "failed":
            raise _FailedError(claim_text(result, table, folder))
        if result.result == "unproven":
            found = Results(table, [], [result])
            raise _FailedError(draw_results([(found, 0.0)], folder=folder))

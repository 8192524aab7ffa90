"""The databases, for every test of this folder that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from remit.stores import sql
from tests.stores.postgres import database, server

__all__ = ["database", "let_go", "server"]


@pytest.fixture(autouse=True)
def let_go(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connections that a test leaves open are closed at its end."""
    engines: list[Any] = []

    def engine_of(*given: Any, **named: Any) -> Any:
        engines.append(real(*given, **named))
        return engines[-1]

    real = sql.engine_of
    monkeypatch.setattr(sql, "engine_of", engine_of)
    yield
    for engine in engines:
        engine.dispose()

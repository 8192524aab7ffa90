"""The databases, for every test of this folder that asks for one."""

from __future__ import annotations

from tests.stores.postgres import database, server

__all__ = ["database", "server"]

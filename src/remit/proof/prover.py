"""What holds of every request (being built)."""

from __future__ import annotations

from remit.table.shape import Table


class Prover:
    """Answers over all requests of one table."""

    def __init__(self, table: Table) -> None:
        self.table = table

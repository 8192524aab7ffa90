"""Where a line of the policy stands, as a stretch of text that can be shown: all of its file that a table keeps."""

from __future__ import annotations

from remit.source import Source, Span
from remit.table.shape import Place, Table


def span_at(table: Table, place: Place) -> Span:
    """The text at a place with what stands beside it on its lines; what the table does not keep is blank."""
    before = "\n" * (place.line - 1) + place.lead.rjust(place.column - 1)
    source = Source(place.file, before + place.text + place.trail, table.origins.get(place.file, place.file))
    return Span(source, len(before), len(before) + len(place.text))

"""A large mapping under a few changes: what stays is shared with the mapping before, and never copied.

    base {ann: …, bob: …, … a million}     patch {bob: new, cyd: gone}
    → [bob] is new, [cyd] is a KeyError, [ann] is as ever

When the patch has grown to a fraction of the whole, both are joined into a new base; so following n changes costs n
steps and not n copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

Value = TypeVar("Value")

_GONE: Any = object()
_FRACTION = 8  # the patch is joined to the base when it is more than an eighth of it


class Layered(Mapping[str, Value]):
    """Read-only. `followed` makes the next one."""

    __slots__ = ("_base", "_length", "_patch")

    def __init__(self, base: Mapping[str, Value], patch: dict[str, Value], length: int) -> None:
        self._base = base
        self._patch = patch
        self._length = length

    def __getitem__(self, key: str) -> Value:
        found = self._patch.get(key)
        if found is None:
            return self._base[key]
        if found is _GONE:
            raise KeyError(key)
        return found

    def get(self, key: str, default: Any = None) -> Any:
        found = self._patch.get(key)
        if found is None:
            return self._base.get(key, default)
        return default if found is _GONE else found

    def __contains__(self, key: object) -> bool:
        found = self._patch.get(cast("str", key))
        return key in self._base if found is None else found is not _GONE

    def __iter__(self) -> Iterator[str]:
        patch = self._patch
        for key in self._base:
            if patch.get(key) is not _GONE:
                yield key
        for key, value in patch.items():
            if value is not _GONE and key not in self._base:
                yield key

    def __len__(self) -> int:
        return self._length


def followed(mapping: Mapping[str, Value], changes: Mapping[str, Value | None]) -> Mapping[str, Value]:
    """The mapping with these values, without those that are None. The one given stays as it is."""
    if not changes:
        return mapping
    base, patch = mapping, {}
    if isinstance(mapping, Layered):
        base, patch = mapping._base, dict(mapping._patch)
    length = len(mapping)
    for key, value in changes.items():
        length += (value is not None) - (key in mapping)
        if value is None and key not in base:
            patch.pop(key, None)
        else:
            patch[key] = _GONE if value is None else value
    if len(patch) * _FRACTION > len(base):
        return {key: value for key, value in {**base, **patch}.items() if value is not _GONE}
    return Layered(base, patch, length)


__all__ = ["Layered", "followed"]

"""remit: policy as code for roles and permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remit.version import __version__

if TYPE_CHECKING:
    from remit.evaluator.request import Resource
    from remit.explanation.explain import Explanation
    from remit.membership.apply import Applied
    from remit.policy import Decision, Directory, DirectoryError, Pdp, Policy, PolicyError
    from remit.stores.store import StoreError

__all__ = [
    "Applied",
    "Decision",
    "Directory",
    "DirectoryError",
    "Explanation",
    "Pdp",
    "Policy",
    "PolicyError",
    "Resource",
    "StoreError",
    "__version__",
]

_HOMES = {
    "Applied": "remit.membership.apply",
    "Explanation": "remit.explanation.explain",
    "Resource": "remit.evaluator.request",
    "StoreError": "remit.stores.store",
}


def __getattr__(name: str) -> Any:
    """Loads a public name when first used: `import remit` alone stays cheap."""
    if name not in __all__:
        raise AttributeError(f"module 'remit' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_HOMES.get(name, "remit.policy")), name)
    globals()[name] = found
    return found

"""remit: policy as code for roles and permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remit.version import __version__

if TYPE_CHECKING:
    from remit.evaluator.request import Resource
    from remit.explanation.explain import Explanation
    from remit.policy import Decision, Directory, DirectoryError, Pdp, Policy, PolicyError

__all__ = [
    "Decision",
    "Directory",
    "DirectoryError",
    "Explanation",
    "Pdp",
    "Policy",
    "PolicyError",
    "Resource",
    "__version__",
]

_HOMES = {"Resource": "remit.evaluator.request", "Explanation": "remit.explanation.explain"}


def __getattr__(name: str) -> Any:
    """Loads a public name when first used: `import remit` alone stays cheap."""
    if name not in __all__:
        raise AttributeError(f"module 'remit' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_HOMES.get(name, "remit.policy")), name)
    globals()[name] = found
    return found

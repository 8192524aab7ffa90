"""The codes of decisions by number: whichever comes first holds (SEMANTICS 4)."""

CODES = (
    "invalid_request", "unknown_resource_type", "unknown_action", "unknown_user", "inactive_user", "denied_by_rule",
    "no_rule", "allowed",
)  # fmt: skip
INVALID, NO_TYPE, NO_ACTION, NO_USER, NOT_ACTIVE, DENIED, NO_RULE, ALLOWED = range(len(CODES))
OPEN = 255  # none yet

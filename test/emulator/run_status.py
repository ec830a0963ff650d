"""The three vocabularies of run statuses and how they relate.

Internal (database) statuses are shown under different names by the two API versions, and
`filter[status]` uses words that are not the inverse of either. This module is the only
place that knows the tables.
"""

# internal -> (shown without the version header, shown with 2025-07-16)
DISPLAY = {
    "DELAYED": ("DELAYED", "DELAYED"),
    "PENDING": ("QUEUED", "QUEUED"),
    "PENDING_VERSION": ("PENDING_VERSION", "PENDING_VERSION"),
    "WAITING_FOR_DEPLOY": ("WAITING_FOR_DEPLOY", "PENDING_VERSION"),
    "DEQUEUED": ("EXECUTING", "DEQUEUED"),
    "EXECUTING": ("EXECUTING", "EXECUTING"),
    "WAITING_TO_RESUME": ("FROZEN", "WAITING"),
    "PAUSED": ("FROZEN", "WAITING"),
    "RETRYING_AFTER_FAILURE": ("REATTEMPTING", "EXECUTING"),
    "COMPLETED_SUCCESSFULLY": ("COMPLETED", "COMPLETED"),
    "COMPLETED_WITH_ERRORS": ("FAILED", "FAILED"),
    "CANCELED": ("CANCELED", "CANCELED"),
    "INTERRUPTED": ("INTERRUPTED", "FAILED"),
    "SYSTEM_FAILURE": ("SYSTEM_FAILURE", "SYSTEM_FAILURE"),
    "CRASHED": ("CRASHED", "CRASHED"),
    "EXPIRED": ("EXPIRED", "EXPIRED"),
    "TIMED_OUT": ("TIMED_OUT", "TIMED_OUT"),
}

# filter[status] word -> internal statuses it selects, whatever the version header says
FILTER_WORDS = {
    "DELAYED": ("DELAYED",),
    "QUEUED": ("PENDING",),
    "PENDING_VERSION": ("PENDING_VERSION",),
    "WAITING_FOR_DEPLOY": ("WAITING_FOR_DEPLOY",),
    "DEQUEUED": ("DEQUEUED",),
    "EXECUTING": ("EXECUTING",),
    "REATTEMPTING": ("RETRYING_AFTER_FAILURE",),
    "WAITING": ("WAITING_TO_RESUME",),
    "FROZEN": ("PAUSED", "WAITING_TO_RESUME"),
    "COMPLETED": ("COMPLETED_SUCCESSFULLY",),
    "FAILED": ("COMPLETED_WITH_ERRORS",),
    "INTERRUPTED": ("INTERRUPTED",),
    "CANCELED": ("CANCELED",),
    "CRASHED": ("CRASHED",),
    "SYSTEM_FAILURE": ("SYSTEM_FAILURE",),
    "EXPIRED": ("EXPIRED",),
    "TIMED_OUT": ("TIMED_OUT",),
}

FINAL = frozenset((
    "COMPLETED_SUCCESSFULLY", "COMPLETED_WITH_ERRORS", "CANCELED", "INTERRUPTED",
    "SYSTEM_FAILURE", "CRASHED", "EXPIRED", "TIMED_OUT",
))

_QUEUED = frozenset(("QUEUED", "DELAYED", "PENDING_VERSION", "WAITING_FOR_DEPLOY"))
_EXECUTING = frozenset(("EXECUTING", "DEQUEUED", "REATTEMPTING", "FROZEN"))
_COMPLETED = frozenset((
    "COMPLETED", "CANCELED", "FAILED", "CRASHED", "INTERRUPTED", "SYSTEM_FAILURE",
))


def _flags(shown):
    """Compute the seven booleans from the *displayed* status, in the server's key order."""
    completed = shown in _COMPLETED
    values = (
        ("isQueued", shown in _QUEUED),
        ("isExecuting", shown in _EXECUTING),
        ("isCompleted", completed),
        ("isFailed", completed and shown != "COMPLETED"),
        ("isSuccess", shown == "COMPLETED"),
        ("isCancelled", shown == "CANCELED"),
        ("isWaiting", shown == "WAITING"),
    )
    return ",".join('"%s":%s' % (key, "true" if value else "false") for key, value in values)


# FLAGS[version][internal] is the ready-made JSON text of the booleans; version 0 is legacy.
FLAGS = tuple(
    {internal: _flags(shown[version]) for internal, shown in DISPLAY.items()}
    for version in (0, 1)
)
SHOWN = tuple(
    {internal: shown[version] for internal, shown in DISPLAY.items()} for version in (0, 1)
)

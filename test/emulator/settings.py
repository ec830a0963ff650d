"""The switches of the control interface."""


class Settings:
    """Behaviour switches; the defaults are the real server's behaviour."""

    DEFAULTS = {
        "latency_ms": 0,
        "latency_jitter_ms": 0,
        "gzip": True,
        "chunked": False,
        "lag_ms": 0,
        # None: headers are sent, but the budget never runs out
        "rate_limit": None,
        "hydrate_drop": 0,
        "page_short": False,
        "empty_pages": 0,
        "repeat_cursor": False,
        "repeat_rows": 0,
        "unordered": False,
        "drop_keepalive_after": 0,
        "now": None,
        "clock_skew_ms": 0,
        "schedule_drift": None,
        "additional_keys": True,
        # how long an executing run goes on after it was canceled
        "cancel_ms": 200,
        # how long after sealing the items of a batch become runs
        "batch_item_ms": 100,
        # after this long a run of an unknown task shows PENDING_VERSION (None: stays queued)
        "pending_version_ms": None,
        # items of v3 batches that may still be announced, as {remaining, reset_s?}
        "batch_budget": None,
        # whether items sent to a sealed batch are answered like duplicates, instead of 422
        "batch_resend_ok": False,
        "object_store": True,
        # without a stream store behind it every use of a session's channels is a 500
        "stream_store": True,
        # how many records of a channel one answer has (None: all there are)
        "records_page": None,
        # {limit?, window_ms?} enforces the windows of public tokens (None: headers only)
        "jwt_rate_limit": None,
        # the result endpoint as documented instead of as it is
        "result_documented": False,
        # numbers in bodies lose their precision as in JavaScript
        "js_numbers": False,
        # queries: the plan's look-back, the most rows, how many at once per project, and how
        # long each takes at least
        "query_period_days": 30,
        "query_max_rows": 10000,
        "query_concurrency": 3,
        "query_ms": 0,
    }

    def __init__(self):
        self.reset()

    def reset(self):
        """Go back to the defaults."""
        self.dropped_ids = frozenset()
        for name, value in self.DEFAULTS.items():
            setattr(self, name, value)

    def as_dict(self):
        """Return all switches."""
        values = {name: getattr(self, name) for name in self.DEFAULTS}
        if self.dropped_ids:
            values["hydrate_drop"] = {"ids": sorted(self.dropped_ids)}
        return values

    def merge(self, values):
        """Set the given switches; raises ValueError for an unknown one."""
        unknown = set(values) - set(self.DEFAULTS)
        if unknown:
            raise ValueError("unknown settings: " + ", ".join(sorted(unknown)))
        for name, value in values.items():
            if name == "hydrate_drop":
                self._set_hydrate_drop(value)
            else:
                setattr(self, name, self.DEFAULTS[name] if value is None else value)

    def _set_hydrate_drop(self, value):
        """Accept a fraction (rows only move to later pages) or {"ids": [...]} (rows vanish)."""
        self.dropped_ids = frozenset()
        self.hydrate_drop = 0
        if isinstance(value, dict):
            self.dropped_ids = frozenset(value.get("ids", ()))
            self.hydrate_drop = value.get("fraction", 0)
        elif value:
            self.hydrate_drop = value

    def alters_pages(self):
        """Tell whether a switch makes list pages depend on more than the request."""
        return bool(self.lag_ms or self.hydrate_drop or self.dropped_ids or self.page_short
                    or self.empty_pages or self.repeat_cursor or self.repeat_rows
                    or self.unordered)

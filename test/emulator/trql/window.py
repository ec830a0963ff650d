"""The time window of a query request and the width of its time buckets."""

import re
import time

from run_query import parse_date, parse_period
from trql import compiler, schema

DAY_MS = 86400000
_DEFAULT_DAYS = 7
# what an unreadable date becomes
_NO_DATE = "NaN-NaN-NaN NaN:NaN:NaN.NaN"
_WIDTHS = ((300, "5 SECOND"), (1800, "30 SECOND"), (7200, "1 MINUTE"), (21600, "5 MINUTE"),
           (86400, "15 MINUTE"), (3 * 86400, "1 HOUR"), (14 * 86400, "6 HOUR"),
           (60 * 86400, "1 DAY"), (365 * 86400, "1 WEEK"))
_METRIC_WIDTHS = ((3 * 3600, "10 SECOND"), (12 * 3600, "1 MINUTE"), (2 * 86400, "5 MINUTE"),
                  (7 * 86400, "15 MINUTE"), (30 * 86400, "1 HOUR"), (90 * 86400, "6 HOUR"),
                  (180 * 86400, "1 DAY"), (365 * 86400, "1 WEEK"))
_METRIC_TABLES = ("metrics", "queue_metrics", "env_metrics", "queue_metrics_by_key")


def text_of(ms):
    """Write a moment as the engine reads it."""
    if ms is None:
        return _NO_DATE
    seconds, millis = divmod(ms, 1000)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds)) + ".%03d" % millis


def time_table(query):
    """Return the table that a query text is about: the first that is named behind FROM."""
    for table in schema.tables().values():
        if re.search(r"\bFROM\s+%s\b" % table.name, query, re.IGNORECASE):
            return table
    return None


class Window:
    """The window of one request; the bounds are ms, False is an unreadable date."""

    def __init__(self, now, lookback_days, period=None, start=None, end=None):
        self.now = now
        default = min(lookback_days, _DEFAULT_DAYS) * DAY_MS
        self.low = self.high = None
        if not period and (start or end):
            self.low = _bound(start)
            self.high = _bound(end)
        else:
            span = parse_period(period) if period else default
            self.low = now - round(_DEFAULT_DAYS * DAY_MS if span is None else span)
        # the plan's limit, whatever the request says
        self.oldest = now - lookback_days * DAY_MS
        self._default = default

    def condition(self, column):
        """Return the condition for a query that has none of its own."""
        texts = [None if bound is None else text_of(bound or None)
                 for bound in (self.low, self.high)]
        return compiler.time_condition(column, *texts)

    def bucket(self, table):
        """Return the width of timeBucket() as SQL."""
        high = self.high or self.now
        low = self.low or high - self._default
        span = abs(high - low) / 1000
        widths, largest = _WIDTHS, "1 MONTH"
        if table is not None and table.name in _METRIC_TABLES:
            # these bounds still belong to the width
            widths = [(limit + 0.001, width) for limit, width in _METRIC_WIDTHS]
        for limit, width in widths:
            if span < limit:
                return "INTERVAL " + width
        return "INTERVAL " + largest


def _bound(text):
    if not text:
        return None
    ms = parse_date(text)
    return False if ms is None else ms

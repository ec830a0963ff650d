"""Reading the query string of the runs list, with every oddity of the real server.

Nothing here may be friendlier than the original: unknown keys are ignored, an empty value is
no filter, `period` wins over the bounds, an unparsable period removes the time filter, and
without any time filter the last seven days are listed.
"""

import base64
import binascii
import datetime
import json
import re

from run_model import MACHINES
from run_status import FILTER_WORDS
from run_table import MAX_KEY, MIN_KEY, RunFilter

DEFAULT_PERIOD_MS = 7 * 86400000
_UNIT_MS = {
    "ns": 1e-6, "us": 1e-3, "µs": 1e-3, "": 1, "ms": 1, "s": 1e3, "sec": 1e3, "secs": 1e3,
    "second": 1e3, "seconds": 1e3, "m": 6e4, "min": 6e4, "mins": 6e4, "minute": 6e4,
    "minutes": 6e4, "h": 36e5, "hr": 36e5, "hrs": 36e5, "hour": 36e5, "hours": 36e5,
    "d": 864e5, "day": 864e5, "days": 864e5, "w": 6048e5, "wk": 6048e5, "week": 6048e5,
    "weeks": 6048e5, "mo": 2629800000, "mth": 2629800000, "month": 2629800000,
    "months": 2629800000, "y": 31557600000, "yr": 31557600000, "year": 31557600000,
    "years": 31557600000,
}
_DURATION = re.compile(r"(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([^\W\d_]*)", re.IGNORECASE)
_DATE = re.compile(
    r"^([+-]\d{6}|\d{4})-(\d{2})(?:-(\d{2}))?"
    r"(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?\s*(Z|z|[+-]\d{2}(?::?\d{2})?)?)?$")


class QueryError(Exception):
    """A 400 answer with zod-like issues."""

    def __init__(self, details):
        super().__init__("Query Error")
        self.details = details


class ListRequest:
    """The understood part of a runs list query."""

    __slots__ = ("filter", "size", "after", "before", "lower", "upper", "environments")


def parse_period(text):
    """Return the milliseconds of a duration text, or None when nothing in it is understood."""
    total = None
    for number, unit in _DURATION.findall(text.replace(",", "")):
        factor = _UNIT_MS.get(unit, _UNIT_MS.get(unit.lower()))
        if factor is not None:
            total = (total or 0) + float(number) * factor
    return total


def parse_date(text):
    """Return epoch ms: digits are ms as they stand, else a date text; None when unparsable."""
    if text.isdigit():
        value = int(text)
        return value if value <= 8640000000000000 else None
    found = _DATE.match(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime.datetime(
            int(year), int(month), int(day or 1), int(hour or 0), int(minute or 0),
            int(second or 0))
    except ValueError:
        return None
    ms = round((moment - datetime.datetime(1970, 1, 1)).total_seconds()) * 1000
    if fraction:
        ms += int((fraction + "00")[:3])
    if zone and zone not in "Zz":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        offset = (int(digits[:2]) * 60 + int(digits[2:])) * 60000
        ms -= offset if zone[0] == "+" else -offset
    return ms


def encode_cursor(key):
    """Return the opaque cursor of an order key."""
    text = '{"c":%d,"r":"%s"}' % key
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(text):
    """Return ("key", (ms, internal id)), or ("id", text) for what is no cursor of ours.

    The server compares such a text with the internal ids alone, which usually means: the
    first page, and never an error.
    """
    try:
        padded = text + "=" * (-len(text) % 4)
        value = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        if isinstance(value, dict) and isinstance(value.get("r"), str) \
                and isinstance(value.get("c"), (int, float)):
            return "key", (int(value["c"]), value["r"])
    except (ValueError, binascii.Error, UnicodeError):
        pass
    return "id", text


def _issue(name, message):
    return {"code": "custom", "message": message, "path": [name]}


def _words(query, name):
    """Return the comma-separated values of a filter, or None when it is missing or empty."""
    value = query.get(name)
    return value.split(",") if value else None


def _as_set(words):
    return None if words is None else frozenset(words)


def _page_size(query, issues):
    text = query.get("page[size]")
    if text is None:
        return 25
    path = ["page[size]"]
    try:
        number = float(text) if text.strip() else 0.0
    except ValueError:
        issues.append({"code": "invalid_type", "expected": "number", "received": "nan",
                       "path": path, "message": "Expected number, received nan"})
        return 25
    if number != int(number):
        issues.append({"code": "invalid_type", "expected": "integer", "received": "float",
                       "path": path, "message": "Expected integer, received float"})
    if number <= 0:
        issues.append({"code": "too_small", "minimum": 0, "type": "number", "inclusive": False,
                       "exact": False, "message": "Number must be greater than 0", "path": path})
    if number < 1:
        issues.append({
            "code": "too_small", "minimum": 1, "type": "number", "inclusive": True,
            "exact": False, "message": "Number must be greater than or equal to 1",
            "path": path})
    if number > 100:
        issues.append({
            "code": "too_big", "maximum": 100, "type": "number", "inclusive": True,
            "exact": False, "message": "Number must be less than or equal to 100",
            "path": path})
    return int(number)


def _statuses(query, issues):
    words = _words(query, "filter[status]")
    if words is None:
        return None
    unknown = [word for word in words if word not in FILTER_WORDS]
    if unknown:
        issues.append(_issue("filter[status]",
                             "Invalid status values: " + ", ".join(unknown)))
        return None
    return frozenset(internal for word in words for internal in FILTER_WORDS[word])


def _machines(query, issues):
    words = _words(query, "filter[machine]")
    if words is None:
        return None
    unknown = [word for word in words if word not in MACHINES]
    if unknown:
        issues.append(_issue("filter[machine]",
                             "Invalid machine values: " + ", ".join(unknown)))
    return frozenset(words)


def _is_test(query, issues):
    text = query.get("filter[isTest]")
    if not text:
        return None
    if text not in ("true", "false"):
        issues.append(_issue("filter[isTest]", "Invalid value for isTest: " + text))
    return text == "true"


def _bound(query, name, issues):
    """Return a bound in ms, or None when it is not given; 0 counts as not given."""
    text = query.get(name)
    if not text:
        return None
    ms = parse_date(text)
    if ms is None:
        issues.append({"code": "invalid_date", "path": [name], "message": "Invalid date"})
    return ms or None


def _window(query, now, issues):
    """Return (lower key, upper key): lower <= key < upper."""
    begin = _bound(query, "filter[createdAt][from]", issues)
    end = _bound(query, "filter[createdAt][to]", issues)
    period = query.get("filter[createdAt][period]")
    if not period and begin is None and end is None:
        return (now - DEFAULT_PERIOD_MS, ""), MAX_KEY
    if period:
        length = parse_period(period)
        lower = (now - int(length), "") if length else MIN_KEY
        return lower, MAX_KEY
    lower = MIN_KEY if begin is None else (begin, "")
    # the upper bound is inclusive at ms precision and clamped to now
    upper = MAX_KEY if end is None else (min(end, now) + 1, "")
    return lower, upper


def parse_list_query(query, now):
    """Turn the flat query map into a ListRequest; raises QueryError."""
    issues = []
    request = ListRequest()
    request.size = _page_size(query, issues)
    request.after = query.get("page[after]") or None
    request.before = query.get("page[before]") or None
    request.environments = _words(query, "filter[env]")
    statuses = _statuses(query, issues)
    machines = _machines(query, issues)
    is_test = _is_test(query, issues)
    request.lower, request.upper = _window(query, now, issues)
    if issues:
        raise QueryError(issues)
    request.filter = RunFilter(
        statuses=statuses,
        tasks=_as_set(_words(query, "filter[taskIdentifier]")),
        versions=_as_set(_words(query, "filter[version]")),
        tags=_as_set(_words(query, "filter[tag]")),
        queues=_as_set(_words(query, "filter[queue]")),
        machines=machines,
        regions=_as_set(_words(query, "filter[region]")),
        is_test=is_test,
        batch=query.get("filter[batch]") or None,
        schedule=query.get("filter[schedule]") or None,
        bulk_action=query.get("filter[bulkAction]") or None,
        error=query.get("filter[error]") or None,
    )
    return request

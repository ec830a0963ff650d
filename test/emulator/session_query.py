"""The list of sessions: reading its query and cutting one page, with its oddities.

Filters are single values, commas included; there is no default time window; the cursor is a
bare internal id that is compared with ids although the rows are in the order of creation, so
that pages skip or repeat rows whose ids are in another order.
"""

import re

from run_query import QueryError, parse_period
from sessions import STATUSES

DEFAULT_SIZE = 20
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|0x[0-9a-f]+|0o[0-7]+|0b[01]+", re.I)


def js_number(text):
    """Return what JavaScript's Number makes of a text; None stands for NaN."""
    text = text.strip()
    if not text:
        return 0
    if text.lstrip("+-") == "Infinity":
        return float(text)
    if not _NUMBER.fullmatch(text):
        return None
    return int(text, 0) if text[1:2] in "xXoObB" and len(text) > 1 else float(text)


def _integer(query, name, issues, default, least=None, most=None):
    text = query.get(name)
    if text is None:
        return default
    number = js_number(text)
    if number is None:
        issues.append({"code": "invalid_type", "expected": "number", "received": "nan",
                       "path": [name], "message": "Expected number, received nan"})
        return default
    if abs(number) == float("inf") or number != int(number):
        issues.append({"code": "invalid_type", "expected": "integer", "received": "float",
                       "path": [name], "message": "Expected integer, received float"})
    if least is not None and number < least:
        issues.append({
            "code": "too_small", "minimum": least, "type": "number", "inclusive": True,
            "exact": False, "message": "Number must be greater than or equal to %d" % least,
            "path": [name]})
    if most is not None and number > most:
        issues.append({
            "code": "too_big", "maximum": most, "type": "number", "inclusive": True,
            "exact": False, "message": "Number must be less than or equal to %d" % most,
            "path": [name]})
    return default if abs(number) == float("inf") else int(number)


def _status(query, issues):
    """Return the wanted status; of several in one value the whole text is none."""
    name = "filter[status]"
    value = query.get(name)
    if value is None or value in STATUSES:
        return value
    issues.append({
        "code": "invalid_union", "path": [name], "message": "Invalid input",
        "unionErrors": [
            {"issues": [{
                "received": value, "code": "invalid_enum_value", "options": list(STATUSES),
                "path": [name], "message": "Invalid enum value. Expected %s, received '%s'" % (
                    " | ".join("'%s'" % status for status in STATUSES), value)}],
             "name": "ZodError"},
            {"issues": [{
                "code": "invalid_type", "expected": "array", "received": "string",
                "path": [name], "message": "Expected array, received string"}],
             "name": "ZodError"}]})
    return None


class SessionQuery:
    """The understood part of a list query; None means not filtered."""

    __slots__ = ("size", "cursor", "backward", "type", "tag", "task", "external_id", "status",
                 "lower", "upper")

    def accepts(self, session, now):
        """Tell whether the index would pick this session."""
        return (
            (self.type is None or session.type == self.type)
            and (self.tag is None or self.tag in session.known_tags())
            and (self.task is None or session.task == self.task)
            and (self.external_id is None or session.external_id == self.external_id)
            and (self.status is None or self.status in session.indexed_statuses(now))
            and (self.lower is None or session.created_at >= self.lower)
            and (self.upper is None or session.created_at <= self.upper))


def parse(query, now):
    """Turn the flat query map into a SessionQuery; raises QueryError."""
    issues = []
    request = SessionQuery()
    request.size = _integer(query, "page[size]", issues, DEFAULT_SIZE, 1, 100)
    after, before = query.get("page[after]"), query.get("page[before]")
    request.type = query.get("filter[type]")
    request.tag = query.get("filter[tags]")
    request.task = query.get("filter[taskIdentifier]")
    # unlike an empty type or tag, which nothing has, an empty external id is no filter
    request.external_id = query.get("filter[externalId]") or None
    request.status = _status(query, issues)
    period = query.get("filter[createdAt][period]")
    begin = _integer(query, "filter[createdAt][from]", issues, 0)
    request.upper = _integer(query, "filter[createdAt][to]", issues, 0) or None
    if after and before and not issues:
        issues.append({
            "code": "custom", "path": ["page[before]"],
            "message": "Cannot pass both page[after] and page[before] on the same request"})
    if issues:
        raise QueryError(issues)
    bounds = [begin] if begin else []
    length = parse_period(period) if period else None
    if length:
        bounds.append(now - int(length))
    request.lower = max(bounds) if bounds else None
    request.cursor = after or before or None
    request.backward = bool(before)
    return request


class Page:
    """The sessions of one answer and its cursors (texts or None)."""

    __slots__ = ("sessions", "next", "previous")

    def __init__(self, sessions, following, previous):
        self.sessions = sessions
        self.next = following
        self.previous = previous


def _picked(sessions, request, now, hide_after):
    """Return at most one more than a page of what the index picks, in the order of paging."""
    found = [session for session in sessions.indexed() if request.accepts(session, now)
             and (hide_after is None or session.inserted_at <= hide_after)]
    if request.cursor is None:
        return found[:request.size + 1]
    if request.backward:
        found = [session for session in reversed(found) if session.internal_id > request.cursor]
    else:
        found = [session for session in found if session.internal_id < request.cursor]
    return found[:request.size + 1]


def cut_page(sessions, request, settings, now, real_now):
    """Answer a SessionQuery."""
    hide_after = real_now - settings.lag_ms if settings.lag_ms else None
    picked = _picked(sessions, request, now, hide_after)
    size = request.size
    if settings.page_short and len(picked) > 1 and not request.backward:
        size = max(1, min(size, len(picked) - 1) // 2)
    more = len(picked) > size
    ids = [session.internal_id for session in picked]
    following = previous = None
    if request.backward:
        # the row next to the cursor gets lost when there are more
        rows = picked[1:size + 1] if more else picked
        ids.reverse()
        if more:
            following, previous = ids[size], ids[1]
        elif len(ids) >= size:
            following = ids[size - 1]
    else:
        rows = picked[:size]
        if more:
            following = ids[size - 1]
        if request.cursor is not None and ids:
            previous = ids[0]
    if settings.repeat_cursor and request.cursor is not None:
        following = request.cursor
    # the database is asked for the ids: what is gone is missing, and the status is looked at
    # again, so that a page may be short or empty and still have a next one
    rows = [row for row in rows if not row.deleted and row.id not in settings.dropped_ids
            and (request.status is None or row.status(now) == request.status)]
    rows.sort(key=lambda session: session.order, reverse=True)
    return Page(rows, following, previous)

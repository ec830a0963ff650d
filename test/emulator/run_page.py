"""Cutting one page out of the runs list, including the injected paging faults."""

import itertools
import random
import zlib

from run_query import decode_cursor, encode_cursor
from run_table import MAX_KEY, MIN_KEY


class Page:
    """The rows of one answer (bytes each) and its cursors (texts or None)."""

    __slots__ = ("rows", "next", "previous")

    def __init__(self, rows, following, previous):
        self.rows = rows
        self.next = following
        self.previous = previous

    def body(self):
        """Return the whole response body."""
        pagination = ",".join(
            '"%s":"%s"' % pair for pair in (("next", self.next), ("previous", self.previous))
            if pair[1] is not None)
        return b'{"data":[%b],"pagination":{%b}}' % (b",".join(self.rows), pagination.encode())


def cut_page(table, request, api_version, settings, real_now):
    """Answer a ListRequest from a RunTable."""
    hide_after = real_now - settings.lag_ms if settings.lag_ms else None
    if request.before is not None:
        return _backward(table, request, api_version, hide_after)
    if table.bulk is not None and not table.rows and not settings.alters_pages():
        return _plain_bulk_page(table.bulk, request, api_version)
    return _forward(table, request, api_version, settings, hide_after)


def _plain_bulk_page(bulk, request, api_version):
    """Do what _forward does for generated rows alone, without an object per row."""
    upper, kind = request.upper, "key"
    if request.after is not None:
        kind, value = decode_cursor(request.after)
        if kind == "key":
            upper = min(upper, value)
    size = request.size
    found = bulk.descending(request.filter, upper, request.lower)
    if kind == "id":
        found = (number for number in found if bulk.internal_id(number) < value)
    numbers = list(itertools.islice(found, size + 1))
    more = len(numbers) > size
    rows = [bulk.list_item(number, api_version) for number in numbers[:size]]
    following = encode_cursor(bulk.key(numbers[size - 1])) if more else None
    cursor_given = request.after is not None and numbers
    previous = encode_cursor(bulk.key(numbers[0])) if cursor_given else None
    return Page(rows, following, previous)


def _candidates_below(table, request, cursor, hide_after):
    """Yield the candidates after a cursor text (None: from the newest)."""
    upper, limit_id = request.upper, None
    if cursor is not None:
        kind, value = decode_cursor(cursor)
        if kind == "key":
            upper = min(upper, value)
        else:
            limit_id = value
    found = table.descending(request.filter, upper, request.lower, hide_after)
    if limit_id is not None:
        found = (candidate for candidate in found if candidate.key[1] < limit_id)
    return found


def _forward(table, request, api_version, settings, hide_after):
    cursor = request.after
    size = request.size
    if settings.empty_pages:
        page = _empty_page(table, request, settings.empty_pages, hide_after)
        if page is not None:
            return page
    picked = list(itertools.islice(
        _candidates_below(table, request, cursor, hide_after), size + 1))
    more = len(picked) > size
    picked = picked[:size]
    if settings.page_short and len(picked) > 1:
        picked = picked[:max(1, len(picked) // 2)]
        more = True
    if settings.hydrate_drop:
        picked, more = _with_phantoms(picked, more, size, settings.hydrate_drop)
    following = encode_cursor(picked[-1].key) if more else None
    previous = encode_cursor(picked[0].key) if cursor is not None and picked else None
    if settings.repeat_rows and cursor is not None:
        picked = _tail_before(table, request, cursor, settings.repeat_rows, hide_after) + picked
    if settings.repeat_cursor and cursor is not None:
        following = cursor
    if settings.unordered:
        random.Random(len(picked)).shuffle(picked)
    rows = (table.show(candidate, request.filter, api_version) for candidate in picked)
    dropped = settings.dropped_ids
    if dropped:
        rows = (None if candidate.run is not None and candidate.run.id in dropped else row
                for candidate, row in zip(picked, rows))
    return Page([row for row in rows if row is not None], following, previous)


def _backward(table, request, api_version, hide_after):
    """Page towards newer rows: ascending order, and other cursor rules than forward."""
    kind, value = decode_cursor(request.before)
    above = value if kind == "key" else MIN_KEY
    found = table.ascending(request.filter, above, request.lower, request.upper, hide_after)
    if kind == "id":
        found = (candidate for candidate in found if candidate.key[1] > value)
    size = request.size
    picked = list(itertools.islice(found, size + 1))
    following = previous = None
    if len(picked) > size:
        picked.pop()
        following = encode_cursor(picked[0].key)
        previous = encode_cursor(picked[-1].key)
    elif len(picked) == size:
        following = encode_cursor(picked[0].key)
    rows = (table.show(candidate, request.filter, api_version) for candidate in picked)
    return Page([row for row in rows if row is not None], following, previous)


def _empty_page(table, request, count, hide_after):
    """Return the empty page that is due at this cursor, or None when a real one is.

    `count` empty pages precede each real one. Their cursors lie between two rows: the key of
    the next row with `~` appended, one less on each page, so that they do advance.
    """
    cursor = request.after
    marks = count + 1
    if cursor is not None:
        kind, value = decode_cursor(cursor)
        if kind == "key" and value[1].endswith("~"):
            marks = len(value[1]) - len(value[1].rstrip("~"))
    if marks <= 1:
        return None
    upcoming = next(iter(_candidates_below(table, request, cursor, hide_after)), None)
    if upcoming is None:
        return None
    created, internal_id = upcoming.key
    following = encode_cursor((created, internal_id + "~" * (marks - 1)))
    return Page([], following, following if cursor is not None else None)


def _with_phantoms(picked, more, size, fraction):
    """Shorten a page as if a fraction of its rows had vanished after indexing.

    The vanished rows take up places of the page, so fewer real ones fit; no real row is lost.
    """
    if not picked:
        return picked, more
    seed = zlib.crc32(repr(picked[0].key).encode())
    rng = random.Random(seed)
    phantoms = sum(rng.random() < fraction for _ in range(size))
    room = max(1, size - phantoms)
    if len(picked) > room:
        return picked[:room], True
    return picked, more


def _tail_before(table, request, cursor, count, hide_after):
    """Return the `count` candidates just before (newer than) the cursor, newest first."""
    kind, value = decode_cursor(cursor)
    if kind != "key":
        return []
    inclusive = (value[0], value[1][:-1])
    found = table.ascending(request.filter, inclusive, MIN_KEY, MAX_KEY, hide_after)
    newer = (candidate for candidate in found if candidate.key >= value
             and not (candidate.run is not None and candidate.run.deleted))
    return list(itertools.islice(newer, count))[::-1]

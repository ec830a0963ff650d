"""JSON helpers that keep numbers and escapes exactly as written.

Rows keep free-form JSON (metadata, payload, output) as *text*, because parsing and
re-serialising would lose big integers, long decimals and the choice of escapes that the
client under test must carry through unchanged.
"""

import datetime
import json

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
dumps = _encoder.encode

_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_MILLIS = ["%03dZ" % value for value in range(1000)]
_SECONDS = ["%02d:%02d:%02d." % (value // 3600, value // 60 % 60, value % 60)
            for value in range(86400)]
_days = {}


def quote(text):
    """Return `text` as a JSON string literal."""
    return _encoder.encode(text)


def iso(ms):
    """Format epoch milliseconds the way every REST date looks: UTC, three digits, Z.

    A page of runs holds some 400 dates, so the pieces are looked up instead of formatted.
    """
    second, milli = divmod(ms, 1000)
    day, second = divmod(second, 86400)
    try:
        return _days[day] + _SECONDS[second] + _MILLIS[milli]
    except KeyError:
        _days[day] = datetime.date.fromordinal(_EPOCH_DAY + day).isoformat() + "T"
        return _days[day] + _SECONDS[second] + _MILLIS[milli]


class RawJSON:
    """A JSON value given as text, to be spliced into a larger document verbatim."""

    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text


def splice_object(members):
    """Serialise (key, value) pairs into an object; None is left out, RawJSON is verbatim."""
    parts = []
    for key, value in members:
        if value is None:
            continue
        text = value.text if isinstance(value, RawJSON) else _encoder.encode(value)
        parts.append('"%s":%s' % (key, text))
    return "{" + ",".join(parts) + "}"

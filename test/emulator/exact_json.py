"""JSON of request bodies, parsed so that writing it again changes no number.

Free-form values (payloads, metadata) go through a parse and a compact rewrite, which drops
white space and the choice of escapes as the real server does. Numbers stay texts meanwhile:
a client must be able to find its 20-digit integers and long decimals again. What the real
server, written in JavaScript, does to such numbers is a switch (`js_numbers`).
"""

import decimal
import json
import re

_encoder = json.JSONEncoder(ensure_ascii=False)
_LONE = re.compile("[\ud800-\udfff]")


class Number:
    """A JSON number as the text it was written in."""

    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, Number) and self.decimal() == other.decimal()

    def __hash__(self):
        return hash(self.decimal())

    def __repr__(self):
        return "Number(%s)" % self.text

    def decimal(self):
        """Return the exact value."""
        return decimal.Decimal(self.text)

    def is_integer(self):
        """Tell what JavaScript's Number.isInteger says."""
        value = float(self.text)
        return value.is_integer() if abs(value) < 1e308 else False

    def __int__(self):
        return int(self.decimal())


def javascript_text(text):
    """Return what parsing and writing a number in JavaScript makes of it."""
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return "null"
    if value == 0:
        return "0"
    sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    figures = "".join(map(str, digits))
    point = len(figures) + exponent
    if 0 < point <= 21:
        body = figures[:point].ljust(point, "0")
        if len(figures) > point:
            body += "." + figures[point:]
    elif -6 < point <= 0:
        body = "0." + "0" * -point + figures
    else:
        body = figures[0] + ("." + figures[1:] if len(figures) > 1 else "")
        body += "e%+d" % (point - 1)
    return "-" + body if sign else body


def _no_constant(text):
    raise ValueError("no JSON: " + text)


def _javascript_number(text):
    return Number(javascript_text(text))


def parse(data, js_numbers=False):
    """Parse a body (bytes or text); raises ValueError. Numbers become Number objects."""
    if isinstance(data, bytes):
        data = data.decode("utf-8", "replace")
    number = _javascript_number if js_numbers else Number
    try:
        return json.loads(data.removeprefix("\ufeff"), parse_int=number, parse_float=number,
                          parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _quote(text):
    literal = _encoder.encode(text)
    if _LONE.search(literal):
        literal = _LONE.sub(lambda found: "\\u%04x" % ord(found.group()), literal)
    return literal


def write(value):
    """Return the compact JSON text of a parsed value."""
    parts = []
    _write(value, parts.append)
    return "".join(parts)


def _write(value, add):
    if isinstance(value, str):
        add(_quote(value))
    elif isinstance(value, Number):
        add(value.text)
    elif value is None:
        add("null")
    elif isinstance(value, bool):
        add("true" if value else "false")
    elif isinstance(value, dict):
        separator = "{"
        for key, member in value.items():
            add(separator + _quote(key) + ":")
            _write(member, add)
            separator = ","
        add("}" if value else "{}")
    elif isinstance(value, (list, tuple)):
        separator = "["
        for member in value:
            add(separator)
            _write(member, add)
            separator = ","
        add("]" if value else "[]")
    else:
        add(_encoder.encode(value))


def well_formed(text):
    """Replace lone surrogates the way a UTF-8 encoder does in the original."""
    return _LONE.sub("\ufffd", text)

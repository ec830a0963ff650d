"""From text to tokens.

The escapes of string literals are undone one after the other, as in the original: `\\\\n`
becomes a backslash and a line feed.
"""

import re

from trql.nodes import SyntaxProblem

_ESCAPES = (("\\b", "\b"), ("\\f", "\f"), ("\\r", "\r"), ("\\n", "\n"), ("\\t", "\t"),
            ("\\0", ""), ("\\a", "\a"), ("\\v", "\v"), ("\\\\", "\\"))
_COMMON = r"\\[bBfFrRnNtT0aAvV\\]"
_TOKEN = re.compile(r"""
    (?P<blank>[ \t\r\n\v\f]+|/\*.*?\*/|(?:--|//)[^\r\n]*)
  | (?P<template>f')
  | (?P<str>'(?:[^\\']|%(common)s|\\'|'')*')
  | (?P<quoted>`(?:[^\\`]|%(common)s|\\'|``)*`|"(?:[^\\"]|%(common)s|\\"|"")*")
  | (?P<float>(?:\d+\.\d*|\.\d+|\d+)[eE][+-]?\d+)
  | (?P<hex>0[xX][0-9a-fA-F]+)
  | (?P<int>\d+)
  | (?P<id>[A-Za-z_$][A-Za-z0-9_$]*)
  | (?P<op>->|==|=~\*|=~|!~\*|!~|~\*|!=|<>|<=|>=|\|\||\?\?|\?\.|[-+*/%%=<>~?.,:;()\[\]{}])
""" % {"common": _COMMON}, re.VERBOSE | re.DOTALL)

# what is no bare alias of a table
KEYWORDS = frozenset("""
all and anti any array as asc ascending asof between both by case cast catch cohort collate
cross cube current date day desc descending distinct else end except extract final finally
first fn following for from full fun group having hour id if ilike in inf infinity inner
intersect interval is join key last leading left let like limit minute month nan not null
nulls offset on or order outer over partition preceding prewhere quarter range return right
rollup row rows sample second select semi settings substring then throw ties timestamp to top
totals trailing trim truncate try unbounded union using week when where while window with
year yyyy""".split())


class Token:
    """A piece of the text: its kind, text and place."""

    __slots__ = ("kind", "text", "word", "start")

    def __init__(self, kind, text, start):
        self.kind = kind
        self.text = text
        # how keywords are compared; None for what is no bare word
        self.word = text.lower() if kind == "id" else None
        self.start = start


def unquote(text):
    """Return the content of a quoted literal or name."""
    quote = text[0]
    content = text[1:-1].replace(quote * 2, quote).replace("\\" + quote, quote)
    return unescape(content)


def unescape(content):
    """Undo the escapes in the original's order."""
    for escape, meaning in _ESCAPES:
        content = content.replace(escape, meaning)
    return content


def position(text, start):
    """Return the place as the original tells it: line from 1, column from 0."""
    before = text[:start]
    return before.count("\n") + 1, start - (before.rfind("\n") + 1)


def problem(text, start, message):
    """Return the error of a place."""
    return SyntaxProblem("Syntax error at line %d:%d: %s" % (*position(text, start), message))


def tokenize(text):
    """Return the tokens, with one of kind "end" behind the last."""
    tokens = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise problem(text, place, "token recognition error at: '%s'" % text[place])
        kind = found.lastgroup
        if kind == "template":
            end = _template_end(text, found.end())
            tokens.append(Token(kind, text[found.end():end - 1], place))
            place = end
            continue
        if kind != "blank":
            tokens.append(Token(kind, found.group(), place))
        place = found.end()
    tokens.append(Token("end", "<EOF>", len(text)))
    return tokens


def _template_end(text, place):
    """Return the place behind the closing quote of f'…{expr}…'."""
    depth = 0
    while place < len(text):
        char = text[place]
        if depth == 0 and char == "\\":
            place += 2
            continue
        if char == "{":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        elif char == "'" and depth == 0:
            if text[place + 1:place + 2] != "'":
                return place + 1
            place += 1
        elif char == "'":
            place = text.find("'", place + 1)
            if place < 0:
                break
        place += 1
    raise problem(text, len(text), "mismatched input '<EOF>' expecting '\\''")


def template_parts(content):
    """Yield (is expression, text) for the pieces of a template."""
    plain = ""
    place = 0
    while place < len(content):
        char = content[place]
        if char == "\\" and content[place + 1:place + 2] == "{":
            plain += "{"
            place += 2
            continue
        if char != "{":
            plain += char
            place += 1
            continue
        if plain:
            yield False, plain
        plain = ""
        depth = 1
        start = place = place + 1
        while place < len(content) and depth:
            depth += {"{": 1, "}": -1}.get(content[place], 0)
            place += 1
        yield True, content[start:place - 1]
    if plain:
        yield False, plain

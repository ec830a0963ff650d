"""The texts of the engine's refusals, with inner names replaced as the original does.

The replacement works on the text alone and damages it here and there; the damage is kept.
"""

import functools
import re

from trql import schema

_EXCEPTION = re.compile(r"Code: \d+\..*?Exception: (.+)\(([A-Z_0-9]+)\)", re.DOTALL)
_TIDY = [(re.compile(pattern, re.IGNORECASE), replacement) for pattern, replacement in (
    (r"\(\s*\(\s*\)\s*\)", ""), (r"\(\s*\)", ""), (r"\bWHERE\s+AND\b", "WHERE"),
    (r"\bAND\s+AND\b", "AND"), (r"\(\(\s*\(", "("), (r"\)\s*\)\)", ")"),
    (r"\(\(([^()]+)\)\)", r"(\1)"), (r"\bWHERE\s*\(\s*\)\s*", ""),
    (r"\s+\)\s*(ORDER|LIMIT|GROUP|HAVING)", r" \1"),
    (r"\bWHERE\s+(ORDER|LIMIT|GROUP|HAVING)\b", r"\1"), (r"\bWHERE\s*$", ""), (r"\s{2,}", " "))]
_SAME_ALIAS = re.compile(r"\b(\w+)\s+AS\s+\1\b", re.IGNORECASE)


def reason(message):
    """Return what the engine's client makes of an exception's text."""
    found = _EXCEPTION.search(message)
    return found.group(1) if found else message


def _name(text):
    return r"(?<![a-zA-Z0-9_])%s(?![a-zA-Z0-9_])" % re.escape(text)


@functools.cache
def _names():
    """Return (patterns of inner conditions, replacements of inner names in their order)."""
    hidden = []
    qualified, columns, names = [], {}, []
    for table in schema.tables().values():
        hidden += list(table.tenant) + [column for column, _ in table.filters]
        names.append((table.physical, table.name))
        for column in table.columns.values():
            qualified.append(("%s.%s" % (table.physical, column.physical),
                              "%s.%s" % (table.name, column.name)))
            if column.physical != column.name:
                columns[column.physical] = column.name
    names.sort(key=lambda pair: -len(pair[0]))
    by_length = sorted(columns.items(), key=lambda pair: -len(pair[0]))
    conditions = []
    for column in dict.fromkeys(hidden):
        equal = r"\(%s\s*=\s*'[^']*'\)" % column
        conditions += [re.compile(equal + r"\s*AND\s*", re.IGNORECASE),
                       re.compile(r"\s*AND\s*" + equal, re.IGNORECASE),
                       re.compile(equal, re.IGNORECASE)]
    return conditions, [(re.compile(_name(inner)), shown)
                        for inner, shown in qualified + names + by_length]


def sanitize(message):
    """Return the text that the API shows."""
    conditions, names = _names()
    for pattern in conditions:
        message = pattern.sub("", message)
    for pattern, replacement in _TIDY:
        message = pattern.sub(replacement, message)
    for pattern, shown in names:
        message = pattern.sub(shown, message)
    return _SAME_ALIAS.sub(r"\1", message)

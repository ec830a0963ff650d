"""Whether two answers are the same one."""
import collections
import math
import re

ROUGH = 1e-9
NEGATIVE_ZERO = re.compile(r"(?<![\w.])-0(?![\w.])")


def same_number(a, b):
    """Two sums of doubles that were added in different orders."""
    if a is None or b is None or a == b:
        return a == b
    return math.isclose(float(a), float(b), rel_tol=ROUGH, abs_tol=ROUGH)


def _split(row, rough):
    return (tuple(value for n, value in enumerate(row) if n not in rough),
            [row[n] for n in rough])


def _number(values):
    """A sort key: nulls, numbers, NaN."""
    return [(value is not None, value == "NaN", 0 if value in (None, "NaN") else float(value))
            for value in values]


def _rough_rows(got, expected, rough):
    """Multisets: equal in all but the rough columns, and there nearly."""
    sides = []
    for rows in (got, expected):
        found = collections.defaultdict(list)
        for row in rows:
            key, numbers = _split(row, rough)
            found[key].append(numbers)
        sides.append({key: sorted(numbers, key=_number) for key, numbers in found.items()})
    if {key: len(rows) for key, rows in sides[0].items()} \
            != {key: len(rows) for key, rows in sides[1].items()}:
        return "other rows"
    for key, rows in sides[0].items():
        for mine, theirs in zip(rows, sides[1][key]):
            if not all(map(same_number, mine, theirs)):
                return f"other sums: {mine} instead of {theirs}"
    return None


def _without_negative_zeros(rows):
    return [tuple(value and NEGATIVE_ZERO.sub("0", value) for value in row) for row in rows]


def difference(how, got, expected, unlimited=None, rough=()):
    """None, or what is wrong with the answer `got`; rows are tuples of texts.

    Negative zeros are equal to others, so which of them a group or a minimum shows depends on
    the order of the rows: if only they differ, nothing is wrong.
    """
    problem = _difference(how, got, expected, unlimited, rough)
    if problem and any(NEGATIVE_ZERO.search(value or "")
                       for row in expected + got + (unlimited or []) for value in row):
        return _difference(how, *map(_without_negative_zeros, (got, expected, unlimited or [])),
                           rough)
    return problem


def _difference(how, got, expected, unlimited, rough):
    if how == "sequence":
        if rough:
            exact = [[_split(row, rough)[0] for row in rows] for rows in (got, expected)]
            if exact[0] != exact[1]:
                return "other rows, or another order"
            return _rough_rows(got, expected, rough)
        if got == expected:
            return None
        return "another order" if collections.Counter(got) == collections.Counter(expected) \
            else "other rows"
    if how in ("rows", "errors"):
        if rough:
            return _rough_rows(got, expected, rough)
        return None if collections.Counter(got) == collections.Counter(expected) else "other rows"
    if len(got) != len(expected):
        return f"{len(got)} rows instead of {len(expected)}"
    if how == "ties" and [row[0] for row in got] != [row[0] for row in expected]:
        return "other sort keys"
    extra = collections.Counter(got) - collections.Counter(unlimited)
    return f"rows that are not in the table: {list(extra)[:3]}" if extra else None

"""Make a failing query shorter, as long as it fails in the same way.

A query is a text: pieces between brackets, commas, ANDs and ORs are left out or replaced by
something simpler, and whatever still fails on the foreign table only is kept.
"""
import dataclasses
import re

TRIES = 120
_JOINTS = (" AND ", " OR ")


def _groups(text):
    """(start, end) of everything in brackets, the longest first; texts in quotes are skipped."""
    open_at, found, at = [], [], 0
    while at < len(text):
        if text[at] == "'":
            end = text.find("'", at + 1)
            at = len(text) if end < 0 else end
        elif text[at] in "([":
            open_at.append(at)
        elif text[at] in ")]" and open_at:
            found.append((open_at.pop(), at + 1))
        at += 1
    return sorted(found, key=lambda pair: pair[0] - pair[1])


def _parts(text, joint):
    """Pieces of a text between joints that are in no bracket and in no quotes."""
    pieces, depth, start, at, quoted = [], 0, 0, 0, False
    while at < len(text):
        char = text[at]
        if char == "'":
            quoted = not quoted
        elif not quoted and char in "([":
            depth += 1
        elif not quoted and char in ")]":
            depth -= 1
        elif not quoted and not depth and text.startswith(joint, at):
            pieces.append(text[start:at])
            start = at + len(joint)
            at = start - 1
        at += 1
    return pieces + [text[start:]]


def candidates(text):
    """Shorter texts that may be queries."""
    for clause in (r" LIMIT [^()]*$", r" OFFSET \d+$", r" ORDER BY [^()]*$",
                   r" HAVING .*?(?= ORDER|$)", r" WHERE .*?(?= GROUP| ORDER| LIMIT|$)",
                   r" (DESC|ASC)\b", r" NULLS (FIRST|LAST)", r" FILTER \(WHERE [^()]*\)"):
        shorter = re.sub(clause, "", text, count=1)
        if shorter != text:
            yield shorter
    where = re.search(r" (WHERE|HAVING) (.*?)(?= GROUP BY| ORDER BY| HAVING| LIMIT|$)", text)
    if where:
        for joint in _JOINTS:
            parts = _parts(where.group(2), joint)
            for n in range(len(parts)):
                rest = joint.join(parts[:n] + parts[n + 1:])
                if rest and len(parts) > 1:
                    yield text[:where.start(2)] + rest + text[where.end(2):]
    listed = re.match(r"SELECT (.*?) FROM ", text)
    if listed and " GROUP BY " not in text:
        parts = _parts(listed.group(1), ", ")
        for n in range(len(parts)):
            if len(parts) > 1:
                yield ("SELECT " + ", ".join(parts[:n] + parts[n + 1:]) + text[listed.end(1):])
    for start, end in _groups(text):
        inner = text[start + 1:end - 1]
        for joint in (*_JOINTS, ", "):
            parts = _parts(inner, joint)
            if len(parts) > 1:
                for n in range(len(parts)):
                    yield text[:start + 1] + joint.join(parts[:n] + parts[n + 1:]) + text[end - 1:]
        if text[:start].endswith("NOT "):
            yield text[:start - 4] + text[start:]


def shrink(query, settings, fails):
    """The shortest (query, settings) found for which `fails` still holds."""
    tries = 0
    for n in range(len(settings) - 1, -1, -1):
        fewer = settings[:n] + settings[n + 1:]
        tries += 1
        if fails(query, fewer):
            settings = fewer
    going = query.how not in ("ties", "some")
    while going:
        going = False
        for text in candidates(query.text):
            tries += 1
            if tries > TRIES:
                return query, settings
            how = query.how if " ORDER BY " in text or query.how != "sequence" else "rows"
            shorter = dataclasses.replace(query, text=text, how=how)
            if " ORDER BY " not in text and ("DISTINCT ON" in text or " LIMIT " in text):
                continue        # which rows these are would be open
            if query.rough and text.split(" FROM ")[0] != query.text.split(" FROM ")[0]:
                continue
            if fails(shorter, settings):
                query, going = shorter, True
                break
    return query, settings

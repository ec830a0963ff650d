"""Metadata of a run: what is stored of what was sent, and the operations on it."""

import exact_json
import superjson
from exact_json import Number

MAX_BYTES = 262144
TOO_LARGE = "Metadata exceeds maximum size of %d bytes" % MAX_BYTES
# a completed run still accepts metadata for this long
GRACE_MS = 3600000
_MISSING = object()


class MetadataTooLarge(Exception):
    """The text is longer than the server stores."""


def stored_text(value, kind="application/json"):
    """Return the JSON text to store for the `metadata` option, or None when there is none.

    The official client sends JSON text inside a string, others send the object itself.
    """
    if not value and not isinstance(value, (dict, list)) or value is None:
        return None
    text = value if isinstance(value, str) else exact_json.write(value)
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise MetadataTooLarge
    if isinstance(value, str):
        if kind == "application/super+json":
            return superjson.plain_text(text)
        try:
            return exact_json.write(exact_json.parse(text))
        except ValueError:
            return None
    return text


def _path(key):
    """Return the parts of a key; `$.a.b` is a path, everything else one name."""
    return key[2:].split(".") if key.startswith("$.") else [key]


def _get(metadata, parts):
    value = metadata
    for part in parts:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
    return value


def _set(metadata, parts, value):
    holder = metadata
    for part in parts[:-1]:
        if isinstance(holder, list) and part.isdigit() and int(part) < len(holder):
            holder = holder[int(part)]
            continue
        if not isinstance(holder, dict):
            return
        if not isinstance(holder.get(part), (dict, list)):
            holder[part] = {}
        holder = holder[part]
    if isinstance(holder, dict):
        holder[parts[-1]] = value
    elif isinstance(holder, list) and parts[-1].isdigit() and int(parts[-1]) < len(holder):
        holder[int(parts[-1])] = value


def apply_operations(metadata, operations):
    """Apply operations in order; returns the new metadata, or None when none applied."""
    applied = 0
    for operation in operations:
        kind = operation["type"]
        if kind == "update":
            metadata = dict(operation["value"])
            applied += 1
            continue
        parts = _path(operation["key"])
        current = _get(metadata, parts)
        if kind == "set":
            _set(metadata, parts, operation.get("value"))
        elif kind == "delete":
            metadata.pop(operation["key"], None)
        elif kind == "append":
            items = current if isinstance(current, list) else (
                [] if current is _MISSING else [current])
            _set(metadata, parts, items + [operation.get("value")])
        elif kind == "remove":
            if not isinstance(current, list):
                continue
            _set(metadata, parts, [item for item in current if item != operation.get("value")])
        elif kind == "increment":
            total = operation["value"].decimal()
            if isinstance(current, Number):
                total += current.decimal()
            _set(metadata, parts, Number(str(total).replace("E", "e")))
        else:
            continue
        applied += 1
    return metadata if applied else None

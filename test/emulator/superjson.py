"""What the API shows of a value that the official client stored as "super JSON".

Such a text is {"json": value, "meta": {"values": {path: [type]}}}. The server revives the
value and writes it as plain JSON again, so that dates and big integers become strings and
what JSON cannot express disappears.
"""

import exact_json

_GONE = object()
_AS_EMPTY = ("set", "map", "regexp", "Error")


def plain_text(text):
    """Return the plain JSON text of a super JSON text; None for undefined or nonsense."""
    try:
        document = exact_json.parse(text)
    except ValueError:
        return None
    if not isinstance(document, dict) or "json" not in document:
        return None
    root = [document["json"]]
    values = (document.get("meta") or {}).get("values")
    if values is not None:
        _revive(values, root, 0)
    return None if root[0] is _GONE else exact_json.write(_without_gone(root[0]))


def _parts(path):
    """Split a path at its dots; a backslash protects one."""
    return [part.replace("\x00", ".") for part in path.replace("\\.", "\x00").split(".")]


def _revive(tree, holder, key):
    """Apply the types of a tree to the value at holder[key], innermost first."""
    children = tree if isinstance(tree, dict) else tree[1] if len(tree) > 1 else {}
    for path, subtree in children.items():
        inner_holder, inner_key = holder, key
        try:
            for part in _parts(path):
                inner_holder = inner_holder[inner_key]
                inner_key = int(part) if isinstance(inner_holder, list) else part
            inner_holder[inner_key]  # noqa: B018 - the path must exist
        except (KeyError, IndexError, ValueError, TypeError):
            continue
        _revive(subtree, inner_holder, inner_key)
    if isinstance(tree, list) and tree:
        holder[key] = _shown(tree[0], holder[key])


def _shown(kind, value):
    """Return what JSON makes of a revived value."""
    if kind == "undefined":
        return _GONE
    if kind in _AS_EMPTY:
        return {}
    if kind == "number":
        return exact_json.Number("0") if value == "-0" else None
    if isinstance(kind, list) and kind[:1] == ["typed-array"] and isinstance(value, list):
        return {str(index): member for index, member in enumerate(value)}
    return value


def _without_gone(value):
    if isinstance(value, dict):
        return {key: _without_gone(member) for key, member in value.items()
                if member is not _GONE}
    if isinstance(value, list):
        return [None if member is _GONE else _without_gone(member) for member in value]
    return value

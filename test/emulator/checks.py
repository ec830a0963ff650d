"""Checks of request bodies, with the issues and messages that the real server's library gives.

A check is a function (value, path, issues): it appends the issues of a value. MISSING stands
for a member that is not there.
"""

from exact_json import Number

MISSING = object()
_ABORTING = ("invalid_type", "invalid_enum_value", "invalid_union", "invalid_date")


def type_name(value):
    """Name a parsed value's type."""
    if value is MISSING:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (Number, int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _wrong_type(expected, value, path, issues):
    received = type_name(value)
    message = "Required" if value is MISSING else "Expected %s, received %s" % (
        expected, received)
    issues.append({"code": "invalid_type", "expected": expected, "received": received,
                   "path": list(path), "message": message})


def anything(_value, _path, _issues):
    """Accept every value."""


def string(maximum=None, message=None, minimum=None):
    """Return a check for texts (lengths as JavaScript counts them are not worth the effort)."""
    def check(value, path, issues):
        if not isinstance(value, str):
            _wrong_type("string", value, path, issues)
        elif maximum is not None and len(value) > maximum:
            issues.append({
                "code": "too_big", "maximum": maximum, "type": "string", "inclusive": True,
                "exact": False, "message": message or
                "String must contain at most %d character(s)" % maximum, "path": list(path)})
        elif minimum is not None and len(value) < minimum:
            issues.append({
                "code": "too_small", "minimum": minimum, "type": "string", "inclusive": True,
                "exact": False, "path": list(path),
                "message": "String must contain at least %d character(s)" % minimum})
    return check


def boolean(value, path, issues):
    """Check for true and false."""
    if not isinstance(value, bool):
        _wrong_type("boolean", value, path, issues)


def number(integer=False, least=None, exclusive=False, most=None):
    """Return a check for numbers."""
    def check(value, path, issues):
        if not isinstance(value, Number):
            _wrong_type("number", value, path, issues)
            return
        if integer and not value.is_integer():
            issues.append({"code": "invalid_type", "expected": "integer", "received": "float",
                           "path": list(path), "message": "Expected integer, received float"})
        if least is not None and (
                value.decimal() < least or (exclusive and value.decimal() == least)):
            words = "greater than" if exclusive else "greater than or equal to"
            issues.append({"code": "too_small", "minimum": least, "type": "number",
                           "inclusive": not exclusive, "exact": False, "path": list(path),
                           "message": "Number must be %s %d" % (words, least)})
        if most is not None and value.decimal() > most:
            issues.append({"code": "too_big", "maximum": most, "type": "number",
                           "inclusive": True, "exact": False, "path": list(path),
                           "message": "Number must be less than or equal to %d" % most})
    return check


def one_of(*options):
    """Return a check for an enumeration."""
    def check(value, path, issues):
        if not isinstance(value, str):
            _wrong_type(" | ".join("'%s'" % option for option in options), value, path, issues)
        elif value not in options:
            issues.append({
                "received": value, "code": "invalid_enum_value", "options": list(options),
                "path": list(path), "message": "Invalid enum value. Expected %s, received '%s'"
                % (" | ".join("'%s'" % option for option in options), value)})
    return check


def array(item, least=None, most=None):
    """Return a check for arrays."""
    def check(value, path, issues):
        if not isinstance(value, list):
            _wrong_type("array", value, path, issues)
            return
        if least is not None and len(value) < least:
            issues.append({"code": "too_small", "minimum": least, "type": "array",
                           "inclusive": True, "exact": False, "path": list(path),
                           "message": "Array must contain at least %d element(s)" % least})
        if most is not None and len(value) > most:
            issues.append({"code": "too_big", "maximum": most, "type": "array",
                           "inclusive": True, "exact": False, "path": list(path),
                           "message": "Array must contain at most %d element(s)" % most})
        for index, member in enumerate(value):
            item(member, path + (index,), issues)
    return check


def union(*checks):
    """Return a check that one of several must pass."""
    def check(value, path, issues):
        outcomes = []
        for option in checks:
            found = []
            option(value, path, found)
            if not found:
                return
            outcomes.append(found)
        for found in outcomes:
            if not any(issue["code"] in _ABORTING for issue in found):
                issues.extend(found)
                return
        issues.append({
            "code": "invalid_union",
            "unionErrors": [{"issues": found, "name": "ZodError"} for found in outcomes],
            "path": list(path), "message": "Invalid input"})
    return check


def mapping(value, path, issues):
    """Check for an object with any members."""
    if not isinstance(value, dict):
        _wrong_type("object", value, path, issues)


def fields(required=(), **members):
    """Return a check for an object with known members; unknown ones are ignored."""
    def check(value, path, issues):
        if not isinstance(value, dict):
            _wrong_type("object", value, path, issues)
            return
        for name, member in members.items():
            if name in value:
                member(value[name], path + (name,), issues)
            elif name in required:
                member(MISSING, path + (name,), issues)
    return check


def issues_of(check, value):
    """Return the issues of a whole body."""
    issues = []
    check(value, (), issues)
    return issues


def _path_text(path):
    text = ""
    for part in path:
        if isinstance(part, int):
            text += "[%d]" % part
        else:
            text += "." + part if text else part
    return text


def _issue_text(issue):
    if issue["code"] == "invalid_union":
        texts = []
        for option in issue["unionErrors"]:
            text = "; ".join(_issue_text(inner) for inner in option["issues"])
            if text not in texts:
                texts.append(text)
        return ", or ".join(texts)
    if issue["path"]:
        return '%s at "%s"' % (issue["message"], _path_text(issue["path"]))
    return issue["message"]


def summary(issues):
    """Return the one-line text in which newer routes report a bad body."""
    return "Validation error: " + "; ".join(_issue_text(issue) for issue in issues)

"""Plain tables with the rows that the query endpoint has, by the rules of the documentation.

The oracle's JSON is taken apart by PostgreSQL: no conversion of the extension is repeated.
"""
import json
import os
import re
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))

from emulator_process import credentials  # noqa: E402
from setup import quote  # noqa: E402

_NUMBERS = {"Int8": "smallint", "UInt8": "smallint", "Int16": "smallint", "UInt16": "integer",
            "Int32": "integer", "UInt32": "bigint", "Int64": "bigint",
            "Float32": "double precision", "Float64": "double precision", "Date": "date",
            "Date32": "date"}
_STRING = re.compile(r"(LowCardinality\(String\)|String|FixedString|Enum|UUID)")


def column_type(name, ch_type):
    """The declared type of a column, or None for one that is left out."""
    if name.endswith("_quantiles"):
        return None             # a state, although the schema says that it is a String
    inner = re.sub(r"^(?:Nullable|LowCardinality)\((.*)\)$", r"\1", ch_type)
    if inner != ch_type:
        return column_type(name, inner)
    if ch_type == "UInt8" and name.startswith(("is_", "has_")):
        return "boolean"
    if ch_type in _NUMBERS:
        return _NUMBERS[ch_type]
    for pattern, declared in (
            (r"U?Int\d+$|Decimal", "numeric"), (r"DateTime", "timestamp with time zone"),
            (r"JSON|Map\(|Tuple\(", "jsonb"), (r"Array\(", "text[]"), (r"AggregateFunction", None)):
        if re.match(pattern, ch_type):
            return declared
    assert _STRING.match(ch_type), ch_type
    return "text"


def schema(emulator):
    """table -> {column: declared type}, as the schema endpoint lists them."""
    request = urllib.request.Request(
        emulator.url + "/api/v1/query/schema",
        headers={"Authorization": "Bearer " + credentials.TR_PROD})
    with urllib.request.urlopen(request) as answer:
        listed = json.load(answer)["tables"]
    return {table["name"]: {
        column["name"]: column_type(column["name"], column["type"]) for column in table["columns"]
        if column_type(column["name"], column["type"])} for table in listed}


def _value(name, declared):
    """SQL that takes a column's value out of the oracle's object `d`."""
    text = f"d->>{quote(name)}"
    if declared == "text":
        return f"nullif({text}, '')"
    if declared == "jsonb":
        return f"nullif({text}, '')::jsonb"
    if declared == "text[]":
        return f"ARRAY(SELECT json_array_elements_text(d->{quote(name)}))"
    if declared == "timestamp with time zone":
        # what is finer than microseconds is cut off
        return f"(left({text}, 26) || '+00')::timestamptz"
    return f"({text})::{declared}"


def create(session, table, columns):
    """Create the plain equivalent of a query table."""
    listed = ", ".join(f"{name} {declared}" + (' COLLATE "C"' if declared == "text" else "")
                       for name, declared in columns.items())
    session.query(f"CREATE TABLE {table} ({listed})")


def runs(emulator, environments):
    """The oracle's runs of `environments`, pairs of project and slug, as JSON texts."""
    found = []
    for project, slug in environments:
        found += emulator.control(
            "GET", f"/oracle/query_runs?project={project}&environment={slug}").split("\n")
    return [row for row in found if row]


def fill(session, table, columns, rows):
    """Insert rows, given as JSON texts."""
    session.query("CREATE TEMP TABLE stage (d json)")
    for start in range(0, len(rows), 1000):
        session.query("INSERT INTO stage VALUES " + ", ".join(
            f"({quote(row)})" for row in rows[start:start + 1000]))
    session.query(f"INSERT INTO {table} ({', '.join(columns)}) SELECT "
                  + ", ".join(_value(*column) for column in columns.items())
                  + f" FROM stage; DROP TABLE stage; ANALYZE {table}")
    return int(session.one(f"SELECT count(*) FROM {table}"))

"""Every comparison of each kind of number with values that are hard to compare with.

The values have more digits than the column, are out of its range, no numbers, or NULL; they
stand in the query, or are known only when it is executed.
"""
from generator import Query

NUMERICS = (
    "0", "-0.0", "1", "1.0000", "2.5", "0.1", "0.5", "-0.5", "1.5", "1000", "-1",
    "0.000000000001", "0.0000000000005", "-0.0000000000005", "0.00000000000149",
    "-0.000000000001", "123456.123456789012", "123456.1234567890121", "123456.1234567890119",
    "999999.999999999999", "999999.9999999999995", "-999999.9999999999991", "1000000",
    "9223372.036854775807", "9223372.036854775808", "9007199254740992", "9007199254740993",
    "9007199254740992.5", "9223372036854775807", "9223372036854775808", "9223372036854775807.5",
    "18446744073709551615", "18446744073709551614.9", "18446744073709551615.1",
    "18446744073709551616", "-9223372036854775809", "4294967295", "4294967295.5", "1e37",
    "-1e37", "1e40", "1e200", "1e-200", "'NaN'", "'Infinity'", "'-Infinity'", "NULL")
FLOATS = (
    "0", "'-0'", "0.1", "0.30000000000000004", "0.3", "1e12", "5e-324", "-0.01",
    "644461.693100611747",
    "1.7976931348623157e308", "9007199254740993", "'NaN'", "'Infinity'", "'-Infinity'", "NULL")
# column -> type of the values
COLUMNS = (("total_cost", "numeric", NUMERICS), ("input_tokens", "numeric", NUMERICS),
           ("prompt_version", "numeric", NUMERICS), ("ms_to_first_chunk", "float8", FLOATS),
           ("total_cost", "float8", FLOATS), ("prompt_version", "float8", FLOATS))
CONDITIONS = (
    "{c} = {v}", "{c} <> {v}", "{c} < {v}", "{c} <= {v}", "{c} > {v}", "{c} >= {v}",
    "{v} < {c}", "NOT ({c} >= {v})", "({c} < {v}) IS NULL", "({c} > {v}) IS NOT TRUE",
    "{c} BETWEEN {v} AND {v}", "{c} IN ({v}, 1)", "{c} NOT IN ({v}, 0)", "{c} IN ({v}, NULL)",
    "{c} = ANY (ARRAY[{v}, 3])", "{c} <> ALL (ARRAY[{v}])", "{c} = ANY (ARRAY[{v}]) IS NULL",
    "coalesce({c}, {c}) >= {v}")
COLUMN_PAIRS = (("total_cost", "input_cost"), ("ms_to_first_chunk", "tokens_per_second"),
                ("input_tokens", "output_tokens"))
OPERATORS = ("=", "<>", "<", "<=", ">", ">=")
# the whole of it: groups, order, how many there are, in one request each
OTHERS = tuple(sql.replace("{c}", column) for column in (
    "total_cost", "input_tokens", "ms_to_first_chunk") for sql in (
        "SELECT {c}, count(*) FROM {t} GROUP BY 1 ORDER BY 1 LIMIT 20",
        "SELECT {c}, count(*) FROM {t} GROUP BY 1 ORDER BY 1 DESC LIMIT 20",
        "SELECT DISTINCT {c} FROM {t} ORDER BY 1 DESC LIMIT 20",
        "SELECT span_id, {c} FROM {t} ORDER BY {c}, span_id LIMIT 25",
        "SELECT span_id, {c} FROM {t} ORDER BY {c} DESC NULLS LAST, span_id LIMIT 25 OFFSET 5",
        "SELECT count({c}) FROM {t} WHERE {c} IS NOT NULL"))


def _all(conditions):
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions)
    return f"SELECT {counts} FROM {{t}}"


def cases():
    """(query, parameters or None)"""
    for column, cast, values in COLUMNS:
        for value in values:
            text = f"{value}::{cast}"
            yield _all(c.format(c=column, v=text) for c in CONDITIONS), None
            yield _all(c.format(c=column, v="$1") for c in CONDITIONS), [(value, cast)]
        listed = f"ARRAY[{', '.join(values)}]"
        for array, parameters in ((f"{listed}::{cast}[]", None),
                                  ("$1", [(listed, cast + "[]")]), ("$1", [("'{}'", cast + "[]")]),
                                  ("$1", [("NULL", cast + "[]")])):
            yield _all((f"{column} = ANY ({array})", f"{column} <> ALL ({array})",
                        f"({column} = ANY ({array})) IS NULL")), parameters
    for left, right in COLUMN_PAIRS:
        yield _all(f"{left} {op} {right}" for op in OPERATORS), None
    for sql in OTHERS:
        yield sql, None


def run(differential, foreign="trql.llm_metrics"):
    """(number of queries, number of them that failed)"""
    failed = number = 0
    for number, (sql, parameters) in enumerate(cases(), 1):
        query = Query(sql, "sequence" if "ORDER BY" in sql else "rows")
        settings = ["plan_cache_mode = force_generic_plan"]
        how = (parameters, "prepared" if parameters else "simple", ())
        problem, got, expected = differential.compared(query, foreign, settings, how)
        bodies = [str(record["body"]) for record in differential.emulator.records()]
        if not problem and not differential.stand_in and not (
                len(bodies) == 1 and ("countIf(" in bodies[0] or "LIMIT 2" in bodies[0]
                                      or "SELECT toString(count" in bodies[0])):
            problem = f"not pushed {parameters}"
        if problem:
            failed += 1
            print(differential.report(f"numbers: {problem}", query, foreign, settings, got,
                                      expected), flush=True)
    return number, failed

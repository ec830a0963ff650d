"""Aggregates of numbers, digit by digit: many groups of values of all magnitudes.

What is computed here from sums of the engine must be what PostgreSQL computes from the rows.
"""
import json
import random

import data
import plain
from compare import NEGATIVE_ZERO
from pgwire import PgError

GROUPS = 3000
SPREADS = ("stddev", "stddev_pop", "variance", "var_pop")
FRACTIONS = ("0.5", "0.95", "0.1", "0", "1")
PERCENTILES = "'{0.5,NULL,0.05,0.95,1,0.999,0.333}'::float8[]"
# what of the columns of integers; UInt64 is numeric, and the differences have signs
WHOLE = ("input_tokens", "output_tokens", "prompt_version", "(prompt_version - 2147483648)")
DECIMALS = ("total_cost", "input_cost")
QUERIES = (
    *(f"SELECT run_id, {', '.join(f'{name}({value})' for name in SPREADS)} FROM {{t}} GROUP BY 1"
      for value in WHOLE),
    *(f"SELECT run_id, sum({value}), avg({value}), min({value}), max({value}) FROM {{t}} GROUP BY 1"
      for value in (*WHOLE, *DECIMALS)),
    *(f"SELECT run_id, percentile_cont({p}) WITHIN GROUP (ORDER BY {value}) FROM {{t}} GROUP BY 1"
      for value in WHOLE for p in FRACTIONS),
    *(f"SELECT gen_ai_system, percentile_{kind}({PERCENTILES}) WITHIN GROUP (ORDER BY {value} DESC)"
      f" FROM {{t}} GROUP BY 1" for kind in ("cont", "disc") for value in WHOLE),
    *(f"SELECT gen_ai_system, {name}(input_tokens), {name}(prompt_version), {name}(total_cost),"
      " sum(input_cost) FILTER (WHERE gen_ai_system = 'a'), avg(input_cost) FILTER (WHERE false)"
      " FROM {t} GROUP BY 1" for name in ("sum", "avg", "min")),
    # results of several types
    "SELECT run_id, max(CASE WHEN total_cost > 0.5 THEN input_tokens END), sum(CASE WHEN total_cost"
    " > 0.5 THEN input_tokens ELSE -1 END), avg(coalesce(output_tokens, -1)) FROM {t} GROUP BY 1",
    "SELECT CASE WHEN prompt_version > 5 THEN input_tokens ELSE prompt_version END, count(*) FROM"
    " {t} GROUP BY 1",
    "SELECT run_id, count(*) FROM {t} GROUP BY 1 HAVING CASE WHEN count(*) > 1 THEN"
    " sum(output_tokens) ELSE -1 END > 18446744073709551615 OR coalesce(max(input_tokens) FILTER"
    " (WHERE total_cost > 0.5), -0.5) < 0 OR coalesce(max(input_tokens) FILTER (WHERE total_cost"
    " > 0.5), -1) < 0",
)
# where an integer of the engine's would wrap around; the last fails
LOCAL = (
    "SELECT run_id, sum(output_tokens * 1), max(input_tokens + 0) FROM {t} GROUP BY 1",
    "SELECT run_id, min(0 - input_tokens) FROM {t} GROUP BY 1",
    "SELECT span_id FROM {t} WHERE output_tokens * 1 > 100",
    "SELECT count(*) FROM {t} WHERE input_tokens::bigint < 0",
)
FLOATS = ("nan", "inf", "-inf", "0", "-0.0", "1.5", "-2.25", "1e300", "5e-324", "0.1")
FLOAT_QUERIES = (
    "SELECT machine_id, min(metric_value), max(metric_value), count(*) FROM {t} GROUP BY 1",
    *(f"SELECT machine_id, percentile_{kind}({p}) WITHIN GROUP (ORDER BY metric_value{order})"
      " FROM {t} GROUP BY 1" for kind in ("cont", "disc") for order in ("", " DESC")
      for p in (*FRACTIONS, PERCENTILES)),
    "SELECT machine_id, max(metric_value) FILTER (WHERE metric_value < 2),"
    " min(metric_value) FILTER (WHERE metric_value > 2), min(metric_value) FILTER (WHERE false)"
    " FROM {t} GROUP BY 1",
)


def _size(rng):
    return rng.choice((1, 2, 2, 3, 3, 4, 7))


def _integer(rng, base, bits):
    """A number of any magnitude; those of a group may be near each other."""
    if rng.random() < 0.3:
        return min(2**bits - 1, base + rng.randrange(3))
    return rng.getrandbits(rng.randrange(1, bits + 1))


def _decimal(rng):
    """As the engine shows it: without zeros at the end."""
    text = f"{rng.choice(('', '-'))}{rng.getrandbits(rng.randrange(1, 19))}." \
        f"{rng.randrange(10**rng.randrange(1, 12))}"
    return text.rstrip("0").rstrip(".") if text.strip("-0.") else "0"


def _model_rows(rng):
    for group in range(GROUPS):
        base = rng.getrandbits(rng.randrange(1, 65)), rng.getrandbits(rng.randrange(1, 33))
        for n in range(_size(rng)):
            yield {
                "run_id": f"run_{group}", "span_id": f"{group}.{n}",
                "gen_ai_system": "abc"[group % 3],
                "input_tokens": str(_integer(rng, base[0], 64)),
                "output_tokens": str(_integer(rng, base[0] // 2, 64)),
                "prompt_version": _integer(rng, base[1], 32),
                "total_cost": _decimal(rng), "input_cost": rng.choice(("0", "1.5", "0.25", "-3")),
                "start_time": data.text(data.NOW - group * 1000)}


def _float_rows(rng):
    for group in range(300):
        for _ in range(_size(rng)):
            yield {"metric_name": "odd", "machine_id": f"odd {group}", "attributes": {},
                   "metric_value": rng.choice(FLOATS), "bucket_start": data.text(data.NOW)[:19]}


def fill(pages, seed):
    """Insert the rows and create plain tables with them."""
    rng = random.Random(f"digits {seed}")
    schema = plain.schema(pages.emulator)
    pages.session.query("CREATE SCHEMA IF NOT EXISTS plain")
    for table, made in (("llm_metrics", _model_rows(rng)), ("metrics", _float_rows(rng))):
        rows = list(made)
        pages.emulator.control("POST", "/query_rows", [{"table": table, "rows": rows}])
        plain.create(pages.session, f"plain.{table}", schema[table])
        plain.fill(pages.session, f"plain.{table}", schema[table], list(map(json.dumps, rows)))


def answer(pages, sql, table):
    """The rows, in an order, or the state of an error; and the queries that were sent."""
    pages.emulator.clear()
    try:
        rows = sorted(map(repr, pages.session.query(sql.replace("{t}", table))))
    except PgError as error:
        rows = [error.sqlstate]
    return rows, [str(record["body"]) for record in pages.emulator.records()]


def run(pages, seed):
    """(number of queries, number of them that failed)"""
    fill(pages, seed)
    pages.session.query("""
        CREATE VIEW trql.odd AS SELECT * FROM trql.metrics WHERE metric_name = 'odd';
        CREATE VIEW plain.odd AS SELECT * FROM plain.metrics""")
    cases = [(sql, "llm_metrics") for sql in (*QUERIES, *LOCAL)] + \
        [(sql, "odd") for sql in FLOAT_QUERIES]
    failed = 0
    for sql, table in cases:
        expected, _ = answer(pages, sql, f"plain.{table}")
        # that 0 has a sign is not shown
        expected = sorted(NEGATIVE_ZERO.sub("0", row) for row in expected)
        got, asked = answer(pages, sql, f"trql.{table}")
        problem = None
        if got != expected:
            problem = "other rows"
        elif sql not in LOCAL and (len(asked) != 1 or "GROUP BY" not in asked[0]):
            problem = "not pushed"
        if problem:
            failed += 1
            wrong = [pair for pair in zip(got, expected) if pair[0] != pair[1]]
            print(f"--- digits (seed {seed}): {problem}\n{sql};\n  {len(wrong)} of {len(got)} rows:"
                  f" {wrong[:3]}\n  {[text[:600] for text in asked]}", flush=True)
    return len(cases), failed

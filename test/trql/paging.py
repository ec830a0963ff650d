"""More rows than one answer has: pages, and answers that must not be passed off as whole.

The API answers with 10,000 rows at most and does not say what it leaves out.
"""
import data
from pgwire import PgError

RUNS, METRICS = 10300, 10300
# a message says that the answer was cut
CUT = "54000"
# how many runs are in the first millisecond; the pages end inside of it
TIED = 10100


def fill(emulator):
    """Insert runs with ids in no order, most of them in one millisecond, and metrics."""
    emulator.control("POST", "/runs", [{
        "id": f"run_{n * 7919 % RUNS:05d}'\\", "created_at": data.NOW - (n >= TIED) * n,
        "status": "PENDING", "task": f"task-{n % 3}"} for n in range(RUNS)])
    emulator.control("POST", "/query_rows", [{"table": "metrics", "rows": [
        {"metric_name": "m", "machine_id": str(n), "metric_value": n,
         "bucket_start": data.text(data.NOW - n // 4000 * 10000)[:19], "attributes": {}}
        for n in range(METRICS)]}])


# query, answer or SQLSTATE
CASES = (
    ("SELECT count(*) FROM trql.runs", f"{RUNS}"),
    ("SELECT count(*), count(DISTINCT run_id), min(run_id) FROM "
     "(SELECT run_id, task_identifier FROM trql.runs OFFSET 0) s", f"{RUNS},{RUNS},run_00000'\\"),
    ("SELECT count(*) FROM (SELECT triggered_at, status FROM trql.runs OFFSET 0) s", f"{RUNS}"),
    ("SELECT count(*) FROM (SELECT * FROM trql.runs LIMIT 10000) s", "10000"),
    ("SELECT count(*) FROM (SELECT run_id FROM trql.runs LIMIT 10001) s", "10001"),
    ("SELECT count(*) FROM (SELECT run_id FROM trql.runs LIMIT 9999) s", "9999"),
    ("SELECT count(*), min(run_id) FROM (SELECT run_id FROM trql.runs ORDER BY run_id LIMIT 5"
     " OFFSET 10250) s", "5,run_10250'\\"),
    ("SELECT count(*), max(run_id) FROM (SELECT run_id FROM trql.runs ORDER BY run_id LIMIT 10100)"
     " s", "10100,run_10099'\\"),
    ("SELECT count(*), max(run_id) FROM (SELECT run_id FROM trql.runs ORDER BY run_id) s",
     f"{RUNS},run_10299'\\"),
    ("SELECT count(*) FROM (SELECT run_id FROM trql.runs WHERE task_identifier <> 'task-1' OFFSET"
     " 0) s", f"{RUNS - (RUNS + 1) // 3}"),
    ("SELECT count(*) FROM (SELECT run_id, count(*) FROM trql.runs GROUP BY 1 OFFSET 0) s", CUT),
    ("SELECT count(*) FROM (SELECT DISTINCT run_id FROM trql.runs OFFSET 0) s", CUT),
    ("SELECT count(*) FROM (SELECT run_id, count(*) FROM trql.runs GROUP BY 1 ORDER BY 2, 1) s",
     CUT),
    ("SELECT count(*) FROM (SELECT run_id, count(*) FROM trql.runs GROUP BY 1 ORDER BY 2, 1"
     " LIMIT 9999) s", "9999"),
    ("SELECT count(*) FROM (SELECT run_id, count(*) FROM trql.runs GROUP BY 1 ORDER BY 2, 1"
     " LIMIT 10200) s", CUT),
    ("SELECT count(*) FROM trql.metrics", f"{METRICS}"),
    # without a key pages may end between two moments only
    ("SELECT count(*), count(DISTINCT machine_id) FROM (SELECT machine_id FROM trql.metrics"
     " OFFSET 0) s", f"{METRICS},{METRICS}"),
    ("SELECT count(*) FROM (SELECT machine_id FROM trql.metrics LIMIT 10000) s", "10000"),
    # and so may small ones
    ("SELECT count(*) FROM (SELECT machine_id FROM trql.metrics LIMIT 1) s", "1"),
    ("SELECT count(*), count(DISTINCT machine_id) FROM"
     " (SELECT machine_id FROM trql.metrics LIMIT 5) s", "5,5"),
)


def run(differential):
    """(number of cases, number of them that failed); a cut answer may also be read whole."""
    failed = 0
    for sql, expected in CASES:
        differential.emulator.clear()
        whole = str(RUNS)
        if "LIMIT 10200" in sql:
            whole = "10200"
        try:
            got = ",".join(differential.session.query(sql)[0])
        except PgError as error:
            got = error.sqlstate
            whole = ""
        if got != expected and not (expected == CUT and got == whole):
            failed += 1
            print(f"--- paging: {got} instead of {expected}\n{sql};\n  " + "\n  ".join(
                str(record["body"])[:300] for record in differential.emulator.records()[:4]),
                  flush=True)
    return len(CASES), failed

"""Queries as dashboards make them, and how much of each the API's engine does.

The README has a table of them, which `boards.py` prints.
"""
import dataclasses
import os
import re

from generator import Query

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "README.md")
# what the engine does of a query, and what the plan must show
ALL, GROUPS, ROWS = "everything", "filter and groups", "filter"
SHARES = {
    ALL: "everything, in one request",
    GROUPS: "filter and groups; what is computed from them is computed here",
    ROWS: "filter, and only the columns that are needed are sent",
}
MONTH = "triggered_at >= '2026-10-25 00:00:00+00'"
WEEK = "triggered_at >= '2026-11-17 00:00:00+00' AND triggered_at < '2026-11-24 00:00:00+00'"


@dataclasses.dataclass
class Board:
    """A query of a dashboard."""

    title: str
    sql: str
    share: str
    how: str = "rows"
    rough: tuple = ()


BOARDS = (
    Board("runs per task and status",
          "SELECT task_identifier, status, count(*) FROM {t} GROUP BY 1, 2", ALL),
    Board("runs of the last week", f"SELECT count(*) FROM {{t}} WHERE {WEEK}", ALL),
    Board("runs per day", f"SELECT date_trunc('day', triggered_at) AS day, count(*) FROM {{t}} "
          f"WHERE {MONTH} GROUP BY 1 ORDER BY 1", ALL, "sequence"),
    Board("runs per day in a time zone",
          f"SELECT date_trunc('day', triggered_at, 'Europe/Paris') AS day, count(*) FROM {{t}} "
          f"WHERE {MONTH} GROUP BY 1 ORDER BY 1", ALL, "sequence"),
    Board("runs per hour", f"SELECT date_trunc('hour', triggered_at) AS hour, count(*) AS runs "
          f"FROM {{t}} WHERE {WEEK} GROUP BY 1 ORDER BY 1", ALL, "sequence"),
    Board("ten busiest tasks", "SELECT task_identifier, count(*) AS runs FROM {t} GROUP BY 1 "
          "ORDER BY runs DESC, 1 LIMIT 10", ALL, "sequence"),
    Board("second page of the tasks", "SELECT task_identifier, count(*) AS runs FROM {t} "
          "GROUP BY 1 ORDER BY runs DESC, 1 LIMIT 5 OFFSET 5", ALL, "sequence"),
    Board("latest failures", "SELECT run_id, task_identifier, triggered_at FROM {t} "
          "WHERE status = 'Failed' ORDER BY triggered_at DESC, run_id LIMIT 20", ALL, "sequence"),
    Board("longest runs", "SELECT run_id, total_duration FROM {t} WHERE total_duration IS NOT NULL "
          "ORDER BY total_duration DESC, run_id LIMIT 10", ALL, "sequence"),
    Board("how many different tasks, per status",
          "SELECT status, count(DISTINCT task_identifier) FROM {t} GROUP BY 1", ALL),
    Board("tasks that often fail",
          "SELECT task_identifier, count(*) FROM {t} WHERE status IN ('Failed', 'Crashed', "
          "'System failure', 'Timed out') GROUP BY 1 HAVING count(*) >= 5 ORDER BY 2 DESC, 1",
          ALL, "sequence"),
    Board("status by day, as columns",
          "SELECT date_trunc('day', triggered_at) AS day, "
          "count(*) FILTER (WHERE status = 'Completed') AS completed, "
          "count(*) FILTER (WHERE status = 'Failed') AS failed, "
          "count(*) FILTER (WHERE NOT is_finished) AS open "
          f"FROM {{t}} WHERE {MONTH} GROUP BY 1 ORDER BY 1", ALL, "sequence"),
    Board("success rate per task",
          "SELECT task_identifier, round(100.0 * count(*) FILTER (WHERE status = 'Completed')"
          " / count(*), 1) AS percent FROM {t} WHERE is_finished GROUP BY 1 ORDER BY 2, 1",
          GROUPS, "sequence"),
    Board("runs with several attempts, per task",
          "SELECT task_identifier, sum(CASE WHEN attempt_count > 1 THEN 1 ELSE 0 END) AS retried, "
          "count(*) FROM {t} GROUP BY 1", ALL),
    Board("durations per task",
          "SELECT task_identifier, min(total_duration), max(total_duration), sum(total_duration), "
          "avg(total_duration) FROM {t} WHERE is_finished GROUP BY 1", ALL),
    Board("busy seconds per machine", "SELECT machine, sum(usage_duration) / 1000 FROM {t} "
          "GROUP BY 1 ORDER BY 1", GROUPS, "sequence"),
    Board("first and last run of each version", "SELECT task_version, min(triggered_at), "
          "max(triggered_at), count(*) FROM {t} GROUP BY 1", ALL),
    Board("tests and others", "SELECT is_test, count(*), count(completed_at) FROM {t} GROUP BY 1",
          ALL),
    Board("median and 95th percentile",
          "SELECT task_identifier, percentile_cont(0.5) WITHIN GROUP (ORDER BY total_duration), "
          "percentile_cont(0.95) WITHIN GROUP (ORDER BY total_duration) FROM {t} "
          "WHERE status = 'Completed' GROUP BY 1", ALL),
    Board("spread of the durations", "SELECT task_identifier, stddev(total_duration) FROM {t} "
          "WHERE status = 'Completed' GROUP BY 1", ALL),
    Board("median of the costs, and the dearest run", "SELECT task_identifier, "
          "percentile_cont(0.5) WITHIN GROUP (ORDER BY total_cost), max(total_cost) FROM {t} "
          "GROUP BY 1", ALL),
    Board("machines of each task, as a list", "SELECT task_identifier, "
          "string_agg(DISTINCT machine, ', ' ORDER BY machine) FROM {t} GROUP BY 1", ALL),
    Board("costs per task", "SELECT task_identifier, sum(total_cost), avg(total_cost) FROM {t} "
          "WHERE is_finished GROUP BY 1", ROWS, "rows", (1, 2)),
    Board("most expensive runs", "SELECT run_id, total_cost FROM {t} WHERE total_cost > 0.001 "
          "ORDER BY total_cost DESC, run_id LIMIT 10", ALL, "sequence"),
    Board("runs with a tag", "SELECT status, count(*) FROM {t} WHERE tags && ARRAY['user:1', "
          "'import'] GROUP BY 1", ALL),
    Board("runs with all of some tags", "SELECT run_id FROM {t} WHERE tags @> ARRAY['user:1', "
          "'plan:pro'] AND NOT is_test", ALL),
    Board("a search in a name", "SELECT task_identifier, count(*) FROM {t} WHERE task_identifier "
          "LIKE '%sync%' OR queue LIKE 'task/daily%' GROUP BY 1", ALL),
    Board("every task that occurs", "SELECT DISTINCT task_identifier FROM {t} ORDER BY 1", ALL,
          "sequence"),
    Board("runs that wait too long", "SELECT run_id, queue, queued_duration FROM {t} WHERE "
          "(status = 'Queued' OR status = 'Delayed') AND (queued_duration IS NULL OR "
          "queued_duration > 60000)", ALL),
    Board("runs without a batch, per region", "SELECT region, count(*) FROM {t} "
          "WHERE batch_id IS NULL GROUP BY 1", ALL),
    Board("runs per weekday and hour", "SELECT extract(isodow FROM triggered_at) AS day, "
          f"extract(hour FROM triggered_at) AS hour, count(*) FROM {{t}} WHERE {MONTH} "
          "GROUP BY 1, 2", ALL),
    Board("five minutes at a time", "SELECT to_timestamp(floor(extract(epoch FROM triggered_at)"
          f" / 300) * 300) AS time, count(*) FROM {{t}} WHERE {WEEK} GROUP BY 1 ORDER BY 1", ALL,
          "sequence"),
    Board("quarters of an hour", "SELECT date_bin('15 minutes', triggered_at, '2001-01-01') AS "
          "time, percentile_disc(0.9) WITHIN GROUP (ORDER BY queued_duration) FROM {t} "
          f"WHERE {WEEK} GROUP BY 1 ORDER BY 1", ALL, "sequence"),
    Board("running total", "SELECT day, sum(n) OVER (ORDER BY day) FROM (SELECT date_trunc('day', "
          f"triggered_at) AS day, count(*) AS n FROM {{t}} WHERE {MONTH} GROUP BY 1) AS s",
          GROUPS),
    Board("completed runs with their owner, from a local table",
          "SELECT q.task_identifier, w.n, count(*) FROM {t} q JOIN local.ids w ON w.id = q.run_id "
          "WHERE q.status = 'Completed' GROUP BY 1, 2", ROWS),
)


def table():
    """The table of the README."""
    lines = ["| the engine does | of these questions |", "|---|---|"]
    for share, text in SHARES.items():
        titles = "; ".join(board.title for board in BOARDS if board.share == share)
        lines.append(f"| {text} | {titles} |")
    return "\n".join(lines) + "\n"


def wrong_plan(board, plan, bodies):
    """None, or what the plan or the requests do not have that the board promises."""
    text = "\n".join(plan)
    nodes = [line for line in plan if "->" in line or not line.startswith(" ")]
    filters = re.findall(r"^ *Filter: .*", text, re.MULTILINE)
    asked = "\n".join(map(str, bodies))
    if filters:
        return f"not pushed: {filters}"
    if len(bodies) != 1:
        return f"{len(bodies)} requests"
    if board.share == ALL and len(nodes) > 1:
        return "something is done locally"
    if board.share in (ALL, GROUPS) and "GROUP BY" in board.sql and "GROUP BY" not in asked:
        return "no GROUP BY in the request"
    return None


def run(differential, foreign="trql.runs"):
    """(number of boards, number of them that failed)"""
    failed = 0
    for board in BOARDS:
        query = Query(board.sql, board.how, rough=board.rough)
        problem, got, expected = differential.compared(query, foreign, [])
        if not problem and not expected:
            problem = "no rows: the test is worth nothing"
        if not problem and not differential.stand_in:
            bodies = [record["body"] for record in differential.emulator.records()]
            plan = differential.explain(board.sql.replace("{t}", foreign), [])
            problem = wrong_plan(board, plan, bodies)
        if problem:
            failed += 1
            print(differential.report(f"board {board.title!r}: {problem}", query, foreign, [],
                                      got, expected), flush=True)
    with open(README, encoding="utf-8") as file:
        if table() not in file.read():
            failed += 1
            print("--- the README has another table of dashboards than boards.py", flush=True)
    return len(BOARDS) + 1, failed


if __name__ == "__main__":
    print(table(), end="")

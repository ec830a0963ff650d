"""The cases of defects.py: what is wrong with the language, and what is written instead."""
import dataclasses

# what settings of the emulator are set back to
SETTINGS = {"query_max_rows": 10000}
# what lies in between, where there is no other way to say it
LOCAL = "Filter: "


@dataclasses.dataclass
class Naive:
    """A query as somebody would write it who does not know better."""

    query: str
    # a part of the error; None: it is answered, but not like SQL
    refused: str = None
    # more arguments of trigger_query()
    more: str = ""
    # without the extension, whose requests always say what the window is
    raw: bool = False
    settings: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Case:
    """A defect."""

    title: str
    # with {s} for the schema
    sql: str
    # the texts of the queries; None: they are not compared
    asked: tuple = None
    naive: tuple = ()
    # what must be in the plan
    plan: tuple = ()
    # what must be in no query
    never: tuple = ()
    body: str = None
    settings: tuple = ()


def where(title, sql, asked, *naive, table="runs", **more):
    """A condition; `asked` is what is sent for it, None if it is PostgreSQL's work.

    A naive one is a condition too; with the error that it is, if it is one.
    """
    texts = []
    for member in naive:
        condition, refused = member if isinstance(member, tuple) else (member, None)
        texts.append(Naive(f"SELECT count() AS n FROM {table} WHERE {condition}", refused))
    if asked is None:
        more = {"plan": (LOCAL,), "never": (" WHERE ",), **more}
    else:
        asked = (f"SELECT toString(count()) AS c1 FROM {table} WHERE {asked} LIMIT 10000",)
    return Case(title, f"SELECT count(*) AS n FROM {{s}}.{table} WHERE {sql}", asked,
                tuple(texts), **more)


def whole(title, sql, asked, *naive, **more):
    """A query; `asked` is what is sent for it, or several of them."""
    return Case(title, sql, (asked,) if isinstance(asked, str) else asked,
                tuple(member if isinstance(member, Naive) else Naive(*member)
                      if isinstance(member, tuple) else Naive(member) for member in naive), **more)


CASES = (
    # -- AND, OR, BETWEEN (traps 91, 92) ------------------------------------------------
    where("OR in AND", "(depth = 0 OR depth = 1) AND is_test",
          "and(or(equals(depth, 0), equals(depth, 1)), equals(is_test, 1))",
          "(depth = 0 OR depth = 1) AND is_test = 1"),
    where("AND in OR", "(depth = 0 AND is_test) OR attempt_count = 2",
          "or(and(equals(depth, 0), equals(is_test, 1)), equals(attempt_count, 2))",
          "depth = 0 AND is_test = 1 OR attempt_count = 2",
          "(depth = 0 AND is_test = 1) OR attempt_count = 2"),
    where("OR of ANDs", "(depth = 0 AND is_test) OR (depth = 1 AND NOT is_test)",
          "or(and(equals(depth, 0), equals(is_test, 1)), "
          "and(equals(depth, 1), not(equals(is_test, 1))))",
          "(depth = 0 AND is_test = 1) OR (depth = 1 AND is_test = 0)"),
    whole("AND and OR in an aggregate",
          "SELECT count(*) FILTER (WHERE (depth = 0 OR depth = 1) AND is_test) AS n FROM {s}.runs",
          "SELECT toString(countIf(ifNull(and(or(equals(depth, 0), equals(depth, 1)), "
          "equals(is_test, 1)), 0))) AS c1 FROM runs LIMIT 10000",
          "SELECT countIf((depth = 0 OR depth = 1) AND is_test = 1) AS n FROM runs"),
    whole("AND and OR in HAVING",
          "SELECT task_identifier AS a, count(*) AS n FROM {s}.runs GROUP BY 1"
          " HAVING (count(*) > 5 OR max(depth) > 100) AND count(*) < 30",
          "SELECT task_identifier AS c1, toString(count()) AS c2 FROM runs GROUP "
          "BY c1 HAVING and(or(greater(count(), 5), greater(max(toNullable(depth)), 100)), "
          "less(count(), 30)) LIMIT 10000",
          "SELECT task_identifier AS a, count() AS n FROM runs GROUP BY a"
          " HAVING (count() > 5 OR max(depth) > 100) AND count() < 30"),
    where("BETWEEN behind AND", "status = 'Failed' AND depth BETWEEN 0 AND 3",
          "and(greaterOrEquals(depth, 0), lessOrEquals(depth, 3), status = "
          "'COMPLETED_WITH_ERRORS')",
          "status = 'Failed' AND depth BETWEEN 0 AND 3"),
    where("BETWEEN before AND", "depth BETWEEN 0 AND 3 AND attempt_count = 1",
          "and(greaterOrEquals(depth, 0), lessOrEquals(depth, 3), equals(attempt_count, 1))",
          "depth BETWEEN 0 AND 3 AND attempt_count = 1"),
    where("NOT BETWEEN", "NOT depth BETWEEN 1 AND 3 AND is_test",
          "and(or(less(depth, 1), greater(depth, 3)), equals(is_test, 1))",
          "NOT depth BETWEEN 1 AND 3 AND is_test = 1"),

    # -- literals (traps 101, 105) ------------------------------------------------------
    where("backslash before a letter", "task_identifier = 'c:\\new\\table'",
          "equals(nullIf(task_identifier, ''), concat('c:', '\\\\', 'new', '\\\\', 'table', "
          "''))",
          r"task_identifier = 'c:\new\table'", r"task_identifier = 'c:\\new\\table'"),
    where("backslash before another sign", "task_identifier IN ('\\', 'a\\')",
          "if(isNull(nullIf(task_identifier, '')), if(equals(1, 1), nullIf(0, 0), equals(1, "
          "0)), or(in(nullIf(task_identifier, ''), [concat('\\\\', ''), concat('a', '\\\\', "
          "'')]), equals(1, 0)))",
          (r"task_identifier IN ('\', 'a\')", "Syntax error")),
    where("backslash in LIKE", "task_identifier LIKE 'a\\_b'",
          "like(nullIf(task_identifier, ''), concat('a', '\\\\', '_b', ''))",
          (r"task_identifier LIKE 'a\_b'", "Syntax error")),
    where("comments and quotes in a text", "task_identifier IN ('--', '/*', 'it''s', 'quote\"d')",
          "if(isNull(nullIf(task_identifier, '')), if(equals(1, 1), nullIf(0, 0), equals(1, "
          "0)), or(in(nullIf(task_identifier, ''), ['--', '/*', 'it''s', 'quote\"d']), "
          "equals(1, 0)))",
          ('task_identifier IN ("--")', "Unknown column")),
    where("integers beyond 2^53 as literals", "input_tokens = 9007199254740993",
          "equals(input_tokens, toInt128('9007199254740993'))",
          "input_tokens = 9007199254740993", table="llm_metrics"),
    where("the same in a list", "input_tokens IN (1, 9007199254740993)",
          "or(in(input_tokens, [1, toInt128('9007199254740993')]), equals(1, 0))",
          "input_tokens IN (1, 9007199254740993)", table="llm_metrics"),
    where("integers beyond 2^64", "input_tokens < 18446744073709551616.5",
          "less(input_tokens, toDecimal128('18446744073709551616.5', 1))",
          table="llm_metrics"),
    whole("integers beyond 2^53 in answers",
          "SELECT input_tokens AS n FROM {s}.llm_metrics GROUP BY 1",
          "SELECT input_tokens AS c1, toString(input_tokens) AS c2 FROM llm_metrics GROUP BY "
          "c1 LIMIT 10000",
          "SELECT input_tokens AS n FROM llm_metrics GROUP BY n"),
    whole("decimals in answers", "SELECT total_cost AS n FROM {s}.llm_metrics GROUP BY 1",
          "SELECT total_cost AS c1, toString(total_cost) AS c2 FROM llm_metrics GROUP BY c1 "
          "LIMIT 10000",
          "SELECT total_cost AS n FROM llm_metrics GROUP BY n"),
    where("decimals as literals", "total_cost <> 123456.1234567890121",
          "notEquals(total_cost, toDecimal128('123456.1234567890125', 13))",
          "total_cost != 123456.1234567890121", table="llm_metrics"),
    whole("NaN and infinity in answers",
          "SELECT DISTINCT ms_to_first_chunk AS n FROM {s}.llm_metrics",
          "SELECT if(isNaN(ms_to_first_chunk), toFloat64('nan'), plus(ms_to_first_chunk, 0)) "
          "AS c1, toString(if(isNaN(ms_to_first_chunk), toFloat64('nan'), "
          "plus(ms_to_first_chunk, 0))) AS c2 FROM llm_metrics GROUP BY c1 LIMIT 10000",
          "SELECT DISTINCT ms_to_first_chunk AS n FROM llm_metrics"),
    where("NaN in comparisons", "ms_to_first_chunk > 1",
          "or(greater(ms_to_first_chunk, toFloat64('1')), isNaN(ms_to_first_chunk))",
          "ms_to_first_chunk > 1", table="llm_metrics"),
    where("a time as a literal", "triggered_at = '2026-11-23 00:00:00+00'",
          "equals(triggered_at, toDateTime64('2026-11-23 00:00:00.000000', 6, 'UTC'))",
          ("triggered_at = '2026-11-23T00:00:00Z'", "Cannot convert")),

    # -- NULL (trap 100) ----------------------------------------------------------------
    where("IS NULL of a text", "task_version IS NULL",
          "isNull(nullIf(task_version, ''))",
          "task_version IS NULL"),
    where("IS NULL of batch_id", "batch_id IS NULL",
          "batch_id = ''",
          "batch_id IS NULL"),
    where("IS NULL of parent_run_id", "parent_run_id IS NOT NULL",
          "parent_run_id != ''",
          "parent_run_id IS NOT NULL"),
    where("IS NULL of root_run_id", "root_run_id IS NULL",
          "root_run_id = ''",
          "root_run_id IS NULL"),
    where("IS NULL of output", "output IS NULL",
          "output = ''",
          "output IS NULL"),
    where("IS NULL of error", "error IS NOT NULL",
          "error != ''",
          "error IS NOT NULL"),
    where("= NULL", "(max_duration = (SELECT NULL::bigint)) IS NULL",
          "isNull(equals(max_duration, nullIf(0, 0)))",
          "isNull(max_duration = NULL)"),
    where("IN with NULL", "max_duration NOT IN (300, NULL) OR depth = 0",
          "or(not(if(isNull(max_duration), if(equals(1, 1), nullIf(0, 0), equals(1, 0)), "
          "or(in(max_duration, [300]), nullIf(0, 0)))), equals(depth, 0))",
          "or(max_duration NOT IN (300, NULL), depth = 0)"),
    where("IN ()", "NOT depth = ANY ('{}'::int[])",
          "not(or(in(depth, [nullIf(0, 0)]), equals(1, 0)))",
          ("depth NOT IN ()", "Syntax error")),
    where("<> of no text", "task_version <> '20260101.1'",
          "notEquals(nullIf(task_version, ''), '20260101.1')",
          "task_version != '20260101.1'"),
    where("|| of no text", "(task_identifier || task_version) IS NOT NULL",
          "isNotNull(concat(nullIf(task_identifier, ''), nullIf(task_version, '')))",
          "(task_identifier || task_version) IS NOT NULL"),
    whole("aggregates of no rows", "SELECT max(depth) AS n FROM {s}.runs WHERE depth = 254",
          "SELECT toString(max(toNullable(depth))) AS c1 FROM runs WHERE equals(depth, 254) "
          "LIMIT 10000",
          "SELECT max(depth) AS n FROM runs WHERE depth = 254"),

    # -- values that are translated (traps 98, 99) ---------------------------------------
    where("text on the left of status", "'Completed' = status",
          "status = 'COMPLETED_SUCCESSFULLY'",
          "'Completed' = status"),
    where("letter case of status", "status = 'completed' OR depth = 1",
          "or(equals(1, 0), equals(depth, 1))",
          "or(status = 'completed', depth = 1)"),
    where("internal words of status", "status IN ('COMPLETED_SUCCESSFULLY', 'Failed')",
          "or(equals(1, 0), equals(1, 0), status = 'COMPLETED_WITH_ERRORS')",
          "status IN ('COMPLETED_SUCCESSFULLY', 'Failed')"),
    where("status = 'Pending version'", "status = 'Pending version'",
          "or(status = 'PENDING_VERSION', status = 'WAITING_FOR_DEPLOY')",
          "status = 'Pending version'"),
    where("status <> 'Pending version'", "status <> 'Pending version'",
          "not(or(status = 'PENDING_VERSION', status = 'WAITING_FOR_DEPLOY'))",
          "status != 'Pending version'"),
    where("status LIKE", "status LIKE 'Comp%'", None, "status LIKE 'Comp%'"),
    where("a function of status", "lower(status) = 'completed'", None,
          "lower(status) = 'completed'"),
    where("status in an order", "status < 'Executing'", None, "status < 'Executing'"),
    where("tuples", "(status, is_test) IN (('Completed', true), ('Failed', false))",
          "or(and(status = 'COMPLETED_SUCCESSFULLY', equals(is_test, 1)), and(status = "
          "'COMPLETED_WITH_ERRORS', not(equals(is_test, 1))))",
          "(status, is_test) IN (('Completed', 1), ('Failed', 0))"),
    where("status in CASE", "CASE WHEN depth = 0 THEN status ELSE 'Failed' END = 'Completed'", None,
          "if(depth = 0, status, 'Failed') = 'Completed'"),
    whole("status of a subquery",
          "SELECT count(*) AS n FROM (SELECT status, depth FROM {s}.runs OFFSET 0) s"
          " WHERE status = 'Completed'", None,
          "SELECT count() AS n FROM (SELECT status FROM runs) WHERE status = 'Completed'",
          plan=("Filter: (s.status = 'Completed'::text)",)),
    whole("status under another name", "SELECT status AS s, count(*) AS n FROM {s}.runs GROUP BY 1",
          "SELECT if(status = 'WAITING_FOR_DEPLOY', 'PENDING_VERSION', status) AS c1, "
          "toString(count()) AS c2 FROM runs GROUP BY c1 LIMIT 10000",
          "SELECT status AS s, count() AS n FROM runs GROUP BY s"),
    whole("two states of one name", "SELECT status, count(*) AS n FROM {s}.runs GROUP BY 1",
          "SELECT if(status = 'WAITING_FOR_DEPLOY', 'PENDING_VERSION', status) AS c1, "
          "toString(count()) AS c2 FROM runs GROUP BY c1 LIMIT 10000",
          "SELECT status, count() AS n FROM runs GROUP BY status"),
    whole("the last status", "SELECT max(status) AS status FROM {s}.runs WHERE status <> 'Waiting'",
          None, "SELECT max(s) AS status FROM (SELECT status AS s FROM runs"
          " WHERE status != 'Waiting')", never=("max(",), plan=("Aggregate",)),
    whole("environment under another name",
          "SELECT environment AS e, count(*) AS n FROM {s}.runs GROUP BY 1",
          "SELECT environment, toString(count()) AS c2 FROM runs GROUP BY environment LIMIT "
          "10000",
          "SELECT environment AS e, count() AS n FROM runs GROUP BY e"),
    whole("project under another name",
          "SELECT project AS e, count(*) AS n FROM {s}.runs GROUP BY 1",
          "SELECT project, toString(count()) AS c2 FROM runs GROUP BY project LIMIT 10000",
          "SELECT project AS e, count() AS n FROM runs GROUP BY e"),
    whole("the name environment for something else",
          "SELECT task_identifier AS environment, count(*) AS n FROM {s}.runs GROUP BY 1",
          "SELECT task_identifier AS c1, toString(count()) AS c2 FROM runs GROUP "
          "BY c1 LIMIT 10000",
          "SELECT task_identifier AS environment, count() AS n FROM runs GROUP BY task_identifier"),
    whole("the name project for something else",
          "SELECT task_identifier AS project, count(*) AS n FROM {s}.runs GROUP BY 1",
          "SELECT task_identifier AS c1, toString(count()) AS c2 FROM runs GROUP "
          "BY c1 LIMIT 10000",
          "SELECT task_identifier AS project, count() AS n FROM runs GROUP BY task_identifier"),
    where("a function of environment", "environment LIKE 'pro%'", None, "environment LIKE 'pro%'"),
    where("letter case of environment", "environment <> 'PROD'", None, "environment != 'PROD'"),
    where("a function of project", "lower(project) LIKE 'proj_alpha%'", None,
          "lower(project) LIKE 'proj_alpha%'"),
    where("batch_id without its prefix", "batch_id IN ('one', 'batch_two')",
          "if(batch_id = '', nullIf(0, 0), or(equals(1, 0), equals(1, 0), batch_id = "
          "'batch_two'))",
          "batch_id IN ('one', 'batch_two')"),
    where("batch_id with its prefix twice", "batch_id <> 'batch_batch_one'",
          "not(if(batch_id = '', nullIf(0, 0), batch_id = 'batch_batch_one'))",
          "batch_id != 'batch_batch_one'"),
    where("batch_id LIKE", "batch_id LIKE 'batch\\_o%'", None, r"batch_id LIKE 'batch\\_o%'"),
    where("root_run_id", "root_run_id <> 'run_parent1'",
          "not(if(root_run_id = '', nullIf(0, 0), root_run_id = 'run_parent1'))",
          "root_run_id != 'run_parent1'"),
    where("parent_run_id", "parent_run_id IN ('parent1', 'run_parent2')",
          "if(parent_run_id = '', nullIf(0, 0), or(equals(1, 0), equals(1, 0), parent_run_id = "
          "'run_parent2'))",
          "parent_run_id IN ('parent1', 'run_parent2')"),
    where("bulk_action_group_ids", "bulk_action_group_ids = '{bulk_a}'", None,
          "bulk_action_group_ids = ['bulk_a']"),

    # -- what is refused (trap 104 and others) -------------------------------------------
    where("CASE without ELSE", "CASE WHEN depth > 1 THEN is_test END",
          "multiIf(ifNull(greater(depth, 1), 0), equals(is_test, 1), nullIf(0, 0))",
          ("CASE WHEN depth > 1 THEN is_test END", "at least 3 arguments")),
    where("simple CASE", "CASE depth WHEN 1 THEN true ELSE is_test END", None,
          ("CASE depth WHEN 1 THEN 1 ELSE is_test END", "at most 4 arguments")),
    where("CAST", "depth::bigint + attempt_count::bigint > 3",
          "greater(plus(toInt64(depth), toInt64(attempt_count)), 3)",
          ("CAST(depth AS Int64) > 3", "Unknown expression"), ("depth::Int64 > 3", "Syntax error")),
    where("a cast that is another value", "depth::text = '1'", None),
    where("DATE '...'", "triggered_at >= date '2026-01-01'", None,
          ("triggered_at >= DATE '2026-01-01'", "Unknown expression")),
    where("unary minus", "-depth < -1",
          "less(negate(toInt64(depth)), -1)",
          ("-depth < -1", "Unknown expression")),
    whole("EXISTS", "SELECT count(*) AS n FROM {s}.runs"
          " WHERE EXISTS (SELECT 1 FROM {s}.runs b WHERE b.depth = 1) AND is_test", None,
          ("SELECT count() AS n FROM runs WHERE EXISTS (SELECT 1 FROM runs)", "Unknown function"),
          never=("EXISTS",), plan=("One-Time Filter",)),
    whole("FILTER", "SELECT count(*) FILTER (WHERE is_test) AS n FROM {s}.runs",
          "SELECT toString(countIf(ifNull(equals(is_test, 1), 0))) AS c1 FROM runs LIMIT 10000",
          ("SELECT count() FILTER (WHERE is_test = 1) AS n FROM runs", "Syntax error")),
    whole("count(DISTINCT a, b)", "SELECT count(DISTINCT (status, is_test)) AS n FROM {s}.runs",
          None, ("SELECT count(DISTINCT status, is_test) AS n FROM runs", "at most 1 argument"),
          never=("count",), plan=("Aggregate",)),
    where("functions that are not allowed", "initcap(queue) = 'Email-Queue'", None,
          ("initcap(queue) = 'Email-Queue'", "Unknown function")),
    whole("constants as keys are positions", "SELECT count(*) AS n FROM {s}.runs GROUP BY 1 + 0",
          None, ("SELECT count() AS n FROM runs GROUP BY 1", "found in GROUP BY"),
          never=("GROUP BY",)),
    whole("CTE", "WITH a AS MATERIALIZED (SELECT run_id FROM {s}.runs) SELECT count(*) AS n FROM a",
          None, ("WITH a AS (SELECT run_id FROM runs) SELECT count() AS n FROM a",
                 "not accessible"), never=("WITH",), plan=("CTE Scan",)),

    # -- names (traps 93, 103) ----------------------------------------------------------
    whole("alias of a table", "SELECT count(*) AS n FROM {s}.runs r WHERE r.depth = 1",
          "SELECT toString(count()) AS c1 FROM runs WHERE equals(depth, 1) LIMIT 10000",
          ("SELECT count() AS n FROM runs r WHERE r.depth = 1", "Syntax error"),
          ("SELECT count() AS n FROM runs AS r WHERE r.depth = 1", "Syntax error")),
    whole("alias without AS", "SELECT depth d FROM {s}.runs WHERE depth > 1", None,
          ("SELECT depth d FROM runs", "Syntax error"), plan=(" AS c1",)),
    whole("a table with itself",
          "SELECT count(*) AS n FROM {s}.runs a JOIN {s}.runs b ON a.run_id = b.run_id", None,
          ("SELECT count() AS n FROM runs JOIN runs ON runs.run_id = runs.run_id",
           "same alias"), never=("JOIN",), plan=("Join",)),
    whole("names that nobody has given", "SELECT min(depth), min(attempt_count) FROM {s}.runs",
          "SELECT toString(min(toNullable(depth))) AS c1, "
          "toString(min(toNullable(attempt_count))) AS c2 FROM runs LIMIT 10000",
          ("SELECT min(depth), min(attempt_count) FROM runs", "Multiple expressions")),
    whole("names that are the same", "SELECT depth AS a, attempt_count AS a FROM {s}.runs"
          " GROUP BY 1, 2",
          "SELECT depth AS c1, toString(depth) AS c2, attempt_count AS c3, "
          "toString(attempt_count) AS c4 FROM runs GROUP BY c1, c3 LIMIT 10000",
          ("SELECT depth AS a, attempt_count AS a FROM runs", "Multiple expressions")),

    # -- order, limit, sets (traps 96, 97, 104) -------------------------------------------
    whole("LIMIT a, b", "SELECT run_id AS n FROM {s}.runs ORDER BY run_id LIMIT 3 OFFSET 5",
          "SELECT run_id AS c1 FROM runs ORDER BY isNull(nullIf(run_id, '')) ASC, "
          "nullIf(run_id, '') ASC LIMIT 3 OFFSET 5",
          "SELECT run_id AS n FROM runs ORDER BY run_id LIMIT 5, 3"),
    whole("NULLS FIRST", "SELECT max_duration AS b, run_id AS n FROM {s}.runs"
          " ORDER BY max_duration NULLS FIRST, run_id LIMIT 2",
          "SELECT max_duration AS c1, run_id AS c2 FROM runs ORDER BY isNull(max_duration) "
          "DESC, max_duration ASC, isNull(nullIf(run_id, '')) ASC, nullIf(run_id, '') ASC "
          "LIMIT 2",
          "SELECT max_duration AS b, run_id AS n FROM runs"
          " ORDER BY max_duration NULLS FIRST, run_id LIMIT 2"),
    whole("DESC", "SELECT max_duration AS b, run_id AS n FROM {s}.runs"
          " ORDER BY max_duration DESC, run_id LIMIT 2",
          "SELECT max_duration AS c1, run_id AS c2 FROM runs ORDER BY isNull(max_duration) "
          "DESC, max_duration DESC, isNull(nullIf(run_id, '')) ASC, nullIf(run_id, '') ASC "
          "LIMIT 2",
          "SELECT max_duration AS b, run_id AS n FROM runs"
          " ORDER BY max_duration DESC, run_id LIMIT 2"),
    whole("NaN in an order", "SELECT ms_to_first_chunk AS b, span_id AS n FROM {s}.llm_metrics"
          " ORDER BY ms_to_first_chunk DESC, span_id LIMIT 3",
          "SELECT toString(plus(ms_to_first_chunk, 0)) AS c1, span_id AS c2 FROM llm_metrics "
          "ORDER BY ifNull(isNaN(ms_to_first_chunk), 0) DESC, ms_to_first_chunk DESC, "
          "isNull(nullIf(span_id, '')) ASC, nullIf(span_id, '') ASC LIMIT 3",
          "SELECT toString(ms_to_first_chunk) AS b, span_id AS n FROM llm_metrics"
          " ORDER BY ms_to_first_chunk DESC, span_id LIMIT 3"),
    whole("COLLATE", "SELECT task_identifier AS n FROM {s}.runs WHERE task_identifier > 'A'"
          " ORDER BY task_identifier COLLATE \"und-x-icu\" LIMIT 40", None,
          "SELECT task_identifier AS n FROM runs WHERE task_identifier > 'A'"
          " ORDER BY task_identifier COLLATE 'en' LIMIT 40", plan=("Sort Key: ",),
          never=("COLLATE", "ORDER BY isNull(nullIf(task", "ORDER BY nullIf(task")),
    whole("ROLLUP", "SELECT is_test AS a, count(*) AS n FROM {s}.runs GROUP BY ROLLUP (1)", None,
          "SELECT is_test AS a, count() AS n FROM runs GROUP BY a WITH ROLLUP",
          never=("GROUP BY",), plan=("Aggregate",)),
    whole("rows of a group", "SELECT DISTINCT ON (is_test) is_test AS a, run_id AS n FROM {s}.runs"
          " ORDER BY is_test, run_id", None,
          ("SELECT is_test AS a, run_id AS n FROM runs ORDER BY is_test, run_id LIMIT 1 BY is_test",
           "out of range"), never=(" BY is_test",), plan=("Unique",)),
    whole("UNION", "SELECT is_test AS n FROM {s}.runs UNION SELECT is_root_run FROM {s}.runs", None,
          ("SELECT is_test AS n FROM runs UNION SELECT is_root_run AS n FROM runs",
           "Syntax error"), never=("UNION",)),
    whole("LIMIT of a union", "(SELECT run_id AS n FROM {s}.runs UNION ALL SELECT run_id FROM "
          "{s}.runs) ORDER BY 1 LIMIT 3", None,
          "SELECT run_id AS n FROM runs UNION ALL SELECT run_id AS n FROM runs ORDER BY n LIMIT 3",
          never=("UNION",)),
    whole("tables of different time columns", "SELECT count(*) AS n FROM {s}.runs UNION ALL"
          " SELECT count(*) FROM {s}.llm_metrics", None,
          ("SELECT count() AS n FROM runs UNION ALL SELECT count() AS n FROM llm_metrics",
           "Unknown column"), never=("UNION",)),
    whole("more rows than an answer has", "SELECT run_id AS n FROM {s}.runs", None,
          Naive("SELECT run_id AS n FROM runs", settings={"query_max_rows": 100}),
          plan=(" LIMIT 9999",)),

    # -- the window and the scope (traps 94, 95, 106) ---------------------------------------
    whole("the window nobody asked for", "SELECT count(*) AS n FROM {s}.runs",
          "SELECT toString(count()) AS c1 FROM runs LIMIT 10000",
          Naive("SELECT count() AS n FROM runs", raw=True), plan=("Window: from 1",)),
    where("the time column in a condition",
          "triggered_at >= '2026-11-01' AND (triggered_at < '2026-11-10' OR depth = 0)",
          "and(greaterOrEquals(triggered_at, toDateTime64('2026-11-01 00:00:00.000000', 6, "
          "'UTC')), or(less(triggered_at, toDateTime64('2026-11-10 00:00:00.000000', 6, "
          "'UTC')), equals(depth, 0)))",
          plan=("Window: from 1793491200000",)),
    whole("a function hides the time column", "SELECT count(*) AS n FROM {s}.runs"
          " WHERE date_trunc('day', triggered_at) = '2026-10-25'",
          "SELECT toString(count()) AS c1 FROM runs WHERE "
          "equals(toDateTime64(toDate32(toTimeZone(triggered_at, 'UTC')), 0, 'UTC'), "
          "toDateTime64('2026-10-25 00:00:00.000000', 6, 'UTC')) LIMIT 10000",
          Naive("SELECT count() AS n FROM runs WHERE toDate(triggered_at) = '2026-10-25'",
                raw=True), plan=("Window: from 1",)),
    whole("and() hides the time column", "SELECT count(*) AS n FROM {s}.runs"
          " WHERE triggered_at < '2026-10-25' AND depth = 0",
          "SELECT toString(count()) AS c1 FROM runs WHERE and(less(triggered_at, "
          "toDateTime64('2026-10-25 00:00:00.000000', 6, 'UTC')), equals(depth, 0)) LIMIT 10000",
          Naive("SELECT count() AS n FROM runs"
                " WHERE and(triggered_at < '2026-10-25 00:00:00', depth = 0)", raw=True)),
    whole("a condition drops the window", "SELECT count(*) AS n FROM {s}.runs WHERE triggered_at"
          " IS NOT NULL AND triggered_at >= '2026-11-20' AND triggered_at < '2026-11-21'",
          "SELECT toString(count()) AS c1 FROM runs WHERE and(equals(1, 1), "
          "greaterOrEquals(triggered_at, toDateTime64('2026-11-20 00:00:00.000000', 6, "
          "'UTC')), less(triggered_at, toDateTime64('2026-11-21 00:00:00.000000', 6, 'UTC'))) "
          "LIMIT 10000",
          Naive("SELECT count() AS n FROM runs WHERE triggered_at IS NOT NULL",
                more=", \"from\" => '2026-11-20', \"to\" => '2026-11-21'")),
    whole("the scope", "SELECT count(*) AS n FROM {s}.runs", None,
          Naive("SELECT count() AS n FROM runs", more=", scope => 'organization'"),
          body='"scope":"environment"'),
    whole("the format", "SELECT count(*) AS n FROM {s}.runs WHERE is_test", None,
          body='"format":"json"'),

    # -- types and functions (trap 102) -----------------------------------------------------
    whole("times have no zone", "SELECT date_trunc('day', triggered_at) AS n FROM {s}.runs"
          " WHERE depth = 1 GROUP BY 1",
          "SELECT toDateTime64(toDate32(toTimeZone(triggered_at, 'Asia/Kolkata')), 0, "
          "'Asia/Kolkata') AS c1, "
          "toString(toTimeZone(toDateTime64(toDate32(toTimeZone(triggered_at, "
          "'Asia/Kolkata')), 0, 'Asia/Kolkata'), 'UTC')) AS c2 FROM runs WHERE equals(depth, "
          "1) GROUP BY c1 LIMIT 10000",
          "SELECT toStartOfDay(toTimeZone(triggered_at, 'Asia/Kolkata')) AS n FROM runs"
          " WHERE depth = 1 GROUP BY n", settings=("TimeZone = 'Asia/Kolkata'",)),
    whole("days after 2106", "SELECT date_trunc('day', delay_until) AS n FROM {s}.runs"
          " WHERE delay_until > '2107-01-01' GROUP BY 1",
          "SELECT toDateTime64(toDate32(toTimeZone(delay_until, 'UTC')), 0, 'UTC') AS c1, "
          "toString(toTimeZone(toDateTime64(toDate32(toTimeZone(delay_until, 'UTC')), 0, "
          "'UTC'), 'UTC')) AS c2 FROM runs WHERE greater(delay_until, toDateTime64('2107-01-01 "
          "00:00:00.000000', 6, 'UTC')) GROUP BY c1 LIMIT 10000",
          "SELECT concat(toString(toStartOfDay(delay_until)), '+00') AS n FROM runs"
          " WHERE delay_until > '2107-01-01 00:00:00' GROUP BY n"),
    where("upper and lower case", "task_identifier ILIKE 'ü%'",
          "like(lower(nullIf(task_identifier, '')), 'ü%')",
          "task_identifier ILIKE 'ü%'"),
    where("length", "length(task_identifier) = 1",
          "equals(lengthUTF8(nullIf(task_identifier, '')), 1)",
          "length(task_identifier) = 1"),
    where("division", "depth / 2 = 63",
          "equals(intDiv(toInt64(depth), toInt64(2)), 63)",
          "depth / 2 = 63"),
    where("products that cannot overflow", "depth::bigint * depth * depth > 1000",
          "greater(multiply(toInt64(multiply(toInt64(depth), toInt64(depth))), "
          "toInt64(depth)), 1000)"),
    where("products that can", "CASE WHEN depth < 100 THEN depth * depth END > 1000", None),
    where("output is text", "output = '{\"a\": 1}'", None, "output = '{\"a\": 1}'"),
    whole("averages", "SELECT avg(depth) AS n FROM {s}.runs",
          "SELECT toString(sum(toInt128(toNullable(depth)))) AS c1, toString(countIf(equals(1, "
          "1))) AS c2 FROM runs LIMIT 10000",
          "SELECT avg(depth) AS n FROM runs"),
    whole("sums of floats", "SELECT count(*) AS n FROM (SELECT sum(compute_cost) FROM {s}.runs) s",
          None, never=("sum(",), plan=("Aggregate",)),
    where("zeros of two signs", "compute_cost IN (0, 5)",
          "or(in(plus(compute_cost, 0), [toFloat64('0'), toFloat64('5')]), "
          "and(isNaN(compute_cost), equals(1, 0)), equals(1, 0))",
          "compute_cost IN (0, 5)"),
    whole("flags are numbers", "SELECT is_warm_start AS a, count(*) AS n FROM {s}.runs GROUP BY 1",
          "SELECT equals(is_warm_start, 1) AS c1, toString(equals(is_warm_start, 1)) AS c2, "
          "toString(count()) AS c3 FROM runs GROUP BY c1 LIMIT 10000",
          "SELECT is_warm_start AS a, count() AS n FROM runs GROUP BY a"),
)

"""Edges of the translation, where two engines usually differ: one query for each."""
from generator import Query

# query, settings
QUERIES = (
    ("SELECT status, count(*) FROM {t} GROUP BY 1 HAVING NULL::boolean", ()),
    ("SELECT count(*) FILTER (WHERE NULL::boolean), count(*) FILTER (WHERE task_identifier"
     " = NULL) FROM {t}", ()),
    ("SELECT task_identifier, (SELECT count(*) FROM {t} b WHERE b.task_identifier = "
     "a.task_identifier) FROM {t} a GROUP BY 1", ()),
    ("SELECT DISTINCT status FROM {t}", ()),
    ("SELECT DISTINCT status, is_test FROM {t} ORDER BY 1, 2 LIMIT 5", ()),
    ("SELECT environment, count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT count(DISTINCT status), count(DISTINCT batch_id), count(DISTINCT environment)"
     " FROM {t}", ()),
    ("SELECT min(status), max(status), min(batch_id), max(environment) FROM {t}", ()),
    ("SELECT batch_id, count(*) FROM {t} GROUP BY 1 ORDER BY 1 NULLS FIRST", ()),
    ("SELECT status, count(*) FROM {t} GROUP BY 1 ORDER BY 1 DESC LIMIT 3", ()),
    ("SELECT lower(status), count(*) FROM {t} GROUP BY 1", ()),
    # a key that is known by another name than the column has
    ("SELECT status, count(*) FROM {t} GROUP BY 1 HAVING status = 'Failed' OR count(*) > 50", ()),
    ("SELECT batch_id, count(*) FROM {t} GROUP BY 1 HAVING batch_id IS NULL OR count(*) > 30", ()),
    ("SELECT status, count(*) FROM {t} GROUP BY 1 ORDER BY status = 'Completed', 2, 1", ()),
    ("SELECT status, count(*) FROM {t} GROUP BY 1 HAVING count(*) FILTER (WHERE status = 'Failed'"
     ") = 0", ()),
    ("SELECT total_cost, count(*) FROM {t} GROUP BY 1 HAVING total_cost > 0.1 OR count(*) > 3", ()),
    ("SELECT total_cost, count(*) FROM {t} GROUP BY 1 ORDER BY total_cost > 0.1, 1 LIMIT 5", ()),
    ("SELECT status || '!', count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT status, status = 'Pending version', count(*) FROM {t} GROUP BY 1, 2", ()),
    ("SELECT batch_id = 'batch_one', count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT count(*) FROM {t} WHERE status = 'Pending version' AND NOT (status <> "
     "'Pending version')", ()),
    ("SELECT count(*) FROM {t} WHERE status <> 'Pending version' OR status IS NULL", ()),
    ("SELECT count(*) FROM {t} WHERE batch_id <> 'batch_one'", ()),
    ("SELECT count(*) FROM {t} WHERE NOT (batch_id = 'one')", ()),
    ("SELECT count(*) FROM {t} WHERE batch_id NOT IN ('batch_one', NULL)", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier < ''", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier <> ''", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier || '' = 'a'", ()),
    ("SELECT task_identifier || region, count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT coalesce(region, ''), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT coalesce(region, '') = '', count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT CASE WHEN region IS NULL THEN '' ELSE region END, count(*) FROM {t} GROUP BY "
     "1", ()),
    ("SELECT count(coalesce(region, '')), count(DISTINCT coalesce(region, '')), "
     "min(coalesce(region,'')) FROM {t}", ()),
    ("SELECT nullif(task_identifier, 'a'), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT depth + 1, sum(depth), avg(depth), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT avg(total_duration), sum(total_duration), avg(usage_duration) FROM {t}", ()),
    ("SELECT sum(total_duration) FILTER (WHERE false), avg(depth) FILTER (WHERE depth > "
     "1000) FROM {t}", ()),
    ("SELECT sum(depth::int), sum(depth::bigint), sum(usage_duration) FROM {t}", ()),
    ("SELECT avg(depth)::float8 * 2, sum(depth) / count(*) FROM {t} GROUP BY is_test", ()),
    ("SELECT max(triggered_at) - min(triggered_at) FROM {t}", ()),
    ("SELECT bool_and(is_warm_start), bool_or(is_warm_start), every(is_test) FROM {t} "
     "GROUP BY task_identifier", ()),
    ("SELECT is_warm_start, count(*) FROM {t} GROUP BY 1 ORDER BY 1 DESC", ()),
    ("SELECT max_duration, count(*) FROM {t} GROUP BY 1 HAVING max_duration IS NOT NULL "
     "ORDER BY 1", ()),
    ("SELECT extract(year FROM delay_until) AS y, date_part('month', delay_until), "
     "count(*) FROM {t} GROUP BY 1, 2 ORDER BY 1 NULLS FIRST, 2", ()),
    ("SELECT extract(hour FROM triggered_at) + 1, count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT date_trunc('day', triggered_at) + interval '1 day', count(*) FROM {t} GROUP "
     "BY 1", ()),
    ("SELECT date_trunc('day', date_trunc('hour', triggered_at), 'Asia/Kolkata'), count(*)"
     " FROM {t} GROUP BY 1", ("TimeZone='America/New_York'",)),
    ("SELECT length(task_identifier), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier LIKE 'a\\%b'", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier LIKE '%\\\\%'", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier LIKE E'a\\nb'", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier LIKE 'a_b'", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier ILIKE 'ü%'", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier LIKE '_'", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier = E'\\x01'", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier = E'a\\x01'", ()),
    ("SELECT count(*) FROM {t} WHERE task_identifier IN (E'\\n', E'\\t', '\\', '\\\\', "
     "'c:\\new\\table')", ()),
    ("SELECT count(*) FROM {t} WHERE usage_duration = 4294967295 OR usage_duration > "
     "9007199254740993", ()),
    ("SELECT count(*) FROM {t} WHERE total_duration * 4000001 > 9007199254740993", ()),
    ("SELECT count(*) FROM {t} WHERE total_cost = 'NaN'", ()),
    ("SELECT count(*) FROM {t} WHERE total_cost < 'Infinity' AND total_cost > '-Infinity'", ()),
    ("SELECT count(*) FROM {t} WHERE total_cost IN (0.1, 0.0025)", ()),
    ("SELECT count(*) FROM {t} WHERE depth = 1.0 OR depth = 2.5", ()),
    ("SELECT count(*) FROM {t} WHERE depth > 32767 OR depth < -5", ()),
    ("SELECT * FROM {t} WHERE run_id = ANY (ARRAY(SELECT id FROM local.ids))", ()),
    ("SELECT count(*) FROM {t} WHERE triggered_at = ANY ('{2026-11-23 "
     "00:00:00+00,2026-11-01 06:00:00+00}'::timestamptz[])", ()),
    ("SELECT count(*) FROM {t} WHERE is_test = ANY ('{t,NULL}')", ()),
    ("SELECT count(*) FROM {t} WHERE tags @> '{}' ", ()),
    ("SELECT count(*) FROM {t} WHERE tags && NULL::text[] IS NULL", ()),
    ("SELECT count(*) FROM {t} WHERE bulk_action_group_ids && '{a}'", ()),
    ("SELECT count(*) FROM {t} WHERE bulk_action_group_ids @> '{bulk_b}'", ()),
    ("SELECT tags, count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT output, count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT count(*) FROM {t} WHERE output IS NULL AND error IS NOT NULL", ()),
    ("SELECT count(output), count(error) FROM {t}", ()),
    ("SELECT max(x) FROM (SELECT count(*) x FROM {t} GROUP BY task_identifier) s", ()),
    ("SELECT t.task_identifier, u.n FROM {t} t JOIN (SELECT task_identifier, count(*) n "
     "FROM {t} GROUP BY 1) u USING (task_identifier)", ()),
    ("SELECT grouping(status), status, count(*) FROM {t} GROUP BY ROLLUP (status)", ()),
    ("SELECT 1 FROM {t} GROUP BY ()", ()),
    ("SELECT 'x', count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT now() - now(), status, count(*) FROM {t} GROUP BY 2", ()),
    ("SELECT count(*) FROM {t} WHERE random() < 2", ()),
    ("SELECT generate_series(1, 2), status, count(*) FROM {t} GROUP BY 2", ()),
    ("SELECT status, unnest(array_agg(DISTINCT is_test)) FROM {t} GROUP BY 1", ()),
    ("SELECT first_value(run_id) OVER (ORDER BY run_id), count(*) OVER () FROM {t} ORDER "
     "BY run_id LIMIT 3", ()),
    ("SELECT task_identifier, count(*), rank() OVER (ORDER BY count(*) DESC) FROM {t} "
     "GROUP BY 1 ORDER BY 3, 1 LIMIT 4", ()),
    ("SELECT count(*) FROM {t} WHERE (status, is_test) IN (('Completed', true), ('Failed',"
     " false))", ()),
    ("SELECT count(*) FROM {t} WHERE ROW(depth, attempt_count) < ROW(1, 2)", ()),
    ("SELECT count(*) FROM {t} WHERE ROW(depth, attempt_count) IS NOT NULL", ()),
    ("SELECT count(*) FROM {t} r WHERE r IS NULL", ()),
    ("SELECT tableoid = tableoid FROM {t} LIMIT 1", ()),
    ("SELECT min(triggered_at) FROM {t} WHERE false", ()),
    ("SELECT count(*) FROM {t} WHERE triggered_at < '1960-01-01'", ()),
    ("SELECT count(*) FROM {t} WHERE triggered_at > '290000-01-01'", ()),
    ("SELECT count(*) FROM {t} WHERE triggered_at > '4000-01-01 BC' AND triggered_at < "
     "'99999-01-01'", ()),
    ("SELECT count(*) FROM {t} WHERE triggered_at BETWEEN SYMMETRIC '2026-12-01' AND "
     "'2026-11-01'", ()),
    ("SELECT count(*) FROM {t} WHERE triggered_at::date = '2026-11-23'",
     ("TimeZone='Asia/Tokyo'",)),
    ("SELECT count(*) FROM {t} WHERE triggered_at > timestamp '2026-11-01'",
     ("TimeZone='Asia/Tokyo'",)),
    ("SELECT is_test, is_root_run, is_finished, count(*), max(depth) FROM {t} WHERE "
     "is_test IS NOT UNKNOWN GROUP BY CUBE (1, 2), 3", ()),
    ("SELECT string_agg(DISTINCT status, ',' ORDER BY status) FROM {t}", ()),
    ("SELECT count(DISTINCT (status, is_test)) FROM {t}", ()),
    ("SELECT max(depth) FILTER (WHERE status = 'Failed'), min(run_id) FILTER (WHERE "
     "batch_id IS NULL), sum(depth) FILTER (WHERE tags && '{a}') FROM {t}", ()),
    ("SELECT abs(total_duration), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT depth / 2, depth % 3, -depth, count(*) FROM {t} GROUP BY 1, 2, 3", ()),
    ("SELECT total_duration / 1000, count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT total_duration % -7, count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT depth * attempt_count, count(*) FROM {t} WHERE depth < 100 AND attempt_count "
     "< 100 GROUP BY 1", ()),
    ("SELECT depth * depth * depth FROM {t} WHERE depth * depth > 3", ()),
    ("SELECT task_version COLLATE \"POSIX\", count(*) FROM {t} GROUP BY 1 ORDER BY 1", ()),
)


def run(differential):
    """(number of queries, number of them that failed)"""
    failed = 0
    for foreign in ("trql.runs", "project.runs"):
        for sql, settings in QUERIES:
            query = Query(sql, "sequence" if " ORDER BY 1" in sql else "rows")
            problem, got, expected = differential.compared(query, foreign, settings)
            if problem:
                failed += 1
                print(differential.report(f"edges: {problem}", query, foreign, settings, got,
                                          expected), flush=True)
    return 2 * len(QUERIES), failed

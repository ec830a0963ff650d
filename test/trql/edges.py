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
    ("SELECT count(*) FROM {t} WHERE delay_until > (SELECT max(triggered_at) FROM {t} WHERE depth >"
     " 1000) OR depth = 0", ()),
    ("SELECT count(*) FROM {t} WHERE triggered_at > (SELECT max(triggered_at) FROM {t} WHERE depth"
     " > 1000)", ()),
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
    # text that is grouped by as it is, with '' for NULL
    *((f"SELECT region, machine, count(*) FROM {{t}} GROUP BY 1, 2 HAVING region IS NULL OR count("
       f"*) > 5 OR lower(region) > 'u' ORDER BY 1 {order}, 2 {order}", ())
      for order in ("", "NULLS FIRST", "DESC", "DESC NULLS LAST")),
    ("SELECT region, lower(region), count(*) FROM {t} GROUP BY 1, 2 ORDER BY 1, length(region)"
     " LIMIT 3", ()),
    ("SELECT DISTINCT concurrency_key, region IS NULL FROM {t} ORDER BY 1 NULLS FIRST, 2 LIMIT 7",
     ()),
    # a type that compares the same bytes in another way
    ("SELECT DISTINCT task_identifier::bpchar FROM {t} ORDER BY 1", ()),
    ("SELECT left(task_identifier, 3)::bpchar, task_identifier::bpchar = 'pad', count(DISTINCT"
     " task_identifier::bpchar) FROM {t} GROUP BY 1, 2", ()),
    ("SELECT task_identifier::varchar, count(*) FROM {t} GROUP BY 1 ORDER BY 1", ()),
    # integers with and without a sign, of 32 and 64 bits
    ("SELECT coalesce(length(region), -1), count(*) FROM {t} GROUP BY 1 ORDER BY 1", ()),
    ("SELECT run_id, region FROM {t} ORDER BY coalesce(length(region), -1) DESC, 1 LIMIT 300", ()),
    ("SELECT coalesce(length(region), total_duration), coalesce(total_duration, 5000000000),"
     " coalesce(total_duration, 9007199254740993), count(*) FROM {t} GROUP BY 1, 2, 3", ()),
    ("SELECT status, count(*) FROM {t} GROUP BY 1 HAVING coalesce(max(total_duration) FILTER (WHERE"
     " depth > 1), count(*)) > 10 ORDER BY coalesce(min(length(region)), -1), 1", ()),
    # before 1970, by what the engine has compiled
    ("SELECT status, min(delay_until), max(queued_at) FILTER (WHERE queued_at < '1970-01-01'),"
     " min(date_trunc('month', delay_until)) FROM {t} GROUP BY 1", ()),
    # times that the engine does not have, as values
    ("SELECT coalesce(completed_at, 'infinity'), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT max(coalesce(completed_at, 'infinity')), min(coalesce(completed_at, '-infinity')),"
     " min(coalesce(completed_at, '0044-03-15 BC')), max(coalesce(completed_at, '2300-01-01'))"
     " FROM {t}", ()),
    ("SELECT count(*) FROM {t} WHERE coalesce(completed_at, '1800-01-01') < '1850-01-01'", ()),
    ("SELECT status, max('infinity'::timestamptz), min('0044-03-15 BC'::timestamptz), count("
     "'infinity'::timestamptz) FROM {t} GROUP BY 1", ()),
    ("SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY 'infinity'::timestamptz),"
     " percentile_disc('{0.5}'::float8[]) WITHIN GROUP (ORDER BY '-infinity'::timestamptz)"
     " FROM {t}", ()),
    ("SELECT max(coalesce(completed_at, 'epoch')), max(coalesce(completed_at, '2290-01-01"
     " 00:00:00.123456')), max(coalesce(completed_at, delay_until, now())) FROM {t}", ()),
    # percentiles: none, one and two values; ties; what is not a constant between 0 and 1
    ("SELECT run_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY total_duration),"
     " percentile_disc(0.5) WITHIN GROUP (ORDER BY total_duration), stddev(total_duration),"
     " var_pop(total_duration), stddev_pop(depth) FROM {t} GROUP BY 1", ()),
    ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total_duration),"
     " percentile_disc('{0.5,1}'::float8[]) WITHIN GROUP (ORDER BY run_id), stddev(depth),"
     " string_agg(run_id, ',' ORDER BY run_id), array_agg(run_id ORDER BY run_id) FROM {t}"
     " WHERE depth > 1000", ()),
    ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total_duration) FILTER (WHERE false),"
     " percentile_disc('{0.5,1}'::float8[]) WITHIN GROUP (ORDER BY run_id) FILTER (WHERE false),"
     " stddev(depth) FILTER (WHERE depth IS NULL), array_agg(run_id ORDER BY run_id) FILTER (WHERE"
     " false), string_agg(run_id, ',' ORDER BY run_id) FILTER (WHERE NULL) FROM {t}", ()),
    ("SELECT status, percentile_cont(0.29) WITHIN GROUP (ORDER BY depth),"
     " percentile_cont(0.58) WITHIN GROUP (ORDER BY depth DESC),"
     " percentile_cont(0.07) WITHIN GROUP (ORDER BY usage_duration) FROM {t} GROUP BY 1", ()),
    ("SELECT status, percentile_disc(0.29) WITHIN GROUP (ORDER BY triggered_at),"
     " percentile_disc(0.55) WITHIN GROUP (ORDER BY completed_at DESC NULLS FIRST),"
     " percentile_disc(0.07) WITHIN GROUP (ORDER BY task_identifier) FROM {t} GROUP BY 1",
     ("TimeZone='Asia/Tokyo'", "DateStyle='German'")),
    ("SELECT status, percentile_disc('{{0,NULL},{0.55,1}}'::float8[]) WITHIN GROUP (ORDER BY"
     " triggered_at), percentile_disc('{0.07}'::float8[]) WITHIN GROUP (ORDER BY task_identifier),"
     " percentile_cont('[0:1]={0.07,0.5}'::float8[]) WITHIN GROUP (ORDER BY depth) FROM {t}"
     " GROUP BY 1", ("TimeZone='Asia/Tokyo'", "DateStyle='German'")),
    ("SELECT status, percentile_cont(1 / 3.0) WITHIN GROUP (ORDER BY depth) FROM {t} GROUP BY 1",
     ()),
    ("SELECT percentile_cont(NULL::float8) WITHIN GROUP (ORDER BY depth) FROM {t}", ()),
    ("SELECT status, percentile_disc('{}'::float8[]) WITHIN GROUP (ORDER BY depth) FROM {t}"
     " GROUP BY 1", ()),
    ("SELECT percentile_disc('{NULL}'::float8[]) WITHIN GROUP (ORDER BY depth) FROM {t}", ()),
    ("SELECT depth, percentile_cont(depth / 300.0) WITHIN GROUP (ORDER BY attempt_count) FROM {t}"
     " GROUP BY 1", ()),
    ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total_duration::real) FROM {t}", ()),
    ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY completed_at - triggered_at) FROM {t}",
     ()),
    ("SELECT status, percentile_disc(0.5) WITHIN GROUP (ORDER BY task_identifier COLLATE"
     " \"en-x-icu\") FROM {t} GROUP BY 1", ()),
    ("SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY status) FROM {t}", ()),
    ("SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY is_test) FROM {t}", ()),
    ("SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY total_duration::float8),"
     " percentile_disc('{0.5}'::float8[]) WITHIN GROUP (ORDER BY (total_duration * 1)::float8)"
     " FROM {t}", ()),
    ("SELECT status, count(*) FROM {t} GROUP BY 1 HAVING percentile_cont(0.5) WITHIN GROUP (ORDER"
     " BY depth) > 1 AND stddev(depth) > 0 ORDER BY 1", ()),
    ("SELECT status, percentile_disc(0.5) WITHIN GROUP (ORDER BY depth) FROM {t} GROUP BY 1"
     " HAVING percentile_disc(0.9) WITHIN GROUP (ORDER BY depth) > 1 ORDER BY 2 DESC, 1 LIMIT 3",
     ()),
    # texts in order: ties, empty and missing values, separators
    ("SELECT status, string_agg(task_identifier, '' ORDER BY task_identifier),"
     " string_agg(DISTINCT task_identifier, E'\\n' ORDER BY task_identifier DESC),"
     " string_agg(DISTINCT coalesce(region, ''), '\\' ORDER BY coalesce(region, '')) FROM {t}"
     " GROUP BY 1", ()),
    ("SELECT status, array_agg(region ORDER BY region), array_agg(region ORDER BY region DESC),"
     " array_agg(region ORDER BY region NULLS FIRST), array_agg(DISTINCT region ORDER BY region"
     " DESC), array_agg(DISTINCT coalesce(region, '')), array_agg(region ORDER BY region, run_id)"
     " FILTER (WHERE depth > 1) FROM {t} GROUP BY 1", ()),
    *((f"SELECT status, {call} FROM {{t}} GROUP BY 1", ()) for call in (
        "array_agg(region ORDER BY region, run_id)", "array_agg(region ORDER BY run_id)",
        "string_agg(region, ',' ORDER BY region || 'x', run_id)",
        "string_agg(region, ',' ORDER BY lower(region) COLLATE \"C\", run_id)",
        "string_agg(region, run_id ORDER BY region, run_id)",
        "string_agg(region, ',' ORDER BY region COLLATE \"en-x-icu\", run_id)",
        "string_agg(region, NULL ORDER BY region)", "array_agg(status ORDER BY status)",
        "array_agg(lower(region COLLATE \"C\") ORDER BY region, run_id)",
        "array_agg(depth ORDER BY depth)", "string_agg(region, ',' ORDER BY depth, region)",
        "string_agg(DISTINCT region, ',')", "array_agg(DISTINCT region)")),
    # numbers: overflows of 64 and 128 bits, what has decimals and what has not
    ("SELECT stddev(total_duration), variance(total_duration), var_pop(total_duration),"
     " stddev_pop(usage_duration), stddev(depth), variance(1) FROM {t}", ()),
    ("SELECT stddev(DISTINCT depth), avg(DISTINCT depth), sum(DISTINCT depth::numeric) FROM {t}",
     ()),
    ("SELECT depth, stddev(depth), var_samp(depth), stddev_pop(depth), count(*) FROM {t} GROUP BY"
     " 1", ()),
    ("SELECT sum(depth::numeric), avg(depth::numeric), max(depth::numeric), stddev(depth::numeric),"
     " sum(depth * 2::numeric) FROM {t}", ()),
    ("SELECT sum(depth * 1.50), avg(depth + 0.0), max(depth - 0.5) FROM {t}", ()),
    ("SELECT sum(extract(hour FROM triggered_at)), avg(extract(year FROM triggered_at) - 2000),"
     " max(date_part('hour', triggered_at)) FROM {t}", ()),
    ("SELECT status, max(total_cost), min(total_cost), max(total_cost) FILTER (WHERE total_cost <"
     " 0), min(depth::float8), max(total_duration::float8) FROM {t} GROUP BY 1", ()),
    # bins: before and at the origin, of all widths
    ("SELECT date_bin('1 day', delay_until, '2200-01-01 00:00+00'), count(*) FROM {t} GROUP BY 1",
     ()),
    ("SELECT date_bin('7 days', delay_until, '0001-01-01 00:00+00'), count(*) FROM {t} GROUP BY 1",
     ()),
    ("SELECT date_bin('3 hours', triggered_at, 'epoch'), date_bin('3 hours', delay_until,"
     " '2026-11-23 00:00+00'), count(*) FROM {t} GROUP BY 1, 2", ()),
    ("SELECT date_bin('1 millisecond', triggered_at, 'epoch'), date_bin('1 second', triggered_at,"
     " 'epoch'::timestamptz + interval '1 us'), count(*) FROM {t} GROUP BY 1, 2", ()),
    ("SELECT date_bin(NULL, triggered_at, 'epoch'), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT date_bin('1 day', triggered_at, triggered_at - interval '1 hour'), count(*) FROM {t}"
     " GROUP BY 1", ()),
    ("SELECT floor(extract(epoch FROM delay_until) / 86400), floor(extract(epoch FROM triggered_at)"
     " / 1), count(*) FROM {t} GROUP BY 1, 2", ()),
    ("SELECT date_bin('1.5 seconds', triggered_at, 'epoch'), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT floor(extract(epoch FROM triggered_at) / 2.5), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT floor(extract(epoch FROM triggered_at) / 300.0) * 300, count(*) FROM {t} GROUP BY 1",
     ()),
    ("SELECT floor(extract(epoch FROM triggered_at) / 300) * 300.00, count(*) FROM {t} GROUP BY 1",
     ()),
    ("SELECT floor(extract(epoch FROM triggered_at) / -300), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT floor(extract(epoch FROM triggered_at))::bigint, extract(year FROM"
     " triggered_at)::smallint, count(*) FROM {t} GROUP BY 1, 2", ()),
    ("SELECT (extract(epoch FROM triggered_at)::bigint / 300) * 300, count(*) FROM {t} GROUP BY 1",
     ()),
    ("SELECT to_timestamp(depth), to_timestamp(max_duration), count(*) FROM {t} GROUP BY 1, 2",
     ()),
    ("SELECT to_timestamp(total_duration), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT round(extract(minute FROM triggered_at) * 7 - 3), trunc(depth::numeric), count(*)"
     " FROM {t} GROUP BY 1, 2", ()),
    ("SELECT round(depth::numeric, 2), count(*) FROM {t} GROUP BY 1", ()),
    ("SELECT count(*) FROM {t} WHERE floor(total_cost * 1) = 0 OR ceil(total_cost) = 1", ()),
    ("SELECT count(*) FROM {t} WHERE floor(total_cost) = 0", ()),
    ("SELECT count(*) FROM {t} WHERE round(total_cost) = 2 OR trunc(total_cost) = -0.0", ()),
    ("SELECT count(*) FROM {t} WHERE total_duration::float8 > 9007199254740993", ()),
)

# what fails, and must not be passed off as an answer
FAILING = (
    "SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY depth) FROM {t}",
    "SELECT percentile_disc(-0.1) WITHIN GROUP (ORDER BY depth) FROM {t}",
    "SELECT percentile_cont('NaN') WITHIN GROUP (ORDER BY depth) FROM {t}",
    "SELECT percentile_disc('{0.5,-0.1}'::float8[]) WITHIN GROUP (ORDER BY depth) FROM {t}",
    "SELECT string_agg(region, ',' ORDER BY region, 1 / depth) FROM {t}",
    "SELECT array_agg(region ORDER BY region, 1 / depth) FROM {t}",
    "SELECT date_bin('1 month', triggered_at, 'epoch'), count(*) FROM {t} GROUP BY 1",
    "SELECT date_bin('1 month 1 day', triggered_at, 'epoch'), count(*) FROM {t} GROUP BY 1",
    "SELECT date_bin('-1 day', triggered_at, 'epoch'), count(*) FROM {t} GROUP BY 1",
    "SELECT date_bin('1 day', triggered_at, 'infinity'), count(*) FROM {t} GROUP BY 1",
    "SELECT floor(extract(epoch FROM triggered_at) / 0), count(*) FROM {t} GROUP BY 1",
)


def run(differential):
    """(number of queries, number of them that failed)"""
    failed = 0
    for foreign in ("trql.runs", "project.runs"):
        cases = [(sql, settings, "sequence" if " ORDER BY 1" in sql else "rows")
                 for sql, settings in QUERIES] + [(sql, (), "errors") for sql in FAILING]
        for sql, settings, how in cases:
            query = Query(sql, how)
            problem, got, expected = differential.compared(query, foreign, settings)
            if problem:
                failed += 1
                print(differential.report(f"edges: {problem}", query, foreign, settings, got,
                                          expected), flush=True)
    return 2 * len(cases), failed

--
-- Tables of schema "query", and queries in the API's own language.
--
\pset format unaligned
\pset tuples_only on
\pset null NULL
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
CALL reset_emulator();
SELECT failure($$IMPORT FOREIGN SCHEMA query FROM SERVER prod INTO public OPTIONS (x 'y')$$);
CREATE SCHEMA trql;
-- the emulator's runs are not as old as its clock says
IMPORT FOREIGN SCHEMA query EXCEPT (llm_models) FROM SERVER prod INTO trql OPTIONS (look_back '0');
SELECT relname, ftoptions FROM pg_foreign_table JOIN pg_class ON oid = ftrelid
WHERE relnamespace = 'trql'::regnamespace ORDER BY 1;
SELECT attname, format_type(atttypid, atttypmod), attfdwoptions
FROM pg_attribute WHERE attrelid = 'trql.runs'::regclass AND attnum > 0 ORDER BY attnum;
SELECT requests();

-- one request, however many groups and conditions
SELECT task_identifier, status, count(*) FROM trql.runs GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 3;
SELECT environment, count(*), avg(usage_duration), sum(total_duration), max(depth),
       count(DISTINCT queue), bool_or(is_test), bool_and(is_finished),
       count(*) FILTER (WHERE NOT (is_test OR status IN ('Failed', 'Pending version')))
FROM trql.runs GROUP BY 1;
SELECT requests();

-- what is pushed
EXPLAIN (COSTS off)
SELECT run_id, environment, queue, output FROM trql.runs
WHERE status = 'Pending version' AND (tags && '{a,b}' OR queue IS NULL) AND batch_id <> 'batch_1'
  AND task_identifier LIKE 'a\_b%' AND triggered_at >= '2026-05-20' AND concurrency_key = 'a\b''c';
EXPLAIN (COSTS off)
SELECT date_trunc('week', triggered_at, 'Europe/Paris'), count(*) FROM trql.runs
GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 DESC LIMIT 3 OFFSET 1;
EXPLAIN (COSTS off) SELECT DISTINCT total_duration FROM trql.runs;

-- what is computed here of what the API computes, and what depends on an order
EXPLAIN (COSTS off, VERBOSE)
SELECT task_identifier, percentile_cont(0.95) WITHIN GROUP (ORDER BY total_duration)
FROM trql.runs GROUP BY 1;
EXPLAIN (COSTS off, VERBOSE)
SELECT region, count(*) FROM trql.runs GROUP BY 1 HAVING region IS NULL OR count(*) > 1
ORDER BY 1 NULLS FIRST;
EXPLAIN (COSTS off, VERBOSE)
SELECT percentile_cont('{0.5,NULL}'::float8[]) WITHIN GROUP (ORDER BY total_cost DESC)
       FILTER (WHERE is_test) FROM trql.runs;
EXPLAIN (COSTS off, VERBOSE)
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY triggered_at DESC),
       percentile_disc('{0.5,1}'::float8[]) WITHIN GROUP (ORDER BY machine) FROM trql.runs;
EXPLAIN (COSTS off, VERBOSE) SELECT stddev(total_duration), var_pop(depth) FILTER (WHERE is_test) FROM trql.runs;
EXPLAIN (COSTS off, VERBOSE)
SELECT string_agg(machine, ', ' ORDER BY machine DESC, run_id),
       string_agg(DISTINCT queue, '\' ORDER BY queue) FILTER (WHERE depth = 0) FROM trql.runs;
EXPLAIN (COSTS off, VERBOSE)
SELECT array_agg(machine ORDER BY machine), array_agg(DISTINCT machine ORDER BY machine DESC) FROM trql.runs;
EXPLAIN (COSTS off, VERBOSE)
SELECT sum(total_cost), avg(total_cost), min(total_cost), sum(input_tokens), stddev(input_tokens)
FROM trql.llm_metrics;
EXPLAIN (COSTS off, VERBOSE) SELECT max(total_cost), min(total_cost) FILTER (WHERE is_test) FROM trql.runs;
EXPLAIN (COSTS off, VERBOSE)
SELECT date_bin('5 minutes', triggered_at, '2001-01-01 00:00:01'), count(*) FROM trql.runs GROUP BY 1 ORDER BY 1;
EXPLAIN (COSTS off, VERBOSE)
SELECT to_timestamp(floor(extract(epoch FROM triggered_at) / 300) * 300), count(*) FROM trql.runs GROUP BY 1;
EXPLAIN (COSTS off, VERBOSE)
SELECT extract(year FROM triggered_at)::int, max(depth::float8) FROM trql.runs
WHERE floor(total_cost) = 0 AND round(compute_cost) <> 2 GROUP BY 1;
-- in HAVING and ORDER BY only what is whole
EXPLAIN (COSTS off, VERBOSE)
SELECT status, percentile_disc(0.9) WITHIN GROUP (ORDER BY depth) FROM trql.runs GROUP BY 1
HAVING percentile_disc(0.5) WITHIN GROUP (ORDER BY depth) > 1 AND stddev(depth) > 1 ORDER BY 2 DESC, 1 LIMIT 3;
-- left here: other orders, fractions that are no short decimals, other widths
EXPLAIN (COSTS off) SELECT string_agg(machine, ',' ORDER BY run_id) FROM trql.runs;
EXPLAIN (COSTS off) SELECT string_agg(status, ',' ORDER BY status) FROM trql.runs;
EXPLAIN (COSTS off) SELECT array_agg(machine ORDER BY machine, 1 / depth) FROM trql.runs;
EXPLAIN (COSTS off) SELECT array_agg(machine ORDER BY machine COLLATE "en-x-icu") FROM trql.runs;
EXPLAIN (COSTS off) SELECT percentile_cont(1 / 3.0) WITHIN GROUP (ORDER BY depth) FROM trql.runs;
EXPLAIN (COSTS off) SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY machine COLLATE "en-x-icu") FROM trql.runs;
EXPLAIN (COSTS off) SELECT stddev(DISTINCT depth) FROM trql.runs;
EXPLAIN (COSTS off) SELECT stddev(total_cost) FROM trql.runs;
EXPLAIN (COSTS off) SELECT date_bin('0.5 seconds', triggered_at, '2001-01-01'), count(*) FROM trql.runs GROUP BY 1;

-- and what is not: a sum of floats, a zone with another meaning, an overflow
EXPLAIN (COSTS off) SELECT sum(total_cost) FROM trql.runs WHERE depth = 0;
EXPLAIN (COSTS off) SELECT count(*) FROM trql.runs WHERE date_trunc('day', triggered_at, 'CET') = '2026-05-01';
EXPLAIN (COSTS off) SELECT count(*) FROM trql.runs WHERE depth * depth > 3::smallint;
SELECT requests();

-- the same as of the rows
\set one 'percentile_cont(0.95) WITHIN GROUP (ORDER BY total_duration), percentile_cont(\'{0,NULL,1}\'::float8[]) WITHIN GROUP (ORDER BY total_cost DESC), percentile_disc(0.5) WITHIN GROUP (ORDER BY triggered_at), percentile_disc(\'{{0.5},{1}}\'::float8[]) WITHIN GROUP (ORDER BY triggered_at DESC)'
\set two 'stddev(total_duration), var_pop(depth), stddev(depth) FILTER (WHERE depth = 0), stddev(depth) FILTER (WHERE depth > 9), string_agg(DISTINCT machine, \'/\' ORDER BY machine), array_agg(DISTINCT region ORDER BY region DESC), array_agg(region ORDER BY region) FILTER (WHERE depth > 0), max(total_cost)'
SELECT :one FROM trql.runs;
SELECT :one FROM (SELECT * FROM trql.runs OFFSET 0) AS r;
SELECT :two FROM trql.runs;
SELECT :two FROM (SELECT * FROM trql.runs OFFSET 0) AS r;
EXPLAIN (COSTS off) SELECT :one, :two FROM trql.runs;
SELECT failure($$SELECT percentile_cont(2) WITHIN GROUP (ORDER BY depth) FROM trql.runs$$);
SELECT requests();

-- the same rows as the lists have
SELECT count(*) FROM trql.runs q JOIN prod.runs r ON r.id = q.run_id AND r.created_at = q.triggered_at;
SELECT count(*) FROM (SELECT 1 FROM trql.runs LIMIT 7) AS x;

-- lists with nulls, and empty ones
SELECT (SELECT count(*) FROM trql.runs WHERE queue <> ALL ('{}')),
       (SELECT count(*) FROM trql.runs WHERE NOT batch_id = ANY (ARRAY['batch_1', NULL])),
       (SELECT count(*) FROM trql.runs WHERE tags @> '{}'),
       (SELECT count(*) FROM trql.runs WHERE tags @> ARRAY[NULL]::text[]),
       (SELECT count(*) FROM trql.runs WHERE usage_duration IN (1, 9007199254740993));

-- where texts are equal that have other letters, PostgreSQL groups
CREATE COLLATION query_ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
EXPLAIN (COSTS off) SELECT task_identifier COLLATE query_ci, count(*) FROM trql.runs GROUP BY 1;
EXPLAIN (COSTS off) SELECT DISTINCT lower(queue) COLLATE query_ci FROM trql.runs;
EXPLAIN (COSTS off) SELECT count(DISTINCT queue COLLATE query_ci) FROM trql.runs;
-- and where times are rounded, it compares
CREATE FOREIGN TABLE query_rounded (run_id text OPTIONS (type 'String'), triggered_at timestamptz(0) OPTIONS (type 'DateTime64'))
SERVER prod OPTIONS (resource_schema 'query', resource 'runs', look_back '0');
EXPLAIN (COSTS off) SELECT count(*) FROM query_rounded WHERE triggered_at = '2026-06-01';
SELECT count(*) FROM query_rounded WHERE triggered_at = '2026-06-01';
CREATE FOREIGN TABLE list_rounded (id text, created_at timestamptz(0)) SERVER prod OPTIONS (resource 'runs');
EXPLAIN (COSTS off) SELECT count(*) FROM list_rounded WHERE created_at = '2026-06-01';
SELECT count(*) FROM list_rounded WHERE created_at = '2026-06-01';
SELECT count(*) FROM prod.runs WHERE date_trunc('second', created_at + interval '0.5 seconds') = '2026-06-01';
DROP FOREIGN TABLE query_rounded, list_rounded;
-- numbers that are declared as text
CREATE FOREIGN TABLE query_texts (run_id text OPTIONS (type 'String'), total_duration text OPTIONS (type 'Nullable(Int64)'),
    usage_duration varchar OPTIONS (type 'UInt32'), total_cost text OPTIONS (type 'Float64'))
SERVER prod OPTIONS (resource_schema 'query', resource 'runs', look_back '0');
SELECT * FROM query_texts ORDER BY total_duration COLLATE "C" DESC NULLS LAST, run_id COLLATE "C" LIMIT 2;
DROP FOREIGN TABLE query_texts;
DROP COLLATION query_ci;

-- declared by hand, without the engine's types: values are the same
CREATE DOMAIN query_word AS varchar(40);
CREATE FOREIGN TABLE query_by_hand (run_id text, status query_word, triggered_at timestamptz,
    wall timestamp OPTIONS (field 'triggered_at'), queued_at timestamptz, depth int, is_test bool, usage_duration bigint,
    total_cost float, cost numeric OPTIONS (field 'total_cost'), tags text[], output jsonb,
    words json OPTIONS (field 'tags'), concurrency_key text, environment text, batch_id text)
SERVER prod OPTIONS (resource_schema 'query', resource 'runs', look_back '0');
SET timezone = 'America/New_York';
SELECT count(*), count(*) FILTER (WHERE ROW(h.status::text, h.triggered_at, h.wall, h.queued_at, h.depth,
    h.is_test, h.usage_duration, h.total_cost, h.cost::float, h.tags, h.output, h.words::text, h.concurrency_key,
    h.environment, h.batch_id) IS DISTINCT FROM ROW(q.status, q.triggered_at, q.triggered_at AT TIME ZONE 'UTC',
    q.queued_at, q.depth::int, q.is_test, q.usage_duration, q.total_cost, q.total_cost, q.tags, q.output,
    replace(to_json(q.tags)::text, ', ', ','), q.concurrency_key, q.environment, q.batch_id)) AS other
FROM query_by_hand h JOIN trql.runs q USING (run_id);
SELECT count(*) FROM query_by_hand WHERE status = 'Failed' AND triggered_at < '2026-06-01';
SET timezone = 'UTC';
EXPLAIN (COSTS off) SELECT count(*) FROM query_by_hand WHERE status = 'Failed' AND triggered_at < '2026-06-01';
DROP FOREIGN TABLE query_by_hand;
DROP DOMAIN query_word;
-- numbers: with more digits than the column has, out of its range, or none at all
EXPLAIN (COSTS off) SELECT count(*) FROM trql.llm_metrics
WHERE total_cost > 0.1 AND total_cost <= 0.00000000000049 AND total_cost <> 1e30 AND -0.5 <= total_cost
  AND input_tokens >= 9007199254740993 AND input_tokens < 1.5 AND output_tokens <> 'NaN' AND prompt_version > 2.5;
EXPLAIN (COSTS off) SELECT count(*) FROM trql.llm_metrics
WHERE total_cost IN (0.1, 1.0000000000001, 1e7, NULL) OR input_tokens NOT IN (1, 2.5, 18446744073709551615)
  OR ms_to_first_chunk IN ('-0', 0.1, 'NaN') OR total_cost = input_cost OR duration > input_tokens;
EXPLAIN (COSTS off) SELECT count(*) FROM trql.llm_metrics
WHERE ms_to_first_chunk >= 0.1 AND tokens_per_second < 'NaN' AND ms_to_first_chunk <= tokens_per_second
  AND total_cost::float8 = 0.1::float8 AND coalesce(input_cost, output_cost) > 1;
PREPARE query_numbers (numeric, numeric[], float8) AS SELECT count(*) FROM trql.llm_metrics
WHERE total_cost < $1 AND input_tokens = ANY ($2) AND ms_to_first_chunk <> $3;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS off) EXECUTE query_numbers (1.00000000000001, '{1,1.5,NULL}', 'NaN');
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) EXECUTE query_numbers (1.00000000000001, '{1,1.5,NULL}', 'NaN');
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) EXECUTE query_numbers (NULL, NULL, NULL);
RESET plan_cache_mode;
DEALLOCATE query_numbers;
EXPLAIN (COSTS off) SELECT total_cost, count(DISTINCT input_tokens) FROM trql.llm_metrics GROUP BY 1 ORDER BY 1 DESC LIMIT 3;
EXPLAIN (COSTS off) SELECT DISTINCT ms_to_first_chunk FROM trql.llm_metrics ORDER BY 1 LIMIT 3;
-- other types that columns may have
CREATE FOREIGN TABLE query_numbers (d9 numeric OPTIONS (type 'Decimal(9, 2)'), d38 numeric OPTIONS (type 'Decimal(38, 10)'),
    d76 numeric OPTIONS (type 'Decimal256(20)'), u256 numeric OPTIONS (type 'UInt256'), f32 float8 OPTIONS (type 'Float32'))
SERVER prod OPTIONS (resource_schema 'query');
EXPLAIN (COSTS off) SELECT count(*) FROM query_numbers WHERE d9 = 1e10 AND d38 > -0.00000000001 AND d38 < 1e30;
EXPLAIN (COSTS off) SELECT d9 FROM query_numbers WHERE d9 = d38;
EXPLAIN (COSTS off) SELECT d76 FROM query_numbers WHERE d76 > 0.5;
EXPLAIN (COSTS off) SELECT u256 FROM query_numbers WHERE u256 > 1.5;
EXPLAIN (COSTS off) SELECT f32 FROM query_numbers WHERE f32 > 0.5;
DROP FOREIGN TABLE query_numbers;

-- groups by what is shown in other words, and conditions on it
EXPLAIN (COSTS off) SELECT status, count(*) FROM trql.runs GROUP BY 1 HAVING status = 'Failed' OR count(*) > 50;
SELECT status, count(*) FROM trql.runs GROUP BY 1 HAVING status = 'Failed' OR count(*) > 50 ORDER BY 1;

-- beside scans of lists, which an Append reads at once
EXPLAIN (COSTS off)
SELECT 'q', count(*) FROM trql.runs UNION ALL SELECT 'r', 1 FROM trql.runs WHERE depth = 1
UNION ALL SELECT 'l', 1 FROM prod.timezones;
SELECT k, sum(n) FROM (SELECT 'q' AS k, count(*) AS n FROM trql.runs
    UNION ALL SELECT 'r', 1 FROM trql.runs WHERE depth = 1
    UNION ALL SELECT 'l', 1 FROM prod.timezones) AS u GROUP BY 1 ORDER BY 1;

-- look-ups by joins: one query for many values
CREATE TEMP TABLE query_ids AS SELECT row_number() OVER (ORDER BY id) AS n, id, status FROM plain.runs;
INSERT INTO query_ids VALUES (400, NULL, ''), (401, 'run_none', NULL), (402, '', 'Completed'),
    (403, (SELECT min(id) FROM plain.runs), 'Failed'), (404, 'it''s \', 'nonsense');
ANALYZE query_ids;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
CREATE FUNCTION query_same(query text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    rows text[];
    others text[];
    line text;
    used boolean := false;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
        used := used OR line LIKE '%Lookup Join%';
    END LOOP;
    EXECUTE format('SELECT array_agg(q::text ORDER BY q::text) FROM (%s) AS q', query) INTO rows;
    SET LOCAL trigger_fdw.enable_batched_lookups = off;
    EXECUTE format('SELECT array_agg(q::text ORDER BY q::text) FROM (%s) AS q', query) INTO others;
    SET LOCAL trigger_fdw.enable_batched_lookups = on;
    RETURN format('%s rows, %s%s', cardinality(rows),
                  CASE WHEN rows IS NOT DISTINCT FROM others THEN 'same' ELSE 'DIFFERENT' END,
                  CASE WHEN used THEN '' ELSE ', not looked up in batches' END);
END
$$;
EXPLAIN (COSTS off)
SELECT i.n, q.status FROM query_ids i LEFT JOIN trql.runs q ON q.run_id = i.id AND q.depth < 3;
SELECT count(*) >= 0 FROM requests();
SELECT count(*), count(q.run_id) FROM query_ids i LEFT JOIN trql.runs q ON q.run_id = i.id WHERE i.n BETWEEN 10 AND 20;
SELECT requests();
SELECT query_same('SELECT i.n, q.status, q.run_id FROM query_ids i JOIN trql.runs q ON q.run_id = i.id');
SELECT query_same('SELECT i.n, q.run_id, q.depth FROM query_ids i LEFT JOIN trql.runs q ON i.id = q.run_id AND q.depth > 0 WHERE i.n < 20 OR i.n > 399');
SELECT query_same('SELECT i.n, q.run_id FROM query_ids i LEFT JOIN trql.runs q ON q.root_run_id = i.id WHERE i.n % 9 = 0');
SELECT query_same('SELECT i.n, q.run_id FROM query_ids i JOIN trql.runs q ON q.parent_run_id = i.id');
SELECT query_same('SELECT i.n, q.run_id FROM query_ids i LEFT JOIN trql.runs q ON q.status = i.status AND q.is_test WHERE i.n > 399');
SELECT query_same('SELECT i.n, i.id FROM query_ids i WHERE i.n > 390 AND EXISTS (SELECT FROM trql.runs q WHERE q.run_id = i.id)');
SELECT query_same('SELECT i.n, i.id FROM query_ids i WHERE i.n > 390 AND NOT EXISTS (SELECT FROM trql.runs q WHERE q.run_id = i.id)');
SELECT query_same('SELECT q.run_id FROM trql.runs q WHERE q.run_id IN (SELECT id FROM query_ids WHERE n > 300)');
SELECT query_same('SELECT o, (SELECT count(*) FROM query_ids i JOIN trql.runs q ON q.run_id = i.id WHERE i.n % 3 = o) FROM generate_series(0, 3) o');
-- long values are not too many at once
CREATE TEMP TABLE query_long AS SELECT id FROM query_ids WHERE n < 20 UNION ALL SELECT repeat(md5(n::text), 60) FROM generate_series(1, 120) n;
ANALYZE query_long;
SELECT query_same('SELECT i.id, q.run_id FROM query_long i LEFT JOIN trql.runs q ON q.run_id = i.id');
SELECT count(*) >= 0 FROM requests();
SELECT count(*), count(q.run_id) FROM query_long i LEFT JOIN trql.runs q ON q.run_id = i.id;
SELECT count(*), max(length(r->>'body')) < 200000 FROM emulator.call('GET', 'requests.json?take=1') AS line, jsonb_array_elements(line::jsonb) AS r;
-- types that are compared with text; a name is none
CREATE DOMAIN query_id AS text;
SELECT query_same('SELECT i.n, q.run_id FROM (SELECT n, id::varchar AS id FROM query_ids WHERE n > 390 OFFSET 0) i JOIN trql.runs q ON q.run_id = i.id');
SELECT query_same('SELECT i.n, q.run_id FROM (SELECT n, id::query_id AS id FROM query_ids WHERE n > 390 OFFSET 0) i JOIN trql.runs q ON q.run_id = i.id');
SELECT query_same('SELECT i.n, q.run_id FROM (SELECT n, id::name AS id FROM query_ids WHERE n > 390 OFFSET 0) i JOIN trql.runs q ON q.run_id = i.id');
SELECT query_same('SELECT i.n, q.run_id FROM (SELECT n, id::name AS id FROM query_ids WHERE n > 390 OFFSET 0) i LEFT JOIN trql.runs q ON i.id = q.run_id');
DROP DOMAIN query_id;
-- a list that is no one's keys stays as it is
SELECT query_same('SELECT i.n, q.run_id FROM query_ids i JOIN trql.runs q ON q.run_id = i.id AND q.task_identifier = ANY (NULL::text[]) IS NULL');
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT count(*) > 0 FROM requests();
-- no writes
SELECT failure($$INSERT INTO trql.runs (run_id) VALUES ('run_1')$$);
SELECT failure($$DELETE FROM trql.runs$$);

-- verbatim
SELECT * FROM trigger_query('prod', 'SELECT count() AS n FROM runs');
SELECT * FROM trigger_query('prod', 'SELECT count() AS n FROM runs', "from" => 'epoch');
SELECT * FROM trigger_query('prod', 'SELECT count() AS n FROM runs WHERE (depth = 0 OR depth = 1) AND is_test = 1');
SELECT * FROM trigger_query('prod', 'SELECT count() AS n FROM runs WHERE depth = 0 AND depth BETWEEN 0 AND 1');
SELECT * FROM trigger_query('prod', 'SELECT count() AS n FROM runs WHERE and(depth = 0, or(is_test = 1, is_test = 0))');
SELECT failure($$SELECT * FROM trigger_query('prod', 'SELEC')$$);
SELECT failure($$SELECT * FROM trigger_query('pat', 'SELECT 1 AS a')$$);
DROP SCHEMA trql CASCADE;

--
-- INSERT INTO runs: every row triggers a run, and what could go wrong without
-- a word from the API is refused here.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/writes_helpers.sql'
\i :helpers
\set ECHO all
CALL reset_emulator();

--
-- One row is one trigger, many are batches.
--
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, payload) VALUES ('send-email', '{"to": "a@example.test"}')$$);
SELECT pg_temp.changes();
INSERT INTO prod.runs (task_identifier, payload) VALUES ('send-email', '{"to": "b@example.test"}');
SELECT pg_temp.bodies();
INSERT INTO prod.runs (task_identifier, payload)
    SELECT v.t, to_jsonb(v.i) FROM (VALUES ('send-email', 1), ('process-order', 2), ('send-email', 3)) AS v (t, i);
SELECT pg_temp.bodies();
SELECT pg_temp.change_counts();
SELECT r->>'taskIdentifier', r->'payload', r->>'status', r->>'triggerFunction' FROM pg_temp.api('run_details') AS r
WHERE r->>'triggerFunction' = 'batchTrigger' AND r->'_'->'triggeredWith' <> 'null' ORDER BY r->>'id';

-- the limit of the batches: 500 rows; the order is kept
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, payload, tags)
    SELECT 'process-order', to_jsonb(i), '{thousand}' FROM generate_series(1, 1000) AS i$$);
SELECT pg_temp.change_counts();
SELECT count(*), count(DISTINCT r->'payload'), min(r->>'id') = (array_agg(r->>'id' ORDER BY (r->'payload')::int))[1]
FROM pg_temp.api('run_details') AS r WHERE r->'tags' = '["thousand"]';
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier) SELECT 'process-order' FROM generate_series(1, 501)$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier) SELECT 'process-order' FROM generate_series(1, 1001)$$);
-- and a megabyte
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, payload)
    SELECT 'process-order', to_jsonb(repeat('x', 300000)) FROM generate_series(1, 7)$$);
-- no rows, no request
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier) SELECT 'process-order' WHERE false$$);
CALL reset_emulator();

--
-- Columns and options
--
INSERT INTO prod.runs (task_identifier, payload, idempotency_key, tags, metadata, delayed_until, ttl, is_test,
                       queue, machine, region, version)
    VALUES ('process-order', '[1, "two"]', 'key-all', '{b,a}', '{"m": 1}', '2100-01-31 12:00:00.123456+01', '1h30m', true,
            'task/process-order', 'small-2x', 'eu-central-1', '20260315.1');
SELECT pg_temp.bodies();
SELECT jsonb_pretty(r - 'id' - 'createdAt' - 'updatedAt' - 'relatedRuns' - 'attempts') FROM pg_temp.api('run_details') AS r WHERE r->>'idempotencyKey' = 'key-all';
-- NULL is as if the column were not there
INSERT INTO prod.runs (task_identifier, payload, idempotency_key, trigger_options, tags, metadata, delayed_until, ttl, is_test,
                       queue, machine, region, version)
    VALUES ('process-order', NULL, 'key-none', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT pg_temp.bodies();
-- any option of the API; a column wins over the option of the same name
INSERT INTO prod.runs (task_identifier, idempotency_key, tags, trigger_options)
    VALUES ('process-order', 'key-options', '{from column}',
            '{"tags": ["from option"], "idempotencyKey": "other", "maxAttempts": 3, "priority": 1.50, "concurrencyKey": "ck",
              "maxDuration": 60, "delay": "2h", "ttl": 600, "idempotencyKeyTTL": "45m"}');
SELECT pg_temp.bodies();
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, trigger_options)
    VALUES ('process-order', '{"idempotencyKey": "key-of-options", "maxAttempts": 3, "concurrencyKey": 12345678901234567890}')$$);
SELECT r->'tags', r->>'ttl', r->'_'->'triggeredWith' FROM pg_temp.api('run_details') AS r WHERE r->>'idempotencyKey' = 'key-of-options';
-- is_test false is said, too
INSERT INTO prod.runs (task_identifier, is_test, idempotency_key, tags) VALUES ('process-order', false, 'key-no-test', '{}');
SELECT pg_temp.bodies();
-- a number of seconds is one for the API, which would ignore the text
INSERT INTO prod.runs (task_identifier, ttl, idempotency_key) VALUES ('process-order', '90', 'key-seconds');
SELECT pg_temp.bodies();
SELECT r->>'ttl' FROM pg_temp.api('run_details') AS r WHERE r->>'idempotencyKey' = 'key-seconds';
-- the task is part of the path
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier) VALUES ('a/b c%ä')$$);
SELECT r->>'taskIdentifier' FROM pg_temp.api('runs') AS r WHERE r->>'taskIdentifier' LIKE 'a/%';

--
-- Payloads arrive as they are.
--
INSERT INTO prod.runs (task_identifier, payload, tags) VALUES
    ('process-order', 'null', '{exact}'), ('process-order', '"text"', '{exact}'), ('process-order', '18446744073709551616', '{exact}'),
    ('process-order', '[0.12345678901234567890123, -0, 1e30, 1.50]', '{exact}'),
    ('process-order', '{"ü": "日本 😀 \" \\ \n\t", "deep": [[{"a": null}]], "": {}}', '{exact}');
INSERT INTO prod.runs (task_identifier, payload, tags, metadata)
    VALUES ('process-order', '{"big": 9007199254740993}', '{exact,"ü\"","with,comma"}', '{"big": 18446744073709551616}');
SELECT payload::text, metadata::text, tags FROM prod.run_details WHERE tags @> '{exact}' ORDER BY payload::text COLLATE "C";
-- as json, the text is not touched; columns of other types must hold JSON
CREATE FOREIGN TABLE other_types (task text OPTIONS (field 'taskIdentifier'), payload json, tags text, ttl varchar, is_test text, idempotency_key text)
    SERVER prod OPTIONS (resource 'runs');
CREATE FOREIGN TABLE as_text (task_identifier text, payload text, tags text, delayed_until text, is_test text, idempotency_key text)
    SERVER prod OPTIONS (resource 'runs');
SELECT count(*) > 0 FROM requests();
INSERT INTO other_types (task, payload, idempotency_key) VALUES ('process-order', '{ "b":1.0,  "a" :2, "a":3 }', 'key-json');
INSERT INTO as_text VALUES ('process-order', '{"a":1.10}', '{x,"y z"}', '2100-01-01 00:00+02', 'yes', 'key-text');
SELECT pg_temp.bodies();
SELECT pg_temp.did($$INSERT INTO as_text (task_identifier, payload) VALUES ('process-order', 'no json')$$);
SELECT pg_temp.did($$INSERT INTO as_text (task_identifier, delayed_until) VALUES ('process-order', 'soon')$$);
DROP FOREIGN TABLE other_types, as_text;
-- above 3 MB a payload is refused, and nothing else of the statement is done
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, payload) VALUES ('process-order', to_jsonb(repeat('x', 3200000)))$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, payload)
    SELECT 'process-order', to_jsonb(repeat('x', n)) FROM unnest(ARRAY[10, 3200000]) AS n$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, payload, tags) VALUES ('process-order', to_jsonb(repeat('x', 2000000)), '{large}')$$);
SELECT length(payload::text) FROM prod.run_details WHERE tags @> '{large}';
CALL reset_emulator();

--
-- Idempotency
--
-- every row gets a key of its own with a short life
INSERT INTO prod.runs (task_identifier) VALUES ('process-order'), ('process-order');
SELECT i->'options'->>'idempotencyKey' ~ '^trigger_fdw_[0-9a-f]{32}$', i->'options'->>'idempotencyKeyTTL' ~ '^[0-9]+m$'
FROM emulator.call('GET', 'requests.json?take=1') AS line, jsonb_array_elements(line::jsonb) AS r,
     jsonb_array_elements((r->>'body')::jsonb->'items') AS i;
-- the user's key: a second run is not triggered, and not counted
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key) VALUES ('process-order', 'k1')$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key) VALUES ('process-order', 'k1')$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, trigger_options) VALUES ('process-order', '{"idempotencyKey": "k1"}')$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key) VALUES ('send-email', 'k1')$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key)
    VALUES ('process-order', 'k1'), ('process-order', 'k2'), ('process-order', 'k2'), ('process-order', NULL)$$);
-- without a notice
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key)
    VALUES ('process-order', 'k1'), ('process-order', 'k3'), ('process-order', 'k3') ON CONFLICT DO NOTHING$$);
SELECT count(*) FROM (SELECT 1 FROM pg_temp.api('run_details') AS r WHERE r->>'idempotencyKey' ~ '^k[123]$') AS x;
INSERT INTO prod.runs (task_identifier, idempotency_key) VALUES ('process-order', 'k1'), ('process-order', 'k4') RETURNING idempotency_key;
SELECT requests();
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key) VALUES ('process-order', 'k9')
    ON CONFLICT (idempotency_key) DO NOTHING$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key) VALUES ('process-order', 'k9')
    ON CONFLICT (id) DO UPDATE SET status = 'CANCELED'$$);
-- the key of a failed run is free again
CREATE TEMP TABLE failed_run AS SELECT r->>'id' AS id FROM pg_temp.api('run_details') AS r WHERE r->>'idempotencyKey' = 'k4';
SELECT emulator.call('PATCH', 'runs/' || id, '{"status": "COMPLETED_WITH_ERRORS"}') FROM failed_run;
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key) VALUES ('process-order', 'k4')$$);
SELECT count(*) FROM requests();

-- idempotent_inserts false: no key, and no second try
ALTER SERVER prod OPTIONS (SET max_retries '2');
CREATE FOREIGN TABLE once (id text, task_identifier text, payload jsonb, metadata jsonb, trigger_options jsonb, idempotency_key text, tags text[])
    SERVER prod OPTIONS (resource 'runs', idempotent_inserts 'false');
INSERT INTO once (task_identifier, payload) VALUES ('process-order', '1');
SELECT pg_temp.bodies();
CALL faults('{"kind": "reset_after"}');
SELECT pg_temp.did($$INSERT INTO once (task_identifier) VALUES ('process-order')$$);
CALL faults('{"kind": "reset_after"}');
SELECT pg_temp.did($$INSERT INTO once (task_identifier) VALUES ('process-order'), ('process-order')$$);
-- a word in the metadata is no key, an empty key is none
CALL faults('{"kind": "reset_after"}');
SELECT pg_temp.did($$INSERT INTO once (task_identifier, metadata) VALUES ('process-order', '{"idempotencyKey": "x"}')$$);
CALL faults('{"kind": "reset_after"}');
SELECT pg_temp.did($$INSERT INTO once (task_identifier, idempotency_key) VALUES ('process-order', '')$$);
CALL faults('{"kind": "reset_after"}');
SELECT pg_temp.did($$INSERT INTO once (task_identifier, trigger_options) VALUES ('process-order', '{"idempotencyKey": ""}')$$);
-- with a key it is repeated
CALL faults('{"kind": "reset_after"}');
SELECT pg_temp.did($$INSERT INTO once (task_identifier, idempotency_key) VALUES ('process-order', 'k5')$$);
SELECT emulator.call('DELETE', 'writes');
CALL faults('{"kind": "reset_after"}');
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier) VALUES ('process-order')$$);
CALL faults('{"kind": "reset_after"}', '{"kind": "reset_after"}');
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key) VALUES ('process-order', NULL), ('process-order', 'k6')$$);
SELECT pg_temp.change_counts();
CALL faults();
DROP FOREIGN TABLE once;
ALTER SERVER prod OPTIONS (SET max_retries '0');

--
-- Refused here, without any request: the API would take it for something else.
--
CALL reset_emulator();
SELECT pg_temp.did(format('INSERT INTO prod.runs (task_identifier, %s) VALUES (%L, %L)', c, 'process-order', v))
FROM (VALUES
    (1, 'delayed_until', '2020-01-01'), (2, 'delayed_until', 'infinity'), (3, 'delayed_until', '-infinity'),
    (4, 'delayed_until', '12000-01-01'), (5, 'ttl', 'soon'), (6, 'ttl', '1 h'), (7, 'ttl', ''), (8, 'ttl', '-5'), (9, 'ttl', '1y'),
    (10, 'tags', '{1,2,3,4,5,6,7,8,9,10,11}'), (11, 'tags', '{""}'), (12, 'tags', '{" "}'), (13, 'tags', '{a,NULL}'),
    (14, 'tags', '{' || repeat('ü', 129) || '}'),
    (15, 'trigger_options', '[]'), (16, 'trigger_options', '"x"'), (17, 'trigger_options', 'null'),
    (18, 'trigger_options', '{"delay": "2020-01-01T00:00:00Z"}'), (19, 'trigger_options', '{"delay": "tomorrow"}'),
    (20, 'trigger_options', '{"delay": ""}'), (21, 'trigger_options', '{"delay": "1"}'), (22, 'trigger_options', '{"ttl": "x"}'),
    (23, 'trigger_options', '{"idempotencyKey": "k", "idempotencyKeyTTL": "1w"}'),
    (24, 'trigger_options', '{"idempotencyKey": "k", "idempotencyKeyTTL": "1h30m"}'),
    (25, 'trigger_options', '{"idempotencyKey": "k", "idempotencyKeyTTL": ""}')) AS v (n, c, v) ORDER BY n;
SELECT pg_temp.did($$INSERT INTO prod.runs (payload) VALUES ('1')$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier) VALUES ('')$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier) VALUES ('..')$$);
SELECT pg_temp.did($$INSERT INTO prod.runs DEFAULT VALUES$$);
-- as it is for one of many
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, ttl) VALUES ('process-order', '1h'), ('process-order', 'x')$$);
SELECT pg_temp.change_counts();
-- what is allowed
SELECT pg_temp.did(format('INSERT INTO prod.runs (task_identifier, %s) VALUES (%L, %L)', c, 'process-order', v))
FROM (VALUES
    (1, 'delayed_until', '2100-01-01'), (2, 'ttl', '2w1d3h4m5s'), (3, 'ttl', '1hr'), (4, 'ttl', '0'),
    (5, 'tags', '{1,2,3,4,5,6,7,8,9,10}'), (6, 'tags', '{' || repeat('ü', 128) || '}'),
    (7, 'trigger_options', '{"delay": "2100-01-01T00:00:00Z"}'), (8, 'trigger_options', '{"delay": "1h30m"}'),
    (9, 'trigger_options', '{}'), (10, 'trigger_options', '{"ttl": 0}')) AS v (n, c, v) ORDER BY n;
-- what the API refuses
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, machine) VALUES ('process-order', 'huge')$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, region) VALUES ('process-order', 'moon')$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key) VALUES ('process-order', repeat('x', 2049))$$);
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, trigger_options) VALUES ('process-order', '{"maxAttempts": "x"}')$$);

--
-- Columns that nobody can set are refused when the statement is planned.
--
CALL reset_emulator();
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, status) VALUES ('process-order', 'COMPLETED')$$);
SELECT pg_temp.did($$EXPLAIN INSERT INTO prod.runs (task_identifier, status) VALUES ('process-order', 'COMPLETED')$$);
SELECT pg_temp.did($$EXPLAIN INSERT INTO prod.runs VALUES ('run_x')$$);
SELECT split_part(pg_temp.did(format('PREPARE p AS INSERT INTO prod.runs (task_identifier, %I) VALUES ($1, $2)', c)), E'\n', 1),
       split_part(failure('EXPLAIN EXECUTE p (''process-order'', NULL)'), E'\n', 1), c, failure('DEALLOCATE p')
FROM unnest(ARRAY['id', 'created_at', 'batch_id', 'payload', 'idempotency_key_hash', 'environment']) AS c;
SELECT pg_temp.did($$COPY prod.runs FROM PROGRAM 'echo'$$);
SELECT pg_temp.did($$INSERT INTO prod.run_details (id) VALUES ('x')$$);
SELECT pg_temp.did($$EXPLAIN INSERT INTO prod.timezones VALUES ('x')$$);
EXPLAIN (COSTS OFF) INSERT INTO prod.runs (task_identifier) VALUES ('process-order');
EXPLAIN (COSTS OFF) INSERT INTO prod.runs (task_identifier) SELECT id FROM plain.runs;
SELECT requests();

--
-- RETURNING
--
INSERT INTO prod.runs (task_identifier, payload, tags, idempotency_key) VALUES ('process-order', '{"a": 1}', '{b,a}', 'r1')
    RETURNING id LIKE 'run_cmw%' AS id, status, task_identifier, payload, tags, idempotency_key, created_at, is_queued, version, environment, queue;
SELECT requests();
INSERT INTO prod.runs (task_identifier, tags) SELECT 'send-email', ARRAY['r' || i] FROM generate_series(1, 3) AS i RETURNING tags, status;
SELECT requests();
-- what is known needs no look
INSERT INTO prod.runs (task_identifier, tags) SELECT 'send-email', ARRAY['r' || i] FROM generate_series(1, 3) AS i
    RETURNING id LIKE 'run_cmw%' AS id, task_identifier;
SELECT requests();
WITH x AS (INSERT INTO prod.runs (task_identifier) SELECT 'send-email' FROM generate_series(1, 1000) RETURNING id)
SELECT count(*), count(DISTINCT id) FROM x;
SELECT requests();
-- each id belongs to its row, also when some are not triggered
WITH x AS (INSERT INTO prod.runs (task_identifier, payload, idempotency_key)
           SELECT 'process-order', to_jsonb(i), CASE WHEN i % 3 = 0 THEN 'r1' END FROM generate_series(1, 7) AS i
           ON CONFLICT DO NOTHING RETURNING id, payload)
SELECT x.payload, d.payload FROM x JOIN prod.run_details AS d USING (id) ORDER BY 1;
SELECT count(*) FROM requests() AS r WHERE r LIKE 'POST%';
-- the row that a query finds
CREATE TEMP TABLE returned AS SELECT * FROM prod.runs LIMIT 0;
WITH x AS (INSERT INTO prod.runs (task_identifier, tags, delayed_until, ttl, metadata)
           VALUES ('process-order', '{b,a}', '2100-01-01', '1h', '{"a": 1}'), ('hourly-sync', NULL, NULL, NULL, NULL) RETURNING *)
INSERT INTO returned SELECT * FROM x;
SELECT count(*), count(*) FILTER (WHERE (r.status, r.task_identifier, r.version, r.is_test, r.created_at, r.updated_at, r.started_at,
    r.finished_at, r.delayed_until, r.ttl, r.tags, r.metadata, r.cost_in_cents, r.depth, r.region, r.is_queued, r.is_completed, r.environment)
    IS NOT DISTINCT FROM (f.status, f.task_identifier, f.version, f.is_test, f.created_at, f.updated_at, f.started_at,
    f.finished_at, f.delayed_until, f.ttl, f.tags, f.metadata, f.cost_in_cents, f.depth, f.region, f.is_queued, f.is_completed, f.environment))
FROM returned AS r JOIN prod.runs AS f USING (id);
SELECT emulator.call('DELETE', 'requests');
INSERT INTO prod.runs (task_identifier) VALUES ('process-order') RETURNING tableoid::regclass, 1 + 1;
SELECT requests();

--
-- COPY
--
SELECT emulator.call('DELETE', 'writes');
COPY prod.runs (task_identifier, payload, tags) FROM stdin WITH (DELIMITER '|');
process-order|{"copied": 1}|{copied}
send-email|{"copied": 2}|{copied,again}
process-order|\N|\N
\.
SELECT pg_temp.bodies();
SELECT pg_temp.did($$COPY prod.runs (task_identifier, payload) FROM PROGRAM 'seq -f "process-order,%.0f" 1 1200' WITH (FORMAT csv)$$);
SELECT pg_temp.change_counts();
-- an error in the text comes before the rows before it are sent
SELECT pg_temp.did($$COPY prod.runs (task_identifier, payload) FROM PROGRAM 'printf "process-order\t1\nprocess-order\tx\n"'$$);
SELECT pg_temp.did($$COPY prod.runs (task_identifier, ttl) FROM PROGRAM 'printf "process-order\t1h\nprocess-order\tx\n"'$$);
SELECT pg_temp.did($$COPY prod.runs (task_identifier, status) FROM PROGRAM 'printf "process-order\tx\n"'$$);
SELECT pg_temp.did($$COPY prod.runs (task_identifier, idempotency_key) FROM PROGRAM 'printf "process-order\tr1\nprocess-order\tr2\n"'$$);
SELECT pg_temp.change_counts();
COPY prod.runs (task_identifier, payload) FROM PROGRAM 'printf "process-order\t1\nskip\t2\n"' WHERE task_identifier <> 'skip';
SELECT pg_temp.bodies();
CALL reset_emulator();

--
-- Writes of schedules: a create never updates, an update never creates or
-- resets, and nothing of another environment is touched.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/writes_helpers.sql'
\i :helpers
\set ECHO all
CALL reset_emulator();
SET client_min_messages = warning;
CALL create_server('stg', $$secret_key 'tr_stg_AlphaStagingRootKey00002'$$, $$max_retries '0'$$);
RESET client_min_messages;
-- the schedules as they really are
CREATE FUNCTION pg_temp.shown(s jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('%s | %s | %s | %s | %s | %s | %s', s->>'task', s->'generator'->>'expression', s->>'timezone', coalesce(s->>'window', '-'),
                  coalesce(s->>'deduplicationKey', '-'), coalesce(s->>'externalId', '-'),
                  CASE WHEN (s->>'active')::boolean THEN 'active' ELSE 'inactive' END) $$;
CREATE FUNCTION pg_temp.all_schedules() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT md5(string_agg(e || (s->>'id') || pg_temp.shown(s) || (s->'environments')::text, E'\n' ORDER BY e, s->>'id'))
    FROM unnest(ARRAY['prod', 'stg', 'dev', 'dev:other', 'preview-feature-xyz']) AS e, pg_temp.api('schedules', e) AS s $$;
SELECT pg_temp.all_schedules() AS before \gset

--
-- INSERT
--
-- without a key, one is made up, so that the call can be repeated
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron) VALUES ('hourly-sync', '0 * * * *')$$);
INSERT INTO prod.schedules (task, cron, timezone, schedule_window, external_id, active)
    VALUES ('daily-digest', '5 4 * * 1', 'Europe/Paris', '90m', 'user "ü"', true);
SELECT pg_temp.bodies();
SELECT pg_temp.changes();
-- with a key, first a look whether it is taken here, then elsewhere (where the answer leaves a stray, which is removed)
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('hourly-sync', '1 * * * *', 'w/key 1')$$);
SELECT pg_temp.changes();
INSERT INTO prod.schedules (task, cron, deduplication_key, active) VALUES ('hourly-sync', '2 * * * *', 'w-key-2', false)
    RETURNING id ~ '^sched_' AS id, type, task, active, cron, cron_description, timezone, schedule_window, deduplication_key, external_id,
              next_run, next_run_effective_at, environments;
SELECT pg_temp.bodies();
SELECT pg_temp.changes();
SELECT pg_temp.shown(s) FROM pg_temp.api('schedules') AS s WHERE NOT s->>'deduplicationKey' LIKE 'dedup-%' AND s->>'deduplicationKey' NOT LIKE 'trigger_fdw_%' ORDER BY 1;
-- several, each on its own; empty texts are as NULL
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key, external_id, timezone)
    VALUES ('hourly-sync', '3 * * * *', '', '', ''), ('hourly-sync', '4 * * * *', NULL, NULL, NULL)$$);
-- RETURNING is what a query shows
CREATE TEMP TABLE returned AS SELECT * FROM prod.schedules LIMIT 0;
WITH x AS (INSERT INTO prod.schedules (task, cron, timezone, schedule_window, external_id, active) VALUES
    ('daily-digest', '0 12 L * *', 'Asia/Tokyo', '0h', 'e', true), ('daily-digest', '0 12 * * *', NULL, '5%', NULL, false),
    ('hourly-sync', '* * * * *', 'UTC', '120m', NULL, NULL) RETURNING *)
INSERT INTO returned SELECT * FROM x;
SELECT count(*), count(*) FILTER (WHERE r = s) FROM returned AS r, prod.schedules AS s WHERE r.id = s.id;
SELECT count(*), count(*) FILTER (WHERE r = s) FROM returned AS r JOIN (SELECT * FROM prod.schedules WHERE id = ANY (ARRAY(SELECT id FROM returned))) AS s USING (id);
DELETE FROM prod.schedules WHERE id IN (SELECT id FROM returned);
DELETE FROM prod.schedules WHERE deduplication_key LIKE 'trigger\_fdw\_%' OR deduplication_key LIKE 'w%';
SELECT pg_temp.all_schedules() = :'before';
-- COPY
COPY prod.schedules (task, cron, deduplication_key) FROM stdin WITH (DELIMITER '|');
hourly-sync|6 * * * *|w-copied-1
daily-digest|7 * * * *|w-copied-2
\.
SELECT pg_temp.did($$DELETE FROM prod.schedules WHERE deduplication_key LIKE 'w-copied-%'$$, 'sched_\w+');
SELECT pg_temp.all_schedules() = :'before';
SELECT emulator.call('DELETE', 'writes');

-- A key that is taken, here or in another environment, stays as it is.
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('daily-digest', '0 0 1 1 *', 'dedup-001')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('daily-digest', '0 0 1 1 *', 'stg-001')$$);
SELECT pg_temp.did($$INSERT INTO stg.schedules (task, cron, deduplication_key) VALUES ('daily-digest', '0 0 1 1 *', 'dedup-001')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key)
    VALUES ('daily-digest', '0 0 1 1 *', 'w-1'), ('daily-digest', '0 0 1 1 *', 'stg-001'), ('daily-digest', '0 0 1 1 *', 'w-2')$$, '[a-z]\w{25}\M');
SELECT pg_temp.change_counts();
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES
    ('daily-digest', '0 0 1 1 *', 'dedup-001'), ('daily-digest', '0 0 1 1 *', 'stg-001'), ('daily-digest', '0 0 1 1 *', 'w-1') ON CONFLICT DO NOTHING$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('daily-digest', '0 0 1 1 *', 'dedup-001')
    ON CONFLICT (deduplication_key) DO NOTHING$$);
DELETE FROM prod.schedules WHERE deduplication_key = 'w-1';
SELECT pg_temp.all_schedules() = :'before';
SELECT emulator.call('DELETE', 'writes');

-- Refused here, without any request: rules for cron among them.
SELECT pg_temp.did(format('INSERT INTO prod.schedules (task, cron) VALUES (%L, %L)', 'hourly-sync', c)) AS did
FROM (VALUES (1, '0 * * *'), (2, '0 0 * * * *'), (3, '0  * * * *'), (4, ' 0 * * * *'), (5, '0 * * * * '), (6, '@daily'), (7, '@ 1 2 3 4'), (8, ''),
             (9, NULL), (10, E'0\t* * * *')) AS v (n, c) ORDER BY n;
SELECT pg_temp.did($$INSERT INTO prod.schedules (cron) VALUES ('0 * * * *')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron) VALUES ('', '0 * * * *')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('hourly-sync', '0 * * * *', 'sched_x')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('hourly-sync', '0 * * * *', '..')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (id, task, cron) VALUES ('sched_x', 'hourly-sync', '0 * * * *')$$);
SELECT pg_temp.did($$EXPLAIN INSERT INTO prod.schedules (task, cron, type) VALUES ('hourly-sync', '0 * * * *', 'DECLARATIVE')$$);
SELECT pg_temp.did($$EXPLAIN INSERT INTO prod.schedules (task, cron, next_run) VALUES ('hourly-sync', '0 * * * *', now())$$);
-- and by the API
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron) VALUES ('hourly-sync', '61 * * * *')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, timezone) VALUES ('hourly-sync', '0 * * * *', 'Mars/Olympus')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, schedule_window) VALUES ('hourly-sync', '0 * * * *', '25h')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron) VALUES ('no-such-task', '0 * * * *')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron) VALUES ('send-email', '0 * * * *')$$);
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, timezone, deduplication_key) VALUES ('hourly-sync', '0 * * * *', 'Mars/Olympus', 'w-key')$$, 'sched_\w+');
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('no-such-task', '0 * * * *', 'w-key')$$);
SELECT pg_temp.all_schedules() = :'before';

--
-- UPDATE: what is not set stays
--
CALL reset_emulator();
SELECT emulator.call('POST', 'schedules', '[
    {"id": "sched_w1", "task": "hourly-sync", "expression": "1 * * * *", "timezone": "Asia/Tokyo", "external_id": "ext", "deduplication_key": "w-1", "window": "10m"},
    {"id": "sched_w2", "task": "daily-digest", "expression": "2 * * * *", "active": false},
    {"id": "sched_w3", "task": "daily-digest", "expression": "3 * * * *", "declarative": true, "external_id": "code"},
    {"id": "sched_w4", "task": "daily-digest", "expression": "4 * * * *", "timezone": "Europe/Paris", "deduplication_key": "w-4"}]');
CREATE FUNCTION pg_temp.schedule(id text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT pg_temp.shown(s) FROM pg_temp.api('schedules') AS s WHERE s->>'id' = id $$;
SELECT pg_temp.did($$UPDATE prod.schedules SET cron = '11 * * * *' WHERE id = 'sched_w1'$$);
SELECT pg_temp.schedule('sched_w1');
UPDATE prod.schedules SET timezone = 'Europe/Paris' WHERE deduplication_key = 'w-1'
    RETURNING cron, cron_description, timezone, schedule_window, external_id, active, next_run, next_run_effective_at, environments;
SELECT pg_temp.bodies();
SELECT pg_temp.schedule('sched_w1');
UPDATE prod.schedules SET external_id = NULL, schedule_window = NULL WHERE id = 'sched_w1';
SELECT pg_temp.schedule('sched_w1');
UPDATE prod.schedules SET timezone = NULL, external_id = 'again', schedule_window = '60m' WHERE id = 'sched_w1' RETURNING timezone, external_id, schedule_window;
SELECT pg_temp.bodies();
SELECT pg_temp.schedule('sched_w1');
-- of an inactive one: it stays inactive, and has no next run
UPDATE prod.schedules SET cron = '22 * * * *' WHERE id = 'sched_w2' RETURNING active, cron, next_run, next_run_effective_at;
SELECT pg_temp.schedule('sched_w2');
-- active
SELECT pg_temp.did($$UPDATE prod.schedules SET active = true WHERE id = 'sched_w2'$$);
UPDATE prod.schedules SET active = NOT active WHERE id = 'sched_w2' RETURNING active, next_run;
UPDATE prod.schedules SET active = NOT active WHERE id = 'sched_w2' RETURNING active, next_run IS NULL AS no_next_run;
SELECT pg_temp.did($$UPDATE prod.schedules SET active = false, cron = '23 * * * *', external_id = 'both' WHERE id = 'sched_w2'$$);
SELECT pg_temp.schedule('sched_w2');
-- nothing changed, nothing sent
SELECT pg_temp.did($$UPDATE prod.schedules SET active = active, cron = cron, timezone = timezone, external_id = external_id, schedule_window = schedule_window$$);
SELECT pg_temp.did($$UPDATE prod.schedules SET active = false WHERE NOT active AND id LIKE 'sched_w%'$$);
SELECT emulator.call('DELETE', 'writes');
-- other columns
SELECT pg_temp.did($$UPDATE prod.schedules SET task = 'daily-digest' WHERE id = 'sched_w1'$$);
SELECT pg_temp.did($$UPDATE prod.schedules SET deduplication_key = 'other' WHERE id = 'sched_w1'$$);
SELECT pg_temp.did($$EXPLAIN UPDATE prod.schedules SET id = 'x', cron = cron$$);
SELECT pg_temp.did($$UPDATE prod.schedules SET cron = NULL WHERE id = 'sched_w1'$$);
SELECT pg_temp.did($$UPDATE prod.schedules SET cron = '* * * *' WHERE id = 'sched_w1'$$);
SELECT pg_temp.did($$UPDATE prod.schedules SET active = NULL WHERE id = 'sched_w1'$$);
SELECT pg_temp.did($$UPDATE prod.schedules SET timezone = 'nowhere' WHERE id = 'sched_w1'$$);
-- all is checked before the first call
SELECT pg_temp.did($$UPDATE prod.schedules SET active = NOT active, cron = 'x' WHERE id = 'sched_w1'$$);
SELECT pg_temp.changes();
SELECT pg_temp.schedule('sched_w1');

-- declarative ones belong to the code
SELECT pg_temp.did($$UPDATE prod.schedules SET cron = '33 * * * *' WHERE id = 'sched_w3'$$);
SELECT pg_temp.did($$UPDATE prod.schedules SET active = false WHERE id = 'sched_w3'$$);
SELECT pg_temp.did($$DELETE FROM prod.schedules WHERE id = 'sched_w3'$$);
-- those of several environments would lose all but one
CREATE FUNCTION pg_temp.shared() RETURNS SETOF text LANGUAGE sql VOLATILE AS $$
    SELECT emulator.call('PUT', 'faults', jsonb_build_array(jsonb_build_object('match', '{"path_regex": "/schedules/sched_w4$", "method": "GET"}'::jsonb,
        'action', jsonb_build_object('kind', 'body', 'body', '{"id": "sched_w4", "type": "IMPERATIVE", "task": "daily-digest", "active": true,
            "generator": {"type": "CRON", "expression": "4 * * * *", "description": "x"}, "timezone": "Europe/Paris", "deduplicationKey": "w-4",
            "nextRun": null, "nextRunEffectiveAt": null, "environments": [{"id": "a", "type": "PRODUCTION"}, {"id": "b", "type": "STAGING"}]}')))::text) $$;
SELECT pg_temp.shared();
SELECT pg_temp.did($$UPDATE prod.schedules SET cron = '44 * * * *' WHERE id = 'sched_w4'$$);
SELECT pg_temp.shared();
SELECT pg_temp.did($$UPDATE prod.schedules SET active = false WHERE id = 'sched_w4'$$);
SELECT pg_temp.shared();
SELECT pg_temp.did($$DELETE FROM prod.schedules WHERE id = 'sched_w4'$$);
SELECT pg_temp.changes();
SELECT pg_temp.schedule('sched_w3'), pg_temp.schedule('sched_w4');

-- A schedule that is gone when its update comes: no row, and nothing is made.
CREATE FUNCTION pg_temp.vanish(which text, value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM prod.schedules WHERE id = which;
    RETURN value;
END $$;
SELECT count(*) AS n FROM pg_temp.api('schedules') \gset
SELECT pg_temp.did($$UPDATE prod.schedules SET cron = pg_temp.vanish(id, '55 * * * *') WHERE id = 'sched_w4'$$, '/sched_(?!w)\w+');
SELECT :n - count(*) FROM pg_temp.api('schedules');
SELECT emulator.call('POST', 'schedules', '[{"id": "sched_w5", "task": "daily-digest", "expression": "5 * * * *"}, {"id": "sched_w6", "task": "daily-digest", "expression": "6 * * * *"}]');
SELECT pg_temp.did($$UPDATE prod.schedules SET active = pg_temp.vanish(id, 'false')::boolean WHERE id = 'sched_w5'$$);
SELECT pg_temp.did($$DELETE FROM prod.schedules WHERE id = 'sched_w6' AND pg_temp.vanish(id, 'x') = 'x'$$);
SELECT pg_temp.did($$UPDATE prod.schedules SET cron = '5 5 * * *' WHERE id = 'sched_none'$$);
-- a key is not an id
SELECT pg_temp.did($$UPDATE prod.schedules SET cron = '5 5 * * *' WHERE id = 'w-1'$$);
SELECT pg_temp.did($$DELETE FROM prod.schedules WHERE id = 'w-1'$$);
SELECT emulator.call('DELETE', 'writes');

-- A table with some of the columns: the others are looked up, and stay.
CREATE FOREIGN TABLE crons (schedule text OPTIONS (field 'id'), cron text) SERVER prod OPTIONS (resource 'schedules');
CREATE FOREIGN TABLE part_of (id text, cron text, active boolean) SERVER prod OPTIONS (resource 'schedules');
CREATE FOREIGN TABLE no_id (cron text, deduplication_key text) SERVER prod OPTIONS (resource 'schedules');
SELECT pg_temp.did($$UPDATE part_of SET cron = '12 * * * *' WHERE id = 'sched_w1'$$);
SELECT pg_temp.schedule('sched_w1');
SELECT pg_temp.did($$UPDATE part_of SET active = false WHERE id = 'sched_w1'$$);
SELECT pg_temp.schedule('sched_w1');
SELECT pg_temp.did($$UPDATE part_of SET active = false WHERE id = 'sched_w3'$$);
SELECT pg_temp.did($$DELETE FROM part_of WHERE id = 'sched_w3'$$);
SELECT pg_temp.did($$UPDATE crons SET cron = '14 * * * *' WHERE schedule = 'sched_w1'$$);
SELECT pg_temp.schedule('sched_w1');
SELECT pg_temp.did($$UPDATE no_id SET cron = '13 * * * *' WHERE deduplication_key = 'w-1'$$);
SELECT pg_temp.did($$DELETE FROM no_id WHERE deduplication_key = 'w-1'$$);
SELECT pg_temp.did($$INSERT INTO no_id VALUES ('1 * * * *', 'w-none')$$);
SELECT pg_temp.did($$DELETE FROM part_of WHERE id = 'sched_w1'$$);
SELECT pg_temp.changes();
DROP FOREIGN TABLE crons, part_of, no_id;

--
-- DELETE of many while paging: exactly those, rows + pages requests
--
CALL reset_emulator();
-- (a declarative one is refused when its turn comes, last here)
SELECT pg_temp.did($$DELETE FROM prod.schedules$$, 'sched_\w+');
SELECT count(*) FROM pg_temp.api('schedules');
CALL reset_emulator();
SELECT pg_temp.did($$DELETE FROM prod.schedules WHERE type = 'IMPERATIVE'$$, 'sched_\w+');
SELECT pg_temp.shown(s) FROM pg_temp.api('schedules') AS s;
CALL reset_emulator();
SELECT pg_temp.did($$DELETE FROM prod.schedules WHERE timezone = 'Asia/Tokyo' AND active$$, 'sched_\w+');
SELECT s->>'timezone', count(*), count(*) FILTER (WHERE s->>'timezone' = 'Asia/Tokyo' AND (s->>'active')::boolean) FROM pg_temp.api('schedules') AS s GROUP BY 1 ORDER BY 1;
SELECT pg_temp.did($$UPDATE prod.schedules SET external_id = 'all' WHERE type = 'IMPERATIVE'$$, 'sched_\w+');
SELECT s->>'externalId' = 'all', count(*) FROM pg_temp.api('schedules') AS s GROUP BY 1 ORDER BY 1;
WITH gone AS (DELETE FROM prod.schedules WHERE type = 'IMPERATIVE' AND NOT active RETURNING *)
SELECT count(*), count(DISTINCT id), bool_or(active), count(next_run) FROM gone;
CREATE TEMP TABLE some_keys AS SELECT 'dedup-00' || i AS k FROM generate_series(1, 9) AS i;
SELECT pg_temp.did($$DELETE FROM prod.schedules USING some_keys WHERE deduplication_key = k$$, 'sched_\w+');

--
-- Lost answers
--
CALL reset_emulator();
SELECT pg_temp.all_schedules() AS before \gset
ALTER SERVER prod OPTIONS (SET max_retries '2');
SELECT emulator.call('DELETE', 'writes');
CREATE PROCEDURE pg_temp.lose(method text, nth int DEFAULT 1, kind text DEFAULT 'reset_after') LANGUAGE sql AS $$
    SELECT emulator.call('PUT', 'faults', format('[{"match": {"method": "%s", "nth": %s}, "action": {"kind": "%s"}}]', method, nth, kind)) $$;
CALL pg_temp.lose('POST');
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron) VALUES ('hourly-sync', '0 * * * *')$$);
CALL pg_temp.lose('POST');
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('hourly-sync', '0 * * * *', 'w-1')$$, 'sched_\w+');
-- the probe's answer: the stray is found and removed
CALL pg_temp.lose('PUT');
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('hourly-sync', '0 * * * *', 'w-2')$$, 'sched_\w+');
CALL pg_temp.lose('PUT', 1, 'reset_before');
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('hourly-sync', '0 * * * *', 'w-3')$$, 'sched_\w+');
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "PUT"}, "times": 0, "action": {"kind": "reset_after"}}]');
SELECT pg_temp.did($$INSERT INTO prod.schedules (task, cron, deduplication_key) VALUES ('hourly-sync', '0 * * * *', 'w-4')$$, 'sched_\w+');
CALL pg_temp.lose('DELETE');
SELECT pg_temp.did($$DELETE FROM prod.schedules WHERE deduplication_key = 'w-1'$$, 'sched_\w+');
CALL pg_temp.lose('PUT');
SELECT pg_temp.did($$UPDATE prod.schedules SET cron = '1 * * * *' WHERE deduplication_key = 'w-2'$$, 'sched_\w+');
-- An update that is lost after it has made another one of a schedule that is gone: nothing tells which
-- one that is, so it stays, but a warning says so, and the call is not repeated.
CALL pg_temp.lose('PUT');
SET client_min_messages = error;
SELECT d FROM pg_temp.did($$UPDATE prod.schedules SET cron = pg_temp.vanish(id, '55 * * * *') WHERE deduplication_key = 'w-3'$$) AS d LIMIT 1;
RESET client_min_messages;
DELETE FROM prod.schedules WHERE cron = '55 * * * *' AND deduplication_key IS NULL;
CALL faults();
DELETE FROM prod.schedules WHERE deduplication_key LIKE 'w-%' OR deduplication_key LIKE 'trigger\_fdw\_%';
SELECT pg_temp.all_schedules() = :'before';
SELECT pg_temp.shown(s) FROM pg_temp.api('schedules') AS s ORDER BY s->'_'->'position' LIMIT 2;
ALTER SERVER prod OPTIONS (SET max_retries '0');
SET client_min_messages = warning;
DROP SERVER stg CASCADE;
DROP SCHEMA stg;
RESET client_min_messages;
CALL reset_emulator();

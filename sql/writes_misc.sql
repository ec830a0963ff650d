--
-- What all writes have in common: who may, what a transaction is worth, and
-- what is said about it.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/writes_helpers.sql'
\i :helpers
\set ECHO all
CALL reset_emulator();

--
-- What information_schema says.  To PostgreSQL a column can be updated if rows can be deleted, too.
--
-- a table that maps nothing does not keep anybody from listing the others
CREATE FOREIGN TABLE prod.no_resource (x text) SERVER prod;
SELECT table_name, is_insertable_into FROM information_schema.tables WHERE table_name = 'no_resource';
DROP FOREIGN TABLE prod.no_resource;
SELECT table_name, is_insertable_into FROM information_schema.tables WHERE table_schema = 'prod' ORDER BY 1;
SELECT table_name, is_updatable, count(*) FROM information_schema.columns WHERE table_schema = 'prod' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT relname, pg_relation_is_updatable(oid, false) FROM pg_class WHERE relnamespace = 'prod'::regnamespace AND relkind = 'f' ORDER BY 1;

--
-- updatable
--
ALTER SERVER prod OPTIONS (ADD updatable 'false');
SELECT relname, pg_relation_is_updatable(oid, false) FROM pg_class WHERE relnamespace = 'prod'::regnamespace AND relkind = 'f' ORDER BY 1;
SELECT pg_temp.did(s) FROM unnest(ARRAY[
    $$INSERT INTO prod.runs (task_identifier) VALUES ('process-order')$$, $$UPDATE prod.runs SET tags = tags || '{x}'$$, $$DELETE FROM prod.runs$$,
    $$INSERT INTO prod.envvars (name, value) VALUES ('N', 'v')$$, $$UPDATE prod.envvars SET value = 'x'$$, $$DELETE FROM prod.envvars$$,
    $$INSERT INTO prod.schedules (task, cron) VALUES ('hourly-sync', '0 * * * *')$$, $$UPDATE prod.schedules SET active = false$$, $$DELETE FROM prod.schedules$$,
    $$INSERT INTO prod.runs (task_identifier) VALUES ('process-order'), ('process-order') RETURNING id$$,
    $$COPY prod.runs (task_identifier) FROM PROGRAM 'echo process-order'$$,
    $$SELECT trigger_cancel_run('prod', 'run_x')$$, $$SELECT trigger_replay_run('prod', 'run_x')$$, $$SELECT trigger_reschedule_run('prod', 'run_x', '1h')$$,
    $$SELECT trigger_upload_envvars('prod', '{"A": "b"}')$$]) AS s;
-- the table wins over its server
ALTER FOREIGN TABLE prod.runs OPTIONS (ADD updatable 'true');
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier) VALUES ('process-order')$$);
ALTER SERVER prod OPTIONS (DROP updatable);
ALTER FOREIGN TABLE prod.runs OPTIONS (SET updatable 'false');
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier) VALUES ('process-order')$$);
SELECT pg_temp.did($$SELECT count(*) FROM prod.runs WHERE id = 'run_none'$$);
ALTER FOREIGN TABLE prod.runs OPTIONS (DROP updatable);
-- a plan that was made before
PREPARE trigger_one AS INSERT INTO prod.runs (task_identifier) VALUES ('process-order');
SET plan_cache_mode = force_generic_plan;
EXECUTE trigger_one;
ALTER SERVER prod OPTIONS (ADD updatable 'false');
SELECT failure('EXECUTE trigger_one');
ALTER SERVER prod OPTIONS (DROP updatable);
EXECUTE trigger_one;
RESET plan_cache_mode;
SELECT requests();

--
-- Read-only transactions
--
CREATE FOREIGN TABLE pg_temp.temporary (task_identifier text) SERVER prod OPTIONS (resource 'runs');
CREATE FUNCTION pg_temp.hidden() RETURNS void LANGUAGE sql AS $$ INSERT INTO prod.runs (task_identifier) VALUES ('process-order') $$;
SET default_transaction_read_only = on;
\set ECHO queries
-- (the helpers write to a table)
BEGIN; INSERT INTO prod.runs (task_identifier) VALUES ('process-order'); ROLLBACK;
BEGIN; INSERT INTO prod.runs (task_identifier) VALUES ('process-order'), ('process-order') RETURNING id; ROLLBACK;
BEGIN; UPDATE prod.runs SET tags = tags || '{x}'; ROLLBACK;
BEGIN; DELETE FROM prod.schedules; ROLLBACK;
BEGIN; COPY prod.runs (task_identifier) FROM PROGRAM 'echo process-order'; ROLLBACK;
BEGIN; SELECT trigger_cancel_run('prod', 'run_x'); ROLLBACK;
BEGIN; SELECT trigger_replay_run('prod', 'run_x'); ROLLBACK;
BEGIN; SELECT trigger_reschedule_run('prod', 'run_x', '1h'); ROLLBACK;
BEGIN; SELECT trigger_upload_envvars('prod', '{"A": "b"}'); ROLLBACK;
BEGIN; SELECT pg_temp.hidden(); ROLLBACK;
BEGIN; INSERT INTO pg_temp.temporary VALUES ('process-order'); ROLLBACK;
\set ECHO all
RESET default_transaction_read_only;
BEGIN TRANSACTION READ ONLY;
WITH x AS (UPDATE prod.envvars SET value = 'x' RETURNING name) SELECT * FROM x;
ROLLBACK;
SELECT requests();

--
-- A transaction block cannot undo: that is said once.
--
RESET trigger_fdw.warn_in_transaction;
BEGIN;
INSERT INTO prod.runs (task_identifier) VALUES ('process-order');
INSERT INTO prod.runs (task_identifier) VALUES ('process-order') RETURNING task_identifier;
UPDATE prod.envvars SET value = 'in a transaction' WHERE name = 'LOG_LEVEL';
ROLLBACK;
SELECT v->>'value' FROM pg_temp.api('envvars') AS v WHERE v->>'name' = 'LOG_LEVEL';
BEGIN;
SAVEPOINT a;
INSERT INTO prod.envvars (name, value) VALUES ('N', 'v');
ROLLBACK TO a;
DELETE FROM prod.envvars WHERE name = 'N';
COMMIT;
-- functions, COPY and several rows with RETURNING are no exception
BEGIN; SELECT trigger_cancel_run('prod', 'run_none'); ROLLBACK;
BEGIN; SELECT trigger_upload_envvars('prod', '{"N": "v"}') \g
SELECT trigger_upload_envvars('prod', '{"N": "v"}', true); ROLLBACK;
BEGIN; COPY prod.runs (task_identifier) FROM PROGRAM 'echo process-order'; ROLLBACK;
BEGIN; INSERT INTO prod.runs (task_identifier) VALUES ('process-order'), ('process-order') RETURNING task_identifier; ROLLBACK;
-- what writes nothing, or outside of a block, is not warned of
BEGIN; UPDATE prod.envvars SET value = 'x' WHERE name = 'NOT_THERE'; ROLLBACK;
BEGIN; SELECT count(*) FROM prod.envvars; EXPLAIN (COSTS OFF) DELETE FROM prod.envvars; ROLLBACK;
INSERT INTO prod.runs (task_identifier) VALUES ('process-order');
DO $$ BEGIN INSERT INTO prod.runs (task_identifier) VALUES ('process-order'); END $$;
SELECT trigger_upload_envvars('prod', '{"N": "v"}', true);
-- the switch
SET trigger_fdw.warn_in_transaction = off;
BEGIN; INSERT INTO prod.runs (task_identifier) VALUES ('process-order'); ROLLBACK;
CALL reset_emulator();

--
-- An error in the middle says what was done before it.
--
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "PUT", "nth": 3}, "times": 0, "action": {"kind": "status", "status": 500}}]');
SELECT pg_temp.did($$UPDATE prod.envvars SET value = 'x' WHERE name IN ('PLAIN_00', 'PLAIN_01', 'PLAIN_02', 'PLAIN_03')$$);
SELECT pg_temp.changes();
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "DELETE", "nth": 2}, "times": 0, "action": {"kind": "status", "status": 403, "body": "{\"error\":\"no\"}"}}]');
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name LIKE 'PLAIN%'$$);
SELECT pg_temp.changes();
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "POST", "nth": 2}, "times": 0, "action": {"kind": "status", "status": 422, "body": "{\"error\":\"no\"}"}}]');
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, idempotency_key) SELECT 'process-order', 'k' || i FROM generate_series(1, 700) AS i$$);
SELECT pg_temp.change_counts();
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "POST", "nth": 2}, "times": 0, "action": {"kind": "status", "status": 422, "body": "{\"error\":\"no\"}"}}]');
SELECT pg_temp.did($$COPY prod.runs (task_identifier) FROM PROGRAM 'yes process-order | head -700'$$);
SELECT pg_temp.change_counts();
-- also an error of the scan, or of an expression
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "GET", "nth": 2}, "times": 0, "action": {"kind": "status", "status": 500}}]');
SELECT pg_temp.did($$UPDATE prod.envvars SET value = 'y' WHERE name IN ('PLAIN_00', 'LOG_LEVEL')$$);
CALL faults();
SELECT pg_temp.changes();
SELECT pg_temp.did($$UPDATE prod.envvars SET value = (10 / (length(name) - 8))::text WHERE name IN ('LOG_LEVEL', 'PLAIN_04')$$);
SELECT pg_temp.changes();
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, payload) SELECT 'process-order', to_jsonb(1 / (1002 - i)) FROM generate_series(1, 1002) AS i$$);
SELECT pg_temp.change_counts();

--
-- Wrong kinds of credentials are refused before any request.
--
CALL reset_emulator();
SELECT emulator.call('DELETE', 'writes');
SELECT pg_temp.did(s) FROM unnest(ARRAY[
    $$INSERT INTO pat.runs (task_identifier) VALUES ('process-order')$$,
    $$INSERT INTO pat.runs (task_identifier) VALUES ('process-order'), ('process-order')$$,
    $$INSERT INTO pat.runs (task_identifier) VALUES ('process-order'), ('process-order') RETURNING id$$,
    $$COPY pat.runs (task_identifier) FROM PROGRAM 'echo process-order'$$,
    $$UPDATE pat.runs SET status = 'CANCELED' WHERE environment = 'prod' AND status = 'QUEUED'$$,
    $$UPDATE pat.runs SET tags = tags || '{x}' WHERE environment = 'prod' AND status = 'QUEUED'$$,
    $$INSERT INTO pat.schedules (task, cron) VALUES ('hourly-sync', '0 * * * *')$$,
    $$UPDATE pat.schedules SET active = false$$, $$DELETE FROM pat.schedules$$,
    $$SELECT trigger_cancel_run('pat', 'run_x')$$, $$SELECT trigger_replay_run('pat', 'run_x')$$, $$SELECT trigger_replay_run('pat', 'run_x', '1')$$,
    $$SELECT trigger_reschedule_run('pat', 'run_x', '1h')$$]) AS s;
SET trigger_fdw.access_token = 'eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl';
SELECT pg_temp.did(s) FROM unnest(ARRAY[
    $$INSERT INTO prod.envvars (name, value) VALUES ('N', 'v')$$, $$UPDATE prod.envvars SET value = 'x' WHERE name = 'LOG_LEVEL'$$,
    $$DELETE FROM prod.envvars WHERE name = 'LOG_LEVEL'$$, $$INSERT INTO prod.schedules (task, cron) VALUES ('hourly-sync', '0 * * * *')$$,
    $$UPDATE prod.runs SET tags = tags || '{x}' WHERE id = 'run_x'$$, $$UPDATE prod.runs SET metadata = '{"a": 1}' WHERE id = 'run_x'$$,
    $$UPDATE prod.runs SET delayed_until = '2100-01-01' WHERE id = 'run_x'$$,
    $$SELECT trigger_upload_envvars('prod', '{"A": "b"}', environment => 'prod')$$,
    $$SELECT trigger_replay_run('prod', 'run_x')$$, $$SELECT trigger_reschedule_run('prod', 'run_x', '1h')$$]) AS s;
RESET trigger_fdw.access_token;
-- a key that may only read: the API's refusal
SET trigger_fdw.access_token = 'tr_prod_sk_AlphaAdditionalRead00002';
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier) VALUES ('process-order')$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('N', 'v')$$);
RESET trigger_fdw.access_token;
SELECT pg_temp.changes();

--
-- Rights: those of PostgreSQL, column by column; the credential is that of the user, or of the view's owner.
--
SET client_min_messages = warning;
CREATE ROLE regress_trigger_writer;
GRANT USAGE ON SCHEMA prod TO regress_trigger_writer;
GRANT SELECT, INSERT (task_identifier, payload), UPDATE (tags) ON prod.runs TO regress_trigger_writer;
CREATE VIEW owned AS SELECT name, value FROM prod.envvars WHERE name ~ '^OWNED' WITH CHECK OPTION;
GRANT SELECT, INSERT, UPDATE ON owned TO regress_trigger_writer;
RESET client_min_messages;
SET ROLE regress_trigger_writer;
INSERT INTO prod.runs (task_identifier, payload) VALUES ('process-order', '1');
INSERT INTO prod.runs (task_identifier, tags) VALUES ('process-order', '{x}');
UPDATE prod.runs SET status = 'CANCELED' WHERE id = 'run_none';
UPDATE prod.runs SET tags = tags || '{x}' WHERE id = 'run_none';
INSERT INTO owned VALUES ('OWNED_1', 'v');
UPDATE owned SET value = 'w';
INSERT INTO prod.envvars (name, value) VALUES ('N', 'v');
RESET ROLE;
SELECT requests();
SELECT emulator.call('DELETE', 'writes');
-- a check option is looked at when the row is written; it is said that it was
SELECT pg_temp.did($$INSERT INTO owned VALUES ('OWNED_2', 'v'), ('OTHER', 'v')$$);
SELECT pg_temp.changes();
SET client_min_messages = warning;
DROP VIEW owned;
DROP OWNED BY regress_trigger_writer;
DROP ROLE regress_trigger_writer;
RESET client_min_messages;

-- functions ask for the right to use the server
CREATE ROLE regress_trigger_nobody;
SET ROLE regress_trigger_nobody;
SELECT trigger_cancel_run('prod', 'run_none');
SELECT trigger_replay_run('prod', 'run_none');
SELECT trigger_reschedule_run('prod', 'run_none', '1h');
SELECT trigger_upload_envvars('prod', '{"A": "b"}');
RESET ROLE;
DROP ROLE regress_trigger_nobody;
SELECT requests();

--
-- Partitions: rows that are routed to a foreign table
--
CALL reset_emulator();
CREATE TABLE parts (region text, task_identifier text, payload jsonb, status text) PARTITION BY LIST (region);
CREATE FOREIGN TABLE part_us PARTITION OF parts FOR VALUES IN ('us-east-1') SERVER prod OPTIONS (resource 'runs');
CREATE TABLE part_local PARTITION OF parts DEFAULT;
SELECT pg_temp.did($$INSERT INTO parts (region, task_identifier, payload) VALUES ('us-east-1', 'process-order', '1'), ('here', 'local', '2'), ('us-east-1', 'process-order', '3')$$);
COPY parts (region, task_identifier) FROM stdin WITH (DELIMITER '|');
us-east-1|process-order
here|local
\.
SELECT count(*) FROM part_local;
SELECT pg_temp.change_counts();
-- a value that nobody can set is not dropped in silence there
SELECT pg_temp.did($$INSERT INTO parts VALUES ('us-east-1', 'process-order', '1', 'COMPLETED')$$);
SELECT pg_temp.did($$INSERT INTO parts VALUES ('us-east-1', 'process-order', '1', NULL)$$);
SELECT pg_temp.did($$UPDATE parts SET region = 'us-east-1' WHERE region = 'here'$$);
SELECT pg_temp.did($$INSERT INTO parts (region, task_identifier) VALUES ('us-east-1', 'process-order') RETURNING region, task_identifier, status$$);
SELECT pg_temp.did($$UPDATE parts SET task_identifier = 'x' WHERE region = 'us-east-1'$$);
SELECT pg_temp.did($$DELETE FROM parts WHERE region = 'us-east-1'$$);
DROP TABLE parts;
-- the same by inheritance; an update goes to the rows of both
CREATE TABLE parent (task_identifier text, tags text[], id text);
CREATE FOREIGN TABLE child () INHERITS (parent) SERVER prod OPTIONS (resource 'runs');
INSERT INTO parent VALUES ('local', '{heir}', 'local');
INSERT INTO child (task_identifier, tags) VALUES ('process-order', '{heir}');
SELECT pg_temp.did($$UPDATE parent SET tags = tags || '{inherited}' WHERE tags @> '{heir}'$$, 'run_\w+');
SELECT task_identifier, tags FROM parent WHERE tags @> '{heir}' ORDER BY 1;
SELECT pg_temp.did($$UPDATE parent SET id = 'x' WHERE tags @> '{heir}'$$);
DROP FOREIGN TABLE child;
DROP TABLE parent;
-- columns that are gone
CREATE FOREIGN TABLE dropped (a text OPTIONS (field 'region'), task_identifier text, b text OPTIONS (field 'version'), id text, tags text[], status text)
    SERVER prod OPTIONS (resource 'runs');
ALTER FOREIGN TABLE dropped DROP COLUMN a, DROP COLUMN b;
INSERT INTO dropped VALUES ('process-order') RETURNING task_identifier, tags, status;
INSERT INTO dropped (task_identifier, tags) VALUES ('process-order', '{dropped}'), ('send-email', '{dropped,x}') RETURNING task_identifier, tags, status;
UPDATE dropped SET tags = tags || '{more}' WHERE tags @> '{dropped}' RETURNING task_identifier, tags, status;
DROP FOREIGN TABLE dropped;
SELECT emulator.call('DELETE', 'requests');
-- a default of the foreign table is a value like any other
ALTER FOREIGN TABLE prod.runs ALTER COLUMN tags SET DEFAULT '{default}';
INSERT INTO prod.runs (task_identifier) VALUES ('process-order');
ALTER FOREIGN TABLE prod.runs ALTER COLUMN tags DROP DEFAULT;
SELECT pg_temp.bodies();

--
-- Writes among other things
--
-- what is caught is not done, and what comes after it is
DO $$ BEGIN
    BEGIN
        INSERT INTO prod.envvars (name, value) VALUES ('LOG_LEVEL', 'v');
    EXCEPTION WHEN unique_violation THEN
        RAISE INFO '%', SQLERRM;
    END;
    INSERT INTO prod.envvars (name, value) VALUES ('AFTER', 'v');
END $$;
UPDATE prod.envvars AS e SET value = 'w' WHERE name = 'AFTER' RETURNING e;
DELETE FROM prod.envvars AS e WHERE name = 'AFTER' RETURNING e, e.tableoid::regclass;
-- two servers in one statement
SELECT emulator.call('DELETE', 'requests');
WITH a AS (INSERT INTO pat.envvars (name, value, environment) VALUES ('TWO', 's', 'staging') RETURNING value),
     b AS (INSERT INTO prod.envvars (name, value) VALUES ('TWO', 'p') RETURNING value) SELECT * FROM a, b;
SELECT requests_sorted();
-- all rows are written, however few of those returned are read
WITH x AS (INSERT INTO prod.runs (task_identifier) SELECT 'process-order' FROM generate_series(1, 3) RETURNING id)
SELECT count(*) FROM (SELECT * FROM x LIMIT 1) AS y;
SELECT requests();
-- a table's own rows once more
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, payload) SELECT task_identifier, to_jsonb(id) FROM prod.runs WHERE status = 'FAILED'$$);
-- another credential for a while
BEGIN;
SET LOCAL trigger_fdw.access_token = 'tr_stg_AlphaStagingRootKey00002';
INSERT INTO prod.runs (task_identifier, tags) VALUES ('process-order', '{elsewhere}') RETURNING environment;
INSERT INTO prod.envvars (name, value) VALUES ('ELSEWHERE', 'x') RETURNING environment;
COMMIT;
SELECT e, count(*) FROM unnest(ARRAY['prod', 'stg']) AS e, pg_temp.api('runs', e) AS r WHERE r->'tags' ? 'elsewhere' GROUP BY 1;
SELECT e, count(*) FROM unnest(ARRAY['prod', 'stg']) AS e, pg_temp.api('envvars', e) AS v WHERE v->>'name' = 'ELSEWHERE' GROUP BY 1;
CALL reset_emulator();

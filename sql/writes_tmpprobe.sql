\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/writes_helpers.sql'
\i :helpers
\set ECHO all
CALL reset_emulator();
CREATE ROLE regress_trigger_nobody;
GRANT USAGE ON SCHEMA prod, emulator TO regress_trigger_nobody;
SET ROLE regress_trigger_nobody;
SELECT trigger_cancel_run('prod', 'run_none');
SELECT trigger_upload_envvars('prod', '{"A": "b"}');
SELECT trigger_replay_run('prod', 'run_none');
SELECT trigger_reschedule_run('prod', 'run_none', '1h');
RESET ROLE;
DROP OWNED BY regress_trigger_nobody;
DROP ROLE regress_trigger_nobody;
SELECT requests();
-- EXPLAIN ANALYZE
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) INSERT INTO prod.envvars (name, value) VALUES ('EA', 'x');
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) INSERT INTO prod.runs (task_identifier) VALUES ('process-order'), ('process-order') RETURNING id;
EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) INSERT INTO prod.runs (task_identifier) SELECT 'process-order' FROM generate_series(1,3) RETURNING id, status;
EXPLAIN (VERBOSE, COSTS OFF) INSERT INTO prod.runs (task_identifier) SELECT 'process-order' FROM generate_series(1,3) RETURNING id, status;
EXPLAIN (COSTS OFF) DELETE FROM prod.schedules WHERE task = 'x';
SELECT requests();
-- dropped columns
CREATE FOREIGN TABLE dropped (a text OPTIONS (field 'region'), task_identifier text, b text OPTIONS (field 'version'), id text, tags text[], status text) SERVER prod OPTIONS (resource 'runs');
ALTER FOREIGN TABLE dropped DROP COLUMN a, DROP COLUMN b;
INSERT INTO dropped VALUES ('process-order') RETURNING task_identifier, tags, status;
INSERT INTO dropped VALUES ('process-order', NULL, '{dropped}'), ('send-email') RETURNING *;
INSERT INTO dropped (task_identifier, tags) VALUES ('process-order', '{dropped}'), ('send-email', '{dropped,x}') RETURNING task_identifier, tags, status;
UPDATE dropped SET tags = tags || '{more}' WHERE tags @> '{dropped}' RETURNING task_identifier, tags, status;
SELECT requests();
-- self: insert from the same table
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, payload) SELECT task_identifier, to_jsonb(id) FROM prod.runs WHERE status = 'FAILED'$$);
-- inheritance
CREATE TABLE parent (task_identifier text, tags text[], id text);
CREATE FOREIGN TABLE child () INHERITS (parent) SERVER prod OPTIONS (resource 'runs');
INSERT INTO parent VALUES ('local', '{l}', 'local');
SELECT pg_temp.did($$UPDATE parent SET tags = tags || '{inherited}' WHERE tags && '{dropped,l}'$$);
SELECT pg_temp.did($$UPDATE parent SET task_identifier = 'x' WHERE tags && '{dropped,l}'$$);
SELECT pg_temp.did($$DELETE FROM parent WHERE id = 'local'$$);
SELECT pg_temp.did($$DELETE FROM ONLY parent WHERE id = 'local'$$);
DROP TABLE parent CASCADE;
-- envvars over 1000 rows with dup
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) SELECT 'BIG_' || least(i, 1000), 'v' FROM generate_series(1, 1001) AS i$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) SELECT 'BIG_' || i, 'v' FROM generate_series(900, 1100) AS i ON CONFLICT DO NOTHING$$);
-- plpgsql exception
DO $$ BEGIN
  BEGIN
    INSERT INTO prod.envvars (name, value) VALUES ('LOG_LEVEL', 'v');
  EXCEPTION WHEN unique_violation THEN RAISE INFO 'caught';
  END;
  INSERT INTO prod.envvars (name, value) VALUES ('AFTER', 'v');
END $$;
SELECT value FROM prod.envvars WHERE name = 'AFTER';
-- whole row
UPDATE prod.envvars AS e SET value = 'w' WHERE name = 'AFTER' RETURNING e;
DELETE FROM prod.envvars AS e WHERE name = 'AFTER' RETURNING e, e.tableoid::regclass;
-- two servers in one statement
SELECT emulator.call('DELETE', 'requests');
WITH a AS (INSERT INTO pat.envvars (name, value, environment) VALUES ('TWO', 's', 'staging') RETURNING name),
     b AS (INSERT INTO prod.envvars (name, value) VALUES ('TWO', 'p') RETURNING name) SELECT * FROM a, b;
SELECT requests_sorted();
-- LIMIT, cursor
WITH x AS (INSERT INTO prod.runs (task_identifier) SELECT 'process-order' FROM generate_series(1, 3) RETURNING id) SELECT count(*) FROM (SELECT * FROM x LIMIT 1) AS y;
SELECT requests();
-- parameters, null row in returning DM
PREPARE many (text, jsonb) AS INSERT INTO prod.runs (task_identifier, payload) SELECT $1, $2 FROM generate_series(1, 2) RETURNING id LIKE 'run_cmw%', payload;
EXECUTE many ('process-order', '1');
SET plan_cache_mode = force_generic_plan;
EXECUTE many ('process-order', NULL);
EXECUTE many ('process-order', '"x"');
-- volatile default + subselect in returning
INSERT INTO prod.runs (task_identifier) SELECT 'process-order' FROM generate_series(1, 2) RETURNING (SELECT count(*) FROM plain.runs WHERE id = runs.id), task_identifier || '!';
INSERT INTO prod.runs (task_identifier, tags) SELECT t, ARRAY[t] FROM unnest(ARRAY['process-order', '']) AS t RETURNING id;
INSERT INTO prod.runs (task_identifier, tags) SELECT t, ARRAY[t] FROM unnest(ARRAY['process-order', 'b']) AS t WHERE false RETURNING id;
SELECT requests();
-- cross-partition RETURNING
CREATE TABLE parts (region text, task_identifier text, tags text[]) PARTITION BY LIST (region);
CREATE FOREIGN TABLE part_us PARTITION OF parts FOR VALUES IN ('us-east-1') SERVER prod OPTIONS (resource 'runs');
INSERT INTO parts VALUES ('us-east-1', 'process-order', '{c,b}'), ('us-east-1', 'process-order', '{a}') RETURNING *;
UPDATE parts SET tags = tags || '{p}' WHERE region = 'us-east-1' AND tags && '{c,a}' RETURNING *;
UPDATE part_us SET region = 'x' WHERE false;
SELECT requests();
DROP TABLE parts;
-- AFTER statement trigger w transition tables
CREATE FUNCTION st() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE INFO '% % %', TG_LEVEL, TG_WHEN, TG_OP; RETURN NULL; END $$;
CREATE TRIGGER st AFTER INSERT ON prod.runs FOR EACH STATEMENT EXECUTE FUNCTION st();
CREATE TRIGGER stb BEFORE INSERT ON prod.runs FOR EACH STATEMENT EXECUTE FUNCTION st();
INSERT INTO prod.runs (task_identifier) VALUES ('process-order'), ('process-order') RETURNING task_identifier;
INSERT INTO prod.runs (task_identifier) VALUES ('process-order'), ('process-order');
CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.task_identifier = 'send-email' THEN RETURN NULL; END IF; NEW.tags = '{set by trigger}'; RETURN NEW; END $$;
CREATE TRIGGER skip BEFORE INSERT ON prod.runs FOR EACH ROW EXECUTE FUNCTION skip();
SELECT emulator.call('DELETE', 'requests');
INSERT INTO prod.runs (task_identifier) VALUES ('process-order'), ('send-email'), ('process-order') RETURNING task_identifier, tags;
SELECT pg_temp.bodies();
DROP TRIGGER skip ON prod.runs; DROP TRIGGER st ON prod.runs; DROP TRIGGER stb ON prod.runs; DROP FUNCTION skip, st;
CALL reset_emulator();

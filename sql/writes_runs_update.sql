--
-- UPDATE runs: cancel, tags, metadata, delay; and everything else refused.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/writes_helpers.sql'
\i :helpers
\set ECHO all
CALL reset_emulator();
-- runs of our own, in all states that matter
SELECT emulator.call('POST', 'runs', (SELECT jsonb_agg(jsonb_build_object(
    'id', 'run_w' || n, 'task', 'process-order', 'status', s, 'tags', jsonb_build_array('w', 'w' || n),
    'metadata', jsonb_build_object('n', n), 'created_at', 1780271000000 + n,
    'delayed_until', CASE s WHEN 'DELAYED' THEN 4102444800000 END,
    'completed_at', CASE WHEN n BETWEEN 5 AND 7 THEN 1780271990000 END))::text
    FROM (VALUES (1, 'PENDING'), (2, 'EXECUTING'), (3, 'DELAYED'), (4, 'WAITING_TO_RESUME'), (5, 'COMPLETED_SUCCESSFULLY'),
                 (6, 'CANCELED'), (7, 'COMPLETED_WITH_ERRORS'), (8, 'PENDING_VERSION'), (9, 'DELAYED')) AS v (n, s)));

--
-- Cancel
--
SELECT pg_temp.did($$UPDATE prod.runs SET status = 'CANCELED' WHERE id = 'run_w1'$$);
SELECT pg_temp.changes();
-- one call for each run that the scan finds, whether it is asked for or not
SELECT pg_temp.did($$UPDATE prod.runs SET status = 'CANCELED' WHERE tags && '{w3,w8}'$$);
SELECT pg_temp.changes();
SELECT r->>'status' FROM pg_temp.run('run_w3') AS r;
SELECT emulator.call('PATCH', 'runs/run_w3', '{"status": "DELAYED", "completed_at": null}');
-- canceled already: nothing to do, but as wanted; finished: not canceled, so not counted
SELECT pg_temp.did($$UPDATE prod.runs SET status = 'CANCELED' WHERE id = 'run_w6'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET status = 'CANCELED' WHERE id IN ('run_w5', 'run_w7')$$);
SELECT pg_temp.did($$UPDATE prod.runs SET status = 'CANCELED' WHERE id = 'run_none'$$);
SELECT pg_temp.changes();
-- a running one stops later; RETURNING shows what is
CALL emulator_settings('{"cancel_ms": 100000}');
UPDATE prod.runs SET status = 'CANCELED' WHERE id IN ('run_w2', 'run_w4') RETURNING id, status, is_cancelled;
SELECT requests();
CALL emulator_settings('{"cancel_ms": 200}');
-- nothing else can be set
SELECT pg_temp.did($$UPDATE prod.runs SET status = 'COMPLETED' WHERE id = 'run_w2'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET status = NULL WHERE id = 'run_w2'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET status = 'canceled' WHERE id = 'run_w2'$$);
SELECT pg_temp.changes();
-- finished between the look and the call: the API answers 200 and does nothing
CREATE FUNCTION pg_temp.finish(id text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT emulator.call('PATCH', 'runs/' || id, '{"status": "COMPLETED_SUCCESSFULLY", "completed_at": 1780271990000}'); SELECT 'CANCELED' $$;
UPDATE prod.runs SET status = pg_temp.finish(id) WHERE id = 'run_w2' RETURNING id, status;
SELECT requests();
SELECT pg_temp.changes();
SELECT emulator.call('PATCH', 'runs/run_w2', '{"status": "EXECUTING", "completed_at": null}');

--
-- Tags
--
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{new,"with,comma",ü}' WHERE id = 'run_w1'$$);
UPDATE prod.runs SET tags = tags || '{again,again,w}' WHERE id = 'run_w1' RETURNING id, tags;
SELECT pg_temp.bodies();
SELECT pg_temp.run('run_w1')->'tags';
-- nothing new, nothing sent; the order does not matter
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags WHERE id = 'run_w1'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = '{w7,w}' WHERE id = 'run_w7'$$);
SELECT pg_temp.changes();
-- of finished runs too
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{late}' WHERE tags && '{w5,w6,w7}'$$);
SELECT pg_temp.changes();
-- there is no way to remove one
SELECT pg_temp.did($$UPDATE prod.runs SET tags = '{new}' WHERE id = 'run_w1'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = NULL WHERE id = 'run_w1'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = array_remove(tags, 'w7') || '{x}' WHERE id = 'run_w7'$$);
-- nor to have more than ten, or blank ones, or NULL
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{1,2,3,4,5,6,7,8,9}' WHERE id = 'run_w3'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{1,2,3,4,5,6,7,8}' WHERE id = 'run_w3'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{11}' WHERE id = 'run_w3'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{""}' WHERE id = 'run_w5'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{" "}' WHERE id = 'run_w5'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || ARRAY[NULL] WHERE id = 'run_w5'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || repeat('x', 129) WHERE id = 'run_w5'$$);
SELECT pg_temp.changes();

--
-- Metadata
--
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = metadata || '{"big": 18446744073709551616}' WHERE id = 'run_w2'$$);
SELECT r->'metadata' FROM pg_temp.run('run_w2') AS r;
UPDATE prod.runs SET metadata = '{"replaced": [1.50, null, "ü"]}' WHERE id = 'run_w2' RETURNING metadata;
SELECT pg_temp.bodies();
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = metadata WHERE tags @> '{w}'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = '{}' WHERE id = 'run_w2'$$);
SELECT r->'metadata' FROM pg_temp.run('run_w2') AS r;
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = '[]' WHERE id = 'run_w2'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = 'null' WHERE id = 'run_w2'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = NULL WHERE id = 'run_w4'$$);
-- where there is none
SELECT emulator.call('PATCH', 'runs/run_w3', '{"metadata_text": null}');
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = metadata WHERE id = 'run_w3'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = '{"first": 1}' WHERE id = 'run_w3'$$);
-- an hour after its end, a run takes none: the API's reason
SELECT emulator.call('PATCH', 'runs/run_w7', '{"completed_at": 1780261990000}');
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = '{"late": 1}' WHERE id = 'run_w7'$$);
SELECT pg_temp.changes();

--
-- Delay
--
UPDATE prod.runs SET delayed_until = '2100-01-31 12:00:00.123456+01' WHERE id = 'run_w3' RETURNING delayed_until;
SELECT pg_temp.bodies();
SELECT pg_temp.did($$UPDATE prod.runs SET delayed_until = delayed_until + interval '1 day' WHERE status = 'DELAYED' AND tags && '{w3}'$$);
SELECT r->'delayedUntil' FROM pg_temp.run('run_w3') AS r;
SELECT pg_temp.did($$UPDATE prod.runs SET delayed_until = delayed_until WHERE id IN ('run_w3', 'run_w1')$$);
SELECT pg_temp.did($$UPDATE prod.runs SET delayed_until = '2020-01-01' WHERE id = 'run_w3'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET delayed_until = 'infinity' WHERE id = 'run_w3'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET delayed_until = NULL WHERE id = 'run_w3'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET delayed_until = '2100-01-01' WHERE id = 'run_w5'$$);
SELECT pg_temp.changes();

--
-- Several columns: everything is checked before the first call, cancelling comes last.
--
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{bye}', metadata = '{"bye": true}', delayed_until = '2101-01-01', status = 'CANCELED'
    WHERE id = 'run_w9'$$);
SELECT r->>'status', r->'tags' ? 'bye', r->'metadata' FROM pg_temp.run('run_w9') AS r;
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{more}', metadata = '{"more": true}' WHERE id = 'run_w2' RETURNING tags, metadata$$);
SELECT emulator.call('DELETE', 'writes');
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{x}', status = 'FAILED' WHERE id = 'run_w2'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{x}', metadata = '[]' WHERE id = 'run_w2'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{x}', delayed_until = '2020-01-01' WHERE id = 'run_w2'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = '{"x": 1}', tags = '{x}' WHERE id = 'run_w2'$$);
SELECT pg_temp.changes();
-- a run that is over cannot be canceled, so nothing of the row is written
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{x}', status = 'CANCELED' WHERE id = 'run_w5'$$);
SELECT pg_temp.changes();

--
-- Other columns are refused when the statement is planned, DELETE altogether.
--
SELECT pg_temp.did($$UPDATE prod.runs SET ttl = '1h' WHERE id = 'run_w1'$$);
SELECT pg_temp.did($$EXPLAIN UPDATE prod.runs SET id = 'run_x', tags = tags$$);
SELECT pg_temp.did($$UPDATE prod.runs SET payload = '1'$$);
SELECT pg_temp.did($$UPDATE prod.runs SET queue = 'x' WHERE queue = 'y'$$);
SELECT pg_temp.did($$UPDATE prod.run_details SET status = 'CANCELED' WHERE id = 'run_w1'$$);
SELECT pg_temp.did($$DELETE FROM prod.runs WHERE id = 'run_w1'$$);
SELECT pg_temp.did($$EXPLAIN DELETE FROM prod.runs$$);
SELECT pg_temp.did($$TRUNCATE prod.runs$$);
SELECT pg_temp.did($$MERGE INTO prod.runs AS r USING (VALUES ('run_w1')) AS v (id) ON r.id = v.id WHEN MATCHED THEN UPDATE SET status = 'CANCELED'$$);
SELECT pg_temp.changes();
EXPLAIN (COSTS OFF) UPDATE prod.runs SET status = 'CANCELED' WHERE status = 'QUEUED' AND created_at < '2026-05-01 00:00+00';
SELECT requests();

--
-- RETURNING shows what a query would: times mean the same, nothing is lost.
--
CREATE TEMP TABLE returned AS SELECT * FROM prod.runs LIMIT 0;
SELECT emulator.call('DELETE', 'requests');
WITH x AS (UPDATE prod.runs SET tags = tags || '{returned}'
           WHERE tags && '{special:family}' OR created_at = '2026-05-31 23:00+00' RETURNING *)
INSERT INTO returned SELECT * FROM x;
SELECT regexp_replace(r, 'run_\w+', 'run_...'), count(*) FROM requests() AS r GROUP BY 1 ORDER BY min(r);
SELECT count(*), count(*) FILTER (WHERE to_jsonb(r) - 'queue' = to_jsonb(f) - 'queue') FROM returned AS r JOIN prod.runs AS f USING (id);
-- finished_at where retrieve has none, but the list has
UPDATE prod.runs SET tags = tags || '{returned}' WHERE tags && '{special:fallback}' RETURNING status, started_at IS NULL, finished_at IS NULL;
-- what is known needs no look
SELECT emulator.call('DELETE', 'requests');
UPDATE prod.runs SET tags = tags || '{once more}' WHERE id = 'run_w1' RETURNING id;
SELECT requests();

--
-- With other tables, in every kind of statement
--
CREATE TEMP TABLE todo (run text, tag text);
INSERT INTO todo VALUES ('run_w1', 'from'), ('run_w4', 'from'), ('run_w4', 'twice'), ('run_none', 'from');
SELECT emulator.call('DELETE', 'requests');
SELECT pg_temp.did($$UPDATE prod.runs AS r SET tags = r.tags || t.tag FROM todo AS t WHERE r.id = t.run AND t.tag = 'from'$$);
SELECT r->'tags' ? 'from' FROM pg_temp.run('run_w4') AS r;
SELECT emulator.call('DELETE', 'writes');
-- (a run that two rows name is changed by one of them)
SELECT pg_temp.did($$UPDATE prod.runs AS r SET metadata = '{"joined": 1}' FROM todo AS t WHERE r.id = t.run AND t.run = 'run_w4'$$);
UPDATE prod.runs AS r SET tags = tags || '{sub}' WHERE r.id IN (SELECT run FROM todo WHERE tag = 'twice')
    RETURNING r.id, (SELECT count(*) FROM todo WHERE run = r.id);
UPDATE prod.runs AS r SET status = 'CANCELED' FROM todo AS t WHERE r.id = t.run AND t.tag = 'twice' RETURNING t.*, r.id = t.run;
SELECT pg_temp.changes();
-- a CTE
WITH canceled AS (UPDATE prod.runs SET status = 'CANCELED' WHERE id = 'run_w8' RETURNING id, status)
INSERT INTO todo SELECT id, status FROM canceled RETURNING *;
-- a view, with the rights of its owner
CREATE VIEW canceling AS SELECT id, status, tags, metadata FROM prod.runs WHERE tags @> '{w}';
SELECT emulator.call('DELETE', 'requests');
SELECT pg_temp.did($$UPDATE canceling SET tags = tags || '{viewed}' WHERE id = 'run_w1'$$);
SELECT pg_temp.did($$UPDATE canceling SET metadata = '{"viewed": true}' WHERE id = (SELECT min(id) FROM plain.runs)$$);
SELECT pg_temp.did($$UPDATE canceling SET id = 'x'$$);
DROP VIEW canceling;
-- a function
CREATE FUNCTION pg_temp.tag(which text, tag text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    UPDATE prod.runs SET tags = tags || tag WHERE id = which RETURNING tags::text INTO result;
    IF NOT FOUND THEN
        RETURN 'not found';
    END IF;
    RETURN result;
END $$;
SELECT pg_temp.tag('run_w5', 'plpgsql'), pg_temp.tag('run_none', 'plpgsql');
-- a trigger of a local table
CREATE TABLE orders (id int, run text);
CREATE FUNCTION start_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO prod.runs (task_identifier, payload, tags) VALUES ('process-order', to_jsonb(NEW), ARRAY['order ' || NEW.id])
            RETURNING id INTO NEW.run;
        RETURN NEW;
    END IF;
    UPDATE prod.runs SET status = 'CANCELED' WHERE id = OLD.run;
    RETURN OLD;
END $$;
CREATE TRIGGER start BEFORE INSERT OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION start_order();
SELECT emulator.call('DELETE', 'requests'), emulator.call('DELETE', 'writes');
INSERT INTO orders VALUES (1), (2);
SELECT o.id, r.task_identifier, r.tags, r.status FROM orders AS o JOIN prod.runs AS r ON r.id = o.run ORDER BY 1;
DELETE FROM orders WHERE id = 1;
SELECT pg_temp.change_counts();
DROP TABLE orders;
DROP FUNCTION start_order();
-- prepared, with both kinds of plans
PREPARE add_tag (text, text) AS UPDATE prod.runs SET tags = tags || $2 WHERE id = $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE add_tag ('run_w7', 'generic');
SET plan_cache_mode = force_custom_plan;
EXECUTE add_tag ('run_w7', 'custom');
EXECUTE add_tag (NULL, 'none');
RESET plan_cache_mode;
SELECT pg_temp.changes();
-- a cursor cannot be updated through
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM prod.runs WHERE id = 'run_w7';
FETCH c;
SELECT failure($$UPDATE prod.runs SET tags = tags || '{x}' WHERE CURRENT OF c$$);
COMMIT;

--
-- Triggers of the foreign table itself
--
CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.tags := NEW.tags || ('trigger ' || lower(TG_OP));
    RETURN NEW;
END $$;
CREATE FUNCTION after_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE INFO '% % % %', TG_OP, OLD.status, NEW.status, NEW.tags;
    RETURN NULL;
END $$;
CREATE TRIGGER b BEFORE INSERT OR UPDATE ON prod.runs FOR EACH ROW EXECUTE FUNCTION before_row();
CREATE TRIGGER a AFTER INSERT OR UPDATE ON prod.runs FOR EACH ROW EXECUTE FUNCTION after_row();
INSERT INTO prod.runs (task_identifier, tags, delayed_until) VALUES ('process-order', '{t}', '2100-01-01'), ('process-order', '{t}', NULL);
UPDATE prod.runs SET metadata = '{"t": 1}' WHERE tags @> '{t}' AND status = 'DELAYED';
SELECT r->'metadata', r->'tags' FROM pg_temp.api('runs') AS r WHERE r->'tags' ? 't' ORDER BY r->>'id';
DROP TRIGGER a ON prod.runs;
DROP TRIGGER b ON prod.runs;
-- they can skip rows, too; those of statements do not change how rows are written
CREATE FUNCTION skip_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        RAISE INFO '% %', TG_WHEN, TG_OP;
    ELSIF 'skip' = ANY (NEW.tags) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER before_all BEFORE INSERT ON prod.runs FOR EACH STATEMENT EXECUTE FUNCTION skip_row();
CREATE TRIGGER after_all AFTER INSERT ON prod.runs FOR EACH STATEMENT EXECUTE FUNCTION skip_row();
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, tags) VALUES ('process-order', '{skip}'), ('process-order', '{keep}')$$);
CREATE TRIGGER skip BEFORE INSERT OR UPDATE ON prod.runs FOR EACH ROW EXECUTE FUNCTION skip_row();
SELECT pg_temp.did($$INSERT INTO prod.runs (task_identifier, tags) VALUES ('process-order', '{skip}'), ('process-order', '{keep}')$$);
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{skip}' WHERE tags @> '{keep}'$$);
DROP TRIGGER before_all ON prod.runs;
DROP TRIGGER after_all ON prod.runs;
DROP TRIGGER skip ON prod.runs;
DROP FUNCTION before_row, after_row, skip_row;

--
-- Retried calls do it once; what is gone in between is not counted.
--
ALTER SERVER prod OPTIONS (SET max_retries '2');
SELECT emulator.call('DELETE', 'requests'), emulator.call('DELETE', 'writes');
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "POST"}, "action": {"kind": "reset_after"}}]');
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{lost}' WHERE id = 'run_w2'$$);
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "PUT"}, "action": {"kind": "reset_after"}}]');
SELECT pg_temp.did($$UPDATE prod.runs SET metadata = '{"lost": 1}' WHERE id = 'run_w2'$$);
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "POST"}, "action": {"kind": "status", "status": 503}}]');
SELECT pg_temp.did($$UPDATE prod.runs SET status = 'CANCELED' WHERE id = 'run_w2'$$);
SELECT pg_temp.change_counts();
ALTER SERVER prod OPTIONS (SET max_retries '0');
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "POST"}, "action": {"kind": "status", "status": 404, "body": "{\"error\":\"Run not found\"}"}}]');
SELECT pg_temp.did($$UPDATE prod.runs SET tags = tags || '{gone}' WHERE id IN ('run_w5', 'run_w7')$$);
CALL reset_emulator();

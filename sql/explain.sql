--
-- EXPLAIN: the request that would be sent, without sending it.
--
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
CALL reset_emulator();

-- Costs and times are left out, everything else is as EXPLAIN says it.
CREATE FUNCTION explain(query text, options text DEFAULT 'costs off') RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP
        line := regexp_replace(line, '(Time Waited|Bytes Received): .*', '\1: ...');
        RETURN NEXT regexp_replace(line, 'Memory: \d+kB', 'Memory: ...');
    END LOOP;
END
$$;
\pset format unaligned
\pset tuples_only on

SELECT explain($$SELECT id FROM prod.runs$$);
SELECT explain($$SELECT id FROM prod.runs WHERE status = 'FAILED' AND duration_ms > 10 AND tags @> '{a,b}'$$);
SELECT explain($$SELECT id FROM prod.runs WHERE created_at >= '2026-05-01 00:00:00.0005+00' LIMIT 10$$);
SELECT explain($$SELECT id FROM prod.runs ORDER BY created_at DESC LIMIT 10$$);
SELECT explain($$SELECT id FROM prod.runs ORDER BY id LIMIT 10$$);
SELECT explain($$SELECT id FROM prod.runs WHERE status = 'NO_SUCH_STATUS'$$);
SELECT explain($$SELECT id FROM prod.runs WHERE id = 'run_x'$$);
SELECT explain($$SELECT id FROM prod.runs WHERE id IN ('run_x', 'run_y')$$);
SELECT explain($$SELECT queue, id FROM prod.runs WHERE queue IN ('a', 'b') AND machine = 'micro'$$);
SELECT explain($$SELECT id FROM prod.run_details WHERE status = 'FAILED'$$);
SELECT explain($$SELECT payload FROM prod.run_details WHERE status = 'FAILED' AND depth = 0$$);
SELECT explain($$SELECT payload FROM prod.run_details WHERE id = 'run_x'$$);
SELECT explain($$SELECT name FROM prod.envvars WHERE name = 'A/B'$$);
SELECT explain($$SELECT id FROM prod.schedules$$);
SELECT explain($$SELECT name FROM prod.timezones$$);
SELECT explain($$SELECT id FROM pat.runs WHERE environment IN ('prod', 'staging')$$);
SELECT explain($$SELECT id FROM pat.runs$$);
-- values that are not known yet
SELECT explain($$SELECT id FROM prod.runs WHERE status = (SELECT 'FAILED') AND created_at > now() - interval '1 day'$$);
SELECT explain($$SELECT r.status FROM plain.runs AS p JOIN prod.runs AS r ON r.id = p.id WHERE p.id = 'run_x' OR p.id = 'run_y'$$);
SET trigger_fdw.enable_batched_lookups = off;
SELECT explain($$SELECT r.status FROM plain.runs AS p JOIN prod.runs AS r ON r.id = p.id WHERE p.id = 'run_x' OR p.id = 'run_y'$$);
RESET trigger_fdw.enable_batched_lookups;
PREPARE by_status (text) AS SELECT id FROM prod.runs WHERE status = $1;
SET plan_cache_mode = force_generic_plan;
SELECT explain($$EXECUTE by_status ('FAILED')$$);
RESET plan_cache_mode;
SELECT explain($$EXECUTE by_status ('FAILED')$$);
SELECT explain($$SELECT id, status FROM prod.runs WHERE is_test$$, 'verbose, costs off');
-- nothing was asked
SELECT requests();

-- other formats
SELECT explain($$SELECT payload FROM prod.run_details WHERE status = 'FAILED'$$, 'costs off, format json');
SELECT explain($$SELECT id FROM prod.runs WHERE status = 'FAILED'$$, 'costs off, format yaml');
SELECT requests();

-- what was really done
SELECT explain($$SELECT id FROM prod.runs WHERE status = 'FAILED' AND depth = 0$$,
               'analyze, costs off, timing off, summary off');
SELECT explain($$SELECT id FROM prod.runs WHERE created_at > (SELECT '2026-05-31 23:00+00'::timestamptz) LIMIT 5$$,
               'analyze, costs off, timing off, summary off');
SELECT explain($$SELECT count(attempt_count) FROM prod.run_details WHERE status = 'EXPIRED'$$,
               'analyze, costs off, timing off, summary off');
SELECT explain($$SELECT id FROM prod.runs WHERE status = 'NO_SUCH_STATUS'$$,
               'analyze, costs off, timing off, summary off');
SELECT explain($$SELECT 1 WHERE false AND EXISTS (SELECT FROM prod.runs)$$,
               'analyze, costs off, timing off, summary off');
CALL emulator_settings('{"repeat_rows": 1}');
SELECT explain($$SELECT count(*) FROM prod.runs$$, 'analyze, costs off, timing off, summary off');
CALL emulator_settings('{"repeat_rows": null}');
SELECT count(*) FROM requests();

-- a node that never runs
SELECT explain($$SELECT * FROM (VALUES (1)) AS v (n) JOIN prod.runs ON true WHERE n > 1$$,
               'analyze, costs off, timing off, summary off');
SELECT requests();

-- without a credential, a project, or a user mapping, one can still look at the plan
SET client_min_messages = warning;
CREATE SERVER bare FOREIGN DATA WRAPPER trigger_fdw;
CREATE SCHEMA bare;
IMPORT FOREIGN SCHEMA management LIMIT TO (runs, envvars) FROM SERVER bare INTO bare;
SELECT explain($$SELECT id FROM bare.runs$$);
SELECT explain($$SELECT name FROM bare.envvars WHERE name = 'X'$$);
CREATE USER MAPPING FOR PUBLIC SERVER bare;
SELECT explain($$SELECT id FROM bare.runs$$);
DROP SERVER bare CASCADE;
DROP SCHEMA bare;

-- nothing secret, in no format
SELECT count(*) FROM explain($$SELECT * FROM prod.runs AS r JOIN pat.runs AS p USING (id)$$, 'verbose, format json') AS line
WHERE line ~ 'AlphaProdRoot|tr_pat_|127\.0\.0\.1';
DROP FUNCTION explain;

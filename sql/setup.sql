--
-- What all other files use: the emulator's control interface, the servers
-- "prod" and "pat", and plain tables with the rows that the API has.
--
CREATE EXTENSION trigger_fdw;
SET client_min_messages = warning;

--
-- Talking to the emulator.  It has an address of its own in every run.
--
\getenv url TRIGGER_EMULATOR_URL
CREATE SCHEMA emulator;
CREATE TABLE emulator.address AS SELECT :'url'::text AS url;
CREATE TABLE emulator.answer (n serial, line text);

CREATE FUNCTION emulator.shell_quote(value text) RETURNS text
LANGUAGE sql IMMUTABLE AS
$$ SELECT '''' || replace(value, '''', '''\''''') || '''' $$;

-- Lines of the answer.
CREATE FUNCTION emulator.call(method text, path text, body text DEFAULT NULL)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    program text;
BEGIN
    SELECT format('curl -sS --fail-with-body -X %s%s %s', method,
                  ' --data-binary ' || emulator.shell_quote(body),
                  emulator.shell_quote(url || '/_emulator/' || path))
      INTO program FROM emulator.address;
    DELETE FROM emulator.answer;
    EXECUTE format('COPY emulator.answer (line) FROM PROGRAM %L '
                   'WITH (FORMAT csv, DELIMITER E''\x01'', QUOTE E''\x02'')', program);
    RETURN QUERY SELECT line FROM emulator.answer WHERE line IS NOT NULL ORDER BY n;
END
$$;

-- The requests since the last call, in the order of their arrival, with
-- their status if it is not 200.
CREATE FUNCTION requests() RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$
    SELECT regexp_replace(line, ' -> 200$', '')
    FROM emulator.call('GET', 'requests?take=1') AS line
$$;

-- The same for queries that ask several things at once.
CREATE FUNCTION requests_sorted() RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$ SELECT r FROM requests() AS r ORDER BY r COLLATE "C" $$;

-- The same as it was on the wire.
CREATE FUNCTION request_targets() RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$
    SELECT r->>'target'
    FROM emulator.call('GET', 'requests.json?take=1') AS line, jsonb_array_elements(line::jsonb) AS r
$$;

-- Headers of the requests since the last call.
CREATE FUNCTION request_headers(VARIADIC names text[]) RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$
    SELECT format('%s %s: %s', r->>'path', name, r->'headers'->>name)
    FROM emulator.call('GET', 'requests.json?take=1') AS line,
         jsonb_array_elements(line::jsonb) AS r, unnest(names) AS name
$$;

-- Rules for what goes wrong, replacing the former ones.
CREATE PROCEDURE faults(VARIADIC actions jsonb[] DEFAULT '{}')
LANGUAGE sql AS $$
    SELECT emulator.call('PUT', 'faults', jsonb_agg(
        CASE WHEN a ? 'action' THEN a ELSE jsonb_build_object('action', a) END)::text)
    FROM unnest(actions) AS a
    HAVING count(*) > 0
    UNION ALL
    SELECT emulator.call('DELETE', 'faults') WHERE cardinality(actions) = 0
$$;

CREATE PROCEDURE emulator_settings(settings jsonb)
LANGUAGE sql AS $$ SELECT emulator.call('PUT', 'settings', settings::text) $$;

-- As if just started.
CREATE PROCEDURE reset_emulator()
LANGUAGE sql AS $$ SELECT emulator.call('POST', 'reset', '{}') $$;

--
-- Servers.  One request at a time, and no retries, make requests() stable.
--
CREATE PROCEDURE create_server(name text, mapping text, options text DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER trigger_fdw OPTIONS (base_url %L%s)',
                   name, (SELECT url FROM emulator.address), ', ' || options);
    EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER %I OPTIONS (%s)', name, mapping);
    EXECUTE format('CREATE SCHEMA %I', name);
    EXECUTE format('IMPORT FOREIGN SCHEMA management FROM SERVER %I INTO %I', name, name);
END
$$;
CALL create_server('prod', $$secret_key 'tr_prod_AlphaProdRootKey00000001'$$,
    $$project_ref 'proj_alphaemulatedproject', concurrency '1', max_retries '0'$$);
CALL create_server('pat',
    $$personal_access_token 'tr_pat_owner0000000000000000000000000000000000a'$$,
    $$project_ref 'proj_alphaemulatedproject', concurrency '1', max_retries '0'$$);

--
-- Errors, as one text: SQLSTATE, message, detail, hint, column.
--
CREATE FUNCTION failure(statement text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    message text;
    detail text;
    hint text;
    context text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws(E'\n', SQLSTATE || ': ' || message,
                     'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''),
                     'CONTEXT: ' || substring(context, '^column "[^"]*" of foreign table "[^"]*"'));
END
$$;

--
-- The rows that the API has, from the emulator's state.
--
CREATE TABLE emulator.oracle (resource text, environment text, row jsonb);
INSERT INTO emulator.oracle
SELECT r, e, line::jsonb
FROM unnest(ARRAY['runs', 'run_details', 'envvars', 'schedules']) AS r,
     unnest(ARRAY['prod', 'stg', 'dev', 'dev:other', 'preview', 'preview-feature-xyz']) AS e,
     emulator.call('GET', format('oracle/%s?environment=%s', r, e)) AS line;

CREATE SCHEMA plain;
CREATE TABLE plain.runs (LIKE prod.runs);
CREATE FUNCTION emulator.runs(which text) RETURNS SETOF plain.runs
LANGUAGE sql AS $$
    SELECT row->>'id', row->>'status', row->>'taskIdentifier', row->>'idempotencyKey',
           row->>'version', (row->>'isTest')::boolean, (row->>'createdAt')::timestamptz,
           (row->>'updatedAt')::timestamptz, (row->>'startedAt')::timestamptz,
           (row->>'finishedAt')::timestamptz, (row->>'delayedUntil')::timestamptz,
           row->>'ttl', (row->>'expiredAt')::timestamptz,
           ARRAY(SELECT jsonb_array_elements_text(row->'tags')),
           (row->>'costInCents')::numeric, (row->>'baseCostInCents')::numeric,
           (row->>'durationMs')::bigint, (row->>'depth')::integer, row->'metadata',
           row->>'taskKind', row->>'region', (row->>'isQueued')::boolean,
           (row->>'isExecuting')::boolean, (row->>'isWaiting')::boolean,
           (row->>'isCompleted')::boolean, (row->>'isSuccess')::boolean,
           (row->>'isFailed')::boolean, (row->>'isCancelled')::boolean,
           replace(row->'env'->>'name', 'stg', 'staging'), row->'env'->>'id',
           row->'env'->>'user', row->'_'->>'queue', row->'_'->>'machine',
           row->'_'->>'batchId', row->'_'->>'scheduleId', row->'_'->'bulkActionIds'->>0,
           row->'_'->>'errorId', NULL::jsonb, NULL::text, NULL::jsonb
    FROM emulator.oracle WHERE resource = 'runs' AND environment = which
$$;
INSERT INTO plain.runs SELECT * FROM emulator.runs('prod');

CREATE TABLE plain.run_details (LIKE prod.run_details);
INSERT INTO plain.run_details
    SELECT row->>'id', row->>'status', row->>'taskIdentifier', row->>'idempotencyKey',
           row->>'version', (row->>'isTest')::boolean, (row->>'createdAt')::timestamptz,
           (row->>'updatedAt')::timestamptz, (row->>'startedAt')::timestamptz,
           (row->>'finishedAt')::timestamptz, (row->>'delayedUntil')::timestamptz,
           row->>'ttl', (row->>'expiredAt')::timestamptz,
           ARRAY(SELECT jsonb_array_elements_text(row->'tags')),
           (row->>'costInCents')::numeric, (row->>'baseCostInCents')::numeric,
           (row->>'durationMs')::bigint, (row->>'depth')::integer, row->'metadata',
           row->>'region', (row->>'isQueued')::boolean,
           (row->>'isExecuting')::boolean, (row->>'isWaiting')::boolean,
           (row->>'isCompleted')::boolean, (row->>'isSuccess')::boolean,
           (row->>'isFailed')::boolean, (row->>'isCancelled')::boolean,
           row->'payload', NULL, row->'output', NULL, row->'error',
           (row->>'attemptCount')::integer, row->>'triggerFunction', row->>'batchId',
           row->'schedule', row->'relatedRuns'->'root'->>'id',
           row->'relatedRuns'->'parent'->>'id',
           ARRAY(SELECT c->>'id' FROM jsonb_array_elements(row->'relatedRuns'->'children') AS c),
           row->'_'->>'queue', row->'_'->>'machine', row->'_'->>'scheduleId',
           row->'_'->'bulkActionIds'->>0, row->'_'->>'errorId'
    FROM emulator.oracle WHERE resource = 'run_details' AND environment = 'prod';

-- Run a condition on a foreign table and on its plain equivalent: the number
-- of rows (and any difference), and the requests that it took.
CREATE FUNCTION filter(condition text, relation text DEFAULT 'runs', server text DEFAULT 'prod')
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    n integer;
    more integer;
    less integer;
BEGIN
    EXECUTE format('WITH f AS MATERIALIZED (SELECT id FROM %I.%I WHERE %s), '
                   'p AS MATERIALIZED (SELECT id FROM plain.%2$I WHERE %3$s) '
                   'SELECT (SELECT count(*) FROM f), '
                   '(SELECT count(*) FROM (SELECT * FROM f EXCEPT ALL SELECT * FROM p) AS x), '
                   '(SELECT count(*) FROM (SELECT * FROM p EXCEPT ALL SELECT * FROM f) AS x)',
                   server, relation, condition) INTO n, more, less;
    RETURN NEXT n || CASE n WHEN 1 THEN ' row' ELSE ' rows' END ||
        CASE WHEN more + less > 0
             THEN format(', WRONG: %s too many, %s missing', more, less) ELSE '' END;
    RETURN QUERY SELECT CASE WHEN count(*) > 1 THEN count(*) || ' x ' ELSE '' END || r
        FROM requests() WITH ORDINALITY AS t (r, n) GROUP BY r ORDER BY min(t.n);
END
$$;

SELECT resource, environment, count(*) FROM emulator.oracle GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM plain.runs;
SELECT requests();

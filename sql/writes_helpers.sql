-- Included by the other writes_* files; not a test of its own.
\pset format unaligned
\pset tuples_only on
\pset null NULL
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SET trigger_fdw.warn_in_transaction = off;

-- Run a statement: its error, or the number of rows affected, and then the
-- requests that it took, equal ones in a row once.  What matches "mask" is
-- equal.
CREATE FUNCTION pg_temp.did(statement text, mask text DEFAULT '$none') RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
    message text;
    detail text;
    hint text;
    context text;
BEGIN
    PERFORM requests();
    BEGIN
        EXECUTE statement;
        GET DIAGNOSTICS rows = ROW_COUNT;
        RETURN NEXT rows || CASE rows WHEN 1 THEN ' row' ELSE ' rows' END;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
            hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
        RETURN NEXT concat_ws(E'\n', SQLSTATE || ': ' || message,
            -- a connection can break in several ways
            'DETAIL: ' || regexp_replace(replace(nullif(detail, ''), (SELECT url FROM emulator.address), '<url>'),
                'the connection was closed before the answer began|(Recv|Send) failure: [^.]*', '<connection lost>'), 'HINT: ' || nullif(hint, ''),
            'CONTEXT: ' || left(substring(context, 'foreign table "[^"]*": [^\n]*'), 200));
    END;
    RETURN QUERY SELECT CASE WHEN count(*) > 1 THEN count(*) || ' x ' ELSE '' END || r
        FROM (SELECT r, n, n - row_number() OVER (PARTITION BY r ORDER BY n) AS g
              FROM requests() WITH ORDINALITY AS t (line, n), regexp_replace(line, mask, '*') AS r) AS x
        GROUP BY r, g ORDER BY min(x.n);
END
$$;

-- The bodies that were sent since the last look; what is random, masked.
CREATE FUNCTION pg_temp.bodies() RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$
    SELECT format('%s %s %s', r->>'method', r->>'path',
                  left(regexp_replace(regexp_replace(r->>'body', 'trigger_fdw_[0-9a-f]{32}',
                                                'trigger_fdw_<random>', 'g'),
                                 'trigger_fdw probe [0-9a-f]{32}', 'trigger_fdw probe <random>', 'g'), 1000))
    FROM emulator.call('GET', 'requests.json?take=1') AS line, jsonb_array_elements(line::jsonb) AS r
    WHERE r->>'body' <> ''
$$;

-- What was really changed since the last look.
CREATE FUNCTION pg_temp.changes() RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$
    SELECT format('%s %s: %s', w->>'environment', w->>'kind',
                  (SELECT string_agg(i, ' ') FROM jsonb_array_elements_text(w->'ids') AS i))
    FROM emulator.call('GET', 'writes?take=1') AS line, jsonb_array_elements(line::jsonb) AS w
$$;

-- Kinds of changes since the last look, and how many.  (A cancel that has been
-- asked for is over some time later, on a slow machine before this looks.)
CREATE FUNCTION pg_temp.change_counts() RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$
    SELECT format('%s %s x %s', w->>'environment', w->>'kind', count(*))
    FROM emulator.call('GET', 'writes?take=1') AS line, jsonb_array_elements(line::jsonb) AS w
    WHERE w->>'kind' <> 'run.canceled'
    GROUP BY w->>'environment', w->>'kind' ORDER BY 1
$$;

-- Rows as the API has them now.
CREATE FUNCTION pg_temp.api(resource text, environment text DEFAULT 'prod') RETURNS SETOF jsonb
LANGUAGE sql VOLATILE AS $$
    SELECT line::jsonb FROM emulator.call('GET', format('oracle/%s?environment=%s', resource, environment)) AS line
$$;

CREATE FUNCTION pg_temp.run(id text) RETURNS jsonb
LANGUAGE sql VOLATILE AS $$ SELECT r FROM pg_temp.api('run_details') AS r WHERE r->>'id' = id $$;

--
-- A local copy of the runs, kept up to date by pg_cron.
--
--     psql -v ON_ERROR_STOP=1 -f examples/sync-runs.sql
--
-- as the role that the job shall run as; README.md beside this file says what
-- that role needs.  Running it again changes nothing but the code.  Variables:
--
--     -v remote=trigger.runs          the foreign table
--     -v schedule='*/5 * * * *'       when to refresh
--     -v span='90 days'               only runs that are younger; default: all
--
\if :{?remote}
\else
    \set remote trigger.runs
\endif
\if :{?schedule}
\else
    \set schedule '*/5 * * * *'
\endif
\if :{?span}
\else
    \set span ''
\endif

CREATE SCHEMA IF NOT EXISTS trigger_sync;

--
-- The copy.  No column is there that the API only filters by or only takes.
--
CREATE TABLE IF NOT EXISTS trigger_sync.runs AS
SELECT id, status, task_identifier, idempotency_key_hash, version, is_test, created_at,
       updated_at, started_at, finished_at, delayed_until, ttl, expired_at, tags,
       cost_in_cents, base_cost_in_cents, duration_ms, depth, metadata, task_kind, region,
       environment, env_id, env_user
FROM :remote
WITH NO DATA;

CREATE UNIQUE INDEX IF NOT EXISTS runs_id ON trigger_sync.runs (id);
CREATE INDEX IF NOT EXISTS runs_created_at ON trigger_sync.runs (created_at);
-- those that may still change
CREATE INDEX IF NOT EXISTS runs_open ON trigger_sync.runs (created_at)
WHERE status NOT IN ('COMPLETED', 'CANCELED', 'FAILED', 'CRASHED', 'SYSTEM_FAILURE', 'EXPIRED',
                     'TIMED_OUT');

--
-- How far each copy is.
--
CREATE TABLE IF NOT EXISTS trigger_sync.progress (
    local regclass PRIMARY KEY,
    remote regclass NOT NULL,
    mark timestamptz,           -- created_at of the newest run that is known
    rows bigint NOT NULL DEFAULT 0,
    last_success timestamptz,
    duration interval,          -- these are the last refresh's
    requests bigint,
    added bigint,
    changed bigint,
    open bigint,                -- runs that may still change
    unanswered bigint           -- of these, what the API does not show any more
);

-- Ranges of created_at below the mark that have not been fetched yet, bounds
-- included: what was too much for one refresh.
CREATE TABLE IF NOT EXISTS trigger_sync.gap (
    local regclass NOT NULL REFERENCES trigger_sync.progress ON DELETE CASCADE,
    oldest timestamptz NOT NULL,
    newest timestamptz NOT NULL
);

CREATE OR REPLACE VIEW trigger_sync.state AS
SELECT p.local, p.remote, p.last_success, now() - p.last_success AS lag, p.rows, p.mark,
       g.behind IS NULL AS complete, g.behind, p.open, p.unanswered, p.added, p.changed,
       p.requests, p.duration
FROM trigger_sync.progress p
     CROSS JOIN LATERAL (SELECT max(newest) AS behind FROM trigger_sync.gap
                         WHERE local = p.local) g;

--
-- The fewest ranges that have all open runs created from `since` up to before
-- `until`, none with more known runs than one page of the list has.
--
CREATE OR REPLACE FUNCTION trigger_sync.ranges(local_table regclass, since timestamptz,
                                               until timestamptz, except_ids text[])
RETURNS TABLE (oldest timestamptz, newest timestamptz)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    at timestamptz;
    page_end timestamptz;
BEGIN
    FOR at IN EXECUTE format(
        'SELECT created_at FROM %s WHERE status NOT IN (''COMPLETED'', ''CANCELED'', ''FAILED'', '
        '''CRASHED'', ''SYSTEM_FAILURE'', ''EXPIRED'', ''TIMED_OUT'') '
        'AND created_at >= $1 AND created_at < $2 AND id <> ALL ($3) '
        'ORDER BY created_at', local_table) USING since, until, except_ids
    LOOP
        IF oldest IS NOT NULL AND at <= page_end THEN
            newest := at;
            CONTINUE;
        END IF;
        IF oldest IS NOT NULL THEN
            RETURN NEXT;
        END IF;
        oldest := at;
        newest := at;
        EXECUTE format('SELECT created_at FROM %s WHERE created_at >= $1 '
                       'ORDER BY created_at OFFSET 99 LIMIT 1', local_table)
        INTO page_end USING at;
        page_end := coalesce(page_end, 'infinity');
    END LOOP;
    IF oldest IS NOT NULL THEN
        RETURN NEXT;
    END IF;
END
$$;

--
-- One refresh.  All of it is one transaction: rows, mark and gaps move
-- together or not at all.
--
--     local_table     the copy; needs a unique index on id
--     remote_table    the foreign table
--     span            fetch, and look again at, only runs that are younger
--     overlap         how late a run may appear in the list
--     max_rows        fetch at most about so many new rows; the next refresh
--                     goes on (newest first, then back in time)
--
CREATE OR REPLACE PROCEDURE trigger_sync.refresh(
    local_table regclass, remote_table regclass, span interval DEFAULT NULL,
    overlap interval DEFAULT '5 minutes', max_rows integer DEFAULT 10000)
LANGUAGE plpgsql AS $$
DECLARE
    began CONSTANT timestamptz := clock_timestamp();
    since CONSTANT timestamptz := coalesce(now() - span, 'epoch');
    -- words that the API can filter by; any other status is looked up by time
    open_statuses CONSTANT text := '(''DELAYED'', ''QUEUED'', ''PENDING_VERSION'', ''DEQUEUED'', '
                                   '''EXECUTING'', ''WAITING'')';
    final_statuses CONSTANT text := '(''COMPLETED'', ''CANCELED'', ''FAILED'', ''CRASHED'', '
                                    '''SYSTEM_FAILURE'', ''EXPIRED'', ''TIMED_OUT'')';
    server_name name;
    requests_before bigint;
    store text;                 -- fetch rows and keep them; %s is the condition
    known trigger_sync.progress;
    budget bigint;
    piece record;
    seen record;
    fetched_from timestamptz;   -- all from here on was fetched just now
    due text[];                 -- open runs to look at
    answered text[] := '{}';    -- those, and others, that the API has shown
    oldest_due timestamptz;
    newest_due timestamptz;
    range record;
    rows_added bigint := 0;
    rows_changed bigint := 0;
    still_open bigint;
BEGIN
    -- held until the transaction ends, however it ends
    IF NOT pg_try_advisory_xact_lock('trigger_sync.progress'::regclass::oid::integer,
                                     local_table::oid::integer) THEN
        RAISE NOTICE 'another refresh of % is under way', local_table;
        RETURN;
    END IF;

    SELECT s.srvname INTO STRICT server_name
    FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver
    WHERE t.ftrelid = remote_table;
    SELECT sum(requests) INTO requests_before FROM trigger_fdw_stats() WHERE server = server_name;

    INSERT INTO trigger_sync.progress (local, remote) VALUES (local_table, remote_table)
    ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT known FROM trigger_sync.progress WHERE local = local_table;
    IF known.remote <> remote_table THEN
        RAISE EXCEPTION '% is a copy of %, not of %', local_table, known.remote, remote_table;
    END IF;

    -- A row that has not changed is not written.  (xmax is 0 in a new row.)
    SELECT format('WITH seen AS MATERIALIZED (SELECT %1$s FROM %2$s WHERE %%s), '
                  'stored AS (INSERT INTO %3$s AS old (%1$s) SELECT %1$s FROM seen '
                  'ON CONFLICT (id) DO UPDATE SET (%1$s) = ROW (%4$s) '
                  'WHERE (%5$s) IS DISTINCT FROM (%4$s) RETURNING old.xmax = 0 AS added) '
                  'SELECT count(*) AS rows, min(created_at) AS oldest, max(created_at) AS newest, '
                  'coalesce(array_agg(id), ''{}'') AS ids, '
                  '(SELECT count(*) FROM stored WHERE added) AS added, '
                  '(SELECT count(*) FROM stored WHERE NOT added) AS changed FROM seen',
                  string_agg(quote_ident(attname), ', '), remote_table, local_table,
                  string_agg('excluded.' || quote_ident(attname), ', '),
                  string_agg('old.' || quote_ident(attname), ', '))
    INTO store
    FROM pg_attribute
    WHERE attrelid = local_table AND attnum > 0 AND NOT attisdropped
      AND attname IN (SELECT attname FROM pg_attribute
                      WHERE attrelid = remote_table AND attnum > 0);

    --
    -- New runs, and what former refreshes have left.  The known ones that
    -- come along do not count.
    --
    EXECUTE format('SELECT $1 + count(*) FROM %s WHERE created_at >= $2', local_table)
    INTO budget USING max_rows, known.mark - overlap;
    DELETE FROM trigger_sync.gap AS g
    WHERE g.local = local_table AND g.oldest >= known.mark - overlap;
    INSERT INTO trigger_sync.gap
    VALUES (local_table, greatest(known.mark - overlap, since), 'infinity');
    FOR piece IN SELECT g.ctid, g.oldest, g.newest FROM trigger_sync.gap AS g
               WHERE g.local = local_table ORDER BY g.newest DESC
    LOOP
        EXECUTE format(store, 'created_at >= $1 AND created_at <= $2 '
                              'ORDER BY created_at DESC LIMIT $3')
        INTO seen USING piece.oldest, piece.newest, budget;
        rows_added := rows_added + seen.added;
        rows_changed := rows_changed + seen.changed;
        known.mark := greatest(known.mark, seen.newest);
        IF seen.rows < budget THEN
            fetched_from := coalesce(fetched_from, piece.oldest);
            DELETE FROM trigger_sync.gap WHERE ctid = piece.ctid;
            budget := budget - seen.rows;
            CONTINUE;
        END IF;

        -- Others of the oldest one's millisecond, so that the next refresh can
        -- go on below it.
        fetched_from := coalesce(fetched_from, seen.oldest);
        UPDATE trigger_sync.gap SET newest = seen.oldest - interval '1 millisecond'
        WHERE ctid = piece.ctid;
        EXECUTE format(store, 'created_at = $1') INTO seen USING seen.oldest;
        rows_added := rows_added + seen.added;
        rows_changed := rows_changed + seen.changed;
        EXIT;
    END LOOP;

    --
    -- Runs that were not over at the last look.  The list tells which of them
    -- still are not; only the others have to be looked up, a page of the list
    -- for as many as it has.  If that alone is as cheap, it is all.
    --
    EXECUTE format('SELECT array_agg(id), min(created_at), max(created_at) FROM %s WHERE status '
                   'NOT IN %s AND created_at >= $1 AND created_at < $2',
                   local_table, final_statuses)
    INTO due, oldest_due, newest_due USING since, fetched_from;
    IF (SELECT count(*) FROM trigger_sync.ranges(local_table, since, fetched_from, '{}'))
       > ceil(cardinality(due) / 100.0) THEN
        EXECUTE format(store, 'created_at >= $1 AND created_at <= $2 AND status IN '
                              || open_statuses)
        INTO seen USING oldest_due, newest_due;
        answered := seen.ids;
        rows_added := rows_added + seen.added;
        rows_changed := rows_changed + seen.changed;
    END IF;
    FOR range IN SELECT * FROM trigger_sync.ranges(local_table, since, fetched_from, answered)
    LOOP
        EXECUTE format(store, 'created_at >= $1 AND created_at <= $2')
        INTO seen USING range.oldest, range.newest;
        answered := answered || seen.ids;
        rows_added := rows_added + seen.added;
        rows_changed := rows_changed + seen.changed;
    END LOOP;

    EXECUTE format('SELECT count(*) FROM %s WHERE status NOT IN %s', local_table, final_statuses)
    INTO still_open;
    UPDATE trigger_sync.progress AS p
    SET mark = known.mark,
        rows = p.rows + rows_added,
        last_success = clock_timestamp(),
        duration = clock_timestamp() - began,
        requests = (SELECT sum(s.requests) FROM trigger_fdw_stats() AS s
                    WHERE s.server = server_name) - coalesce(requests_before, 0),
        added = rows_added,
        changed = rows_changed,
        open = still_open,
        unanswered = (SELECT count(*) FROM unnest(due) AS id WHERE id <> ALL (answered))
    WHERE p.local = local_table;
END
$$;

--
-- The job.  It runs as the role that schedules it, with that role's mapping.
--
SELECT cron.schedule('trigger-sync-runs', :'schedule', format(
    'CALL trigger_sync.refresh(%L, %L, span => %L)', 'trigger_sync.runs', :'remote',
    nullif(:'span', '')));

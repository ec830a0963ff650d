--
-- Cancel, every night, the runs that have been waiting for too long.
--
--     psql -v ON_ERROR_STOP=1 -f examples/cancel-stale-runs.sql
--
-- as the role that the job shall run as; README.md beside this file says what
-- that role needs.  Running it again changes nothing but the code.  Variables:
--
--     -v remote=trigger.runs              the foreign tables
--     -v details=trigger.run_details
--     -v schedule='17 3 * * *'            when
--     -v queued_for='1 day'               how long a run may be queued
--     -v delayed_for='30 days'            how long one may be delayed
--
\if :{?remote}
\else
    \set remote trigger.runs
\endif
\if :{?details}
\else
    \set details trigger.run_details
\endif
\if :{?schedule}
\else
    \set schedule '17 3 * * *'
\endif
\if :{?queued_for}
\else
    \set queued_for '1 day'
\endif
\if :{?delayed_for}
\else
    \set delayed_for '30 days'
\endif

CREATE SCHEMA IF NOT EXISTS trigger_cancel;

--
-- What was to be canceled, and what became of it.  A row is committed before
-- its run is canceled, because that cannot be rolled back; a row without an
-- outcome is what a job has left that did not get to its end.
--
CREATE TABLE IF NOT EXISTS trigger_cancel.log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    picked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    remote regclass NOT NULL,           -- the foreign table that it was found in
    run_id text COLLATE "C" NOT NULL,
    task_identifier text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,   -- when it was picked
    waiting_since timestamptz NOT NULL,
    canceled_at timestamptz,            -- when the API took the call
    outcome text CHECK (outcome IN (
        'canceled',                     -- it is
        'left',                         -- it had begun, or was over
        'gone',                         -- the API does not know it any more
        'failed')),                     -- the API refused
    final_status text COLLATE "C",      -- when the outcome was noted
    error text,
    decided_at timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS log_undecided ON trigger_cancel.log (remote, run_id)
WHERE outcome IS NULL;

--
-- Cancel runs that have not begun, and
--     have been queued (since their delay has ended, if they had one) for
--     longer than `queued_for`, or
--     are delayed, and were created longer than `delayed_for` ago (NULL: a
--     delay may be as long as it likes).
-- At most `max_runs` are picked; `batch_size` of them are one transaction.
--
-- Call it as a statement of its own: it commits.
--
CREATE OR REPLACE PROCEDURE trigger_cancel.cancel_stale(
    remote_table regclass, details_table regclass, queued_for interval,
    delayed_for interval DEFAULT NULL, batch_size integer DEFAULT 50,
    max_runs integer DEFAULT 1000, max_failures integer DEFAULT 5)
LANGUAGE plpgsql AS $$
DECLARE
    waiting CONSTANT text[] := '{QUEUED, PENDING_VERSION, DELAYED}';
    final CONSTANT text[] := '{COMPLETED, CANCELED, FAILED, CRASHED, SYSTEM_FAILURE, EXPIRED, '
                             'TIMED_OUT}';
    look CONSTANT text := format('SELECT coalesce(jsonb_object_agg(id, status), ''{}'') '
                                 'FROM %s WHERE id = ANY ($1)', details_table);
    server_name name;
    batch text[];               -- ids of runs
    last_row bigint := 0;
    statuses jsonb;             -- by id
    run text;
    failures integer := 0;
    hopeless text;              -- the error that ends all
BEGIN
    SELECT s.srvname INTO STRICT server_name
    FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver
    WHERE t.ftrelid = remote_table;

    EXECUTE format(
        'INSERT INTO trigger_cancel.log (remote, run_id, task_identifier, status, waiting_since) '
        'SELECT $4, id, task_identifier, status, greatest(created_at, delayed_until) FROM %s '
        'WHERE status IN (''QUEUED'', ''PENDING_VERSION'', ''DELAYED'') AND started_at IS NULL '
        'AND created_at < now() - least($1, $2) '
        'AND (greatest(created_at, delayed_until) < now() - $1 '
        'OR status = ''DELAYED'' AND created_at < now() - $2) '
        'LIMIT $3 '
        'ON CONFLICT (remote, run_id) WHERE outcome IS NULL DO NOTHING', remote_table)
    USING queued_for, delayed_for, max_runs, remote_table;
    COMMIT;

    -- Also what an earlier job has left.  Another job that is at work keeps
    -- its rows locked: they are not ours.
    LOOP
        PERFORM set_config('trigger_fdw.warn_in_transaction', 'off', true);
        SELECT array_agg(b.run_id), max(b.id) INTO batch, last_row
        FROM (SELECT l.id, l.run_id FROM trigger_cancel.log AS l
              WHERE l.remote = remote_table AND l.outcome IS NULL AND l.id > last_row
              ORDER BY l.id LIMIT batch_size FOR UPDATE SKIP LOCKED) AS b;
        EXIT WHEN batch IS NULL;

        -- Since they were picked, some may have begun.
        EXECUTE look INTO statuses USING batch;
        FOREACH run IN ARRAY batch LOOP
            CONTINUE WHEN (statuses ->> run) <> ALL (waiting) OR NOT statuses ? run;
            BEGIN
                PERFORM trigger_cancel_run(server_name, run);
                UPDATE trigger_cancel.log SET canceled_at = clock_timestamp()
                WHERE remote = remote_table AND run_id = run AND outcome IS NULL;
            EXCEPTION
                WHEN connection_exception OR invalid_authorization_specification
                     OR insufficient_privilege OR configuration_limit_exceeded THEN
                    hopeless := SQLERRM;
                WHEN OTHERS THEN
                    UPDATE trigger_cancel.log
                    SET outcome = 'failed', error = SQLERRM, final_status = statuses ->> run,
                        decided_at = clock_timestamp()
                    WHERE remote = remote_table AND run_id = run AND outcome IS NULL;
                    failures := failures + 1;
                    IF failures >= max_failures THEN
                        hopeless := SQLERRM;
                    END IF;
            END;
            EXIT WHEN hopeless IS NOT NULL;
        END LOOP;

        -- The API's "yes" to a cancel does not say that the run was not over.
        -- One that had begun in that moment ends later: the next job notes it.
        IF hopeless IS NULL THEN
            EXECUTE look INTO statuses USING batch;
            UPDATE trigger_cancel.log
            SET final_status = statuses ->> run_id,
                outcome = CASE WHEN NOT statuses ? run_id THEN 'gone'
                               WHEN statuses ->> run_id = 'CANCELED' THEN 'canceled'
                               ELSE 'left' END,
                decided_at = clock_timestamp()
            WHERE remote = remote_table AND run_id = ANY (batch) AND outcome IS NULL
              AND (NOT statuses ? run_id OR statuses ->> run_id = ANY (final)
                   OR canceled_at IS NULL AND statuses ->> run_id <> ALL (waiting));
        END IF;
        COMMIT;
        IF hopeless IS NOT NULL THEN
            RAISE EXCEPTION 'canceling stopped: %', hopeless;
        END IF;
    END LOOP;
END
$$;

--
-- The job.  It runs as the role that schedules it, with that role's mapping.
--
SELECT cron.schedule('trigger-cancel-stale-runs', :'schedule', format(
    'CALL trigger_cancel.cancel_stale(%L, %L, %L, %L)', :'remote', :'details', :'queued_for',
    nullif(:'delayed_for', '')));

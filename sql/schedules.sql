--
-- Tables "schedules" and "timezones".
--
\pset format unaligned
\pset tuples_only on
\pset null NULL
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
CALL reset_emulator();
SELECT row->>'id' AS newest FROM emulator.oracle
WHERE resource = 'schedules' AND environment = 'prod' ORDER BY (row->'_'->>'position')::int LIMIT 1 \gset
SELECT row->>'id' AS inactive FROM emulator.oracle
WHERE resource = 'schedules' AND environment = 'prod' AND row->>'active' = 'false' ORDER BY (row->'_'->>'position')::int LIMIT 1 \gset

-- pages by number
SELECT count(*), count(DISTINCT id) FROM prod.schedules;
SELECT requests();
-- whatever the page size of the first, that of the others is the same
SELECT count(*) FROM (SELECT id FROM prod.schedules LIMIT 5) AS x;
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.schedules LIMIT 105) AS x;
SELECT requests();
ALTER FOREIGN TABLE prod.schedules OPTIONS (ADD page_size '80');
SELECT count(*) FROM prod.schedules WHERE active;
SELECT requests();
ALTER FOREIGN TABLE prod.schedules OPTIONS (DROP page_size);

-- all columns, both ways: by id the row is the same
CREATE TEMP TABLE listed AS SELECT * FROM prod.schedules;
SELECT count(*) FROM requests();
SELECT count(*) FROM listed AS l JOIN emulator.oracle AS o ON o.row->>'id' = l.id
WHERE o.resource = 'schedules' AND o.environment = 'prod'
  AND (type, task, active::text, cron, cron_description, timezone, schedule_window,
       deduplication_key, external_id) IS NOT DISTINCT FROM
      (row->>'type', row->>'task', row->>'active', row->'generator'->>'expression',
       row->'generator'->>'description', row->>'timezone', row->>'window',
       row->>'deduplicationKey', row->>'externalId')
  AND next_run IS NOT DISTINCT FROM CASE WHEN active THEN (row->>'nextRun')::timestamptz END
  AND next_run_effective_at IS NOT DISTINCT FROM
      CASE WHEN active THEN (row->>'nextRunEffectiveAt')::timestamptz END;
SELECT count(*), count(*) FILTER (WHERE l = f) FROM listed AS l,
    (SELECT * FROM prod.schedules AS s
     WHERE s.id = ANY (ARRAY(SELECT id FROM listed ORDER BY id LIMIT 12) || ARRAY[:'newest', :'inactive'])) AS f
WHERE l.id = f.id;
SELECT count(*), count(*) FILTER (WHERE r LIKE '%/schedules/sched_%') FROM requests() AS r;
SELECT count(deduplication_key), count(external_id), count(schedule_window), count(next_run), count(*) FROM listed;
SELECT environments FROM listed WHERE id = :'newest';
\x on
\pset tuples_only off
SELECT * FROM prod.schedules WHERE id = :'newest';
\x off
\pset tuples_only on
-- of an inactive one, the list shows a next run, retrieve none: it has none
SELECT active, next_run, next_run_effective_at FROM listed WHERE id = :'inactive';
SELECT active, next_run, next_run_effective_at FROM prod.schedules WHERE id = :'inactive';
SELECT requests();

-- look-ups
SELECT count(*) FROM prod.schedules WHERE id IN (:'newest', 'sched_none', '');
SELECT count(*) FROM prod.schedules WHERE id = :'newest' AND NOT active;
SELECT requests();
-- a deduplication key is not an id: the API, which takes it for one, is not asked
SELECT deduplication_key FROM listed WHERE deduplication_key IS NOT NULL ORDER BY 1 LIMIT 1 \gset
SELECT count(*) FROM prod.schedules WHERE id = :'deduplication_key';
SELECT requests();
SELECT id = (SELECT id FROM listed WHERE deduplication_key = :'deduplication_key')
FROM prod.schedules WHERE deduplication_key = :'deduplication_key';
SELECT requests();
-- conditions that the API does not know
SELECT task, count(*) FROM prod.schedules WHERE timezone = 'Asia/Tokyo' GROUP BY 1 ORDER BY 1;
SELECT requests();

-- Schedules that come or go while the list is read: none is missed or repeated.
CALL emulator_settings('{"schedule_drift": {"after_page": 1, "count": 3}}');
SELECT count(*) - count(DISTINCT id), count(*) FILTER (WHERE l.id IS NOT NULL)
FROM prod.schedules LEFT JOIN listed AS l USING (id);
SELECT requests();
CALL reset_emulator();
SELECT count(*) FROM prod.schedules;
SELECT count(*) FROM requests();
CALL emulator_settings('{"schedule_drift": {"after_page": 1, "action": "delete", "index": 0}}');
SELECT count(*) - count(DISTINCT id), count(DISTINCT l.id) FROM prod.schedules LEFT JOIN listed AS l USING (id);
SELECT requests();
CALL reset_emulator();

-- An environment that never had a worker lists none; by id they are there.
CALL create_server('stg', $$secret_key 'tr_stg_AlphaStagingRootKey00002'$$, $$max_retries '0'$$);
SELECT count(*) FROM stg.schedules;
SELECT count(*) FROM stg.schedules WHERE id = (SELECT min(row->>'id') FROM emulator.oracle
                                               WHERE resource = 'schedules' AND environment = 'stg');
SELECT count(*) FROM stg.schedules WHERE id = :'newest';
SELECT requests();
SET client_min_messages = warning;
DROP SERVER stg CASCADE;
DROP SCHEMA stg;

-- time zones need no credential, and do not get any
SELECT name FROM prod.timezones LIMIT 3;
SELECT count(*) = count(DISTINCT name), count(*) > 400 FROM pat.timezones;
SELECT count(*) FROM prod.timezones WHERE name IN ('Europe/Paris', 'US/None');
SELECT r->>'path', r->'headers' ? 'authorization' FROM emulator.call('GET', 'requests.json?take=1') AS line,
     jsonb_array_elements(line::jsonb) AS r;

--
-- Pages: which are asked for, when a list ends, and what goes wrong.
--
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
CALL reset_emulator();

-- A LIMIT asks for no more rows than it needs, and for no more pages.  Among
-- the newest rows are two that the index knows but that are gone, so a page
-- of 10 has 9 rows, and one of 100 has 98.
SELECT count(*) FROM (SELECT id FROM prod.runs LIMIT 10) AS x;
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.runs LIMIT 100) AS x;
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.runs LIMIT 101) AS x;
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.runs LIMIT 1000) AS x;
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.runs LIMIT 0) AS x;
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.runs OFFSET 20 LIMIT 10) AS x;
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.runs OFFSET 200) AS x;
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.runs WHERE status = 'COMPLETED' LIMIT 5) AS x;
SELECT requests();
-- a condition that the API does not know makes the number useless
SELECT count(*) FROM (SELECT id FROM prod.runs WHERE duration_ms > 3000 LIMIT 2) AS x;
SELECT requests();
PREPARE first_rows (int) AS SELECT id FROM prod.runs LIMIT $1;
SET plan_cache_mode = force_generic_plan;
CREATE TEMP TABLE first_rows AS EXECUTE first_rows (3);
SELECT count(*) FROM first_rows;
SELECT requests();
RESET plan_cache_mode;

-- The newest first: the list's own order, no sort.
SELECT status, created_at FROM prod.runs ORDER BY created_at DESC LIMIT 2;
SELECT requests();
SELECT count(*), min(created_at) FROM (SELECT * FROM prod.runs ORDER BY created_at DESC LIMIT 150) AS x;
SELECT requests();
SELECT created_at FROM prod.runs WHERE task_identifier IN ('chat-agent', 'hourly-sync')
ORDER BY created_at DESC LIMIT 2;
SELECT requests();
SELECT max(created_at) FROM prod.runs;
SELECT requests();
-- NULLS LAST makes no difference, because there are none
SELECT created_at FROM prod.runs ORDER BY created_at DESC NULLS LAST LIMIT 1;
SELECT requests();
-- any other order needs all rows
SELECT created_at FROM prod.runs ORDER BY created_at LIMIT 1;
SELECT requests();
SELECT duration_ms FROM prod.runs ORDER BY duration_ms DESC LIMIT 1;
SELECT requests();
-- with the time first, the rest is sorted among equal times only
SELECT created_at, id = max(id) OVER () FROM prod.runs
WHERE created_at = '2026-05-29 00:00+00' ORDER BY created_at DESC, id DESC LIMIT 1;
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.runs ORDER BY created_at DESC, id LIMIT 3) AS x;
SELECT requests();
-- the order is that of the plain table
SELECT count(*) FROM
    (SELECT row_number() OVER () AS n, created_at
     FROM (SELECT created_at FROM prod.runs ORDER BY created_at DESC) AS x) AS f
    JOIN (SELECT row_number() OVER (ORDER BY created_at DESC) AS n, created_at FROM plain.runs) AS p
    USING (n, created_at);
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.runs ORDER BY created_at DESC FETCH FIRST 3 ROWS WITH TIES) AS x;
SELECT requests();

-- Cursors fetch pages as they are used.
BEGIN;
DECLARE c CURSOR FOR SELECT created_at FROM prod.runs;
SELECT requests();
FETCH 1 FROM c;
SELECT requests();
MOVE 90 IN c;
SELECT requests();
CLOSE c;
DECLARE s SCROLL CURSOR FOR SELECT created_at FROM prod.runs ORDER BY created_at DESC;
FETCH 2 FROM s;
FETCH PRIOR FROM s;
CLOSE s;
SELECT requests();
COMMIT;

-- A cursor that is read to the end after other queries have used the connection.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM prod.runs;
MOVE 50 IN c;
SELECT count(*) FROM prod.runs WHERE status = 'FAILED';
MOVE ALL IN c;
COMMIT;
SELECT requests();

-- EXISTS and the like stop early.
SELECT EXISTS (SELECT FROM prod.runs WHERE status = 'FAILED');
SELECT requests();
SELECT (SELECT id IS NOT NULL FROM prod.runs LIMIT 1);
SELECT requests();

-- page_size of a table
ALTER FOREIGN TABLE prod.runs OPTIONS (ADD page_size '40');
SELECT filter($$task_identifier = 'process-order'$$);
ALTER FOREIGN TABLE prod.runs OPTIONS (DROP page_size);

-- Short and empty pages do not end a list; only a missing cursor does.
CALL emulator_settings('{"page_short": true}');
SELECT filter($$status <> 'COMPLETED'$$);
CALL emulator_settings('{"page_short": null, "empty_pages": 2}');
SELECT filter($$status = 'FAILED'$$);
CALL emulator_settings('{"empty_pages": 1}');
SELECT count(*) FROM (SELECT id FROM prod.runs LIMIT 5) AS x;
SELECT requests();
CALL emulator_settings('{"empty_pages": null}');
-- these come short by themselves: the index knows rows that are gone
SELECT filter($$created_at BETWEEN '2026-05-11 00:00+00' AND '2026-05-13 00:00+00'$$);
SELECT count(*) FROM (SELECT id FROM prod.runs WHERE created_at < '2026-05-13 00:00+00' LIMIT 10) AS x;
SELECT requests();

-- A row that comes twice is delivered once.
CALL emulator_settings('{"repeat_rows": 3}');
SELECT filter($$status <> 'EXPIRED'$$);
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM prod.runs ORDER BY created_at DESC LIMIT 150) AS x;
SELECT requests();
CALL emulator_settings('{"repeat_rows": null}');

-- A cursor that leads nowhere is an error, not an endless loop.
CALL emulator_settings('{"repeat_cursor": true}');
SELECT failure('SELECT id FROM prod.runs');
SELECT requests();
CALL emulator_settings('{"repeat_cursor": null}');

-- An order that is not the promised one is noticed where it matters.
CALL emulator_settings('{"unordered": true}');
SELECT failure('SELECT id FROM prod.runs ORDER BY created_at DESC');
CALL emulator_settings('{"unordered": null}');

-- An error on a later page: no rows are passed off as all.
CALL faults('{"match": {"path_regex": "after"}, "action": {"kind": "status", "status": 500}}');
SELECT failure('SELECT count(*) FROM prod.runs');
SELECT requests();
CALL faults();
-- but a LIMIT that the first page satisfies never sees it
CALL faults('{"match": {"path_regex": "after"}, "action": {"kind": "status", "status": 500}}');
SELECT count(*) FROM (SELECT id FROM prod.runs LIMIT 5) AS x;
SELECT requests();
CALL faults();

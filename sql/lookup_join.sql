--
-- Joins that look up many ids at once.  Whatever they are asked, the rows are
-- those that a nested loop finds, and those of plain tables.
--
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
CALL reset_emulator();

CREATE TEMP TABLE ids (n int, id text COLLATE "C", grp int, word text);
INSERT INTO ids SELECT row_number() OVER (), id, n % 3, left(md5(id), 2) FROM (
    SELECT id, row_number() OVER (ORDER BY md5(id)) AS n FROM plain.runs LIMIT 20) AS r;
-- some twice, some of nothing, some that name nothing
INSERT INTO ids SELECT n + 20, id, grp, word FROM ids WHERE n IN (1, 2, 20);
INSERT INTO ids VALUES (24, NULL, 0, 'x'), (25, 'run_none', 1, 'y'), (26, 'nonsense', 2, 'z'), (27, '', 0, ''),
    (28, NULL, 1, NULL);
ANALYZE ids;

-- The plan without costs.
CREATE FUNCTION plan_of(query text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query;
END
$$;

-- The plan as it was executed.
CREATE FUNCTION analyzed(query text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) ' || query;
END
$$;

-- Run a query with look-ups in batches, one by one, and on the plain tables.
CREATE FUNCTION same(query text, ordered boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    batched text[];
    single text[];
    plain text[];
    list text := CASE WHEN ordered THEN 'SELECT array_agg(q::text) FROM (%s) AS q'
                      ELSE 'SELECT array_agg(q::text ORDER BY q::text) FROM (%s) AS q' END;
    used boolean;
BEGIN
    SELECT bool_or(line LIKE '%Lookup Join%') INTO used FROM plan_of(query) AS line;
    EXECUTE format(list, query) INTO batched;
    SET LOCAL trigger_fdw.enable_batched_lookups = off;
    EXECUTE format(list, query) INTO single;
    EXECUTE format(list, replace(query, 'prod.', 'plain.')) INTO plain;
    SET LOCAL trigger_fdw.enable_batched_lookups = on;
    RETURN format('%s rows, %s%s', coalesce(cardinality(batched), 0),
                  CASE WHEN batched IS NOT DISTINCT FROM single AND batched IS NOT DISTINCT FROM plain
                       THEN 'same' ELSE 'DIFFERENT' END,
                  CASE WHEN used THEN '' ELSE ', not looked up in batches' END);
END
$$;
SET enable_hashjoin = off;
SET enable_mergejoin = off;

--
-- Plans.
--
SELECT plan_of('SELECT i.n, d.status FROM ids i JOIN prod.run_details d ON d.id = i.id');
SELECT plan_of('SELECT i.n, d.status FROM ids i LEFT JOIN prod.run_details d ON i.id = d.id AND d.depth > i.grp
                AND d.is_test WHERE d.id IS NULL OR d.region > i.word');
SELECT plan_of('SELECT i.n FROM ids i WHERE EXISTS (SELECT FROM prod.run_details d WHERE d.id = i.id)');
SELECT plan_of('SELECT i.n FROM ids i WHERE NOT EXISTS (SELECT FROM prod.run_details d WHERE d.id = i.id)');
SELECT plan_of('SELECT status FROM prod.run_details WHERE id IN (SELECT id FROM ids)');
SELECT plan_of('SELECT i.n, r.created_at FROM ids i JOIN prod.runs r ON r.id = i.id || $$$$ ORDER BY 1 LIMIT 3');
SELECT requests();
EXPLAIN (VERBOSE, COSTS off)
SELECT i.n + 1 AS n, upper(d.status) AS status FROM ids i JOIN prod.run_details d ON d.id = i.id AND d.depth < i.n;
EXPLAIN (FORMAT json, COSTS off) SELECT 1 FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id;
-- the order of the outer rows stays
CREATE INDEX ON ids (n);
SET enable_seqscan = off;
SELECT plan_of('SELECT i.n, d.status FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id ORDER BY i.n');
RESET enable_seqscan;
SELECT plan_of('SELECT r.id, d.output FROM prod.runs r JOIN prod.run_details d ON d.id = r.id
                WHERE r.status = $$FAILED$$ ORDER BY r.created_at DESC LIMIT 5');

--
-- Rows, and what they cost.
--
SELECT same('SELECT i.n, d.status, d.metadata, d.output FROM ids i JOIN prod.run_details d ON d.id = i.id');
SELECT count(*), count(DISTINCT r) FROM requests() AS r WHERE r LIKE '%/v3/%';
SELECT i.n, d.status FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id WHERE i.n > 17 ORDER BY 1;
SELECT requests();
SELECT same('SELECT i.n, d.id, d.status FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id');
SELECT same('SELECT i.n, d.* FROM ids i LEFT JOIN (SELECT id, status, created_at FROM prod.run_details) d ON d.id = i.id');
SELECT same('SELECT i.n, d.status FROM ids i JOIN prod.runs d ON d.id = i.id');
SELECT same('SELECT i.n, d.status FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id AND d.depth >= i.grp');
SELECT same('SELECT i.n, d.status FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id AND i.grp = 1');
SELECT same('SELECT i.n, d.status FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id AND d.status = $$COMPLETED$$');
SELECT same('SELECT i.n, d.status FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id WHERE d.status IS DISTINCT FROM $$COMPLETED$$');
SELECT same('SELECT i.n FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id WHERE d.id IS NULL');
SELECT same('SELECT i.n, i.id FROM ids i WHERE EXISTS (SELECT FROM prod.run_details d WHERE d.id = i.id AND d.depth <= i.grp)');
SELECT same('SELECT i.n, i.id FROM ids i WHERE NOT EXISTS (SELECT FROM prod.run_details d WHERE d.id = i.id AND d.depth <= i.grp)');
SELECT same('SELECT d.id, d.status FROM prod.run_details d WHERE d.id IN (SELECT id FROM ids)');
SELECT same('SELECT i.n, d.status FROM ids i JOIN prod.run_details d ON d.id = i.id AND d.id <> i.word AND i.id || d.region > d.id');
-- constants and expressions of the nullable side
SELECT same('SELECT i.n, q.one, q.st, q.tags FROM ids i LEFT JOIN (SELECT id, 1 AS one, coalesce(status, $$?$$) AS st, tags
             FROM prod.run_details) q ON q.id = i.id');
-- sub-selects in conditions
SELECT same('SELECT i.n, d.status FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id AND d.depth <
             (SELECT count(*) FROM ids x WHERE x.grp = i.grp AND x.word > d.task_identifier)');
SELECT same('SELECT i.n, d.status FROM ids i JOIN prod.run_details d ON d.id = i.id || (SELECT $$$$)');
SELECT same('SELECT i.n, d.status FROM ids i JOIN prod.run_details d ON d.id = i.id AND d.depth < (SELECT max(grp) FROM ids)');
-- a whole row, and where it is from
SELECT same('SELECT i.n, (q.d).status, (q.d).id FROM (SELECT i AS i, d AS d FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id) q,
             LATERAL (SELECT (q.i).n) i');
SELECT n, d.tableoid::regclass, d IS NULL FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id WHERE n IN (3, 24) ORDER BY 1;
-- LIMIT
SELECT count(*) >= 0 FROM requests();
SELECT count(*) FROM (SELECT d.status FROM ids i JOIN prod.run_details d ON d.id = i.id LIMIT 1) x;
SELECT count(*) FROM requests();
SELECT count(*) FROM (SELECT d.status FROM ids i JOIN prod.run_details d ON d.id = i.id LIMIT 5) x;
SELECT count(*) FROM requests();
SELECT same('SELECT i.n, d.status FROM ids i JOIN prod.run_details d ON d.id = i.id ORDER BY i.n LIMIT 7', true);
SELECT same('SELECT i.n, d.status FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id ORDER BY i.n OFFSET 20 LIMIT 9', true);
-- grouped, sorted by the inner side, distinct
SELECT same('SELECT i.grp, count(*), count(d.id), max(d.created_at) FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id GROUP BY 1');
SELECT same('SELECT d.created_at, i.n FROM ids i JOIN prod.run_details d ON d.id = i.id ORDER BY 1 DESC, 2 LIMIT 4', true);
SELECT same('SELECT DISTINCT d.status FROM ids i JOIN prod.run_details d ON d.id = i.id');
-- a self-join: the list, and the details of what it shows
SELECT same('SELECT r.id, r.task_kind, d.attempt_count FROM prod.runs r JOIN prod.run_details d ON d.id = r.id
             WHERE r.status = $$FAILED$$ ORDER BY r.created_at DESC, r.id', true);
-- as a side of other joins
SELECT same('SELECT o.n, q.n, q.status FROM ids o LEFT JOIN (SELECT i.n, i.grp, d.status FROM ids i JOIN prod.run_details d
             ON d.id = i.id) q ON q.grp = o.n WHERE o.n < 4');
SELECT same('SELECT i.n, d.status, r.depth FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id LEFT JOIN prod.runs r ON r.id = d.id');
-- once for each row of something else
SELECT same('SELECT o, (SELECT string_agg(d.status, $$,$$ ORDER BY i.n) FROM ids i JOIN prod.run_details d ON d.id = i.id
             WHERE i.grp = o) FROM generate_series(0, 3) o');
SELECT same('SELECT o, (SELECT count(*) FROM ids i JOIN prod.run_details d ON d.id = i.id AND d.depth < o) FROM generate_series(0, 3) o');
SELECT same('SELECT o, (SELECT count(*) FROM ids i JOIN prod.run_details d ON d.id = i.id WHERE d.task_identifier || i.grp NOT IN
             (SELECT task_identifier || o FROM plain.runs WHERE depth < o)) FROM generate_series(0, 3) o');
SELECT same('SELECT o, (SELECT count(*) FROM ids i JOIN prod.run_details d ON d.id = i.id WHERE d.task_identifier NOT IN
             (SELECT task_identifier FROM plain.runs WHERE length(task_identifier) % 4 = o)) FROM generate_series(0, 3) o');
SELECT same('SELECT o, q.* FROM generate_series(1, 3) o, LATERAL (SELECT i.n, d.status FROM ids i LEFT JOIN prod.run_details d
             ON d.id = i.id WHERE i.grp = o - 1 ORDER BY 1 LIMIT 2) q');
-- recursion: a run's ancestors
SELECT same('WITH RECURSIVE up (start, id, parent, level) AS (
                 SELECT id, id, parent_run_id, 0 FROM plain.run_details WHERE parent_run_id IS NOT NULL
                 UNION ALL
                 SELECT up.start, d.id, d.parent_run_id, level + 1 FROM up JOIN prod.run_details d ON d.id = up.parent)
             SELECT * FROM up');
SELECT count(*) >= 0 FROM requests();
-- names, some of which a request cannot have: the whole list is read then
SELECT v.is_secret, w.n FROM (VALUES (1, 'JSON'), (2, 'none'), (3, 'import'), (4, 'JSON'), (5, NULL), (6, '.')) AS w (n, name)
LEFT JOIN prod.envvars v ON v.name = w.name ORDER BY 2;
SELECT requests();
-- one value, several rows: with a personal access token there are several environments
SELECT n, v.environment, v.is_secret FROM (VALUES (1, 'EMPTY'), (2, 'JSON'), (3, NULL), (4, 'JSON')) AS w (n, name)
LEFT JOIN pat.envvars v ON v.name = w.name ORDER BY 1, 2;
SELECT requests_sorted();
SELECT n, v.environment, v.is_secret FROM (VALUES (1, 'EMPTY'), (2, 'JSON'), (3, NULL), (4, 'JSON')) AS w (n, name)
LEFT JOIN pat.envvars v ON v.name = w.name AND v.environment = 'staging' ORDER BY 1, 2;
SELECT count(*) > 0 FROM requests();

--
-- More than one batch, and rows that do not fit into memory.
--
CREATE TEMP TABLE many AS SELECT row_number() OVER (ORDER BY created_at) AS n, id FROM plain.runs;
INSERT INTO many SELECT n + 1000, id FROM many WHERE n % 2 = 0;
ANALYZE many;
SELECT count(*) >= 0 FROM requests();
SELECT count(*), count(d.id) FROM many m JOIN prod.run_details d ON d.id = m.id;
SELECT count(*), count(DISTINCT r) FROM requests() AS r;
SELECT same('SELECT m.n, d.task_identifier, d.metadata, d.error, d.child_run_ids FROM many m JOIN prod.run_details d ON d.id = m.id');
SELECT line FROM analyzed('SELECT count(d.metadata) FROM many m JOIN prod.run_details d ON d.id = m.id AND d.depth < m.n - 1')
AS line WHERE line !~ 'Bytes|Buckets|Memory|Heap|Time|Aggregate';
SET work_mem = '64kB';
SELECT same('SELECT m.n, d.task_identifier, d.metadata, d.error, d.child_run_ids FROM many m JOIN prod.run_details d ON d.id = m.id');
SELECT count(*) FROM analyzed('SELECT count(m.n), count(d.metadata), count(d.error) FROM many m JOIN prod.run_details d ON d.id = m.id') AS line
WHERE line ~ 'Batches on Disk: [1-9]';
RESET work_mem;
-- a table without values, and one whose values are all null
SELECT same('SELECT m.n, d.status FROM many m JOIN prod.run_details d ON d.id = m.id WHERE m.n < 0');
SELECT same('SELECT m.n, d.status FROM many m LEFT JOIN prod.run_details d ON d.id = nullif(m.id, m.id)');
SELECT same('SELECT m.n, d.status FROM many m JOIN prod.run_details d ON d.id = nullif(m.id, m.id)');

--
-- Prepared statements and cursors.
--
PREPARE joined (int) AS SELECT i.n, d.status FROM ids i JOIN prod.run_details d ON d.id = i.id AND d.depth < $1 WHERE i.n < $1 + 2 ORDER BY 1;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS off) EXECUTE joined (3);
EXECUTE joined (3);
EXECUTE joined (1);
RESET plan_cache_mode;
DEALLOCATE joined;
SELECT count(*) >= 0 FROM requests();
BEGIN;
DECLARE c CURSOR FOR SELECT i.n, d.status FROM ids i JOIN prod.run_details d ON d.id = i.id;
FETCH 2 FROM c;
SELECT count(*) FROM requests();
SAVEPOINT s;
FETCH 3 FROM c;
RELEASE s;
MOVE ALL FROM c;
CLOSE c;
SELECT count(*) FROM requests();
DECLARE c SCROLL CURSOR FOR SELECT i.n, d.status FROM ids i JOIN prod.run_details d ON d.id = i.id;
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
COMMIT;
SELECT count(*) >= 0 FROM requests();

--
-- Where rows are looked up one by one, or not at all.
--
CREATE TEMP TABLE plain_target (id text, status text);
INSERT INTO plain_target SELECT id FROM ids;
INSERT INTO plain_target SELECT d.id, 'new' FROM ids i JOIN prod.run_details d ON d.id = i.id WHERE i.n < 3;
SELECT count(*) FROM plain_target WHERE status = 'new';
SELECT plan_of('UPDATE plain_target t SET status = d.status FROM prod.run_details d WHERE d.id = t.id');
UPDATE plain_target t SET status = d.status FROM prod.run_details d WHERE d.id = t.id AND t.id < 'run_cm3';
SELECT plan_of('SELECT i.n FROM ids i JOIN prod.run_details d ON d.id = i.id FOR UPDATE OF i');
SELECT plan_of('SELECT i.n FROM ids i LEFT JOIN prod.run_details d ON d.id = i.id AND false');
SELECT plan_of('SELECT i.n FROM ids i JOIN prod.run_details d ON d.id = i.id AND d.id IN ($$run_a$$, $$run_b$$)');
SELECT plan_of('SELECT i.n FROM ids i JOIN prod.run_details d ON d.id > i.id') ;
SELECT plan_of('SELECT i.n FROM ids i JOIN prod.runs d ON d.id = i.id AND d.queue = i.word');
SELECT plan_of('SELECT i.n FROM ids i JOIN pat.envvars v ON v.name = i.id AND v.environment = i.word');
RESET enable_hashjoin;
SELECT plan_of('SELECT i.n FROM ids i JOIN prod.run_details d ON d.id = i.id AND d.queue = $$task/chat-agent$$');
SET enable_hashjoin = off;
CREATE COLLATION lookup_ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT plan_of('SELECT i.n FROM ids i JOIN prod.run_details d ON d.id = i.id COLLATE lookup_ci');
CREATE FOREIGN TABLE lookup_parent (id text COLLATE "C", status text) SERVER prod OPTIONS (resource 'run_details');
CREATE TABLE lookup_child (id text COLLATE "C", status text) INHERITS (lookup_parent);
SELECT plan_of('SELECT i.n FROM ids i JOIN lookup_parent d ON d.id = i.id');
DROP FOREIGN TABLE lookup_parent CASCADE;
SELECT count(*) >= 0 FROM requests();

--
-- Errors, and whose credential it is.
--
CALL faults('{"match": {"path_regex": "/v3/runs/"}, "times": 1, "after": 3, "action": {"kind": "status", "status": 400}}');
SELECT failure('SELECT i.n, d.status FROM ids i JOIN prod.run_details d ON d.id = i.id');
CALL faults();
SELECT count(*) >= 0 FROM requests();
CREATE ROLE lookup_owner;
CREATE ROLE lookup_reader;
GRANT USAGE ON FOREIGN SERVER prod TO lookup_owner;
GRANT USAGE ON SCHEMA prod TO lookup_owner;
GRANT SELECT ON prod.run_details, ids TO lookup_owner;
CREATE USER MAPPING FOR lookup_reader SERVER prod OPTIONS (secret_key 'tr_prod_nobodysKey000000000000001');
CREATE TEMP VIEW lookup_view AS SELECT i.n, d.status FROM ids i JOIN prod.run_details d ON d.id = i.id;
ALTER VIEW lookup_view OWNER TO lookup_owner;
GRANT SELECT ON lookup_view TO lookup_reader;
SET ROLE lookup_reader;
SELECT count(*) FROM lookup_view;
RESET ROLE;
SELECT count(*), count(*) FILTER (WHERE header LIKE '%nobody%') FROM request_headers('authorization') AS header;
GRANT USAGE ON SCHEMA prod TO lookup_reader;
GRANT SELECT ON prod.run_details, ids TO lookup_reader;
SET ROLE lookup_reader;
SELECT failure('SELECT count(d.output) FROM ids i JOIN prod.run_details d ON d.id = i.id');
RESET ROLE;
DROP OWNED BY lookup_owner, lookup_reader CASCADE;
DROP ROLE lookup_owner, lookup_reader;
DROP COLLATION lookup_ci;
SELECT count(*) > 0 FROM requests();

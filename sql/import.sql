--
-- IMPORT FOREIGN SCHEMA, and tables that are declared by hand.
--
SET client_min_messages = warning;
CREATE SCHEMA imported;

-- what is imported: names, types, collations
SELECT relname, attname, format_type(atttypid, atttypmod) AS type, collname
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
     LEFT JOIN pg_collation l ON l.oid = attcollation AND collname <> 'default'
WHERE relnamespace = 'prod'::regnamespace AND attnum > 0
ORDER BY relname, attnum;
SELECT relname, ftoptions FROM pg_foreign_table JOIN pg_class ON oid = ftrelid
WHERE relnamespace = 'prod'::regnamespace ORDER BY 1;

\pset format unaligned
\pset tuples_only on

-- some of it
IMPORT FOREIGN SCHEMA management LIMIT TO (runs, timezones) FROM SERVER prod INTO imported;
SELECT relname FROM pg_class WHERE relnamespace = 'imported'::regnamespace ORDER BY 1;
DROP FOREIGN TABLE imported.runs, imported.timezones;
IMPORT FOREIGN SCHEMA management EXCEPT (runs, timezones) FROM SERVER prod INTO imported;
SELECT relname FROM pg_class
WHERE relnamespace = 'imported'::regnamespace AND relname IN ('runs', 'timezones', 'envvars');
SELECT failure('IMPORT FOREIGN SCHEMA management LIMIT TO (envvars) FROM SERVER prod INTO imported');
SELECT failure('IMPORT FOREIGN SCHEMA managment FROM SERVER prod INTO imported');
SELECT failure($$IMPORT FOREIGN SCHEMA management FROM SERVER prod INTO imported OPTIONS (x 'y')$$);
DROP SCHEMA imported CASCADE;

-- importing asks nobody, and needs no credential and no server that answers
CREATE SERVER nowhere FOREIGN DATA WRAPPER trigger_fdw OPTIONS (base_url 'http://127.0.0.1:1');
CREATE SCHEMA imported;
IMPORT FOREIGN SCHEMA management FROM SERVER nowhere INTO imported;
DROP SERVER nowhere CASCADE;
SELECT requests();

-- names that must be quoted
CREATE SERVER "Odd ""name""" FOREIGN DATA WRAPPER trigger_fdw;
IMPORT FOREIGN SCHEMA management LIMIT TO (timezones) FROM SERVER "Odd ""name""" INTO imported;
SELECT srvname FROM pg_foreign_table JOIN pg_foreign_server s ON s.oid = ftserver
WHERE ftrelid = 'imported.timezones'::regclass;
DROP SERVER "Odd ""name""" CASCADE;
DROP SCHEMA imported;

-- By hand: some columns, in any order, under other names, of other types.
CREATE FOREIGN TABLE runs (
    created_at timestamptz, id text, kind text OPTIONS (field 'taskKind'),
    environment_name text OPTIONS (field 'env.name')) SERVER prod;
SELECT kind, environment_name, count(*) FROM runs GROUP BY 1, 2 ORDER BY 1, 2;
SELECT requests();
-- a column that is found by its field filters like the field's own
ALTER FOREIGN TABLE runs ADD COLUMN what varchar OPTIONS (field 'taskIdentifier');
SELECT count(*) FROM runs WHERE what = 'chat-agent';
SELECT requests();
-- a dropped column leaves a gap
ALTER FOREIGN TABLE runs DROP COLUMN created_at;
SELECT what, kind, environment_name FROM runs WHERE what = 'chat-agent' LIMIT 1;
SELECT requests();
-- a field that this version does not know is read as JSON
ALTER FOREIGN TABLE runs ADD COLUMN env jsonb OPTIONS (field 'env');
ALTER FOREIGN TABLE runs ADD COLUMN nothing jsonb OPTIONS (field 'notThere');
SELECT env, env->>'name', nothing IS NULL FROM runs LIMIT 1;
SELECT requests();
-- the same field in two columns
ALTER FOREIGN TABLE runs ADD COLUMN status text;
ALTER FOREIGN TABLE runs ADD COLUMN also_status json OPTIONS (field 'status');
SELECT status, also_status FROM runs WHERE status = 'CANCELED' LIMIT 1;
DROP FOREIGN TABLE runs;
SELECT requests();

-- what does not exist fails at first use
CREATE FOREIGN TABLE runs (id text, payload_size bigint) SERVER prod;
SELECT failure('SELECT id FROM runs');
DROP FOREIGN TABLE runs;
CREATE FOREIGN TABLE nonsense (id text) SERVER prod;
SELECT failure('SELECT id FROM nonsense');
DROP FOREIGN TABLE nonsense;
SELECT requests();

-- Types other than the imported ones: read by the type's input function, and
-- filtered by PostgreSQL where "=" might mean something else.
SET timezone = 'Asia/Tokyo';
SET datestyle = 'ISO, MDY';
CREATE FOREIGN TABLE typed (
    id varchar(40), status char(16), is_test text, created_at timestamp, updated_at text,
    tags json, cost_in_cents double precision, duration_ms numeric(10,1), depth smallint,
    metadata text, created date OPTIONS (field 'createdAt'),
    as_text text OPTIONS (field 'tags'), as_varchars varchar[] OPTIONS (field 'tags')
) SERVER prod OPTIONS (resource 'runs');
\x on
\pset tuples_only off
SELECT * FROM typed ORDER BY created_at, id LIMIT 1;
\x off
\pset tuples_only on
SELECT requests();
SELECT count(*) FROM typed WHERE status = 'FAILED';
SELECT requests();
SELECT count(*) FROM typed WHERE created_at >= '2026-06-01 08:00';
SELECT requests();
SELECT count(*) FROM typed WHERE id = (SELECT id FROM plain.runs ORDER BY created_at, id LIMIT 1);
SELECT requests();
-- values that do not fit: the error names the column
ALTER FOREIGN TABLE typed ALTER COLUMN id TYPE varchar(5);
SELECT failure('SELECT id FROM typed');
ALTER FOREIGN TABLE typed ALTER COLUMN updated_at TYPE integer;
SELECT failure('SELECT updated_at FROM typed');
ALTER FOREIGN TABLE typed ALTER COLUMN duration_ms TYPE numeric(3,1);
SELECT failure('SELECT duration_ms FROM typed');
ALTER FOREIGN TABLE typed ALTER COLUMN as_text TYPE text[];
SELECT count(*) FROM typed WHERE as_text @> ARRAY['import'];
SELECT requests();
DROP FOREIGN TABLE typed;

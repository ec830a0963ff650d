--
-- What the API may answer instead of what was asked for.
--
\pset format unaligned
\pset tuples_only on
CALL reset_emulator();

-- Answer the next request so, and show what a query makes of it.
CREATE FUNCTION answered(action jsonb, statement text DEFAULT 'SELECT id, status, tags, metadata, created_at FROM prod.runs')
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    CALL faults(action);
    result := failure(statement);
    CALL faults();
    PERFORM requests();
    RETURN result;
END
$$;
CREATE FUNCTION status(status int, body text, statement text DEFAULT 'SELECT id FROM prod.runs')
RETURNS text
LANGUAGE sql AS $$
    SELECT answered(jsonb_build_object('kind', 'status', 'status', status, 'body', body), statement)
$$;
CREATE FUNCTION body(body text, statement text DEFAULT 'SELECT id, status, tags, metadata, created_at FROM prod.runs')
RETURNS text
LANGUAGE sql AS $$
    SELECT answered(jsonb_build_object('kind', 'body', 'body', body), statement)
$$;

--
-- Statuses
--
SELECT status(400, '{"error":"Query Error","details":[{"code":"custom","message":"Invalid status values: X","path":["filter[status]"]},{"message":"second"}]}');
SELECT status(400, '{"error":"Validation error: Required at \"x\""}');
SELECT status(401, '{"error":"Invalid API key"}');
SELECT status(401, '{"title":"Unauthorized","status":401,"type":"https://x","detail":"d","error":"No authorization header"}');
SELECT status(403, '{"error":"Unauthorized","code":"unauthorized","param":"access_token","type":"authorization"}');
SELECT status(404, '{"error":"Project not found"}');
SELECT status(404, '<!DOCTYPE html><html><body>404</body></html>', 'SELECT id FROM prod.run_details WHERE id = $$run_x$$');
SELECT status(404, '{"error":"Not found"}', 'SELECT id FROM prod.run_details WHERE id = $$run_x$$');
SELECT status(405, '{"message":"Unexpected Server Error"}');
SELECT status(409, '{"error":"Conflict"}');
SELECT status(413, '{"error":"Request body too large"}');
SELECT status(422, '{"error":"Invalid request body","issues":[{"message":"Required"}]}');
SELECT status(431, '');
SELECT status(500, 'Unexpected Server Error');
SELECT status(503, E'<html>\r\n<head><title>503</title></head>\r\n</html>');
SELECT status(418, '');
SELECT status(204, '');
-- other shapes of an error's text
SELECT status(400, '{"error":{"message":"inside","code":1}}');
SELECT status(400, '{"error":["not","a","text"]}');
SELECT status(400, '{"error":');
SELECT status(400, '"text"');
SELECT status(400, '[]');
SELECT length(status(400, repeat('x', 300)));
SELECT length(status(400, format('{"error":"%s"}', repeat('ü', 700)))) < 700;
SELECT answered('{"kind": "status", "status": 400, "base64": "eyJlcnJvciI6IoD/In0="}');
-- the credential is not repeated, even if the API does
SELECT status(401, '{"error":"Bad key tr_prod_AlphaProdRootKey00000001, really tr_prod_AlphaProdRootKey00000001"}');
SELECT status(401, 'Bad key tr_prod_AlphaProdRootKey00000001');
-- nor a part of it, where a long text is cut
SELECT n, status(500, repeat('x', n) || 'tr_prod_AlphaProdRootKey00000001') ~ 'xt' AS leaked
FROM unnest(ARRAY[100, 169, 172, 185, 199]) AS n;
SELECT status(500, format('{"error":"%s"}', repeat('x', 480) || 'tr_prod_AlphaProdRootKey00000001')) ~ 'xt' AS leaked;
-- a redirect is not followed: the credential would go along
SELECT answered('{"kind": "redirect", "location": "http://127.0.0.1:1/elsewhere"}');
SELECT answered('{"kind": "redirect", "status": 301, "location": "/api/v1/runs/"}');

--
-- 200, but not what was promised
--
SELECT body('');
SELECT body('<html>login</html>');
SELECT body('{"status":405,"body":"Method Not Allowed"}');
SELECT body('{}');
SELECT body('[]');
SELECT body('null');
SELECT body('{"data":[]}');
SELECT body('{"data":null,"pagination":{}}');
SELECT body('{"data":{},"pagination":{}}');
SELECT body('{"pagination":{}}');
SELECT body('{"data":[],"pagination":null}');
SELECT body('{"data":[],"pagination":{"next":1}}');
SELECT body('{"data":[],"pagination":{"next":""}}');
SELECT body('{"data":[],"pagination":{}} x');
SELECT body('{"data":[],"pagination":{}}{}');
SELECT body('{"data":[');
SELECT body('{"data":[],"data":[],"pagination":{}}');
SELECT body('{"data":[1],"pagination":{}}');
-- this one is fine: null is as good as missing, white space is nothing
SELECT body(E' {"data" : [ ] ,\r\n\t"pagination":{"next":null,"other":[{}]},"more":{"data":1}}\n');

-- fields of a row
CREATE FUNCTION list_of(changes jsonb) RETURNS text
LANGUAGE sql AS $$
    SELECT jsonb_build_object('data', jsonb_build_array(jsonb_strip_nulls(
        '{"id":"run_x","status":"FAILED","taskIdentifier":"t","createdAt":"2026-05-01T00:00:00.000Z",
          "updatedAt":"2026-05-01T00:00:00.000Z","isTest":false,"tags":[],"costInCents":1,"durationMs":1,
          "depth":0,"env":{"name":"prod"}}' || changes)), 'pagination', '{}'::jsonb)::text
$$;
CREATE FUNCTION item(changes jsonb, columns text DEFAULT '*') RETURNS text
LANGUAGE sql AS $$ SELECT body(list_of(changes), format('SELECT %s FROM prod.runs', columns)) $$;
SELECT item('{}');
SELECT item('{"id":null}');
SELECT item('{"status":null}');
SELECT item('{"createdAt":null}');
SELECT item('{"id":7}');
SELECT item('{"status":["FAILED"]}');
SELECT item('{"createdAt":1777593600000}');
SELECT item('{"createdAt":"yesterday"}');
SELECT item('{"createdAt":"2026-02-30T00:00:00.000Z"}');
SELECT item('{"createdAt":"2026-05-01"}');
SELECT item('{"startedAt":""}');
SELECT item('{"isTest":"false"}');
SELECT item('{"isQueued":0}');
SELECT item('{"tags":"a"}');
SELECT item('{"tags":["a",1]}');
SELECT item('{"tags":{"a":1}}');
SELECT item('{"durationMs":1.5}');
SELECT item('{"durationMs":"1"}');
SELECT left(item('{"durationMs":9223372036854775808}'), 5);
SELECT item('{"depth":2147483648}');
SELECT item('{"costInCents":"1"}');
SELECT item('{"env":"prod"}');
SELECT item('{"env":{"name":1}}');
-- whatever nobody asks for is not looked at
SELECT item('{"tags":7,"env":7,"durationMs":"x","id":"run_y"}', 'id, status');
-- unknown words and fields are no reason to fail
SELECT item('{"status":"BRAND_NEW","brandNew":{"x":[1,2,3]}}');

-- What a row shows that is unusual, but as promised.
CREATE FUNCTION shown(answer text, query text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    CALL faults(jsonb_build_object('kind', 'body', 'body', answer));
    EXECUTE query INTO result;
    RETURN result;
END
$$;
SELECT shown(list_of('{"createdAt":"2026-05-01T02:00:00.123456789+02:00"}'), 'SELECT created_at AT TIME ZONE $$UTC$$ FROM prod.runs');
SELECT shown(list_of('{"costInCents":1.5e-7}'), 'SELECT cost_in_cents FROM prod.runs');
SELECT shown(list_of('{"status":"BRAND_NEW"}'), 'SELECT status FROM prod.runs');
-- a member that is there twice: the last one, as in jsonb; names with escapes
SELECT shown('{"d\u0061ta":[{"id":"r1","\u0069d":"\u0072\ud83d\ude00","createdAt":"2026-05-01T00:00:00Z"}],"pagination":{}}', 'SELECT id FROM prod.runs');

-- deep, and deeper than PostgreSQL can go
CREATE FUNCTION nested(depth int) RETURNS text LANGUAGE sql
AS $$ SELECT format('{"data":[{"id":"r","createdAt":"2026-05-01T00:00:00Z","metadata":%s%s}],"pagination":{}}', repeat('[', depth), repeat(']', depth)) $$;
SELECT length(shown(nested(500), 'SELECT metadata FROM prod.runs'));
SELECT body(nested(40000), 'SELECT metadata FROM prod.runs') ~ '^(54001|08P01)';
SELECT body(nested(40000), 'SELECT id FROM prod.runs') ~ '^(54001|08P01|no error)';

-- bytes that are no UTF-8, and characters that PostgreSQL cannot store
SELECT answered(jsonb_build_object('kind', 'body', 'base64',
    translate(encode('\x7b2264617461223a5b7b226964223a22ff227d5d2c22706167696e6174696f6e223a7b7d7d', 'base64'), E'\n', '')));
SELECT body('{"data":[{"id":"a\u0000b"}],"pagination":{}}', 'SELECT id FROM prod.runs');
SELECT body('{"data":[{"id":"\ud800"}],"pagination":{}}', 'SELECT id FROM prod.runs');
SELECT body('{"data":[{"id":"r","metadata":{"a":"x\u0000y"}}],"pagination":{}}', 'SELECT metadata FROM prod.runs');
-- a backslash before it makes it something else
SELECT shown('{"data":[{"id":"r","createdAt":"2026-05-01T00:00:00Z","metadata":{"a":"\\u0000"}}],"pagination":{}}', 'SELECT metadata FROM prod.runs');
-- a column of type json can have them, and everything else as it was written
CREATE FOREIGN TABLE as_json (id text, metadata json) SERVER prod OPTIONS (resource 'runs');
SELECT shown('{"data":[{"id":"r","createdAt":"2026-05-01T00:00:00Z","metadata":{"a":"x\u0000y", "a" :1.50}}],"pagination":{}}', 'SELECT metadata FROM as_json');
DROP FOREIGN TABLE as_json;

-- other tables
SELECT body('{"variables":[]}', 'SELECT name FROM prod.envvars');
SELECT body('[{"name":"A","value":"x"}]', 'SELECT name, value FROM prod.envvars');
SELECT body('{"name":"A","value":"x"}', 'SELECT value FROM prod.envvars WHERE name = $$A$$');
SELECT body('{"data":[],"pagination":{"currentPage":1}}', 'SELECT id FROM prod.schedules');
SELECT body('{"data":[],"pagination":{"currentPage":1,"totalPages":"2","count":0}}', 'SELECT id FROM prod.schedules');
SELECT left(body('{"timezones":["UTC",null]}', 'SELECT name FROM prod.timezones'), 5);
SELECT body('{"status":405,"body":"Method Not Allowed"}', 'SELECT id FROM prod.schedules WHERE id = $$sched_x$$');
SELECT body('{"status":405,"body":"Method Not Allowed"}', 'SELECT status FROM prod.runs WHERE id = $$run_x$$');

--
-- No answer, or half of one
--
-- (libcurl's words and numbers of bytes are left out)
CREATE FUNCTION broken(action jsonb) RETURNS text LANGUAGE sql
AS $$ SELECT regexp_replace(answered(action), '(DETAIL: GET [^ ]*?: ).*$', '\1...', 'n') $$;
SELECT broken('{"kind": "truncate", "bytes": 100}');
SELECT broken('{"kind": "wrong_length", "delta": 50}');
SELECT broken('{"kind": "reset_before"}');
SELECT broken('{"kind": "reset_mid", "bytes": 50}');
SELECT broken('{"kind": "gzip_bomb", "size": 100000000}');
ALTER SERVER prod OPTIONS (ADD request_timeout '200');
SELECT broken('{"kind": "stall", "where": "headers"}');
SELECT broken('{"kind": "stall", "where": "body", "after_bytes": 20}');
ALTER SERVER prod OPTIONS (DROP request_timeout);
CREATE SERVER nowhere FOREIGN DATA WRAPPER trigger_fdw OPTIONS (base_url 'http://127.0.0.1:1', max_retries '0');
CREATE USER MAPPING FOR PUBLIC SERVER nowhere OPTIONS (secret_key 'tr_prod_x');
CREATE FOREIGN TABLE nowhere_runs (id text) SERVER nowhere OPTIONS (resource 'runs');
SELECT regexp_replace(failure('SELECT id FROM nowhere_runs'), '(DETAIL: GET [^:]*: ).*', '\1...');
DROP FOREIGN TABLE nowhere_runs;
DROP USER MAPPING FOR PUBLIC SERVER nowhere;
DROP SERVER nowhere;
SELECT count(*) > 0 FROM requests();

--
-- Retries: what may pass is asked again, as often as max_retries says.
--
ALTER SERVER prod OPTIONS (SET max_retries '1');
CALL faults('{"kind": "status", "status": 503}');
SELECT count(*) FROM prod.runs WHERE status = 'FAILED';
SELECT requests();
CALL faults('{"kind": "reset_before"}');
SELECT count(*) FROM prod.runs WHERE status = 'FAILED';
SELECT requests();
CALL faults('{"times": 2, "action": {"kind": "status", "status": 500, "body": "again"}}');
SELECT failure($$SELECT count(*) FROM prod.runs WHERE status = 'FAILED'$$);
SELECT requests();
-- not so what would fail again
SELECT status(400, '{}', $$SELECT count(*) FROM prod.runs$$);
CALL faults('{"kind": "status", "status": 500, "headers": {"x-should-retry": "false"}}');
SELECT failure($$SELECT count(*) FROM prod.runs WHERE status = 'FAILED'$$);
SELECT requests();
-- a rate limit is waited for, up to rate_limit_wait
CALL faults('{"kind": "rate_limit", "reset": "retry-after", "seconds": 0}');
SELECT count(*) FROM prod.runs WHERE status = 'FAILED';
SELECT requests();
ALTER SERVER prod OPTIONS (ADD rate_limit_wait '1');
CALL faults('{"kind": "rate_limit", "reset": "retry-after", "seconds": 30}');
SELECT regexp_replace(failure($$SELECT count(*) FROM prod.runs WHERE status = 'FAILED'$$), '[\d.]+ s\.', '... s.');
SELECT requests();
ALTER SERVER prod OPTIONS (DROP rate_limit_wait, SET max_retries '0');

-- After all this, the session and its connections are as good as ever.
CALL faults();
SELECT count(*) FROM prod.runs;
BEGIN;
SAVEPOINT a;
CALL faults('{"kind": "status", "status": 500}');
SELECT count(*) FROM prod.runs;
ROLLBACK TO a;
SELECT count(*) FROM prod.runs WHERE status = 'FAILED';
COMMIT;
DROP FUNCTION nested, shown, item, list_of, broken, body, status, answered;

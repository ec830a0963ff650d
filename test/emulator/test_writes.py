"""Tests of the writes: triggers, batches, packets, actions on runs, the log of writes."""

import http.client
import json
import os
import socket
import struct
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import auth  # noqa: E402
import checks  # noqa: E402
import credentials  # noqa: E402
import exact_json  # noqa: E402
import run_metadata  # noqa: E402
import superjson  # noqa: E402
import triggering  # noqa: E402
from emulator_case import NOW, EmulatorCase  # noqa: E402

DAY = 86400000
TRIGGER = "/api/v1/tasks/process-order/trigger"
PROJECT = "/api/v1/projects/%s" % credentials.PROJECT_ALPHA


class ExactJsonTest(unittest.TestCase):
    def test_numbers_and_order_survive(self):
        text = ('{"b":[1.0,1e5,18446744073709551616,-0.12345678901234567890],"a":"é\\n😀",'
                '"10":null,"2":true,"x":{},"y":[]}')
        self.assertEqual(exact_json.write(exact_json.parse(text.encode())), text)

    def test_escapes_are_normalised(self):
        self.assertEqual(exact_json.write(exact_json.parse(' "\\u00e9\\/\\ud83d\\ude00" ')),
                         '"é/😀"')
        self.assertEqual(exact_json.write(exact_json.parse('"\\ud800"')), '"\\ud800"')

    def test_refused(self):
        for text in ("NaN", "[1,]", "", "'a'", "[" * 100000):
            with self.assertRaises(ValueError):
                exact_json.parse(text)

    def test_javascript_numbers(self):
        for text, expected in (
                ("18446744073709551616", "18446744073709552000"), ("1e21", "1e+21"),
                ("123456789012345678901", "123456789012345680000"), ("0.000001", "0.000001"),
                ("1E-7", "1e-7"), ("-1.50", "-1.5"), ("-0", "0"), ("1e400", "null"),
                ("0.12345678901234567890", "0.12345678901234568"), ("100", "100")):
            self.assertEqual(exact_json.javascript_text(text), expected)


class CheckTest(unittest.TestCase):
    def summary(self, value):
        return checks.summary(checks.issues_of(triggering.check_body, exact_json.parse(value)))

    def test_messages(self):
        for body, message in (
                ("[]", "Expected object, received array"),
                ('{"options":{"queue":{}}}', 'Required at "options.queue.name"'),
                ('{"options":{"tags":3}}',
                 'Expected string, received number at "options.tags", or Expected array, '
                 'received number at "options.tags"'),
                ('{"options":{"tags":["a",5]}}',
                 'Expected string, received array at "options.tags", or Expected string, '
                 'received number at "options.tags[1]"'),
                ('{"options":{"maxAttempts":1.5,"test":1}}',
                 'Expected integer, received float at "options.maxAttempts"; Expected boolean, '
                 'received number at "options.test"'),
                ('{"options":{"payloadType":"application/store"}}',
                 'payload must be a non-empty string when options.payloadType is '
                 'application/store at "payload"')):
            found = self.summary(body)
            parts = found.removeprefix("Validation error: ").split("; ")
            self.assertEqual(sorted(parts), sorted(message.split("; ")), body)

    def test_accepted(self):
        for body in ('{}', '{"payload":1,"options":{"ttl":0,"delay":5,"concurrencyKey":1}}',
                     '{"options":{"bogus":[],"metadata":null}}'):
            self.assertEqual(checks.issues_of(triggering.check_body, exact_json.parse(body)), [])


class OptionTest(unittest.TestCase):
    def test_delays(self):
        for value, expected in (
                ("1h", NOW + 3600000), ("2d12h", NOW + 60 * 3600000), ("1hr30m", NOW + 5400000),
                ("2026-01-02T00:00:00Z", NOW + DAY), ("2027", NOW + 365 * DAY),
                ("2020-01-01", None), ("soon", None), ("", None), (None, None),
                ("1767225600001", None), (exact_json.Number("1767225600001"), NOW + 1)):
            self.assertEqual(triggering.delay_until(value, NOW), expected, value)

    def test_key_expiry(self):
        self.assertEqual(triggering.key_expiry("60s", NOW), NOW + 60000)
        for text in ("1w", "60", "1h30m", "", None):
            self.assertIsNone(triggering.key_expiry(text, NOW))

    def test_super_json(self):
        text = json.dumps({
            "json": {"d": "2026", "n": "12", "u": None, "l": [None, "x"], "m": [["k", "v"]],
                     "a": {"b.c": "NaN"}},
            "meta": {"values": {"d": ["Date"], "n": ["bigint"], "u": ["undefined"],
                                "l.0": ["undefined"], "m": ["map"], "a.b\\.c": ["number"],
                                "gone.x": ["Date"]}}})
        self.assertEqual(json.loads(superjson.plain_text(text)), {
            "d": "2026", "n": "12", "l": [None, "x"], "m": {}, "a": {"b.c": None}})
        self.assertIsNone(superjson.plain_text('{"json":null,"meta":{"values":["undefined"]}}'))
        self.assertEqual(superjson.plain_text('{"json":18446744073709551616}'),
                         "18446744073709551616")

    def test_metadata_operations(self):
        old = exact_json.parse('{"n":0.1,"l":[1,2.0,1],"o":{"p":1}}')
        new = run_metadata.apply_operations(old, exact_json.parse(
            '[{"type":"increment","key":"n","value":0.2},{"type":"remove","key":"l","value":2},'
            '{"type":"append","key":"l","value":"x"},{"type":"append","key":"$.o.p","value":2},'
            '{"type":"set","key":"$.q.r","value":null},{"type":"delete","key":"none"}]'))
        self.assertEqual(exact_json.write(new),
                         '{"n":0.3,"l":[1,1,"x"],"o":{"p":[1,2]},"q":{"r":null}}')
        self.assertIsNone(run_metadata.apply_operations({}, [
            {"type": "remove", "key": "x", "value": None}]))


class WriteTest(EmulatorCase):
    """The running program, with a frozen clock of the data."""

    def setUp(self):
        super().setUp()
        self.control("PUT", "settings", {"batch_item_ms": 0, "cancel_ms": 0})

    def trigger(self, body=None, target=TRIGGER, **more):
        status, answer = self.call("POST", target, body or {}, **more)
        self.assertEqual(status, 200, answer)
        return answer

    def run_text(self, run_id):
        response, data = self.send("GET", "/api/v3/runs/" + run_id, {
            "Authorization": "Bearer " + credentials.TR_PROD,
            "x-trigger-api-version": "2025-07-16"})
        self.assertEqual(response.status, 200, data)
        return data.decode()

    def run_of(self, run_id):
        return json.loads(self.run_text(run_id))

    # -- trigger ------------------------------------------------------------------------

    def test_payload_is_exact(self):
        payload = ('{"z":18446744073709551616,"a":[0.12345678901234567890,1.0,1E+5],'
                   '"t":"é😀\\n"}')
        run_id = self.trigger('{"payload": %s, "options": {"metadata": %s}}' % (
            payload, payload))["id"]
        text = self.run_text(run_id)
        self.assertIn('"payload":' + payload, text)
        self.assertIn('"metadata":' + payload, text)
        self.control("PUT", "settings", {"js_numbers": True})
        text = self.run_text(self.trigger('{"payload":[18446744073709551616,1.0]}')["id"])
        self.assertIn('"payload":[18446744073709552000,1]', text)

    def test_payload_types(self):
        for body, shown in (
                ({}, None), ({"payload": None}, [None]), ({"payload": "x"}, ["x"]),
                ({"payload": "x", "options": {"payloadType": "text/plain"}}, ["x"]),
                ({"payload": {"a": 1}, "options": {"payloadType": "text/plain"}}, None),
                ({"payload": '{"json":[1]}',
                  "options": {"payloadType": "application/super+json"}}, [[1]])):
            run = self.run_of(self.trigger(body)["id"])
            self.assertEqual([run["payload"]] if "payload" in run else None, shown, body)

    def test_hidden_options_are_in_the_oracle(self):
        run_id = self.trigger({"options": {
            "queue": {"name": "my queue!/x"}, "concurrencyKey": 7, "maxAttempts": 3,
            "maxDuration": 1, "priority": 2.5, "machine": "micro", "test": True, "ttl": 5400,
            "region": "eu-central-1", "tags": ["b", " ", "a"]}})["id"]
        [row] = [row for row in self.oracle("run_details") if row["id"] == run_id]
        self.assertEqual((row["tags"], row["ttl"], row["region"], row["isTest"]),
                         (["a", "b"], "1h30m", "eu-central-1", True))
        self.assertEqual((row["_"]["queue"], row["_"]["machine"]), ("myqueue/x", "micro"))
        self.assertEqual(row["_"]["triggeredWith"], {
            "maxAttempts": "3", "priority": "2.5", "concurrencyKey": "7", "maxDuration": "5"})
        run_id = self.trigger(target="/api/v1/tasks/send-email/trigger")["id"]
        rows = {row["id"]: row for row in self.oracle("runs")}
        self.assertEqual(rows[run_id]["_"]["queue"], "email-queue")

    def test_refused(self):
        for options, status in (
                ({"tags": ["t%d" % number for number in range(11)]}, 422),
                ({"tags": "x" * 129}, 400), ({"lockToVersion": "1"}, 500),
                ({"region": "mars"}, 422), ({"machine": "huge"}, 400),
                ({"idempotencyKey": "x" * 2049}, 400), ({"metadata": "x" * 262145}, 413),
                ({"debounce": {"key": "k", "delay": "soon"}}, 422)):
            self.assertEqual(self.call("POST", TRIGGER, {"options": options})[0], status, options)
        for body in ("", "null", "0", "false", '""', "{"):
            self.assertEqual(self.call("POST", TRIGGER, body)[0], 400, body)
        self.assertEqual(self.call("GET", TRIGGER), (405, ""))
        self.assertEqual(self.call("POST", TRIGGER, {}, credentials.PAT)[0], 401)
        self.assertEqual(self.call("POST", TRIGGER, {}, credentials.TR_PROD_SK_RO)[0], 403)
        self.assertEqual(self.kinds(), [])

    def test_size_and_length(self):
        body = '{"payload":"%s"}' % ("x" * (triggering.MAX_BODY - 14))
        self.assertEqual(len(body), triggering.MAX_BODY)
        run_id = self.trigger(body)["id"]
        self.assertIn("payloadPresignedUrl", self.run_of(run_id))
        self.assertEqual(self.call("POST", TRIGGER, body + " ")[0], 413)
        with socket.create_connection(("127.0.0.1", self.port), 5) as peer:
            peer.sendall(("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
                          % (TRIGGER, credentials.TR_PROD)).encode())
            self.assertTrue(peer.recv(100).startswith(b"HTTP/1.1 413 "))

    def test_unknown_task(self):
        target = "/api/v1/tasks/no%2Fsuch/trigger"
        run = self.run_of(self.trigger(target=target)["id"])
        self.assertEqual((run["taskIdentifier"], run["status"]), ("no/such", "QUEUED"))
        self.control("PUT", "settings", {"pending_version_ms": 0})
        self.assertEqual(self.run_of(self.trigger(target=target)["id"])["status"],
                         "PENDING_VERSION")

    def test_delay_and_ttl_pass(self):
        run_id = self.trigger({"options": {"delay": "1h", "ttl": "10m"}})["id"]
        for later, status in ((0, "DELAYED"), (3600000, "QUEUED"), (4199999, "QUEUED"),
                              (4200000, "EXPIRED")):
            self.control("PUT", "settings", {"now": NOW + later})
            self.assertEqual(self.run_of(run_id)["status"], status)

    def test_lag(self):
        self.control("PUT", "settings", {"lag_ms": 60000})
        run_id = self.trigger()["id"]
        listed = "/api/v1/runs?filter%5Bstatus%5D=QUEUED&page%5Bsize%5D=1"
        ids = [item["id"] for item in self.call("GET", listed)[1]["data"]]
        self.assertNotIn(run_id, ids)
        self.control("PUT", "settings", {"lag_ms": 0})
        newer = self.trigger()["id"]
        self.assertEqual([item["id"] for item in self.call("GET", listed)[1]["data"]], [newer])

    def test_index_learns_a_status_later(self):
        listed = "/api/v1/runs?filter%5Bstatus%5D=QUEUED&page%5Bsize%5D=1"
        older, newer = self.trigger()["id"], self.trigger()["id"]

        def found():
            return [item["id"] for item in self.call("GET", listed)[1]["data"]]

        self.control("PUT", "settings", {"lag_ms": 1000})
        self.becomes([newer], found)
        self.call("POST", "/api/v2/runs/%s/cancel" % newer)
        # picked by its old status, then dropped: an empty page with a next cursor
        page = self.call("GET", listed)[1]
        self.assertEqual((page["data"], "next" in page["pagination"]), ([], True))
        self.becomes([older], found)

    # -- idempotency --------------------------------------------------------------------

    def test_idempotency_key(self):
        body = {"payload": 1, "options": {"idempotencyKey": "k", "idempotencyKeyTTL": "1h"}}
        first = self.trigger(body)
        self.assertEqual(self.trigger({**body, "payload": 2}), {**first, "isCached": True})
        self.assertEqual(self.run_of(first["id"])["payload"], 1)
        other = self.trigger(body, target="/api/v1/tasks/send-email/trigger")
        staging = self.trigger(body, key=credentials.TR_STG)
        self.assertEqual(len({first["id"], other["id"], staging["id"]}), 3)
        entries = self.writes()
        self.assertEqual([entry["ids"] for entry in entries],
                         [[first["id"]], [other["id"]], [staging["id"]]])
        self.assertEqual({entry["idempotencyKey"] for entry in entries}, {"k"})
        self.control("PUT", "settings", {"now": NOW + 3600001})
        again = self.trigger(body)
        self.assertEqual((again["isCached"], again["id"] == first["id"]), (False, False))
        self.assertNotIn("idempotencyKey", self.run_of(first["id"]))

    def test_key_of_a_failed_run_is_free(self):
        for status, cached in (("CANCELED", True), ("COMPLETED_SUCCESSFULLY", True),
                               ("COMPLETED_WITH_ERRORS", False), ("EXPIRED", False),
                               ("TIMED_OUT", False)):
            body = {"options": {"idempotencyKey": status}}
            run_id = self.trigger(body)["id"]
            self.control("PATCH", "runs/" + run_id, {"status": status})
            self.assertEqual(self.trigger(body)["isCached"], cached, status)

    def test_headers_win_and_request_key_is_inert(self):
        body = {"options": {"idempotencyKey": "body", "idempotencyKeyTTL": "1h"}}
        run_id = self.trigger(body, idempotency_key="head", idempotency_key_ttl="1d")["id"]
        [row] = [row for row in self.oracle("runs") if row["id"] == run_id]
        self.assertEqual(row["_"]["storedIdempotencyKey"], "head")
        self.assertEqual(row["_"]["idempotencyKeyExpiresAt"], NOW + DAY)
        same = {"x_trigger_request_idempotency_key": "0f8fad5b-d9cb-469f-a165-70867728950e"}
        self.assertNotEqual(self.trigger(**same)["id"], self.trigger(**same)["id"])

    def test_hashed_key_and_reset(self):
        body = {"options": {"idempotencyKey": "f" * 64,
                            "idempotencyKeyOptions": {"key": "typed", "scope": "global"}}}
        run_id = self.trigger(body)["id"]
        self.assertEqual(self.run_of(run_id)["idempotencyKey"], "typed")
        target = "/api/v1/idempotencyKeys/%s/reset" % ("f" * 64)
        answer = self.call("POST", target, {"taskIdentifier": "process-order"})
        self.assertEqual(answer, (200, {"id": "f" * 64}))
        self.assertEqual(self.call("POST", target, {"taskIdentifier": "process-order"})[0], 404)
        self.assertFalse(self.trigger(body)["isCached"])

    def test_keys_of_the_data_set(self):
        row = next(row for row in self.oracle("runs") if "idempotencyKey" in row
                   and row["_"]["status"] == "COMPLETED_SUCCESSFULLY"
                   and row["createdAt"] > "2025-12-20")
        answer = self.trigger({"options": {"idempotencyKey": row["idempotencyKey"]}},
                              target="/api/v1/tasks/%s/trigger" % row["taskIdentifier"])
        self.assertTrue(answer["isCached"])

    def test_tokens(self):
        response, _ = self.send("POST", TRIGGER, {
            "Authorization": "Bearer " + credentials.TR_PROD}, "{}")
        claims = json.loads(response.getheader("x-trigger-jwt-claims"))
        token = response.getheader("x-trigger-jwt")
        run_id = claims["scopes"][0].removeprefix("read:runs:")
        self.assertEqual(self.call("GET", "/api/v3/runs/" + run_id, key=token)[0], 200)
        now = int(time.time())
        token = auth.sign({
            "sub": claims["sub"], "pub": True, "otu": True,
            "scopes": ["trigger:tasks:process-order"], "iss": auth.ISSUER,
            "aud": auth.AUDIENCE, "exp": now + 60, "iat": now}, credentials.TR_PROD)
        self.assertEqual(
            self.call("POST", "/api/v1/tasks/send-email/trigger", {}, token)[0], 403)
        self.trigger(key=token)
        status, answer = self.call("POST", TRIGGER, {}, token)
        self.assertEqual(status, 422)
        self.assertIn("one-time use token", answer["error"])

    def test_debounce(self):
        def body(payload):
            return {"payload": payload, "options": {
                "debounce": {"key": "d", "delay": "1m", "mode": "trailing"}}}

        first = self.trigger(body(1))["id"]
        self.assertEqual(self.trigger(body(2))["id"], first)
        self.assertEqual(self.run_of(first)["payload"], 2)
        self.control("PUT", "settings", {"now": NOW + 60000})
        self.assertNotEqual(self.trigger(body(3))["id"], first)

    # -- faults -------------------------------------------------------------------------

    def reset_post(self, target, body):
        """Send a request whose connection gets reset."""
        with self.assertRaises((ConnectionError, http.client.RemoteDisconnected)):
            self.call("POST", target, body)

    def test_log_tells_what_faults_hide(self):
        body = {"options": {"idempotencyKey": "once"}}
        for kind, count in (("reset_before", 0), ("reset_after", 1)):
            self.control("PUT", "faults", [{"match": {}, "action": {"kind": kind}}])
            self.reset_post(TRIGGER, body)
            entries = self.writes()
            self.assertEqual(len(entries), count, kind)
        records = json.loads(self.control("GET", "requests.json"))
        self.assertEqual(entries[0]["request"], records[-1]["number"])
        self.assertEqual(self.trigger(body), {"id": entries[0]["ids"][0], "isCached": True})
        self.control("PUT", "faults", [
            {"match": {}, "action": {"kind": "status", "status": 500}}])
        self.assertEqual(self.call("POST", TRIGGER, {})[0], 500)
        self.assertEqual(self.writes(), [])
        self.control("PUT", "faults", [{"match": {}, "action": {"kind": "stall"}}])
        with socket.create_connection(("127.0.0.1", self.port), 0.3) as peer:
            peer.sendall(("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                          "Content-Length: 2\r\n\r\n{}" % (TRIGGER, credentials.TR_PROD)).encode())
            with self.assertRaises(TimeoutError):
                peer.recv(1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.assertEqual(self.kinds(), ["run.trigger"])

    def test_older_writes_are_logged(self):
        variables = PROJECT + "/envvars/prod"
        self.call("POST", variables, {"name": "W", "value": "1"})
        self.call("PUT", variables + "/W", {"value": ""})
        self.call("PUT", variables + "/W", {"value": "2"})
        self.call("POST", variables + "/import", {"variables": {"W": "3", "NEW_ONE": "x"}})
        self.call("POST", variables + "/import", {
            "variables": {"W": "3", "NEW_ONE": "x", "EMPTY": "", "TRIGGER_API_URL": "x"},
            "override": True})
        self.call("DELETE", variables + "/W")
        self.call("DELETE", variables + "/W")
        body = {"task": "hourly-sync", "cron": "0 * * * *", "deduplicationKey": "moving"}
        first = self.call("POST", "/api/v1/schedules", body)[1]
        moved = self.call("POST", "/api/v1/schedules", body, credentials.TR_STG)[1]
        self.assertEqual(first["id"], moved["id"])
        self.assertEqual(self.call("GET", "/api/v1/schedules/" + first["id"])[0], 404)
        made = self.call("PUT", "/api/v1/schedules/sched_nope", body)[1]
        self.call("POST", "/api/v1/schedules/%s/deactivate" % made["id"])
        self.call("DELETE", "/api/v1/schedules/" + made["id"])
        entries = self.writes()
        self.assertEqual([entry["kind"] for entry in entries], [
            "envvar.create", "envvar.update", "envvar.import", "envvar.delete",
            "schedule.create", "schedule.update", "schedule.create", "schedule.deactivate",
            "schedule.delete"])
        self.assertEqual(entries[2]["ids"], ["W", "NEW_ONE"])
        self.assertEqual([entry["environment"] for entry in entries[4:7]],
                         ["prod", "stg", "prod"])
        self.assertEqual([entry["number"] for entry in entries],
                         sorted(entry["number"] for entry in entries))

    # -- batches ------------------------------------------------------------------------

    def stream(self, batch_id, *items, content_type="application/x-ndjson"):
        text = "\n".join(item if isinstance(item, str) else json.dumps(item) for item in items)
        return self.call("POST", "/api/v3/batches/%s/items" % batch_id, text,
                         content_type=content_type)

    def test_two_phases(self):
        create = {"runCount": 3, "idempotencyKey": "batch-key"}
        status, batch = self.call("POST", "/api/v3/batches", create)
        self.assertEqual((status, batch["isCached"]), (202, False))
        self.assertEqual(self.call("POST", "/api/v3/batches", create)[0], 422)
        self.trigger({"options": {"idempotencyKey": "earlier"}})
        self.writes()
        items = [{"index": number, "task": "process-order", "payload": number,
                  "options": {"idempotencyKey": "earlier"} if number == 1 else {}}
                 for number in range(3)]
        answer = self.stream(batch["id"], items[0], "", items[1])
        self.assertEqual(answer, (200, {
            "id": batch["id"], "itemsAccepted": 2, "itemsDeduplicated": 0, "sealed": False,
            "enqueuedCount": 2, "expectedCount": 3}))
        shown = self.call("GET", "/api/v1/batches/" + batch["id"])[1]
        self.assertEqual((shown["status"], shown["runs"], shown["idempotencyKey"]),
                         ("PENDING", [], "batch-key"))
        self.control("PUT", "settings", {"batch_item_ms": 500})
        answer = self.stream(batch["id"], *items)
        self.assertEqual(answer, (200, {
            "id": batch["id"], "itemsAccepted": 1, "itemsDeduplicated": 2, "sealed": True,
            "runCount": 3}))
        shown = self.call("GET", "/api/v2/batches/" + batch["id"])[1]
        self.assertEqual((shown["status"], shown["runs"]), ("PROCESSING", []))
        self.assertEqual(self.stream(batch["id"], *items)[0], 422)
        self.becomes(3, lambda: len(self.call("GET", "/api/v1/batches/" + batch["id"])[1]["runs"]))
        shown = self.call("GET", "/api/v1/batches/" + batch["id"])[1]
        self.assertEqual((shown["status"], len(shown["runs"]), shown["successfulRunCount"]),
                         ("PENDING", 3, 3))
        self.assertEqual(self.run_of(shown["runs"][2])["payload"], 2)
        self.assertEqual(self.run_of(shown["runs"][2])["batchId"], batch["id"])
        entries = self.writes()
        self.assertEqual([entry["kind"] for entry in entries], [
            "batch.items", "batch.items", "batch.seal", "run.trigger", "run.trigger",
            "batch.processed"])
        self.assertEqual([entry["index"] for entry in entries[3:5]], [0, 2])
        for run_id in shown["runs"]:
            self.call("POST", "/api/v2/runs/%s/cancel" % run_id)
        shown = self.call("GET", "/api/v1/batches/" + batch["id"])[1]
        self.assertEqual(shown["status"], "COMPLETED")
        results = self.call("GET", "/api/v1/batches/%s/results" % batch["id"])[1]
        self.assertEqual([item["ok"] for item in results["items"]], [False] * 3)
        [row] = self.oracle("batches")
        self.assertEqual(row["_"]["results"][1]["isCached"], True)
        self.control("PUT", "settings", {"batch_resend_ok": True})
        answer = self.stream(batch["id"], *items)[1]
        self.assertEqual((answer["itemsDeduplicated"], answer["sealed"]), (3, True))

    def test_items_before_a_bad_one_stay(self):
        batch = self.call("POST", "/api/v3/batches", {"runCount": 2})[1]["id"]
        good = {"index": 0, "task": "send-email"}
        for bad, status in (("{bad", 400), ({"index": -1, "task": "x"}, 422),
                            ({"index": 2, "task": "x"}, 422), ({"index": 1}, 422)):
            self.assertEqual(self.stream(batch, good, bad)[0], status, bad)
        self.assertEqual(self.kinds(), ["batch.create", "batch.items"])
        self.assertEqual(self.stream("batch_nope", good)[0], 422)
        self.assertEqual(self.stream("nope", good)[0], 422)
        self.assertEqual(self.stream(batch, good, content_type="application/json")[0], 415)
        answer = self.stream(batch, {"index": 1, "task": "send-email",
                                     "options": {"tags": ["t%d" % n for n in range(11)]}})[1]
        self.assertTrue(answer["sealed"])
        shown = self.call("GET", "/api/v2/batches/" + batch)[1]
        self.assertEqual((shown["status"], len(shown["runs"])), ("PARTIAL_FAILED", 1))
        self.assertEqual(shown["processing"]["errors"][0]["index"], 1)

    def test_batch_create_limits(self):
        for body, status in (({}, 400), ({"runCount": 0}, 400), ({"runCount": 1001}, 400),
                             ({"runCount": 1.5}, 400), ({"runCount": 1, "x": "y" * 131072}, 413)):
            self.assertEqual(self.call("POST", "/api/v3/batches", body)[0], status)
        self.control("PUT", "settings", {"batch_budget": {"remaining": 3}})
        response, _ = self.send("POST", "/api/v3/batches", {
            "Authorization": "Bearer " + credentials.TR_PROD}, '{"runCount":4}')
        self.assertEqual(response.status, 429)
        self.assertLess(int(response.getheader("X-RateLimit-Reset")), 1e11)
        self.assertEqual(self.kinds(), [])

    def test_older_batches(self):
        items = [{"task": "send-email", "payload": number} for number in range(2)]
        status, answer = self.call("POST", "/api/v1/tasks/batch", {"items": items},
                                   idempotency_key="b1")
        self.assertEqual((status, answer["isCached"]), (202, False))
        self.assertEqual([run["taskIdentifier"] for run in answer["runs"]], ["send-email"] * 2)
        again = self.call("POST", "/api/v1/tasks/batch", {"items": items},
                          idempotency_key="b1")[1]
        self.assertEqual((again["id"], again["isCached"]), (answer["id"], True))
        status, answer = self.call("POST", "/api/v2/tasks/batch", {"items": items})
        self.assertEqual((status, answer["runCount"]), (202, 2))
        for path in ("v1", "v2"):
            self.assertEqual(
                self.call("POST", "/api/%s/tasks/batch" % path, {"items": []})[0], 403)
        target = "/api/v1/tasks/send-email/batch"
        status, answer = self.call("POST", target, {"items": [{"payload": 1}] * 100})
        self.assertEqual((status, len(answer["runs"])), (200, 100))
        self.assertEqual(self.call("POST", target, {"items": [{}] * 101})[0], 400)
        listed = self.call("GET", "/api/v1/runs?page%5Bsize%5D=100&filter%5Bbatch%5D="
                           + answer["batchId"])[1]
        self.assertEqual(len(listed["data"]), 100)

    # -- packets ------------------------------------------------------------------------

    def test_packets(self):
        path = "trigger/send-email/1-x/payload.json"
        answer = self.call("PUT", "/api/v2/packets/" + path)[1]
        self.assertEqual(answer["storagePath"], path)
        upload = answer["presignedUrl"].partition("://")[2].partition("/")[2]
        data = b'{"big":18446744073709551616}'
        self.assertEqual(self.call("PUT", "/" + upload, data)[0], 400)
        self.assertEqual(self.send("GET", "/" + upload)[0].status, 403)
        self.assertEqual(self.send("PUT", "/" + upload, None, data)[0].status, 200)
        run_id = self.trigger({"payload": path, "options": {
            "payloadType": "application/store"}})["id"]
        url = self.run_of(run_id)["payloadPresignedUrl"]
        self.assertEqual(self.send("GET", "/" + url.partition("://")[2].partition("/")[2])[1],
                         data)
        url = self.call("GET", "/api/v1/packets/" + path)[1]["presignedUrl"]
        self.assertEqual(self.send("GET", "/" + url.partition("://")[2].partition("/")[2])[1],
                         data)
        self.assertEqual(self.call("PUT", "/api/v2/packets/a/..%2Fb")[0], 400)
        self.control("PUT", "settings", {"object_store": False})
        self.assertEqual(self.call("PUT", "/api/v2/packets/" + path)[0], 500)
        self.assertEqual(self.call("POST", TRIGGER, {"payload": "x" * 600000})[0], 500)

    # -- actions on runs ----------------------------------------------------------------

    def test_cancel(self):
        run_id = self.trigger()["id"]
        target = "/api/v2/runs/%s/cancel" % run_id
        self.assertEqual(self.call("POST", target), (200, {"id": run_id}))
        run = self.run_of(run_id)
        self.assertEqual((run["status"], run["error"]["message"]),
                         ("CANCELED", "Canceled by user"))
        self.call("POST", target)
        self.assertEqual(self.kinds(), ["run.trigger", "run.cancel"])
        status, answer = self.call("GET", "/api/v1/runs/%s/result" % run_id)
        self.assertEqual((status, answer["ok"]), (200, False))
        self.control("PUT", "settings", {"cancel_ms": 500})
        run_id = self.trigger()["id"]
        self.control("PATCH", "runs/" + run_id, {"status": "EXECUTING"})
        self.call("POST", "/api/v2/runs/%s/cancel" % run_id)
        self.assertEqual(self.run_of(run_id)["status"], "EXECUTING")
        self.becomes("CANCELED", lambda: self.run_of(run_id)["status"])
        self.assertEqual(self.kinds(), ["run.trigger", "run.cancel", "run.canceled"])

    def test_replay(self):
        old = self.trigger({"payload": {"n": 1}, "options": {
            "tags": ["t"], "metadata": {"seed": 1}, "ttl": "1h", "delay": "1h",
            "idempotencyKey": "r", "machine": "micro", "test": True}})["id"]
        self.call("PUT", "/api/v1/runs/%s/metadata" % old, {"metadata": {"later": 1}})
        new = self.call("POST", "/api/v1/runs/%s/replay" % old)[1]["id"]
        run = self.run_of(new)
        self.assertEqual((run["payload"], run["tags"], run["metadata"], run["isTest"]),
                         ({"n": 1}, ["t"], {"seed": 1}, True))
        self.assertEqual(run["status"], "QUEUED")
        for name in ("ttl", "delayedUntil", "idempotencyKey"):
            self.assertNotIn(name, run)

    def test_reschedule(self):
        run_id = self.trigger({"options": {"delay": "1h"}})["id"]
        target = "/api/v1/runs/%s/reschedule" % run_id
        status, run = self.call("POST", target, {"delay": "2h"})
        self.assertEqual((status, run["delayedUntil"]), (200, "2026-01-01T02:00:00.000Z"))
        for body, status in (({"delay": "later"}, 400), ({"delay": "2020-01-01"}, 400),
                             ({}, 400), ("{", 500)):
            self.assertEqual(self.call("POST", target, body)[0], status)
        self.control("PUT", "settings", {"now": NOW + 3600000})
        self.assertEqual(self.run_of(run_id)["status"], "DELAYED")
        self.control("PUT", "settings", {"now": NOW + 7200000})
        self.assertEqual(self.call("POST", target, {"delay": "1h"})[0], 400)

    def test_tags(self):
        run_id = self.trigger({"options": {"tags": ["m"]}})["id"]
        target = "/api/v1/runs/%s/tags" % run_id
        self.assertEqual(self.call("POST", target, {"tags": ["z", " ", " a", "m"]})[1],
                         {"message": "Successfully set 2 new tags."})
        self.assertEqual(self.call("POST", target, {"tags": "z"})[1],
                         {"message": "No new tags to add"})
        many = {"tags": ["n%d" % number for number in range(8)]}
        self.assertEqual(self.call("POST", target, many)[0], 422)
        self.assertEqual(self.run_of(run_id)["tags"], [" a", "m", "z"])
        self.assertEqual(self.call("DELETE", target)[1]["status"], 405)
        self.assertEqual(self.kinds(), ["run.trigger", "run.tags"])

    def test_metadata(self):
        run_id = self.trigger({"options": {"metadata": '{"s":"as text"}'}})["id"]
        target = "/api/v1/runs/%s/metadata" % run_id
        self.assertEqual(self.call("PUT", target, {}), (200, {"metadata": {}}))
        self.assertEqual(self.run_of(run_id)["metadata"], {"s": "as text"})
        self.call("PUT", target, '{"metadata":{"n":0.10}}')
        self.assertEqual(self.call("GET", target)[1]["metadata"], '{"n":0.10}')
        self.call("PUT", target, {"metadata": {}})
        self.assertEqual(self.run_of(run_id)["metadata"], {})
        self.assertEqual(self.call("POST", target, {})[0], 405)
        self.assertEqual(self.kinds(), ["run.trigger", "run.metadata", "run.metadata"])
        self.call("POST", "/api/v2/runs/%s/cancel" % run_id)
        self.assertEqual(self.call("PUT", target, {"metadata": {"a": 1}})[0], 200)
        self.control("PUT", "settings", {"now": NOW + 3600000})
        self.assertEqual(self.call("PUT", target, {"metadata": {"a": 2}})[0], 422)

    def test_deterministic(self):
        first = self.trigger()["id"]
        before = self.control("GET", "oracle/run_details")
        self.control("POST", "reset", {})
        self.assertEqual(self.trigger()["id"], first)
        self.assertEqual(self.control("GET", "oracle/run_details"), before)


if __name__ == "__main__":
    unittest.main()

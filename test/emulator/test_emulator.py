"""Tests of the emulator's own tricky parts."""

import base64
import gzip
import json
import os
import socket
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import auth  # noqa: E402
import credentials  # noqa: E402
import cron  # noqa: E402
import run_query  # noqa: E402
import run_status  # noqa: E402
from emulator_case import EmulatorCase, NOW  # noqa: E402
from run_bulk import BulkRuns  # noqa: E402
from run_table import MAX_KEY, MIN_KEY, NO_FILTER, RunFilter, RunTable  # noqa: E402
from run_model import Run  # noqa: E402

DAY = 86400000
ALL = "filter[createdAt][from]=1"


class CursorTest(unittest.TestCase):
    def test_round_trip(self):
        key = (1795479858056, "cmwtycl1c0031b97dj6qvpy50")
        text = run_query.encode_cursor(key)
        self.assertEqual(text, "eyJjIjoxNzk1NDc5ODU4MDU2LCJyIjoiY213dHljbDFjMDAzMWI5N2RqNnF2cHk1"
                               "MCJ9")
        self.assertEqual(run_query.decode_cursor(text), ("key", key))

    def test_anything_else_is_an_id(self):
        for text in ("run_x", "", "!!!", base64.b64encode(b"[1]").decode(), "é"):
            self.assertEqual(run_query.decode_cursor(text)[0], "id")


class QueryTest(unittest.TestCase):
    def window(self, **query):
        names = {"begin": "from", "end": "to", "period": "period"}
        flat = {"filter[createdAt][%s]" % names[key]: value for key, value in query.items()}
        parsed = run_query.parse_list_query(flat, NOW)
        return parsed.lower[0], parsed.upper[0]

    def test_windows(self):
        week = NOW - 7 * DAY
        self.assertEqual(self.window(), (week, MAX_KEY[0]))
        self.assertEqual(self.window(begin="0"), (week, MAX_KEY[0]))
        self.assertEqual(self.window(begin=""), (week, MAX_KEY[0]))
        self.assertEqual(self.window(period=""), (week, MAX_KEY[0]))
        self.assertEqual(self.window(begin="1"), (1, MAX_KEY[0]))
        self.assertEqual(self.window(end="5"), (MIN_KEY[0], 6))
        self.assertEqual(self.window(end=str(NOW + DAY)), (MIN_KEY[0], NOW + 1))
        self.assertEqual(self.window(period="1d", begin="1"), (NOW - DAY, MAX_KEY[0]))
        self.assertEqual(self.window(period="fortnight"), (MIN_KEY[0], MAX_KEY[0]))
        self.assertEqual(self.window(period="0d"), (MIN_KEY[0], MAX_KEY[0]))
        self.assertEqual(self.window(period="7"), (NOW - 7, MAX_KEY[0]))
        self.assertEqual(self.window(period="-1d"), (NOW + DAY, MAX_KEY[0]))
        self.assertEqual(self.window(period="1h30m"), (NOW - 5400000, MAX_KEY[0]))

    def test_dates(self):
        for text, expected in (
                ("1700000000123", 1700000000123), ("2024", 2024),
                ("2026-01-01", NOW), ("2026-01-01T00:00:00.5Z", NOW + 500),
                ("2026-01-01 01:00:00.123456+01", NOW + 123),
                ("2026-01-01T05:30:00+05:30", NOW), ("1960-01-01T00:00:00Z", -315619200000),
                ("yesterday", None), ("2026-13-01", None)):
            self.assertEqual(run_query.parse_date(text), expected, text)

    def test_invalid_values(self):
        for query, message in (
                ({"filter[status]": "FAILED, CRASHED"}, "Invalid status values:  CRASHED"),
                ({"filter[status]": "PENDING"}, "Invalid status values: PENDING"),
                ({"filter[machine]": "huge"}, "Invalid machine values: huge"),
                ({"filter[isTest]": "TRUE"}, "Invalid value for isTest: TRUE"),
                ({"filter[createdAt][from]": "x"}, "Invalid date"),
                ({"page[size]": "101"}, "Number must be less than or equal to 100")):
            with self.assertRaises(run_query.QueryError) as caught:
                run_query.parse_list_query(query, NOW)
            self.assertEqual(caught.exception.details[0]["message"], message)

    def test_empty_value_is_no_filter(self):
        parsed = run_query.parse_list_query({"filter[status]": "", "filter[tag]": ""}, NOW)
        self.assertEqual(parsed.filter.key, NO_FILTER.key)


class StatusTest(unittest.TestCase):
    def test_words_are_not_the_inverse_of_display(self):
        self.assertEqual(run_status.SHOWN[1]["RETRYING_AFTER_FAILURE"], "EXECUTING")
        self.assertNotIn("RETRYING_AFTER_FAILURE", run_status.FILTER_WORDS["EXECUTING"])
        self.assertEqual(set(run_status.FILTER_WORDS["FROZEN"]), {"PAUSED", "WAITING_TO_RESUME"})

    def test_flags(self):
        self.assertNotIn("true", run_status.FLAGS[1]["EXPIRED"])
        self.assertIn('"isFailed":true', run_status.FLAGS[1]["CANCELED"])
        self.assertIn('"isExecuting":true', run_status.FLAGS[0]["PAUSED"])
        self.assertIn('"isWaiting":true', run_status.FLAGS[1]["PAUSED"])


class BulkTest(unittest.TestCase):
    def setUp(self):
        self.bulk = BulkRuns(30000, NOW, 1)
        self.table = RunTable(self.bulk, '{"id":"e","name":"prod"}')

    def test_template_equals_the_row(self):
        for number in range(0, 30000, 7):
            for version in (0, 1):
                self.assertEqual(self.bulk.list_item(number, version),
                                 self.bulk.run(number).list_item(version, self.bulk.env_json))

    def test_oracle_row_equals_the_row(self):
        for number in range(0, 30000, 97):
            row = json.loads(self.bulk.oracle_row(number))
            self.assertEqual(row.pop("_"), self.bulk.run(number).hidden())
            self.assertEqual(row, json.loads(self.bulk.list_item(number, 1)))

    def test_filters_equal_a_scan(self):
        everything = [self.bulk.run(number) for number in range(self.bulk.count)]
        upper, lower = (NOW - 20000000, "x"), (NOW - 60000000, "")
        for run_filter in (
                NO_FILTER, RunFilter(statuses=frozenset(("CRASHED", "PENDING"))),
                RunFilter(tags=frozenset(("user:1", "rare"))), RunFilter(is_test=True),
                RunFilter(batch=BulkRuns.batch_id(9000)),
                RunFilter(tasks=frozenset(("send-email",)), machines=frozenset(("micro",)))):
            found = [self.bulk.internal_id(number)
                     for number in self.bulk.descending(run_filter, upper, lower)]
            expected = [run.internal_id for run in everything
                        if lower <= run.key < upper and run_filter.accepts(run)]
            self.assertEqual(found, expected)
            above = (NOW - 40000000, "m")
            found = [self.bulk.internal_id(number)
                     for number in self.bulk.ascending(run_filter, above)]
            expected = [run.internal_id for run in reversed(everything)
                        if run.key > above and run_filter.accepts(run)]
            self.assertEqual(found, expected)

    def test_stored_rows_mix_in(self):
        target = self.bulk.run(100)
        self.assertTrue(self.table.change(target.id, {"status": "PAUSED"}))
        self.table.add(Run("cmnew", self.bulk.created_at(5)))
        found = [candidate.key for candidate
                 in self.table.descending(NO_FILTER, MAX_KEY, MIN_KEY)]
        self.assertEqual(len(found), self.bulk.count + 1)
        self.assertEqual(found, sorted(found, reverse=True))
        self.assertEqual(self.table.find(target.id).status, "PAUSED")
        paused = RunFilter(statuses=frozenset(("PAUSED",)))
        keys = [candidate.key for candidate
                in self.table.descending(paused, MAX_KEY, MIN_KEY)]
        self.assertIn(target.key, keys)


class CronTest(unittest.TestCase):
    def test_next(self):
        # 2026-01-01T00:00Z was a Thursday
        for expression, zone, expected in (
                ("0 * * * *", "UTC", NOW + 3600000), ("*/5 * * * *", "UTC", NOW + 300000),
                ("0 9 * * *", "Europe/London", NOW + 9 * 3600000),
                ("0 0 L * *", "UTC", NOW + 30 * DAY),
                ("0 9 * JAN MON-FRI", "UTC", NOW + 9 * 3600000),
                ("0 0 * * 7", "UTC", NOW + 3 * DAY)):
            self.assertEqual(cron.next_run(expression, zone, NOW), expected, expression)

    def test_refused(self):
        for expression in ("not a cron", "0 0 30 2 *", "0 0  * * *", "0 0 0 * * *", "60 * * * *"):
            with self.assertRaises(cron.CronError):
                cron.parse(expression)
        for expression in ("@daily", "0 * * *"):
            with self.assertRaises(cron.CronCrash):
                cron.parse(expression)

    def test_descriptions(self):
        for expression, text in (
                ("0 0 L * *", "At 12:00 AM, on the last day of the month"),
                ("0 9 * JAN MON-FRI", "At 09:00 AM, Monday through Friday, only in January"),
                ("39 * * * *", "At 39 minutes past the hour"), ("0 * * * *", "Every hour")):
            self.assertEqual(cron.describe(expression), text)


class TokenTest(unittest.TestCase):
    def test_reference_signature(self):
        claims = {
            "sub": "cm0exampleenv0001", "pub": True,
            "scopes": ["read:runs:run_1234", "read:tags:user:42"],
            "iss": auth.ISSUER, "aud": auth.AUDIENCE, "exp": 1700000900, "iat": 1700000000}
        token = auth.sign(claims, "tr_dev_1234567890abcdefghij")
        self.assertEqual(token.rpartition(".")[2],
                         "gM42hIYxW7rIsxNi1T01iDqRtqqJESRa-Fq8ICgnlU8")

    def test_scopes(self):
        allows = auth.scope_allows
        self.assertTrue(allows(("read:runs",), "read", "runs", "run_1"))
        self.assertTrue(allows(("read:tags:env:staging",), "read", "tags", "env:staging"))
        self.assertTrue(allows(("admin",), "write", "envvars"))
        self.assertTrue(allows(("read:all",), "read", "runs"))
        self.assertFalse(allows(("read:runs:run_1",), "read", "runs"))
        self.assertFalse(allows(("write",), "write", "runs"))
        self.assertFalse(allows(("admin:runs",), "read", "runs"))
        self.assertFalse(allows((), "read", "runs"))


class ServerTest(EmulatorCase):
    """The running program."""

    def get(self, target, key=credentials.TR_PROD, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("GET", target, {"Authorization": "Bearer " + key,
                                         "x-trigger-api-version": "2025-07-16", **headers})

    def page(self, query, key=credentials.TR_PROD):
        response, data = self.get("/api/v1/runs?" + query, key)
        self.assertEqual(response.status, 200, data)
        return json.loads(data)

    def walk(self, query, limit=2000):
        ids, cursor, pages = [], None, 0
        while pages < limit:
            answer = self.page(query + ("&page[after]=" + cursor if cursor else ""))
            pages += 1
            ids += [item["id"] for item in answer["data"]]
            cursor = answer["pagination"].get("next")
            if cursor is None:
                break
        return ids, pages

    def oracle(self, resource="runs", query=""):
        data = self.control("GET", "oracle/%s?%s" % (resource, query))
        return [json.loads(line) for line in data.splitlines()]

    def test_walk_finds_everything_once(self):
        expected = [row["id"] for row in self.oracle()]
        for size in (9, 100):
            self.assertEqual(self.walk("%s&page[size]=%d" % (ALL, size))[0], expected)

    def test_status_filter_gives_empty_page_with_cursor(self):
        first = self.page(ALL + "&filter[status]=QUEUED&page[size]=100")
        second = self.page(ALL + "&filter[status]=QUEUED&page[size]=100&page[after]="
                           + first["pagination"]["next"])
        expected = [row["id"] for row in self.oracle() if row["_"]["status"] == "PENDING"]
        self.assertEqual(self.walk(ALL + "&filter[status]=QUEUED&page[size]=50")[0], expected)
        self.assertLess(len(first["data"]) + len(second["data"]), 120)

    def test_widened_status_words_find_what_is_shown(self):
        rows = self.oracle()
        self.assertEqual({row["_"]["status"] for row in rows}, set(run_status.DISPLAY))
        words = {}
        for word, internals in run_status.FILTER_WORDS.items():
            for internal in internals:
                words.setdefault(run_status.SHOWN[1][internal], set()).add(word)
        for shown, chosen in words.items():
            query = "%s&page[size]=100&filter[status]=%s" % (ALL, ",".join(sorted(chosen)))
            expected = [row["id"] for row in rows if row["status"] == shown]
            self.assertEqual(self.walk(query)[0], expected, shown)

    def test_paging_switches_lose_nothing(self):
        expected = [row["id"] for row in self.oracle()]
        query = ALL + "&page[size]=50"
        _, pages = self.walk(query)
        for switch in ({"empty_pages": 2}, {"page_short": True}, {"hydrate_drop": 0.4}):
            self.control("PUT", "settings", switch)
            ids, more = self.walk(query)
            self.assertEqual(ids, expected, switch)
            self.assertGreater(more, pages)
            self.control("PUT", "settings", dict.fromkeys(switch))

    def test_paging_faults(self):
        first = self.page(ALL + "&page[size]=10")
        cursor = first["pagination"]["next"]
        self.control("PUT", "settings", {"repeat_rows": 2})
        second = self.page(ALL + "&page[size]=10&page[after]=" + cursor)
        self.assertEqual([item["id"] for item in second["data"][:2]],
                         [item["id"] for item in first["data"][-2:]])
        self.control("PUT", "settings", {"repeat_rows": 0, "repeat_cursor": True})
        again = self.page(ALL + "&page[size]=10&page[after]=" + cursor)
        self.assertEqual(again["pagination"]["next"], cursor)

    def test_lag_hides_new_runs_from_lists_only(self):
        self.control("PUT", "settings", {"lag_ms": 60000})
        [run_id] = json.loads(self.control("POST", "runs", [{"tags": ["new"]}]))["ids"]
        self.assertEqual(self.page(ALL + "&filter[tag]=new")["data"], [])
        self.assertEqual(self.get("/api/v3/runs/" + run_id)[0].status, 200)
        self.control("PUT", "settings", {"lag_ms": 0})
        self.assertEqual(len(self.page(ALL + "&filter[tag]=new")["data"]), 1)

    def test_log(self):
        self.get("/api/v1/runs?filter%5Btag%5D=a%2Cb&filter%5BcreatedAt%5D%5Bfrom%5D=1700000000000"
                 "&page%5Bafter%5D=x")
        self.get("/api/v1/runs", "nonsense")
        lines = self.control("GET", "requests?take=1&ms=mask").decode().splitlines()
        self.assertEqual(lines, [
            "GET /api/v1/runs?filter[tag]=a,b&filter[createdAt][from]=<ms>&page[after]=<cursor>"
            " -> 200", "GET /api/v1/runs -> 401"])
        self.assertEqual(self.control("GET", "requests"), b"")

    def test_gzip_and_chunked(self):
        target = "/api/v1/runs?" + ALL + "&page[size]=100"
        plain = self.get(target)[1]
        response, data = self.get(target, Accept_Encoding="gzip")
        self.assertEqual(response.getheader("Content-Encoding"), "gzip")
        self.assertEqual(gzip.decompress(data), plain)
        self.control("PUT", "settings", {"chunked": True})
        response, data = self.get(target)
        self.assertEqual(response.getheader("Transfer-Encoding"), "chunked")
        self.assertEqual(data, plain)

    def raw(self, data, timeout=2):
        with socket.create_connection(("127.0.0.1", self.port), timeout) as peer:
            peer.sendall(data)
            received = b""
            try:
                while True:
                    part = peer.recv(65536)
                    if not part:
                        return received, "closed"
                    received += part
            except ConnectionResetError:
                return received, "reset"
            except TimeoutError:
                return received, "open"

    def plain_get(self):
        return ("GET /api/v1/runs?page[size]=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s"
                "\r\n\r\n" % credentials.TR_PROD).encode()

    def test_pipelining(self):
        last = self.plain_get().replace(b"Host: x", b"Host: x\r\nConnection: close")
        received, end = self.raw(self.plain_get() * 3 + last)
        self.assertEqual(received.count(b"HTTP/1.1 200 OK"), 4)
        self.assertEqual(end, "closed")

    def test_chunked_request_body(self):
        body = b'{"name":"CHUNKED","value":"1"}'
        head = ("POST /api/v1/projects/%s/envvars/prod HTTP/1.1\r\nHost: x\r\nAuthorization: "
                "Bearer %s\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                % (credentials.PROJECT_ALPHA, credentials.TR_PROD)).encode()
        received, _ = self.raw(head + b"5\r\n" + body[:5] + b"\r\n%x\r\n" % (len(body) - 5)
                               + body[5:] + b"\r\n0\r\n\r\n")
        self.assertTrue(received.endswith(b'{"success":true}'), received)

    def test_oversized_head(self):
        received, end = self.raw(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n")
        self.assertTrue(received.startswith(b"HTTP/1.1 431 "))
        self.assertEqual(end, "closed")

    def fault(self, action, **match):
        self.control("PUT", "faults", [{"match": match, "action": action}])

    def test_connection_faults(self):
        whole = len(self.raw(self.plain_get().replace(
            b"Host: x", b"Host: x\r\nConnection: close"))[0])
        for action, end, check in (
                ({"kind": "reset_before"}, "reset", lambda got: got == b""),
                ({"kind": "reset_after"}, "reset", lambda got: got == b""),
                ({"kind": "reset_mid", "bytes": 20}, "reset", lambda got: 0 < len(got) < whole),
                ({"kind": "truncate", "bytes": 30}, "closed", lambda got: 0 < len(got) < whole),
                ({"kind": "stall"}, "open", lambda got: got == b""),
                ({"kind": "stall", "where": "body", "after_bytes": 10}, "open",
                 lambda got: 0 < len(got) < whole),
                ({"kind": "connection_close"}, "closed", lambda got: b"Connection: close" in got)):
            self.fault(action)
            received, how = self.raw(self.plain_get(), timeout=0.5)
            self.assertEqual(how, end, action)
            self.assertTrue(check(received), (action, received))
        lines = self.control("GET", "requests").decode().splitlines()
        self.assertEqual([line.rpartition(" -> ")[2] for line in lines[1:4]], ["reset"] * 3)

    def test_answer_faults(self):
        self.fault({"kind": "status", "status": 503, "headers": {"x-a": "b"}}, nth=2)
        self.assertEqual([self.get("/api/v1/runs")[0].status for _ in range(3)], [200, 503, 200])
        self.fault({"kind": "body", "body": '{"data":[}'})
        self.assertEqual(self.get("/api/v1/runs")[1], b'{"data":[}')
        self.fault({"kind": "gzip_bomb", "size": 5000000})
        response, data = self.get("/api/v1/runs")
        self.assertLess(len(data), 20000)
        self.assertGreater(len(gzip.decompress(data)), 5000000)
        for style, header in (("ms", "x-ratelimit-reset"), ("retry-after", "Retry-After")):
            self.fault({"kind": "rate_limit", "reset": style, "seconds": 2})
            response, _ = self.get("/api/v1/runs")
            self.assertEqual(response.status, 429)
            self.assertIsNotNone(response.getheader(header))

    def test_enforced_rate_limit(self):
        self.control("PUT", "settings", {"rate_limit": {"burst": 3, "refill_per_10s": 1}})
        statuses = [self.get("/api/v1/runs", credentials.TR_BETA_PROD)[0].status
                    for _ in range(4)]
        self.assertEqual(statuses, [200, 200, 200, 429])

    def test_latency_does_not_block_others(self):
        self.control("PUT", "settings", {"latency_ms": 300})
        started = time.monotonic()
        peers = [socket.create_connection(("127.0.0.1", self.port), 5) for _ in range(4)]
        for peer in peers:
            peer.sendall(self.plain_get())
        for peer in peers:
            self.assertTrue(peer.recv(100).startswith(b"HTTP/1.1 200"))
            peer.close()
        self.assertLess(time.monotonic() - started, 0.9)
        self.control("PUT", "settings", {"latency_ms": 0})
        records = json.loads(self.control("GET", "requests.json"))
        self.assertEqual(max(record["in_flight"] for record in records), 4)

    def test_silent_port(self):
        with socket.create_connection(("127.0.0.1", self.stall_port), 0.3) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with self.assertRaises(TimeoutError):
                peer.recv(1)

    def test_offloaded_payload(self):
        [row] = [row for row in self.oracle("run_details")
                 if "special:offloaded" in row["tags"]]
        details = json.loads(self.get("/api/v3/runs/" + row["id"])[1])
        self.assertNotIn("payload", details)
        target = details["payloadPresignedUrl"].partition("://")[2].partition("/")[2]
        self.assertEqual(self.get("/" + target)[0].status, 400)
        response, data = self.send("GET", "/" + target)
        self.assertEqual(data.decode(), row["_"]["offloadedPayload"])

    def test_schedule_drift(self):
        self.control("PUT", "settings", {"schedule_drift": {"after_page": 1, "count": 2}})
        counts = [json.loads(self.get("/api/v1/schedules")[1])["pagination"]["count"]
                  for _ in range(3)]
        self.assertEqual(counts, [230, 232, 232])

    def test_colleague_first_for_dev(self):
        target = "/api/v1/projects/%s/runs?filter[env]=dev&%s" % (credentials.PROJECT_ALPHA, ALL)
        data = json.loads(self.get(target, credentials.PAT)[1])["data"]
        self.assertEqual(data[0]["env"]["user"], "Other")


if __name__ == "__main__":
    unittest.main()

"""Tests of sessions and their channels, and of what public tokens reach."""

import http.client
import json
import os
import socket
import sys
import time
import unittest
from urllib.parse import quote

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import auth  # noqa: E402
import channels  # noqa: E402
import credentials  # noqa: E402
import run_query  # noqa: E402
import session_query  # noqa: E402
from emulator_case import NOW, EmulatorCase  # noqa: E402
from sessions import Session, Sessions  # noqa: E402
from settings import Settings  # noqa: E402

DAY = 86400000
SESSIONS = "/api/v1/sessions"
CONFIG = {"basePayload": {"chatId": "c1"}}
BODY = {"type": "chat.agent", "taskIdentifier": "chat-agent", "triggerConfig": CONFIG}
PROD_ID = "ce0alphaprod0000000000001"
RECORDS = "/realtime/v1/sessions/%s/%s/records"
APPEND = "/realtime/v1/sessions/%s/%s/append"


class QueryTest(unittest.TestCase):
    def parse(self, **query):
        names = {"size": "page[size]", "after": "page[after]", "before": "page[before]",
                 "begin": "filter[createdAt][from]", "end": "filter[createdAt][to]",
                 "period": "filter[createdAt][period]"}
        flat = {names.get(key, "filter[%s]" % key): value for key, value in query.items()}
        return session_query.parse(flat, NOW)

    def issues(self, **query):
        with self.assertRaises(run_query.QueryError) as caught:
            self.parse(**query)
        return [(issue["path"][0], issue["message"]) for issue in caught.exception.details]

    def test_numbers(self):
        for text, value in (("", 0), (" 7 ", 7), ("0x10", 16), ("1e3", 1000), ("-5", -5),
                            (".5", .5), ("Infinity", float("inf")), ("1_0", None),
                            ("inf", None), ("nan", None), ("2026-01-01", None), ("12px", None)):
            self.assertEqual(session_query.js_number(text), value, text)

    def test_windows_combine(self):
        self.assertEqual((self.parse().lower, self.parse().upper), (None, None))
        self.assertEqual(self.parse(begin="0", end="0").lower, None)
        self.assertEqual(self.parse(begin="5", end="9").upper, 9)
        self.assertEqual(self.parse(begin="5", period="1d").lower, NOW - DAY)
        self.assertEqual(self.parse(begin=str(NOW - 5), period="1d").lower, NOW - 5)
        self.assertIsNone(self.parse(period="fortnight").lower)

    def test_refused(self):
        for query in ({"begin": "2026-01-01T00:00:00Z"}, {"end": "x"}, {"begin": "1.5"},
                      {"size": "0"}, {"size": "101"}, {"size": "x"}, {"size": ""},
                      {"status": "ACTIVE,CLOSED"}, {"status": ""}, {"status": "closed"},
                      {"after": "a", "before": "b"}):
            self.assertEqual(len(self.issues(**query)), 1, query)
        self.assertEqual(self.issues(after="a", before="b"), [(
            "page[before]",
            "Cannot pass both page[after] and page[before] on the same request")])

    def test_values_are_literal(self):
        parsed = self.parse(tags="a,b", type="x,y", taskIdentifier="t,u", externalId="")
        self.assertEqual((parsed.tag, parsed.type, parsed.task, parsed.external_id),
                         ("a,b", "x,y", "t,u", None))
        self.assertEqual(self.parse().size, 20)


class PageTest(unittest.TestCase):
    """Paging on a small table: names are ids, numbers the moments of creation."""

    def setUp(self):
        self.sessions = Sessions()
        self.settings = Settings()

    def add(self, *rows):
        for name, created in rows:
            self.sessions.add(Session(name, created))

    def page(self, now=NOW, **query):
        names = {"size": "page[size]", "after": "page[after]", "before": "page[before]"}
        flat = {names.get(key, "filter[%s]" % key): str(value) for key, value in query.items()}
        page = session_query.cut_page(
            self.sessions, session_query.parse(flat, now), self.settings, now, now)
        return [row.internal_id for row in page.sessions], page.next, page.previous

    def walk(self, size):
        seen, page = [], self.page(size=size)
        while True:
            seen += page[0]
            if page[1] is None:
                return seen
            page = self.page(size=size, after=page[1])

    def test_order_and_ties(self):
        self.add(("a", 1), ("c", 2), ("b", 2), ("d", 3))
        self.assertEqual(self.page(), (["d", "c", "b", "a"], None, None))
        self.assertEqual(self.page(size=2), (["d", "c"], "c", None))
        self.assertEqual(self.page(size=2, after="c"), (["b", "a"], None, "b"))
        self.assertEqual(self.page(after="zz"), (["d", "c", "b", "a"], None, "d"))
        self.assertEqual(self.page(after=""), (["d", "c", "b", "a"], None, None))

    def test_ids_out_of_order_are_skipped_or_repeated(self):
        # z is older than its id says, b younger
        self.add(("a", 1), ("z", 2), ("c", 3), ("b", 4), ("d", 5))
        self.assertEqual(self.walk(10), ["d", "b", "c", "z", "a"])
        self.assertEqual(self.walk(2), ["d", "b", "a"])
        self.assertEqual(self.walk(3), ["d", "b", "c", "b", "a"])

    def test_backward_loses_the_neighbour(self):
        self.add(*(("abcdef"[n], n) for n in range(6)))
        self.assertEqual(self.page(size=2, before="b"), (["e", "d"], "c", "d"))
        self.assertEqual(self.page(size=10, before="d"), (["f", "e"], None, None))
        self.assertEqual(self.page(size=2, before="d"), (["f", "e"], "e", None))

    def test_status_is_looked_at_again(self):
        self.add(*(("abcdef"[n], n) for n in range(6)))
        for name in "cde":
            self.sessions.change("session_" + name, {
                "closed_at": 7, "indexed_as": ("ACTIVE", "CLOSED")})
        self.assertEqual(self.page(size=3, status="ACTIVE"), (["f"], "d", None))
        self.assertEqual(self.page(size=1, status="ACTIVE", after="f"), ([], "e", "e"))
        self.assertEqual(self.page(status="CLOSED"), (["e", "d", "c"], None, None))
        self.sessions.change("session_f", {"deleted": True})
        self.assertEqual(self.page(size=1), ([], "f", None))

    def test_expiry_at_the_very_moment(self):
        self.add(("a", 1))
        self.sessions.change("session_a", {"expires_at": NOW})
        for now, statuses in ((NOW - 1, ["ACTIVE"]), (NOW, []), (NOW + 1, ["EXPIRED"])):
            found = [status for status in ("ACTIVE", "EXPIRED", "CLOSED")
                     if self.page(now, status=status)[0]]
            self.assertEqual(found, statuses)

    def test_settings(self):
        self.add(*(("abcdef"[n], n) for n in range(6)))
        self.settings.page_short = True
        self.assertEqual(self.page(), (["f", "e"], "e", None))
        self.settings.reset()
        self.settings.repeat_cursor = True
        self.assertEqual(self.page(size=2, after="e")[1], "e")
        self.settings.reset()
        self.settings.merge({"hydrate_drop": {"ids": ["session_e"]}})
        self.assertEqual(self.page(size=2), (["f"], "e", None))


class ChannelTest(unittest.TestCase):
    def test_sizes(self):
        channel = channels.Channel("x/in")
        envelope = len('{"data":"","id":"1234567"}') + 8
        channel.append('"%s"' % ("x" * (channels.MAX_RECORD - envelope)), 1, "1234567")
        with self.assertRaises(channels.RecordTooLarge):
            channel.append('"%s"' % ("x" * (channels.MAX_RECORD - envelope + 1)), 1, "1234567")
        self.assertEqual(len(channel.records), 1)

    def test_forms(self):
        channel = channels.Channel("x/out")
        channel.append('{"a":1.0}', 5, "p")
        channel.append("null", 6, "q")
        channel.append(None, 7, headers=[["trigger-control", "turn-complete"]])
        channel.append('"AAA="', 8, headers=[["", "trim"]])
        self.assertEqual([record.shown() for record in channel.after(0)], [
            '{"data":"","id":"q","seqNum":1}',
            '{"data":"","id":"","seqNum":2,"headers":[["trigger-control","turn-complete"]]}'])
        self.assertEqual(channel.records[0].streamed(),
                         '{"seq_num":0,"timestamp":5,"body":"{\\"data\\":{\\"a\\":1.0},'
                         '\\"id\\":\\"p\\"}"}')
        self.assertTrue(channel.is_settled())
        channel.append('1', 9)
        self.assertFalse(channel.is_settled())

    def test_feed_ends_when_nothing_comes(self):
        moment = [1000]
        channel = channels.Channel("x/out")
        feed = channels.Feed(channel, 5, 300, lambda: moment[0])
        self.assertEqual(feed.take(), ("", False))
        moment[0] = 1200
        channel.append('1', 9, "p")
        self.assertTrue(feed.take()[0].startswith("event: batch\nid: 0,1,"))
        moment[0] = 1499
        self.assertEqual(feed.take(), ("", False))
        moment[0] = 1500
        self.assertEqual(feed.take(), ("data: [DONE]\n\n", True))


class SessionCase(EmulatorCase):
    """Helpers for sessions on the running program."""

    def start(self, status=201, **more):
        body = {name: value for name, value in {**BODY, **more}.items() if value is not ...}
        found, answer = self.call("POST", SESSIONS, body)
        self.assertEqual(found, status, answer)
        return answer

    def ids(self, **query):
        names = {"size": "page[size]", "after": "page[after]"}
        text = "&".join("%s=%s" % (quote(names.get(key, "filter[%s]" % key)), quote(str(value)))
                        for key, value in query.items())
        status, answer = self.call("GET", SESSIONS + "?" + text)
        self.assertEqual(status, 200, answer)
        return [item["id"] for item in answer["data"]]

    def row(self, session_id):
        [row] = [row for row in self.oracle("sessions") if row["id"] == session_id]
        return row

    def records(self, name, io, query=""):
        status, answer = self.call("GET", RECORDS % (quote(name, ""), io) + query)
        self.assertEqual(status, 200, answer)
        return answer["records"]

    @staticmethod
    def token(*scopes, **claims):
        now = int(time.time())
        return auth.sign({"sub": PROD_ID, "pub": True, "scopes": list(scopes),
                          "iss": auth.ISSUER, "aud": auth.AUDIENCE, "exp": now + 900,
                          "iat": now, **claims}, credentials.TR_PROD)


class SessionTest(SessionCase):
    def test_start(self):
        answer = self.start(externalId="  one  ", tags=["b", "a"], metadata={"n": 1})
        self.assertEqual((answer["externalId"], answer["tags"], answer["isCached"]),
                         ("one", ["b", "a"], False))
        run = self.call("GET", "/api/v3/runs/" + answer["runId"])[1]
        self.assertEqual((run["taskIdentifier"], run["payload"]),
                         ("chat-agent", {"chatId": "c1", "sessionId": answer["id"]}))
        claims = auth.public_claims(answer["publicAccessToken"])
        self.assertEqual(claims["scopes"], ["read:sessions:one", "write:sessions:one"])
        self.assertEqual(claims["exp"] - claims["iat"], 3600)
        plain = self.start()
        self.assertEqual(auth.public_claims(plain["publicAccessToken"])["scopes"][0],
                         "read:sessions:" + plain["id"])
        entries = self.writes()
        self.assertEqual([(entry["kind"], entry["ids"]) for entry in entries], [
            ("session.create", [answer["id"]]), ("run.trigger", [answer["runId"]]),
            ("session.create", [plain["id"]]), ("run.trigger", [plain["runId"]])])
        self.assertEqual(entries[0]["request"], entries[1]["request"])

    def test_options_reach_the_run(self):
        answer = self.start(triggerConfig={
            "basePayload": {"big": 1}, "machine": "micro", "queue": "chats", "tags": ["t"],
            "region": "eu-central-1", "idleTimeoutInSeconds": 9, "unknown": 1})
        self.assertNotIn("unknown", answer["triggerConfig"])
        [row] = [row for row in self.oracle("run_details") if row["id"] == answer["runId"]]
        self.assertEqual((row["tags"], row["_"]["machine"], row["_"]["queue"]),
                         (["t"], "micro", "chats"))
        self.assertEqual(row["payload"]["idleTimeoutInSeconds"], 9)

    def test_start_again(self):
        first = self.start(externalId="one", tags=["a"])
        self.writes()
        config = {"basePayload": {"new": 1, "message": "m"}}
        again = self.start(200, externalId="one", tags=["b"], type="x", triggerConfig=config)
        self.assertEqual((again["id"], again["isCached"], again["tags"], again["type"]),
                         (first["id"], True, ["a"], "chat.agent"))
        self.assertEqual((again["triggerConfig"], again["runId"]), (config, first["runId"]))
        self.assertEqual(self.kinds(), ["session.update"])
        self.control("PATCH", "runs/" + first["runId"], {"status": "COMPLETED_SUCCESSFULLY"})
        third = self.start(200, externalId="one", triggerConfig=config)
        self.assertNotEqual(third["runId"], first["runId"])
        payload = self.call("GET", "/api/v3/runs/" + third["runId"])[1]["payload"]
        self.assertEqual(payload, {"new": 1, "sessionId": first["id"], "continuation": True,
                                   "previousRunId": first["runId"]})

    def test_closed_and_expired(self):
        body = {"externalId": "old", "expiresAt": "2020-01-01T00:00:00Z"}
        self.assertIn("expired", self.start(409, **body)["error"])
        self.assertEqual(self.kinds(), ["session.create"])
        [left] = self.ids(externalId="old")
        self.assertEqual(self.row(left)["currentRunId"], None)
        self.assertEqual(self.ids(externalId="old", status="EXPIRED"), [left])
        self.assertIn("expired", self.start(409, externalId="old")["error"])
        self.start(409, externalId="null", expiresAt=None)
        self.start(externalId="c")
        self.call("POST", SESSIONS + "/c/close", {"reason": "r"})
        self.assertIn("closed", self.start(409, externalId="c")["error"])

    def test_refused_bodies(self):
        for change in ({"type": ""}, {"type": "x" * 65}, {"type": ...},
                       {"taskIdentifier": ...}, {"triggerConfig": ...}, {"triggerConfig": {}},
                       {"externalId": "  "}, {"externalId": " session_x"}, {"externalId": None},
                       {"externalId": "x" * 257}, {"tags": ["t"] * 11}, {"tags": ["x" * 129]},
                       {"metadata": None}, {"metadata": []}, {"expiresAt": "soon"},
                       {"triggerConfig": {**CONFIG, "maxAttempts": 11}},
                       {"triggerConfig": {**CONFIG, "idleTimeoutInSeconds": 3601}},
                       {"triggerConfig": {**CONFIG, "tags": ["t"] * 6}}):
            self.start(400, **change)
        self.assertEqual(self.start(400, tags=["t"] * 11)["error"],
                         'Validation error: Array must contain at most 10 element(s) at "tags"')
        self.start(422, triggerConfig={**CONFIG, "region": "mars"}, externalId="left")
        self.assertEqual(len(self.ids(externalId="left")), 1)
        self.assertEqual(self.kinds(), ["session.create"])

    def test_sizes(self):
        body = json.dumps({**BODY, "metadata": {"x": ""}})
        fits = body.replace('""', '"%s"' % ("x" * (32768 - len(body))))
        self.assertEqual(self.call("POST", SESSIONS, fits)[0], 201)
        self.assertEqual(self.call("POST", SESSIONS, fits + " ")[0], 413)
        self.assertEqual(self.call("POST", SESSIONS + "/chat-000/close",
                                   '{"x":"%s"}' % ("x" * 1017))[0], 413)
        for method, target in (("POST", SESSIONS), ("PATCH", SESSIONS + "/chat-000"),
                               ("POST", SESSIONS + "/chat-000/close"),
                               ("POST", APPEND % ("chat-000", "in"))):
            with socket.create_connection(("127.0.0.1", self.port), 5) as peer:
                peer.sendall(("%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
                              % (method, target, credentials.TR_PROD)).encode())
                self.assertTrue(peer.recv(100).startswith(b"HTTP/1.1 413 "), target)

    def test_numbers_stay_exact(self):
        exact = '{"big":18446744073709551616,"exact":0.12345678901234567890123}'
        body = json.dumps(BODY)[:-1] + ',"externalId":"n","metadata":%s}' % exact
        self.assertEqual(self.call("POST", SESSIONS, body)[0], 201)
        answer = self.send("GET", SESSIONS + "/n",
                           {"Authorization": "Bearer " + credentials.TR_PROD})[1].decode()
        self.assertIn('"metadata":' + exact, answer)
        self.assertIn('"metadata":' + exact[:-1],
                      self.control("GET", "oracle/sessions").decode())

    def test_update(self):
        session = self.start(externalId="u", metadata={"a": 1}, tags=["a"])
        self.writes()
        target = SESSIONS + "/u"
        for body, tags, metadata in (({"tags": ["b"]}, ["b"], {"a": 1}),
                                     ({"metadata": {"b": 2}}, ["b"], {"b": 2}),
                                     ({"metadata": None}, ["b"], None),
                                     ({"externalId": " u "}, ["b"], None),
                                     ({"type": "zzz"}, ["b"], None), ({}, ["b"], None)):
            status, answer = self.call("PATCH", target, body)
            self.assertEqual((status, answer["tags"], answer["metadata"], answer["type"]),
                             (200, tags, metadata, "chat.agent"), body)
        for value in ("v", None):
            self.assertEqual(self.call("PATCH", target, {"externalId": value})[0], 422)
        without = self.start()["id"]
        self.assertEqual(self.call("PATCH", SESSIONS + "/" + without,
                                   {"externalId": "new"})[0], 422)
        self.assertEqual(self.call("PATCH", SESSIONS + "/" + without,
                                   {"externalId": None})[0], 200)
        self.assertEqual(self.call("PATCH", SESSIONS + "/none", {}),
                         (404, {"error": "Session not found"}))
        self.assertEqual(self.call("PUT", target, {})[0], 405)
        entries = [entry for entry in self.writes() if entry["ids"] == [session["id"]]]
        self.assertEqual([(entry["kind"], entry["fields"]) for entry in entries],
                         [("session.update", [name]) for name in
                          ("tags", "metadata", "metadata", "externalId")])

    def test_close(self):
        session = self.start(externalId="c")
        self.writes()
        target = SESSIONS + "/%s/close" % session["id"]
        first = self.call("POST", target, {"reason": "first"})[1]
        self.control("PUT", "settings", {"now": NOW + 5000})
        self.assertEqual(self.call("POST", target, {"reason": "second"})[1], first)
        self.assertEqual((first["closedReason"], first["closedAt"]),
                         ("first", "2026-01-01T00:00:00.000Z"))
        self.assertEqual(self.call("PATCH", SESSIONS + "/c", {"tags": ["late"]})[0], 200)
        self.assertEqual(self.call("POST", target, "")[0], 400)
        self.assertEqual(self.call("POST", target, {"reason": "x" * 257})[0], 400)
        self.assertEqual(self.call("GET", target), (405, ""))
        self.assertEqual(self.call("DELETE", SESSIONS + "/c")[0], 405)
        self.assertEqual(self.kinds(), ["session.close", "session.update"])

    def test_list(self):
        rows = {row["id"]: row for row in self.oracle("sessions")}
        self.assertEqual(self.ids(size=100), list(rows))
        self.assertEqual(len(self.ids()), 20)
        status, answer = self.call("GET", SESSIONS + "?page%5Bsize%5D=100")
        for item in answer["data"]:
            row = dict(rows[item["id"]])
            del row["_"], row["triggerConfig"]
            self.assertEqual(item, row)
        for query, accepts in (
                ({"status": "CLOSED"}, lambda row: row["closedAt"]),
                ({"status": "EXPIRED"}, lambda row: row["_"]["status"] == "EXPIRED"),
                ({"status": "ACTIVE"}, lambda row: row["_"]["status"] == "ACTIVE"),
                ({"tags": "with,comma"}, lambda row: "with,comma" in row["tags"]),
                ({"tags": "with"}, lambda row: "with" in row["tags"]),
                ({"tags": "even,odd"}, lambda row: False),
                ({"tag": "even"}, lambda row: True), ({"tags": ""}, lambda row: False),
                ({"type": "support"}, lambda row: row["type"] == "support"),
                ({"taskIdentifier": "process-order"},
                 lambda row: row["taskIdentifier"] == "process-order"),
                ({"externalId": "chat-003"}, lambda row: row["externalId"] == "chat-003"),
                ({"createdAt][from": NOW - DAY}, lambda row: row["_"]["orderKey"][0] >= NOW - DAY),
                ({"createdAt][to": NOW - DAY}, lambda row: row["_"]["orderKey"][0] <= NOW - DAY),
                ({"createdAt][period": "7d"},
                 lambda row: row["_"]["orderKey"][0] >= NOW - 7 * DAY)):
            self.assertEqual(self.ids(size=100, **query),
                             [name for name, row in rows.items() if accepts(row)], query)
        self.assertEqual(self.call("PUT", SESSIONS, {})[0], 405)

    def test_small_pages_go_wrong(self):
        rows = [row["id"] for row in self.oracle("sessions")]
        for size in (5, 7):
            seen, cursor = [], None
            while True:
                target = SESSIONS + "?page%%5Bsize%%5D=%d" % size
                page = self.call("GET", target + ("&page%5Bafter%5D=" + cursor if cursor
                                                  else ""))[1]
                seen += [item["id"] for item in page["data"]]
                cursor = page["pagination"].get("next")
                if cursor is None:
                    break
            self.assertTrue(set(rows) - set(seen) or len(seen) != len(set(seen)))

    def test_lag(self):
        self.control("PUT", "settings", {"lag_ms": 1000})
        session = self.start(externalId="lagging")["id"]
        self.assertEqual(self.ids(externalId="lagging"), [])
        self.assertEqual(self.call("GET", SESSIONS + "/lagging")[0], 200)
        self.becomes([session], lambda: self.ids(externalId="lagging"))
        self.call("POST", SESSIONS + "/lagging/close", {})
        self.call("PATCH", SESSIONS + "/lagging", {"tags": ["late"]})
        self.assertEqual(self.ids(externalId="lagging", status="CLOSED"), [])
        # picked as active, then dropped
        self.assertEqual(self.ids(externalId="lagging", status="ACTIVE"), [])
        self.assertEqual(self.ids(tags="late"), [])
        self.becomes([session], lambda: self.ids(externalId="lagging", status="CLOSED"))
        self.becomes([session], lambda: self.ids(tags="late"))

    def test_control(self):
        made = json.loads(self.control("POST", "sessions", [
            {"id": "session_cz2", "created_at": 1, "external_id": "x", "tags": ["t"],
             "metadata_text": '{"n":1.0}', "trigger_config": {"basePayload": {}}},
            {"created_at": 2, "environment": "stg"}]))["ids"]
        self.assertEqual(made[0], "session_cz2")
        self.assertEqual(self.ids(externalId="x"), ["session_cz2"])
        self.control("PATCH", "sessions/session_cz2", {"closed_at": 5, "closed_reason": "r",
                                                       "indexed_as": ["ACTIVE"]})
        self.assertEqual(self.ids(externalId="x", status="CLOSED"), [])
        self.assertEqual(self.call("GET", SESSIONS + "/x")[1]["closedReason"], "r")
        self.assertEqual(self.kinds(), [])
        self.assertEqual(self.call("GET", SESSIONS + "/" + made[1])[0], 404)
        for body in ([{"nonsense": 1}], [{"external_id": "x"}]):
            response, _ = self.send("POST", "/_emulator/sessions", None, json.dumps(body))
            self.assertEqual(response.status, 400)

    def test_data_set(self):
        rows = self.oracle("sessions")
        self.assertEqual(len(rows), 45)
        self.control("POST", "reset", {})
        self.assertEqual(self.oracle("sessions"), rows)
        self.control("POST", "reset", {"seed": 2})
        self.assertNotEqual([row["id"] for row in self.oracle("sessions")],
                            [row["id"] for row in rows])
        created = [row["createdAt"] for row in rows]
        self.assertEqual(max(created.count(moment) for moment in created), 4)
        ids = [row["_"]["internalId"] for row in rows]
        self.assertNotEqual(ids, sorted(ids, reverse=True))
        self.assertEqual({row["_"]["status"] for row in rows}, {"ACTIVE", "CLOSED", "EXPIRED"})
        for slug, count in (("stg", 5), ("dev", 3), ("dev:other", 3),
                            ("preview-feature-xyz", 3), ("preview", 0)):
            self.assertEqual(len(self.oracle("sessions?environment=" + slug)), count)
        [row] = self.oracle("branches")[:1]
        self.assertEqual(row["name"], credentials.BRANCH_FEATURE)
        self.assertEqual(len(self.oracle("projects")), 3)
        self.assertEqual([row["slug"] for row in self.oracle("environments")],
                         ["prod", "dev", "stg", "preview", "dev"])


class RecordTest(SessionCase):
    def append(self, name, io, body, **more):
        return self.call("POST", APPEND % (quote(name, ""), io), body, **more)

    def test_append_and_read(self):
        self.start(externalId="a")
        self.writes()
        for seq, body in enumerate(("text", '{"a": 1}', "", "h\u00e9 \u2713\n\x01", "42")):
            self.assertEqual(self.append("a", "in", body), (200, {"ok": True, "seq": seq}))
        records = self.records("a", "in")
        self.assertEqual([record["data"] for record in records],
                         ["text", '{"a": 1}', "", "h\u00e9 \u2713\n\x01", "42"])
        self.assertEqual([record["seqNum"] for record in records], list(range(5)))
        self.assertEqual({len(record["id"]) for record in records}, {7})
        self.assertEqual(self.records("a", "in", "?afterEventId=2"), records[3:])
        self.assertEqual(self.records("a", "in", "?afterEventId=4"), [])
        self.assertEqual(self.records("a", "in", "?afterEventId=99999999999999999999"), [])
        self.assertEqual(self.records("a", "out"), [])
        self.control("PUT", "settings", {"records_page": 2})
        self.assertEqual(self.records("a", "in", "?afterEventId=0"), records[1:3])
        entries = self.writes()
        self.assertEqual([(entry["kind"], entry["io"], entry["seq"]) for entry in entries],
                         [("session.append", "in", seq) for seq in range(5)])
        for query in ("x", "-1", "", "1.5", "%D9%A1"):
            self.assertEqual(self.call("GET", RECORDS % ("a", "in") + "?afterEventId=" + query)[0],
                             400)

    def test_part_ids(self):
        self.start(externalId="a")
        self.writes()
        self.assertEqual(self.append("a", "in", "x", X_Part_Id="p")[1], {"ok": True, "seq": 0})
        self.assertEqual(self.append("a", "in", "y", X_Part_Id="p")[1], {"ok": True})
        self.assertEqual(self.append("a", "out", "y", X_Part_Id="p")[1], {"ok": True, "seq": 0})
        self.assertEqual(self.records("a", "in"), [{"data": "x", "id": "p", "seqNum": 0}])
        self.assertEqual(self.kinds(), ["session.append"] * 2)

    def test_append_refused(self):
        self.assertEqual(self.append("special-closed", "in", "x"),
                         (400, {"ok": False, "error": "Cannot append to a closed session"}))
        expired = [row for row in self.oracle("sessions") if row["_"]["status"] == "EXPIRED"][0]
        self.assertEqual(self.append(expired["id"], "in", "x"),
                         (400, {"ok": False, "error": "Cannot append to an expired session"}))
        self.assertEqual(self.append("nobody", "in", "x"), (404, {"error": "Resource not found"}))
        self.assertEqual(self.append("chat-000", "up", "x")[0], 400)
        self.assertEqual(self.call("GET", APPEND % ("chat-000", "in")), (405, ""))
        self.assertEqual(self.append("chat-000", "in", b"x" * 1048577)[0], 413)
        status, answer = self.append("chat-000", "in", b"x" * 1048576)
        self.assertEqual((status, answer["ok"]), (413, False))
        self.assertNotIn("session.append", self.kinds())

    def test_append_starts_a_run(self):
        before = self.row(self.call("GET", SESSIONS + "/special-ended-run")[1]["id"])
        self.append("special-ended-run", "in", "x")
        after = self.row(before["id"])
        self.assertNotEqual(after["currentRunId"], before["currentRunId"])
        self.assertEqual(after["_"]["run"], "PENDING")
        self.assertEqual(self.kinds(), ["run.trigger", "session.append"])
        self.append("special-live-run", "in", "x")
        self.append("special-gone-run", "out", "x")
        self.assertEqual(self.kinds(), ["session.append"] * 2)

    def test_addresses_converge(self):
        session = self.start(externalId="a/b %41,\u00e9")["id"]
        self.assertEqual(self.append("a/b %41,\u00e9", "in", "1")[1]["seq"], 0)
        self.assertEqual(self.append(session, "in", "2")[1]["seq"], 1)
        self.assertEqual(self.records(session, "in"), self.records("a/b %41,\u00e9", "in"))
        self.assertEqual(self.records("unknown", "in"), [])
        self.assertEqual(self.call("GET", RECORDS % ("session_unknown", "in"))[0], 404)

    def test_data_set(self):
        out = self.records("special-records", "out")
        self.assertEqual([record["data"] for record in out][2:9],
                         ["a string", 42, -0.5, True, "", [1, "two", None], {}])
        self.assertEqual(out[10]["headers"][0], ["x-kind", "data"])
        self.assertEqual(out[11], {"data": "", "id": "", "seqNum": 11, "headers": [
            ["trigger-control", "turn-complete"], ["session-in-event-id", "6"]]})
        # the last one is a command
        self.assertEqual(len(out), 12)
        [large] = self.records("special-large", "in", "?afterEventId=0")[:1]
        self.assertEqual(len(large["data"]), 1048000)
        text = self.send("GET", RECORDS % ("special-records", "out"), {
            "Authorization": "Bearer " + credentials.TR_PROD})[1].decode()
        self.assertIn('"n":18446744073709551616', text)
        self.assertIn('"exact":0.12345678901234567890123', text)
        rows = self.oracle("session_records?session=special-records&io=out")
        self.assertEqual(rows[12]["_"]["command"], True)
        self.assertEqual(len(self.oracle("session_records?session=special-records")), 20)

    def test_control(self):
        session = self.start(externalId="a")["id"]
        answer = json.loads(self.control("POST", "session_records", [
            {"session": "a", "io": "out", "data": {"n": [1, None]}, "id": "mine"},
            {"session": session, "io": "out", "data_text": '{"big":18446744073709551616}'},
            {"session": "a", "io": "out", "headers": [["trigger-control", "turn-complete"]]},
            {"session": "a", "io": "out", "headers": [["", "trim"]], "data": "AAA="},
            {"session": "a", "io": "in", "data": None}]))
        self.assertEqual(answer, {"seqs": [0, 1, 2, 3, 0]})
        self.assertEqual(self.records("a", "out")[0],
                         {"data": {"n": [1, None]}, "id": "mine", "seqNum": 0})
        self.assertEqual([record["seqNum"] for record in self.records("a", "out")], [0, 1, 2])
        response, _ = self.send("POST", "/_emulator/session_records", None,
                                json.dumps([{"session": "none", "io": "in", "data": 1}]))
        self.assertEqual(response.status, 400)

    def test_without_a_store(self):
        self.control("PUT", "settings", {"stream_store": False})
        self.assertEqual(self.append("chat-000", "in", "x")[0], 500)
        self.assertEqual(self.call("GET", RECORDS % ("chat-000", "in"))[0], 500)

    def test_no_limiter(self):
        response, _ = self.send("GET", RECORDS % ("chat-000", "in"),
                                {"Authorization": "Bearer " + credentials.TR_PROD})
        self.assertIsNone(response.getheader("x-ratelimit-limit"))
        response, data = self.send("GET", RECORDS % ("chat-000", "in"))
        self.assertEqual((response.status, json.loads(data)),
                         (401, {"error": "Invalid or Missing API key"}))

    # -- event streams ------------------------------------------------------------------

    def follow(self, name, io, **headers):
        """Return (response, events); the stream must end by itself."""
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        response, data = self.send("GET", "/realtime/v1/sessions/%s/%s" % (name, io), {
            "Authorization": "Bearer " + credentials.TR_PROD, **headers})
        return response, data.decode()

    def test_stream(self):
        response, text = self.follow("special-records", "out", X_Peek_Settled="1")
        self.assertEqual((response.status, response.getheader("x-stream-version"),
                          response.getheader("x-session-settled")), (200, "v2", "true"))
        events = text.split("\n\n")
        self.assertEqual(events[1:], ["data: [DONE]", ""])
        name, position, data = events[0].split("\n")
        self.assertEqual(name, "event: batch")
        self.assertTrue(position.startswith("id: 12,13,"))
        batch = json.loads(data.removeprefix("data: "))
        self.assertEqual([record["seq_num"] for record in batch["records"]], list(range(13)))
        self.assertEqual((batch["records"][11]["body"], batch["tail"]["seq_num"]), ("", 13))
        self.assertIsNone(json.loads(batch["records"][6]["body"])["data"])
        _, text = self.follow("special-records", "out", X_Peek_Settled="1", Last_Event_ID="10-x")
        self.assertTrue(text.startswith("event: batch\nid: 12,2,"))

    def test_stream_goes_on(self):
        self.start(externalId="a")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/realtime/v1/sessions/a/in", headers={
            "Authorization": "Bearer " + credentials.TR_PROD, "Timeout-Seconds": "1"})
        response = connection.getresponse()
        self.assertIsNone(response.getheader("x-session-settled"))
        self.append("a", "in", "later")
        text = response.read().decode()
        connection.close()
        self.assertIn('"body":"{\\"data\\":\\"later\\"', text)
        self.assertTrue(text.endswith("data: [DONE]\n\n"))
        [line] = [line for line in self.control("GET", "requests").decode().splitlines()
                  if line.startswith("GET /realtime")]
        self.assertEqual(line, "GET /realtime/v1/sessions/a/in -> 200")

    def test_client_leaves_a_stream(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/realtime/v1/sessions/chat-000/in", headers={
            "Authorization": "Bearer " + credentials.TR_PROD})
        connection.getresponse()
        connection.close()
        # at one of these it notices, and goes on answering
        for _ in range(20):
            self.assertEqual(self.call("GET", SESSIONS + "/chat-000")[0], 200)

    def test_stream_refused(self):
        for seconds, text in (("x", "Invalid timeout seconds"),
                              ("1.5", "Invalid timeout seconds"),
                              ("0", "Timeout seconds must be greater than 0"),
                              ("601", "Timeout seconds must be less than 600")):
            response, data = self.follow("chat-000", "out", Timeout_Seconds=seconds)
            self.assertEqual((response.status, data), (400, text))
        self.assertEqual(self.follow("session_none", "out")[0].status, 404)

    def test_initialize(self):
        target = "/realtime/v1/sessions/chat-000/"
        response, data = self.send("PUT", target + "out", {
            "Authorization": "Bearer " + credentials.TR_PROD})
        self.assertEqual((response.status, data), (202, b'{"version":"v2"}'))
        self.assertTrue(response.getheader("x-s2-access-token"))
        self.assertEqual(self.call("PUT", target + "out",
                                   key=self.token("write:sessions:chat-000"))[0], 403)
        self.assertEqual(self.call("PUT", target + "in",
                                   key=self.token("write:sessions:chat-000"))[0], 202)


class ScopeTest(SessionCase):
    def test_list(self):
        for scopes, query, status in (
                (["read:sessions"], "", 200), (["read:tasks"], "", 200), (["read:all"], "", 200),
                (["admin"], "", 200), (["read:sessions:chat-000"], "", 403), ([], "", 403),
                (["read:runs"], "", 403), (["write:sessions"], "", 403),
                (["read:tasks:chat-agent"], "", 403),
                (["read:tasks:chat-agent"], "?filter%5BtaskIdentifier%5D=chat-agent", 200),
                (["read:tasks:other"], "?filter%5BtaskIdentifier%5D=chat-agent", 403)):
            self.assertEqual(self.call("GET", SESSIONS + query, key=self.token(*scopes))[0],
                             status, scopes)

    def test_start(self):
        for scopes, status in ((["write:tasks:chat-agent"], 201), (["write:sessions"], 200),
                               (["write:tasks"], 200), (["write:sessions:e"], 403),
                               (["write:tasks:other"], 403), (["read:sessions"], 403)):
            self.assertEqual(self.call("POST", SESSIONS, {**BODY, "externalId": "e"},
                                       self.token(*scopes))[0], status, scopes)

    def test_one_session(self):
        session = self.start(externalId="ext:1")["id"]
        for scope, status in (("read:sessions:ext:1", 200), ("read:sessions:" + session, 200),
                              ("read:sessions", 200), ("read:sessions:ext", 403),
                              ("write:sessions:ext:1", 403)):
            for name in ("ext:1", session):
                for target in (SESSIONS + "/" + name, RECORDS % (name, "out")):
                    self.assertEqual(self.call("GET", target, key=self.token(scope))[0], status,
                                     (scope, target))
        self.assertEqual(self.call("GET", SESSIONS + "/none", key=self.token("read:runs"))[0], 404)
        self.assertEqual(self.call("GET", RECORDS % ("none", "in"),
                                   key=self.token("read:sessions:none"))[0], 200)

    def test_append(self):
        session = self.start(externalId="e")["id"]
        for scope, status in (("write:sessions:e", 200), ("write:sessions:" + session, 200),
                              ("write:sessions", 200), ("write:sessions:f", 403),
                              ("read:sessions:e", 403)):
            for name in ("e", session):
                self.assertEqual(self.call("POST", APPEND % (name, "in"), "x",
                                           self.token(scope))[0], status, scope)
        self.assertEqual(
            self.call("POST", APPEND % ("e", "out"), "x", self.token("write:sessions:e")),
            (403, {"ok": False, "error":
                   "Appending to the out channel requires secret key authentication"}))
        self.assertEqual(self.call("POST", APPEND % ("e", "out"), "x",
                                   credentials.TR_PROD_SK)[0], 200)
        self.assertEqual(self.call("POST", APPEND % ("none", "in"), "x",
                                   self.token("write:sessions:e"))[0], 403)

    def test_administration(self):
        session = self.start(externalId="e")["id"]
        for scope, name, status in (
                ("write:sessions:e", "e", 403), ("write:sessions", "e", 403),
                ("admin:sessions:e", "e", 200), ("admin:sessions:e", session, 403),
                ("admin:sessions:" + session, session, 200), ("admin", "e", 200)):
            for method, target, body in (("PATCH", "", {}), ("POST", "/close", {})):
                self.assertEqual(self.call(method, SESSIONS + "/" + name + target, body,
                                           self.token(scope))[0], status, (scope, name))

    def test_additional_keys(self):
        key = "tr_prod_sk_SessionsOnly000000000001"
        self.control("POST", "keys", [{"key": key, "scopes": ["read:sessions",
                                                              "write:sessions"]}])
        self.start(externalId="e")
        for method, target, body, restricted in (
                ("GET", SESSIONS, None, 200), ("GET", SESSIONS + "/e", None, 200),
                ("POST", SESSIONS, BODY, 201), ("GET", RECORDS % ("e", "out"), None, 200),
                ("POST", APPEND % ("e", "in"), "x", 200),
                ("POST", APPEND % ("e", "out"), "x", 200),
                ("PATCH", SESSIONS + "/e", {}, 403), ("POST", SESSIONS + "/e/close", {}, 403)):
            self.assertEqual(self.call(method, target, body, key)[0], restricted, target)
            allowed = self.call(method, target, body, credentials.TR_PROD_SK)[0]
            self.assertIn(allowed, (200, 201), target)
            refused = self.call(method, target, body, credentials.TR_PROD_SK_RO)[0]
            self.assertEqual(refused, 403, target)
        self.assertEqual(self.call("GET", SESSIONS, key=credentials.PAT)[0], 401)
        self.assertEqual(self.call("GET", SESSIONS, key=credentials.TR_PROD_SK_REVOKED)[0], 401)

    def test_exchanged_tokens(self):
        project = "/api/v1/projects/" + credentials.PROJECT_ALPHA
        for slug, name, branch in (("prod", "prod", None), ("staging", "stg", None),
                                   ("preview", "preview-feature-xyz", "feature-xyz")):
            headers = {"x_trigger_branch": branch} if branch else {}
            token = self.call("POST", "%s/%s/jwt" % (project, slug), {
                "claims": {"scopes": ["read:sessions", "read:runs"]}}, credentials.PAT,
                **headers)[1]["token"]
            listed = self.call("GET", SESSIONS + "?page%5Bsize%5D=100", key=token)[1]["data"]
            self.assertEqual([item["id"] for item in listed],
                             [row["id"] for row in self.oracle("sessions?environment=" + name)])
            self.assertEqual(self.call("GET", "/api/v1/runs", key=token)[0], 200)
            self.assertEqual(self.call("POST", SESSIONS, BODY, token)[0], 403)
            self.assertEqual(self.call("GET", "/api/v1/schedules", key=token)[0], 401)
        token = self.call("POST", project + "/prod/jwt", {}, credentials.PAT)[1]["token"]
        self.assertEqual(self.call("GET", SESSIONS, key=token)[0], 403)

    def test_windows_of_public_tokens(self):
        project = "/api/v1/projects/" + credentials.PROJECT_ALPHA
        tokens = [self.call("POST", project + "/prod/jwt", {
            "claims": {"scopes": [scope]}}, credentials.PAT)[1]["token"]
            for scope in ("read:sessions", "read:all")]
        own = self.token("read:sessions")
        self.control("PUT", "settings", {"jwt_rate_limit": {"limit": 3, "window_ms": 3600000}})
        # the two tokens of one user share a window, any other has its own
        statuses = [self.call("GET", SESSIONS, key=tokens[number % 2])[0] for number in range(5)]
        self.assertEqual(statuses, [200, 200, 200, 429, 429])
        self.assertEqual(self.call("GET", SESSIONS, key=own)[0], 200)
        self.assertEqual(self.call("GET", SESSIONS)[0], 200)
        response, _ = self.send("GET", SESSIONS, {"Authorization": "Bearer " + tokens[0]})
        self.assertEqual(response.getheader("x-ratelimit-limit"), "3")
        self.control("PUT", "settings", {"jwt_rate_limit": None})
        self.assertEqual(self.call("GET", SESSIONS, key=tokens[0])[0], 200)

    def test_one_time_tokens(self):
        token = self.token("trigger:tasks:send-email", otu=True)
        target = "/api/v1/tasks/send-email/trigger"
        self.assertEqual([self.call("POST", target, {}, token)[0] for _ in range(2)], [200, 422])


if __name__ == "__main__":
    unittest.main()

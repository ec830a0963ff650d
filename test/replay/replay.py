#!/usr/bin/env python3
"""Send the recorded requests to the emulator and compare its answers with the recorded ones.

Compared are status, kind of content, the whole body of failures, and for successes the keys
and types of the body (against everything recorded for that kind of request), whether a list
is empty and which cursors it has, and for writes all values but ids and dates. Of queries, the
columns, their order and types; of failures the text without the literals in it.
`recordings.json` is made by make_recordings.py.
"""

import datetime
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
EMULATOR = os.path.join(HERE, "..", "emulator")
sys.path.insert(0, EMULATOR)

import auth  # noqa: E402
import credentials  # noqa: E402
from make_recordings import (  # noqa: E402
    made_ids, masked, masked_events, merge_shape, query_columns,
)
from trql import engine  # noqa: E402

SHOWN_TO_INTERNAL = {
    "COMPLETED": "COMPLETED_SUCCESSFULLY", "FAILED": "COMPLETED_WITH_ERRORS",
    "QUEUED": "PENDING", "FROZEN": "WAITING_TO_RESUME", "WAITING": "WAITING_TO_RESUME",
    "REATTEMPTING": "RETRYING_AFTER_FAILURE",
}
QUERY = "POST /api/v1/query"
SKIPPED = {
    "run_cancel_completed_seedrow":
        "the recorded server answered 500 because that run was not made by itself",
    "http_head": "recorded with a compressed body shown raw; compression has its own test",
}


class Emulator:
    """A running emulator with the state of the recorded server."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        port_file = os.path.join(self.directory.name, "port")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(EMULATOR, "emulator.py"), "--dataset", "empty",
             "--port-file", port_file, "--exit-with-parent"])
        deadline = time.monotonic() + 20
        while not os.path.exists(port_file):
            if time.monotonic() > deadline:
                raise RuntimeError("the emulator did not start")
            time.sleep(0.02)
        with open(port_file, encoding="ascii") as file:
            self.port = int(file.read())
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def request(self, method, target, headers=None, body=None):
        """Return (status, content type without parameters, body text)."""
        data = None if body is None else body.encode()
        try:
            self.connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                self.connection.putheader(name, value)
            if data is not None:
                self.connection.putheader("Content-Length", str(len(data)))
            self.connection.endheaders(data)
            response = self.connection.getresponse()
            text = response.read().decode()
        except http.client.RemoteDisconnected:
            self.connection.close()
            return 0, "", ""
        if response.will_close:
            self.connection.close()
        return response.status, response.getheader("content-type", "").split(";")[0], text

    def events(self, target, headers, expected):
        """Return what request returns of an event stream that need not end.

        It is read up to the expected length and a little longer, in which nothing more may
        come.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        connection.sock.settimeout(3)
        data = b""
        try:
            while len(masked_events(data.decode("utf-8", "replace"))) < len(expected):
                piece = response.read1(65536)
                if not piece:
                    break
                data += piece
            connection.sock.settimeout(0.2)
            data += response.read1(65536)
        except TimeoutError:
            pass
        connection.close()
        return response.status, response.getheader("content-type", "").split(";")[0], \
            data.decode()

    def control(self, method, path, value):
        """Send a control request."""
        status, _, text = self.request(method, "/_emulator/" + path, body=json.dumps(value))
        if status != 200:
            raise RuntimeError("control request %s failed: %s" % (path, text))

    def stop(self):
        """End the process."""
        self.connection.close()
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()


def _attribute_text(row, key):
    return json.dumps(row[key], ensure_ascii=False) if key in row else None


def _run(run_id, row):
    """Turn a recorded row into what the emulator takes."""
    task = row["task"]
    shown = row.get("word", row["status"])
    entry = {
        "id": run_id, "created_at": row["created"], "environment": row.get("env", "prod"),
        "status": SHOWN_TO_INTERNAL.get(shown, shown), "task": task,
        "is_test": row["test"], "tags": row["tags"], "version": row.get("version"),
        "region": row.get("region"), "ttl": row.get("ttl"),
        "started_at": row.get("startedAt"), "completed_at": row.get("finishedAt"),
        "delayed_until": row.get("delayedUntil"), "expired_at": row.get("expiredAt"),
        "queue": row.get("queue") or ("email-queue" if task == "send-email" else None),
        "error_id": row.get("error_id"), "schedule_id": row.get("schedule_id"),
        "bulk_action_ids": [row["bulk"]] if "bulk" in row else [],
    }
    for key in ("metadata", "payload", "output", "error"):
        if key in row:
            entry[key + "_text"] = _attribute_text(row, key)
    if "parent" in row:
        entry["parent_id"] = entry["root_id"] = row["parent"]
    return entry


def load_state(emulator, document):
    """Give the emulator the schedules and variables of the recorded server."""
    schedules = [{"id": key, **row} for key, row in document["schedules"].items()]
    emulator.control("POST", "schedules", schedules[::-1])
    emulator.control("POST", "envvars", [
        {"environment": "dev:owner" if slug == "dev" else slug, "name": name, "value": value,
         "isSecret": secret}
        for slug, rows in document["envvars"].items() for name, value, secret in rows])
    emulator.control("POST", "sessions", [
        {"id": key, **row} for key, row in document["sessions"].items()])
    emulator.control("PATCH", "environments/stg", {"has_worker": True})
    emulator.control("PUT", "settings", {"object_store": False, "batch_item_ms": 0})
    # only the newest runs of these were recorded, but there were more
    emulator.control("POST", "runs", [
        {"environment": slug, "created_at": 1795000000000 + number, "status": "CANCELED"}
        for slug in ("dev:owner", "dev:other", "stg", "preview-feature-xyz")
        for number in range(3)])


class Runs:
    """Inserts the recorded runs as the recorded time passes."""

    def __init__(self, emulator, rows):
        self.emulator = emulator
        self.waiting = sorted(
            (_run(*item) for item in rows.items()), key=lambda entry: entry["created_at"])

    def until(self, now):
        """Insert the runs created up to a moment (ms; the recorded dates are whole seconds)."""
        due = [entry for entry in self.waiting if entry["created_at"] < now + 1000]
        if due:
            self.waiting = self.waiting[len(due):]
            self.emulator.control("POST", "runs", due)


ENVIRONMENT_IDS = {"prod": "ce0alphaprod0000000000001",
                   "preview-feature-xyz": "ce0alphabranch0000000000"}


def _token(found):
    """Make the public token that a recording used, for the emulated environment."""
    slug, scopes = found.group(1), found.group(2)
    now = int(time.time())
    claims = {"sub": ENVIRONMENT_IDS[slug], "pub": True, "scopes": scopes.split(","),
              "iss": auth.ISSUER, "aud": auth.AUDIENCE, "exp": now + 900, "iat": now}
    return auth.sign(claims, credentials.TR_PREVIEW if "preview" in slug
                     else credentials.TR_PROD)


def substitute(text):
    """Replace the symbols of a recorded text by the emulator's credentials and references.

    Recorded bodies that were cut (`xxx... [600024 bytes]`) get their length back.
    """
    cut = re.search(r"(.)\.\.\. \[(\d+) bytes\]$", text)
    if cut:
        start = text[:cut.start()]
        text = start + cut.group(1) * (int(cut.group(2)) - len(start) - 3) + '"}}'
    text = re.sub(r"\$JWT\(([^;]+);([^)]*)\)", _token, text)
    return re.sub(r"\$([A-Z_]+)", lambda found: getattr(credentials, found.group(1)), text)


def fits(shape, value, where="body"):
    """Return what is wrong with a value's keys and types, or None."""
    own = merge_shape(None, value)
    if own["types"][0] not in shape["types"]:
        return "%s is %s, recorded %s" % (where, own["types"][0], "/".join(shape["types"]))
    if isinstance(value, list):
        for item in value:
            if "items" in shape:
                problem = fits(shape["items"], item, where + "[]")
                if problem:
                    return problem
    if isinstance(value, dict) and shape["keys"]:
        missing = set(shape["required"]) - set(value)
        unknown = set(value) - set(shape["keys"])
        if missing or unknown:
            return "%s lacks %s, has unknown %s" % (where, sorted(missing), sorted(unknown))
        for key, member in value.items():
            problem = fits(shape["keys"][key], member, where + "." + key)
            if problem:
                return problem
    return None


def _same_answer(recorded, value, port):
    """Compare failure bodies, allowing for the host in one message."""
    text = json.dumps(value).replace("127.0.0.1:%d" % port, "HOST")
    return json.loads(text) == json.loads(re.sub(r"127\.0\.0\.1:\d+", "HOST",
                                                 json.dumps(recorded)))


def compare(recording, shapes, status, content_type, text, port):
    """Return what differs, or None."""
    if status != recording["status"]:
        return "status %s instead of %s: %s" % (status, recording["status"], text[:200])
    if content_type != recording["type"]:
        return "content type %r instead of %r" % (content_type, recording["type"])
    if "text" in recording:
        return None if text == recording["text"] else "text %r" % text[:200]
    if "events" in recording:
        same = masked_events(text) == recording["events"]
        return None if same else "events %s" % masked_events(text)
    if content_type not in ("application/json", "application/problem+json"):
        return None
    value = json.loads(text)
    if "answer" in recording:
        if recording["kind"] == QUERY:
            # ids and moments
            value, recorded = (json.loads(re.sub("'[^']*'", "''", json.dumps(answer)))
                               for answer in (value, recording["answer"]))
            return None if value == recorded else "answer %s instead of %s" % (value, recorded)
        same = _same_answer(recording["answer"], value, port)
        return None if same else "answer %s instead of %s" % (value, recording["answer"])
    if "value" in recording and masked(value) != recording["value"]:
        return "value %s instead of %s" % (masked(value), recording["value"])
    if "columns" in recording:
        return compare_query(recording, value)
    problem = fits(shapes[recording["kind"]], value)
    if problem or "pagination" not in recording:
        return problem
    if recording["empty"] != (not value["data"]):
        return "empty list: %s instead of %s" % (not value["data"], recording["empty"])
    if recording["pagination"] != sorted(value["pagination"]):
        return "cursors %s instead of %s" % (sorted(value["pagination"]),
                                             recording["pagination"])
    return None


def compare_query(recording, value):
    """Compare the columns of a query's answer and whether there are rows, or all rows."""
    if "rows" in recording and value["results"] != recording["rows"]:
        return "rows %s instead of %s" % (value["results"], recording["rows"])
    if recording["empty"] != (not value["results"]):
        return "no rows: %s instead of %s" % (not value["results"], recording["empty"])
    columns = query_columns(value)
    if [name for name, _ in columns] != [name for name, _ in recording["columns"]]:
        return "columns %s instead of %s" % (columns, recording["columns"])
    for (name, types), (_, recorded) in zip(columns, recording["columns"]):
        if types and recorded and not set(types) <= set(recorded):
            return "%s is %s instead of %s" % (name, types, recorded)
    return None


def rename(text, renamed):
    """Replace the recorded ids of what the replay made by the emulator's."""
    for old, new in renamed.items():
        text = text.replace(old, new)
    return text


# What happened between the recordings without being among them.
BEFORE = {
    "envvars_retrieve_after_branch_delete": (
        "DELETE", "/api/v1/projects/$PROJECT_ALPHA/envvars/preview/LOG_LEVEL",
        "$TR_PREVIEW", None),
    "envvars_retrieve_other_env_only_after": (
        "PUT", "/api/v1/projects/$PROJECT_ALPHA/envvars/prod/PARENT_ONLY",
        "$TR_PROD", {"value": "x"}),
    "schedules_retrieve_after_staging_dup": (
        "POST", "/api/v1/schedules", "$TR_STG",
        {"task": "hourly-sync", "cron": "7 * * * *", "deduplicationKey": "t-new"}),
    # the index still knows the run as queued that was just canceled
    "lag_emptypage_with_next": (
        "PATCH", "/_emulator/runs/run_cmwtycl1c0031b97dj6qvpy50", "$TR_STG",
        {"indexed_as": ["PENDING"]}),
    "lag_emptypage_next": (
        "PATCH", "/_emulator/runs/run_cmwtycl1c0031b97dj6qvpy50", "$TR_STG",
        {"indexed_as": None}),
    # the row is what a later list showed, after the run was canceled
    "run_reschedule": (
        "PATCH", "/_emulator/runs/run_cmwty0cdf000vq97du7cul8ah", "$TR_PROD",
        {"completed_at": None}),
    "s2_append_by_externalid": (
        "POST", "/realtime/v1/sessions/s2-chat/in/append", "$TR_PROD", {"x": 1}),
    "s2_records_closed": (
        "POST", "/api/v1/sessions/s2-chat/close", "$TR_PROD", {}),
    "run_tags_toomany": (
        "POST", "/api/v1/runs/run_cmwty0cch000tq97dymv7x6r3/tags", "$TR_PROD",
        {"tags": "one"}),
}
# Sent with a length of 0 instead of none.
EMPTY_BODY = ("trigger_empty_body", "s2_append_in_empty")


def _finish_batch(emulator, batch_id):
    """Let the runs of a batch succeed, as the recorded server's worker did."""
    headers = {"Authorization": "Bearer " + credentials.TR_PROD}
    _, _, text = emulator.request("GET", "/api/v1/batches/" + batch_id, headers)
    for run_id in json.loads(text)["runs"]:
        emulator.control("PATCH", "runs/" + run_id, {"status": "COMPLETED_SUCCESSFULLY"})


def _prepare(emulator, runs, recording, renamed):
    """Bring the emulator into the situation of a recording."""
    if recording["date"]:
        now = int(datetime.datetime.fromisoformat(recording["date"]).timestamp() * 1000)
        runs.until(now)
        emulator.control("PUT", "settings", {
            "now": recording.get("at", now),
            "additional_keys": recording["name"] != "runs_list_sk_flag_off",
            # the first recordings of channels are of a server without a stream store
            "stream_store": not recording["name"].startswith("session_")})
    if recording["name"] == "batch_finished_retrieve":
        _finish_batch(emulator, rename("batch_cmwu0dys100015c7ds84kaa6j", renamed))
    if recording["name"] in BEFORE:
        method, target, key, body = BEFORE[recording["name"]]
        headers = {"Authorization": "Bearer " + substitute(key),
                   "x-trigger-branch": credentials.BRANCH_FEATURE}
        body = None if body is None else json.dumps(body)
        target = rename(substitute(target), renamed)
        status, _, text = emulator.request(method, target, headers, body)
        if status != 200:
            raise RuntimeError("preparing %s failed: %s" % (recording["name"], text))


def main():
    """Replay everything; the exit status is 1 when something differs."""
    with open(os.path.join(HERE, "recordings.json"), encoding="utf-8") as file:
        document = json.load(file)
    emulator = Emulator()
    missing = engine.missing()
    passed, failed, skipped, renamed = 0, 0, [], {}
    try:
        load_state(emulator, document)
        runs = Runs(emulator, document["runs"])
        for recording in document["recordings"]:
            name = recording["name"]
            reason = SKIPPED.get(name) or (missing if recording["kind"] == QUERY else None)
            if reason:
                skipped.append((name, reason))
                continue
            _prepare(emulator, runs, recording, renamed)
            target = rename(substitute(recording["target"]), renamed)
            headers = {key: substitute(value) for key, value in recording["headers"].items()}
            headers["Host"] = "127.0.0.1:%d" % emulator.port
            body = substitute(recording["body"]) if recording["body"] is not None else None
            if name in EMPTY_BODY:
                body = ""
            if "events" in recording:
                answer = emulator.events(target, headers, recording["events"])
            else:
                answer = emulator.request(recording["method"], target, headers, body)
            problem = compare(recording, document["shapes"], *answer, emulator.port)
            if problem:
                failed += 1
                print("FAILED %s: %s" % (name, problem))
                continue
            passed += 1
            if "made" in recording:
                renamed.update(zip(recording["made"], made_ids(json.loads(answer[2]))))
    finally:
        emulator.stop()
    for name, reason in skipped:
        print("skipped %s: %s" % (name, reason))
    print("%d passed, %d failed, %d skipped" % (passed, failed, len(skipped)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

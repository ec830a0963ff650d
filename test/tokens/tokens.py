#!/usr/bin/env python3
"""Public access tokens: byte for byte those of the official client.

    tokens.py [--seed N] [--cases N] [--only CASE]

Each case is a random call of one of the SQL functions, and the same call of the client (run by
node, with its clock at the second in which our token was made), both against one emulator. With
root keys the tokens are compared; with an additional key, whose tokens the server makes, the
bodies of the two requests. What one side refuses, the other has to refuse.

Not compared, because the extension refuses what the client lets pass: times that are not in the
future ("5m Ago" among them, which is ahead for the client), and values of a wrong type that the
client drops without a word. Texts that the client does not know but PostgreSQL reads as a
timestamp are taken by the extension alone. Tokens for sessions live an hour unless said otherwise;
the client has to be told.
"""
import argparse
import base64
import collections
import http.server
import json
import os
import random
import subprocess
import sys
import threading
import time

import _path  # noqa: F401  (the harness)
from cluster import Cluster
from emulator_process import Emulator, credentials
from pgwire import PgError
from setup import create_server, quote

import cases

HERE = os.path.dirname(os.path.abspath(__file__))
CONTRACT = os.path.join(HERE, "..", "contract")

# key, instant and token of the API's documentation
VECTOR_KEY = "tr_dev_1234567890abcdefghij"
VECTOR_TIME = 1700000000
VECTOR_SUB = "cm0exampleenv0001"
VECTOR_TOKEN = (
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjbTBleGFtcGxlZW52MDAwMSIsInB1YiI6dHJ1ZSwic2NvcGVzIjpbInJlYWQ6"
    "cnVuczpydW5fMTIzNCIsInJlYWQ6dGFnczp1c2VyOjQyIl0sImlzcyI6Imh0dHBzOi8vaWQudHJpZ2dlci5kZXYiLCJh"
    "dWQiOiJodHRwczovL2FwaS50cmlnZ2VyLmRldiIsImV4cCI6MTcwMDAwMDkwMCwiaWF0IjoxNzAwMDAwMDAwfQ."
    "gM42hIYxW7rIsxNi1T01iDqRtqqJESRa-Fq8ICgnlU8")


def payload(token):
    """The claims of a token as text."""
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8")


class Official:
    """The client in a process of its own."""

    def __init__(self, url):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("TRIGGER_", "VERCEL_"))}
        self.process = subprocess.Popen(
            ["node", os.path.join(HERE, "official.mjs"), url], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **call):
        """{"token": ...} or {"error": ...}"""
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the official client ended")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class OldServer(http.server.BaseHTTPRequestHandler):
    """A server that only knows the vector's claims, and whose clock stands at its time."""

    def do_POST(self):
        known = self.path == "/api/v1/auth/jwt/claims" and \
            self.headers["Authorization"] == f"Bearer {VECTOR_KEY}"
        body = json.dumps({"sub": VECTOR_SUB, "pub": True}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp=None):
        return super().date_time_string(VECTOR_TIME)

    def log_message(self, *_):
        pass


class Comparison:
    """Asks both sides."""

    def __init__(self, session, emulator, official):
        self.session = session
        self.emulator = emulator
        self.official = official
        self.counts = collections.Counter()

    def ours(self, case):
        """A token or a PgError."""
        self.session.query(f"SET trigger_fdw.access_token = {quote(case.key)};"
                           f"SET trigger_fdw.branch = {quote(case.branch or '')}")
        try:
            return self.session.one(case.sql())
        except PgError as error:
            return error

    def theirs(self, case, now):
        argument = case.argument
        if argument is None:
            argument = json.loads(self.session.one(f"SELECT {case.sql_argument}::jsonb"))
        return self.official.ask(method=case.method, argument=argument, options=case.options,
                                 key=case.key, branch=case.branch, now=now)

    def is_timestamp(self, text):
        try:
            self.session.query(f"SELECT {quote(text)}::timestamptz")
            return True
        except PgError:
            return False

    def bodies(self):
        """Bodies that were sent to be made into tokens."""
        found = [record["body"] for record in self.emulator.records()
                 if record["path"] == "/api/v1/auth/public-tokens"]
        self.emulator.clear()
        return found

    @staticmethod
    def may_refuse(case, error, theirs):
        """May we refuse what the client does not?"""
        if "not in the future" not in error.message:
            return False
        claims = json.loads(payload(theirs["token"]))
        # the client takes "Ago" for "from now"
        return claims["exp"] <= claims["iat"] or " Ago" in (case.expiry or "")

    def run(self, case):
        """What is wrong, or None."""
        self.emulator.clear()
        additional = case.key == credentials.TR_PROD_SK
        ours = self.ours(case)
        our_bodies = self.bodies()
        refused = isinstance(ours, PgError)
        now = time.time() * 1000 if refused else json.loads(payload(ours))["iat"] * 1000
        theirs = self.theirs(case, now)
        their_bodies = self.bodies()
        if refused:
            if ours.sqlstate != "22023":
                return f"SQLSTATE {ours.sqlstate}: {ours.message}"
            if "error" in theirs:
                self.counts["refused by both"] += 1
                return None
            if self.may_refuse(case, ours, theirs):
                self.counts["refused by us alone, as documented"] += 1
                return None
            return f"refused: {ours.message}\n  theirs: {payload(theirs['token'])}"
        if "error" in theirs:
            if case.kind == "span" and self.is_timestamp(case.expiry):
                self.counts["taken by us alone: a timestamp"] += 1
                return None
            return f"ours: {payload(ours)}\n  the client says: {theirs['error']}"
        if additional:
            if not our_bodies or our_bodies != their_bodies:
                return f"ours: {our_bodies}\n  theirs: {their_bodies}"
            self.counts["equal bodies"] += 1
            return None
        if ours != theirs["token"]:
            return f"ours: {ours}\n  {payload(ours)}\n" \
                f"  theirs: {theirs['token']}\n  {payload(theirs['token'])}"
        self.counts["equal tokens"] += 1
        return None


def check_vector(session):
    """The documentation's token, by way of the SQL function."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OldServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        create_server(session, "vector", f"http://127.0.0.1:{server.server_port}",
                      secret_key=VECTOR_KEY)
        session.query("RESET trigger_fdw.access_token; RESET trigger_fdw.branch")
        token = session.one("SELECT trigger_create_public_token('vector', "
                            "'{\"read\": {\"runs\": [\"run_1234\"], \"tags\": \"user:42\"}}')")
    finally:
        server.shutdown()
        server.server_close()
    return None if token == VECTOR_TOKEN else f"{token}\n  {payload(token)}"


def check_encoding(cluster, emulator, official):
    """A database in another encoding makes the same tokens."""
    scopes = {"read": {"é": ["ü", "ß:\xa0x"]}}
    realtime = {"skipColumns": ["ø"]}
    calls = (
        (f"trigger_create_public_token('minter', {quote(json.dumps(scopes, ensure_ascii=False))},"
         f" '1h', {quote(json.dumps(realtime, ensure_ascii=False))})", "createPublicToken",
         scopes, {"expirationTime": "1h", "realtime": realtime}),
        ("trigger_create_trigger_token('minter', ARRAY['tâche'])", "createTriggerPublicToken",
         "tâche", {}),
    )
    with cluster.connect() as session:
        session.query("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with cluster.connect(database="latin") as session:
        session.query("CREATE EXTENSION trigger_fdw")
        create_server(session, "minter", emulator.url, secret_key=credentials.TR_PROD)
        for call, method, argument, options in calls:
            token = session.one(f"SELECT {call}")
            theirs = official.ask(method=method, argument=argument, options=options,
                                  key=credentials.TR_PROD,
                                  now=json.loads(payload(token))["iat"] * 1000)
            if theirs.get("token") != token:
                return f"{payload(token)}\n  {theirs}"
    return None


def check_secrecy(cluster, session):
    """Tokens and keys are in no log line, message or plan, however much is logged."""
    call = "trigger_create_public_token('minter', '{\"read\": {\"runs\": true}}')"
    secrets, plans = [], []
    session.notices.clear()
    session.query("SET log_min_messages = debug5; SET client_min_messages = debug5")
    for key in (credentials.TR_PROD, credentials.TR_PROD_SK):
        session.query(f"SET trigger_fdw.access_token = {quote(key)}")
        token = session.one("SELECT " + call)
        secrets += [key, *token.split(".")[1:]]
        plans += session.column("EXPLAIN (ANALYZE, VERBOSE) SELECT " + call)
    session.query("RESET log_min_messages; RESET client_min_messages;"
                  "RESET trigger_fdw.access_token")
    shown = "\n".join([cluster.log_text(), *session.notices, *plans])
    if "DEBUG" not in shown:
        return "nothing was logged: the check is worth nothing"
    return "a secret is shown" if any(secret in shown for secret in secrets) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--cases", type=int, default=700)
    parser.add_argument("--only", type=int, help="run one case, and show it")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    if not os.path.isdir(os.path.join(CONTRACT, "node_modules")):
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=CONTRACT, check=True)
    passed = failed = 0

    def report(name, problem):
        nonlocal passed, failed
        if problem is None:
            passed += 1
        else:
            failed += 1
            print(f"{name} (seed {arguments.seed})\n  {problem}", flush=True)

    with Cluster() as cluster, Emulator("small", 0, 1) as emulator, \
            Official(emulator.url) as official, cluster.connect() as session:
        session.query("CREATE EXTENSION trigger_fdw")
        create_server(session, "minter", emulator.url, options={"max_retries": 0},
                      secret_key=VECTOR_KEY)
        comparison = Comparison(session, emulator, official)
        numbers = range(arguments.cases) if arguments.only is None else [arguments.only]
        for number in numbers:
            case = cases.make(random.Random(f"{arguments.seed}/{number}"), int(time.time()))
            if arguments.only is not None:
                print(case)
            report(f"case {number}: {case}", comparison.run(case))
        print(", ".join(f"{count} {what}" for what, count in sorted(comparison.counts.items())))
        report("vector", check_vector(session))
        report("encoding", check_encoding(cluster, emulator, official))
        report("secrecy", check_secrecy(cluster, session))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

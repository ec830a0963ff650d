#!/usr/bin/env python3
"""Show the extension at work: a private cluster, the emulated API, a few queries.

Prints each statement, its plan where that is telling, what it answers and
the requests that it took.  Everything is gone afterwards.
"""
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))

from cluster import Cluster, bindir  # noqa: E402
from emulator_process import Emulator, credentials  # noqa: E402

STEPS = [
    ("Tell PostgreSQL where the API is, and who you are. One key reads one environment;\n"
     "a personal access token reads them all.",
     """CREATE EXTENSION trigger_fdw;

CREATE SERVER prod FOREIGN DATA WRAPPER trigger_fdw
    OPTIONS (base_url '{url}', project_ref '{project}');
CREATE USER MAPPING FOR CURRENT_USER SERVER prod
    OPTIONS (secret_key '{key}');
CREATE SCHEMA prod;
IMPORT FOREIGN SCHEMA management FROM SERVER prod INTO prod;

CREATE SERVER project FOREIGN DATA WRAPPER trigger_fdw
    OPTIONS (base_url '{url}', project_ref '{project}');
CREATE USER MAPPING FOR CURRENT_USER SERVER project
    OPTIONS (personal_access_token '{pat}');
CREATE SCHEMA project;
IMPORT FOREIGN SCHEMA management FROM SERVER project INTO project;"""),
    ("The tables are there. Nothing was asked of the API yet.",
     """SELECT foreign_table_schema AS schema, string_agg(foreign_table_name, ', ') AS tables
FROM information_schema.foreign_tables GROUP BY 1 ORDER BY 1;"""),
    ("Which tasks failed in the last day? Both conditions become part of the request.",
     """EXPLAIN (COSTS OFF)
SELECT task_identifier, count(*) FROM prod.runs
WHERE status = 'FAILED' AND created_at > now() - interval '1 day' GROUP BY 1;

SELECT task_identifier, count(*), max(created_at)::timestamptz(0) AS last FROM prod.runs
WHERE status = 'FAILED' AND created_at > now() - interval '1 day'
GROUP BY 1 ORDER BY 2 DESC, 1;"""),
    ("The five newest runs: the API sorts, and is asked for five rows.",
     """EXPLAIN (COSTS OFF)
SELECT id, status FROM prod.runs ORDER BY created_at DESC LIMIT 5;

SELECT id, status, task_identifier, duration_ms, cost_in_cents
FROM prod.runs ORDER BY created_at DESC LIMIT 5;"""),
    ("Join with a table of your own: runs of the tasks that a team looks after.\n"
     "The aggregates are PostgreSQL's, as are all expressions that the API does not know.",
     """CREATE TEMP TABLE owner (task text, team text);
INSERT INTO owner VALUES ('send-email', 'growth'), ('daily-digest', 'growth'),
    ('process-order', 'billing'), ('generate-report', 'billing');

SELECT team, count(*) AS runs, count(*) FILTER (WHERE is_failed) AS failed,
       round(avg(duration_ms) / 1000, 1) AS seconds, round(sum(cost_in_cents), 2) AS cents
FROM prod.runs JOIN owner ON owner.task = task_identifier
WHERE created_at > now() - interval '7 days' GROUP BY team ORDER BY team;"""),
    ("What differs between the variables of prod and staging?",
     """SELECT name, p.value AS prod, s.value AS staging,
       coalesce(p.is_secret, s.is_secret) AS secret
FROM (SELECT * FROM project.envvars WHERE environment = 'prod') p
FULL JOIN (SELECT * FROM project.envvars WHERE environment = 'staging') s USING (name)
WHERE p.value IS DISTINCT FROM s.value OR p.is_secret IS DISTINCT FROM s.is_secret
ORDER BY name LIMIT 6;"""),
    ("Which schedules run next?",
     """SELECT task, cron, timezone, next_run
FROM prod.schedules WHERE active ORDER BY next_run, task LIMIT 5;"""),
    ("Why did it fail? Only the runs that qualify are looked up in full, together.",
     """EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
SELECT id, error ->> 'message' AS error FROM prod.run_details
WHERE status = 'FAILED' AND created_at > now() - interval '6 hours';

SELECT id, error ->> 'message' AS error FROM prod.run_details
WHERE status = 'FAILED' AND created_at > now() - interval '6 hours' LIMIT 2;"""),
    ("Trigger a run for every team: several rows are one request. Then cancel what is waiting.",
     """INSERT INTO prod.runs (task_identifier, payload, tags)
SELECT 'send-email', jsonb_build_object('team', team), ARRAY['demo']
FROM (SELECT DISTINCT team FROM owner) t RETURNING id, payload;

UPDATE prod.runs SET status = 'CANCELED'
WHERE status = 'QUEUED' AND tags @> '{demo}' RETURNING id, status;"""),
    ("A variable that exists is not overwritten: an error, or skipped if you say so.",
     """INSERT INTO prod.envvars (name, value) VALUES ('FEATURE_DEMO', 'on');

INSERT INTO prod.envvars (name, value) VALUES ('FEATURE_DEMO', 'off')
ON CONFLICT DO NOTHING;

SELECT name, value FROM prod.envvars WHERE name = 'FEATURE_DEMO';"""),
    ("And what did this session cost the API?",
     "SELECT server, requests, retries, bytes_received, rate_limit_remaining\n"
     "FROM trigger_fdw_stats();"),
]
# on top of what the data set has: task, error, minutes ago
FAILED = [("process-order", "card declined", 12), ("process-order", "card declined", 48),
          ("process-order", "gateway timeout", 200), ("send-email", "mailbox is full", 95),
          ("daily-digest", "no template", 700)]
SHOWN = 6                       # requests of one step


class Colours:
    """Escapes for a terminal; nothing for anything else."""
    on = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    title = "\033[1m" if on else ""
    sql = "\033[36m" if on else ""
    request = "\033[32m" if on else ""
    off = "\033[0m" if on else ""


class Psql:
    """One psql, fed statement by statement, so that all is one session."""

    END = "-- end of step"

    def __init__(self, environment):
        self.process = subprocess.Popen(
            [os.path.join(bindir(), "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1",
             "-P", "footer=off", "-P", "null=(null)", "-P", "linestyle=unicode", "-d", "postgres"],
            env={**environment, "PGTZ": "UTC", "PGOPTIONS": "-c client_min_messages=warning"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, sql):
        """What the statements print; ends the demonstration on an error."""
        self.process.stdin.write(f"{sql}\n\\echo '{self.END}'\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip() == self.END:
                return "".join(lines)
            lines.append(line)
        sys.exit("".join(lines) + "psql ended")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def add_failures(emulator):
    now = int(json.loads(emulator.control("GET", "/now"))["now"])
    emulator.control("POST", "/runs", [
        {"created_at": now - minutes * 60000, "status": "COMPLETED_WITH_ERRORS", "task": task,
         "error": {"type": "BUILT_IN_ERROR", "name": "Error", "message": message,
                   "stackTrace": ""}}
        for task, message, minutes in FAILED])


def indent(text, by="    "):
    return "".join(by + line if line.strip() else line for line in text.splitlines(True))


def main():
    begun = time.monotonic()
    print("Starting a private PostgreSQL cluster and an emulated Trigger.dev API ...", flush=True)
    with Cluster() as cluster, Emulator("small", 0, 7) as emulator:
        add_failures(emulator)
        psql = Psql(cluster.environment())
        names = {"url": emulator.url, "project": credentials.PROJECT_ALPHA,
                 "key": credentials.TR_PROD, "pat": credentials.PAT}
        for number, (title, sql) in enumerate(STEPS, 1):
            for name, value in names.items():
                sql = sql.replace("{" + name + "}", value)
            print(f"\n{Colours.title}{number}. {title}{Colours.off}\n")
            for statement in sql.split(";\n\n"):
                statement = statement.rstrip(";") + ";"
                print(f"{Colours.sql}{indent(statement)}{Colours.off}\n")
                answer = psql.run(statement)
                if answer:
                    print(indent(answer.rstrip() + "\n"))
            made = emulator.requests()
            if made:
                print(f"{Colours.request}    {len(made)} "
                      f"{'request' if len(made) == 1 else 'requests'}:")
                for request in made[:SHOWN]:
                    print(f"      {request}")
                if len(made) > SHOWN:
                    print(f"      ... and {len(made) - SHOWN} more")
                print(Colours.off, end="")
            sys.stdout.flush()
        psql.close()
    print(f"\nDone in {time.monotonic() - begun:.1f} seconds; cluster and emulator are gone. "
          "README.md tells how to use\nthe extension with your own account.")


if __name__ == "__main__":
    main()

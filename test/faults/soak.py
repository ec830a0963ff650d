#!/usr/bin/env python3
"""Many sessions at once for a while: no error, and nothing grows.

    PG_CONFIG=… SOAK_SECONDS=60 SOAK_CLIENTS=16 python3 test/faults/soak.py

pgbench runs scans with LIMIT, look-ups, variables and a write against the emulator. Meanwhile
descriptors, sockets and memory of every backend are looked at: the last quarter of the time is
compared with the first one, without its beginning.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))

from cluster import Cluster, bindir  # noqa: E402
from emulator_process import Emulator, credentials  # noqa: E402
from processes import network_descriptors, private_kb, sockets  # noqa: E402
from setup import create_server  # noqa: E402

DURATION = int(os.environ.get("SOAK_SECONDS", "60"))
CLIENTS = int(os.environ.get("SOAK_CLIENTS", "16"))
# from the first quarter to the last: of half the backends, and of one that met something late;
# in a short run all are still warming up
GROWTH_KB = 64 if DURATION >= 60 else 256
MOST_KB = 1024
# weight, script; :n is random, :run a run's number
SCRIPTS = (
    (8, "SELECT id, status FROM prod.runs ORDER BY created_at DESC LIMIT :n;"),
    (4, "SELECT id FROM prod.runs WHERE status = 'COMPLETED' LIMIT :n;"),
    (8, "SELECT d.status, d.payload FROM known JOIN prod.run_details AS d USING (id)"
        " WHERE number = :run;"),
    (6, "SELECT value FROM prod.envvars WHERE name = 'LOG_LEVEL';"),
    (2, "SELECT count(*) FROM prod.envvars;"),
    (2, "SELECT id FROM prod.schedules LIMIT :n;"),
    (2, "SELECT id FROM pat.runs WHERE environment = 'prod' LIMIT :n;"),
    (3, "INSERT INTO prod.runs (task_identifier, tags) VALUES ('process-order', '{soak}');"),
)


def backends(session):
    """Process ids of pgbench's sessions."""
    return [int(pid) for pid in session.column(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench'")]


def look(pids):
    """{pid: (descriptors, sockets, kB)} of those backends that are there."""
    found = {}
    for pid in pids:
        try:
            found[pid] = network_descriptors(pid), len(sockets(pid)), private_kb(pid)
        except (FileNotFoundError, RuntimeError):
            pass
    return found


def prepare(session, emulator):
    """Servers, and the runs to look up."""
    session.query("CREATE EXTENSION trigger_fdw")
    for name, mapping in (("prod", {"secret_key": credentials.TR_PROD}),
                          ("pat", {"personal_access_token": credentials.PAT})):
        create_server(session, name, emulator.url, name,
                      {"project_ref": credentials.PROJECT_ALPHA}, **mapping)
    session.query("CREATE TABLE known AS SELECT row_number() OVER () AS number, id"
                  " FROM (SELECT id FROM prod.runs LIMIT 200) AS r")


def pgbench(cluster, directory, emulator):
    """Start it."""
    command = [os.path.join(bindir(), "pgbench"), "-n", "-c", str(CLIENTS), "-j", "2",
               "-T", str(DURATION), "-M", "prepared"]
    for number, (weight, script) in enumerate(SCRIPTS):
        path = os.path.join(directory, f"{number}.sql")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"\\set n random(1, 150)\n\\set run random(1, 200)\n{script}\n")
        command += ["-f", f"{path}@{weight}"]
    return subprocess.Popen([*command, "postgres"], env=cluster.environment(),
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def judge(samples, output, status, emulator, inserted):
    """What is wrong, as texts; prints figures."""
    bad = []
    if status or "ERROR" in output or "aborted" in output:
        bad.append(f"pgbench: status {status}\n{output}")
    print("\n".join(line for line in output.splitlines()
                    if line.startswith(("number of transactions actually", "number of failed",
                                        "latency average", "tps"))))
    whole = [found for found in samples if len(found) == CLIENTS]
    if len(whole) < 8:
        return bad + [f"only {len(whole)} looks at all {CLIENTS} backends"]
    early = whole[len(whole) // 8:len(whole) // 4]
    late = whole[-(len(whole) // 4):]
    grown = []
    grown = []
    for index, what in enumerate(("descriptors", "sockets")):
        first, last = (max(values[index] for found in part for values in found.values())
                       for part in (early, late))
        if last > first:
            bad.append(f"{what} of a backend: {first}, later {last}")
    for pid in late[-1]:
        grown.append(statistics.median(found[pid][2] for found in late) -
                     statistics.median(found[pid][2] for found in early))
    most = [max(values[index] for found in late for values in found.values())
            for index in range(3)]
    print(f"{CLIENTS} backends: {most[0]} descriptors, {most[1]} sockets, {most[2]} kB at most;"
          f" grown by {max(grown):.0f} kB at most, {statistics.median(grown):.0f} in the middle")
    if statistics.median(grown) > GROWTH_KB or max(grown) > MOST_KB:
        bad.append(f"memory of backends has grown by {sorted(grown)} kB")
    made = sum(write["kind"] == "run.trigger"
               for write in json.loads(emulator.control("GET", "/writes")))
    there = sum("soak" in run["tags"] for run in emulator.oracle("runs"))
    print(f"{there} runs triggered by {inserted} statements")
    if not made == there == inserted:
        bad.append(f"{inserted} statements, {made} triggers, {there} runs")
    return bad


def main():
    """The whole."""
    with Emulator("small") as emulator, Cluster() as cluster, \
            tempfile.TemporaryDirectory(prefix="trigger_soak_") as directory, \
            cluster.connect() as session:
        prepare(session, emulator)
        process = pgbench(cluster, directory, emulator)
        samples, pids = [], []
        while process.poll() is None:
            if len(pids) < CLIENTS:
                pids = backends(session)
            samples.append(look(pids))
            if len(samples) % 10 == 0:
                emulator.clear()        # its log of requests would grow, too
            time.sleep(DURATION / 60)
        output = process.stdout.read()
        inserted = int(output.split(f"SQL script {len(SCRIPTS)}:")[1]
                       .split(" - ")[2].split()[0])
        bad = judge(samples, output, process.returncode, emulator, inserted)
        bad += [line for line in cluster.log_text().splitlines()
                if any(word in line for word in ("TRAP", "PANIC", "ERROR", "terminated by"))]
    print(*bad, sep="\n")
    print(f"{0 if bad else 1} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

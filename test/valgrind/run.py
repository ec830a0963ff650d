#!/usr/bin/env python3
"""Run the SQL tests in a server under valgrind's memcheck.

    python3 test/valgrind/run.py [name ...]

An error counts if this extension is in its stack; so does memory from malloc
that is lost for good (libcurl's and json-c's objects, which no memory context
frees).  A distribution's server does not tell memcheck about palloc: there,
what is found are mistakes with malloc'd memory, with the stack and with values
that were never set.  The server of scripts/assert-server.sh does, and `make
valgrind-assert` uses it: every palloc is watched as well, and it takes longer.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "harness")]

import cluster  # noqa: E402
import regress  # noqa: E402
import shadow  # noqa: E402

# how a function of the extension looks in a stack: its file below fdw/, as
# --fullpath-after leaves it, or the library
OURS = re.compile(r"\(fdw/\w+\.[ch]:\d+\)|/trigger_fdw\.so\)")


def start(self):
    """Cluster.start with a server that runs under valgrind."""
    logs = os.path.join(self.directory, "memcheck")
    temporary = os.path.join(self.directory, "tmp")
    for path in (logs, temporary):
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o777)
    shutil.copy(os.path.join(HERE, "memcheck.supp"), self.directory)
    program = os.path.join(self.directory, "postgres")
    with open(program, "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\nTMPDIR={temporary} exec valgrind --quiet --vgdb=no "
                   # backends are forks; what they start with exec is not watched
                   "--trace-children=no --num-callers=40 "
                   "--leak-check=full --show-leak-kinds=definite "
                   f"--suppressions={os.path.join(self.directory, 'memcheck.supp')} "
                   f"--fullpath-after={os.path.join(os.path.realpath(BUILD[0]), '')} "
                   f"--log-file={logs}/%p "
                   f"{os.path.join(cluster.bindir(), 'postgres')} \"$@\"\n")
    os.chmod(program, 0o755)
    subprocess.run([os.path.join(cluster.bindir(), "pg_ctl"), "-D", self.data, "-l", self.log,
                    "-w", "-t", "120", "-p", program, "start"], cwd=self.directory,
                   preexec_fn=self._demote, stdout=subprocess.DEVNULL, check=True)


def stop(self, mode="fast"):
    """Stop in an orderly way, then collect what was found."""
    plain_stop(self, "fast")
    for path in glob.glob(os.path.join(self.directory, "memcheck", "*")):
        with open(path, encoding="utf-8", errors="replace") as file:
            text = re.sub(r"^==\d+== ?", "", file.read(), flags=re.MULTILINE)
        processes.append(path)
        for block in re.split(r"\n\s*\n", text):
            if OURS.search(block):
                errors.add(re.sub(r"0x[0-9A-F]+|loss record .*| \S+ bytes in \S+ blocks", "",
                                  block.strip()))


errors = set()
processes = []
BUILD = []                      # where the extension was compiled
plain_stop = cluster.Cluster.stop


def main():
    unknown = set(sys.argv[1:]) - set(regress.TESTS)
    if unknown:
        sys.exit("no such test: " + ", ".join(sorted(unknown)))
    cluster.Cluster.start = start
    cluster.Cluster.stop = stop
    with tempfile.TemporaryDirectory() as directory:
        # in an installation of its own, which nobody replaces meanwhile
        os.chmod(directory, 0o755)
        os.environ["PG_CONFIG"] = shadow.make(os.path.join(directory, "postgresql"))
        BUILD.append(shadow.install(os.path.join(directory, "build")))
        passed, failed = regress.run(
            [test for test in regress.TESTS
             if test == "setup" or not sys.argv[1:] or test in sys.argv[1:]],
            os.path.join(directory, "results"))
    for error in sorted(errors):
        print(error, end="\n\n")
    if not processes:
        sys.exit("valgrind has seen no process")
    print(f"{len(errors)} errors of memcheck in {len(processes)} processes; "
          f"tests: {passed} passed, {failed} failed")
    return 1 if errors or failed else 0


if __name__ == "__main__":
    sys.exit(main())

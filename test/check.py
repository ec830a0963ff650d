#!/usr/bin/env python3
"""Run the tests, part by part.

    python3 test/check.py [-v] [PART ...]
    python3 test/check.py --list

Prints one line for each part, and what a part said at its end if it failed
(everything with -v, or if it is the only one).  The last line counts all tests.
"""
import argparse
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = sys.executable

# Random tests explore on a developer's machine; where many changes are judged
# by the same tests, all get the same cases.
SEED = ["--seed", "1"] if os.environ.get("CI") else []

# quick ones first
PARTS = {
    "lint": [PYTHON, "test/lint/lint.py"],
    "json": [PYTHON, "test/json/run.py", *SEED],
    "split": [PYTHON, "test/split/run.py"],
    "emulator": [PYTHON, "-m", "unittest", "discover", "-s", "test/emulator"],
    "replay": [PYTHON, "test/replay/replay.py"],
    "httpcore": [PYTHON, "test/httpcore/run.py"],
    "regress": [PYTHON, "test/regress.py"],
    "behaviour": [PYTHON, "test/behaviour/run.py"],
    "examples": [PYTHON, "-m", "unittest", "discover", "-s", "test/examples"],
    "faults": [PYTHON, "test/faults/faults.py", *SEED],
    "matrix": [PYTHON, "test/faults/matrix.py"],
    "storm": [PYTHON, "test/faults/storm.py", "--shots", "120", *SEED],
    "differential": [PYTHON, "test/differential/differential.py", *SEED],
    "query": [PYTHON, "test/trql/differential.py", *SEED],
    "contract": ["sh", "test/contract/run.sh"],
    "tokens": [PYTHON, "test/tokens/tokens.py", *SEED],
}
# parts that ask the emulator's query engine, which is not in the repository
WITH_ENGINE = {"emulator", "replay", "query", "regress", "behaviour"}
LIMIT = 900                     # seconds for one part; none comes near
SHOWN = 300                     # lines of a part that failed


def last(pattern, text):
    """The groups of a pattern's last match as numbers, zeros without one."""
    found = re.findall(pattern, text, re.MULTILINE)
    return [int(group or 0) for group in found[-1]] if found else None


def count(text, status):
    """Passed, failed and skipped tests, from the closing lines of the runner."""
    numbers = last(r"^(?:[\w ]+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", text)
    if numbers is None and re.search(r"^Ran \d+ test", text, re.MULTILINE):
        # unittest
        ran = last(r"^Ran (\d+)()() test", text)[0]
        bad = sum(map(int, re.findall(r"(?:failures|errors)=(\d+)", text)))
        skipped = sum(map(int, re.findall(r"skipped=(\d+)", text)))
        numbers = [ran - bad - skipped, bad, skipped]
    if numbers is None:
        # node, whose marks depend on its version
        numbers = [(last(rf"^\S+ {word} (\d+)()()$", text) or [0])[0]
                   for word in ("pass", "fail", "skipped")]
    passed, failed, skipped = numbers
    if (status or not passed) and not failed:
        failed = 1              # it broke before it could count, or tested nothing
    return passed, failed, skipped


def run(name, aloud):
    """Run one part; returns its numbers and the seconds it took."""
    begun = time.monotonic()
    lines = []
    # timeout(1) ends a part that hangs, and says so with its exit status
    with subprocess.Popen(["timeout", str(LIMIT), *PARTS[name]], cwd=TOP,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        for line in process.stdout:
            lines.append(line)
            if aloud:
                print(line, end="", flush=True)
    text = "".join(lines)
    numbers = count(text, process.returncode)
    if numbers[1] and not aloud:
        print("".join(lines[-SHOWN:]), end="")
    return numbers, time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument("part", nargs="*", choices=[*PARTS, []])
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(PARTS))
        return 0
    parts = arguments.part or list(PARTS)
    total = [0, 0, 0]
    if WITH_ENGINE & set(parts):
        subprocess.run(["sh", "test/query/install.sh"], cwd=TOP, check=True)
    for name in parts:
        numbers, seconds = run(name, arguments.verbose or len(parts) == 1)
        total = [sum(pair) for pair in zip(total, numbers)]
        passed, failed, skipped = numbers
        print(f"{'FAILED' if failed else 'ok':7}{name:13} {passed:5} passed, {failed} failed"
              f"{f', {skipped} skipped' if skipped else '':13} {seconds:7.1f} s", flush=True)
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""The query language's defects: each is worked around, and each is really there.

A case of defect_cases.py is executed three times: over a plain table, over the foreign table,
where EXPLAIN must show exactly the promised text of the query (or that the part in question is
PostgreSQL's work), and as somebody would write it who does not know of the defect. That text goes
through trigger_query() as it is; it must be refused, or be answered wrongly. If it is not, the
workaround is not needed any more, or the emulator has lost the defect.
"""
import collections
import decimal
import itertools
import json
import re
import urllib.error
import urllib.request

from emulator_process import credentials
from pgwire import PgError
from setup import quote

import defect_cases

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$")
EXPLAIN = "EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) "


def _rows(rows):
    return [tuple(row) for row in rows]


def _text(value):
    """A JSON value as PostgreSQL writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "t" if value else "f"
    return json.dumps(value)


def _canonical(rows):
    """Rows in which numbers that are equal are written alike."""
    return [tuple(str(decimal.Decimal(value).normalize()) if value and NUMBER.match(value)
                  else value for value in row) for row in rows]


def _same(case, rows, others):
    """Whether two answers are the same; their order counts where the query has one."""
    rows, others = _canonical(rows), _canonical(others)
    if " ORDER BY " in case.sql:
        return rows == others
    return collections.Counter(rows) == collections.Counter(others)


def _same_somehow(case, rows, others):
    """The same for some order of the columns: jsonb has forgotten it."""
    width = len(rows[0]) if rows else 0
    return any(_same(case, [tuple(row[n] for n in order) for row in rows], others)
               for order in itertools.permutations(range(width)))


class Runner:
    """Executes cases; `problem` says what is wrong with one."""

    def __init__(self, differential):
        self.session = differential.session
        self.emulator = differential.emulator

    def problem(self, case):
        self.session.query("BEGIN; SET LOCAL TimeZone = 'UTC'")
        for setting in case.settings:
            self.session.query(f"SET LOCAL {setting}")
        try:
            expected = _rows(self.session.query(case.sql.replace("{s}", "plain")))
            self.emulator.clear()
            got = _rows(self.session.query(case.sql.replace("{s}", "trql")))
            bodies = [str(record["body"]) for record in self.emulator.records()]
            plan = [row[0] for row in self.session.query(
                EXPLAIN + case.sql.replace("{s}", "trql"))]
        except PgError as error:
            return f"{error} {error.hint}"
        finally:
            self.session.query("ROLLBACK")
        if not _same(case, got, expected):
            return f"{got[:3]} instead of {expected[:3]}"
        if not expected:
            return "no rows: the test is worth nothing"
        return self._wrong_text(case, plan, bodies) or self._wrong_naive(case, expected)

    @staticmethod
    def _wrong_text(case, plan, bodies):
        """What the plan or the requests do not have that the case promises."""
        asked = [re.sub(r"^ *Query: ", "", line) for line in plan if "Query: " in line]
        if case.asked is not None and asked != list(case.asked):
            return "asked otherwise:\n  " + "\n  ".join(asked)
        text = "\n".join(plan)
        for part in case.plan:
            if part not in text:
                return f"no {part!r} in\n{text}"
        for part in case.never:
            if any(part in query for query in asked):
                return f"pushed: {part!r} in\n  " + "\n  ".join(asked)
        if case.body and not all(case.body in body for body in bodies):
            return f"a request without {case.body}"
        return None

    def _wrong_naive(self, case, expected):
        """None if the defect shows."""
        for naive in case.naive:
            self.emulator.settings(**naive.settings)
            try:
                answer = self._raw(naive) if naive.raw else self._verbatim(naive)
            except PgError as error:
                answer = str(error) + str(error.detail)
            finally:
                self.emulator.settings(**{name: defect_cases.SETTINGS[name]
                                          for name in naive.settings})
            if isinstance(answer, str):
                if naive.refused is None or naive.refused not in answer:
                    return f"refused: {naive.query}\n  {answer}"
            elif naive.refused is not None:
                return f"not refused: {naive.query}\n  {answer[:3]}"
            elif _same_somehow(case, answer, expected):
                return f"the defect is gone: {naive.query}\n  {answer[:3]}"
        return None

    def _verbatim(self, naive):
        """The rows that trigger_query() has for a text."""
        rows = self.session.query(
            f"SELECT q::text FROM trigger_query('emulator', {quote(naive.query)}{naive.more}) q")
        return [self._row(json.loads(row[0])) for row in rows]

    def _raw(self, naive):
        """The rows, or the error, of a request that says nothing but the query."""
        request = urllib.request.Request(
            self.emulator.url + "/api/v1/query", json.dumps({"query": naive.query}).encode(),
            {"Authorization": "Bearer " + credentials.TR_PROD,
             "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as answer:
                return [self._row(row) for row in json.load(answer)["results"]]
        except urllib.error.HTTPError as error:
            return error.read().decode()

    @staticmethod
    def _row(row):
        return tuple(map(_text, row.values()))


def run(differential):
    """(number of cases, number of them that failed)"""
    runner = Runner(differential)
    failed = 0
    for case in defect_cases.CASES:
        problem = runner.problem(case)
        if problem:
            failed += 1
            print(f"--- defects: {case.title}: {problem}\n{case.sql}", flush=True)
    return len(defect_cases.CASES), failed

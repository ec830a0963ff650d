"""Pages that are not what was asked for end the scan with an error, and never the server."""
import json

from base import Case, main

PAGE = 9999


class DishonestPages(Case):

    def setUp(self):
        super().setUp()
        self.server("odd", options={"max_retries": 0})
        self.s.query("DROP SCHEMA IF EXISTS odd_query CASCADE; CREATE SCHEMA odd_query;"
                     " IMPORT FOREIGN SCHEMA query LIMIT TO (runs) FROM SERVER odd INTO odd_query")
        self.addCleanup(self.emulator.faults)
        self.emulator.clear()

    def answer(self, path, body, times):
        self.emulator.faults({"match": {"path_regex": path}, "times": times,
                              "action": {"kind": "body", "body": json.dumps(body)}})

    def rows(self, *last):
        """A full page of runs; `last` are the time and the id of its last row."""
        rows = [{"c1": f"run_{PAGE - n:05d}", "c2": "2026-05-31 00:00:00.000"}
                for n in range(PAGE - 1)]
        return {"format": "json", "results": rows + [{"c2": last[0], "c1": last[1]}]}

    def failure(self, sql):
        error = self.s.error(sql)
        return error.sqlstate, error.message

    def queries(self):
        return [json.loads(record["body"])["query"] for record in self.emulator.records()
                if record["path"].endswith("/query")]

    def test_ids_are_text(self):
        """What comes from the server is no part of the planner's text."""
        for name, literal in (("\x010\x01", "'\x010\x01'"), ("\x01", "'\x01'"),
                              ("\x0199\x01", "'\x0199\x01'"), ("a'b", "'a''b'"),
                              ("a\\n", "concat('a', '\\\\', 'n', '')")):
            with self.subTest(name=name):
                self.emulator.clear()
                self.answer("/query$", self.rows("2026-05-30 00:00:00.000", name), 1)
                rows = self.s.query("SELECT run_id FROM odd_query.runs"
                                    " WHERE triggered_at > '2000-01-01' AND queue <> 'x'")
                self.assertEqual(rows[PAGE - 1][0], name)
                self.assertIn(f"less(run_id, {literal})", self.queries()[1])
                self.assertEqual(len(self.queries()), 2)

    def test_same_page(self):
        """A server that looks at no condition."""
        self.answer("/query$", self.rows("2026-05-30 00:00:00.000", "run_1"), 5)
        self.assertEqual(self.failure("SELECT run_id FROM odd_query.runs"),
                         ("08P01", 'paging of server "odd" does not advance'))
        self.assertEqual(len(self.queries()), 2)

    def test_no_date(self):
        self.answer("/query$", self.rows("') OR 1", "run_1"), 1)
        self.assertEqual(self.failure("SELECT run_id FROM odd_query.runs")[0], "08P01")

    def test_sessions(self):
        """A list of sessions that does not keep to the bounds of time."""
        page = {"data": [{"id": f"session_{n}", "type": "t", "taskIdentifier": "x", "tags": [],
                          "createdAt": f"2026-05-{31 - n:02d}T00:00:00.000Z",
                          "updatedAt": "2026-05-31T00:00:00.000Z"} for n in range(5)],
                "pagination": {"next": "c"}}
        self.answer("/sessions", page, 9)
        self.assertEqual(self.failure("SELECT id FROM odd.sessions"),
                         ("08P01", 'paging of server "odd" does not advance'))
        self.assertEqual(len(self.emulator.records()), 2)

    def test_parts(self):
        """Parts of aggregates that are missing, or fewer or other than they can be."""
        cont = "percentile_cont(0.5) WITHIN GROUP (ORDER BY total_duration)"
        several = "percentile_disc('{0.1,0.5}'::float8[]) WITHIN GROUP (ORDER BY queue)"
        listed = "array_agg(queue ORDER BY queue)"
        for call, parts, code in (
                ("avg(depth)", ("6", None), "08P01"), ("avg(depth)", ("6", "0"), "22012"),
                ("stddev(depth)", (None, "1", "1"), "08P01"),
                ("stddev(depth)", ("2", None, "1"), "08P01"),
                ("stddev(depth)", ("2", "1", None), "08P01"),
                ("stddev(depth)", ("-2", "1", "1"), "08P01"),
                ("stddev(depth)", ("NaN", "1", "1"), "08P01"),
                ("stddev(depth)", ("2", "1", "Infinity"), "08P01"),
                (cont, (None, ["1", "2"]), "08P01"), (cont, ("2", None), "08P01"),
                (cont, ("2", []), "08P01"), (cont, ("2", ["1"]), "08P01"),
                (cont, ("2", ["1", "2", "3"]), "08P01"), (cont, ("2", ["1", None]), "08P01"),
                (cont, ("2", ["1", "x"]), "22P02"), (cont, ("2", "1"), "08P01"),
                (cont, ("9" * 30, ["1", "2"]), "22003"),
                (several, ("1", ["a"]), "08P01"), (several, ("1", ["a", "b", "c"]), "08P01"),
                (listed, (None, "1"), "08P01"), (listed, (["a"], None), "08P01"),
                (listed, (["a"], "-1"), "08P01"), (listed, (["a"], str(2**62)), "54000")):
            with self.subTest(call=call, parts=parts):
                row = {f"c{n}": part for n, part in enumerate(parts, 1)}
                self.answer("/query$", {"format": "json", "results": [row]}, 1)
                self.assertEqual(self.failure(f"SELECT {call} FROM odd_query.runs")[0], code)


if __name__ == "__main__":
    main()

"""Random joins that could look up keys; a query depends on its number only."""
import random

# resource: (key column, columns to select, conditions on {a})
INNER = {
    "run_details": ("id", ("status", "task_identifier", "attempt_count", "output"),
                    ("{a}.status = 'COMPLETED'", "{a}.status <> 'FAILED'", "NOT {a}.is_test",
                     "{a}.attempt_count > 0", "{a}.duration_ms > i.n * 100",
                     "{a}.task_identifier > i.word", "{a}.depth = i.grp % 2",
                     "{a}.created_at > '2026-05-01'", "{a}.output IS NOT NULL")),
    "runs": ("id", ("status", "task_kind", "finished_at", "depth"),
             ("{a}.status IN ('COMPLETED', 'FAILED')", "{a}.is_test", "{a}.depth < i.grp",
              "{a}.task_identifier = i.word", "coalesce({a}.ttl, '') <> i.word",
              "{a}.created_at > '2026-05-01'")),
    "envvars": ("name", ("value", "is_secret"),
                ("NOT {a}.is_secret", "{a}.value <> i.word", "length({a}.value) > i.grp")),
    "schedules": ("id", ("task", "active", "cron"),
                  ("{a}.active", "{a}.task > i.word", "{a}.cron LIKE '%' || i.grp || '%'")),
    # of the query schema; one value finds one row, or many
    "query_runs": ("run_id", ("status", "task_identifier", "machine"),
                   ("{a}.status <> 'Failed'", "{a}.is_test", "{a}.depth < i.grp",
                    "{a}.task_identifier > i.word", "coalesce({a}.machine, '') <> i.word",
                    "{a}.triggered_at > '2026-05-01'")),
    "query_roots": ("root_run_id", ("run_id", "status"),
                    ("{a}.depth = i.grp % 2", "NOT {a}.is_test", "{a}.run_id > i.word")),
}
OUTER = ("i.n < 30", "i.n % 3 <> 0", "i.grp = 1", "i.id IS NOT NULL", "i.word > 'f'")


class Queries:
    """{resource} stands for a table of the resource, {own} for the local one with its keys."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.resource = self.random.choice(list(INNER))
        self.key, self.columns, self.conditions = INNER[self.resource]
        self.table = f"{{{self.resource}}}"

    def some(self, things, most):
        return self.random.sample(things, self.random.randint(0, most))

    def condition(self, alias="d"):
        return self.random.choice(self.conditions).format(a=alias)

    def on(self, alias="d"):
        key = self.random.choice(("i.id", "i.id", "i.id", "i.other", "coalesce(i.id, i.other)"))
        sides = [f"{alias}.{self.key}", key]
        self.random.shuffle(sides)
        more = [c.format(a=alias) for c in self.some(self.conditions, 2)]
        return " AND ".join([" = ".join(sides), *more, *self.some(OUTER, 1)])

    def where(self, joined=True):
        found = self.some(OUTER, 1)
        if joined and self.random.random() < 0.4:
            found.append(self.random.choice((f"({self.condition()}) IS NOT FALSE",
                                             self.condition(), f"d.{self.key} IS NULL")))
        return " WHERE " + " AND ".join(found) if found else ""

    def selected(self):
        return ", ".join(["i.n", f"d.{self.key}", *(f"d.{c}" for c in self.some(self.columns, 2))])

    def ordered(self, selected):
        """An order that decides everything, and a LIMIT, or neither."""
        if self.random.random() < 0.5:
            return ""
        count = len(selected.split(","))
        order = ", ".join(str(n) for n in range(1, count + 1))
        limit = f" LIMIT {self.random.choice((1, 2, 5, 40))}" if self.random.random() < 0.6 else ""
        return f" ORDER BY {order}{limit}"

    def join(self):
        kind = self.random.choice(("JOIN", "LEFT JOIN"))
        selected = self.selected()
        return (f"SELECT {selected} FROM {{own}} i {kind} {self.table} d ON {self.on()}"
                f"{self.where()}{self.ordered(selected)}")

    def semi(self):
        word = self.random.choice(("EXISTS", "NOT EXISTS"))
        selected = "i.n, i.id, i.word"
        more = self.where(joined=False) or " WHERE true"
        return (f"SELECT {selected} FROM {{own}} i{more} AND {word}"
                f" (SELECT FROM {self.table} d WHERE {self.on()}){self.ordered(selected)}")

    def contained(self):
        selected = f"d.{self.key}, d.{self.columns[0]}"
        return (f"SELECT {selected} FROM {self.table} d WHERE d.{self.key} IN"
                f" (SELECT id FROM {{own}} i{self.where(joined=False)}){self.ordered(selected)}")

    def grouped(self):
        return (f"SELECT i.grp, count(*), count(d.{self.key}), max(d.{self.columns[0]}::text)"
                f" FROM {{own}} i LEFT JOIN {self.table} d ON {self.on()}{self.where()}"
                " GROUP BY 1")

    def correlated(self):
        kind = self.random.choice(("JOIN", "LEFT JOIN"))
        return (f"SELECT o.n, (SELECT count(d.{self.key}) FROM {{own}} i {kind} {self.table} d"
                f" ON {self.on()} WHERE i.grp = o.n) FROM generate_series(0, 4) o (n)")

    def lateral(self):
        kind = self.random.choice(("JOIN", "LEFT JOIN"))
        selected = self.selected()
        return (f"SELECT o.n, q.* FROM generate_series(2, 9, 3) o (n), LATERAL (SELECT {selected}"
                f" FROM {{own}} i {kind} {self.table} d ON {self.on()} WHERE i.n % o.n = 1"
                f" ORDER BY {', '.join(str(n + 1) for n in range(len(selected.split(','))))}"
                f" LIMIT 4) q")

    def twice(self):
        kinds = [self.random.choice(("JOIN", "LEFT JOIN")) for _ in range(2)]
        return (f"SELECT i.n, d.{self.columns[0]}, e.{self.columns[1]} FROM {{own}} i {kinds[0]}"
                f" {self.table} d ON {self.on()} {kinds[1]} {self.table} e ON {self.on('e')}"
                f"{self.where()}")

    def above(self):
        """As the inner side of another join, and as its outer side."""
        kind = self.random.choice(("JOIN", "LEFT JOIN"))
        return (f"SELECT o.n, q.n, q.c FROM {{own}} o {kind} (SELECT i.n, i.grp,"
                f" d.{self.columns[0]} c FROM {{own}} i LEFT JOIN {self.table} d ON {self.on()})"
                f" q ON q.grp = o.n % 7 WHERE o.n < 12")

    def query(self):
        return self.random.choice((
            self.join, self.join, self.join, self.semi, self.contained, self.grouped,
            self.correlated, self.lateral, self.twice, self.above))()

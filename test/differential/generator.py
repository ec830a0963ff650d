"""Random queries over one table, as SQL text with {t} for the table.

A query comes with how its answers are compared: "rows" (a multiset), "sequence" (the order is
total), "ties" (the first column is the sort key; which of the tied rows come is open), "some"
(any rows of the unlimited query, as many of them).
"""
import random

from reference import HIDDEN, UNREADABLE
from setup import quote

ODD_TEXTS = ("", " ", ",", "%", "_", "\\", "'", '"', "NULL", "null", "ünï", "日本", "😀", "a,b",
             "a b", "A", "%2C", "&x=1", "#", "é" * 30, "x" * 5000)
ODD_STATUSES = ("FROZEN", "REATTEMPTING", "INTERRUPTED", "WAITING_FOR_DEPLOY", "PAUSED",
                "COMPLETED_SUCCESSFULLY", "completed", "Completed", "BOGUS", "CANCELLED", "",
                "QUEUED,COMPLETED", " QUEUED", "DEQUEUED", "EXECUTING", "WAITING", "FAILED",
                "TIMED_OUT", "EXPIRED")
ODD_IDS = (".", "..", "run_", "run_nonexistent", "a/b", "x?y=1", "x#y", "%2e%2e", "ü", "run_ x",
           "../../projects", "x\ty")
ODD_TIMES = ("infinity", "-infinity", "epoch", "0044-03-15 BC", "1969-12-31 23:59:59.999999+00",
             "1970-01-01 00:00:00.000001+00", "1970-01-01 00:00:00.001+00", "290000-01-01+00",
             "9999-12-31 23:59:59.999999+00", "275760-09-13 00:00:00.000001+00", "2026-11-24",
             "2025-03-30 02:30+01")
NOT_WORDS = ("{}", "{NULL}")


class Table:
    """What the generator needs to know of a table: its columns and values that occur."""

    def __init__(self, session, reference, resource, always=None):
        self.resource = resource
        self.reference = reference
        self.always = always or []      # conditions of which each query needs one
        self.types = dict(session.query(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attnum > 0"
            f" AND NOT attisdropped AND attrelid = '{reference}'::regclass ORDER BY attnum"))
        unreadable = UNREADABLE.get(resource, ())
        self.hidden = HIDDEN.get(resource, ())
        self.columns = [c for c in self.types if c not in unreadable and c not in self.hidden]
        self.key = "name" if resource == "envvars" else "id"
        self.order = "created_at" if "created_at" in self.columns else None
        self.values = {c: session.column(f"SELECT DISTINCT {c}::text FROM {reference}"
                                         f" WHERE {c} IS NOT NULL ORDER BY 1")
                       for c in (*self.columns, *self.hidden) if self.types[c] != "jsonb"}
        if "tags" in self.columns:
            self.tags = session.column(f"SELECT DISTINCT unnest(tags) FROM {reference} ORDER BY 1")
        self.total = f"{self.key}, environment" if resource == "envvars" else "id"

    def of_type(self, *types):
        return [c for c in self.columns if self.types[c] in types]


class Generator:
    """Makes queries over a table from a random number generator."""

    def __init__(self, rng, table):
        self.rng = rng
        self.table = table
        self.parameters = None      # a list while a statement with parameters is made

    # -- values -------------------------------------------------------------------------

    def text_value(self, column):
        """The plain value: one that occurs, or one that is near it, or an odd one."""
        rng = self.rng
        known = self.table.values.get(column) or ["x"]
        value = rng.choice(known)
        if rng.random() < 0.65:
            return value
        if column == self.table.key and rng.random() < 0.5:
            return rng.choice(ODD_IDS)
        if column == "status" and rng.random() < 0.8:
            return rng.choice(ODD_STATUSES)
        return rng.choice((value.upper(), value.lower(), value.swapcase(), value + " ",
                           " " + value, value[:-1], value + "," + rng.choice(known),
                           rng.choice(ODD_TEXTS)))

    def put(self, literal, cast):
        """A literal in the text of the query, or a parameter in its place."""
        if self.parameters is not None and self.rng.random() < 0.6:
            self.parameters.append((literal, cast))
            return f"${len(self.parameters)}"
        return literal

    def text(self, column, null=True):
        rng = self.rng
        if null and rng.random() < 0.03:
            return self.put("NULL::text", "text")
        value = quote(self.text_value(column))
        roll = rng.random()
        if roll < 0.8:
            return self.put(value, "text")
        return rng.choice((f"{value}::varchar", f"(SELECT {value}::text)", f"({value} || '')",
                           f"coalesce(NULL, {value})", f"concat({value}, '')"))

    def texts(self, column, null=True, least=1):
        n = self.rng.choice((1, 2, 2, 3, 5, 12))
        values = [quote(self.text_value(column)) for _ in range(max(n, least))]
        if null and self.rng.random() < 0.1:
            values.append("NULL")
        return values

    def array(self, values):
        text = f"ARRAY[{', '.join(values)}]::text[]"
        return self.put(text, "text[]") if self.rng.random() < 0.7 else text

    def time(self):
        rng = self.rng
        roll = rng.random()
        known = self.table.values[self.table.order]
        if roll < 0.15:
            return self.put(f"{quote(rng.choice(ODD_TIMES))}::timestamptz", "timestamptz")
        base = f"{quote(rng.choice(known))}::timestamptz"
        if roll < 0.45:
            return self.put(base, "timestamptz")
        if roll < 0.75:
            off = rng.choice(("1 us", "-1 us", "500 us", "-500 us", "999 us", "-999 us", "1 ms",
                              "-1 ms", "1 day", "-7 days", "1 s"))
            return self.put(f"({base} + interval '{off}')", "timestamptz")
        return rng.choice((f"({base})::date", f"({base})::timestamp", f"date_trunc('day', {base})",
                           f"(SELECT {base})", f"({base} AT TIME ZONE 'Asia/Tokyo')",
                           "now()", "(current_date - 3)", "NULL::timestamptz",
                           "localtimestamp", "(now() - interval '7 days')"))

    # -- predicates ---------------------------------------------------------------------

    def predicate(self, depth=2, alias=""):
        rng = self.rng
        if depth > 0 and rng.random() < 0.35:
            op = rng.choice((" AND ", " OR "))
            parts = [self.predicate(depth - 1, alias) for _ in range(rng.choice((2, 2, 3)))]
            return "(" + op.join(parts) + ")"
        if depth > 0 and rng.random() < 0.08:
            return f"NOT ({self.predicate(depth - 1, alias)})"
        makers = [self.text_predicate] * 6
        if self.table.order:
            makers += [self.time_predicate] * 3
        if "tags" in self.table.columns:
            makers += [self.tags_predicate] * 3
        if self.table.of_type("boolean"):
            makers += [self.boolean_predicate] * 2
        if self.table.of_type("bigint", "integer", "numeric"):
            makers.append(self.number_predicate)
        if self.table.of_type("jsonb"):
            makers.append(self.json_predicate)
        return rng.choice(makers)(alias)

    def text_predicate(self, a):
        rng = self.rng
        # the columns that are filtered by the API more often than the others
        likely = [c for c in ("id", "name", "status", "task_identifier", "version", "region",
                              "environment", "batch_id") if c in self.table.columns]
        column = rng.choice(likely if rng.random() < 0.7 else self.table.of_type("text"))
        c = a + column
        form = rng.randrange(27)
        value, values = self.text, self.texts
        if form < 5:
            return f"{c} = {value(column)}"
        if form == 5:
            return f"{value(column)} = {c}"
        if form in (6, 7):
            return f"{c} <> {value(column)}"
        if form in (8, 9, 10):
            return f"{c} IN ({', '.join(values(column))})"
        if form in (11, 12):
            return f"{c} NOT IN ({', '.join(values(column))})"
        if form in (13, 14):
            return f"{c} = ANY({self.array(values(column))})"
        if form == 15:
            return f"{c} <> ALL({self.array(values(column))})"
        if form == 16:
            empty = rng.choice(("'{}'::text[]", "'{NULL}'::text[]", "NULL::text[]",
                                "ARRAY[]::varchar[]"))
            return rng.choice((f"{c} = ANY({empty})", f"{c} <> ALL({empty})"))
        if form == 17:
            return f"{c} IS {rng.choice(('', 'NOT '))}NULL"
        if form == 18:
            part = self.text_value(column).replace("\\", "\\\\")[:rng.choice((1, 3, 8))]
            pattern = rng.choice((part + "%", "%" + part, "_" + part[1:] + "%", part))
            return f"{c} {rng.choice(('', 'NOT '))}{rng.choice(('LIKE', 'ILIKE'))} {quote(pattern)}"
        if form == 19:
            return f"({c} = {value(column)} OR {c} = {value(column)})"
        if form == 20:
            return (f"({c} = {value(column)} OR {value(column)} = {c} OR"
                    f" {c} IN ({', '.join(values(column))}))")
        if form == 21:
            low, high = sorted((self.text_value(column), self.text_value(column)))
            return f"{c} BETWEEN {quote(low)} AND {quote(high)}"
        if form == 22:
            op = rng.choice(("<", "<=", ">", ">="))
            return f"{c} {op} {quote(self.text_value(column))}"
        if form == 23:
            return f"{c} IS {rng.choice(('', 'NOT '))}DISTINCT FROM {value(column)}"
        if form == 24:
            return f"{rng.choice(('lower', 'upper', 'btrim'))}({c}) = {value(column)}"
        if form == 25:
            return f"{c}::{rng.choice(('varchar', 'varchar(5)', 'bpchar', 'name'))} = " \
                   f"{quote(self.text_value(column)[:60])}"
        return f"{c} IN (SELECT k FROM local.words WHERE c = {quote(column)})"

    def time_predicate(self, a):
        rng = self.rng
        c = a + self.table.order
        if rng.random() < 0.12:
            others = [x for x in self.table.of_type("timestamp with time zone")]
            return rng.choice((f"{a}{rng.choice(others)} {rng.choice(('<', '>='))} {self.time()}",
                               f"{a}{rng.choice(others)} IS {rng.choice(('', 'NOT '))}NULL"))
        form = rng.randrange(9)
        if form < 4:
            return f"{c} {rng.choice(('<', '<=', '>', '>='))} {self.time()}"
        if form == 4:
            return f"{self.time()} {rng.choice(('<', '<=', '>', '>='))} {c}"
        if form == 5:
            return f"{c} BETWEEN {self.time()} AND {self.time()}"
        if form == 6:
            return f"({c} >= {self.time()} AND {c} < {self.time()})"
        if form == 7:
            return f"{c} {rng.choice(('=', '=', '<>'))} {self.time()}"
        return f"{c}::date {rng.choice(('=', '<', '>='))} ({self.time()})::date"

    def tag_array(self):
        rng = self.rng
        tags = [quote(rng.choice(self.table.tags)) for _ in range(rng.choice((1, 1, 2, 3)))]
        if rng.random() < 0.2:
            tags.append(quote(rng.choice(("with", "comma", "a,b", "nope", "EVEN", ""))))
        if rng.random() < 0.07:
            tags.append("NULL")
        if rng.random() < 0.05:
            return "'{}'::text[]"
        return self.array(tags)

    def tags_predicate(self, a):
        rng = self.rng
        c = a + "tags"
        tag = quote(rng.choice((*self.table.tags, "nope", "", "user:0,user:1", "USER:0")))
        form = rng.randrange(14)
        if form < 3:
            return f"{c} && {self.tag_array()}"
        if form < 6:
            return f"{c} @> {self.tag_array()}"
        if form == 6:
            return f"{c} <@ {self.tag_array()}"
        if form == 7:
            return rng.choice((f"{self.tag_array()} <@ {c}", f"{self.tag_array()} && {c}",
                               f"{self.tag_array()} @> {c}"))
        if form in (8, 9):
            return f"{self.put(tag, 'text')} = ANY({c})"
        if form == 10:
            return rng.choice((f"{tag} <> ALL({c})", f"NOT ({tag} = ANY({c}))"))
        if form == 11:
            return f"{c} {rng.choice(('=', '<>'))} {self.tag_array()}"
        if form == 12:
            return rng.choice((f"cardinality({c}) > 1", f"{c} IS NULL", f"{c} = '{{}}'",
                               f"array_length({c}, 1) IS NULL", f"{c} IS NOT NULL"))
        return f"{c}[1] = {tag}"

    def boolean_predicate(self, a):
        rng = self.rng
        columns = self.table.of_type("boolean")
        c = a + ("is_test" if "is_test" in columns and rng.random() < 0.6 else rng.choice(columns))
        return rng.choice((
            c, f"NOT {c}", f"{c} = true", f"{c} = false", f"{c} <> true", f"true = {c}",
            f"{c} IS TRUE", f"{c} IS NOT TRUE", f"{c} IS FALSE", f"{c} IS NOT FALSE",
            f"{c} IS UNKNOWN", f"{c} IS NOT UNKNOWN", f"{c} IN (true)", f"{c} IN (true, false)",
            f"{c} = ANY(ARRAY[false, NULL])", f"({c} OR NOT {c})", f"({c} AND NOT {c})",
            f"{c} > false", f"{c} IS NOT DISTINCT FROM false", f"{c}::text = 'true'",
            f"{c} = (1 = 1)", f"{c} = {self.put('true', 'boolean')}", f"{c} = NULL",
            f"NOT ({c} = {self.put('false', 'boolean')})"))

    def number_predicate(self, a):
        rng = self.rng
        column = rng.choice(self.table.of_type("bigint", "integer", "numeric"))
        value = rng.choice(self.table.values[column])
        return f"{a}{column} {rng.choice(('=', '<', '<=', '>', '<>'))} {value}"

    def json_predicate(self, a):
        rng = self.rng
        c = a + rng.choice(self.table.of_type("jsonb"))
        return rng.choice((f"{c} IS NULL", f"{c} IS NOT NULL", f"{c} = '{{}}'",
                           f"{c} ? 'progress'", f"{c}->>'label' = 'run'",
                           f"{c} @> '{{\"progress\": 1}}'", f"jsonb_typeof({c}) = 'object'"))

    def hidden_predicate(self, a):
        """A comparison that only the API can make: it must be one that can be sent."""
        rng = self.rng
        column = rng.choice(self.table.hidden)
        c = a + column

        def value():
            known = self.table.values[column] or ["none"]
            found = rng.choice(known)
            if rng.random() < 0.2:
                found = rng.choice((found.upper(), found + "x", "bogus", "ünï"))
            return quote(found)

        condition = rng.choice((
            lambda: f"{c} = {self.put(value(), 'text')}", lambda: f"{value()} = {c}",
            lambda: f"{c} IN ({value()}, {value()}, {value()})",
            lambda: f"{c} = ANY({self.array([value(), value(), 'NULL'])})",
            lambda: f"({c} = {value()} OR {c} = {value()})",
            lambda: f"{c} = (SELECT {value()})",
            lambda: f"{c} = ANY({self.array([value()])})"))()
        return column, condition

    # -- queries ------------------------------------------------------------------------

    def where(self, depth=2, alias="", most=3):
        """Conditions that hold together, and the hidden columns that they fix."""
        rng = self.rng
        parts = [self.predicate(depth, alias) for _ in range(rng.randrange(most + 1))]
        shown = []
        if self.table.hidden and rng.random() < 0.2:
            column, condition = self.hidden_predicate(alias)
            parts.append(condition)
            shown.append(column)
        if self.table.always:
            parts.append(rng.choice(self.table.always).format(a=alias))
        rng.shuffle(parts)
        return (" WHERE " + " AND ".join(parts) if parts else ""), shown

    def select_list(self, shown, alias=""):
        rng = self.rng
        if rng.random() < 0.25:
            columns = list(self.table.columns)
        else:
            columns = rng.sample(self.table.columns, rng.randrange(1, 5))
        columns += [c for c in shown if rng.random() < 0.7]
        return ", ".join(alias + c for c in columns)

    def query(self):
        """(SQL, how to compare, or for "ties"/"some" the query without its limit)"""
        kinds = [self.plain] * 5 + [self.ordered] * 5 + [self.limited] * 4 + \
            [self.aggregate] * 4 + [self.grouped] * 3 + [self.distinct] * 2 + \
            [self.subselect] * 3 + [self.joined] * 4 + [self.combined] * 2 + \
            [self.lateral] * 2 + [self.self_join] + [self.window] + [self.cte] + \
            [self.whole_row] + [self.hidden_join]
        return self.rng.choice(kinds)()

    def plain(self):
        where, shown = self.where()
        return f"SELECT {self.select_list(shown)} FROM {{t}}{where}", "rows", None

    def limit(self):
        rng = self.rng
        text = f" LIMIT {rng.choice((0, 1, 2, 3, 10, 25, 99, 100, 101, 150, 1000))}"
        if rng.random() < 0.4:
            text += f" OFFSET {rng.choice((0, 1, 5, 99, 100, 130, 500))}"
        return text

    def order(self, alias=""):
        rng = self.rng
        keys = []
        if self.table.order and rng.random() < 0.6:
            keys.append(alias + self.table.order + rng.choice((" DESC", " DESC", "",
                                                               " DESC NULLS LAST")))
        for column in rng.sample(self.table.columns, rng.choice((0, 0, 1, 2))):
            keys.append(f"{alias}{column}" + rng.choice(("", " DESC", " NULLS FIRST",
                                                         " DESC NULLS LAST")))
        keys += [alias + c for c in self.table.total.split(", ")]
        return " ORDER BY " + ", ".join(keys)

    def ordered(self):
        where, shown = self.where()
        limit = self.limit() if self.rng.random() < 0.7 else ""
        return (f"SELECT {self.select_list(shown)} FROM {{t}}{where}{self.order()}{limit}",
                "sequence", None)

    def limited(self):
        """ORDER BY with ties, or none at all."""
        where, shown = self.where(depth=1, most=2)
        columns = self.select_list(shown)
        if not self.table.order or self.rng.random() < 0.2:
            query = f"SELECT {columns} FROM {{t}}{where}"
            return query + self.limit(), "some", query
        query = f"SELECT {self.table.order}, {columns} FROM {{t}}{where}"
        order = f" ORDER BY {self.table.order} DESC"
        if self.rng.random() < 0.1:
            return (query + order + " FETCH FIRST 3 ROWS WITH TIES", "rows", None)
        return query + order + self.limit(), "ties", query

    def aggregate(self):
        rng = self.rng
        where, shown = self.where()
        column = rng.choice(self.table.columns)
        some = ["count(*)", f"count({column})", f"count(DISTINCT {self.table.key})",
                f"min({self.table.key})", f"max({self.table.key})",
                f"string_agg({self.table.key}, ',' ORDER BY {self.table.total})"]
        if self.table.order:
            some += [f"min({self.table.order})", f"max({self.table.order})",
                     "sum(cost_in_cents)", "sum(duration_ms)", "count(*) FILTER (WHERE is_test)"]
        some += [f"count({c})" for c in shown]
        listed = ", ".join(rng.sample(some, rng.choice((1, 1, 2, 4))))
        return f"SELECT {listed} FROM {{t}}{where}", "rows", None

    def grouped(self):
        rng = self.rng
        where, _ = self.where()
        columns = rng.sample(self.table.of_type("text", "boolean"), rng.choice((1, 2)))
        having = rng.choice(("", "", " HAVING count(*) > 3", " HAVING min(id) > 'run_cm5'"
                             if "id" in self.table.columns else ""))
        names = ", ".join(columns)
        return (f"SELECT {names}, count(*), min({self.table.key}) FROM {{t}}{where}"
                f" GROUP BY {rng.choice(('', '', 'ROLLUP '))}({names}){having}", "rows", None)

    def distinct(self):
        where, shown = self.where()
        column = self.rng.choice(self.table.of_type("text", "boolean"))
        if self.rng.random() < 0.5:
            return f"SELECT DISTINCT {self.select_list(shown)} FROM {{t}}{where}", "rows", None
        order = f"{self.table.order} DESC, " if self.table.order else ""
        return (f"SELECT DISTINCT ON ({column}) {column}, {self.table.key} FROM {{t}}{where}"
                f" ORDER BY {column}, {order}{self.table.total}", "sequence", None)

    def subselect(self):
        rng = self.rng
        where, shown = self.where(depth=1, alias="q.", most=2)
        glue = " AND " if where else " WHERE "
        ids = f"local.{rng.choice(('few', 'many', 'nobody'))}"
        key = f"q.{self.table.key}"
        clause = rng.choice((
            f"{key} IN (SELECT i.id FROM {ids} i)",
            f"{key} NOT IN (SELECT i.id FROM {ids} i WHERE i.id IS NOT NULL)",
            f"EXISTS (SELECT 1 FROM {ids} i WHERE i.id = {key})",
            f"NOT EXISTS (SELECT 1 FROM {ids} i WHERE i.id = {key})",
            f"{key} = ANY(ARRAY(SELECT i.id FROM {ids} i))",
            f"{key} = (SELECT min(i.id) FROM {ids} i)",
            f"(SELECT count(*) FROM {ids} i WHERE i.id <= {key}) > 2"))
        if rng.random() < 0.25:
            always = " AND " + rng.choice(self.table.always).format(a="t2.") \
                if self.table.always else ""
            return (f"SELECT i.n, (SELECT count(*) FROM {{t}} t2 WHERE t2.{self.table.key} = i.id"
                    f"{always}) FROM local.few i", "rows", None)
        return (f"SELECT {self.select_list(shown, 'q.')} FROM {{t}} q{where}{glue}{clause}",
                "rows", None)

    def joined(self):
        rng = self.rng
        ids = rng.choice(("few", "few", "many", "nobody"))
        where, shown = self.where(depth=1, alias="q.", most=2)
        join = rng.choice(("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
        columns = self.select_list(shown, "q.")
        if join != "JOIN":
            # conditions on hidden columns need a scan that they can be sent with
            where, always = "", ""
            if self.table.always:
                always = " AND " + rng.choice(self.table.always).format(a="q.")
                join = "LEFT JOIN"
            columns = self.select_list([], "q.")
            source = f"local.{ids} i {join} {{t}} q ON q.{self.table.key} = i.id{always}"
        elif rng.random() < 0.3 and "task_identifier" in self.table.columns:
            source = (f"local.words w JOIN {{t}} q ON q.task_identifier = w.k"
                      " AND w.c = 'task_identifier'")
            return f"SELECT w.k, {columns} FROM {source}{where}", "rows", None
        else:
            source = f"local.{ids} i JOIN {{t}} q ON q.{self.table.key} = i.id"
        return f"SELECT i.n, {columns} FROM {source}{where}", "rows", None

    def combined(self):
        rng = self.rng
        first, _ = self.where(depth=1, most=2)
        second, _ = self.where(depth=1, most=2)
        columns = self.select_list([])
        op = rng.choice(("UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT"))
        return (f"SELECT {columns} FROM {{t}}{first} {op} SELECT {columns} FROM {{t}}{second}",
                "rows", None)

    def lateral(self):
        rng = self.rng
        column = rng.choice([c for c in ("status", "task_identifier", "version", "region", "task",
                                         "timezone", "environment") if c in self.table.columns])
        values = ", ".join(f"({value})" for value in self.texts(column, null=False, least=2))
        where, _ = self.where(depth=0, alias="q.", most=1)
        glue = " AND " if where else " WHERE "
        order = f"q.{self.table.order} DESC, " if self.table.order else ""
        total = ", ".join("q." + c for c in self.table.total.split(", "))
        limit = rng.choice((1, 3, 120))
        return (f"SELECT v.x, s.* FROM (VALUES {values}) v(x), LATERAL (SELECT"
                f" {self.select_list([], 'q.')} FROM {{t}} q{where}{glue}q.{column} = v.x"
                f" ORDER BY {order}{total} LIMIT {limit}) s", "rows", None)

    def self_join(self):
        first, _ = self.where(depth=0, alias="a.", most=2)
        always = ""
        if self.table.always:
            always = " AND " + self.rng.choice(self.table.always).format(a="b.")
        keys = " AND ".join(f"a.{c} = b.{c}" for c in self.table.total.split(", "))
        return (f"SELECT {self.select_list([], 'a.')}, b.{self.table.key} FROM {{t}} a JOIN {{t}} b"
                f" ON {keys}{always}{first}", "rows", None)

    def window(self):
        where, _ = self.where()
        column = self.rng.choice(self.table.of_type("text"))
        order = f"{self.table.order} DESC, " if self.table.order else ""
        return (f"SELECT {self.table.key}, row_number() OVER (PARTITION BY {column} ORDER BY"
                f" {order}{self.table.total}) FROM {{t}}{where}", "rows", None)

    def cte(self):
        where, _ = self.where()
        keyword = self.rng.choice(("MATERIALIZED", "NOT MATERIALIZED"))
        column = self.rng.choice(self.table.of_type("text"))
        return (f"WITH q AS {keyword} (SELECT * FROM {{t}}{where})"
                f" SELECT a.{self.table.key}, (SELECT count(*) FROM q b WHERE b.{column} ="
                f" a.{column}) FROM q a ORDER BY 1, 2 LIMIT 40", "sequence", None)

    def whole_row(self):
        where, _ = self.where(depth=1)
        gone = ", ".join(quote(c) for c in (*self.table.hidden,
                                            *UNREADABLE.get(self.table.resource, ())))
        minus = f" - ARRAY[{gone}]" if gone else ""
        return f"SELECT to_jsonb(q.*){minus} FROM {{t}} q{where}", "rows", None

    def hidden_join(self):
        """A hidden column fixed by another table: only a look-up can do it."""
        if not self.table.hidden:
            return self.plain()
        column = self.rng.choice(self.table.hidden)
        values = ", ".join(f"({quote(v)})" for v in (self.table.values[column] or ["none"])[:4])
        return (f"SELECT v.x, {self.select_list([], 'q.')} FROM (VALUES {values}, ('bogus')) v(x)"
                f" JOIN {{t}} q ON q.{column} = v.x"
                + (" AND " + self.rng.choice(self.table.always).format(a="q.")
                   if self.table.always else ""), "rows", None)


def make(seed, number, table):
    """The query of a case; the same for the same seed and number."""
    rng = random.Random(f"{seed}/{number}")
    return rng, Generator(rng, table)

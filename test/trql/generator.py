"""Random queries over one table, as SQL text with {t} for the table.

A query says how its answers are compared: "rows" (a multiset), "sequence" (the order is
total), "ties" (the first column is the sort key; which of the tied rows come is open), "some"
(any rows of the unlimited query, as many of them), "errors" (it may fail, both or none).
"""
import dataclasses
import random

from expressions import INTEGERS, TIME, UNITS, ZONES, Expressions


@dataclasses.dataclass
class Query:
    """A query and how its answers are compared."""

    text: str
    how: str = "rows"
    unlimited: str = None       # the query without its limit
    # numbers of output columns that are sums of doubles: they depend on the order of the rows
    rough: tuple = ()
    # whether one request can be the answer, if all of its expressions can be pushed
    simple: bool = False


SPREADS = ("stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop")
WIDTHS = ("5 minutes", "1 hour", "15 minutes", "1 day", "7 days", "90 seconds", "1 second",
          "100 milliseconds", "36 hours", "1 day 0.5 seconds", "366 days", "4000 days")
ORIGINS = ("2001-01-01 00:00+00", "2026-01-01 00:00:00.25+00", "2030-05-05 03:07+00",
           "1969-12-31 23:59:59.999999+00", "0001-01-01 00:00+00", "4713-01-01 00:00+00 BC",
           "2000-01-01 00:00+05:30")


class Generator(Expressions):
    """Makes queries from a random number generator."""

    def where(self, depth=2, most=3, keyword=" WHERE "):
        rng = self.rng
        if rng.random() < 0.35:
            return ""
        return keyword + " AND ".join(
            self.predicate(depth) for _ in range(min(most, rng.choice((1, 1, 1, 2, 3)))))

    def columns(self, most=5):
        known = self.table.columns
        return self.rng.sample(known, min(len(known), self.rng.randrange(1, most)))

    def select_list(self):
        rng = self.rng
        roll = rng.random()
        if roll < 0.15:
            return ", ".join(self.a + c for c in self.table.columns)
        if roll < 0.6:
            return ", ".join(self.a + c for c in self.columns())
        return ", ".join(self.any(2) for _ in range(rng.randrange(1, 4)))

    def limit(self):
        rng = self.rng
        text = f" LIMIT {rng.choice((0, 1, 2, 3, 10, 25, 100, 300, 1000, 20000))}"
        if rng.random() < 0.4:
            text += f" OFFSET {rng.choice((0, 1, 5, 50, 100, 400, 5000))}"
        if rng.random() < 0.05:
            text = rng.choice((" LIMIT ALL", " LIMIT NULL", " OFFSET 3", " LIMIT (SELECT 3)"))
        return text

    def direction(self):
        return self.rng.choice(("", "", " DESC", " DESC", " ASC", " NULLS FIRST",
                                " DESC NULLS LAST", " NULLS LAST", " DESC NULLS FIRST"))

    def sort_key(self):
        rng = self.rng
        if rng.random() < 0.4:
            return self.a + self.table.time
        return self.any(1, True) if rng.random() < 0.4 else self.a + rng.choice(
            [c for c in self.table.columns if self.table.types[c] != "jsonb"])

    def query(self):
        kinds = [self.plain] * 6 + [self.ordered] * 6 + [self.limited] * 3 + \
            [self.aggregate] * 6 + [self.grouped] * 14 + [self.distinct] * 4 + \
            [self.summary] * 9 + [self.counted] * 3 + [self.derived] * 3 + \
            [self.subselect] * 2 + [self.joined] * 3 + \
            [self.combined, self.combined, self.lateral, self.self_join, self.window, self.cte,
             self.whole_row, self.failing, self.no_columns, self.sets]
        return self.rng.choice(kinds)()

    # -- rows ---------------------------------------------------------------------------

    def plain(self):
        return Query(f"SELECT {self.select_list()} FROM {{t}}{self.where()}", simple=True)

    def no_columns(self):
        return Query(f"SELECT {self.pick('1', 'NULL', '', 'now()')} FROM {{t}}{self.where()}")

    def whole_row(self):
        return Query(f"SELECT {self.pick('q', 'to_jsonb(q)', 'q.*', '(q).*')} FROM {{t}} q"
                     + self.where(1))

    def failing(self):
        return Query(f"SELECT {self.a}{self.table.key}, {self.risky()} FROM {{t}}"
                     f"{self.where(1, 1)}", "errors")

    def ordered(self):
        rng = self.rng
        keys = [self.sort_key() + self.direction() for _ in range(rng.choice((0, 1, 1, 2)))]
        keys.append(self.table.key + rng.choice(("", " DESC")))
        limit = self.limit() if rng.random() < 0.75 else ""
        return Query(f"SELECT {self.select_list()} FROM {{t}}{self.where()} ORDER BY "
                     + ", ".join(keys) + limit, "sequence", simple=True)

    def limited(self):
        """ORDER BY with ties, or none at all."""
        rng = self.rng
        where = self.where(1, 2)
        if rng.random() < 0.3:
            query = f"SELECT {self.select_list()} FROM {{t}}{where}"
            return Query(query + self.limit(), "some", query, simple=True)
        query = f"SELECT {self.sort_key()}, {self.select_list()} FROM {{t}}{where}"
        order = f" ORDER BY 1{self.direction()}"
        if rng.random() < 0.1:
            return Query(query + order + " FETCH FIRST 3 ROWS WITH TIES")
        return Query(query + order + self.limit(), "ties", query, simple=True)

    # -- aggregates ---------------------------------------------------------------------

    def aggregate_call(self):
        """(SQL, whether it depends on the order of the rows)"""
        rng = self.rng
        whole = self.pick(lambda: self.integer(0), lambda: self.integer(1))
        value = self.pick(lambda: self.a + rng.choice(self.table.columns), lambda: self.any(1))
        c = self.a + rng.choice([c for c in self.table.columns
                                 if self.table.types[c] not in ("jsonb", "boolean")])
        key = self.a + self.table.key
        order = f"{self.sort_key()}{self.direction()}, {key}"
        large = self.column("numeric") or whole
        made, rough = rng.choice((
            (lambda: "count(*)", 0), (lambda: "count(*)", 0), (lambda: "count(*)", 0),
            (lambda: f"count({value})", 0), (lambda: f"count({value})", 0),
            (lambda: f"count(DISTINCT {value})", 0), (lambda: f"count(DISTINCT {c})", 0),
            (lambda: f"sum({whole})", 0), (lambda: f"sum({whole})", 0),
            (lambda: f"avg({whole})", 0), (lambda: f"avg({whole})", 0),
            (lambda: f"sum({self.real(1)})", 1), (lambda: f"avg({self.real(0)})", 1),
            (lambda: f"sum({self.real(0)} ORDER BY {key})", 0),
            (lambda: f"min({c})", 0), (lambda: f"max({c})", 0), (lambda: f"min({c})", 0),
            (lambda: f"max({self.text(1)})", 0), (lambda: f"min({self.time(1)})", 0),
            (lambda: f"max({self.integer(1)})", 0), (lambda: f"max({self.real(1)})", 0),
            (lambda: f"bool_and({self.boolean(1)})", 0),
            (lambda: f"bool_or({self.boolean(1)})", 0),
            (lambda: f"every({self.boolean(0)})", 0),
            (lambda: f"{rng.choice(SPREADS)}({whole})", 0),
            (lambda: f"{rng.choice(SPREADS)}({whole})", 0),
            (lambda: f"{rng.choice(SPREADS)}({large})", 0),
            (lambda: f"stddev_samp({self.real(0)})", 1),
            (lambda: f"string_agg({self.text(0)}, ',' ORDER BY {order})", 0),
            (lambda: f"array_agg({value} ORDER BY {order})", 0),
            (lambda: f"array_agg(DISTINCT {c} ORDER BY {c})", 0),
            (self.sorted_texts, 0), (self.sorted_texts, 0), (self.sorted_texts, 0),
            (lambda: self.percentile("cont", whole), 0),
            (lambda: self.percentile("cont", whole), 0),
            (lambda: self.percentile("cont", self.real(0)), 0),
            (lambda: self.percentile("cont", large), 0),
            (lambda: self.percentile("disc", c), 0), (lambda: self.percentile("disc", c), 0),
            (lambda: self.percentile("disc", whole), 0),
            (lambda: f"sum({large})", 0), (lambda: f"avg({large})", 0),
            (lambda: f"{rng.choice(('min', 'max'))}({large})", 0),
            (lambda: f"{rng.choice(('min', 'max'))}({self.real(0)})", 0),
            (lambda: f"mode() WITHIN GROUP (ORDER BY {c})", 0),
            (lambda: f"sum(DISTINCT {whole})", 0), (lambda: f"avg(DISTINCT {whole})", 0),
            (lambda: f"sum(CASE WHEN {self.predicate(1)} THEN 1 ELSE 0 END)", 0),
            (lambda: f"count(CASE WHEN {self.predicate(1)} THEN 1 END)", 0),
            (lambda: f"sum(({self.boolean(1)})::int)", 0),
            (lambda: f"sum({self.numeric(1)})", 0), (lambda: f"avg({self.numeric(1)})", 0),
            (lambda: f"round(100.0 * count(*) FILTER (WHERE {self.predicate(1)})"
                     " / nullif(count(*), 0), 2)", 0),
            (lambda: f"max({c}) - min({c})" if self.table.types[c.removeprefix(self.a)]
             in (*INTEGERS, TIME) else f"count({c}) * 2", 0),
            (lambda: f"coalesce(sum({whole}), 0) / greatest(count(*), 1)", 0),
            (lambda: f"bit_or({whole}::bigint)", 0), (lambda: "array_length(array_agg(1), 1)", 0),
        ))
        text = made()
        composed = text.startswith(("round", "coalesce", "array_length", "max("))
        if rng.random() < 0.2 and text.endswith(")") and text.count("(") <= 3 and not composed:
            text += f" FILTER (WHERE {self.predicate(1)})"
        return text, rough

    def percentile(self, kind, value):
        rng = self.rng
        fraction = rng.choice((
            "0.5", "0.5", "0.95", "0.95", "0.99", "0", "1", "0.25", "0.333", "0.1", "0.75",
            "0.005", "1e-9", "0.9999999", "(1.0 / 3)", "NULL::float8", "ARRAY[0.5, 0.9]",
            "'{0.95,NULL,0,1}'::float8[]", "'{{0.1,0.5},{0.9,0.5}}'::float8[]",
            "'[3:4]={0.25,0.75}'::float8[]", "'{}'::float8[]"))
        return f"percentile_{kind}({fraction}) WITHIN GROUP (ORDER BY {value}{self.direction()})"

    def sorted_texts(self):
        """string_agg or array_agg whose order leaves nothing open."""
        rng = self.rng
        value = self.text(rng.choice((0, 0, 1)))
        distinct = rng.choice(("", "DISTINCT "))
        more = rng.choice(("", f", {self.a}{self.table.key}")) if not distinct else ""
        order = f"{value}{self.direction()}{more}"
        if rng.random() < 0.5:
            separator = rng.choice(("','", "', '", "''", "'\\'", "E'\\n'", "'it''s'", "'ü'"))
            return f"string_agg({distinct}{value}, {separator} ORDER BY {order})"
        return f"array_agg({distinct}{value} ORDER BY {order})"

    def aggregates(self, most=4, first=1):
        made = [self.aggregate_call() for _ in range(self.rng.randrange(1, most))]
        rough = tuple(number for number, (_, rough) in enumerate(made, first - 1) if rough)
        return [text for text, _ in made], rough

    def aggregate(self):
        listed, rough = self.aggregates()
        having = self.rng.choice((" HAVING count(*) > 0", "", "", "", "", " HAVING false"))
        return Query(f"SELECT {', '.join(listed)} FROM {{t}}{self.where()}{having}", rough=rough,
                     simple=True)

    def plain_condition(self):
        """A condition that the engine can apply."""
        rng = self.rng
        text, flag = self.column("text"), self.column("boolean")
        number = self.column(*INTEGERS) or "1"
        return self.pick(
            f"{number} > {rng.choice((0, 1, 2, 100))}", f"{number} IS NOT NULL", f"{text} IS NULL",
            f"{text} > 'm'", lambda: f"{text} = {self.text_literal(text)}", f"{text} LIKE '%e%'",
            flag or "true", f"NOT {flag or 'false'}", "false", f"{self.a}{self.table.time} > "
            "'2026-10-01 00:00:00+00'", f"{number} = 0 OR {text} IS NOT NULL")

    def summary_call(self):
        """An aggregate that the engine computes, as a whole or in parts."""
        rng = self.rng
        whole = self.pick(self.integer(0), f"({self.column('smallint') or '1'} * 4000001)")
        large = self.column("numeric") or whole
        real = self.real(0)
        time = self.column(TIME)
        text = self.column("text")
        value = rng.choice((whole, whole, large, real, time, text))
        call = self.pick(
            lambda: f"{rng.choice(SPREADS)}({whole})", lambda: f"{rng.choice(SPREADS)}({large})",
            lambda: f"{rng.choice(('sum', 'avg', 'min', 'max'))}({large})",
            lambda: f"{rng.choice(('min', 'max'))}({real})",
            lambda: self.percentile("cont", rng.choice((whole, large, real))),
            lambda: self.percentile("cont", rng.choice((whole, large, real))),
            lambda: self.percentile("disc", value), lambda: self.percentile("disc", value),
            self.sorted_texts, self.sorted_texts)
        if rng.random() < 0.35:
            call += f" FILTER (WHERE {self.plain_condition()})"
        return call

    def summary(self):
        """Aggregates of groups, of which one request should be the answer."""
        rng = self.rng
        keys = [self.pick(self.bin, lambda: self.a + rng.choice(self.table.of("text", "boolean")),
                          lambda: self.column(*INTEGERS) or self.bin())
                for _ in range(rng.choice((0, 1, 1, 1, 2)))]
        listed = [self.summary_call() for _ in range(rng.choice((1, 1, 2, 3)))]
        where = f" WHERE {self.plain_condition()}" if rng.random() < 0.4 else ""
        text = f"SELECT {', '.join(keys + listed)} FROM {{t}}{where}"
        numbers = [str(n + 1) for n in range(len(keys))]
        if keys:
            text += f" GROUP BY {', '.join(numbers)}"
        if rng.random() < 0.25:
            text += f" HAVING {self.having()}"
        if keys and rng.random() < 0.5:
            order = [n + self.direction() for n in numbers]
            if rng.random() < 0.7:
                order.insert(0, f"{len(keys) + 1}{self.direction()}")
            limit = rng.choice((" LIMIT 3", " LIMIT 10 OFFSET 2", "", ""))
            return Query(f"{text} ORDER BY {', '.join(order)}{limit}", "sequence", simple=True)
        return Query(text, simple=True)

    def group_key(self):
        rng = self.rng
        roll = rng.random()
        if roll < 0.5:
            return self.a + rng.choice(self.table.of(
                "text", "boolean", "numeric", *INTEGERS, *self.pick((), ("double precision",))))
        if roll < 0.7:
            c = self.time(0)
            unit, zone = rng.choice(UNITS), rng.choice(ZONES)
            return self.pick(f"date_trunc('{unit}', {c})", f"date_trunc('{unit}', {c}, '{zone}')",
                             f"({c})::date", f"extract(hour FROM {c})",
                             f"date_trunc('{unit}', {c} AT TIME ZONE '{zone}')")
        if roll < 0.8:
            return self.a + rng.choice(self.table.columns)
        if roll < 0.9:
            return self.bin()
        return self.any(1, True)

    def bin(self):
        """Times in bins of equal width."""
        rng = self.rng
        c = self.time(0)
        n = rng.choice(("1", "60", "300", "3600", "86400", "604800", "7", "300.0", "0.5"))
        width = rng.choice(WIDTHS)
        start = f"floor(extract(epoch FROM {c}) / {n})"
        return self.pick(
            f"date_bin('{width}', {c}, '{rng.choice(ORIGINS)}')",
            f"date_bin('{width}', {c}, '{rng.choice(ORIGINS)}')",
            f"to_timestamp({start} * {n})", f"({start} * {n})", f"{start}::bigint", f"{start}::int",
            f"floor(extract(epoch FROM {c}))", f"to_timestamp(floor(extract(epoch FROM {c})))",
            f"to_timestamp({self.integer(0)})", f"ceil(extract(epoch FROM {c}) / {n})",
            f"extract(year FROM {c})::int", f"(extract(hour FROM {c}) + 1) * 2",
            f"round(extract(minute FROM {c}))")

    def having(self):
        rng = self.rng
        return self.pick(
            "count(*) > 3", "count(*) BETWEEN 2 AND 10", lambda: f"max({self.integer(0)}) > 5",
            lambda: f"bool_or({self.boolean(0)})", lambda: f"sum({self.integer(0)}) > 100",
            lambda: f"avg({self.integer(0)}) >= 1.5", lambda: f"count({self.text(0)}) = 0",
            lambda: f"count(DISTINCT {self.text(0)}) > 1", lambda: f"min({self.text(0)}) < 'm'",
            lambda: f"max({self.time(0)}) > {self.time_literal()}", lambda: "count(*) = 1",
            lambda: f"count(*) FILTER (WHERE {self.predicate(0)}) > {rng.choice((0, 2))}",
            lambda: "(count(*) > 2 OR count(*) < 2) AND NOT count(*) = 7",
            lambda: f"(max({self.integer(0)}) IS NULL OR count(*) > 5)",
            lambda: f"percentile_disc(0.5) WITHIN GROUP (ORDER BY {self.integer(0)}) > 3",
            lambda: f"percentile_cont(0.9) WITHIN GROUP (ORDER BY {self.integer(0)}) > 3",
            lambda: f"stddev({self.integer(0)}) > 1.5",
            lambda: f"string_agg({self.a}{self.table.key}, ',' ORDER BY {self.a}{self.table.key})"
            " > 'run_m'")

    def grouped(self):
        rng = self.rng
        where = self.where()
        parameters, self.parameters = self.parameters, None     # a key is written twice
        keys = [self.group_key() for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]
        self.parameters = parameters
        listed, rough = self.aggregates(first=len(keys) + 1)
        numbers = [str(n + 1) for n in range(len(keys))]
        by = ", ".join(numbers if rng.random() < 0.7 else keys)
        # aggregates in front of the keys, or without them
        having = f" HAVING {self.having()}" if rng.random() < 0.25 else ""
        text = f"SELECT {', '.join(keys + listed)} FROM {{t}}{where} GROUP BY {by}{having}"
        if rng.random() < 0.5 and not any("output" in k or "error" in k or "attributes" in k
                                          for k in keys):
            order = [n + self.direction() for n in numbers]
            fine = [str(n + len(keys) + 1) for n in range(len(listed))
                    if n + len(keys) not in rough and self.sorts(listed[n])]
            if fine and rng.random() < 0.6:
                order.insert(0, rng.choice(fine) + self.direction())
            if rng.random() < 0.2:
                order.insert(0, "count(*) DESC")
            limit = self.limit() if rng.random() < 0.6 else ""
            return Query(f"{text} ORDER BY {', '.join(order)}{limit}", "sequence", rough=rough,
                         simple=True)
        return Query(text, rough=rough, simple=True)

    @staticmethod
    def sorts(text):
        """Whether an aggregate's result has an order that is worth asking for."""
        return not any(word in text for word in ("output", "error", "->"))

    def sets(self):
        keys = self.rng.sample(self.table.of("text", "boolean"), 2)
        listed, rough = self.aggregates(first=3)
        return Query(f"SELECT {', '.join(keys + listed)} FROM {{t}}{self.where(1)} GROUP BY "
                     f"{self.pick('ROLLUP', 'CUBE', 'GROUPING SETS')} ({', '.join(keys)})",
                     rough=rough)

    def distinct(self):
        rng = self.rng
        where = self.where()
        if rng.random() < 0.6:
            keys = [self.group_key() for _ in range(rng.choice((1, 1, 2, 3)))]
            text = f"SELECT DISTINCT {', '.join(keys)} FROM {{t}}{where}"
            if rng.random() < 0.4:
                numbers = ", ".join(f"{n + 1}{self.direction()}" for n in range(len(keys)))
                return Query(f"{text} ORDER BY {numbers}{self.limit()}", "sequence", simple=True)
            return Query(text, simple=True)
        column = self.pick(*self.table.of("text", "boolean"))
        return Query(f"SELECT DISTINCT ON ({column}) {column}, {self.table.key} FROM {{t}}{where}"
                     f" ORDER BY {column}, {self.sort_key()}{self.direction()}, {self.table.key}",
                     "sequence")

    def counted(self):
        """An aggregate above a subquery, whose limit or grouping must not be lost."""
        rng = self.rng
        key = self.group_key()
        inner = self.pick(
            f"SELECT * FROM {{t}}{self.where(1)} ORDER BY {self.sort_key()}{self.direction()}, "
            f"{self.table.key} LIMIT {rng.choice((0, 1, 10, 50))}",
            f"SELECT * FROM {{t}}{self.where(1)} OFFSET 0",
            f"SELECT DISTINCT ON ({self.table.key}) * FROM {{t}}{self.where(1)} ORDER BY "
            f"{self.table.key}",
            f"SELECT * FROM {{t}}{self.where(1)}")
        listed, rough = self.aggregates(first=2)
        return Query(f"SELECT {', '.join([key] + listed)} FROM ({inner}) q{self.where(0, 1)}"
                     " GROUP BY 1", rough=rough)

    def derived(self):
        """Groups of groups, or a filter or a join of groups."""
        rng = self.rng
        key, text = self.group_key(), self.text(0)
        calls = [self.pick("count(*)", f"max({self.integer(0)})", f"count(DISTINCT {text})",
                           f"sum({self.integer(0)})") for _ in range(2)]
        inner = (f"SELECT {key} AS k, {calls[0]} AS n, {calls[1]} AS m FROM {{t}}{self.where(1)}"
                 " GROUP BY 1")
        if rng.random() < 0.3:
            inner += f" ORDER BY 2 DESC NULLS LAST, 1 LIMIT {rng.choice((1, 5, 20))}"
        outer = self.pick(
            "SELECT n, count(*), max(m) FROM ({q}) s GROUP BY n",
            "SELECT * FROM ({q}) s WHERE n > 2", "SELECT avg(n), sum(m), count(*) FROM ({q}) s",
            "SELECT k, m FROM ({q}) s WHERE k IS NULL",
            "SELECT k, n, m, n / greatest(m, 1) FROM ({q}) s WHERE m <> n",
            "SELECT s.k, s.n, z.n FROM ({q}) s JOIN ({q}) z ON s.k = z.k")
        if "output" in key or "error" in key or "attributes" in key:
            outer = "SELECT n, count(*) FROM ({q}) s GROUP BY n"
        return Query(outer.replace("{q}", inner))

    # -- several tables -----------------------------------------------------------------

    def subselect(self):
        inner = Generator(self.rng, self.table, "t2.")
        key = self.table.key
        text = self.column("text")
        clause = self.pick(
            f"{key} IN (SELECT i.id FROM local.ids i)",
            f"{key} NOT IN (SELECT i.id FROM local.ids i WHERE i.id IS NOT NULL)",
            f"EXISTS (SELECT 1 FROM local.ids i WHERE i.id = {key})",
            f"{key} = ANY(ARRAY(SELECT i.id FROM local.ids i))",
            f"{text} = (SELECT min(w) FROM local.words)",
            f"{text} IN (SELECT t2.{text} FROM {{t}} t2{inner.where(0, 1)})",
            f"{self.table.time} >= (SELECT max(t2.{self.table.time}) - interval '3 days'"
            " FROM {t} t2)",
            f"{text} = (SELECT t2.{text} FROM {{t}} t2 GROUP BY 1 ORDER BY count(*) DESC, 1"
            " LIMIT 1)")
        if self.rng.random() < 0.25:
            return Query(f"SELECT i.n, (SELECT count(*) FROM {{t}} t2 WHERE t2.{key} = i.id) "
                         "FROM local.ids i")
        if self.rng.random() < 0.4:
            group = self.column("text")
            return Query(f"SELECT {group}, count(*) FROM {{t}}{self.where(1, 1)} GROUP BY 1"
                         " HAVING count(*) > (SELECT min(n) FROM local.ids)")
        return Query(f"SELECT {self.select_list()} FROM {{t}} WHERE {clause}"
                     + self.where(1, 1, " AND "))

    def joined(self):
        rng = self.rng
        q = Generator(rng, self.table, "q.")
        q.parameters = self.parameters
        join = rng.choice(("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
        text = q.column("text")
        if rng.random() < 0.3:
            number = q.column("numeric", "double precision", *INTEGERS)
            n = "i.n" if q.table.types[number[2:]] != "double precision" else "i.f"
            return Query(f"SELECT i.n, q.{self.table.key}, {number} FROM local.numbers i JOIN {{t}}"
                         f" q ON {number} {rng.choice(('=', '=', '<', '>=', '<>'))} {n}"
                         f"{q.where(1, 1)}")
        if rng.random() < 0.5:
            listed, rough = q.aggregates(first=2)
            return Query(f"SELECT i.w, {', '.join(listed)} FROM local.words i {join} {{t}} q"
                         f" ON {text} = i.w{q.where(1, 1)} GROUP BY 1", rough=rough)
        if rng.random() < 0.5:
            return Query(f"SELECT i.w, {q.select_list()} FROM local.words i {join} {{t}} q"
                         f" ON {text} = i.w{q.where(1, 1)}")
        return Query(f"SELECT i.n, {q.select_list()} FROM local.ids i {join} {{t}} q"
                     f" ON q.{self.table.key} = i.id{q.where(1, 1)}")

    def combined(self):
        rng = self.rng
        op = rng.choice(("UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT"))
        if rng.random() < 0.5:
            names = [self.a + c for c in self.table.of("text", "boolean", *INTEGERS)]
            names = ", ".join(rng.sample(names, 2))
            first, second = (f"SELECT {names}, count(*) FROM {{t}}{self.where(1, 2)} GROUP BY 1, 2"
                             for _ in range(2))
            return Query(f"{first} {op} {second}")
        names = ", ".join(self.columns())
        return Query(f"SELECT {names} FROM {{t}}{self.where(1, 2)} {op} "
                     f"SELECT {names} FROM {{t}}{self.where(1, 2)}")

    def lateral(self):
        q = Generator(self.rng, self.table, "q.")
        text = q.column("text")
        return Query(f"SELECT i.w, s.* FROM local.words i, LATERAL (SELECT {q.select_list()} FROM "
                     f"{{t}} q WHERE {text} = i.w{q.where(1, 1, ' AND ')} ORDER BY {q.sort_key()}, "
                     f"q.{self.table.key} LIMIT 3) s")

    def self_join(self):
        first = Generator(self.rng, self.table, "a.")
        key = self.table.key
        return Query(f"SELECT {first.select_list()}, b.{key} FROM {{t}} a JOIN {{t}} b"
                     f" ON a.{key} = b.{key}{first.where(1, 1)}")

    def window(self):
        text = self.column("text")
        return Query(f"SELECT {self.table.key}, {text}, row_number() OVER (PARTITION BY {text} "
                     f"ORDER BY {self.sort_key()}, {self.table.key}), count(*) OVER () FROM {{t}}"
                     + self.where(1))

    def cte(self):
        keyword = self.rng.choice(("MATERIALIZED", "NOT MATERIALIZED"))
        text = self.column("text")
        return Query(f"WITH q AS {keyword} (SELECT * FROM {{t}}{self.where(1)}) SELECT a.{text}, "
                     f"count(*), (SELECT count(*) FROM q b WHERE b.{text} = a.{text}) FROM q a"
                     " GROUP BY 1")


def make(seed, number, table):
    """The generator of a case; the same for the same seed and number."""
    return Generator(random.Random(f"{seed}/{number}"), table)

"""Random SQL expressions over the columns of one table, by their types.

Nothing here raises an error for any row: integers stay small enough, nothing is divided by a
column. What can fail is in `risky` alone.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))

from setup import quote  # noqa: E402

TIME = "timestamp with time zone"
INTEGERS = ("smallint", "integer", "bigint")
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo",
         "Australia/Lord_Howe", "Pacific/Apia", "europe/paris", "EST5EDT", "+05:30", "CET")
UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade",
         "milliseconds", "DAY", "Hour", "century")
FIELDS = ("year", "month", "day", "hour", "minute", "second", "dow", "isodow", "doy", "week",
          "isoyear", "quarter", "epoch", "millisecond", "decade")
STEPS = ("1 us", "-1 us", "999 us", "1 ms", "-1 ms", "1 day", "-7 days", "500 us")
FORMATS = ("YYYY-MM-DD", "YYYY-MM", "HH24:MI", "IYYY-IW", "Day", "YYYY-MM-DD HH24:MI:SS.MS TZ")
ODD_TEXTS = ("", " ", "%", "_", "\\", "'", "a,b", "NULL", "ü", "日", "x" * 300, "\\n", "a\\", "{}")
# numbers that are no value of any column, or only of some
ODD_NUMBERS = ("0", "1", "-1", "2.5", "255", "256", "1000", "9007199254740993", "1e3", "0.1",
               "99999999999", "-0.0", "2147483648", "1.5", "-0.5", "0.0000000000005",
               "-0.00000000000149", "9007199254740992.5", "9223372036854775807",
               "18446744073709551615", "18446744073709551615.000001", "18446744073709551616",
               "-9223372036854775809", "999999.9999999999995", "1000000", "9223372.036854775808",
               "1e30", "-1e30", "1e300", "1.000000000000", "'NaN'::numeric",
               "'Infinity'::numeric", "'-Infinity'::numeric", "NULL::numeric")
ODD_FLOATS = ("'NaN'::float8", "'Infinity'::float8", "'-Infinity'::float8", "'-0'::float8",
              "5e-324::float8", "1.7976931348623157e308::float8", "0.1::float4", "NULL::float8",
              "0.30000000000000004::float8", "'NaN'::float4", "2.5::float4")
UNQUOTED = re.compile(r"-?[0-9.]+(?:e[-+]?[0-9]+)?$")
ODD_STATUSES = ("completed", "COMPLETED", "COMPLETED_SUCCESSFULLY", "Pending version",
                "PENDING_VERSION", "WAITING_FOR_DEPLOY", "Failed", "FAILED", "Queued", "PENDING",
                "Waiting", "pending version", "Timed out", "Delayed", "bogus", "")


class Table:
    """A table as the generator sees it: columns, their types, values that occur."""

    def __init__(self, session, plain, key=None):
        self.plain = plain
        self.types = dict(session.query(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attnum > 0"
            f" AND attrelid = '{plain}'::regclass ORDER BY attnum"))
        self.columns = list(self.types)
        self.key = key or self.columns[0]
        self.time = next(c for c in self.columns if self.types[c] == TIME and c != "queued_at")
        self.values = {}
        for column, declared in self.types.items():
            source = f"unnest({column}) AS v" if declared == "text[]" else f"(SELECT {column}) AS v"
            # other types than text in a form that can be read anywhere
            self.values[column] = session.column(
                f"SELECT DISTINCT left(v::text, 3000) COLLATE \"C\" FROM {plain}, LATERAL {source}"
                " (v) WHERE v IS NOT NULL ORDER BY 1 LIMIT 400")
        # another collation than C
        self.collation = session.one(
            "SELECT quote_ident(collname) FROM pg_collation WHERE collname <> 'POSIX' AND"
            " collname NOT IN ('C', 'ucs_basic') AND collencoding IN (-1, 6)"
            " ORDER BY collname = 'und-x-icu' DESC, collname <> 'default' DESC, collname LIMIT 1")
        self.inner = {}         # column -> texts by which only the server knows a value

    def of(self, *types):
        return [c for c in self.columns if self.types[c] in types]


class Expressions:
    """Expressions from a random number generator; `a` is a prefix of the columns."""

    def __init__(self, rng, table, a=""):
        self.rng = rng
        self.table = table
        self.a = a
        self.parameters = None      # a list, while a statement with parameters is made

    def pick(self, *choices):
        """One of the choices; a callable is called."""
        chosen = self.rng.choice(choices)
        return chosen() if callable(chosen) else chosen

    def column(self, *types):
        """A column of one of the types, or None."""
        known = self.table.of(*types)
        return self.a + self.rng.choice(known) if known else None

    def put(self, literal, cast):
        """A literal in the text of the query, or a parameter in its place."""
        if self.parameters is not None and self.rng.random() < 0.7:
            if self.rng.random() < 0.04:
                literal = "NULL"
            self.parameters.append((literal, cast))
            return f"${len(self.parameters)}"
        return literal

    # -- values -------------------------------------------------------------------------

    def text_value(self, column):
        """A plain text: one that occurs in the column, one that is near it, or an odd one."""
        rng = self.rng
        name = column.removeprefix(self.a)
        known = self.table.values.get(name) or ["x"]
        value = rng.choice(known)
        if rng.random() < 0.6:
            return value
        if name == "status" and rng.random() < 0.8:
            return rng.choice(ODD_STATUSES)
        near = [value.upper(), value.lower(), value.swapcase(), value + " ", " " + value,
                value[:-1], value[1:], value + "%", rng.choice(ODD_TEXTS)]
        for prefix in ("batch_", "run_", "bulk_", "proj_"):
            if value.startswith(prefix):
                near += [value.removeprefix(prefix), prefix + value] * 4
        near += self.table.inner.get(name, []) * 6
        return rng.choice(near)

    def text_literal(self, column):
        rng = self.rng
        value = quote(self.text_value(column))
        roll = rng.random()
        if roll < 0.03:
            return "NULL::text"
        if roll < 0.9:
            return self.put(value, "text")
        return self.pick(f"{value}::varchar", f"(SELECT {value}::text)", f"({value} || '')",
                         f"concat({value}, '')", f"({value}::text COLLATE \"C\")")

    def known_number(self, column):
        """A value that occurs in the column."""
        name = column.removeprefix(self.a)
        value = self.rng.choice(self.table.values[name] or ["1"])
        return value if UNQUOTED.match(value) else f"'{value}'::{self.table.types[name]}"

    def number_literal(self, column):
        value = self.known_number(column)
        odd = ODD_NUMBERS
        if self.table.types[column.removeprefix(self.a)] == "double precision":
            odd = ODD_FLOATS + ODD_NUMBERS
        near = f"({value}::numeric {self.rng.choice('+-')} 0.00000000000000{self.rng.choice('15')})"
        return self.pick(value, value, value, near, lambda: self.rng.choice(odd),
                         lambda: self.rng.choice(odd), lambda: f"{value}::numeric",
                         lambda: f"{value}::float8")

    def number_list(self, column):
        """An array for `= ANY`, maybe as a parameter."""
        cast = self.pick("numeric", self.table.types[column.removeprefix(self.a)])
        if cast in INTEGERS:
            values = [self.known_number(column) for _ in range(3)]
        else:
            values = [self.number_literal(column) for _ in range(self.rng.choice((0, 1, 2, 5)))]
        return self.put(f"ARRAY[{', '.join(values)}]::{cast}[]", cast + "[]")

    def time_literal(self):
        rng = self.rng
        known = self.table.values[self.table.time] or ["2026-11-01 00:00:00+00"]
        base = f"{quote(rng.choice(known))}::timestamptz"
        return self.pick(
            lambda: self.put(base, "timestamptz"), lambda: self.put(base, "timestamptz"),
            lambda: self.put(f"({base} + interval '{rng.choice(STEPS)}')", "timestamptz"),
            lambda: f"date_trunc('{rng.choice(UNITS)}', {base})", f"({base})::date",
            f"({base})::timestamp", f"(SELECT {base})", "'infinity'::timestamptz",
            "'-infinity'::timestamptz", "now()", "(now() - interval '7 days')", "current_date",
            "NULL::timestamptz", "'0044-03-15 BC'::timestamptz", "'2300-01-01'::timestamptz",
            "'99999-01-01'::timestamptz",
            "timestamptz '1969-12-31 23:59:59.999+00'", "'1900-01-01'::timestamptz",
            "(timestamptz '2026-11-24 07:20:00+00' - interval '30 days')",
            "'2026-03-29 02:30 Europe/Paris'::timestamptz")

    # -- expressions --------------------------------------------------------------------

    def text(self, depth=1):
        c = self.column("text")
        if c is None:
            return "'x'::text"
        if depth <= 0 or self.rng.random() < 0.4:
            return c
        t = lambda: self.text(depth - 1)        # noqa: E731
        value = lambda: quote(self.text_value(c))       # noqa: E731
        n = self.rng.choice((0, 1, 2, 3, 100, -1))
        m = self.rng.choice((1, 2, 5))
        made = [
            lambda: f"lower({t()})", lambda: f"upper({t()})", lambda: f"lower({t()})",
            lambda: f"coalesce({c}, {value()})", lambda: f"coalesce({c}, {t()}, 'none')",
            lambda: f"({t()} || '-' || {t()})", lambda: f"concat({c}, '/', {t()})",
            lambda: f"concat_ws(',', {c}, {t()})", lambda: f"substr({t()}, {n}, {m})",
            lambda: f"substring({c} from {m})", lambda: f"left({t()}, {n})",
            lambda: f"right({t()}, {n})", lambda: f"btrim({c})", lambda: f"ltrim({c}, 'a ')",
            lambda: f"rtrim({c})", lambda: f"replace({c}, 'a', {value()})",
            lambda: f"nullif({c}, {value()})", lambda: f"greatest({c}, {t()})",
            lambda: f"least({t()}, {value()})", lambda: f"reverse({c})",
            lambda: f"split_part({c}, '-', 1)", lambda: f"md5({c})", lambda: f"initcap({c})",
            lambda: f"CASE WHEN {self.predicate(0)} THEN {c} ELSE {t()} END",
            lambda: f"CASE WHEN {self.predicate(0)} THEN 'yes' ELSE 'no' END",
            lambda: f"CASE {c} WHEN {value()} THEN 'first' ELSE {c} END",
            lambda: f"({self.integer(0)})::text", lambda: f"repeat({c}, 2)",
            lambda: f"to_char({self.time(0)}, '{self.rng.choice(FORMATS)}')",
            lambda: f"lpad({c}, 5, '*')", lambda: f"translate({c}, 'ab', 'A')",
            lambda: f"({self.time(0)})::text", lambda: f"upper({c} COLLATE {self.table.collation})",
            lambda: f"regexp_replace({c}, '[0-9]+', '#')", lambda: f"quote_literal({c})"]
        arrays, jsons = self.column("text[]"), self.column("jsonb")
        if arrays:
            made += [lambda: f"{arrays}[{n}]", lambda: f"array_to_string({arrays}, ',')"]
        if jsons:
            made += [lambda: f"({jsons}->>'a')", lambda: f"jsonb_typeof({jsons})",
                     lambda: f"({jsons} #>> '{{a,b}}')"]
        return self.rng.choice(made)()

    def integer(self, depth=1):
        c = self.column(*INTEGERS)
        if c is None:
            return "1"
        if depth <= 0 or self.rng.random() < 0.4:
            return c
        i = lambda: self.integer(depth - 1)     # noqa: E731
        n = self.rng.choice((1, 2, 3, 7, 60, 1000, -2, -7))
        made = [
            lambda: f"({c} + {n})", lambda: f"({c} - {n})", lambda: f"({c} * {n})",
            lambda: f"({i()} + {c}::bigint)", lambda: f"({c}::bigint - {i()})",
            lambda: f"({i()} / {n})", lambda: f"({i()} % {n})", lambda: f"mod({c}, {abs(n)})",
            lambda: f"abs({i()})", lambda: f"(- {c}::bigint)", lambda: f"coalesce({c}, {n})",
            lambda: f"coalesce({c}, {i()})", lambda: f"nullif({c}, {n})",
            lambda: f"greatest({c}, {n})", lambda: f"least({i()}, {c})",
            lambda: f"length({self.text(0)})", lambda: f"char_length({self.text(depth - 1)})",
            lambda: f"octet_length({self.text(0)})", lambda: f"strpos({self.text(0)}, 'a')",
            lambda: f"position('-' in {self.text(0)})", lambda: f"ascii({self.text(0)})",
            lambda: f"({self.boolean(0)})::int", lambda: f"({c} * 4000001)",
            lambda: f"CASE WHEN {self.predicate(0)} THEN {c} ELSE {n} END",
            lambda: f"CASE WHEN {self.predicate(0)} THEN {c} END",
            lambda: f"CASE WHEN {c} > {n} THEN 2 WHEN {self.predicate(0)} THEN 1 ELSE 0 END",
            lambda: f"({c} & 7)", lambda: f"({c}::bigint << 2)",
            lambda: f"extract(year FROM {self.time(0)})::int",
            lambda: f"sign({c}::float8)::int", lambda: f"(({c}) / 60 * 60)"]
        arrays = self.column("text[]")
        if arrays:
            made += [lambda: f"cardinality({arrays})", lambda: f"array_length({arrays}, 1)",
                     lambda: f"coalesce(array_length({arrays}, 1), 0)",
                     lambda: f"array_position({arrays}, 'a')"]
        return self.rng.choice(made)()

    def real(self, depth=1):
        """double precision"""
        c = self.column("double precision")
        if c is None:
            return f"({self.integer(0)})::float8"
        if depth <= 0 or self.rng.random() < 0.4:
            return c
        other = self.column("double precision")
        n = self.rng.choice(("2", "3", "0.1", "100", "1000000", "-1.5", "0.5"))
        return self.pick(
            f"({c} + {other})", f"({c} - {other})", f"({c} * {n})", f"({c} / {n})", f"({c} + {n})",
            f"abs({c})", f"round({c})", f"round({c} * 100)", f"floor({c})", f"ceil({c} * 10)",
            f"trunc({c})", f"sqrt(abs({c}))", f"(- {c})", f"coalesce({c}, 0)",
            f"nullif({c}, 0)", f"({c} * {self.integer(0)})", f"({self.integer(0)})::float8",
            f"({self.integer(0)} / {n}::float8)", f"({self.integer(0)} / 1000.0::float8)",
            f"({self.column('numeric') or '1'})::float8",
            f"greatest({c}, {other})", f"date_part('epoch', {self.time(0)})", f"sign({c})",
            f"CASE WHEN {self.predicate(0)} THEN {c} ELSE {n} END", f"power({c}, 2)",
            f"ln(abs({c}) + 1)", f"date_part('hour', {self.time(0)})")

    def numeric(self, depth=1):
        c = self.column("numeric") or f"{self.integer(0)}::numeric"
        if depth <= 0:
            return c
        real = self.real(0)
        return self.pick(
            c, f"({c} * 1)", f"({c} + 0)", f"floor({c})", f"({c} * 1.5)",
            f"({self.integer(0)} / 3.0)", f"({self.integer(0)} * 0.001)",
            f"round({self.integer(0)} / 7.0, 2)", f"({real})::numeric",
            f"round(({real})::numeric, {self.rng.choice((0, 2, 4))})",
            f"extract({self.rng.choice(FIELDS)} FROM {self.time(0)})",
            f"extract({self.rng.choice(FIELDS)} FROM {self.time(0)} AT TIME ZONE "
            f"'{self.rng.choice(ZONES)}')",
            f"floor(extract(epoch FROM {self.time(0)}) / 300) * 300")

    def time(self, depth=1):
        rng = self.rng
        c = self.column(TIME)
        if rng.random() < 0.5:
            c = self.a + self.table.time
        if depth <= 0 or rng.random() < 0.35:
            return c
        unit, zone = rng.choice(UNITS), rng.choice(ZONES)
        width = rng.choice(("1 hour", "15 minutes", "1 day", "7 days", "90 seconds"))
        return self.pick(
            f"date_trunc('{unit}', {c})", f"date_trunc('{unit}', {c}, '{zone}')",
            f"date_trunc('{unit}', {c})", f"date_trunc('{unit}', {c}, '{zone}')",
            f"(date_trunc('{unit}', {c} AT TIME ZONE '{zone}') AT TIME ZONE '{zone}')",
            f"({c} + interval '{width}')", f"({c} - interval '1 month')", f"coalesce({c}, now())",
            f"coalesce({c}, {self.time(0)})", f"greatest({c}, {self.time(0)})",
            f"nullif({c}, {self.time(0)})", f"least({c}, {self.a}{self.table.time})",
            f"date_bin('{width}', {c}, timestamptz '2026-01-01 00:00+00')",
            f"to_timestamp(floor(extract(epoch FROM {c}) / 300) * 300)",
            f"CASE WHEN {self.predicate(0)} THEN {c} END")

    def other_time(self):
        """Dates, timestamps without zone, intervals."""
        rng = self.rng
        c, zone, unit = self.time(0), rng.choice(ZONES), rng.choice(UNITS)
        return self.pick(
            f"({c})::date", f"({c} AT TIME ZONE '{zone}')::date", f"({c} AT TIME ZONE '{zone}')",
            f"date_trunc('{unit}', {c} AT TIME ZONE '{zone}')", f"({c} - {self.time(0)})",
            f"({c})::timestamp", f"({c})::time", f"date_trunc('{unit}', ({c})::timestamp)")

    def boolean(self, depth=1):
        c = self.column("boolean")
        if c and self.rng.random() < 0.6:
            return c
        return f"({self.predicate(depth - 1)})"

    def any(self, depth=1, sortable=False):
        """An expression of any type; a sortable one has a total order of its values."""
        choices = [self.text] * 5 + [self.integer] * 3 + [self.real] * 2 + [self.time] * 4 + \
            [self.boolean] * 2 + [self.numeric]
        chosen = self.rng.choice(choices + [None, None])
        if chosen:
            return chosen(depth)
        kinds = [self.other_time]
        arrays, jsons = self.column("text[]"), self.column("jsonb")
        if arrays:
            kinds.append(lambda: arrays)
        if jsons and not sortable:
            kinds += [lambda: jsons, lambda: f"({jsons}->'a')"]
        return self.rng.choice(kinds)()

    # -- predicates ---------------------------------------------------------------------

    def predicate(self, depth=2):
        rng = self.rng
        if depth > 0 and rng.random() < 0.5:
            op = rng.choice((" AND ", " OR ", " OR "))
            parts = [self.predicate(depth - 1) for _ in range(rng.choice((2, 2, 3)))]
            return "(" + op.join(parts) + ")"
        if depth > 0 and rng.random() < 0.1:
            return f"NOT ({self.predicate(depth - 1)})"
        makers = [self.time_predicate] * 3 + [self.number_predicate] * 3
        if self.table.of("text"):
            makers += [self.text_predicate] * 7
        if self.table.of("text[]"):
            makers += [self.array_predicate] * 2
        if self.table.of("boolean"):
            makers += [self.boolean_predicate] * 3
        if self.table.of("jsonb"):
            makers.append(self.json_predicate)
        return rng.choice(makers)()

    def text_predicate(self):
        rng = self.rng
        c = self.column("text")
        likely = [x for x in ("status", "task_identifier", "batch_id", "environment", "region",
                              "run_id", "queue") if x in self.table.columns]
        if likely and rng.random() < 0.6:
            c = self.a + rng.choice(likely)
        value = lambda: self.text_literal(c)    # noqa: E731

        def some():
            values = [quote(self.text_value(c)) for _ in range(rng.choice((1, 2, 2, 3, 12)))]
            if rng.random() < 0.08:
                values.append("NULL")
            return values

        def pattern():
            known = self.text_value(c).replace("\\", "\\\\")[:rng.choice((1, 3, 8))]
            return quote(rng.choice((known + "%", "%" + known, "_" + known[1:] + "%", known,
                                     "%" + known + "%", "%", "", "_%", "%\\%%", "%\\_%",
                                     "a\\_b", "__", known + "_", "%\\\\%")))

        array = lambda: self.put(f"ARRAY[{', '.join(some())}]::text[]", "text[]")   # noqa: E731
        like = rng.choice(("LIKE", "LIKE", "ILIKE", "NOT LIKE", "NOT ILIKE"))
        form = rng.randrange(24)
        if form < 4:
            return f"{c} = {value()}"
        if form < 6:
            return f"{c} <> {value()}"
        if form == 6:
            return f"{value()} {rng.choice(('=', '<>', '<'))} {c}"
        if form in (7, 8):
            return f"{c} {rng.choice(('', 'NOT '))}IN ({', '.join(some())})"
        if form == 9:
            return f"{c} = ANY({array()})"
        if form == 10:
            return f"{c} <> ALL({array()})"
        if form == 11:
            return f"{c} = ANY('{{}}'::text[])"
        if form in (12, 13):
            return f"{c} IS {rng.choice(('', 'NOT '))}NULL"
        if form in (14, 15):
            return f"{c} {like} {pattern()}"
        if form == 16:
            return f"{c} {rng.choice(('', 'NOT '))}BETWEEN {value()} AND {value()}"
        if form == 17:
            return f"{c} {rng.choice(('<', '<=', '>', '>='))} {value()}"
        if form == 18:
            return f"{c} IS {rng.choice(('', 'NOT '))}DISTINCT FROM {value()}"
        if form == 19:
            return f"{self.text(1)} {rng.choice(('=', '<>', '<', '>='))} {value()}"
        if form == 20:
            return f"{c} {rng.choice(('=', '<>', '<', 'IS DISTINCT FROM'))} {self.text(1)}"
        if form == 21:
            return self.pick(f"{c} ~ '^[a-z]'", f"{c} ~* 'E'", f"{c} !~ '[0-9]'",
                             f"starts_with({c}, {value()})",
                             f"{c} COLLATE {self.table.collation} > 'm'",
                             f"{c} SIMILAR TO '(a|b)%'", f"{c}::varchar(3) = 'sen'")
        if form == 22:
            return f"lower({c}) {rng.choice(('=', 'LIKE', '<>'))} lower({value()})"
        return f"{c} IN (SELECT w FROM local.words)"

    def number_predicate(self):
        rng = self.rng
        c = self.column(*INTEGERS, "double precision", "numeric")
        if c is None:
            return "1 = 1"
        op = rng.choice(("=", "<", "<=", ">", ">=", "<>"))
        value = lambda: self.number_literal(c)  # noqa: E731
        cast = self.table.types[c.removeprefix(self.a)]
        known = self.known_number(c)
        return self.pick(
            lambda: f"{c} {op} {value()}", lambda: f"{c} {op} {self.put(known, cast)}",
            lambda: f"{value()} {op} {c}", lambda: f"{c} IN ({value()}, {value()}, 3)",
            lambda: f"{c} NOT IN ({value()}, {value()})", lambda: f"{c} IN ({value()}, NULL)",
            lambda: f"{c} BETWEEN {value()} AND {value()}", lambda: f"{c} IS NULL",
            lambda: f"{c} NOT BETWEEN {value()} AND {value()}", lambda: f"{c} IS NOT NULL",
            lambda: f"{self.integer(1)} {op} {self.integer(1)}",
            lambda: f"{self.real(1)} {op} {value()}", lambda: f"{self.numeric(1)} {op} {value()}",
            lambda: f"{self.integer(2)} {op} {self.put(rng.choice(('0', '1', '5')), 'int')}",
            lambda: f"{c} IS {rng.choice(('', 'NOT '))}DISTINCT FROM {value()}",
            lambda: f"{c} = ANY(ARRAY[{value()}, {value()}])", lambda: f"{c} {op} {value()}",
            lambda: f"{c} = ANY({self.number_list(c)})",
            lambda: f"{c} <> ALL({self.number_list(c)})",
            lambda: f"{c} {op} {self.column(cast)}",
            lambda: f"{c} {op} {self.put(value(), self.pick('numeric', 'float8'))}",
            lambda: f"coalesce({c}, {self.column(cast)}) {op} {value()}",
            lambda: f"{c}::float8 {op} {value()}")

    def time_predicate(self):
        rng = self.rng
        c = self.a + self.table.time if rng.random() < 0.6 else self.column(TIME)
        op = rng.choice(("<", "<=", ">", ">=", "=", "<>"))
        value = self.time_literal
        return self.pick(
            lambda: f"{c} {op} {value()}", lambda: f"{c} {op} {value()}",
            lambda: f"{c} > {value()}", lambda: f"{value()} {op} {c}",
            lambda: f"{c} BETWEEN {value()} AND {value()}",
            lambda: f"({c} >= {value()} AND {c} < {value()})",
            lambda: f"NOT {c} BETWEEN {value()} AND {value()}",
            lambda: f"{c} IN ({value()}, {value()})", lambda: f"{c} IS NULL",
            lambda: f"{c} IS NOT NULL", lambda: f"{self.time(1)} {op} {value()}",
            lambda: f"{self.time(1)} {op} {self.time(1)}",
            lambda: f"({c})::date {op} ({value()})::date",
            lambda: f"extract({rng.choice(FIELDS)} FROM {c}) {op} {rng.choice((0, 1, 5, 12))}",
            lambda: f"{self.time(0)} - {self.time(0)} {op} interval '1 minute'",
            lambda: f"{c} IS {rng.choice(('', 'NOT '))}DISTINCT FROM {value()}")

    def boolean_predicate(self):
        c = self.column("boolean")
        other = self.column("boolean")
        return self.pick(
            c, f"NOT {c}", f"{c} = true", f"{c} = false", f"{c} <> true", f"{c} IS TRUE",
            f"{c} IS NOT TRUE", f"{c} IS FALSE", f"{c} IS NOT FALSE", f"{c} IS UNKNOWN",
            f"{c} IS NOT NULL", f"{c} IS NULL", f"{c} IN (true)", f"{c} > false",
            f"{c} = {other}", f"{c} <> {other}", f"{c} IS DISTINCT FROM {other}",
            f"{c} = {self.put('true', 'boolean')}", f"{c} = NULL", f"({c} OR NOT {c})",
            f"{c} = ({self.number_predicate()})", f"coalesce({c}, false)", f"{c}::text = 'true'")

    def tag_array(self):
        rng = self.rng
        known = self.table.values[self.rng.choice(self.table.of("text[]"))] or ["x"]
        tags = [quote(rng.choice(known)) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
        if rng.random() < 0.15:
            tags.append(rng.choice(("NULL", "''", "'nope'", "'A'", "'bulk_bulk_b'")))
        return self.put(f"ARRAY[{', '.join(tags)}]::text[]", "text[]")

    def array_predicate(self):
        rng = self.rng
        c = self.column("text[]")
        known = self.table.values[c.removeprefix(self.a)] or ["x"]
        tag = quote(rng.choice((*known, "nope", "", "A", "bulk_bulk_a")))
        some = self.tag_array
        return self.pick(
            lambda: f"{c} && {some()}", lambda: f"{c} && {some()}", lambda: f"{c} @> {some()}",
            lambda: f"{c} @> {some()}", lambda: f"{c} <@ {some()}", lambda: f"{some()} <@ {c}",
            lambda: f"{c} = {some()}", lambda: f"{c} <> {some()}",
            lambda: f"{self.put(tag, 'text')} = ANY({c})", lambda: f"{tag} = ANY({c})",
            f"NOT {tag} = ANY({c})", f"{tag} <> ALL({c})", f"{tag} <> ANY({c})",
            f"{tag} = ALL({c})", f"{tag} < ANY({c})", f"{tag} LIKE ANY({c})",
            f"cardinality({c}) > 1", f"{c} IS NULL", f"{c} IS NOT NULL", f"{c} = '{{}}'",
            f"array_length({c}, 1) IS NULL", f"{c}[1] = {tag}", f"{c} < {c}",
            f"array_length({c}, 1) >= 2", f"{tag} || '' = ANY({c})")

    def json_predicate(self):
        c = self.column("jsonb")
        return self.pick(
            f"{c} IS NULL", f"{c} IS NOT NULL", f"{c} = '{{}}'", f"{c} ? 'a'", f"{c} <> '{{}}'",
            f"{c}->>'a' = '1'", f"{c} @> '{{\"a\": 1}}'", f"jsonb_typeof({c}) = 'object'",
            f"{c}->'a'->>'b' = 'x'", f"{c} = 'null'", f"({c}->>'a')::text IS NULL",
            f"{c}::text LIKE '%a%'", f"{c} #>> '{{a,b}}' IN ('x', 'y')")

    def risky(self):
        """An expression that fails for some rows."""
        c = self.column(*INTEGERS) or "1"
        small = self.column("smallint") or "1::smallint"
        return self.pick(f"(100 / {c})", f"(7 % {c})", f"({small} * {small})", f"{c}::smallint",
                         f"(1 / nullif({c}, 0))", f"sqrt({self.integer(0)} - 1)",
                         f"({c}::bigint * {c}::bigint)",
                         f"({self.numeric(0)})::bigint", f"ln({self.real(0)})",
                         f"left({self.text(0)}, 3)::int", f"{c}::int::smallint")

"""From a parsed query to the engine's SQL, with tenant conditions and the original's mistakes.

Texts become parameters; everything else is written into the SQL. The order of the work is the
original's, because it decides which of several errors is reported.
"""

import dataclasses
import re

from trql import functions, schema
from trql.nodes import (
    Access, Alias, Arith, Array, Between, Call, Compare, Const, Dict, Field, Lambda, Logic, Not,
    Order, QueryProblem, Select, SetQuery, Tuple, TupleAccess, Window, WindowCall,
)

_PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_TEXT_OPS = frozenset(("equals", "notEquals", "like", "ilike", "notLike", "notILike"))
_FORMATS = frozenset(("bytes", "decimalBytes", "quantity", "percent", "duration",
                      "durationSeconds", "costInDollars", "cost"))


@dataclasses.dataclass
class Context:
    """What a query is compiled for."""

    # [(column, operator, value)]: conditions of every table that has the column
    enforced: list
    # inner id -> shown text, for the columns environment and project
    mappings: dict
    # rows of a SELECT on top
    max_rows: int
    # of timeBucket(), as SQL
    bucket: str
    time_column: str
    # a condition on the time column for queries that have none of their own
    fallback: object
    # the clock of now(): None for the real one, else ms
    clock_ms: int | None = None


@dataclasses.dataclass
class Compiled:
    """The SQL, its parameters and the names of the columns of a CSV."""

    sql: str
    params: dict
    columns: list


@dataclasses.dataclass(slots=True)
class _Scope:
    """What names mean inside one SELECT."""

    tables: dict = dataclasses.field(default_factory=dict)
    aliases: set = dataclasses.field(default_factory=set)
    grouped: bool = False
    # inner columns that may be named, and those of them that no projection may show
    inner: set = dataclasses.field(default_factory=set)
    hidden: set = dataclasses.field(default_factory=set)


def time_condition(column, low=None, high=None):
    """Return a condition on a time column; bounds are texts in the engine's format."""
    def moment(text):
        return Call("toDateTime64", [Const(text), Const(3)])

    field = column if isinstance(column, Field) else Field([column])
    if low is not None and high is not None:
        return Between(field, moment(low), moment(high))
    if low is not None:
        return Compare("greaterOrEquals", field, moment(low))
    return Compare("lessOrEquals", field, moment(high))


def mentions(expr, column):
    """Tell whether a condition constrains a column as far as the original can see."""
    if isinstance(expr, Logic):
        return any(mentions(member, column) for member in expr.exprs)
    if isinstance(expr, Compare):
        return mentions(expr.left, column) or mentions(expr.right, column)
    if isinstance(expr, Between):
        return mentions(expr.expr, column)
    return isinstance(expr, Field) and column in expr.chain


def inject(query, column, condition):
    """Add the fallback condition to the SELECTs of a query that lack one."""
    if isinstance(query, SetQuery):
        inject(query.first, column, condition)
        for _, branch in query.rest:
            inject(branch, column, condition)
        return
    if query.source is not None and isinstance(query.source.table, (Select, SetQuery)):
        inject(query.source.table, column, condition)
        return
    if not mentions(query.where, column):
        query.where = condition if query.where is None \
            else Logic("and", [condition, query.where])


def compile_query(query, context):
    """Return the Compiled form of a parsed query (which is changed on the way)."""
    inject(query, context.time_column, context.fallback)
    printer = _Printer(context)
    sql = printer.query(query, ())
    return Compiled(sql, printer.params, printer.columns)


def js_number(value):
    """Write a number as JavaScript does."""
    if isinstance(value, float):
        if value != value:
            return "nan"
        if value in (float("inf"), float("-inf")):
            return "inf" if value > 0 else "-inf"
        if value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        text = repr(value)
        mantissa, e, exponent = text.partition("e")
        return text if not e else "%se%s%d" % (
            mantissa.removesuffix(".0"), "+" if int(exponent) > 0 else "", int(exponent))
    if abs(value) >= 10 ** 21:
        return js_number(float(value))
    return str(value)


def identifier(name):
    """Write a name for the engine."""
    if "%" in name:
        raise QueryProblem(
            'The identifier "%s" is not permitted as it contains the "%%" character' % name)
    if _PLAIN.match(name):
        return name
    return "`%s`" % name.replace("\\", "\\\\").replace("`", "\\`")


class _Printer:
    """Writes one query."""

    def __init__(self, context):
        self.context = context
        self.params = {}
        self.columns = []
        self.scope = _Scope()
        # the comparisons and calls around the place that is being written
        self.comparing = 0
        self.calls = []
        self.grouping = False
        self.projecting = False

    # -- queries ------------------------------------------------------------------------

    def query(self, query, outer):
        """Write a query; `outer` are the kinds of the queries and expressions around it."""
        if isinstance(query, SetQuery):
            inside = outer + ("set",)
            parts = [self.query(query.first, inside)]
            for operator, branch in query.rest:
                parts += [operator, self.query(branch, inside)]
            text = " ".join(parts)
            return "(%s)" % text if outer else text
        top = outer in ((), ("set",))
        saved = self.scope, self.calls, self.projecting, self.grouping
        self.scope, self.calls = _Scope(), []
        self.projecting = self.grouping = False
        try:
            text = self._select(query, top)
        finally:
            self.scope, self.calls, self.projecting, self.grouping = saved
        return "(%s)" % text if not top and outer[-1:] != ("set",) else text

    def _inner_query(self, query):
        return self.query(query, ("expression",))

    def _select(self, select, top):
        scope = self.scope
        where = select.where
        ctes = ["%s AS (%s)" % (identifier(name), self._cte(expr)) for name, expr in select.ctes]
        sources = []
        join = select.source
        while join is not None:
            text, guard = self._join(join)
            sources.append(text)
            if guard is not None:
                members = where.exprs if isinstance(where, Logic) and where.op == "and" \
                    else [] if where is None else [where]
                where = Logic("and", [guard] + members) if members else guard
            join = join.next
        for column in select.columns:
            name = _implicit_name(column)
            if name is not None:
                scope.aliases.add(name)
        scope.grouped = select.group_by is not None
        if top:
            self.columns = []
        self.projecting = True
        columns = [text for column in select.columns for text in self._column(column, top)]
        self.projecting = False
        windows = ["%s AS (%s)" % (identifier(name), self.expr(window))
                   for name, window in select.windows]
        if select.prewhere is not None:
            raise QueryProblem("PREWHERE is not supported")
        where_text = None if where is None else self.expr(where)
        group_by = self._group_by(select)
        self.projecting = True
        having = None if select.having is None else self.expr(select.having)
        order_by = None if select.order_by is None else [
            "%s %s" % (self.expr(order.expr), "DESC" if order.descending else "ASC")
            for order in select.order_by]
        self.projecting = False
        array_join = None
        if select.array_join is not None:
            array_join = "%s %s" % (select.array_join[0], ", ".join(
                self.expr(array) for array in select.array_join[1]))
        clauses = [
            "WITH " + ", ".join(ctes) if ctes else None,
            "SELECT " + ("DISTINCT " if select.distinct else "") + ", ".join(columns),
            "FROM " + " ".join(sources) if sources else None,
            array_join,
            "WHERE " + where_text if where_text else None,
            "GROUP BY " + ", ".join(group_by) if group_by else None,
            "HAVING " + having if having else None,
            "WINDOW " + ", ".join(windows) if windows else None,
            "ORDER BY " + ", ".join(order_by) if order_by else None,
        ] + self._limit(select, top)
        return " ".join(clause for clause in clauses if clause)

    def _cte(self, expr):
        if isinstance(expr, (Select, SetQuery)):
            return self._inner_query(expr)
        return self.expr(expr)

    def _group_by(self, select):
        if select.group_by is None:
            return None
        self.projecting = self.grouping = True
        texts = [self.expr(expr) for expr in select.group_by]
        self.projecting = self.grouping = False
        return texts

    def _limit(self, select, top):
        limit = select.limit
        if top:
            most = self.context.max_rows + 1
            if limit is None:
                limit = Const(most)
            elif isinstance(limit, Const) and isinstance(limit.value, (int, float)) \
                    and not isinstance(limit.value, bool):
                limit = Const(min(limit.value, most))
        if limit is None:
            # an OFFSET alone is forgotten
            return []
        parts = ["LIMIT " + self.expr(limit)]
        if select.with_ties:
            parts.append("WITH TIES")
        if select.offset is not None:
            parts.append("OFFSET " + self.expr(select.offset))
        return parts

    # -- FROM ---------------------------------------------------------------------------

    def _join(self, join):
        """Return (text, tenant condition or None) of one member of FROM."""
        parts = [join.kind] if join.kind else []
        guard = None
        final = False
        if isinstance(join.table, Field):
            table = schema.table(join.table.chain[0])
            name = join.alias or table.name
            parts.append("%s AS %s" % (table.physical, identifier(name)))
            self.scope.tables[name] = table
            inner = set(table.tenant) | {column for column, _ in table.filters}
            self.scope.inner |= inner
            self.scope.hidden |= {column for column in inner if not table.is_exposed(column)}
            guard = self._guard(table, name)
            final = table.final
        else:
            parts.append(self._inner_query(join.table))
        if join.alias:
            # a table's alias has been written before: that is the original's mistake
            parts.append("AS " + identifier(join.alias))
        if final:
            parts.append("FINAL")
        if join.condition is not None:
            parts.append(("USING " if join.using else "ON ") + self.expr(join.condition))
        return " ".join(parts), guard

    def _guard(self, table, name):
        guards = []
        for column, operator, value in self.context.enforced:
            if column not in table.columns and column not in table.tenant:
                continue
            field = Field([name, column])
            if operator == "since":
                guards.append(time_condition(field, low=value))
            else:
                guards.append(Compare(operator, field, Const(value)))
        guards += [Compare("equals", Field([name, column]), Const(value))
                   for column, value in table.filters]
        if len(guards) < 2:
            return guards[0] if guards else None
        return Logic("and", guards)

    # -- the columns of a SELECT --------------------------------------------------------

    def _column(self, column, top):
        """Return the texts of one item of a SELECT."""
        if isinstance(column, Field) and column.chain[-1] == "*" and len(column.chain) <= 2:
            return self._star(column.chain, top)
        name = self._output_name(column)
        if isinstance(column, Field):
            text, name = self._bare_field(column, name)
        elif isinstance(column, Alias):
            inner = column.expr
            text_column = self._text_column(inner.chain) if isinstance(inner, Field) else None
            if text_column is not None:
                text = "%s AS %s" % (identifier(text_column), identifier(column.alias))
            else:
                text = self.expr(column)
        else:
            text = self.expr(column)
            if name is not None:
                text = "%s AS %s" % (text, identifier(name))
        if top and name:
            self.columns.append(name)
        return [text]

    def _star(self, chain, top):
        tables = self.scope.tables
        if len(chain) == 2:
            if chain[0] not in tables:
                return ["%s.*" % identifier(chain[0])]
            tables = {chain[0]: tables[chain[0]]}
        if not tables:
            return ["*"]
        texts = []
        for table in tables.values():
            for column in table.core_columns():
                text = identifier(column.physical)
                if column.expression is not None:
                    text = "(%s)" % column.expression
                if text != column.name:
                    text = "%s AS %s" % (text, identifier(column.name))
                texts.append(text)
                if top:
                    self.columns.append(column.name)
        return texts

    def _bare_field(self, field, name):
        """Return (text, output name) of a column that is selected without an alias."""
        chain = field.chain
        text_column = self._text_column(chain)
        if text_column is not None:
            return "%s AS %s" % (identifier(text_column), identifier(name)), name
        column = self._column_of(chain)
        text = self.expr(field)
        if column is not None and column.expression is not None:
            return "%s AS %s" % (text, identifier(column.name)), name
        root = self._column_of(chain[:1])
        if len(chain) > 1 and root is not None and root.type == "JSON":
            name = "_".join(str(part) for part in chain)
            return "%s AS %s" % (text, identifier(name)), name
        if name and column is not None and column.physical != name:
            return "%s AS %s" % (text, identifier(name)), name
        return text, name

    def _output_name(self, column):
        """Return the name under which a column comes out, as far as the original knows it."""
        if isinstance(column, Field):
            chain = column.chain
            if len(chain) >= 2 and chain[0] in self.scope.tables:
                return chain[1]
            # of a subquery's alias and column it takes the alias
            return chain[0]
        if isinstance(column, Const):
            value = column.value
            if value is None:
                return "NULL"
            if isinstance(value, bool):
                return "true" if value else "false"
            return value if isinstance(value, str) else js_number(value)
        return _implicit_name(column)

    # -- expressions --------------------------------------------------------------------

    def expr(self, node):
        """Write an expression."""
        method = _METHODS.get(type(node))
        if method is None:
            raise QueryProblem("Unknown expression type: undefined")
        return method(self, node)

    def _alias(self, node):
        return "%s AS %s" % (self.expr(node.expr), identifier(node.alias))

    def _arith(self, node):
        return "%s(%s, %s)" % (node.op, self.expr(node.left), self.expr(node.right))

    def _logic(self, node):
        """Write AND or OR without the constants that do not matter."""
        neutral, absorbing = ("1", "0") if node.op == "and" else ("0", "1")
        if len(node.exprs) == 1:
            return self.expr(node.exprs[0])
        texts = []
        for member in node.exprs:
            text = self.expr(member)
            if text == absorbing:
                return absorbing
            if text != neutral:
                texts.append(text)
        if len(texts) < 2:
            return texts[0] if texts else neutral
        return "%s(%s)" % (node.op, ", ".join(texts))

    def _not(self, node):
        return "not(%s)" % self.expr(node.expr)

    def _compare(self, node):
        self.comparing += 1
        try:
            return self._compared(node)
        finally:
            self.comparing -= 1

    def _compared(self, node):
        op = node.op
        column = self._column_of(node.left.chain) if isinstance(node.left, Field) else None
        right_node = self._mapped(node.right, column)
        left = None
        if op in _TEXT_OPS and isinstance(node.left, Field):
            left = self._qualified_text(node.left.chain)
        if left is None:
            left = self.expr(node.left)
        right = self.expr(right_node)
        if op in ("equals", "notEquals"):
            null = _is_null(right_node)
            if null or _is_null(node.left):
                other = left if null else right
                if not null:
                    column = self._column_of(node.right.chain) \
                        if isinstance(node.right, Field) else None
                if column is not None and column.text is not None:
                    return "%s(%s, '{}')" % (op, other)
                return "%s(%s)" % ("isNull" if op == "equals" else "isNotNull", other)
        if op.endswith("match") or op.endswith("Match"):
            if op.lower().endswith("imatch"):
                right = "concat('(?i)', %s)" % right
            text = "match(%s, %s)" % (left, right)
            return "not(%s)" % text if op.startswith("not") else text
        return "%s(%s, %s)" % (op, left, right)

    def _mapped(self, node, column):
        """Translate the texts that a column is compared with."""
        if column is None or not (column.prefix or column.mapped):
            return node
        if isinstance(node, Const) and isinstance(node.value, str):
            return Const(self._mapped_text(node.value, column))
        if isinstance(node, (Array, Tuple)):
            return type(node)([self._mapped(member, column) for member in node.exprs])
        return node

    def _mapped_text(self, text, column):
        if column.prefix:
            return text.removeprefix(column.prefix)
        if column.name == "status":
            return schema.internal_status(text)
        lowered = text.lower()
        for inner, shown in self.context.mappings[column.name].items():
            if shown.lower() == lowered:
                return inner
        return text

    def _between(self, node):
        return "%s%s BETWEEN %s AND %s" % (
            self.expr(node.expr), " NOT" if node.negated else "", self.expr(node.low),
            self.expr(node.high))

    def _access(self, node):
        return "%s[%s]" % (self.expr(node.array), self.expr(node.index))

    def _array(self, node):
        return "[%s]" % self._list(node.exprs)

    def _tuple(self, node):
        return "tuple(%s)" % self._list(node.exprs)

    def _list(self, exprs):
        return ", ".join(self.expr(expr) for expr in exprs)

    def _dict(self, node):
        pairs = "".join(", %s, %s" % (self.expr(key), self.expr(value))
                        for key, value in node.items)
        return "tuple('__hx_tag', '__hx_obj'%s)" % pairs

    def _tuple_access(self, node):
        text = self.expr(node.tuple)
        if not isinstance(node.tuple, (Field, Tuple, Call)):
            text = "(%s)" % text
        return "%s.%d" % (text, node.index)

    def _lambda(self, node):
        names = [identifier(name) for name in node.names]
        return "%s -> %s" % (names[0] if len(names) == 1 else "(%s)" % ", ".join(names),
                             self.expr(node.expr))

    def _const(self, node):
        value = node.value
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "1" if value else "0"
        if not isinstance(value, str):
            return js_number(value)
        key = "tsql_val_%d" % len(self.params)
        self.params[key] = value
        return "{%s: String}" % key

    def _window(self, node):
        parts = []
        if node.partition:
            parts.append("PARTITION BY " + self._list(node.partition))
        if node.order:
            parts.append("ORDER BY " + self._list(node.order))
        if node.frame:
            parts.append(node.frame)
        return " ".join(parts)

    def _order(self, node):
        return "%s %s" % (self.expr(node.expr), "DESC" if node.descending else "ASC")

    def _window_call(self, node):
        known = functions.find(node.name)
        if known is None:
            raise QueryProblem("Unknown function: %s" % node.name)
        call = "%s(%s)" % (known.name, self._list(node.exprs))
        if isinstance(node.over, str):
            return "%s OVER %s" % (call, identifier(node.over))
        return "%s OVER (%s)" % (call, self.expr(node.over))

    # -- calls --------------------------------------------------------------------------

    def _call(self, node):
        name = node.name
        if name in functions.COMPARISONS:
            if len(node.args) != 2:
                raise QueryProblem("Comparison '%s' requires exactly two arguments" % name)
            return self._compare(Compare(name, *node.args))
        lowered = name.lower()
        if lowered == "timebucket":
            return self._time_bucket(node)
        if lowered == "prettyformat":
            return self._pretty_format(node)
        known = functions.find(name)
        if known is None:
            raise QueryProblem("Unknown function: %s" % name)
        known.check(name, len(node.args))
        if known.aggregate:
            for outer in reversed(self.calls):
                if functions.find(outer) is not None and functions.find(outer).aggregate:
                    raise QueryProblem("Aggregation '%s' cannot be nested inside another "
                                       "aggregation '%s'" % (name, outer))
        clock = self._clock(lowered, node)
        if clock is not None:
            return clock
        self.calls.append(name)
        args = self._args(lowered, node.args)
        params = "(%s)" % self._list(node.params) if node.params is not None else ""
        self.calls.pop()
        return "%s%s(%s%s)" % (known.name, params,
                               "DISTINCT " if known.aggregate and node.distinct else "",
                               ", ".join(args))

    def _args(self, lowered, args):
        texts = []
        for number, arg in enumerate(args):
            if number == 0 and lowered in functions.UNIT_FUNCTIONS:
                texts.append(_unit(arg, lowered))
                continue
            # JSON columns are passed as their text
            text = self._qualified_text(arg.chain) if isinstance(arg, Field) else None
            texts.append(self.expr(arg) if text is None else text)
        return texts

    def _time_bucket(self, node):
        if node.args:
            raise QueryProblem("timeBucket() does not accept arguments")
        return "toStartOfInterval(%s, %s)" % (
            self.expr(Field([self.context.time_column])), self.context.bucket)

    def _pretty_format(self, node):
        if len(node.args) != 2 or not isinstance(node.args[1], Const) \
                or node.args[1].value not in _FORMATS:
            raise QueryProblem("prettyFormat() expects an expression and a format type")
        return self.expr(node.args[0])

    def _clock(self, lowered, node):
        """Write the moment itself when the clock of the data is not the real one."""
        ms = self.context.clock_ms
        if ms is None or node.args:
            return None
        if lowered == "now":
            return "toDateTime(%d)" % (ms // 1000)
        if lowered == "now64":
            return "toDateTime64('%d.%03d', 3)" % divmod(ms, 1000)
        if lowered in ("today", "yesterday"):
            return "toDate(%d)" % (ms // 86400000 - (lowered == "yesterday"))
        return None

    # -- names --------------------------------------------------------------------------

    def _column_of(self, chain):
        """Return the Column that a name starts with, or None."""
        if not chain:
            return None
        if len(chain) >= 2:
            table = self.scope.tables.get(chain[0])
            return None if table is None else table.columns.get(chain[1])
        for table in self.scope.tables.values():
            if chain[0] in table.columns:
                return table.columns[chain[0]]
        return None

    def _text_column(self, chain):
        """Return the text column of a name that is a whole JSON column, or None."""
        if len(chain) > 2:
            return None
        column = self._column_of(chain)
        return None if column is None else column.text

    def _qualified_text(self, chain):
        text = self._text_column(chain)
        if text is None:
            return None
        if len(chain) == 2:
            return "%s.%s" % (identifier(chain[0]), identifier(text))
        return identifier(text)

    def _field(self, node):
        chain = node.chain
        if chain == ["*"]:
            return "*"
        if len(chain) == 2 and chain[1] == "*":
            return "%s.*" % identifier(chain[0])
        column = self._column_of(chain)
        if column is not None and column.prefix and (self.comparing or self.grouping):
            return ".".join(identifier(part) for part in self._with_table(chain))
        if column is not None and column.expression is not None:
            return identifier(column.name) if self.grouping else "(%s)" % column.expression
        key = self._map_key(chain)
        if key is not None:
            return "%s[%s]" % (self._field(Field(chain[:-1])), self._const(Const(key)))
        chain = self._with_data(chain)
        resolved = self._resolve(chain)
        text = ".".join(identifier(part) for part in resolved)
        if len(resolved) > 1 and self.scope.grouped and not self.comparing:
            root = self._column_of(chain[:1])
            if root is not None and root.type == "JSON":
                text += ".:String"
        return text

    def _map_key(self, chain):
        """Return the key that a path names in a map, or None."""
        place = 2 if chain[0] in self.scope.tables else 1
        column = self._column_of(chain[:place])
        if len(chain) == place + 1 and column is not None and column.type.startswith("Map("):
            return chain[-1]
        return None

    def _with_table(self, chain):
        """Return the inner name of a column together with its table."""
        if len(chain) >= 2:
            return self._resolve(chain)
        for name, table in self.scope.tables.items():
            if chain[0] in table.columns:
                return [name, table.columns[chain[0]].physical]
        return chain

    def _with_data(self, chain):
        """Insert the object that inner JSON values are wrapped in."""
        if len(chain) >= 3 and chain[0] in self.scope.tables:
            column = self._column_of(chain)
            if column is not None and column.text:
                return chain[:2] + ["data"] + chain[2:]
        elif len(chain) >= 2 and chain[0] not in self.scope.tables:
            column = self._column_of(chain[:1])
            if column is not None and column.text:
                return chain[:1] + ["data"] + chain[1:]
        return chain

    def _resolve(self, chain):
        """Return the inner name, or raise for an unknown column."""
        tables = self.scope.tables
        if len(chain) >= 2:
            if chain[0] not in tables:
                return chain
            table = tables[chain[0]]
            return [chain[0], self._of_table(table, chain[1], chain[0])] + chain[2:]
        name = chain[0]
        for table in tables.values():
            if name in table.columns:
                return [table.columns[name].physical]
        if name in self.scope.aliases:
            return chain
        if name == "timeBucket" and "timebucket" in self.scope.aliases:
            return ["timebucket"]
        available = ", ".join(sorted({
            column for table in tables.values() for column in table.columns}))
        if self.projecting and name in self.scope.hidden:
            raise QueryProblem('Column "%s" is not available for querying. Available columns: %s'
                               % (name, available))
        if name in self.scope.inner or not tables:
            return chain
        for table in tables.values():
            for column in table.columns.values():
                if column.physical == name:
                    raise _did_you_mean(name, column.name)
        raise QueryProblem('Unknown column "%s". Available columns: %s' % (name, available))

    @staticmethod
    def _of_table(table, name, alias):
        if name in table.columns:
            return table.columns[name].physical
        if name in table.tenant or any(name == column for column, _ in table.filters):
            return name
        for column in table.columns.values():
            if column.physical == name:
                raise _did_you_mean(name, column.name)
        raise QueryProblem('Unknown column "%s" on table "%s". Available columns: %s' % (
            name, alias, ", ".join(sorted(table.columns))))


def _did_you_mean(name, suggestion):
    return QueryProblem('Unknown column "%s". Did you mean "%s"?' % (name, suggestion))


def _is_null(node):
    return isinstance(node, Const) and node.value is None


def _unit(arg, lowered):
    """Write the unit of a date function, given as a text or a bare word."""
    unit = arg.value if isinstance(arg, Const) else \
        arg.chain[0] if isinstance(arg, Field) and len(arg.chain) == 1 else None
    if not isinstance(unit, str) or unit.lower() not in functions.UNITS:
        raise QueryProblem("Invalid interval unit: %s" % unit)
    return unit.lower().removesuffix("s") if "diff" not in lowered \
        else "'%s'" % unit.lower().removesuffix("s")


def _implicit_name(column):
    """Return the name that the original gives to an item of a SELECT, or None."""
    if isinstance(column, Alias):
        return column.alias
    if isinstance(column, Call):
        return column.name.lower()
    return column.op if isinstance(column, Arith) else None


_METHODS = {
    Alias: _Printer._alias, Arith: _Printer._arith, Logic: _Printer._logic, Not: _Printer._not,
    Compare: _Printer._compare, Between: _Printer._between, Access: _Printer._access,
    Array: _Printer._array, Tuple: _Printer._tuple, Dict: _Printer._dict,
    TupleAccess: _Printer._tuple_access, Lambda: _Printer._lambda, Const: _Printer._const,
    Field: _Printer._field, Call: _Printer._call, Window: _Printer._window,
    Order: _Printer._order, WindowCall: _Printer._window_call,
    Select: _Printer._inner_query, SetQuery: _Printer._inner_query,
}

"""A recursive descent parser that makes the mistakes of the original's.

AND and OR swallow the members of every operand that is itself a list, parentheses or not;
BETWEEN binds weaker than AND and OR; `LIMIT a, b` is LIMIT a OFFSET b; FINAL, NULLS LAST,
COLLATE, WITH TOTALS and the like are read and forgotten.
"""

from trql import lexer
from trql.lexer import KEYWORDS, tokenize
from trql.nodes import (
    Access, Alias, Arith, Array, Between, Broken, Call, Compare, Const, Dict, Field, Join, Lambda,
    Logic, Not, Order, Select, SetQuery, SyntaxProblem, Tuple, TupleAccess, Unsupported, Window,
    WindowCall,
)

# words that never begin an expression
_CLAUSES = frozenset("""
select from where group having order limit offset union except intersect settings window
prewhere on using join then when else end as between is by with for""".split())
# words that begin one only as the name of a function
_FUNCTION_WORDS = frozenset(("and", "or", "in", "like", "ilike"))
_RESERVED = frozenset(("true", "false", "null", "team_id"))
_START = "mismatched input '%s' expecting {SELECT, WITH, '{', '(', '<'}"

_POSTFIX, _UNARY, _TIMES, _PLUS, _COMPARE, _IS, _NULLISH, _NOT, _AND, _OR, _BETWEEN, _TERNARY, \
    _ALIAS = range(130, 0, -10)
_TIMES_OPS = {"*": "multiply", "/": "divide", "%": "modulo"}
_PLUS_OPS = {"+": "plus", "-": "minus", "||": "concat"}
_COMPARE_OPS = {
    "=": "equals", "==": "equals", "!=": "notEquals", "<>": "notEquals", "<": "less",
    "<=": "lessOrEquals", ">": "greater", ">=": "greaterOrEquals", "~": "match", "=~": "match",
    "!~": "notMatch", "~*": "imatch", "=~*": "imatch", "!~*": "notImatch"}
_COMPARE_WORDS = {"in": ("in", "notIn"), "like": ("like", "notLike"),
                  "ilike": ("ilike", "notILike")}
_INTERVALS = {"second": "Second", "minute": "Minute", "hour": "Hour", "day": "Day",
              "week": "Week", "month": "Month", "quarter": "Quarter", "year": "Year",
              "yyyy": "Year"}
_JOIN_WORDS = frozenset(("inner", "left", "right", "full", "outer", "any", "all", "asof", "semi",
                         "anti"))
_LISTS = (Logic, Array, Tuple, WindowCall)


def parse(text):
    """Return the Select or SetQuery of a query text."""
    parser = _Parser(text)
    query = parser.statement()
    return query


class _Parser:
    """The state of reading one text."""

    def __init__(self, text, tokens=None):
        self.text = text
        self.tokens = tokenize(text) if tokens is None else tokens
        self.place = 0
        # no token at or behind this place is looked at
        self.limit = len(self.tokens) - 1

    # -- tokens -------------------------------------------------------------------------

    def _peek(self, ahead=0):
        place = self.place + ahead
        return self.tokens[-1] if place >= self.limit else self.tokens[place]

    def _next(self):
        token = self._peek()
        self.place += 1
        return token

    def _word(self, *words, ahead=0):
        """Tell whether the next token is one of these words."""
        return self._peek(ahead).word in words

    def _op(self, *texts, ahead=0):
        token = self._peek(ahead)
        return token.kind == "op" and token.text in texts

    def _accept_word(self, *words):
        """Read these words in this order, if they are next; all or none."""
        if all(self._peek(ahead).word == word for ahead, word in enumerate(words)):
            self.place += len(words)
            return True
        return False

    def _accept_op(self, text):
        if self._op(text):
            self.place += 1
            return True
        return False

    def _fail(self, expected=None):
        token = self._peek()
        if expected is None:
            message = "no viable alternative at input '%s'" % token.text
        else:
            message = "mismatched input '%s' expecting %s" % (token.text, expected)
        raise lexer.problem(self.text, token.start, message)

    def _expect_op(self, text):
        if not self._accept_op(text):
            self._fail("'%s'" % text)

    def _expect_word(self, word):
        if not self._accept_word(word):
            self._fail(word.upper())

    def _identifier(self):
        token = self._peek()
        if token.kind == "id":
            self.place += 1
            return token.text
        if token.kind == "quoted":
            self.place += 1
            return lexer.unquote(token.text)
        return self._fail("IDENTIFIER")

    # -- queries ------------------------------------------------------------------------

    def statement(self):
        """Read a whole text."""
        if not (self._word("select", "with") or self._op("(")):
            self._fail_start()
        query = self._set_query()
        self._accept_op(";")
        if self._peek().kind != "end":
            self._fail("<EOF>")
        return query

    def _fail_start(self):
        token = self._peek()
        raise lexer.problem(self.text, token.start, _START % token.text)

    def _set_query(self):
        first = self._branch()
        rest = []
        while True:
            if self._accept_word("union", "all"):
                operator = "UNION ALL"
            elif self._accept_word("union", "distinct"):
                operator = "UNION DISTINCT"
            elif self._accept_word("intersect"):
                operator = "INTERSECT DISTINCT" if self._accept_word("distinct") else "INTERSECT"
            elif self._accept_word("except"):
                operator = "EXCEPT"
            elif self._accept_word("union"):
                return self._fail("{ALL, DISTINCT}")
            else:
                break
            rest.append((operator, self._branch()))
        return SetQuery(first, rest) if rest else first

    def _branch(self):
        if self._accept_op("("):
            query = self._set_query()
            self._expect_op(")")
            return query
        if not self._word("select", "with"):
            self._fail_start()
        return self._select()

    def _select(self):
        select = Select([])
        if self._accept_word("with"):
            select.ctes = self._with_list()
        self._expect_word("select")
        select.distinct = self._accept_word("distinct")
        if self._word("top") and self._peek(1).kind == "int":
            raise Unsupported("Unsupported: SelectStmt.topClause()")
        select.columns = self._expr_list()
        if self._accept_word("from"):
            select.source = self._joins()
        self._array_join(select)
        if self._accept_word("prewhere"):
            select.prewhere = self._expr()
        if self._accept_word("where"):
            select.where = self._expr()
        self._group_by(select)
        if self._accept_word("having"):
            select.having = self._expr()
        if self._accept_word("window"):
            select.windows = self._windows()
        if self._accept_word("order", "by"):
            select.order_by = self._order_list()
        self._limit(select)
        if self._accept_word("settings"):
            self._settings()
        return select

    def _with_list(self):
        ctes = []
        while True:
            if self._peek().kind in ("id", "quoted") and self._peek(1).word == "as" \
                    and self._op("(", ahead=2):
                name = self._identifier()
                self.place += 2
                query = self._set_query()
                self._expect_op(")")
                ctes.append((name, query))
            else:
                expr = self._expr()
                if not isinstance(expr, Alias):
                    self._fail("AS")
                ctes.append((expr.alias, expr.expr))
            if not self._accept_op(",") or self._word("select"):
                return ctes

    def _array_join(self, select):
        kind = None
        for words, name in ((("left", "array", "join"), "LEFT ARRAY JOIN"),
                            (("inner", "array", "join"), "INNER ARRAY JOIN"),
                            (("array", "join"), "ARRAY JOIN")):
            if self._accept_word(*words):
                kind = name
                break
        if kind is None:
            return
        arrays = self._expr_list()
        if select.source is None:
            raise SyntaxProblem("Using ARRAY JOIN without a FROM clause is not permitted")
        if not all(isinstance(array, Alias) for array in arrays):
            raise SyntaxProblem("ARRAY JOIN arrays must have an alias")
        select.array_join = (kind, arrays)

    def _group_by(self, select):
        if self._accept_word("group", "by"):
            if self._word("cube", "rollup") and self._op("(", ahead=1):
                self.place += 2
                select.group_by = self._expr_list()
                self._expect_op(")")
            else:
                select.group_by = self._expr_list()
        if self._word("with") and self._word("cube", "rollup", ahead=1):
            self.place += 2
        self._accept_word("with", "totals")

    def _windows(self):
        windows = []
        while True:
            name = self._identifier()
            self._expect_word("as")
            self._expect_op("(")
            windows.append((name, self._window()))
            if not self._accept_op(","):
                return windows

    def _limit(self, select):
        if self._accept_word("limit"):
            select.limit = self._expr()
            if self._accept_op(","):
                select.offset = self._expr()
            select.with_ties = self._accept_word("with", "ties")
            if select.offset is None and self._accept_word("offset"):
                select.offset = self._expr()
            if self._word("by"):
                raise SyntaxProblem("The specified index is out of range")
        elif self._accept_word("offset"):
            select.offset = self._expr()

    def _settings(self):
        while True:
            self._identifier()
            self._expect_op("=")
            self._expr(_COMPARE + 1)
            if not self._accept_op(","):
                break
        raise Unsupported("Unsupported: SelectStmt.settingsClause()")

    # -- FROM ---------------------------------------------------------------------------

    def _joins(self):
        first = last = self._joined()
        while last.next is not None:
            last = last.next
        while True:
            if self._accept_op(",") or self._accept_word("cross", "join"):
                join = self._joined()
                join.kind = "CROSS JOIN"
            else:
                kind = self._join_kind()
                if kind is None:
                    return first
                join = self._joined()
                join.kind = kind
                self._condition(join)
            last.next = join
            while last.next is not None:
                last = last.next

    def _join_kind(self):
        words = []
        ahead = 0
        while self._peek(ahead).word in _JOIN_WORDS:
            words.append(self._peek(ahead).text.upper())
            ahead += 1
        if self._peek(ahead).word != "join":
            return None
        self.place += ahead + 1
        # the original writes the side first, whatever came first
        sides = [word for word in ("LEFT", "RIGHT", "FULL", "OUTER") if word in words]
        kinds = [word for word in ("SEMI", "ALL", "ANTI", "ANY", "ASOF") if word in words]
        if "INNER" in words or (words and not sides):
            return " ".join(kinds + ["INNER", "JOIN"])
        return " ".join(sides + kinds + ["JOIN"])

    def _condition(self, join):
        if self._accept_word("using"):
            join.using = True
            conditions = self._expr_list()
            if len(conditions) == 1 and isinstance(conditions[0], Tuple):
                conditions = conditions[0].exprs
        else:
            self._expect_word("on")
            conditions = self._expr_list()
        if len(conditions) != 1:
            raise Unsupported("Unsupported: JOIN ... ON with multiple expressions")
        join.condition = conditions[0]

    def _joined(self):
        """Read a table, subquery or parenthesised join."""
        if self._op("(") and not self._subquery_follows():
            self.place += 1
            join = self._joins()
            self._expect_op(")")
            return join
        if self._accept_op("("):
            table = self._set_query()
            self._expect_op(")")
        else:
            chain = [self._identifier()]
            while self._accept_op("."):
                chain.append(self._identifier())
            table = Field(chain)
            if self._accept_op("("):
                if not self._op(")"):
                    self._expr_list()
                self._expect_op(")")
        join = Join(table)
        while True:
            alias = self._table_alias()
            if alias is None:
                break
            if alias.lower() in _RESERVED:
                raise _reserved(alias)
            join.alias = alias
        self._accept_word("final")
        if self._accept_word("sample"):
            self._expr(_PLUS)
            if self._accept_word("offset"):
                self._expr(_PLUS)
        return join

    def _table_alias(self):
        token = self._peek()
        if self._accept_word("as"):
            return self._identifier()
        if token.kind == "quoted" or (token.kind == "id" and (
                token.word not in KEYWORDS or token.word in ("date", "first", "id", "key"))):
            return self._identifier()
        return None

    def _subquery_follows(self):
        """Tell whether a parenthesis opens a query."""
        ahead = 0
        while self._op("(", ahead=ahead):
            ahead += 1
        return self._word("select", "with", ahead=ahead)

    # -- lists --------------------------------------------------------------------------

    def _expr_list(self):
        """Read expressions; one comma more at the end is allowed."""
        exprs = [self._expr()]
        while self._accept_op(","):
            if self._op(")", "]", ";") or self._peek().kind == "end" \
                    or (self._peek().word in _CLAUSES and self._peek().word != "for"):
                break
            exprs.append(self._expr())
        return exprs

    def _order_list(self):
        orders = []
        while True:
            expr = self._expr()
            descending = self._word("desc", "descending")
            if self._word("asc", "ascending", "desc", "descending"):
                self.place += 1
            if self._word("nulls") and self._word("first", "last", ahead=1):
                self.place += 2
            if self._word("collate") and self._peek(1).kind == "str":
                self.place += 2
            orders.append(Order(expr, descending))
            if not self._accept_op(","):
                return orders

    def _window(self):
        """Read a window's definition up to its closing parenthesis."""
        partition, order, frame = [], [], ""
        if self._accept_word("partition", "by"):
            partition = self._expr_list()
        if self._accept_word("order", "by"):
            order = self._order_list()
        if self._word("rows", "range"):
            frame = self._next().text.upper() + " "
            if self._accept_word("between"):
                frame += "BETWEEN %s" % self._bound()
                self._expect_word("and")
                frame += " AND %s" % self._bound()
            else:
                frame += self._bound()
        self._expect_op(")")
        return Window(partition, order, frame)

    def _bound(self):
        if self._accept_word("current", "row"):
            return "CURRENT ROW"
        amount = self._next().text.upper()
        if not self._word("preceding", "following"):
            self._fail("{PRECEDING, FOLLOWING}")
        return "%s %s" % (amount, self._next().text.upper())

    # -- expressions --------------------------------------------------------------------

    def _expr(self, least=0):
        left = self._prefix()
        while True:
            more = self._infix(left, least)
            if more is None:
                return left
            left = more

    def _infix(self, left, least):
        """Read one operator of at least that strength and what follows it, or None."""
        token = self._peek()
        if token.kind == "op":
            return self._infix_op(left, least, token.text)
        word = token.word
        if word is None:
            return None
        negated = word == "not" and self._word("in", "like", "ilike", "between", ahead=1)
        if negated:
            word = self._peek(1).word
        if word in _COMPARE_WORDS and least <= _COMPARE:
            self.place += 1 + negated
            op = _COMPARE_WORDS[word][negated]
            return Compare(op, left, self._expr(_COMPARE + 1))
        if word == "is" and least <= _IS:
            return self._is_null(left)
        if word in ("and", "or"):
            strength = _AND if word == "and" else _OR
            if least > strength:
                return None
            self.place += 1
            right = self._expr(strength + 1)
            return Logic(word, _members(left) + _members(right))
        if word == "between" and least <= _BETWEEN:
            self.place += 1 + negated
            return self._between(left, negated)
        if word == "as" and least <= _ALIAS:
            return self._alias(left)
        return None

    def _infix_op(self, left, least, text):
        if text in ("(", "[", ".", "?."):
            return self._postfix(left, text)
        if text in _TIMES_OPS and least <= _TIMES:
            self.place += 1
            return Arith(_TIMES_OPS[text], left, self._expr(_TIMES + 1))
        if text in _PLUS_OPS and least <= _PLUS:
            self.place += 1
            right = self._expr(_PLUS + 1)
            if text == "||":
                return Call("concat", _concat_args(left) + _concat_args(right))
            return Arith(_PLUS_OPS[text], left, right)
        if text in _COMPARE_OPS and least <= _COMPARE:
            self.place += 1
            return Compare(_COMPARE_OPS[text], left, self._expr(_COMPARE + 1))
        if text == "??" and least <= _NULLISH:
            self.place += 1
            return Call("ifNull", [left, self._expr(_NULLISH + 1)])
        if text == "?" and least <= _TERNARY:
            self.place += 1
            first = self._expr()
            self._expect_op(":")
            return Call("if", [left, first, self._expr(_TERNARY)])
        return None

    def _postfix(self, left, text):
        if text == "(":
            if isinstance(left, (Const, Tuple)):
                return None
            self.place += 1
            if not self._op(")"):
                self._set_query() if self._word("select", "with") else self._expr_list()
            self._expect_op(")")
            return Broken()
        self.place += 1
        if text == "[" or (text == "?." and self._accept_op("[")):
            index = self._expr()
            self._expect_op("]")
            return Access(left, index)
        if self._peek().kind == "int":
            return TupleAccess(left, int(self._next().text))
        return Access(left, Const(self._identifier()))

    def _is_null(self, left):
        negated = self._word("not", ahead=1)
        if not self._word("null", ahead=1 + negated):
            self.place += 1 + negated
            self._fail("NULL_SQL")
        self.place += 2 + negated
        return Compare("notEquals" if negated else "equals", left, Const(None))

    def _between(self, left, negated):
        """Read the bounds: the lower one takes all but the last AND that still fits."""
        start, limit = self.place, self.limit
        for place in reversed(self._ands()):
            self.place, self.limit = start, place
            try:
                low = self._expr()
                if self.place != place:
                    continue
                self.place, self.limit = place + 1, limit
                return Between(left, low, self._expr(_BETWEEN + 1), negated)
            except SyntaxProblem:
                continue
            finally:
                self.limit = limit
        self.place = start
        self._expr()
        return self._fail("AND")

    def _ands(self):
        """Return the places of the ANDs ahead on this level of parentheses."""
        places = []
        depth = 0
        for place in range(self.place, self.limit):
            token = self.tokens[place]
            if token.kind == "op" and token.text in "([{":
                depth += 1
            elif token.kind == "op" and token.text in ")]}":
                depth -= 1
                if depth < 0:
                    break
            elif depth == 0 and token.word == "and":
                places.append(place)
            elif depth == 0 and (token.word in ("from", "where", "group", "having", "order",
                                                "limit", "union") or token.text == ","):
                break
        return places

    def _alias(self, left):
        self.place += 1
        token = self._peek()
        if token.kind == "str":
            self.place += 1
            alias = lexer.unquote(token.text)
        else:
            alias = self._identifier()
        if alias.lower() in _RESERVED:
            raise _reserved(alias)
        return Alias(left, alias)

    # -- operands -----------------------------------------------------------------------

    def _prefix(self):
        token = self._peek()
        kind = token.kind
        if kind in ("int", "float", "hex"):
            return self._number("")
        if kind == "str":
            self.place += 1
            return Const(lexer.unquote(token.text))
        if kind == "template":
            self.place += 1
            return self._template(token.text)
        if kind == "quoted":
            return self._name()
        if kind == "id":
            return self._word_operand(token)
        if kind == "op":
            return self._op_operand(token.text)
        return self._fail()

    def _op_operand(self, text):
        if text == "." and self._peek(1).kind == "int":
            return self._number("")
        if text in "+-":
            after = self._peek(1)
            if after.kind in ("int", "float", "hex") or after.word in ("inf", "infinity", "nan") \
                    or (after.kind == "op" and after.text == "."):
                self.place += 1
                return self._number(text)
            if text == "-":
                self.place += 1
                self._expr(_UNARY)
                return Broken()
        if text == "*":
            self.place += 1
            return Field(["*"])
        if text == "(":
            return self._parenthesis()
        if text == "[":
            self.place += 1
            exprs = [] if self._op("]") else self._expr_list()
            self._expect_op("]")
            return Array(exprs)
        if text == "{":
            return self._brace()
        return self._fail()

    def _number(self, sign):
        token = self._next()
        text = token.text
        if token.word is not None:
            value = float("nan") if token.word == "nan" else float("inf")
            return Const(-value if sign == "-" else value)
        if text == ".":
            text += self._next().text
        elif token.kind == "int" and self._op("."):
            self.place += 1
            text += "."
            if self._peek().kind == "int":
                text += self._next().text
        return Const(number(sign + text))

    def _template(self, content):
        pieces = []
        for is_expression, text in lexer.template_parts(content):
            if is_expression:
                inner = _Parser(text)
                pieces.append(inner._expr())
                if inner._peek().kind != "end":
                    inner._fail("'}'")
            else:
                text = text.replace("''", "'").replace("\\'", "'")
                pieces.append(Const(lexer.unescape(text)))
        if not pieces:
            return Const("")
        if len(pieces) == 1 and isinstance(pieces[0], (Const, Call)):
            return pieces[0]
        return Call("concat", pieces)

    def _parenthesis(self):
        if self._subquery_follows():
            self.place += 1
            query = self._set_query()
            self._expect_op(")")
            return query
        names = self._lambda_names()
        if names is not None:
            return Lambda(names, self._expr(_TERNARY))
        self.place += 1
        start = self.place
        exprs = self._expr_list()
        comma = self._op(",", ahead=-1) and self.place > start
        self._expect_op(")")
        return exprs[0] if len(exprs) == 1 and not comma else Tuple(exprs)

    def _lambda_names(self):
        """Read `(a, b) ->`, if that is next."""
        ahead = 1
        names = []
        while self._peek(ahead).kind == "id":
            names.append(self._peek(ahead).text)
            ahead += 1
            if self._op(",", ahead=ahead):
                ahead += 1
        if not (self._op(")", ahead=ahead) and self._op("->", ahead=ahead + 1)):
            return None
        self.place += ahead + 2
        return names

    def _brace(self):
        self.place += 1
        if self._accept_op("}"):
            return Dict([])
        key = self._expr()
        if self._accept_op("}"):
            return key
        items = []
        while True:
            self._expect_op(":")
            items.append((key, self._expr()))
            if not self._accept_op(",") or self._op("}"):
                break
            key = self._expr()
        self._expect_op("}")
        return Dict(items)

    def _word_operand(self, token):
        word = token.word
        called = self._op("(", ahead=1)
        if word == "null":
            self.place += 1
            return Const(None)
        if word in ("inf", "infinity", "nan"):
            return self._number("")
        if word == "not" and not called:
            self.place += 1
            return Not(self._expr(_NOT))
        if word == "case":
            return self._case()
        if word == "interval" and not called:
            return self._interval()
        if word in ("date", "timestamp") and self._peek(1).kind == "str":
            self.place += 2
            return Broken()
        if word in ("cast", "trim", "substring") and called:
            special = self._special_call(word)
            if special is not None:
                return special
        if word in _CLAUSES or (word in _FUNCTION_WORDS and not called):
            return self._fail()
        if self._op("->", ahead=1):
            self.place += 2
            return Lambda([token.text], self._expr(_TERNARY))
        return self._name()

    def _special_call(self, word):
        """Read the forms with words inside; None when it is an ordinary call."""
        start = self.place
        self.place += 2
        if word == "trim":
            if not self._word("both", "leading", "trailing"):
                self.place = start
                return None
            self.place += 2
            self._expect_word("from")
            self._expr()
        elif word == "cast":
            # the alias of the operand is the type
            self._expr()
            if self._op("("):
                depth = 0
                while self._peek().kind != "end":
                    depth += {"(": 1, ")": -1}.get(self._next().text, 0)
                    if depth == 0:
                        break
        else:
            self._expr()
            if not self._accept_word("from"):
                self.place = start
                return None
            self._expr()
            if self._accept_word("for"):
                self._expr()
        self._expect_op(")")
        return Broken()

    def _case(self):
        self.place += 1
        columns = []
        simple = not self._word("when")
        if simple:
            columns.append(self._expr())
        while self._accept_word("when"):
            columns.append(self._expr())
            self._expect_word("then")
            columns.append(self._expr())
        if self._accept_word("else"):
            columns.append(self._expr())
        self._expect_word("end")
        if simple:
            middle = columns[1:-1]
            return Call("transform", [columns[0], Array(middle[::2]), Array(middle[1::2]),
                                      Const(None), columns[-1]])
        return Call("if" if len(columns) == 3 else "multiIf", columns)

    def _interval(self):
        self.place += 1
        if self._peek().kind == "str" and self._peek(1).word not in _INTERVALS:
            self.place += 1
            return Broken()
        amount = self._expr(_UNARY)
        unit = _INTERVALS.get(self._peek().word)
        if unit is None:
            return self._fail("{SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR}")
        self.place += 1
        return Call("toInterval" + unit, [amount])

    def _name(self):
        """Read a call, a name with its path, or t.*."""
        name = self._identifier()
        if self._op("("):
            return self._call(name)
        chain = [name]
        while self._op("."):
            after = self._peek(1)
            if after.kind in ("id", "quoted"):
                self.place += 1
                chain.append(self._identifier())
            elif after.kind == "op" and after.text == "*":
                self.place += 2
                return Field(chain + ["*"])
            else:
                break
        if len(chain) == 1 and name.lower() in ("true", "false"):
            return Const(name.lower() == "true")
        return Field(chain)

    def _call(self, name):
        self.place += 1
        if self._word("select", "with"):
            query = self._set_query()
            self._expect_op(")")
            return Call(name, [query])
        distinct, args = self._arguments()
        params = None
        if self._op("(") and not distinct:
            self.place += 1
            params = args
            distinct, args = self._arguments()
        if self._accept_word("over"):
            if self._accept_op("("):
                over = self._window()
            else:
                over = self._identifier()
            return WindowCall(name, args, over)
        return Call(name, args, params, distinct)

    def _arguments(self):
        distinct = self._accept_word("distinct")
        args = [] if self._op(")") else self._expr_list()
        self._expect_op(")")
        return distinct, args


def _members(expr):
    """Return what AND and OR splice in: the members of whatever is a list."""
    return list(expr.exprs) if isinstance(expr, _LISTS) else [expr]


def _concat_args(expr):
    return list(expr.args) if isinstance(expr, Call) and expr.name == "concat" else [expr]


def _reserved(alias):
    return SyntaxProblem(
        '"%s" cannot be an alias or identifier, as it\'s a reserved keyword' % alias)


def number(text):
    """Return the value of a literal as the original's runtime reads it: as a double."""
    lowered = text.lower()
    if "." in lowered or "e" in lowered:
        # of a hexadecimal text only the zero in front of the x is understood
        return float("0" if "x" in lowered else lowered)
    value = int(lowered, 16) if "x" in lowered else int(lowered)
    return int(float(value))

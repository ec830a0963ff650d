"""The tree of a parsed query."""

from dataclasses import dataclass, field


class SyntaxProblem(Exception):
    """The query cannot be parsed: a 400."""


class Unsupported(Exception):
    """The grammar knows it, the original's parser has nothing for it: a 500."""


class QueryProblem(Exception):
    """The query is parsed, but cannot be compiled: a 400."""


@dataclass(slots=True)
class Const:
    """A literal: text, number, bool or None."""

    value: object


@dataclass(slots=True)
class Field:
    """A name: a column, a table's column, a path in JSON."""

    chain: list


@dataclass(slots=True)
class Call:
    """A function's call; `params` are those of parametric aggregates."""

    name: str
    args: list
    params: list | None = None
    distinct: bool = False


@dataclass(slots=True)
class Logic:
    """An infix AND or OR over all its operands."""

    op: str
    exprs: list


@dataclass(slots=True)
class Not:
    """NOT without parentheses; with them it is a call."""

    expr: object


@dataclass(slots=True)
class Compare:
    """A comparison by the engine's name of the function."""

    op: str
    left: object
    right: object


@dataclass(slots=True)
class Between:
    """[NOT] BETWEEN."""

    expr: object
    low: object
    high: object
    negated: bool = False


@dataclass(slots=True)
class Arith:
    """Arithmetic by the engine's name of the function."""

    op: str
    left: object
    right: object


@dataclass(slots=True)
class Array:
    """[a, b]."""

    exprs: list


@dataclass(slots=True)
class Tuple:
    """(a, b)."""

    exprs: list


@dataclass(slots=True)
class Dict:
    """{a: b}."""

    items: list


@dataclass(slots=True)
class Access:
    """a[b]."""

    array: object
    index: object


@dataclass(slots=True)
class TupleAccess:
    """a.1"""

    tuple: object
    index: int


@dataclass(slots=True)
class Alias:
    """e AS name."""

    expr: object
    alias: str


@dataclass(slots=True)
class Lambda:
    """x -> e."""

    names: list
    expr: object


@dataclass(slots=True)
class Window:
    """PARTITION BY, ORDER BY and frame."""

    partition: list
    order: list
    frame: str


@dataclass(slots=True)
class WindowCall:
    """f(…) OVER a Window or a name."""

    name: str
    exprs: list
    over: object


@dataclass(slots=True)
class Broken:
    """What the parser accepts and the printer does not know."""


@dataclass(slots=True)
class Order:
    """An item of ORDER BY."""

    expr: object
    descending: bool


@dataclass(slots=True)
class Join:
    """A table or subquery of FROM, in a chain."""

    table: object
    alias: str | None = None
    kind: str | None = None
    using: bool = False
    condition: object = None
    next: object = None


@dataclass(slots=True)
class Select:
    """One SELECT."""

    columns: list
    distinct: bool = False
    source: Join | None = None
    ctes: list = field(default_factory=list)
    array_join: tuple | None = None
    prewhere: object = None
    where: object = None
    group_by: list | None = None
    having: object = None
    windows: list = field(default_factory=list)
    order_by: list | None = None
    limit: object = None
    with_ties: bool = False
    offset: object = None


@dataclass(slots=True)
class SetQuery:
    """UNION ALL and the like: the first query, then (operator, query) pairs."""

    first: object
    rest: list


def joins(select):
    """Yield the members of FROM."""
    join = select.source
    while join is not None:
        yield join
        join = join.next

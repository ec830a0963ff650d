"""Query requests from the text to the answer's body: state, limits, engine."""

import asyncio
import sys

from http_message import HttpError, JSON_TYPE, Response, error
from trql import compiler, errors, parser, schema, tables, window
from trql.engine import Engine, EngineError
from trql.nodes import Field, QueryProblem, Select, SyntaxProblem, Unsupported, joins

_TOO_DEEP = "Maximum call stack size exceeded"
_BUSY = "You've exceeded your query concurrency of %d for this project. Please try again later."

# texts nest deeper than programs
sys.setrecursionlimit(max(sys.getrecursionlimit(), 20000))


class Request:
    """What a query request asks for."""

    def __init__(self, environment, query, body):
        self.environment = environment
        self.text = body["query"]
        # as parsed, or why that was not possible
        self.query = query
        self.scope = body.get("scope", "environment")
        self.period = body.get("period")
        self.start = body.get("from")
        self.end = body.get("to")
        self.csv = body.get("format") == "csv"


def named_tables(query):
    """Return the names of all tables that a parsed query reads."""
    found = set()

    def walk(node):
        if isinstance(node, Select):
            for join in joins(node):
                if isinstance(join.table, Field):
                    found.add(join.table.chain[0])
        if hasattr(node, "__dataclass_fields__"):
            for name in node.__dataclass_fields__:
                walk(getattr(node, name))
        elif isinstance(node, (list, tuple)):
            for member in node:
                walk(member)

    walk(query)
    return found


def parsed(text):
    """Return the parsed query, or the error of a query that cannot be parsed."""
    try:
        return parser.parse(text)
    except SyntaxProblem as problem:
        return problem
    except RecursionError:
        return SyntaxProblem(_TOO_DEEP)
    except Unsupported:
        raise HttpError(error(500, "Internal Server Error")) from None


class Service:
    """One engine for all worlds that follow each other."""

    def __init__(self, app):
        self.app = app
        self._engine = None
        self._lock = asyncio.Lock()
        self._world = None
        # environment -> (changes of its table, hidden rows) that the engine has seen
        self._seen = {}
        # run id -> the line that was inserted last
        self._lines = {}
        # number of rows of other tables that the engine has
        self._others = 0
        self._version = 0
        # project -> number of queries under way
        self._running = {}

    async def answer(self, request):
        """Return the response of a query."""
        settings = self.app.world.settings
        project = request.environment.project
        running = self._running.get(project.id, 0)
        if running >= settings.query_concurrency:
            return error(429, _BUSY % settings.query_concurrency)
        self._running[project.id] = running + 1
        try:
            if settings.query_ms:
                await asyncio.sleep(settings.query_ms / 1000)
            return await self._answer(request)
        finally:
            self._running[project.id] -= 1

    async def _answer(self, request):
        world = self.app.world
        if isinstance(request.query, SyntaxProblem):
            return error(400, str(request.query))
        try:
            compiled = self._compile(request)
        except (QueryProblem, SyntaxProblem) as problem:
            return error(400, str(problem))
        except RecursionError:
            return error(400, _TOO_DEEP)
        try:
            async with self._lock:
                await self._refresh(world)
        except EngineError as problem:
            return error(500, "The query engine of the emulator: %s" % problem)
        try:
            body = await self._engine.call(
                "query", sql=compiled.sql, params=compiled.params,
                cap=world.settings.query_max_rows, maps=self._maps(request.environment),
                columns=compiled.columns if request.csv else None)
        except EngineError as problem:
            return error(400, errors.sanitize(errors.reason(str(problem))))
        return Response(200, body, JSON_TYPE)

    def _compile(self, request):
        world = self.app.world
        settings = world.settings
        environment = request.environment
        table = window.time_table(request.text)
        column = table.time_column if table else "triggered_at"
        bounds = window.Window(world.now(), settings.query_period_days, request.period,
                               request.start, request.end)
        enforced = [("organization_id", "equals", environment.project.organization.id)]
        if request.scope != "organization":
            enforced.append(("project_id", "equals", environment.project.id))
        if request.scope == "environment":
            enforced.append(("environment_id", "equals", environment.id))
        enforced.append((column, "since", window.text_of(bounds.oldest)))
        real = settings.now is None and not settings.clock_skew_ms
        return compiler.compile_query(request.query, compiler.Context(
            enforced, self._mappings(environment), settings.query_max_rows,
            bounds.bucket(table), column, bounds.condition(column),
            None if real else world.now()))

    def _mappings(self, environment):
        """Return inner id -> shown text, for all of the organization."""
        organization = environment.project.organization
        projects = [project for project in self.app.world.projects
                    if project.organization is organization]
        return {
            "project": {project.id: project.ref for project in projects},
            "environment": {member.id: member.slug for project in projects
                            for member in project.environments},
        }

    def _maps(self, environment):
        maps = {name: {"values": values, "strict": True}
                for name, values in self._mappings(environment).items()}
        maps["status"] = {"values": schema.STATUS_TITLES, "strict": False}
        return maps

    # -- the engine's tables ------------------------------------------------------------

    async def _refresh(self, world):
        """Bring the engine's tables up to date with the state."""
        if self._engine is None or self._engine.process is None:
            self._engine = Engine()
            await self._engine.start()
            await self._engine.call("execute", statements=tables.statements())
            self._world = None
        if self._world is not world:
            await self._begin(world)
        others = {}
        for table, environment, row in world.query_rows[self._others:]:
            others.setdefault(table, []).append(tables.other_row(table, environment, row))
        for table, rows in others.items():
            await self._engine.call("insert", table=schema.table(table).physical,
                                    rows="\n".join(rows))
        self._others = len(world.query_rows)
        lines = []
        for project in world.projects:
            for environment in project.environments:
                lines += self._changed(world, environment)
        if lines:
            self._version += 1
            mark = ',"_version":%d}' % self._version
            await self._engine.call(
                "insert", table=schema.table("runs").physical,
                rows="\n".join(line[:-1] + mark for line in lines))

    async def _begin(self, world):
        """Start over with another world; generated rows are made by the engine itself."""
        self._world = None
        self._seen, self._lines, self._version = {}, {}, 0
        self._others = 0
        emptied = [table.physical for table in schema.tables().values()]
        await self._engine.call("execute", statements=[
            "TRUNCATE TABLE " + name for name in emptied + ["trigger_dev.shapes"]])
        for project in world.projects:
            for environment in project.environments:
                bulk = environment.runs.bulk
                if bulk is None:
                    continue
                await self._engine.call("insert", table="trigger_dev.shapes",
                                        rows=tables.shape_rows(bulk))
                await self._engine.call("execute", statements=[
                    tables.bulk_statement(bulk, environment)])
        self._world = world

    def _changed(self, world, environment):
        """Return the lines of the stored rows that the engine does not have as they are."""
        table = environment.runs
        hide_after = world.real_now() - world.settings.lag_ms
        rows = [run for run in table.rows if run.inserted_at <= hide_after]
        mark = (table.changes, len(rows))
        if self._seen.get(environment.id) == mark:
            return []
        self._seen[environment.id] = mark
        found = []
        for run in rows:
            line = tables.row_text(tables.facts(run, environment))
            if self._lines.get(run.id) != line:
                self._lines[run.id] = line
                found.append(line)
        return found

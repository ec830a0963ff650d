"""The control interface under /_emulator/: log, settings, faults, state, oracle."""

import dataclasses
import json

from auth import ADDITIONAL_KEY
import credentials
import dataset
import oracle
from http_message import JSON_TYPE, TEXT_TYPE, Response, error, json_response, split_path
from run_model import DEFAULTS, Run
from schedules import Schedule
import sessions
from world import AdditionalKey

_STATE_LIMIT = 20000
_JSON_TEXT = ("metadata", "payload", "output", "error")
_SESSION_JSON = ("metadata", "trigger_config")


class ControlError(Exception):
    """A request that the control interface does not understand."""


class Control:
    """Answers control requests; they are neither logged nor counted nor authenticated."""

    def __init__(self, app, settings, journal, faults, options):
        self.app = app
        self.settings = settings
        self.journal = journal
        self.faults = faults
        self.options = options

    def respond(self, request):
        """Return the response of one control request."""
        self.app.world.writes.catch_up()
        segments = split_path(request.path)[1:]
        name = segments[0].replace(".", "_").replace("-", "_") if segments else ""
        handler = getattr(self, "_%s_%s" % (request.method.lower(), name), None)
        if handler is None:
            return error(404, "no such control request")
        try:
            return handler(request, *segments[1:])
        except (ControlError, ValueError, KeyError, TypeError) as problem:
            return error(400, "%s: %s" % (type(problem).__name__, problem))

    # -- request log --------------------------------------------------------------------

    def _get_requests(self, request):
        mask = request.query.get("ms") == "mask"
        records = self._records(request)
        text = "".join(record.line(mask) + "\n" for record in records)
        return Response(200, text.encode(), TEXT_TYPE)

    def _get_requests_json(self, request):
        return json_response([record.as_dict() for record in self._records(request)])

    def _records(self, request):
        if request.query.get("take") == "1":
            return self.journal.take()
        return self.journal.records

    def _delete_requests(self, _request):
        self.journal.take()
        return json_response({})

    def _get_writes(self, request):
        writes = self.app.world.writes
        return json_response(
            writes.take_log() if request.query.get("take") == "1" else writes.log)

    def _delete_writes(self, _request):
        self.app.world.writes.take_log()
        return json_response({})

    # -- settings and faults ------------------------------------------------------------

    def _get_settings(self, _request):
        return json_response(self.settings.as_dict())

    def _put_settings(self, request):
        self.settings.merge(json.loads(request.body))
        return json_response(self.settings.as_dict())

    def _get_faults(self, _request):
        return json_response([rule.spec for rule in self.faults.rules])

    def _put_faults(self, request):
        self.faults.set(json.loads(request.body))
        return json_response({"rules": len(self.faults.rules)})

    def _delete_faults(self, _request):
        self.faults.set([])
        return json_response({})

    # -- state --------------------------------------------------------------------------

    def _post_reset(self, request):
        changes = json.loads(request.body) if request.body else {}
        unknown = set(changes) - {"dataset", "runs", "seed", "now"}
        if unknown:
            raise ControlError("unknown members: " + ", ".join(sorted(unknown)))
        options = dataclasses.replace(self.options, **changes)
        self.settings.reset()
        self.faults.set([])
        self.app.rebuild(options)
        self.journal.take()
        return json_response({"dataset": options.dataset, "now": self.app.world.anchor_ms})

    def _environment(self, query):
        ref = query.get("project") or credentials.PROJECT_ALPHA
        found = oracle.find_environment(self.app.world, ref, query.get("environment") or "prod")
        if found is None:
            raise ControlError("no such environment")
        return found

    def _get_oracle(self, request, resource):
        self._environment(request.query)
        rows = oracle.rows(
            self.app.world, resource,
            request.query.get("project") or credentials.PROJECT_ALPHA,
            request.query.get("environment") or "prod", request.query)
        if rows is None:
            return error(404, "no such oracle")
        pieces = ((row + "\n").encode() for row in rows)
        return Response(200, b"", "application/x-ndjson", stream=pieces)

    def _get_state_json(self, _request):
        total = sum(len(environment.runs) for project in self.app.world.projects
                    for environment in project.environments)
        if total > _STATE_LIMIT:
            raise ControlError("the state is too large; use the oracle")
        return json_response(oracle.whole_state(self.app.world))

    def _get_credentials(self, _request):
        return json_response(credentials.all_credentials())

    def _get_now(self, _request):
        world = self.app.world
        return json_response({"now": world.now(), "anchor": world.anchor_ms})

    def _post_warm(self, request):
        """Render the newest `rows` generated rows now instead of when they are asked for."""
        bulk = self._environment(request.query).runs.bulk
        if bulk is None:
            raise ControlError("only a generated data set needs this")
        rows = min(int(request.query.get("rows", bulk.count)), bulk.count)
        for number in range(rows):
            bulk.list_item(number, 1)
        return json_response({"rows": rows})

    def _post_runs(self, request):
        """Insert runs: an array of {id?, createdAt?, project?, environment?, attributes…}."""
        made = []
        body = json.loads(request.body)
        for number, entry in enumerate(body if isinstance(body, list) else [body]):
            entry = dict(entry)
            environment = self._environment(
                {name: entry.pop(name, None) for name in ("project", "environment")})
            created = entry.pop("created_at", self.app.world.now())
            run_id = entry.pop("id", None) or "run_cn%08d%011x" % (
                len(environment.runs) + number, created)
            run = Run(run_id.removeprefix("run_"), created,
                      inserted_at=self.app.world.real_now(), **_attributes(entry))
            environment.runs.add(run)
            made.append(run.id)
        return json_response({"ids": made})

    def _post_schedules(self, request):
        """Insert schedules with given ids: an array of Schedule arguments."""
        for entry in json.loads(request.body):
            entry = dict(entry)
            environment = self._environment(
                {name: entry.pop(name, None) for name in ("project", "environment")})
            schedules = environment.project.schedules
            schedule_id = entry.pop("id", None) or schedules.new_id()
            schedules.add(Schedule(schedule_id, environments=[environment], **entry))
        return json_response({})

    def _post_sessions(self, request):
        """Insert sessions: an array of {id?, created_at?, project?, environment?, …}."""
        made = []
        body = json.loads(request.body)
        for entry in body if isinstance(body, list) else [body]:
            entry = dict(entry)
            environment = self._environment(
                {name: entry.pop(name, None) for name in ("project", "environment")})
            created = entry.pop("created_at", self.app.world.now())
            session_id = entry.pop("id", None) or "cn%08d%013x" % (
                len(environment.sessions), created)
            session = sessions.Session(
                session_id.removeprefix(sessions.ID_PREFIX), created,
                inserted_at=self.app.world.real_now(), **_session_attributes(entry))
            environment.sessions.add(session)
            made.append(session.id)
        return json_response({"ids": made})

    def _patch_sessions(self, request, name):
        """Change attributes of one session, which is named by its id or external id."""
        changes = _session_attributes(json.loads(request.body))
        for project in self.app.world.projects:
            for environment in project.environments:
                if environment.sessions.change(name, changes):
                    return Response(200, b"{}", JSON_TYPE)
        return error(404, "no such session")

    def _post_session_records(self, request):
        """Insert records of any kind, as a task writes them.

        An array of {session, io, data? or data_text?, id?, headers?, timestamp?}; without
        data it is a control record (or, by an empty header name, a command).
        """
        made = []
        for entry in json.loads(request.body):
            environment = self._environment(entry)
            session = environment.sessions.find(entry["session"])
            if session is None or entry["io"] not in ("in", "out"):
                raise ControlError("no such channel")
            text = entry.get("data_text")
            if "data" in entry:
                text = json.dumps(entry["data"], ensure_ascii=False, separators=(",", ":"))
            record = environment.sessions.channel(session.key, entry["io"]).append(
                text, entry.get("timestamp", self.app.world.now()), entry.get("id"),
                entry.get("headers"), limited=False)
            made.append(record.seq)
        return json_response({"seqs": made})

    def _post_query_rows(self, request):
        """Insert rows into tables of the query endpoint: [{table, rows, environment?, …}].

        A row has the columns that queries name, but environment and project.
        """
        for entry in json.loads(request.body):
            environment = self._environment(entry)
            self.app.world.query_rows += [
                (entry["table"], environment, row) for row in entry["rows"]]
        return json_response({})

    def _post_envvars(self, request):
        """Set variables: an array of {name, value, isSecret?, project?, environment?}."""
        for entry in json.loads(request.body):
            environment = self._environment(entry)
            environment.project.envvars.set(
                environment, entry["name"], entry["value"], entry.get("isSecret", False))
        return json_response({})

    def _post_keys(self, request):
        """Add additional keys: an array of {key, scopes?, revoked?, project?, environment?}.

        Without scopes a key may do everything.
        """
        world = self.app.world
        for entry in json.loads(request.body):
            if not ADDITIONAL_KEY.match(entry["key"]):
                raise ControlError("no additional key: %s" % entry["key"])
            scopes = entry.get("scopes")
            world.additional_keys[entry["key"]] = AdditionalKey(
                entry["key"], self._environment(entry),
                None if scopes is None else tuple(scopes), entry.get("expires_at"),
                entry.get("revoked", False))
        self.app.limiter.forget_owners()
        return json_response({})

    def _patch_environments(self, request, slug):
        """Change whether an environment ever had a worker."""
        environment = self._environment({**request.query, "environment": slug})
        environment.has_worker = json.loads(request.body)["has_worker"]
        return json_response({})

    def _patch_runs(self, request, run_id):
        """Change attributes of one run."""
        changes = _attributes(json.loads(request.body))
        for project in self.app.world.projects:
            for environment in project.environments:
                if environment.runs.change(run_id, changes):
                    return Response(200, b"{}", JSON_TYPE)
        return error(404, "no such run")


def _attributes(entry):
    """Check the names of run attributes and turn JSON values into what a Run holds.

    Free-form members may be given as JSON values, or verbatim with the suffix `_text`.
    """
    values = {}
    for name, value in entry.items():
        base = name.removesuffix("_text")
        if base in _JSON_TEXT:
            text = value if name != base else json.dumps(value, ensure_ascii=False)
            values[base] = None if value is None and name == base and base != "payload" else text
        elif name not in DEFAULTS:
            raise ControlError("unknown attribute: " + name)
        elif name in ("tags", "bulk_action_ids", "indexed_as"):
            values[name] = tuple(value) if value is not None else None
        else:
            values[name] = value
    if "tags" in values:
        values["tags"] = tuple(sorted(values["tags"]))
    return values


def _session_attributes(entry):
    """Check the names of session attributes and turn JSON values into texts."""
    values = {}
    for name, value in entry.items():
        base = name.removesuffix("_text")
        if base in _SESSION_JSON:
            text = value if name != base else json.dumps(value, ensure_ascii=False)
            values[base] = None if value is None else text
        elif name not in sessions.DEFAULTS:
            raise ControlError("unknown attribute: " + name)
        elif name in ("tags", "indexed_as", "indexed_tags"):
            values[name] = tuple(value) if value is not None else None
        else:
            values[name] = value
    return values

"""Environment variables: list, retrieve, create, update, delete, import, resolved values."""

import json
import re

import auth
from envvars import BLACKLIST, show
from http_message import (
    HttpError, error, fail, json_response, json_type_name, missing_issue, type_issue,
    unexpected_text,
)

_NOT_FOUND = "Environment variable not found"
_NO_VALUE_HERE = "Environment variable value not found"
_NONE_VALID = "You must set at least one valid variable."
_NONE_ALLOWED = _NONE_VALID + " All the variables submitted are not allowed."
_WRONG_PROJECT = ("Invalid project ref for this API key. Make sure you are using an API key "
                  "associated with that project.")
_ALREADY_SET = ("Some of the variables are already set for these environments. "
                "Set override to true to override them.")
_SUCCESS = {"success": True}
_TYPE_NAMES = {"PRODUCTION": "Production", "STAGING": "Staging", "DEVELOPMENT": "Development",
               "PREVIEW": "Preview"}


def resolve_environment(world, user, project, slug, branch):
    """Return the environment that a token's request means, or answer 404.

    A branch header beats every slug but `dev`: even `prod` then means the preview branch.
    """
    if slug == "dev":
        if branch not in (None, "default"):
            return project.branch(branch, "DEVELOPMENT") or fail(404, "Branch not found")
        return project.environment("dev", user) or fail(404, "Environment not found")
    if branch is not None:
        return project.branch(branch) or fail(404, "Branch not found")
    slug = "stg" if slug == "staging" else slug
    environment = project.environment(slug)
    if environment is None or environment.parent is not None:
        fail(404, "Environment not found")
    return environment


class EnvVarRoutes:
    """Handlers; `app` gives the current world."""

    def __init__(self, app):
        self.app = app

    def _environment(self, request, ref, slug, action):
        """Return the environment to act on.

        With a secret key it is the key's own: the slug in the URL is not looked at.
        """
        world = self.app.world
        token = auth.bearer(request)
        if token.startswith("tr_pat_"):
            user = world.user_of_token(token) or fail(401, auth.BAD_KEY)
            project = world.project_for(ref, user) or fail(404, "Project not found")
            return resolve_environment(world, user, project, slug, auth.branch_name(request))
        identity = auth.require_key(world, request)
        if identity.scopes is not None and not auth.scope_allows(
                identity.scopes, action, "envvars"):
            fail(403, "Unauthorized")
        if identity.environment.project.ref != ref:
            fail(400, _WRONG_PROJECT)
        return identity.environment

    def list(self, request, ref, slug):
        """GET …/envvars/{slug}"""
        environment = self._environment(request, ref, slug, "read")
        found = environment.project.envvars.effective(environment)
        return json_response([
            show(name, value) for name, value in found.items() if name not in BLACKLIST])

    def create(self, request, ref, slug):
        """POST (and PUT) …/envvars/{slug}: always an upsert."""
        environment = self._environment(request, ref, slug, "write")
        body = _json_body(request)
        issues = _string_issues(body, ("name", "value"))
        secret = body.get("isSecret") if isinstance(body, dict) else None
        if "isSecret" in (body if isinstance(body, dict) else {}) \
                and not isinstance(secret, bool):
            issues.append(type_issue("isSecret", "boolean", secret))
        if issues:
            return _invalid_body(issues)
        name, value = body["name"], body["value"]
        if not name.strip() or not value.strip():
            return error(400, _NONE_VALID)
        if name in BLACKLIST:
            return error(400, _NONE_ALLOWED)
        environment.project.envvars.set(environment, name, value, secret)
        self._note(request, "envvar.create", environment, [name])
        return json_response(_SUCCESS)

    def retrieve(self, request, ref, slug, name):
        """GET …/envvars/{slug}/{name}"""
        environment = self._environment(request, ref, slug, "read")
        value = environment.project.envvars.effective(environment).get(name)
        if value is None or name in BLACKLIST:
            return error(404, _NOT_FOUND)
        return json_response(show(name, value))

    def change(self, request, ref, slug, name):
        """PUT, POST, DELETE …/envvars/{slug}/{name}"""
        environment = self._environment(request, ref, slug, "write")
        variables = environment.project.envvars
        if request.method == "DELETE":
            if not variables.exists_anywhere(name):
                return error(404, _NOT_FOUND)
            if not variables.delete(environment, name):
                return error(400, _NO_VALUE_HERE)
            self._note(request, "envvar.delete", environment, [name])
            return json_response(_SUCCESS)
        if request.method not in ("PUT", "POST"):
            return unexpected_text()
        body = _json_body(request)
        issues = _string_issues(body, ("value",))
        if issues:
            return _invalid_body(issues)
        if not variables.exists_anywhere(name):
            return error(404, _NOT_FOUND)
        # a blank value is reported as done, but changes nothing
        if body["value"].strip():
            own = variables.own(environment, name)
            variables.set(environment, name, body["value"], own.secret if own else None)
            self._note(request, "envvar.update", environment, [name])
        return json_response(_SUCCESS)

    def load(self, request, ref, slug):
        """POST …/envvars/{slug}/import"""
        environment = self._environment(request, ref, slug, "write")
        body = _import_body(request)
        if body is None:
            return error(400, "Invalid body", (("x-remix-catch", "yes"),))
        override = body.get("override") is True
        secret = body.get("isSecret")
        problem = self._load_into(request, environment, body["variables"], override, secret)
        parent_variables = body.get("parentVariables")
        if environment.parent is not None and parent_variables:
            parent_problem = self._load_into(
                request, environment.parent, parent_variables, override, secret)
            # for a branch, one successful half is reported as success
            if problem is None or parent_problem is None:
                problem = None
        return problem or json_response(_SUCCESS)

    def _note(self, request, kind, environment, names):
        """Put a change into the log of writes."""
        self.app.world.writes.note(request, kind, environment, names)

    def _load_into(self, request, environment, entries, override, secret):
        """Write a name -> value map; returns the error answer or None."""
        variables = environment.project.envvars
        filled = {name: text for name, text in entries.items() if name.strip() and text.strip()}
        if not filled:
            return error(400, _NONE_VALID)
        allowed = {name: text for name, text in filled.items() if name not in BLACKLIST}
        if not allowed:
            return error(400, _NONE_ALLOWED)
        if not override:
            taken = [name for name in allowed if variables.own(environment, name) is not None]
            if taken:
                where = _TYPE_NAMES[environment.type]
                return json_response({
                    "error": _ALREADY_SET,
                    "variableErrors": [
                        {"key": name, "error": "Variable already set in %s." % where}
                        for name in taken],
                }, 400)
        for name, text in allowed.items():
            variables.set(environment, name, text, secret)
        self._note(request, "envvar.import", environment, allowed)
        return None

    def resolved(self, request, ref):
        """GET /api/v1/projects/{ref}/envvars: everything a run sees, secrets in clear."""
        identity = auth.require_key(self.app.world, request)
        environment = identity.environment
        if environment.project.ref != ref:
            fail(404, "Project not found")
        variables = {"TRIGGER_REALTIME_STREAM_VERSION": "v1"}
        for name, value in environment.project.envvars.effective(environment).items():
            variables[name] = value.text
        origin = "http://" + request.headers.get("host", "127.0.0.1")
        variables.update({
            "TRIGGER_SECRET_KEY": environment.root_key,
            "TRIGGER_API_URL": origin,
            "TRIGGER_STREAM_URL": origin,
            "TRIGGER_RUNTIME_WAIT_THRESHOLD_IN_MS": "30000",
            "TRIGGER_ORG_ID": environment.project.organization.id,
        })
        return json_response({"variables": variables})


def _json_body(request):
    """Parse the body as JSON whatever its content type; bad JSON is an uncaught exception."""
    try:
        return json.loads(request.body)
    except ValueError:
        raise HttpError(unexpected_text()) from None


def _string_issues(body, names):
    """Return zod issues for members that must be strings."""
    if not isinstance(body, dict):
        return [{"code": "invalid_type", "expected": "object", "received": json_type_name(body),
                 "path": [], "message": "Expected object, received " + json_type_name(body)}]
    issues = []
    for name in names:
        if name not in body:
            issues.append(missing_issue(name))
        elif not isinstance(body[name], str):
            issues.append(type_issue(name, "string", body[name]))
    return issues


def _invalid_body(issues):
    return json_response({"error": "Invalid request body", "issues": issues}, 400)


def _import_body(request):
    """Return the import document, or None when it is not acceptable."""
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        return _multipart_import(content_type, request.body)
    try:
        body = json.loads(request.body)
    except ValueError:
        return None
    if not isinstance(body, dict) or not _is_text_map(body.get("variables")):
        return None
    if "parentVariables" in body and not _is_text_map(body["parentVariables"]):
        return None
    for flag in ("override", "isSecret"):
        if flag in body and not isinstance(body[flag], bool):
            return None
    return body


def _is_text_map(value):
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _multipart_import(content_type, body):
    """Read the form variant: a dotenv file part `variables`, a text part `override`."""
    found = re.search(r'boundary="?([^";]+)', content_type)
    if not found:
        return None
    result = {}
    for part in body.split(b"--" + found.group(1).encode()):
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if not name:
            continue
        content = content.removesuffix(b"\r\n").decode()
        if name.group(1) == b"variables":
            if b"filename=" not in head:
                raise HttpError(error(400, "Invalid file"))
            result["variables"] = _parse_dotenv(content)
        elif name.group(1) == b"override":
            result["override"] = content == "true"
    return result if "variables" in result else None


def _parse_dotenv(text):
    """Parse NAME=value lines, quotes stripped, comments and blank lines skipped."""
    variables = {}
    for line in text.splitlines():
        line = line.strip()
        if line and not line.startswith("#") and "=" in line:
            name, _, value = line.removeprefix("export ").partition("=")
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            variables[name.strip()] = value
    return variables


def register(router, app):
    """Add the routes of this resource."""
    routes = EnvVarRoutes(app)
    base = "/api/v1/projects/{}/envvars"
    router.add(base, read=routes.resolved, deploy=True)
    router.add(base + "/{}", read=routes.list, write=routes.create)
    router.add(base + "/{}/import", write=routes.load, deploy=True)
    router.add(base + "/{}/{}", read=routes.retrieve, write=routes.change)

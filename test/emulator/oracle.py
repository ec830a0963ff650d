"""The truth about the state, row by row, for tests that compare a client's answer with it.

The rows come from the state itself, never through the list code: no windows, no filters,
no paging, no dropped rows.
"""

import json

import batches
import channels
from envvars import show
from jsontext import dumps, iso
import sessions

NEW_VERSION = 1


def find_environment(world, ref, slug):
    """Return the environment that a test names; `dev:other` is the colleague's dev."""
    for project in world.projects:
        if project.ref != ref:
            continue
        if slug.startswith("dev"):
            name = slug.partition(":")[2] or "owner"
            for environment in project.environments:
                if environment.slug == "dev" and environment.owner.name.lower() == name:
                    return environment
            return None
        slug = "stg" if slug == "staging" else slug
        return project.environment(slug)
    return None


def _with_hidden(text, hidden):
    """Append the member "_" to an object given as text (which keeps its numbers exact)."""
    return text[:-1] + ',"_":' + dumps(hidden) + "}"


def runs(_world, environment):
    """Yield list items of the new version."""
    table = environment.runs
    if table.bulk is not None and not table.rows:
        for number in range(table.bulk.count):
            yield table.bulk.oracle_row(number)
        return
    for run in table.all_runs():
        yield _with_hidden(run.list_item(NEW_VERSION, table.env_json).decode(), run.hidden())


def run_details(_world, environment):
    """Yield retrieve bodies; offloaded values are under "_", as text, instead of a URL."""
    table = environment.runs
    schedules = environment.project.schedules
    for run in table.all_runs():
        text = run.details(NEW_VERSION, table, schedules.summary(run.schedule_id),
                           lambda kind: None)
        hidden = run.hidden()
        if run.payload_offloaded:
            hidden["offloadedPayload"] = run.payload
        if run.output_offloaded:
            hidden["offloadedOutput"] = run.output
        yield _with_hidden(text, hidden)


def schedules(world, environment):
    """Yield list items; "_" holds the retrieve form and the place in the list."""
    now = world.now()
    for position, schedule in enumerate(environment.project.schedules.of(environment)):
        hidden = {"retrieve": schedule.retrieved(now), "position": position,
                  "listed": environment.has_worker}
        yield _with_hidden(dumps(schedule.list_item(now)), hidden)


def envvars(_world, environment):
    """Yield variables as listed; "_" holds the real value and whether it is inherited."""
    variables = environment.project.envvars
    for name, value in variables.effective(environment).items():
        hidden = {"value": value.text, "inherited": variables.own(environment, name) is None,
                  "name": name}
        yield _with_hidden(dumps(show(name, value)), hidden)


def projects(world, _environment):
    """Yield all projects, also those that the emulated users may not see."""
    for project in world.projects:
        organization = project.organization
        yield dumps({
            "id": project.id, "externalRef": project.ref, "name": project.name,
            "slug": project.slug, "createdAt": iso(project.created_at), "defaultRegion": None,
            "organization": {
                "id": organization.id, "title": organization.title, "slug": organization.slug,
                "createdAt": iso(organization.created_at)},
            "_": {"members": [user.email for user in organization.members]}})


def environments(_world, environment):
    """Yield the environments of the project that are no branches, in database order."""
    for one in environment.project.environments:
        if one.parent is None:
            yield dumps({
                "id": one.id, "slug": one.slug, "type": one.type,
                "isBranchableEnvironment": one.type == "PREVIEW", "branchName": None,
                "paused": False,
                "_": {"owner": one.owner.email if one.owner else None,
                      "hasWorker": one.has_worker}})


def branches(_world, environment):
    """Yield the preview branches of the project."""
    for one in environment.project.environments:
        if one.parent is not None and one.type == "PREVIEW":
            created = iso(one.created_at)
            yield dumps({
                "id": one.id, "name": one.branch_name, "createdAt": created,
                "updatedAt": created, "isPaused": False, "_": {"slug": one.slug}})


def query_runs(world, environment):
    """Yield the rows of the query endpoint's table, with all columns as a query shows them."""
    from trql import tables

    return tables.oracle_rows(world, environment)


RESOURCES = {"runs": runs, "run_details": run_details, "schedules": schedules,
             "envvars": envvars, "batches": batches.oracle_rows,
             "sessions": sessions.oracle_rows}
# not part of one environment's state, or of it in another form
_MORE = {"projects": projects, "environments": environments, "branches": branches,
         "query_runs": query_runs}


def rows(world, resource, ref, slug, query=None):
    """Return an iterator over the JSON lines of a resource, or None when it is unknown."""
    environment = find_environment(world, ref, slug)
    if environment is None:
        return None
    if resource == "session_records":
        query = query or {}
        return channels.oracle_rows(environment, query.get("session"), query.get("io"))
    rows_of = RESOURCES.get(resource) or _MORE.get(resource)
    return rows_of(world, environment) if rows_of else None


def whole_state(world):
    """Return a small state as one JSON document."""
    result = {}
    for project in world.projects:
        for environment in project.environments:
            name = "%s/%s" % (project.ref, environment.slug)
            if environment.owner:
                name += ":" + environment.owner.name.lower()
            result[name] = {
                resource: [json.loads(line) for line in rows_of(world, environment)]
                for resource, rows_of in RESOURCES.items()}
    return result

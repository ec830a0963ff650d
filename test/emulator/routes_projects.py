"""Organizations, projects, environments and branches (personal access tokens)."""

import auth
from http_message import error, fail, json_response, unexpected_text
from jsontext import iso
from routes_envvars import resolve_environment

_BAD_TOKEN = "Invalid or Missing Access Token"


def _organization(organization):
    return {"id": organization.id, "title": organization.title, "slug": organization.slug,
            "createdAt": iso(organization.created_at)}


def _project(project):
    return {"id": project.id, "externalRef": project.ref, "name": project.name,
            "slug": project.slug, "createdAt": iso(project.created_at), "defaultRegion": None}


class ProjectRoutes:
    """Handlers; `app` gives the current world."""

    def __init__(self, app):
        self.app = app

    def _user(self, request, message=_BAD_TOKEN):
        return auth.require_user(self.app.world, request, message)

    def _find(self, request, ref, message=_BAD_TOKEN):
        user = self._user(request, message)
        return user, self.app.world.project_for(ref, user) or fail(404, "Project not found")

    def organizations(self, request):
        """GET /api/v1/orgs"""
        user = self._user(request)
        return json_response([
            _organization(organization) for organization in self.app.world.organizations
            if user in organization.members])

    def projects(self, request):
        """GET /api/v1/projects"""
        user = self._user(request)
        return json_response([
            {**_project(project), "organization": _organization(project.organization)}
            for project in self.app.world.projects if user in project.organization.members])

    def project(self, request, ref):
        """GET /api/v1/projects/{ref}"""
        _, project = self._find(request, ref, "Invalid or Missing PAT")
        return json_response({**_project(project), "defaultRuntime": "node-24",
                              "organization": _organization(project.organization)})

    def environments(self, request, ref):
        """GET /api/v1/projects/{ref}/environments: no branches, only the caller's own dev"""
        user, project = self._find(request, ref)
        return json_response([
            {"id": environment.id, "slug": environment.slug, "type": environment.type,
             "isBranchableEnvironment": environment.type == "PREVIEW", "branchName": None,
             "paused": False}
            for environment in project.environments
            if environment.parent is None and environment.owner in (None, user)])

    def branches(self, request, ref):
        """GET /api/v1/projects/{ref}/branches"""
        _, project = self._find(request, ref)
        if project.environment("preview") is None:
            return error(400, "Preview environments are not set up for this project")
        return json_response({"branches": [
            {"id": environment.id, "name": environment.branch_name,
             "createdAt": iso(environment.created_at), "updatedAt": iso(environment.created_at),
             "isPaused": False}
            for environment in project.environments
            if environment.parent is not None and environment.type == "PREVIEW"]})

    def bootstrap(self, request, ref, slug):
        """GET /api/v1/projects/{ref}/{env}: hands the root key to a personal access token"""
        world = self.app.world
        if auth.bearer(request).startswith("tr_pat_"):
            user, project = self._find(request, ref)
            if slug not in ("dev", "staging", "prod", "preview"):
                fail(400, "Invalid Params")
            environment = resolve_environment(
                world, user, project, slug, auth.branch_name(request))
        else:
            environment = auth.require_key(world, request, _BAD_TOKEN).environment
            project = environment.project
        return json_response({
            "apiKey": environment.root_key, "name": project.name,
            "apiUrl": "http://" + request.headers.get("host", "127.0.0.1"),
            "projectId": project.id, "defaultRuntime": "node-24"})

    def environment_token(self, request, ref, slug):
        """POST /api/v1/projects/{ref}/{env}/jwt"""
        return self.app.tokens.exchange(request, ref, slug)

    def whoami(self, request):
        """GET /api/v2/whoami"""
        user = self._user(request)
        return json_response({
            "userId": user.id, "email": user.email,
            "dashboardUrl": "http://" + request.headers.get("host", "127.0.0.1")})


def register(router, app):
    """Add the routes of this resource."""
    routes = ProjectRoutes(app)
    router.add("/api/v1/orgs", read=routes.organizations)
    router.add("/api/v1/projects", read=routes.projects)
    router.add("/api/v1/projects/{}", read=routes.project)
    router.add("/api/v1/projects/{}/environments", read=routes.environments)
    router.add("/api/v1/projects/{}/branches", read=routes.branches,
               write=lambda request, ref: unexpected_text(), deploy=True)
    router.add("/api/v1/projects/{}/{}", read=routes.bootstrap, deploy=True)
    router.add("/api/v1/projects/{}/{}/jwt", write=routes.environment_token)
    router.add("/api/v2/whoami", read=routes.whoami)

"""Organizations, projects, environments, users and keys of the emulated server."""

import time

import credentials
from write_state import WriteState


class User:
    """A person with personal access tokens."""

    def __init__(self, user_id, name, email, tokens):
        self.id = user_id
        self.name = name
        self.email = email
        self.tokens = tokens


class Organization:
    """Owns projects; its members' tokens reach them."""

    def __init__(self, org_id, title, slug, created_at, members):
        self.id = org_id
        self.title = title
        self.slug = slug
        self.created_at = created_at
        self.members = members


class Project:
    """A project with its environments in database order."""

    def __init__(self, project_id, ref, name, slug, created_at, organization):
        self.id = project_id
        self.ref = ref
        self.name = name
        self.slug = slug
        self.created_at = created_at
        self.organization = organization
        self.environments = []
        self.envvars = None
        self.schedules = None
        # task identifier -> whether schedules may start it
        self.tasks = {}

    def environment(self, slug, owner=None):
        """Find an environment by slug; dev environments need their owner too."""
        for environment in self.environments:
            if environment.slug == slug and (slug != "dev" or environment.owner is owner):
                return environment
        return None

    def branch(self, name, parent_type="PREVIEW"):
        """Find a branch environment by its (case-sensitive) name."""
        for environment in self.environments:
            if environment.branch_name == name and environment.type == parent_type:
                return environment
        return None


class Environment:
    """One environment; branches have a parent."""

    def __init__(self, env_id, project, slug, env_type, root_key, shortcode, owner=None,
                 parent=None, branch_name=None, has_worker=True, created_at=0):
        self.id = env_id
        self.project = project
        self.slug = slug
        self.type = env_type
        self.root_key = root_key
        self.rotated_keys = ()
        self.shortcode = shortcode
        self.owner = owner
        self.parent = parent
        self.branch_name = branch_name
        self.has_worker = has_worker
        self.created_at = created_at
        self.runs = None
        self.sessions = None
        project.environments.append(self)


class AdditionalKey:
    """A `tr_*_sk_` key; `scopes` None means unrestricted."""

    def __init__(self, text, environment, scopes=None, expires_at=None, revoked=False):
        self.text = text
        self.environment = environment
        self.scopes = scopes
        self.expires_at = expires_at
        self.revoked = revoked


class World:
    """Everything that a request can refer to."""

    def __init__(self, settings, anchor_ms, frozen=False):
        self.settings = settings
        self.anchor_ms = anchor_ms
        self.users = []
        self.organizations = []
        self.projects = []
        self.additional_keys = {}
        # rows of the query endpoint's other tables: (table, environment, {column: value})
        self.query_rows = []
        # whether the server speaks TLS, for the URLs that it makes
        self.tls = False
        self.writes = WriteState(self)
        if frozen:
            settings.now = anchor_ms

    # -- clocks -------------------------------------------------------------------------

    def real_now(self):
        """Return the clock of transport and tokens (ms): never frozen, maybe skewed."""
        return int(time.time() * 1000) + self.settings.clock_skew_ms

    def now(self):
        """Return the clock of data (ms): windows, next runs; it can be frozen."""
        frozen = self.settings.now
        return self.real_now() if frozen is None else frozen

    # -- lookups ------------------------------------------------------------------------

    @staticmethod
    def bulk_key():
        """Return the root key of the environment that a generated data set fills."""
        return credentials.TR_PROD

    def user_of_token(self, token):
        """Return the user of a personal access token, or None."""
        for user in self.users:
            if token in user.tokens:
                return user
        return None

    def project_for(self, ref, user):
        """Return the project with this ref if the user may see it, or None."""
        for project in self.projects:
            if project.ref == ref and user in project.organization.members:
                return project
        return None

    def environment_by_id(self, env_id):
        """Return an environment by its internal id, or None."""
        for project in self.projects:
            for environment in project.environments:
                if environment.id == env_id:
                    return environment
        return None

    def environment_of_root_key(self, key):
        """Return the environment of a root key (also of a rotated one), or None."""
        for project in self.projects:
            for environment in project.environments:
                if environment.parent is None and (
                        environment.root_key == key or key in environment.rotated_keys):
                    return environment
        return None


def env_json(environment):
    """Return the `env` member of a list item: the user is shown for dev only."""
    owner = ',"user":"%s"' % environment.owner.name if environment.owner else ""
    return '{"id":"%s","name":"%s"%s}' % (environment.id, environment.slug, owner)


def build_skeleton(world):
    """Create organizations, projects, environments, users and keys."""
    created = world.anchor_ms - 500 * 86400000
    owner = User("cu0owner00000000000000001", "Owner", "owner@example.test", (credentials.PAT,))
    other = User("cu0other00000000000000002", "Other", "other@example.test",
                 (credentials.PAT_OTHER,))
    stranger = User("cu0stranger000000000000003", "Stranger", "stranger@example.test", ())
    world.users = [owner, other, stranger]
    acme = Organization("co0acme000000000000000001", "Acme Inc", "acme-inc-209e", created,
                        (owner, other))
    foreign = Organization("co0foreign00000000000002", "Foreign Ltd", "foreign-ltd-77aa", created,
                           (stranger,))
    world.organizations = [acme, foreign]

    alpha = Project("cp0alpha00000000000000001", credentials.PROJECT_ALPHA, "alpha",
                    "alpha-oAsJ", created, acme)
    # The order of creation is the "database order": a dev slug finds the colleague's first.
    prod = Environment("ce0alphaprod0000000000001", alpha, "prod", "PRODUCTION",
                       credentials.TR_PROD, "planning-speed", created_at=created)
    prod.rotated_keys = (credentials.TR_PROD_ROTATED,)
    Environment("ce0alphadevother000000002", alpha, "dev", "DEVELOPMENT",
                credentials.TR_DEV_OTHER, "quiet-lake", owner=other, created_at=created)
    # Has never been deployed to: its schedule list is empty whatever it holds.
    Environment("ce0alphastg00000000000003", alpha, "stg", "STAGING", credentials.TR_STG,
                "calm-river", has_worker=False, created_at=created)
    preview = Environment("ce0alphapreview0000000004", alpha, "preview", "PREVIEW",
                          credentials.TR_PREVIEW, "brave-tree", created_at=created)
    Environment("ce0alphadevowner000000005", alpha, "dev", "DEVELOPMENT", credentials.TR_DEV,
                "loud-stone", owner=owner, created_at=created)
    for number, branch in enumerate((credentials.BRANCH_FEATURE, credentials.BRANCH_FIX)):
        Environment("ce0alphabranch%d000000000" % number, alpha, "preview-" + branch, "PREVIEW",
                    credentials.TR_PREVIEW, "branch-%d" % number, parent=preview,
                    branch_name=branch, created_at=created + number)

    beta = Project("cp0beta000000000000000002", credentials.PROJECT_BETA, "beta", "beta-9fKd",
                   created, acme)
    Environment("ce0betaprod00000000000001", beta, "prod", "PRODUCTION", credentials.TR_BETA_PROD,
                "beta-prod", created_at=created)
    Environment("ce0betastg000000000000002", beta, "stg", "STAGING", credentials.TR_BETA_STG,
                "beta-stg", created_at=created)
    Environment("ce0betadev000000000000003", beta, "dev", "DEVELOPMENT", credentials.TR_BETA_DEV,
                "beta-dev", owner=owner, created_at=created)

    gamma = Project("cp0foreign0000000000003", credentials.PROJECT_FOREIGN, "foreign",
                    "foreign-1aB2", created, foreign)
    Environment("ce0foreignprod0000000001", gamma, "prod", "PRODUCTION",
                credentials.TR_FOREIGN_PROD, "foreign-prod", created_at=created)
    world.projects = [alpha, beta, gamma]

    expired = int(time.time() * 1000) - 3600000
    for key in (
            AdditionalKey(credentials.TR_PROD_SK, prod),
            AdditionalKey(credentials.TR_PROD_SK_RO, prod, scopes=("read:runs",)),
            AdditionalKey(credentials.TR_PROD_SK_ENVVARS_RO, prod, scopes=("read:envvars",)),
            AdditionalKey(credentials.TR_PROD_SK_EXPIRED, prod, expires_at=expired),
            AdditionalKey(credentials.TR_PROD_SK_REVOKED, prod, revoked=True)):
        world.additional_keys[key.text] = key

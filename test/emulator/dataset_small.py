"""The data set `small`: a little of everything that can go wrong, deterministic by seed."""

import hashlib
import random

import credentials
from run_model import MACHINES, Run
from run_status import DISPLAY, FINAL
from schedules import Schedule

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_TASKS = ("process-order", "send-email", "generate-report", "always-fails", "long-running",
          "daily-digest", "hourly-sync", "chat-agent")
_TAG_SETS = ((), ("even", "user:0"), ("odd", "user:1"), ("a", "b", "c"), ("with,comma",),
             ("Ünïcode tag", "日本"), ("  padded  ", "two words"), ("user:1", "plan:pro"),
             ("quote\"d", "back\\slash"), ("UPPER", "upper"))
_REGIONS = ("us-east-1", "eu-central-1", None)
_VERSIONS = ("20260101.1", "20260101.2", "20260315.1")
_METADATA = (
    None,
    '{"progress":1,"label":"run","nested":{"k":[1,null]}}',
    '{"big":18446744073709551616,"exact":0.12345678901234567890123}',
    '{"text":"h\\u00e9llo ✓ 日本 \\ud83d\\ude00 😀","escape":"a\\"b\\\\c\\/d\\n\\t"}',
    '{}',
    '{"deep":{"a":{"b":{"c":[[[1],[2,[3]]],{"d":null}]}}},"flag":true,"empty":[]}',
    '{"negative":-9007199254740993,"exponent":1.5e+300,"zero":0.0,"small":1E-7}',
)
_JSON_VALUES = (
    '{"to":"u@example.test","i":1,"unicode":"héllo ✓","deep":{"x":[true,null]}}',
    '"plain text"', '42', '-0.5', '18446744073709551616', '0.12345678901234567890123', 'true',
    'null', '[1,"two",null,{"three":3}]', '[]', '{}', '""',
    '{"escape":"tab\\t quote\\" backslash\\\\ slash\\/ \\u0001 emoji 😀 \\ud83d\\ude80"}',
    None,
)
_COSTS = (0, 0.06301899999999999, 0.0214669, 1.1234567890123457, 0.07225279999999999, 12)
_ERRORS = (
    '{"message":"plain string failure"}',
    '{"name":"TypeError","message":"Cannot read properties of undefined (reading \'boom\')",'
    '"stackTrace":"TypeError: Cannot read properties of undefined\\n    at run (fail.ts:10:5)"}',
    '{"name":"Error","message":"Ünïcode \\"quoted\\" message"}',
)
BULK_ACTION = "bulk_small00000000000000001"
BATCHES = ("batch_small0000000000000001", "batch_small0000000000000002")
ERRORS = ("error_0000000000000001", "error_0000000000000002", "error_0000000000000003")


class _Maker:
    """Makes the runs of one environment."""

    def __init__(self, seed, environment, anchor):
        self.seed = seed
        self.environment = environment
        self.anchor = anchor
        self.rng = random.Random("%s/%s" % (seed, environment.id))
        self.made = 0

    def new_id(self):
        """Return an internal id that depends on neither clock nor order."""
        self.made += 1
        text = "%s/%s/%d" % (self.seed, self.environment.id, self.made)
        return "cm" + hashlib.sha1(text.encode()).hexdigest()[:23]

    def add(self, age, **attributes):
        """Add a run created `age` ms before the anchor."""
        run = Run(self.new_id(), self.anchor - age, **attributes)
        self.environment.runs.add(run)
        return run

    def usual(self, index, age, status, **attributes):
        """Add a run with plausible values for its status."""
        created = self.anchor - age
        task = _TASKS[index % len(_TASKS)]
        started = created + 2 * SECOND + index % 7
        ran = status not in ("PENDING", "DELAYED", "PENDING_VERSION", "WAITING_FOR_DEPLOY",
                             "EXPIRED")
        duration = (index * 37) % 4000 + 1 if ran else 0
        completed = None
        if status in FINAL:
            completed = started + duration
        failed = status in ("COMPLETED_WITH_ERRORS", "CRASHED", "SYSTEM_FAILURE", "TIMED_OUT",
                            "INTERRUPTED")
        key = "key-%d" % index if index % 5 == 0 else None
        values = {
            "status": status,
            "task": task,
            "version": _VERSIONS[index % 3] if ran else None,
            "updated_at": (completed or created) + 500,
            "started_at": started if ran and status != "DEQUEUED" else None,
            "locked_at": started - 100 if ran else None,
            "completed_at": completed,
            "ttl": "10m" if status == "EXPIRED" else ("1h" if index % 11 == 0 else None),
            "expired_at": created + 10 * MINUTE if status == "EXPIRED" else None,
            "delayed_until": self.anchor + DAY if status == "DELAYED" else (
                created + SECOND if index % 13 == 0 else None),
            "is_test": index % 9 == 0,
            "tags": _TAG_SETS[index % len(_TAG_SETS)],
            "cost_in_cents": _COSTS[index % len(_COSTS)] if ran else 0,
            "base_cost_in_cents": 0.0025 if ran else 0,
            "duration_ms": duration,
            "metadata": _METADATA[index % len(_METADATA)],
            "task_kind": _kind(task),
            "region": _REGIONS[index % 3],
            "idempotency_key": key,
            "idempotency_key_hash": hashlib.sha256(key.encode()).hexdigest() if key else None,
            "queue": "email-queue" if task == "send-email" else None,
            "machine": MACHINES[index % len(MACHINES)],
            "batch_id": BATCHES[index % 2] if index % 6 == 1 else None,
            "bulk_action_ids": (BULK_ACTION,) if index % 17 == 3 else (),
            "error_id": ERRORS[index % 3] if failed else None,
            "payload": _JSON_VALUES[index % len(_JSON_VALUES)],
            "output": _JSON_VALUES[(index + 5) % len(_JSON_VALUES)]
            if status == "COMPLETED_SUCCESSFULLY" else None,
            "error": _error_of(status, index, failed),
            "attempt_count": (3 if failed else 1) if ran else 0,
            "trigger_function": ("trigger", "batchTrigger", "triggerAndWait",
                                 "batchTriggerAndWait")[index % 4],
            "idempotency_key_scope": ("global", "run", "attempt")[index // 5 % 3],
            "concurrency_key": "user-%d" % (index % 4) if index % 8 == 3 else None,
            "max_duration": 300 if index % 6 == 0 else None,
        }
        values.update(attributes)
        return self.add(age, **values)


def _kind(task):
    if task in ("hourly-sync", "daily-digest"):
        return "SCHEDULED"
    return "AGENT" if task == "chat-agent" else "STANDARD"


def _error_of(status, index, failed):
    if status == "CANCELED":
        return '{"message":"Canceled by user"}'
    if status == "EXPIRED":
        return '{"message":"Run expired because the TTL (10m) was reached"}'
    return _ERRORS[index % len(_ERRORS)] if failed else None


def _ages():
    """Return ages from 0 s to 400 days, dense when young, with the edges of the windows."""
    ages = [0, 1, 250, 999, 1000, 5 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE]
    ages += [HOUR * step for step in range(1, 24, 2)]
    ages += [DAY * 1 + step * 7 * HOUR for step in range(20)]
    ages += [7 * DAY - 2 * MINUTE, 7 * DAY - 1 * HOUR, 7 * DAY + 1, 7 * DAY + HOUR]
    ages += [8 * DAY + step * 11 * HOUR for step in range(48)]
    ages += [30 * DAY + 1, 30 * DAY + HOUR, 31 * DAY]
    ages += [32 * DAY + step * 5 * DAY for step in range(72)]
    ages += [395 * DAY, 400 * DAY]
    return ages


def _fill_prod(world, seed, environment, schedules):
    maker = _Maker(seed, environment, world.anchor_ms)
    statuses = list(DISPLAY)
    for index, age in enumerate(_ages()):
        # every second run completed, the others go through all statuses
        status = "COMPLETED_SUCCESSFULLY" if index % 2 else statuses[index // 2 % len(statuses)]
        run = maker.usual(index, age, status)
        if run.task_kind == "SCHEDULED":
            run.schedule_id = schedules[index % 5].id
    # more runs than a page holds in one millisecond; the index still knows some of them as
    # queued, so that a status filter gets empty pages with a next cursor
    for index in range(120):
        maker.usual(index, 3 * DAY, "COMPLETED_SUCCESSFULLY", task="process-order",
                    queue=None, batch_id=BATCHES[0], task_kind="STANDARD",
                    tags=("import", "user:%d" % (index % 3)), payload='{"row":%d}' % index,
                    indexed_as=("PENDING", "COMPLETED_SUCCESSFULLY"))
    for index in range(6):
        maker.usual(index, 12 * DAY, "CANCELED", indexed_as=("EXECUTING", "CANCELED"))
    # rows that the index has, but the database has not any more
    for index in range(30):
        maker.usual(index, 20 * DAY + index, "COMPLETED_SUCCESSFULLY", deleted=True)
    for index in range(5):
        maker.usual(index, index * 37 * HOUR + 3 * MINUTE, "COMPLETED_SUCCESSFULLY",
                    deleted=True)
    _add_specials(maker)


def _add_specials(maker):
    """Add the runs that tests look for by their tag."""
    large = '{"offloaded":true,"big":18446744073709551616,"filler":"%s"}' % ("x" * 4000)
    maker.usual(1, 2 * DAY + 17, "COMPLETED_SUCCESSFULLY", tags=("special:offloaded",),
                payload=large, payload_offloaded=True, output=large, output_offloaded=True)
    root = maker.usual(3, 2 * DAY + 60 * SECOND, "COMPLETED_WITH_ERRORS",
                       tags=("special:family",))
    child = maker.usual(1, 2 * DAY + 50 * SECOND, "COMPLETED_SUCCESSFULLY",
                        tags=("special:family",), depth=1, root_id=root.id, parent_id=root.id)
    for index in range(2):
        maker.usual(5 + index, 2 * DAY + (40 + index) * SECOND, "COMPLETED_SUCCESSFULLY",
                    tags=("special:family",), depth=2, root_id=root.id, parent_id=child.id)
    # final without a completion time: the list falls back to updatedAt, retrieve does not
    maker.usual(2, 2 * DAY + 30 * SECOND, "CANCELED", tags=("special:fallback",),
                completed_at=None, started_at=None)
    for number, (payload, output) in enumerate((
            ("null", "null"), (None, None), ('"text"', '"text"'), ("[]", "{}"),
            ("18446744073709551616", "-0.12345678901234567890123"))):
        maker.usual(1, 2 * DAY + number * SECOND, "COMPLETED_SUCCESSFULLY",
                    tags=("special:json", "special:json:%d" % number), payload=payload,
                    output=output, metadata=None)



def _fill_other(world, seed, environment, count, step):
    """Add `count` plain runs, one every `step` ms."""
    maker = _Maker(seed, environment, world.anchor_ms)
    statuses = list(DISPLAY)
    for index in range(count):
        status = "COMPLETED_SUCCESSFULLY" if index % 3 else statuses[index % len(statuses)]
        maker.usual(index, index * step + MINUTE, status, batch_id=None)


def _add_schedules(project, environment, count, prefix):
    """Add `count` schedules in all variants; returns them oldest first."""
    zones = ("UTC", "Europe/Paris", "Asia/Tokyo", "America/New_York", "Australia/Sydney")
    made = []
    for number in range(count):
        expression = ("%d %d * * *" % (number % 60, number % 24) if number % 3
                      else "*/%d * * * *" % (number % 29 + 2))
        if number == 7:
            expression = "0 0 L * *"
        schedule = Schedule(
            project.schedules.new_id(), "daily-digest" if number % 2 else "hourly-sync",
            expression, [environment], timezone=zones[number % len(zones)],
            external_id="user_%d" % number if number % 4 == 1 else None,
            deduplication_key="%s-%03d" % (prefix, number) if number % 5 else None,
            window="10m" if number % 10 == 4 else ("5%" if number % 10 == 8 else None),
            active=number % 9 != 8, declarative=number == 0)
        project.schedules.add(schedule)
        made.append(schedule)
    return made


def _add_envvars(project, environment, label):
    """Add about thirty variables to one environment."""
    variables = project.envvars
    variables.set(environment, "DATABASE_URL", "postgres://db.%s/app" % label, True)
    variables.set(environment, "LOG_LEVEL", label)
    variables.set(environment, "API_TOKEN", "s3cr3t-%s" % label, True)
    variables.set(environment, "LITERAL_REDACTED", "<redacted>")
    variables.set(environment, "MULTI_LINE", 'line1\nline2\t"q"')
    variables.set(environment, "UNICODE", "héllo ✓ 日本 😀")
    variables.set(environment, "EQUALS", "a=b=c&d")
    variables.set(environment, "SPACES", "  padded  ")
    variables.set(environment, "BACKSLASH", "c:\\temp\\x 'quoted'")
    variables.set(environment, "lower_case", "lower")
    variables.set(environment, "LOWER_CASE", "upper")
    variables.set(environment, "has space", "name with a space")
    variables.set(environment, "path/with/slash", "name with slashes")
    variables.set(environment, "with%percent", "50%")
    variables.set(environment, "dotted.name-1", "x")
    variables.set(environment, "LONG", "0123456789" * 500)
    variables.set(environment, "JSON", '{"a":[1,2,{"b":null}]}')
    variables.set(environment, "ONLY_" + label.upper().replace("-", "_"), "only here")
    for number in range(12):
        variables.set(environment, "PLAIN_%02d" % number, "value %d of %s" % (number, label),
                      number % 6 == 5)


def _fill_project(world, seed, project, runs):
    prod = project.environment("prod")
    # schedules exist before the runs that they started
    schedules = _add_schedules(project, prod, 230, "dedup")
    if runs:
        _fill_prod(world, seed, prod, schedules)
    for environment in project.environments:
        label = environment.slug
        if environment.slug == "dev":
            label = "dev-" + environment.owner.name.lower()
            _add_schedules(project, environment, 4, label)
        if environment.slug == "stg":
            # listed as none, because this environment never had a worker
            _add_schedules(project, environment, 3, "stg")
        if environment.parent is None:
            _add_envvars(project, environment, label)
        if not runs or environment is prod:
            continue
        if environment.parent is not None:
            _fill_other(world, seed, environment, 20, 6 * HOUR)
        elif environment.slug != "preview":
            _fill_other(world, seed, environment, 40, 9 * HOUR)


def fill_small(world, seed, runs=True):
    """Fill the world; `runs` False leaves the runs out (for a generated data set)."""
    alpha, beta, foreign = world.projects
    _fill_project(world, seed, alpha, runs)
    feature = alpha.branch(credentials.BRANCH_FEATURE)
    preview = alpha.environment("preview")
    variables = alpha.envvars
    variables.set(preview, "PARENT_ONLY", "from-parent")
    variables.set(preview, "PARENT_SECRET", "parent-secret", True)
    variables.set(feature, "LOG_LEVEL", "trace")
    variables.set(feature, "BRANCH_ONLY", "branch-value")
    variables.set(feature, "BRANCH_SECRET", "branch-secret", True)
    # plain on the branch, secret on the parent: shown as secret
    variables.set(feature, "API_TOKEN", "branch-token", False)
    for environment in (*beta.environments, *foreign.environments):
        variables = environment.project.envvars
        variables.set(environment, "LOG_LEVEL", environment.slug)
        variables.set(environment, "DATABASE_URL", "postgres://other/app", True)
        if runs:
            _fill_other(world, seed, environment, 12, 5 * HOUR)

"""Making a run: what each trigger option does, and when an earlier run is returned instead.

The forgiving ways are the real server's: unknown tasks, queues and options, a past or
unreadable delay and a nonsense ttl are all accepted.
"""

import hashlib
import re

import exact_json
import run_metadata
import superjson
from checks import (
    anything, array, boolean, fields, mapping, number, one_of, string, union,
)
from run_model import DEFAULTS, MACHINES, Run
from run_query import parse_date
from run_status import FINAL

MAX_BODY = 3145728
# from this size on, the server itself moves a payload to the object store
OFFLOAD_FROM = 524288
MAX_TAGS = 10
VERSIONS = ("20260101.1", "20260101.2", "20260315.1", "20261124.1")
REGIONS = ("us-east-1", "eu-central-1")
# queues that tasks name in their code; every other task has its own
TASK_QUEUES = {"send-email": "email-queue"}
DAY_MS = 86400000
# the end of the year 9999
LAST_MS = 253402300799999
_KEY_LIFE_MS = 30 * DAY_MS
# an earlier run in one of these does not answer for its idempotency key any more
_CLEARS_KEY = frozenset(("INTERRUPTED", "COMPLETED_WITH_ERRORS", "SYSTEM_FAILURE", "CRASHED",
                         "TIMED_OUT", "EXPIRED"))
_UNITS = {"w": 7 * DAY_MS, "d": DAY_MS, "hr": 3600000, "h": 3600000, "m": 60000, "s": 1000}
_SPAN = re.compile(r"(?:\d+(?:w|d|hr|h|m|s))+")
_SPAN_PART = re.compile(r"(\d+)(w|d|hr|h|m|s)")
_TTL = re.compile(r"(\d+)([smhd])")
_UNFIT_FOR_QUEUE = re.compile(r"[^A-Za-z0-9_/-]")


def _delay(value, path, issues):
    if not isinstance(value, (str, bool, exact_json.Number)) and value is not None:
        issues.append({"code": "invalid_date", "path": list(path), "message": "Invalid date"})


TAGS = union(string(128, "Tags must be less than 128 characters"),
             array(string(128, "Tags must be less than 128 characters")))
KEY = string(2048, "idempotencyKey must be 2048 characters or less")
KEY_OPTIONS = fields(("key", "scope"), key=string(), scope=one_of("run", "attempt", "global"))
_OPTIONS = {
    "parentBatch": string(), "parentRunId": string(), "resumeParentOnCompletion": boolean,
    "lockToVersion": string(), "externalDeploymentId": string(128),
    "queue": fields(("name",), name=string(), concurrencyLimit=number(integer=True)),
    "gates": array(mapping), "concurrency": anything,
    "concurrencyKey": union(string(), number()), "delay": _delay, "idempotencyKey": KEY,
    "idempotencyKeyTTL": string(), "idempotencyKeyOptions": KEY_OPTIONS,
    "machine": one_of(*MACHINES), "maxAttempts": number(integer=True),
    "maxDuration": number(), "metadata": anything, "metadataType": string(),
    "payloadType": string(), "payloadSize": number(integer=True, least=0), "tags": TAGS,
    "test": boolean, "ttl": union(string(), number(integer=True, least=0)),
    "priority": number(), "bulkActionId": string(), "region": string(),
    "debounce": fields(("key", "delay"), key=string(512), delay=string(),
                       mode=one_of("leading", "trailing"), maxDelay=string()),
}
OPTIONS = fields((), **_OPTIONS)
_BODY = fields((), payload=anything, context=anything, options=OPTIONS)


def check_body(value, path, issues):
    """Check the body of a trigger request."""
    _BODY(value, path, issues)
    if issues or (value.get("options") or {}).get("payloadType") != "application/store":
        return
    if not isinstance(value.get("payload"), str) or not value["payload"]:
        issues.append({"code": "custom", "path": ["payload"], "message":
                       "payload must be a non-empty string when options.payloadType is "
                       "application/store"})


class TriggerError(Exception):
    """The trigger is refused."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


def span_ms(text):
    """Return the length of a duration text such as 2d12h, or None."""
    if not _SPAN.fullmatch(text):
        return None
    return sum(int(count) * _UNITS[unit] for count, unit in _SPAN_PART.findall(text))


def date_ms(text):
    """Return what JavaScript's Date makes of a text; digits alone are at most a year."""
    if text.isdigit():
        return parse_date(text + "-01-01") if len(text) == 4 else None
    return parse_date(text)


def delay_until(value, now):
    """Return the moment of a delay, or None for now: also of a past or unreadable one."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, exact_json.Number):
        number = float(value.text)
        moment = int(number) if abs(number) <= LAST_MS else None
    else:
        moment = date_ms(value)
        span = span_ms(value) if moment is None else None
        moment = now + span if span else moment
    return moment if moment is not None and now < moment <= LAST_MS else None


def ttl_text(value, environment):
    """Return the stored ttl: a number of seconds becomes a duration text, 0 means none."""
    if value is None:
        return "10m" if environment.type == "DEVELOPMENT" else None
    if isinstance(value, str):
        return exact_json.well_formed(value)
    seconds, text = int(value), ""
    for unit, length in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            text += "%d%s" % (count, unit)
    return text or None


def key_expiry(ttl, now):
    """Return when an idempotency key ends; anything unreadable is ignored: None."""
    found = _TTL.fullmatch(ttl) if ttl else None
    return now + int(found.group(1)) * _UNITS[found.group(2)] if found else None


class Trigger:
    """One trigger: task, payload, options, and where it comes from."""

    def __init__(self, task, payload, has_payload, options, header_key=None, header_ttl=None,
                 batch_id=None, token=None, function="trigger"):
        self.task = task
        self.payload = payload
        self.has_payload = has_payload
        self.options = options or {}
        # the older headers win over the options
        key = header_key or self.options.get("idempotencyKey")
        self.key = exact_json.well_formed(key) if key else None
        self.key_ttl = header_ttl
        self.batch_id = batch_id
        self.token = token
        self.function = function

    @classmethod
    def of_item(cls, task, item, **more):
        """Make one from a request body or a batch item."""
        return cls(task, item.get("payload"), "payload" in item, item.get("options"), **more)


class Triggering:
    """Makes runs in a world."""

    def __init__(self, world):
        self.world = world

    def call(self, environment, trigger):
        """Return (run, whether it existed already); raises TriggerError."""
        options = trigger.options
        now = self.world.now()
        tags = options.get("tags") or []
        tags = [tags] if isinstance(tags, str) else tags
        if len(tags) > MAX_TAGS:
            raise TriggerError(422, "Runs can only have %d tags, you're trying to set %d." % (
                MAX_TAGS, len(tags)))
        debounce = options.get("debounce")
        until = delay_until(options.get("delay", debounce["delay"] if debounce else None), now)
        if debounce and (until is None or not span_ms(debounce["delay"])):
            raise TriggerError(422, "Debounce requires a valid delay duration. Provided: %s"
                               % debounce["delay"])
        parent = self._parent(environment, trigger)
        expires = None
        if trigger.key:
            expires = key_expiry(trigger.key_ttl, now) or key_expiry(
                options.get("idempotencyKeyTTL"), now) or now + _KEY_LIFE_MS
            earlier = self.earlier_run(environment, trigger.task, trigger.key, clear=True)
            if earlier is not None:
                return earlier, True
        version = self._version(environment, trigger)
        attributes = {
            "task": trigger.task, "created_at": now, "delayed_until": until,
            "status": "DELAYED" if until else "PENDING", "version": version,
            "queue": self._queue(environment, trigger), "batch_id": trigger.batch_id,
            "ttl": ttl_text(options.get("ttl"), environment),
            "tags": [exact_json.well_formed(tag) for tag in tags if tag.strip()],
            "is_test": options.get("test", False), "trigger_function": trigger.function,
            "machine": options.get("machine") or DEFAULTS["machine"],
            "region": self._region(options), "idempotency_key_hash": trigger.key,
            "idempotency_expires_at": expires,
            "idempotency_key": self._shown_key(trigger),
            "task_kind": "SCHEDULED" if environment.project.tasks.get(trigger.task)
            else "STANDARD",
            "triggered_with": self._hidden(trigger),
        }
        if parent is not None:
            attributes.update(parent_id=parent.id, root_id=parent.root_id or parent.id,
                              depth=parent.depth + 1)
        self._add_metadata(options, attributes)
        self._add_payload(environment, trigger, attributes)
        if trigger.token:
            self.use_token(trigger.token, "trigger " + trigger.task)
        if debounce:
            run = self._debounced(environment, trigger, attributes)
            if run is not None:
                return run, False
        return self._insert(environment, trigger, attributes), False

    # -- the parts ----------------------------------------------------------------------

    def earlier_run(self, environment, task, key, clear=False):
        """Return the run that answers for an idempotency key, or None.

        `clear` takes the key from a run whose key has expired or which failed.
        """
        run = environment.runs.by_key(task, key)
        if run is None:
            return None
        ended = run.idempotency_expires_at
        if ended is None:
            ended = run.created_at + _KEY_LIFE_MS
        if ended < self.world.now() or run.status in _CLEARS_KEY:
            if clear:
                self.clear_key(environment, run)
            return None
        return run

    @staticmethod
    def clear_key(environment, run):
        """Take the idempotency key from a run."""
        environment.runs.change(run.id, {"idempotency_key_hash": None,
                                         "idempotency_expires_at": None,
                                         "idempotency_key": None})

    def use_token(self, token, what):
        """Consume a one-time token; a second use is refused."""
        if token in self.world.writes.used_tokens:
            raise TriggerError(422, "Cannot %s with a one-time use token as it has already been "
                                    "used." % what)
        self.world.writes.used_tokens.add(token)

    @staticmethod
    def _parent(environment, trigger):
        parent = environment.runs.find(trigger.options.get("parentRunId") or "")
        if parent is not None and parent.status in FINAL \
                and trigger.options.get("resumeParentOnCompletion"):
            raise TriggerError(422, "Cannot trigger %s as the parent run has a status of %s" % (
                trigger.task, parent.status))
        return parent

    @staticmethod
    def _version(environment, trigger):
        version = trigger.options.get("lockToVersion")
        if not version:
            return None
        if version not in VERSIONS:
            raise TriggerError(500, "Something went wrong")
        if trigger.task not in environment.project.tasks:
            raise TriggerError(422, "Task '%s' not found on locked version '%s'." % (
                trigger.task, version))
        queue = (trigger.options.get("queue") or {}).get("name")
        if queue and queue not in TASK_QUEUES.values() and not queue.startswith("task/"):
            raise TriggerError(422, "Specified queue '%s' not found or not associated with "
                                    "locked version '%s'." % (queue, version))
        return version

    @staticmethod
    def _queue(environment, trigger):
        name = (trigger.options.get("queue") or {}).get("name", "")
        own = _UNFIT_FOR_QUEUE.sub("", "task/" + trigger.task)
        if trigger.task in environment.project.tasks:
            own = TASK_QUEUES.get(trigger.task, own)
        return _UNFIT_FOR_QUEUE.sub("", name)[:128] or own[:128]

    @staticmethod
    def _region(options):
        region = options.get("region")
        if region and region not in REGIONS:
            raise TriggerError(422, 'The region you specified doesn\'t exist ("%s").' % region)
        return region or DEFAULTS["region"]

    @staticmethod
    def _shown_key(trigger):
        """Return the key that retrieve shows: what the user typed before it was hashed."""
        typed = trigger.options.get("idempotencyKeyOptions")
        if trigger.key is None or typed is None:
            return trigger.key
        return exact_json.well_formed(typed["key"])

    @staticmethod
    def _hidden(trigger):
        """Return the options that neither list nor retrieve shows, for the oracle."""
        options = trigger.options
        shown = {}
        for name in ("maxAttempts", "priority", "concurrencyKey", "lockToVersion",
                     "payloadType"):
            value = options.get(name)
            if value is not None:
                shown[name] = value.text if isinstance(value, exact_json.Number) else value
        if options.get("maxDuration") is not None:
            shown["maxDuration"] = str(max(options["maxDuration"].decimal(), 5))
        return shown

    @staticmethod
    def _add_metadata(options, attributes):
        try:
            text = run_metadata.stored_text(
                options.get("metadata"), options.get("metadataType") or "application/json")
        except run_metadata.MetadataTooLarge:
            raise TriggerError(413, run_metadata.TOO_LARGE) from None
        attributes["metadata"] = attributes["seed_metadata"] = text

    def _add_payload(self, environment, trigger, attributes):
        """Store the payload: small ones in the form shown, large ones as they were sent."""
        kind = trigger.options.get("payloadType") or "application/json"
        payload = trigger.payload
        if not trigger.has_payload:
            return
        if kind == "application/json":
            raw = shown = exact_json.write(payload)
        elif not isinstance(payload, str):
            # dropped without a word
            return
        elif kind == "application/store":
            found = self.world.writes.packets.get((environment.id, payload))
            attributes.update(payload_path=payload, payload_offloaded=True,
                              payload=found[0].decode("utf-8", "replace") if found else "")
            return
        else:
            raw = exact_json.well_formed(payload)
            shown = superjson.plain_text(raw) if kind == "application/super+json" \
                else exact_json.write(payload)
        data = raw.encode()
        if len(data) < OFFLOAD_FROM:
            attributes["payload"] = shown
            return
        if not self.world.settings.object_store:
            raise TriggerError(500, "Failed to upload large payload to object store")
        path = "payloads/%s.json" % hashlib.sha256(data).hexdigest()
        self.world.writes.packets[environment.id, path] = (data, kind)
        attributes.update(payload=raw, payload_offloaded=True, payload_path=path)

    def _debounced(self, environment, trigger, attributes):
        """Return the delayed run that this trigger only pushes further back, or None."""
        debounce = trigger.options["debounce"]
        name = (environment.id, trigger.task, debounce["key"])
        run = environment.runs.find(self.world.writes.debounced.get(name, ""))
        if run is None or run.status != "DELAYED":
            return None
        changes = {"delayed_until": attributes["delayed_until"]}
        if debounce.get("mode") == "trailing":
            changes.update({key: attributes[key] for key in ("payload", "metadata")})
            changes["tags"] = tuple(sorted(attributes["tags"]))
        self.world.writes.change_run(environment, run.id, **changes)
        self.schedule(environment, run)
        return run

    def _insert(self, environment, trigger, attributes):
        writes = self.world.writes
        run = Run(writes.new_id(), attributes.pop("created_at"),
                  inserted_at=self.world.real_now(), **attributes)
        environment.runs.add(run)
        if trigger.options.get("debounce"):
            name = (environment.id, trigger.task, trigger.options["debounce"]["key"])
            writes.debounced[name] = run.id
        self.schedule(environment, run)
        return run

    # -- what happens to it later -------------------------------------------------------

    def schedule(self, environment, run):
        """Let the delay, the ttl and the missing task of a run take effect in time."""
        writes = self.world.writes
        if run.status == "DELAYED":
            until = run.delayed_until
            writes.at("data", until, lambda: self._enqueue(environment, run.id, until))
        elif run.status == "PENDING":
            self._start_waiting(environment, run)

    def _enqueue(self, environment, run_id, until):
        run = environment.runs.find(run_id)
        if run is not None and run.status == "DELAYED" and run.delayed_until == until:
            self.world.writes.change_run(environment, run_id, status="PENDING")
            self._start_waiting(environment, run)

    def _start_waiting(self, environment, run):
        settings, writes = self.world.settings, self.world.writes
        life = span_ms(run.ttl) if run.ttl else None
        if life:
            writes.at("data", self.world.now() + life,
                      lambda: self._expire(environment, run.id))
        if settings.pending_version_ms is not None \
                and run.task not in environment.project.tasks:
            writes.after(settings.pending_version_ms,
                         lambda: self._miss_version(environment, run.id))

    def _expire(self, environment, run_id):
        run = environment.runs.find(run_id)
        if run is not None and run.status in ("PENDING", "PENDING_VERSION"):
            now = self.world.now()
            self.world.writes.change_run(
                environment, run_id, status="EXPIRED", expired_at=now, completed_at=now,
                error=exact_json.write({
                    "message": "Run expired because the TTL (%s) was reached" % run.ttl}))

    def _miss_version(self, environment, run_id):
        run = environment.runs.find(run_id)
        if run is not None and run.status == "PENDING":
            self.world.writes.change_run(environment, run_id, status="PENDING_VERSION")


def token_mark(token):
    """Return what is remembered of a used one-time token."""
    return hashlib.sha256(token.encode()).hexdigest()

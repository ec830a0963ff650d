"""Schedules of a project: project-wide objects with an instance per environment."""

import hashlib
import re
import zlib

import cron
from jsontext import iso

_WINDOW = re.compile(r"^(?:(0|[1-9]\d*)([mh])|(0|[1-9]\d?|100)%)$")
_DEFAULT_WINDOW_MS = 60000


def normalise_window(text):
    """Return the canonical window text, or None when it is not acceptable."""
    found = _WINDOW.match(text)
    if not found:
        return None
    if found.group(3) is not None:
        return text
    minutes = int(found.group(1)) * (60 if found.group(2) == "h" else 1)
    if minutes > 24 * 60:
        return None
    if minutes and minutes % 60 == 0:
        return "%dh" % (minutes // 60)
    return "%dm" % minutes


class Schedule:
    """One schedule; `environments` are the environments with an instance of it."""

    def __init__(self, schedule_id, task, expression, environments, timezone="UTC",
                 external_id=None, deduplication_key=None, window=None, active=True,
                 declarative=False):
        self.id = schedule_id
        self.task = task
        self.expression = expression
        self.environments = environments
        self.timezone = timezone
        self.external_id = external_id
        # only what the user gave; a generated key is not shown
        self.deduplication_key = deduplication_key
        self.window = window
        self.active = active
        self.declarative = declarative

    def _head(self, now):
        """Return (generator, nextRun, nextRunEffectiveAt), as if the schedule were active."""
        nominal = cron.next_run(self.expression, self.timezone, now)
        generator = {"type": "CRON", "expression": self.expression,
                     "description": cron.describe(self.expression)}
        if nominal is None:
            return generator, None, None
        return generator, iso(nominal), iso(nominal + self._jitter(nominal, now))

    def _jitter(self, nominal, now):
        """Return the constant shift of this schedule inside its window, in ms."""
        length = _DEFAULT_WINDOW_MS
        if self.window and self.window.endswith("%"):
            following = cron.next_run(self.expression, self.timezone, nominal) or nominal
            length = max(1, (following - nominal) * int(self.window[:-1]) // 100)
        elif self.window:
            length = max(1, int(self.window[:-1]) * (
                3600000 if self.window.endswith("h") else 60000))
        return zlib.crc32(self.id.encode()) % length

    def _type(self):
        return "DECLARATIVE" if self.declarative else "IMPERATIVE"

    def list_item(self, now):
        """Return the form of the list: externalId null, nextRun even when inactive."""
        generator, next_run, effective = self._head(now)
        item = {"id": self.id, "type": self._type(), "task": self.task, "generator": generator,
                "timezone": self.timezone}
        if self.window is not None:
            item["window"] = self.window
        if self.deduplication_key is not None:
            item["deduplicationKey"] = self.deduplication_key
        item.update(externalId=self.external_id, active=self.active, nextRun=next_run,
                    nextRunEffectiveAt=effective)
        item["environments"] = [self._listed(environment) for environment in self.environments]
        return item

    @staticmethod
    def _listed(environment):
        shown = {"id": environment.id, "type": environment.type, "slug": environment.slug}
        if environment.owner:
            shown["userName"] = environment.owner.name
        return shown

    def _optional(self, item):
        item["timezone"] = self.timezone
        if self.window is not None:
            item["window"] = self.window
        if self.external_id is not None:
            item["externalId"] = self.external_id
        if self.deduplication_key is not None:
            item["deduplicationKey"] = self.deduplication_key

    def retrieved(self, now):
        """Return the form of retrieve and (de)activate: nextRun null when inactive."""
        generator, next_run, effective = self._head(now)
        item = {"id": self.id, "type": self._type(), "task": self.task, "active": self.active,
                "nextRun": next_run if self.active else None,
                "nextRunEffectiveAt": effective if self.active else None,
                "generator": generator}
        self._optional(item)
        item["environments"] = [
            {"id": environment.id, "type": environment.type}
            for environment in self.environments]
        return item

    def written(self, now):
        """Return the form of create and update: shortcodes, nextRun even when inactive."""
        generator, next_run, effective = self._head(now)
        item = {"id": self.id, "type": self._type(), "task": self.task, "active": self.active,
                "generator": generator}
        self._optional(item)
        item["environments"] = [self._coded(environment) for environment in self.environments]
        item.update(nextRun=next_run, nextRunEffectiveAt=effective)
        return item

    @staticmethod
    def _coded(environment):
        shown = {"id": environment.id, "shortcode": environment.shortcode,
                 "type": environment.type}
        if environment.owner:
            shown["userName"] = environment.owner.name
        return shown


class Schedules:
    """All schedules of a project, oldest first."""

    def __init__(self, seed):
        self._all = {}
        self._seed = seed
        self._created = 0

    def new_id(self):
        """Return a fresh id; deterministic, so that outputs can be compared."""
        self._created += 1
        text = "%s:schedule:%d" % (self._seed, self._created)
        number = int(hashlib.sha1(text.encode()).hexdigest(), 16)
        letters = []
        for _ in range(21):
            number, digit = divmod(number, 36)
            letters.append("0123456789abcdefghijklmnopqrstuvwxyz"[digit])
        return "sched_" + "".join(letters)

    def add(self, schedule):
        """Store a schedule as the newest one."""
        self._all[schedule.id] = schedule

    def remove(self, schedule):
        """Delete a schedule in all environments."""
        del self._all[schedule.id]

    def find(self, id_or_key):
        """Find by id, or by deduplication key for any text that is no id."""
        found = self._all.get(id_or_key)
        if found is None and not id_or_key.startswith("sched_"):
            found = self.by_key(id_or_key)
        return found

    def by_key(self, key):
        """Find by deduplication key, which is unique in the project."""
        for schedule in self._all.values():
            if key and schedule.deduplication_key == key:
                return schedule
        return None

    def of(self, environment):
        """Return the environment's schedules, newest first."""
        return [schedule for schedule in reversed(self._all.values())
                if environment in schedule.environments]

    def summary(self, schedule_id):
        """Return the `schedule` member of a run, or None."""
        schedule = self._all.get(schedule_id)
        if schedule is None:
            return None
        shown = {"id": schedule.id}
        if schedule.external_id is not None:
            shown["externalId"] = schedule.external_id
        if schedule.deduplication_key is not None:
            shown["deduplicationKey"] = schedule.deduplication_key
        shown["generator"] = {"type": "CRON", "expression": schedule.expression,
                              "description": cron.describe(schedule.expression)}
        return shown

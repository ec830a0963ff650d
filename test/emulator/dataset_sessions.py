"""The sessions of the data set `small`, and the records in their channels.

Ids ascend with the creation, as those of the real server do, except for a few pairs that have
changed places: there the paging by ids goes wrong. Nothing here takes from the random numbers
or ids of the other resources.
"""

import hashlib

import credentials
from run_status import FINAL
from sessions import Session

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_CONFIGS = (
    '{"basePayload":{"chatId":"c%d"}}',
    '{"basePayload":{"chatId":"c%d","message":"first","n":18446744073709551616},'
    '"machine":"small-1x","queue":"chats","tags":["chat"],"maxAttempts":3,"maxDuration":600,'
    '"region":"eu-central-1","idleTimeoutInSeconds":60}',
    '{"basePayload":{"chatId":"c%d","deep":{"a":[1,null,"héllo"]}},"maxAttempts":1}',
)
_TAG_SETS = ((), ("even", "user:0"), ("odd", "user:1"), ("with,comma",), ("with", "comma"),
             ("Ünïcode tag", "日本"), ("  padded  ", "UPPER", "upper"), ("quote\"d", "back\\slash"))
_METADATA = (
    None, '{"plan":"pro","seats":3}', '{}',
    '{"text":"h\\u00e9llo ✓ 日本 😀","escape":"a\\"b\\\\c\\/d\\n\\t"}',
    '{"nested":{"k":[1,null,{"x":true}]},"empty":[]}',
)
EXACT_METADATA = '{"big":18446744073709551616,"exact":0.12345678901234567890123,"zero":0.0}'
# ranks by age (0 is the newest) that have changed their ids
SWAPPED = ((3, 17), (12, 13), (25, 40), (30, 31))
LARGE = 1048000


def _ages():
    """Return the ages of alpha's prod sessions, youngest first, with ties."""
    ages = [0, 1, 999, SECOND, MINUTE, HOUR]
    ages += [5 * HOUR] * 4
    ages += [7 * HOUR + step * 5 * HOUR for step in range(10)]
    ages += [3 * DAY] * 3
    ages += [4 * DAY + step * 17 * HOUR for step in range(14)]
    ages += [20 * DAY + step * 9 * DAY for step in range(5)]
    ages += [100 * DAY, 100 * DAY, 399 * DAY]
    return ages


class _Maker:
    """Makes the sessions of one environment."""

    def __init__(self, world, seed, environment):
        self.world = world
        self.seed = seed
        self.environment = environment
        runs = list(environment.runs.all_runs())
        self.live = [run.id for run in runs if run.status not in FINAL]
        self.ended = [run.id for run in runs
                      if run.status in FINAL and run.task == "chat-agent"]

    def new_id(self, rank):
        """Return an internal id; the higher the rank, the later it seems to be made."""
        text = "%s/%s/session/%d" % (self.seed, self.environment.id, rank)
        return "cms%04d" % rank + hashlib.sha1(text.encode()).hexdigest()[:18]

    def run_of(self, index):
        """Return the run of a session: one that goes on, one that has ended, or none."""
        if index % 4 == 3:
            return None
        runs = self.live if index % 4 == 1 else self.ended
        return runs[index // 4 % len(runs)] if runs else None

    def usual(self, index, age, rank, **attributes):
        """Add a session with plausible values."""
        created = self.world.anchor_ms - age
        values = {
            "external_id": None if index % 3 == 2 else "chat-%03d" % index,
            "type": ("chat.agent", "other", "chat.agent", "support")[index % 4],
            "task": ("chat-agent", "chat-agent", "process-order")[index % 3],
            "trigger_config": _CONFIGS[index % len(_CONFIGS)] % index,
            "tags": _TAG_SETS[index % len(_TAG_SETS)],
            "metadata": _METADATA[index % len(_METADATA)],
            "current_run_id": self.run_of(index),
            "updated_at": created + 40,
        }
        values.update(attributes)
        session = Session(self.new_id(rank), created, **values)
        self.environment.sessions.add(session)
        return session

    def append(self, session, io, data, part_id=None, headers=None):
        """Add a record; `data` is JSON text or None."""
        channel = self.environment.sessions.channel(session.key, io)
        moment = session.created_at + (len(channel.records) + 1) * 100
        return channel.append(data, moment, part_id, headers, limited=False)


def _ending(index, created, anchor):
    """Return what has ended every third session, and what the index makes of some."""
    if index % 9 == 2:
        return {"closed_at": created + SECOND, "closed_reason": "done",
                "updated_at": created + SECOND}
    if index % 9 == 5:
        return {"closed_at": created + 2 * SECOND, "closed_reason": None,
                "updated_at": created + 2 * SECOND}
    if index % 9 == 8:
        # expired by the clock of the data, one of them just now and one in a while
        return {"expires_at": anchor - 1 if index == 8 else created + HOUR}
    if index % 9 == 4:
        return {"expires_at": anchor + 365 * DAY}
    return {}


def _fill_prod(maker):
    ages = _ages()
    total = len(ages)
    ranks = list(range(total - 1, -1, -1))
    for one, other in SWAPPED:
        ranks[one], ranks[other] = ranks[other], ranks[one]
    anchor = maker.world.anchor_ms
    made = []
    for index, age in enumerate(ages):
        made.append(maker.usual(index, age, ranks[index], **_ending(
            index, anchor - age, anchor)))
    # closed, but the index has them as active too: pages of active ones come out empty
    for index in range(32, 37):
        session = made[index]
        session.closed_at, session.closed_reason = session.created_at + MINUTE, "stale in index"
        session.expires_at = None
        session.indexed_as = ("ACTIVE", "CLOSED")
    _name_specials(maker, made)


def _name_specials(maker, made):
    """Give the sessions that tests look for their external ids, tags and records."""
    specials = (
        (1, "special-exact", {"metadata": EXACT_METADATA, "tags": ("special:exact",)}),
        (4, "special-ünïcode 日本", {"tags": ("special:unicode", "日本 ✓")}),
        (6, "special/with,comma %41&=?#", {"tags": ("special:encoded", "a,b")}),
        (7, "special-records", {"tags": ("special:records",)}),
        (10, "special-large", {"tags": ("special:large",)}),
        (16, "special-many", {"tags": ("special:many",)}),
        (18, "special-closed", {
            "closed_at": made[18].created_at + MINUTE, "closed_reason": "Ünïcode \"reason\"",
            "tags": ("special:closed",)}),
        (19, "special-ended-run", {"current_run_id": maker.ended[0],
                                   "tags": ("special:ended-run",)}),
        (21, "special-live-run", {"current_run_id": maker.live[0],
                                  "tags": ("special:live-run",)}),
        (24, "special-gone-run", {"current_run_id": "run_gone", "tags": ("special:gone-run",)}),
    )
    sessions = maker.environment.sessions
    for index, external_id, attributes in specials:
        sessions.change(made[index].id, {"external_id": external_id, **attributes})
    _add_records(maker, made[7])
    _add_large_record(maker, made[10])
    for number in range(250):
        maker.append(made[16], "out", '{"type":"text-delta","delta":"%d"}' % number)
    maker.append(made[18], "in", '"{\\"late\\":1}"')
    # without an external id
    maker.append(made[2], "in", '"to an id"')
    maker.append(made[2], "out", '{"to":"an id"}')


def _add_records(maker, session):
    """Add texts as clients send them, values as tasks write them, and what goes between."""
    for data, part_id in (
            ('"{\\"kind\\": \\"message\\", \\"payload\\": {\\"text\\": \\"hi\\"}}"', None),
            ('"plain text"', "part-1"), ('""', None), ('"[1, 2"', None), ('"null"', None),
            ('"héllo ✓ 日本 😀\\n\\ttab \\"q\\" \\\\ \\u0001"', "part-ünï"),
            ('"18446744073709551616"', None)):
        maker.append(session, "in", data, part_id)
    for data in (
            '{"type":"text-delta","delta":"hello","n":18446744073709551616}',
            '{"exact":0.12345678901234567890123,"deep":{"a":[1,{"b":null}]}}',
            '"a string"', '42', '-0.5', 'true', 'null', '[1,"two",null]', '{}',
            '{"text":"h\\u00e9llo ✓ 日本 \\ud83d\\ude00","escape":"a\\/b"}'):
        maker.append(session, "out", data)
    maker.append(session, "out", '{"with":"headers"}', None,
                 [["x-kind", "data"], ["x-ünï", "wért"]])
    maker.append(session, "out", None, None,
                 [["trigger-control", "turn-complete"], ["session-in-event-id", "6"]])
    # a directive to the store: takes a number, but no reader sees it
    maker.append(session, "out", '"AAAAAAAAAAA="', None, [["", "trim"]])


def _add_large_record(maker, session):
    maker.append(session, "in", '"small"')
    maker.append(session, "in", '"%s"' % ("0123456789abcdef" * (LARGE // 16)))
    maker.append(session, "in", '"after"')


def _fill_other(maker, count, prefix):
    for index in range(count):
        session = maker.usual(index, MINUTE + index * 7 * HOUR, count - index,
                              external_id=None if index % 3 == 2 else "%s-%d" % (prefix, index))
        if index == 1:
            session.closed_at, session.closed_reason = session.created_at + SECOND, prefix
        if index == 0:
            maker.append(session, "in", '"%s"' % prefix)


def fill_sessions(world, seed):
    """Add the sessions of project alpha; its runs must be there."""
    alpha = world.projects[0]
    _fill_prod(_Maker(world, seed, alpha.environment("prod")))
    for environment in alpha.environments:
        if environment.slug == "stg":
            _fill_other(_Maker(world, seed, environment), 4, "chat-stg")
        elif environment.slug == "dev":
            name = "chat-dev-" + environment.owner.name.lower()
            _fill_other(_Maker(world, seed, environment), 3, name)
        elif environment.branch_name == credentials.BRANCH_FEATURE:
            _fill_other(_Maker(world, seed, environment), 3, "chat-branch")
    # the same external id in another environment is another session
    maker = _Maker(world, seed, alpha.environment("stg"))
    maker.usual(9, 2 * DAY, 9, external_id="special-exact", tags=("stg",))

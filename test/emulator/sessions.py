"""Sessions: what the databases hold of one, and the sessions of one environment.

As with runs there is an *index*, which lists ask, and the database: the index may know a
session under an old status or with old tags, and not yet at all.
"""

from channels import Channel
from jsontext import dumps, iso, quote

ID_PREFIX = "session_"
STATUSES = ("ACTIVE", "CLOSED", "EXPIRED")

# attribute -> default of a session that is given as a partial object
DEFAULTS = {
    "external_id": None,
    "type": "chat.agent",
    "task": "chat-agent",
    # JSON texts; metadata None is null
    "trigger_config": '{"basePayload":{}}',
    "metadata": None,
    "current_run_id": None,
    "tags": (),
    "closed_at": None,
    "closed_reason": None,
    "expires_at": None,
    "updated_at": None,
    # statuses under which the analytical index knows the session; None: as it is
    "indexed_as": None,
    # tags under which the index knows it; None: its own
    "indexed_tags": None,
    # in the index, but gone from the database
    "deleted": False,
    # real clock (ms) at which the session appeared; 0 for those of the data set
    "inserted_at": 0,
}


class Session:
    """A session with its hidden attributes."""

    __slots__ = ("id", "internal_id", "created_at") + tuple(DEFAULTS)

    def __init__(self, internal_id, created_at, **attributes):
        self.internal_id = internal_id
        self.id = ID_PREFIX + internal_id
        self.created_at = created_at
        for name, default in DEFAULTS.items():
            setattr(self, name, attributes.pop(name, default))
        if attributes:
            raise ValueError("unknown session attributes: %s" % ", ".join(sorted(attributes)))
        if self.updated_at is None:
            self.updated_at = created_at

    @property
    def key(self):
        """What tokens and channels are named after."""
        return self.external_id if self.external_id is not None else self.id

    @property
    def order(self):
        """Position in the list (ascending; the list shows descending)."""
        return (self.created_at, self.internal_id)

    def status(self, now):
        """Return the status as the database derives it; it is stored nowhere."""
        if self.closed_at is not None:
            return "CLOSED"
        expired = self.expires_at is not None and self.expires_at < now
        return "EXPIRED" if expired else "ACTIVE"

    def indexed_statuses(self, now):
        """Return the statuses under which the index finds this session.

        At the very millisecond of its end a session is expired for the index, but not yet for
        the database.
        """
        if self.indexed_as is not None:
            return self.indexed_as
        if self.closed_at is None and self.expires_at == now:
            return ("EXPIRED",)
        return (self.status(now),)

    def known_tags(self):
        """Return the tags that the index has of this session."""
        return self.tags if self.indexed_tags is None else self.indexed_tags

    def shown(self, run_id, with_config=True):
        """Return the session as JSON text; `run_id` is that of its run, if that exists."""
        def date(value):
            return "null" if value is None else '"%s"' % iso(value)

        config = ',"triggerConfig":' + self.trigger_config if with_config else ""
        return (
            '{"id":%s,"externalId":%s,"type":%s,"taskIdentifier":%s%s,"currentRunId":%s,'
            '"tags":%s,"metadata":%s,"closedAt":%s,"closedReason":%s,"expiresAt":%s,'
            '"createdAt":%s,"updatedAt":%s}' % (
                quote(self.id), dumps(self.external_id), quote(self.type), quote(self.task),
                config, dumps(run_id), dumps(list(self.tags)), self.metadata or "null",
                date(self.closed_at), dumps(self.closed_reason), date(self.expires_at),
                date(self.created_at), date(self.updated_at)))


class Sessions:
    """All sessions of one environment, and their channels."""

    def __init__(self):
        self._by_id = {}
        self._by_external_id = {}
        self._channels = {}

    def __len__(self):
        return len(self._by_id)

    def add(self, session):
        """Insert a session; an external id or id that is taken is a ValueError."""
        if session.id in self._by_id or session.external_id in self._by_external_id:
            raise ValueError("there is such a session already: %s" % session.key)
        self._by_id[session.id] = session
        if session.external_id is not None:
            self._by_external_id[session.external_id] = session

    def find(self, name):
        """Return the session with this id or external id as the database knows it, or None."""
        known = self._by_id if name.startswith(ID_PREFIX) else self._by_external_id
        session = known.get(name)
        return None if session is None or session.deleted else session

    def indexed(self):
        """Return what the index knows, newest first."""
        return sorted(self._by_id.values(), key=lambda session: session.order, reverse=True)

    def stored(self):
        """Return what the database holds, newest first."""
        return [session for session in self.indexed() if not session.deleted]

    def change(self, name, attributes):
        """Set attributes of a session; returns False when there is none of that name."""
        session = self._by_id.get(name) or self._by_external_id.get(name)
        if session is None:
            return False
        self._by_external_id.pop(session.external_id, None)
        for attribute, value in attributes.items():
            setattr(session, attribute, value)
        if session.external_id is not None:
            self._by_external_id[session.external_id] = session
        return True

    def channel(self, key, io):
        """Return one channel of a session by its key; it need not exist."""
        channel = self._channels.get((key, io))
        if channel is None:
            channel = self._channels[key, io] = Channel("%s/%s" % (key, io))
        return channel

    def channels(self):
        """Return the channels that have records, as (key, io, channel)."""
        return [(key, io, channel) for (key, io), channel in self._channels.items()
                if channel.records]


def shown(environment, session, with_config=True):
    """Return a session as JSON text; a run that is gone is not shown."""
    run_id = session.current_run_id
    if run_id is not None and environment.runs.find(run_id) is None:
        run_id = None
    return session.shown(run_id, with_config)


def oracle_rows(world, environment):
    """Yield the environment's sessions, newest first, with what the API does not show."""
    now = world.now()
    sessions = environment.sessions
    for session in sessions.stored():
        run = environment.runs.find(session.current_run_id or "")
        hidden = {
            "status": session.status(now),
            "indexedAs": list(session.indexed_statuses(now)),
            "internalId": session.internal_id,
            "orderKey": list(session.order),
            "key": session.key,
            "run": None if run is None else run.status,
            "storedRunId": session.current_run_id,
            "records": {io: len(sessions.channel(session.key, io).records)
                        for io in ("in", "out")},
        }
        yield shown(environment, session)[:-1] + ',"_":' + dumps(hidden) + "}"

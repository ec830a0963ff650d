"""The run behind a session: every open session has one, which is started when there is none."""

import exact_json
from run_status import FINAL
from triggering import Trigger, Triggering

# members of the trigger's configuration that become options of the run
_OPTIONS = ("machine", "queue", "tags", "maxAttempts", "maxDuration", "lockToVersion", "region",
            "ttl", "concurrencyKey")
# what only the first run of a session gets
_FIRST_ONLY = ("message", "messages", "trigger")


def live_run(environment, session):
    """Return the session's run if it is still to end, or None."""
    run = environment.runs.find(session.current_run_id or "")
    return None if run is None or run.status in FINAL else run


def _payload(session, config):
    payload = dict(config["basePayload"])
    if "idleTimeoutInSeconds" in config:
        payload["idleTimeoutInSeconds"] = config["idleTimeoutInSeconds"]
    payload["sessionId"] = session.id
    if session.current_run_id is not None:
        for name in _FIRST_ONLY:
            payload.pop(name, None)
        payload["continuation"] = True
        payload["previousRunId"] = session.current_run_id
    return payload


def ensure_run(world, request, environment, session):
    """Return the session's live run, started if need be; raises TriggerError."""
    run = live_run(environment, session)
    if run is not None:
        return run
    config = exact_json.parse(session.trigger_config)
    options = {name: config[name] for name in _OPTIONS if name in config}
    if "queue" in options:
        options["queue"] = {"name": options["queue"]}
    trigger = Trigger(session.task, _payload(session, config), True, options)
    run, _ = Triggering(world).call(environment, trigger)
    session.current_run_id = run.id
    session.updated_at = world.now()
    world.writes.note(request, "run.trigger", environment, [run.id], task=session.task,
                      session=session.id)
    return run

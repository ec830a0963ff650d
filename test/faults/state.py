"""Snapshots of the emulator's state, and the difference between two."""
import json
from decimal import Decimal

RESOURCES = ("run_details", "schedules", "envvars")
_IGNORED = ("updatedAt", "nextRun", "nextRunEffectiveAt", "relatedRuns", "attempts",
            "durationMs")


def _stable(resource, item):
    """An object without what moves on its own."""
    item = {name: value for name, value in item.items() if name not in _IGNORED}
    if resource == "schedules":
        item.pop("_")
    return item


class State:
    """Everything in project alpha: {environment: {resource: {key: object}}}."""

    def __init__(self, emulator):
        document = json.loads(emulator.control("GET", "/state.json"), parse_float=Decimal)
        self.items = {}
        for name, resources in document.items():
            for resource in RESOURCES:
                for item in resources[resource]:
                    key = item["name"] if resource == "envvars" else item["id"]
                    self.items[name.split("/")[1], resource, key] = _stable(resource, item)

    def of(self, resource, environment="prod"):
        """{key: object} of a resource in an environment."""
        return {key: item for (env, res, key), item in self.items.items()
                if res == resource and env == environment}


def difference(before, after):
    """The places, (environment, resource, key), where two states differ."""
    places = set(before.items) | set(after.items)
    return {place for place in places if before.items.get(place) != after.items.get(place)}

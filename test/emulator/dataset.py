"""Building the state of the emulated server: which data set, and what all of them share."""

import dataclasses
import time

from dataset_sessions import fill_sessions
from dataset_small import fill_small
from envvars import EnvVars
from run_bulk import BulkRuns
from run_table import RunTable
from schedules import Schedules
from sessions import Sessions
from world import World, build_skeleton, env_json

NAMES = ("small", "bulk", "empty")
# task identifier -> whether schedules may start it
TASKS = {
    "send-email": False, "process-order": False, "generate-report": False, "hourly-sync": True,
    "daily-digest": True, "always-fails": False, "long-running": False, "chat-agent": False,
}


@dataclasses.dataclass
class Options:
    """What a state is built from."""

    dataset: str = "small"
    # number of generated runs
    runs: int = 100000
    seed: int = 1
    # None: the moment of building, with a running clock; else frozen at this ms
    now: int | None = None
    # whether the server speaks TLS
    tls: bool = False

    def __post_init__(self):
        if self.dataset not in NAMES:
            raise ValueError("unknown data set: %s" % self.dataset)


def build(settings, options):
    """Return a fresh World."""
    frozen = options.now is not None
    anchor = options.now if frozen else int(time.time() * 1000)
    world = World(settings, anchor, frozen)
    world.tls = options.tls
    build_skeleton(world)
    for project in world.projects:
        project.envvars = EnvVars()
        project.schedules = Schedules("%s:%s" % (options.seed, project.ref))
        project.tasks = dict(TASKS)
        for environment in project.environments:
            bulk = None
            if options.dataset == "bulk" and environment.root_key == world.bulk_key():
                bulk = BulkRuns(options.runs, anchor, options.seed)
            environment.runs = RunTable(bulk, env_json(environment))
            environment.sessions = Sessions()
    if options.dataset != "empty":
        fill_small(world, options.seed, runs=options.dataset == "small")
    if options.dataset == "small":
        fill_sessions(world, options.seed)
    return world

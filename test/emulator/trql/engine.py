"""The engine's process: started when it is needed first, ended with the emulator."""

import asyncio
import itertools
import json
import os
import shutil

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "query")
INSTALL = "run `npm ci --ignore-scripts` in test/query"


class EngineError(Exception):
    """The engine refused a statement, or is not there."""


def missing():
    """Return what is missing to run the engine, or None."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not os.path.isdir(os.path.join(DIRECTORY, "node_modules", "@chdb")):
        return "chdb is not installed: " + INSTALL
    return None


class Engine:
    """A child process that executes requests one after the other."""

    def __init__(self):
        self.process = None
        self._waiting = {}
        self._numbers = itertools.count(1)
        self._reader = None

    async def start(self):
        """Start the process; raises EngineError when it cannot be."""
        problem = missing()
        if problem:
            raise EngineError(problem)
        self.process = await asyncio.create_subprocess_exec(
            "node", os.path.join(DIRECTORY, "engine.mjs"), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, limit=1 << 20)
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        """Hand the answers to those who wait for them."""
        out = self.process.stdout
        while True:
            try:
                head = await out.readline()
                if not head:
                    break
                number, outcome, size = head.split()
                body = await out.readexactly(int(size))
            except (ValueError, asyncio.IncompleteReadError):
                break
            future = self._waiting.pop(int(number), None)
            if future is None or future.done():
                continue
            if outcome == b"ok":
                future.set_result(body)
            else:
                future.set_exception(EngineError(body.decode()))
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(EngineError("the engine has ended"))
        self._waiting.clear()
        self.process = None

    async def call(self, operation, **members):
        """Have one request executed and return the answer's bytes."""
        if self.process is None:
            raise EngineError("the engine has ended")
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        line = json.dumps({"id": number, "operation": operation, **members})
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()
        return await future

    def stop(self):
        """End the process; it removes its files itself."""
        if self.process is not None:
            self.process.stdin.close()

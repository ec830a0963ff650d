"""Start the emulator and talk to its control interface."""
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
EMULATOR = os.path.join(HERE, "..", "emulator")
sys.path.insert(0, EMULATOR)

import credentials  # noqa: E402  (the emulator's constants)


class Emulator:
    """An emulator of its own; stops with the test."""

    def __init__(self, dataset="small", runs=20000, seed=1, *args):
        self.directory = tempfile.mkdtemp(prefix="trigger_emulator_")
        port_file = os.path.join(self.directory, "port")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(EMULATOR, "emulator.py"), "--port", "0",
             "--port-file", port_file, "--dataset", dataset, "--runs", str(runs),
             "--seed", str(seed), "--exit-with-parent", *args])
        deadline = time.monotonic() + 60
        while not os.path.exists(port_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the emulator did not start")
            time.sleep(0.01)
        with open(port_file, encoding="ascii") as file:
            self.port = int(file.read())
        self.url = f"http://127.0.0.1:{self.port}"

    def control(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, "/_emulator" + path,
                               None if body is None else json.dumps(body),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode("utf-8")
        finally:
            connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text}")
        return text

    def requests(self, mask=False):
        """The API requests since the last call, one text each, without their status."""
        text = self.control("GET", "/requests?take=1" + ("&ms=mask" if mask else ""))
        return [re.sub(r" -> .*$", "", line) for line in text.splitlines()]

    def records(self):
        """Everything about each request since the log was cleared."""
        return json.loads(self.control("GET", "/requests.json"))

    def clear(self):
        self.control("DELETE", "/requests")

    def faults(self, *rules):
        """Install fault rules (replacing the former ones); none clears them."""
        if rules:
            self.control("PUT", "/faults", list(rules))
        else:
            self.control("DELETE", "/faults")

    def settings(self, **changes):
        self.control("PUT", "/settings", changes)

    def reset(self, **kwargs):
        self.control("POST", "/reset", kwargs)

    def oracle(self, resource, environment="prod", project=credentials.PROJECT_ALPHA):
        """Rows as the API shows them, straight from the emulator's state."""
        text = self.control("GET", f"/oracle/{resource}?project={project}"
                                   f"&environment={environment}")
        return [json.loads(line) for line in text.split("\n") if line]

    def destroy(self):
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.destroy()

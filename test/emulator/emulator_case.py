"""What the tests of the running program share: its process and requests to it."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import credentials  # noqa: E402

NOW = 1767225600000


class EmulatorCase(unittest.TestCase):
    """A running emulator with a frozen clock of the data, reset before every test."""

    stall_port = None           # of a port that never answers

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        path = os.path.join(cls.directory.name, "port")
        cls.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "emulator.py"), "--port-file", path, "--now",
             str(NOW), "--exit-with-parent", "--stall-port-file", path + ".stall"])
        deadline = time.monotonic() + 20
        while not os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.02)
        with open(path, encoding="ascii") as file:
            cls.port = int(file.read())
        with open(path + ".stall", encoding="ascii") as file:
            cls.stall_port = int(file.read())

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        cls.process.wait()
        cls.directory.cleanup()

    def setUp(self):
        self.control("POST", "reset", {})

    def becomes(self, expected, look):
        """Wait until `look()` gives what is expected; then it is asserted."""
        deadline = time.monotonic() + 20
        while look() != expected and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(look(), expected)

    def send(self, method, target, headers=None, body=None, timeout=10):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, target.replace(" ", "%20"), body, headers or {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def control(self, method, path, value=None):
        body = None if value is None else json.dumps(value)
        response, data = self.send(method, "/_emulator/" + path, None, body)
        self.assertEqual(response.status, 200, data)
        return data

    def call(self, method, target, body=None, key=credentials.TR_PROD, **headers):
        """Return (status, parsed answer); a body that is no text becomes JSON."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        response, data = self.send(
            method, target, {"Authorization": "Bearer " + key,
                             "x-trigger-api-version": "2025-07-16", **headers}, body)
        try:
            return response.status, json.loads(data)
        except ValueError:
            return response.status, data.decode()

    def writes(self):
        return json.loads(self.control("GET", "writes?take=1"))

    def kinds(self):
        return [entry["kind"] for entry in self.writes()]

    def oracle(self, resource):
        return [json.loads(line)
                for line in self.control("GET", "oracle/" + resource).splitlines()]

"""A private nginx before the emulator: TLS, HTTP/2, and what a real server does with both.

Its own processes, configuration and directory; the machine's service is never touched.
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from certificates import Authority

PROGRAM = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
CONFIGURATION = """
{user}
worker_processes 1;
pid {directory}/pid;
error_log {directory}/error.log warn;
events {{ worker_connections 512; }}
http {{
    log_format facts '$connection $server_protocol $ssl_protocol $ssl_session_reused '
                     '$status $request_method $request_uri';
    access_log {directory}/access.log facts;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    client_max_body_size 2m;
    upstream emulator {{ server 127.0.0.1:{upstream}; keepalive 64; }}
    ssl_certificate {cert};
    ssl_certificate_key {key};
    {more}
    server {{
        listen 127.0.0.1:{port} ssl{http2};
        listen 127.0.0.1:{plain};
        server_name localhost;
        location / {{
            proxy_pass http://emulator;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_next_upstream off;
        }}
    }}
}}
"""


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Line:
    """One line of the access log."""

    def __init__(self, text):
        (self.connection, self.protocol, self.tls, self.reused, self.status, self.method,
         self.target) = text.split(" ", 6)


class Nginx:
    """Forwards to the emulator's port.  `more` is configuration of the http block."""

    def __init__(self, upstream, http2=True, more="ssl_protocols TLSv1.3;"):
        self.directory = tempfile.mkdtemp(prefix="trigger_nginx_")
        os.chmod(self.directory, 0o755)
        authority = Authority(self.directory)
        cert, key = authority.certificate("localhost")
        self.ca_file = authority.file
        self.port = _free_port()
        self.url = f"https://localhost:{self.port}"
        plain = _free_port()
        self.plain_url = f"http://127.0.0.1:{plain}"        # no TLS, HTTP/1.1
        configuration = os.path.join(self.directory, "nginx.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(
                user="user root;" if os.geteuid() == 0 else "", directory=self.directory,
                upstream=upstream, cert=cert, key=key, port=self.port, plain=plain, more=more,
                http2=" http2" if http2 else ""))
        self.process = subprocess.Popen(
            [PROGRAM, "-p", self.directory, "-c", configuration, "-e",
             os.path.join(self.directory, "error.log"), "-g", "daemon off;"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("nginx did not start: " + self.errors()) from None
                time.sleep(0.01)

    def errors(self):
        """Its error log."""
        try:
            with open(os.path.join(self.directory, "error.log"), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def lines(self):
        """The requests that it has answered."""
        with open(os.path.join(self.directory, "access.log"), encoding="utf-8") as file:
            return [Line(line) for line in file.read().splitlines()]

    def clear(self):
        """Forget them."""
        os.truncate(os.path.join(self.directory, "access.log"), 0)

    def reload(self):
        """New workers; the old ones say good-bye to their connections."""
        self.process.send_signal(signal.SIGHUP)

    def destroy(self):
        """End it."""
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

"""A private PostgreSQL cluster in a temporary directory.

Listens on a Unix socket only, is owned by an unprivileged user when the
tests run as root, and is gone when the test is.
"""
import os
import pwd
import shutil
import subprocess
import tempfile

from pgwire import Connection

PORT = 5432


def bindir():
    """Directory of the server programs that `pg_config` belongs to."""
    config = os.environ.get("PG_CONFIG", "pg_config")
    return subprocess.check_output([config, "--bindir"], text=True).strip()


class Cluster:
    """initdb, start, stop.  `settings` are lines for postgresql.conf."""

    def __init__(self, settings=(), directory=None):
        self.directory = directory or tempfile.mkdtemp(prefix="trigger_fdw_")
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "server.log")
        self.user = None
        if os.geteuid() == 0:
            self.user = pwd.getpwnam("postgres")
            os.chown(self.directory, self.user.pw_uid, self.user.pw_gid)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N",
                  "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write(f"port = {PORT}\nlisten_addresses = ''\n"
                       f"unix_socket_directories = '{self.directory}'\n"
                       "fsync = off\nmax_connections = 60\nlog_min_messages = warning\n")
            conf.write("".join(line + "\n" for line in settings))
        self.start()

    def _demote(self):
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def _run(self, program, *args):
        done = subprocess.run([os.path.join(bindir(), program), *args], cwd=self.directory,
                              preexec_fn=self._demote, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}")
        return done.stdout

    def start(self):
        # the log must not inherit our pipes, or pg_ctl's reader never ends
        subprocess.run([os.path.join(bindir(), "pg_ctl"), "-D", self.data, "-l", self.log, "-w",
                        "start"], cwd=self.directory, preexec_fn=self._demote,
                       stdout=subprocess.DEVNULL, check=True)

    def stop(self, mode="immediate"):
        subprocess.run([os.path.join(bindir(), "pg_ctl"), "-D", self.data, "-m", mode, "-w",
                        "stop"], cwd=self.directory, preexec_fn=self._demote,
                       stdout=subprocess.DEVNULL, check=False)

    def restart(self):
        self.stop("fast")
        self.start()

    def connect(self, **kwargs):
        return Connection(self.directory, PORT, **kwargs)

    def environment(self):
        """Variables that make psql and pg_regress use this cluster."""
        return {**os.environ, "PGHOST": self.directory, "PGPORT": str(PORT), "PGUSER": "postgres"}

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def destroy(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.destroy()

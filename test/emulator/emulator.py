#!/usr/bin/env python3
"""Test emulator of the Trigger.dev management API. See README.md in this directory."""

import argparse
import asyncio
import ctypes
import os
import shlex
import signal
import ssl
import sys

import credentials
import dataset
from app import App
from control import Control
from faults import Faults
from journal import Journal
from server import Connection, Emulator, SilentConnection
from settings import Settings

_PR_SET_PDEATHSIG = 1


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--port-file", help="write the port number here when ready")
    parser.add_argument("--stall-port-file",
                        help="also listen on a port that accepts and never answers")
    parser.add_argument("--log", help="append one line per API request to this file")
    parser.add_argument("--dataset", choices=dataset.NAMES, default="small")
    parser.add_argument("--runs", type=int, default=100000, help="size of the data set bulk")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--now", type=int, help="freeze the clock of the data at this ms")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--exit-with-parent", action="store_true")
    parser.add_argument("--print-credentials", action="store_true",
                        help="print the test credentials as shell assignments and exit")
    return parser.parse_args()


def _die_with_parent():
    """Have the kernel end this process when the one that started it ends."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(0)


def _write_port(path, port):
    """Write a port file atomically, so that a reader never sees half of it."""
    temporary = "%s.%d" % (path, os.getpid())
    with open(temporary, "w", encoding="ascii") as file:
        file.write("%d\n" % port)
    os.replace(temporary, path)


def _tls_context(arguments):
    if not arguments.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.tls_cert, arguments.tls_key)
    return context


async def _serve(arguments):
    loop = asyncio.get_running_loop()
    stop = loop.create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: stop.done() or stop.set_result(None))
    settings = Settings()
    options = dataset.Options(arguments.dataset, arguments.runs, arguments.seed, arguments.now,
                              bool(arguments.tls_cert))
    app = App(settings, options)
    journal = Journal(arguments.log)
    faults = Faults()
    control = Control(app, settings, journal, faults, options)
    emulator = Emulator(app, settings, journal, faults, control)
    server = await loop.create_server(
        lambda: Connection(emulator), "127.0.0.1", arguments.port, backlog=512,
        ssl=_tls_context(arguments))
    if arguments.stall_port_file:
        silent = await loop.create_server(SilentConnection, "127.0.0.1", 0)
        _write_port(arguments.stall_port_file, silent.sockets[0].getsockname()[1])
    port = server.sockets[0].getsockname()[1]
    if arguments.port_file:
        _write_port(arguments.port_file, port)
    else:
        print(port, flush=True)
    await stop


def main():
    """Run the program."""
    arguments = _arguments()
    if arguments.print_credentials:
        for name, value in credentials.all_credentials().items():
            print("%s=%s" % (name, shlex.quote(value)))
        return
    if arguments.exit_with_parent:
        _die_with_parent()
    asyncio.run(_serve(arguments))


if __name__ == "__main__":
    main()

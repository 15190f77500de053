"""Engines that are not as they should be: a socket that answers as an engine would, and a user without rights."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import shutil
import socket
import socketserver
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

VERSION = {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "20.10.24", "Os": "linux", "Arch": "amd64"}
EMPTY: Mapping[str, Any] = {
    "/version": VERSION,
    "/info": {},
    "/containers/json": [],
    "/networks": [],
    "/volumes": {"Volumes": []},
    "/images/json": [],
}


class EngineThatSays:
    """A socket with an engine behind it that has nothing, except for these answers (path → JSON)."""

    def __init__(self, path: Path, answers: Mapping[str, Any]) -> None:
        told = {**EMPTY, **answers}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = re.sub(r"^/v\d+\.\d+(?=/)", "", self.path.partition("?")[0])
                body = json.dumps(told.get(asked, {"message": "not found"})).encode()
                self.send_response(200 if asked in told else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self) -> str:
                return "unix"

            def log_message(self, *_: object) -> None:
                return

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class SlowEngine:
    """A socket that passes everything on to the machine's engine; the beginning of each answer comes late.

    Attributes:
        requests: How many answers were delayed so far.
    """

    def __init__(self, path: Path, *, delay: float) -> None:
        """``delay``: in seconds."""
        self.requests = 0
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.socket(socket.AF_UNIX) as behind:
                    behind.connect(_socket_of_the_machine())
                    asked = threading.Thread(target=_pass_on, args=(self.request, behind), daemon=True)
                    asked.start()
                    while data := behind.recv(65536):
                        if data.startswith(b"HTTP/1."):
                            outer.requests += 1
                            time.sleep(delay)
                        self.request.sendall(data)

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> SlowEngine:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _socket_of_the_machine() -> str:
    return os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


def without_rights() -> list[str]:
    """The words before a command that takes root's way around permissions from it; none for everybody else."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root passes every permission, and there is no setpriv to change that")
    lost = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={lost}", f"--inh-caps={lost}"]

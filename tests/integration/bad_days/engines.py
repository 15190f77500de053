"""Engines that are not as they should be: a socket that answers as an engine would, and a user without rights."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import socketserver
import threading
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


def without_rights() -> list[str]:
    """The words before a command that takes root's way around permissions from it; none for everybody else."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root passes every permission, and there is no setpriv to change that")
    lost = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={lost}", f"--inh-caps={lost}"]

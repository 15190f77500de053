"""A Docker engine of a few lines on a socket of its own: answers what a test tells it to, or falls silent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import BaseServer, TCPServer, ThreadingMixIn, UnixStreamServer
from typing import Any

Answer = Callable[[str], tuple[int, Any] | None]


def version(api: str = "1.44") -> dict[str, str]:
    return {"ApiVersion": api, "MinAPIVersion": "1.24", "Version": "27.0"}


@contextmanager
def engine_at(path: Path, answer: Answer) -> Iterator[str]:
    """``answer`` takes the path of a request and returns status and JSON, or None to break the connection. Yields the URL."""

    class Server(_Quiet, ThreadingMixIn, UnixStreamServer):
        daemon_threads = True

    with _serving(Server(str(path), _handler(answer))):
        yield f"unix://{path}"


@contextmanager
def engine_on_tcp(answer: Answer) -> Iterator[str]:
    """The same at a port of 127.0.0.1."""

    class Server(_Quiet, ThreadingMixIn, TCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), _handler(answer))
    with _serving(server):
        yield f"tcp://127.0.0.1:{server.server_address[1]}"


class _Quiet:
    def handle_error(self, *_: object) -> None:
        """A connection that was broken on purpose."""


@contextmanager
def _serving(server: BaseServer) -> Iterator[None]:
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()


def _handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            error = answer(self.path)
            if error is None:
                self.connection.close()
                return
            body = json.dumps(error[1]).encode()
            self.send_response(error[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def address_string(self) -> str:
            return "test"

    return Handler

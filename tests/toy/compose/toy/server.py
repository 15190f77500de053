"""Stores one value and serves it over HTTPS to clients with the token. Run as: server.py PORT CERTIFICATE KEY TOKEN_FILE."""

from __future__ import annotations

import signal
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """GET and PUT of ``/instance``; GET of ``/health`` and ``/metrics`` without a token."""

    token = ""
    value = b""

    def do_GET(self) -> None:
        if self.path == "/health":
            self._reply(200, b"ok")
        elif self.path == "/metrics":
            self._reply(200, f"toy_value_bytes {len(Handler.value)}\n".encode(), kind="text/plain; version=0.0.4")
        elif self.headers.get("X-Token") != self.token:
            self._reply(403, b"")
        else:
            self._reply(200, Handler.value)

    def do_PUT(self) -> None:
        if self.headers.get("X-Token") != self.token:
            self._reply(403, b"")
            return
        Handler.value = self.rfile.read(int(self.headers["Content-Length"]))
        print(f"stored {len(Handler.value)} bytes", flush=True)
        self._reply(204, b"")

    def log_message(self, *_: object) -> None:
        """Requests are not logged."""

    def _reply(self, status: int, body: bytes, *, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(port: str, certificate: str, key: str, token_file: str) -> None:
    """Serve until the process is stopped."""
    # The first process of a container ignores signals that have no handler.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    Handler.token = Path(token_file).read_text(encoding="utf-8").strip()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("0.0.0.0", int(port)), Handler)  # noqa: S104 - the address of the container
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("listening", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])

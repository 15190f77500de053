"""A kubectl that forwards to nothing: each port answers with its number, and the one of the health check with 200.

Its first argument is a folder. While the folder has a file ``down``, it fails with the file's text, as kubectl does without a pod.
"""

from __future__ import annotations

import selectors
import socket
import sys
from pathlib import Path

HEALTH = "8404"


def main(folder: Path, words: list[str]) -> int:
    """Forward the ports among these words (``:30032``) until it is killed."""
    if (folder / "down").exists():
        print((folder / "down").read_text(), file=sys.stderr)
        return 1
    waiting = selectors.DefaultSelector()
    for port in [word[1:] for word in words if word.startswith(":")]:
        server = socket.create_server(("127.0.0.1", 0))
        waiting.register(server, selectors.EVENT_READ, port)
        print(f"Forwarding from 127.0.0.1:{server.getsockname()[1]} -> {port}", flush=True)
    while True:
        for key, _ in waiting.select():
            server = key.fileobj  # type: ignore[assignment]
            answer(server, key.data)


def answer(server: socket.socket, port: str) -> None:
    """Serve one connection: a health check, or a line that is told back."""
    connection, _ = server.accept()
    with connection:
        heard = connection.recv(1000)
        if port == HEALTH:
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nok")
        else:
            connection.sendall(port.encode() + b" " + heard)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))

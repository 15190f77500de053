"""A Redis of three servers, three sentinels, their relay and a gateway, in memory behind real TLS: what the client talks to in the tests.

It knows as much of Redis as the component uses: AUTH, ACL, INFO, ROLE, DEL, FCALL_RO, FUNCTION LOAD, HGET, HSET, SET, MULTI, EXEC, SENTINEL.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from nexusdev.components.redis import names
from nexusdev.instance.certificates import prepare
from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.stack.model import Network, Secret, SecretRecipe, Stack
from tests.access import instance_access
from tests.addresses import SeenFromContainers
from tests.topology import topology

NONCE = "c0ffee"
SERVERS = topology().members("redis", "redis")
SENTINELS = topology().members("redis", "sentinel", role="server")
(RELAY,) = topology().members("redis", "sentinel-relay")
MEMORY = ("used_memory:2000000", "maxmemory:536870912", "maxmemory_policy:noeviction")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Secrets:
    """The secret store: two passwords, and the lists of users that are derived from them."""

    values: dict[str, str] = field(
        default_factory=lambda: {names.APP_PASSWORD: "appPassword", names.ADMIN_PASSWORD: "adminPassword"}
    )

    def read(self, name: str) -> str:
        if name in (names.SERVER_USERS, names.SENTINEL_USERS):
            app, admin = (sha256(self.values[each]) for each in (names.APP_PASSWORD, names.ADMIN_PASSWORD))
            return f"user nexus_admin on #{admin} +@all\nuser default on #{app} -@admin\nuser nexus_app on #{app} -@admin\n"
        return self.values[name]

    def write(self, name: str, value: str) -> None:
        self.values[name] = value


@dataclass(kw_only=True)
class Node:
    """One server or sentinel. ``users``: name → its words after the name; ``saved`` counts ACL SAVE."""

    name: str
    role: str = "master"
    users: dict[str, list[str]] = field(default_factory=dict)
    saved: int = 0
    refusal: str = ""
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    mark: str = ""
    refused_commands: dict[str, str] = field(default_factory=dict)
    seen: list[list[str]] = field(default_factory=list)


@dataclass(kw_only=True)
class World:
    """Everything that runs. ``master``: whom sentinels and gateway name; ``down``: who does not answer."""

    access: InstanceAccess
    servers: dict[str, Node]
    sentinels: dict[str, Node]
    addresses: Mapping[tuple[str, int], Address]
    master: str = "redis-0"
    down: set[str] = field(default_factory=set)

    def become_master(self, name: str) -> None:
        self.master = name
        for server in self.servers.values():
            server.role = "master" if server.name == name else "slave"


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """The whole of it, listening on 127.0.0.1; seeded with its users, without its mark."""
    _certificates(folder)
    secrets = Secrets()
    lines = [line.split() for line in secrets.read(names.SERVER_USERS).splitlines()]
    users = {words[1]: words[2:] for words in lines}
    servers = {name: Node(name=name, users=_copy(users)) for name in SERVERS}
    sentinels = {name: Node(name=name, users=_copy(users)) for name in SENTINELS}
    addresses: dict[tuple[str, int], Address] = {}
    runtime: Any = SeenFromContainers()
    access = instance_access(
        folder,
        nonce=NONCE,
        addresses=addresses,
        secrets=secrets,
        runtime=runtime,
    )
    made = World(access=access, servers=servers, sentinels=sentinels, addresses=addresses)
    made.become_master("redis-0")
    listeners = []
    for key, talk in _ways(made).items():
        listener = _listen(folder, talk)
        listeners.append(listener)
        addresses[key] = Address(host="127.0.0.1", port=listener.getsockname()[1])
    try:
        yield made
    finally:
        for listener in listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def _copy(users: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {name: list(words) for name, words in users.items()}


Talk = Callable[[IO[bytes]], None]


def _ways(made: World) -> dict[tuple[str, int], Talk]:
    """(name, port) → who answers there."""

    def server(find: Callable[[], str]) -> Talk:
        return lambda stream: (
            _talk(stream, made, made.servers[find()], _answer_as_server) if find() not in made.down else None
        )

    def sentinel(name: str, *, host: bool) -> Talk:
        answer = _answer_as_relay if host else _answer_as_sentinel
        return lambda stream: _talk(stream, made, made.sentinels[name], answer) if name not in made.down else None

    def replica() -> str:
        return next(each for each in SERVERS if each != made.master and each not in made.down)

    return {
        **{(name, names.PORT): server(lambda name=name: name) for name in SERVERS},  # type: ignore[misc]
        **{(name, names.SENTINEL_PORT): sentinel(name, host=False) for name in SENTINELS},
        **{(RELAY, port): sentinel(name, host=True) for name, port in names.relay_ports(made.access).items()},
        (names.MASTER, names.PORT): server(lambda: made.master),
        (names.REPLICA, names.PORT): server(replica),
    }


def _talk(stream: IO[bytes], made: World, node: Node, answer: Callable[[World, Node, list[str]], bytes]) -> None:
    user = ""
    queue: list[list[str]] | None = None
    while line := stream.readline():
        words = [stream.read(int(stream.readline()[1:]) + 2)[:-2].decode() for _ in range(int(line[1:]))]
        node.seen.append(words)
        if words[0] == "AUTH":
            user = words[1] if f"#{sha256(words[2])}" in node.users.get(words[1], []) else ""
            reply = b"+OK\r\n" if user else b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        elif words[0] in node.refused_commands:
            reply = f"-{node.refused_commands[words[0]]}\r\n".encode()
        elif words == ["MULTI"]:
            queue, reply = [], b"+OK\r\n"
        elif words == ["EXEC"]:
            done = [answer(made, node, each) for each in queue or []]
            queue, reply = None, b"*%d\r\n%s" % (len(done), b"".join(done))
        elif queue is not None:
            queue.append(words)
            reply = b"+QUEUED\r\n"
        else:
            reply = answer(made, node, words)
        stream.write(reply)
        stream.flush()


def text(value: str | None) -> bytes:
    return b"$-1\r\n" if value is None else f"${len(value)}\r\n{value}\r\n".encode()


def texts(*values: str) -> bytes:
    return b"*%d\r\n%s" % (len(values), b"".join(map(text, values)))


def _answer_as_server(made: World, node: Node, words: list[str]) -> bytes:  # noqa: PLR0911 - one line to a command
    match words:
        case ["INFO", *_]:
            return text(_info(made, node))
        case ["ROLE"]:
            return texts(node.role)
        case ["DEL", *_]:
            return f"-{node.refusal}\r\n".encode() if node.refusal else b":0\r\n"
        case ["FCALL_RO", "nexusdev_instance", "0"]:
            return text(node.mark) if node.mark else b"-ERR Function not found\r\n"
        case ["FUNCTION", "LOAD", "REPLACE", code]:
            found = re.search(r"return '(\w+)'", code)
            for server in made.servers.values():
                server.mark = found[1] if found else ""
            return text("nexusdev")
        case ["SET" | "HSET", key, *rest]:
            node.keys.setdefault(key, {}).update(dict([rest[:2]] if len(rest) > 1 else [("", rest[0])]))
            return b"+OK\r\n"
        case ["HGET", key, name]:
            return text(node.keys.get(key, {}).get(name))
    return _answer_about_users(node, words)


def _info(made: World, node: Node) -> str:
    lines = [f"run_id:run-{node.name}", "loading:0", f"role:{node.role}", *MEMORY]
    if node.role == "master":
        lines += [f"min_slaves_good_slaves:{2 - len(made.down & set(SERVERS))}", "master_repl_offset:100"]
    else:
        lines += [
            f"master_host:{made.master}",
            "master_link_status:up",
            "master_sync_in_progress:0",
            "slave_repl_offset:90",
        ]
    return "\r\n".join(["# Server", *lines, ""])


def _answer_as_sentinel(made: World, node: Node, words: list[str]) -> bytes:
    match words:
        case ["SENTINEL", "MASTER", "nexus"]:
            members = ("name", "nexus", "ip", made.master, "port", "6379", "flags", "master")
            return texts(*members, "num-slaves", "2", "num-other-sentinels", "2")
        case ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "nexus"]:
            return texts(made.master, "6379")
    return _answer_about_users(node, words)


def _answer_as_relay(made: World, node: Node, words: list[str]) -> bytes:
    if words[:2] == ["SENTINEL", "GET-MASTER-ADDR-BY-NAME"]:
        at = made.addresses[made.master, names.PORT]
        return texts(at.host, str(at.port)) if words[2] == "nexus" else b"*-1\r\n"
    return _answer_as_sentinel(made, node, words)


def _answer_about_users(node: Node, words: list[str]) -> bytes:
    match words:
        case ["ACL", "LIST"]:
            return texts(*(f"user {name} {' '.join(rules)}" for name, rules in sorted(node.users.items())))
        case ["ACL", "SETUSER", name, *rules]:
            _set_user(node, name, rules)
            return b"+OK\r\n"
        case ["ACL", "SAVE"]:
            node.saved += 1
            return b"+OK\r\n"
    return f"-ERR unknown command '{words[0]}'\r\n".encode()


def _set_user(node: Node, name: str, rules: list[str]) -> None:
    present = [] if "reset" in rules else node.users.get(name, [])
    for rule in rules:
        if rule.startswith("!"):
            present = [each for each in present if each != f"#{rule[1:]}"]
        elif rule.startswith("#") and "reset" not in rules:
            place = next((i for i, each in enumerate(present) if each.startswith("#")), len(present))
            present = [*present[:place], rule, *present[place:]]
        elif rule != "reset":
            present = [*present, rule]
    node.users[name] = present


def _certificates(folder: Path) -> None:
    secret = Secret(name="s", file=folder / "server.crt", recipe=SecretRecipe(certificate="server"))
    stack = Stack(project="x", network=Network(name="x", subnet="10.0.0.0/24"), services={}, secrets={"s": secret})
    prepare(folder, stack, instance="shop", nonce=NONCE, uid=os.getuid(), gid=os.getgid())


def _listen(folder: Path, talk: Talk) -> socket.socket:
    """A listener that serves everybody who comes, each from a thread of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(plain: socket.socket) -> None:
        try:
            with context.wrap_socket(plain, server_side=True) as secure, secure.makefile("rwb") as stream:
                talk(cast("IO[bytes]", stream))
        except (OSError, ValueError):
            plain.close()

    def accept() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(plain,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener

"""Security controls that concern every server: each is tried from outside, or looked at inside every container or pod."""

from __future__ import annotations

import datetime
import socket
import ssl
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from nexusdev.components import https_connection
from nexusdev.components.scores import Control, ControlResult, ScoreBench
from nexusdev.env.git import Standing, git_status_of
from nexusdev.interfaces import Address
from nexusdev.util.humanize import join_names, pluralize
from nexusdev.util.listeners import foreign_listeners
from nexusdev.util.parallel import together

_PATIENCE = 5.0
_AT_ONCE = 16
#: A certificate must be valid for so many days.
_DAYS = 7
#: What a server answers a plaintext request with where it accepts one.
_PLAINTEXT: Mapping[str, bytes] = {
    "an HTTP request": b"GET / HTTP/1.0\r\n\r\n",
    "a Redis command": b"PING\r\n",
}
_POSTGRES_STARTUP = b"\x00\x00\x00\x20\x00\x03\x00\x00user\x00postgres\x00database\x00p\x00\x00"
_POSTGRES_PORTS = frozenset((5432, 6432))
# The environment of a new process in a container is that of the container's configuration.
_STATUS = (
    "cat /proc/1/status; touch /nexusdev-verify 2>&1; echo; env; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'"
)
_MIN_LENGTH = 16
_PRIVATE = 0o600
#: Seconds after which a port that nobody serves has closed a connection.
_CLOSED_WITHIN = 0.3


def _published(bench: ScoreBench) -> Mapping[str, tuple[Address, int]]:
    """Return every published address on which something listens, once: ``name:port`` → address and container port."""
    found: dict[Address, tuple[str, int]] = {}
    services = bench.access.observe().services
    for (name, port), address in sorted(
        bench.access.addresses.items(), key=lambda each: (each[0][0] not in services, each[0])
    ):
        found.setdefault(address, (name, port))
    listens = together({str(address): partial(_listens, address) for address in found}, limit=_AT_ONCE)
    return {f"{name}:{port}": (address, port) for address, (name, port) in found.items() if listens[str(address)]}


def _listens(address: Address) -> bool:
    """Return whether a server is behind a port. A cluster accepts connections for a service without pods, and closes them at once."""
    try:
        with socket.create_connection((address.host, address.port), timeout=_PATIENCE) as connection:
            connection.settimeout(_CLOSED_WITHIN)
            return connection.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def _loopback_only(bench: ScoreBench) -> ControlResult:
    ports = {address.port for address, _ in _published(bench).values()}
    foreign = foreign_listeners(ports)
    if foreign is None:
        return ControlResult(passed=False, evidence="unknown: this machine has no /proc/net/tcp")
    if foreign:
        return ControlResult(passed=False, evidence=f"listening on other addresses: {', '.join(foreign)}")
    return ControlResult(
        passed=True, evidence=f"{pluralize(len(ports), 'published port')} on loopback and nowhere else"
    )


def _no_plaintext(bench: ScoreBench) -> ControlResult:
    places = _published(bench)
    answers = together({name: partial(_plaintext_answer, *place) for name, place in places.items()}, limit=_AT_ONCE)
    answered = [f"{name} ({words})" for name, words in answers.items() if words]
    if answered:
        return ControlResult(passed=False, evidence=f"answered without TLS: {', '.join(answered)}")
    return ControlResult(passed=True, evidence=f"{pluralize(len(places), 'port')} tried, none answers without TLS")


def _plaintext_answer(address: Address, port: int) -> str:
    """Return what a port answered without TLS; '' for nothing, or a refusal."""
    if port in _POSTGRES_PORTS:
        reply = _exchange(address, _POSTGRES_STARTUP)
        return "" if not reply or reply[:1] == b"E" else "a PostgreSQL login"
    for words, content in _PLAINTEXT.items():
        reply = _exchange(address, content)
        refused = not reply or b" 400 " in reply.split(b"\r\n", 1)[0] or reply[:1] == b"\x15"
        if not refused:
            return words
    return ""


def _exchange(address: Address, content: bytes) -> bytes:
    try:
        with socket.create_connection((address.host, address.port), timeout=_PATIENCE) as connection:
            connection.settimeout(1.0)
            connection.sendall(content)
            return connection.recv(1024)
    except OSError:
        return b""


def _tls_versions(bench: ScoreBench) -> ControlResult:
    places = {name: address for name, (address, port) in _published(bench).items() if port not in _POSTGRES_PORTS}
    old = together({name: partial(_accepts_old, each) for name, each in places.items()}, limit=_AT_ONCE)
    new = together({name: partial(_version, each, bench) for name, each in places.items()}, limit=_AT_ONCE)
    bad = [*(f"{name} accepts TLS 1.1" for name, accepts in old.items() if accepts)]
    bad += [f"{name} has no TLS" for name, version in new.items() if not version]
    if bad:
        return ControlResult(passed=False, evidence=", ".join(bad))
    counted = sorted({version for version in new.values() if version})
    return ControlResult(
        passed=True, evidence=f"{pluralize(len(places), 'port')} with {join_names(counted)}, none with TLS 1.1"
    )


def _accepts_old(address: Address) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
    return bool(_handshake(address, context))


def _version(address: Address, bench: ScoreBench) -> str:
    return _handshake(address, https_connection.context(bench.access))


def _handshake(address: Address, context: ssl.SSLContext) -> str:
    try:
        with (
            socket.create_connection((address.host, address.port), timeout=_PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=address.host if context.check_hostname else None) as secured,
        ):
            return secured.version() or ""
    except (OSError, ValueError):
        return ""


def _certificates(bench: ScoreBench) -> ControlResult:
    places = {name: address for name, (address, port) in _published(bench).items() if port not in _POSTGRES_PORTS}
    context = https_connection.context(bench.access)
    days = together({name: partial(_days_left, each, context) for name, each in places.items()}, limit=_AT_ONCE)
    shortest = min(days, key=lambda name: days[name])
    return ControlResult(
        passed=days[shortest] >= _DAYS,
        evidence=f"{pluralize(len(days), 'port')}; the certificate that ends first is valid for {days[shortest]:.0f} days ({shortest})",
    )


def _days_left(address: Address, context: ssl.SSLContext) -> float:
    """Return for how many days the certificate of a port is valid. It must be signed by the instance's authority and name the host."""
    with (
        socket.create_connection((address.host, address.port), timeout=_PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=address.host) as secured,
    ):
        until = ssl.cert_time_to_seconds(str((secured.getpeercert() or {})["notAfter"]))
    return (until - datetime.datetime.now(datetime.UTC).timestamp()) / 86400


def _least_privilege(bench: ScoreBench) -> ControlResult:
    bad = []
    inside = _inside(bench)
    for service, text in inside.items():
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        if fields.get("Uid", "0").split()[0] == "0":
            bad.append(f"{service} runs as root")
        if int(fields.get("CapEff", "f"), 16):
            bad.append(f"{service} has capabilities")
        if fields.get("NoNewPrivs") != "1":
            bad.append(f"{service} may gain privileges")
        if "ead-only file system" not in text and "ermission denied" not in text:
            bad.append(f"{service} can write to its image")
    if bad:
        return ControlResult(passed=False, evidence=", ".join(bad))
    return ControlResult(
        passed=True, evidence=f"{len(inside)} servers: no root, no capabilities, no new privileges, read-only images"
    )


def _secrets_hidden(bench: ScoreBench, names: Iterable[str]) -> ControlResult:
    """Look for the value of every secret in arguments, in the environments of containers, and in the last lines of the logs."""
    values = {
        name: value
        for name in names
        if len(value := bench.access.secrets.read(name)) >= _MIN_LENGTH and "\n" not in value
    }
    inside = _inside(bench)
    logs: dict[str, list[str]] = {}
    for line in bench.access.runtime.logs((), tail=500):
        logs.setdefault(line.service, []).append(line.text)
    found = [
        f"{name} in the {where} of {service}"
        for where, texts in (("configuration", inside), ("log", {name: "\n".join(each) for name, each in logs.items()}))
        for service, text in texts.items()
        for name, value in values.items()
        if value in text
    ]
    if found:
        return ControlResult(passed=False, evidence=", ".join(found))
    return ControlResult(
        passed=True,
        evidence=f"{len(values)} secrets: in no argument or environment of {len(inside)} containers, and in no log of {len(logs)}",
    )


def _different_passwords(bench: ScoreBench, names: Iterable[str]) -> ControlResult:
    values = [value for name in names if (value := bench.access.secrets.read(name)) and "\n" not in value]
    passwords = [each for each in values if len(each) >= _MIN_LENGTH]
    different = len(set(passwords))
    return ControlResult(
        passed=different == len(passwords), evidence=f"{len(passwords)} generated secrets, {different} different ones"
    )


def _env_file(file: Path) -> ControlResult:
    if not file.exists():
        return ControlResult(passed=True, evidence=f"there is no {file.name}")
    mode, git = file.stat().st_mode & 0o777, git_status_of(file)
    passed = mode == _PRIVATE and git.standing in {Standing.OUTSIDE, Standing.IGNORED}
    return ControlResult(passed=passed, evidence=f"{file.name}: mode {mode:04o}, {git.standing.name.lower()} for git")


def _inside(bench: ScoreBench) -> Mapping[str, str]:
    """Return what every running server says of its processes: service → text."""
    running = [name for name, each in bench.access.observe().services.items() if each.runs]
    ask = bench.access.runtime.execute
    done = together({name: partial(ask, name, ["sh", "-c", _STATUS]) for name in running}, limit=_AT_ONCE)
    return {name: (each.stdout + each.stderr).decode(errors="replace") for name, each in done.items()}


def controls(secrets: Sequence[str], env_file: Path) -> tuple[Control, ...]:
    """Return the controls.

    Args:
        secrets: The names of the generated passwords of the instance.
        env_file: The env file of the project.
    """

    def with_secrets(
        check: Callable[[ScoreBench, Iterable[str]], ControlResult],
    ) -> Callable[[ScoreBench], ControlResult]:
        return lambda bench: check(bench, secrets)

    return (
        Control(name="loopback-only", title="published ports listen on loopback only", check=_loopback_only),
        Control(name="no-plaintext", title="no published port answers without TLS", check=_no_plaintext),
        Control(name="tls-versions", title="TLS 1.2 or newer on every published port", check=_tls_versions),
        Control(name="certificates", title=f"certificates are valid for {_DAYS} more days", check=_certificates),
        Control(
            name="least-privilege",
            title="servers run without root, capabilities and writable images",
            check=_least_privilege,
        ),
        Control(
            name="secrets-hidden",
            title="secrets are in no argument, container configuration or log",
            check=with_secrets(_secrets_hidden),
        ),
        Control(
            name="env-file",
            title="only this user reads the env file, and git ignores it",
            check=lambda _: _env_file(env_file),
        ),
        Control(
            name="different-passwords", title="no password is used twice", check=with_secrets(_different_passwords)
        ),
    )

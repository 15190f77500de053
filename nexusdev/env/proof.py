"""The proof of the variables: every endpoint that they name is asked at once, with nothing but them, who it is.

Two things must hold: the server's certificate is signed by this instance's CA (which no other instance has), and what it carries
is this instance's nonce.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from nexusdev.env import questions
from nexusdev.errors import Degraded, IdentityMismatch, NexusError, NotFound
from nexusdev.wire import ServerError, tls

Values = Mapping[str, str]
Question = Callable[[tls.Place, Values, ssl.SSLContext, float], str]
TIMEOUT = 3.0

_DATABASES: Mapping[str, Question] = {
    "DATABASE_URL": questions.ask_postgres,
    "DATABASE_RO_URL": questions.ask_postgres,
    "DATABASE_POOL_URL": questions.ask_postgres,
    "DATABASE_MIGRATION_URL": questions.ask_postgres_as_owner,
}
_PAGES: Mapping[str, Question] = {
    "PROMETHEUS_URL": questions.ask_prometheus,
    "ALERTMANAGER_URL": questions.ask_alertmanager,
    "GRAFANA_URL": questions.ask_grafana,
}


class PublishedEndpoint:
    """One published path: its name for a person, where it is, and what to ask there.

    mute  carries no nonce: its certificate alone is the proof
    """

    def __init__(self, path: str, place: str, ask: Question, *, mute: bool = False) -> None:
        self.path = path
        self.host, self.port = _authority(place)
        self.ask = ask
        self.mute = mute


class EndpointAnswer:
    """What came back: the nonce ('' where there is none; right for a ``mute`` one only), or what went wrong."""

    def __init__(self, endpoint: PublishedEndpoint) -> None:
        self.path = endpoint.path
        self.mute = endpoint.mute
        self.nonce = ""
        self.seconds = 0.0
        self.fault: Exception | None = None


def endpoints(values: Values) -> Iterator[PublishedEndpoint]:
    """Every path that these variables publish; only what is there is asked."""
    for name, ask in _DATABASES.items():
        if name in values:
            yield PublishedEndpoint(name, values[name], ask)
    if "REDIS_HOST" in values:
        yield PublishedEndpoint("REDIS_URL", f"{values['REDIS_HOST']}:{values['REDIS_PORT']}", questions.ask_redis)
    for place in filter(None, values.get("REDIS_SENTINELS", "").split(",")):
        yield PublishedEndpoint(f"REDIS_SENTINELS {place}", place, questions.ask_sentinel, mute=True)
    if "MINIO_ENDPOINT" in values:
        yield PublishedEndpoint("MINIO_ENDPOINT", values["MINIO_ENDPOINT"], questions.ask_minio)
    if "VAULT_ADDR" in values:
        yield PublishedEndpoint("VAULT_ADDR", values["VAULT_ADDR"], questions.ask_vault)
    for name, ask in _PAGES.items():
        if name in values:
            yield PublishedEndpoint(name, values[name], ask, mute=True)


def _authority(url: str) -> tuple[str, int]:
    """Host and port of a URL or of ``host:port``."""
    place = url.rpartition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]
    host, _, port = place.rpartition(":")
    return host, int(port)


def ask_all(values: Values, *, timeout: float = TIMEOUT) -> list[EndpointAnswer]:
    """Ask every endpoint at once; the slowest is all that is waited for, and never longer than ``timeout`` seconds each."""
    context = tls.trust(values["NEXUSDEV_CA_FILE"])
    answers, threads = [], []
    for endpoint in endpoints(values):
        answer = EndpointAnswer(endpoint)
        threads.append(threading.Thread(target=_ask, args=(endpoint, values, context, timeout, answer), daemon=True))
        answers.append(answer)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _ask(
    endpoint: PublishedEndpoint, values: Values, context: ssl.SSLContext, timeout: float, answer: EndpointAnswer
) -> None:
    began = time.perf_counter()
    try:
        answer.nonce = endpoint.ask(endpoint, values, context, timeout)
    except Exception as error:  # whatever a stranger on that port does is an answer
        answer.fault = error
    answer.seconds = time.perf_counter() - began


def inquire(values: Values, *, instance: str, nonce: str, timeout: float = TIMEOUT) -> list[EndpointAnswer]:
    """Ask every endpoint of an instance that may still be coming up; an endpoint without a nonce yet has a fault.

    Raises:
        IdentityMismatch: Something answers that is not this instance.
    """
    answers = ask_all(values, timeout=timeout)
    for answer in answers:
        if answer.fault is None and not answer.mute and not answer.nonce:
            answer.fault = ServerError("it is not seeded yet")
        if _is_strange(answer, nonce):
            raise _mismatch(answer, instance, nonce)
    return answers


def prove(values: Values, *, instance: str, nonce: str, timeout: float = TIMEOUT) -> list[EndpointAnswer]:
    """Ask every endpoint; the answers, or the error that the worst of them means.

    IdentityMismatch (9): something answers that is not this instance. Degraded (4): something does not answer as it should.
    NotFound (3): nothing listens at all.
    """
    if not values.get("NEXUSDEV_CA_FILE"):
        raise NotFound(f"instance {instance} has no variables to prove", hint="nexusdev up")
    answers = ask_all(values, timeout=timeout)
    for answer in answers:
        if _is_strange(answer, nonce):
            raise _mismatch(answer, instance, nonce)
    silent = [answer for answer in answers if answer.fault is not None]
    if silent:
        raise _failed(silent, answers, instance)
    return answers


def _is_strange(answer: EndpointAnswer, nonce: str) -> bool:
    if isinstance(answer.fault, ssl.SSLCertVerificationError):
        return True
    return answer.fault is None and not answer.mute and answer.nonce != nonce


def _mismatch(answer: EndpointAnswer, instance: str, nonce: str) -> IdentityMismatch:
    said = str(answer.fault) if answer.fault else f"it carries the nonce {answer.nonce or 'of nobody'}, ours is {nonce}"
    return IdentityMismatch(
        f"what answers at {answer.path} is not instance {instance}",
        why=said,
        hint="nexusdev ports   who has the port\nnexusdev up      bring this instance back",
    )


def _failed(silent: list[EndpointAnswer], answers: list[EndpointAnswer], instance: str) -> NexusError:
    evidence = [f"{each.path}: {words(each.fault)}" for each in silent]
    if len(silent) == len(answers) and all(isinstance(each.fault, ConnectionRefusedError) for each in silent):
        return NotFound(
            f"instance {instance} is not running",
            why="nothing listens on any of its ports",
            hint="nexusdev up   start it\nnexusdev env --no-proof   print the variables all the same",
            evidence=evidence,
        )
    return Degraded(
        f"{silent[0].path} of instance {instance} does not answer as it should",
        why=words(silent[0].fault),
        hint="nexusdev status   what is wrong\nnexusdev env --no-proof   print the variables all the same",
        evidence=evidence,
    )


def words(fault: Exception | None) -> str:
    """Return what went wrong, in the words of whoever told it."""
    return (str(fault) or type(fault).__name__) if fault else ""

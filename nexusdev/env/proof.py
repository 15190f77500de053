"""The proof of the variables: connects to every endpoint in parallel, with only the variables, and checks which instance it belongs to.

Two conditions must hold: the server's certificate is signed by this instance's CA (which no other instance has), and it contains this
instance's nonce.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable

from nexusdev.errors import Degraded, IdentityMismatch, NexusError, NotFound
from nexusdev.wire import ClockSkew, ServerError, tls
from nexusdev.wire.endpoint import EnvValues, PublishedEndpoint

TIMEOUT = 3.0
# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
_NOT_VALID_NOW = (9, 10)


class EndpointAnswer:
    """The answer of an endpoint: the nonce ('' without one; allowed only for a ``mute`` endpoint), or the failure."""

    def __init__(self, endpoint: PublishedEndpoint) -> None:
        self.path = endpoint.path
        self.mute = endpoint.mute
        self.nonce = ""
        self.seconds = 0.0
        self.fault: Exception | None = None


def ask_all(
    endpoints: Iterable[PublishedEndpoint], values: EnvValues, *, timeout: float = TIMEOUT
) -> list[EndpointAnswer]:
    """Probe all endpoints in parallel. The call takes as long as the slowest.

    Args:
        endpoints: The endpoints.
        values: The variables.
        timeout: Limit for each endpoint, in seconds.
    """
    context = tls.trust(values["NEXUSDEV_CA_FILE"])
    answers, threads = [], []
    for endpoint in endpoints:
        answer = EndpointAnswer(endpoint)
        asking = (endpoint, values, context, timeout, answer)
        threads.append(threading.Thread(target=_ask, args=asking, name=f"prove-{endpoint.path}", daemon=True))
        answers.append(answer)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _ask(
    endpoint: PublishedEndpoint, values: EnvValues, context: ssl.SSLContext, timeout: float, answer: EndpointAnswer
) -> None:
    began = time.perf_counter()
    try:
        answer.nonce = endpoint.ask(endpoint, values, context, timeout)
    except Exception as error:  # any behaviour of an unknown server on that port is a result
        answer.fault = error
    answer.seconds = time.perf_counter() - began


def inquire(
    endpoints: Iterable[PublishedEndpoint], values: EnvValues, *, instance: str, nonce: str, timeout: float = TIMEOUT
) -> list[EndpointAnswer]:
    """Probe all endpoints of an instance that may still be starting. An endpoint without a nonce yet gets a fault.

    Args:
        endpoints: The endpoints.
        values: The variables.
        instance: Name of the instance, for errors.
        nonce: The expected nonce.
        timeout: Limit for each endpoint, in seconds.

    Raises:
        IdentityMismatch: Another instance answers.
        Degraded: A clock is wrong (CLOCK_SKEW).
    """
    answers = ask_all(endpoints, values, timeout=timeout)
    for answer in answers:
        if answer.fault is None and not answer.mute and not answer.nonce:
            answer.fault = ServerError("it is not seeded yet")
    _require_ours(answers, values, instance, nonce)
    return answers


def prove(
    endpoints: Iterable[PublishedEndpoint], values: EnvValues, *, instance: str, nonce: str, timeout: float = TIMEOUT
) -> list[EndpointAnswer]:
    """Probe all endpoints and require the expected nonce of each.

    Args:
        endpoints: The endpoints.
        values: The variables.
        instance: Name of the instance, for errors.
        nonce: The expected nonce.
        timeout: Limit for each endpoint, in seconds.

    Returns:
        The answers.

    Raises:
        IdentityMismatch: Another instance answers (exit 9).
        Degraded: An endpoint fails (exit 4).
        NotFound: No endpoint listens, or there are no variables (exit 3).
    """
    if not values.get("NEXUSDEV_CA_FILE"):
        raise NotFound(f"instance {instance} has no variables", hint="nexusdev up")
    answers = ask_all(endpoints, values, timeout=timeout)
    _require_ours(answers, values, instance, nonce)
    silent = [answer for answer in answers if answer.fault is not None]
    if silent:
        raise _failed(silent, answers, instance)
    return answers


def _require_ours(answers: Iterable[EndpointAnswer], values: EnvValues, instance: str, nonce: str) -> None:
    """Raise an error if another instance answers, or if a clock is wrong: waiting helps with neither."""
    for answer in answers:
        if _is_strange(answer, nonce):
            raise _mismatch(answer, instance, nonce)
    if untimely := next((each for each in answers if _is_untimely(each.fault)), None):
        raise _untimely(untimely, instance, tls.trust(values["NEXUSDEV_CA_FILE"]))


def _is_strange(answer: EndpointAnswer, nonce: str) -> bool:
    if isinstance(answer.fault, ssl.SSLCertVerificationError):
        return not _is_untimely(answer.fault)
    return answer.fault is None and not answer.mute and answer.nonce != nonce


def _is_untimely(fault: Exception | None) -> bool:
    """Return whether a clock causes the failure: a certificate that is not valid now, or a request that is signed at another time."""
    untimely = isinstance(fault, ssl.SSLCertVerificationError) and fault.verify_code in _NOT_VALID_NOW
    return untimely or isinstance(fault, ClockSkew)


def _untimely(answer: EndpointAnswer, instance: str, context: ssl.SSLContext) -> Degraded:
    said = words(answer.fault)
    if isinstance(answer.fault, ssl.SSLCertVerificationError):
        valid = ", ".join(f"{each['notBefore']} to {each['notAfter']}" for each in context.get_ca_certs())
        here = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        said = f"{answer.fault.verify_message}; the CA is valid from {valid}, and this machine's clock says {here}"
    return Degraded(
        f"{answer.path} of instance {instance} cannot be used: a clock is wrong",
        why=said,
        hint="nexusdev doctor   compare this machine's clock with the runtime's\n"
        "nexusdev up       renew certificates that are not valid, once the clock is right",
        code="CLOCK_SKEW",
    )


def _mismatch(answer: EndpointAnswer, instance: str, nonce: str) -> IdentityMismatch:
    said = str(answer.fault) if answer.fault else f"its nonce is {answer.nonce or 'missing'}, expected {nonce}"
    return IdentityMismatch(
        f"the server at {answer.path} does not belong to instance {instance}",
        why=said,
        hint="nexusdev ports   show who uses the port\nnexusdev up      start this instance",
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
        f"{silent[0].path} of instance {instance} does not answer correctly",
        why=words(silent[0].fault),
        hint="nexusdev status   show the problem\nnexusdev env --no-proof   print the variables all the same",
        evidence=evidence,
    )


def words(fault: Exception | None) -> str:
    """Return the text of the failure as its source wrote it."""
    return (str(fault) or type(fault).__name__) if fault else ""

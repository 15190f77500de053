"""The quick proof: the application's key reads the nonce of this instance, and does not open the bucket for backups."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from nexusdev.wire import ServerError, http, s3, tls
from nexusdev.wire.endpoint import EnvValues, PublishedEndpoint, host_header

#: The object with the nonce, and the bucket that the application must not see. The full proof checks the same.
DATA, BACKUPS = "nexus-app-data", "nexus-backups"
NONCE = ".nexusdev/instance"
TOO_WIDE = f"the application's key can read {BACKUPS}"


def endpoints(values: EnvValues) -> Iterator[PublishedEndpoint]:
    """Yield the store as its own clients find it, as AWS libraries do where that differs, and the bucket that is denied."""
    own = values.get("MINIO_ENDPOINT", "")
    if own:
        yield PublishedEndpoint("MINIO_ENDPOINT", own, _ask)
        yield PublishedEndpoint(f"MINIO_ENDPOINT {BACKUPS}", own, _ask_denied, mute=True)
    if values.get("AWS_ENDPOINT_URL_S3", f"https://{own}") != f"https://{own}":
        yield PublishedEndpoint("AWS_ENDPOINT_URL_S3", values["AWS_ENDPOINT_URL_S3"], _ask)


def _ask(place: tls.HostPort, values: EnvValues, context: ssl.SSLContext, timeout: float) -> str:
    return _get(place, f"/{DATA}/{NONCE}", values, context, timeout).strip()


def _ask_denied(place: tls.HostPort, values: EnvValues, context: ssl.SSLContext, timeout: float) -> str:
    try:
        _get(place, f"/{BACKUPS}", values, context, timeout)
    except ServerError as refused:
        if " 403 " in f"{refused} ":
            return ""
        raise
    raise ServerError(TOO_WIDE)


def _get(place: tls.HostPort, path: str, values: EnvValues, context: ssl.SSLContext, timeout: float) -> str:
    headers = s3.sign(
        "GET",
        path,
        headers=host_header(place),
        access_key=values["MINIO_ACCESS_KEY"],
        secret_key=values["MINIO_SECRET_KEY"],
        region=values.get("AWS_REGION", s3.REGION),
    )
    return http.get(place, path, context=context, headers=headers, timeout=timeout)

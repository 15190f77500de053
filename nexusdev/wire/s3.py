"""Requests to S3 are signed: version 4.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

REGION = "us-east-1"
_ALGORITHM = "AWS4-HMAC-SHA256"


def sign(
    method: str,
    path: str,
    query: str = "",
    body: bytes = b"",
    *,
    headers: Mapping[str, str],
    access_key: str,
    secret_key: str,
    region: str = REGION,
    now: str = "",
) -> dict[str, str]:
    """Return all headers of the request, with the signature.

    Args:
        method: The HTTP method.
        path: The path, quoted.
        query: The query, quoted, its members sorted.
        body: The body.
        headers: Other headers that are signed: lower-case names, including ``host``.
        access_key: The access key.
        secret_key: Its secret key.
        region: The region.
        now: The time in UTC as ``20260131T235959Z``; '' for now.
    """
    digest = hashlib.sha256(body).hexdigest()
    stamp = now or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    signed = {**headers, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret_key}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    authorization = f"{_ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    return {**signed, "authorization": authorization}

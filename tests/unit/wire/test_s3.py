"""Requests are signed as S3 wants them."""

from __future__ import annotations

import pytest

from nexusdev.wire.s3 import sign

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, first example
KEYS = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
HOST, NOW = "examplebucket.s3.amazonaws.com", "20130524T000000Z"
SIGNATURE = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_a_signature_is_the_one_in_amazons_own_example() -> None:
    signed = sign("GET", "/test.txt", headers={"host": HOST, "range": "bytes=0-9"}, **KEYS, now=NOW)
    assert signed["authorization"].endswith(f"Signature={SIGNATURE}")


def test_the_signature_is_the_one_that_botocore_makes() -> None:
    found = sign("GET", "/", headers={"host": HOST}, **KEYS, region="us-east-1", now=NOW)
    botocore = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("GET", f"https://{HOST}/")
    request.headers["x-amz-content-sha256"] = found["x-amz-content-sha256"]
    request.headers["x-amz-date"] = request.context["timestamp"] = found["x-amz-date"]
    theirs = botocore.S3SigV4Auth(Credentials(KEYS["access_key"], KEYS["secret_key"]), "s3", "us-east-1")
    signature = theirs.signature(theirs.string_to_sign(request, theirs.canonical_request(request)), request)
    assert found["authorization"].endswith(f"Signature={signature}")

"""Requests are signed as S3 wants them."""

from __future__ import annotations

from functools import partial

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from nexusdev.wire import s3

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, first example
sign = partial(s3.sign, access_key="AKIAIOSFODNN7EXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
HOST, NOW = "examplebucket.s3.amazonaws.com", "20130524T000000Z"
SIGNATURE = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_a_signature_matches_the_aws_example() -> None:
    signed = sign("GET", "/test.txt", headers={"host": HOST, "range": "bytes=0-9"}, now=NOW)
    assert signed["authorization"].endswith(f"Signature={SIGNATURE}")


def test_a_signature_matches_botocore() -> None:
    found = sign("GET", "/", headers={"host": HOST}, region="us-east-1", now=NOW)
    request = AWSRequest("GET", f"https://{HOST}/")
    request.headers["x-amz-content-sha256"] = found["x-amz-content-sha256"]
    request.headers["x-amz-date"] = request.context["timestamp"] = found["x-amz-date"]
    theirs = S3SigV4Auth(Credentials(**sign.keywords), "s3", "us-east-1")
    signature = theirs.signature(theirs.string_to_sign(request, theirs.canonical_request(request)), request)
    assert found["authorization"].endswith(f"Signature={signature}")

"""The Secrets of an application's pods: variables for envFrom, files for a volume."""

from __future__ import annotations

import base64
import json

import pytest

from nexusdev.env.kubernetes_secrets import render
from nexusdev.errors import InvalidConfig

VALUES = {"PGHOST": "postgresql-primary.nexus-architect.svc.cluster.local", "NODE_OPTIONS": "--use-openssl-ca"}


def test_variables_and_files_are_two_secrets() -> None:
    variables, files = json.loads(render(VALUES, {"ca.crt": b"PEM"}, namespace="shop"))["items"]
    assert variables["metadata"] == {"name": "nexusdev", "namespace": "shop"}
    assert variables["stringData"] == {"PGHOST": VALUES["PGHOST"]}
    assert files["metadata"] == {"name": "nexusdev-files", "namespace": "shop"}
    assert {name: base64.b64decode(value) for name, value in files["data"].items()} == {"ca.crt": b"PEM"}


def test_without_a_namespace_that_of_the_context_is_used() -> None:
    assert all("namespace" not in each["metadata"] for each in json.loads(render(VALUES, {}))["items"])


def test_a_value_that_readers_interpret_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="PGHOST cannot be written portably"):
        render({"PGHOST": "a b"}, {})

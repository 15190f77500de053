"""In a shell with the variables, every runtime reaches the instance's servers and still all servers that it reached before.

Two servers: one of the instance, and one whose certificate is signed by an authority that only the machine's own store has. Each runtime asks both
with nothing but the variables. Without them, it reaches neither.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nexusdev.deploy.client_files import own_variables, write_client_files
from nexusdev.instance import trust
from nexusdev.interfaces import View
from tests.access import instance_access
from tests.addresses import SeenFromContainers
from tests.unit.env import servers

STS = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""

PYTHON = {
    "requests": "import sys, requests; print(requests.get(sys.argv[1]).status_code)",
    "urllib": "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).status)",
    "boto3": (
        "import sys, boto3; sts = boto3.client('sts', endpoint_url=sys.argv[1]);"
        "print(sts.get_caller_identity()['ResponseMetadata']['HTTPStatusCode'])"
    ),
}
NODE = "fetch(process.argv[1]).then(r => console.log(r.status), e => { console.error(e.cause || e); process.exit(1) })"
JAVA = """
import java.net.*;
public class Get { public static void main(String[] a) throws Exception {
    System.out.println(((HttpURLConnection) new URL(a[0]).openConnection()).getResponseCode()); } }
"""
RUBY = "require 'net/http'; puts Net::HTTP.get_response(URI(ARGV[0])).code"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trust")


@pytest.fixture(scope="module")
def variables(folder: Path) -> dict[str, str]:
    """The variables of an instance on a machine that trusts one public authority."""
    ours, public = servers.authority(folder / "tls"), servers.authority(folder / "public", nonce="public")
    store = folder / "machine" / trust.SYSTEM_STORES[0]
    store.parent.mkdir(parents=True)
    shutil.copy(public / "ca.crt", store)
    trust.renew(folder / "client", ours / "ca.crt", environ={}, root=folder / "machine")
    runtime: Any = SeenFromContainers()
    access = instance_access(
        ours,
        nonce="n0nce",
        runtime=runtime,
        client_folder=folder / "client" / "host",
    )
    write_client_files(access, ())
    values = {each.name: each.value for each in own_variables(access, View.HOST)}
    return {
        **values,
        "AWS_CA_BUNDLE": values["SSL_CERT_FILE"],
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.fixture(scope="module")
def urls(variables: Mapping[str, str], folder: Path) -> Iterator[tuple[str, str]]:
    """The instance's server, and the public one."""
    assert variables
    with ExitStack() as running:
        ports = [running.enter_context(servers.serving(folder / name, servers.http(STS))) for name in ("tls", "public")]
        yield f"https://127.0.0.1:{ports[0]}/", f"https://127.0.0.1:{ports[1]}/"


def asked(words: Sequence[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **variables}
    return subprocess.run(words, env=environ, capture_output=True, text=True, timeout=60, check=False)


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return found


def words_of(client: str, folder: Path, variables: Mapping[str, str]) -> list[str]:
    """The command line to which a URL is appended."""
    if client in PYTHON:
        return [sys.executable, "-c", PYTHON[client]]
    if client == "curl":
        return [needed("curl"), "-sS", "-o", "/dev/null", "-w", "%{http_code}"]
    if client == "node":
        return [needed("node"), "-e", NODE]
    if client == "ruby":
        return [needed("ruby"), "-e", RUBY]
    (folder / "Get.java").write_text(JAVA)
    return [needed("java"), f"@{variables['NEXUSDEV_JAVA_OPTIONS']}", str(folder / "Get.java")]


@pytest.mark.parametrize("client", [*PYTHON, "curl", "node", "ruby", "java"])
def test_clients_trust_public_and_instance_servers(
    client: str, folder: Path, variables: Mapping[str, str], urls: tuple[str, str]
) -> None:
    words = words_of(client, folder, variables)
    for url in urls:
        ran = asked([*words, url], variables)
        assert (ran.returncode, ran.stdout.strip()) == (0, "200"), ran.stderr


@pytest.mark.parametrize("client", [*PYTHON, "curl", "node"])
def test_without_the_variables_no_server_is_trusted(
    client: str, folder: Path, variables: Mapping[str, str], urls: tuple[str, str]
) -> None:
    words = words_of(client, folder, variables)
    login = {name: value for name, value in variables.items() if name.startswith("AWS_") and "BUNDLE" not in name}
    for url in urls:
        ran = asked([*words, url], login)
        assert ran.returncode != 0, ran.stdout


def test_node_reads_it_from_an_env_file(folder: Path, variables: Mapping[str, str], urls: tuple[str, str]) -> None:
    file = folder / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    for url in urls:
        ran = asked([needed("node"), f"--env-file={file}", "-e", NODE, url], {})
        assert (ran.returncode, ran.stdout.strip()) == (0, "200"), ran.stderr

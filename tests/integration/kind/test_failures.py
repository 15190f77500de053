"""One pod after the other is deleted while an application on the host writes, using nothing but the env file.

It writes again within the times of the platform and two seconds, and no acknowledged write is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

import pytest

from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from tests.integration import application as app
from tests.integration.conftest import Project
from tests.integration.engine import node_with_role
from tests.integration.kind.policies import NAMESPACE
from tests.integration.test_failures import PROMISED, all_write, limit, writer_for
from tests.selection import examples

pytestmark = [pytest.mark.integration, pytest.mark.kind, pytest.mark.usefixtures("heal")]

#: What a cluster may add: names are resolved again every two seconds.
_MORE = 2.0
#: A gateway's pod is started again by the cluster: until then nothing answers.
_GATEWAY = 20.0


@pytest.mark.parametrize(
    ("victim", "systems"),
    examples(
        [
            ("primary", ("postgresql", "pool")),
            ("master", ("redis", "sentinel")),
            ("active", ("vault",)),
            ("minio-2", ("minio",)),
            ("etcd-1", ("postgresql",)),
            ("sentinel-1", ("redis",)),
            ("gateway-rw", ("postgresql",)),
        ],
        in_make_test=("primary", "master", "gateway-rw"),
    ),
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_a_deleted_pod_loses_no_write(
    project: Project, variables: Mapping[str, str], kubectl: Kubectl, victim: str, systems: tuple[str, ...]
) -> None:
    service = victim if "-" in victim else node_with_role(project, victim)
    writers = {system: writer_for(system, variables, project) for system in systems}
    with ExitStack() as applications:
        accounts = {name: applications.enter_context(app.writing(writer)) for name, writer in writers.items()}
        all_write(accounts, more=20, seconds=20, when="at first")
        idle_gaps = {name: account.gap for name, account in accounts.items()}
        _delete(kubectl, service)
        all_write(accounts, more=50, seconds=90, when=f"after the pod of {service} was deleted")
    for system, account in accounts.items():
        lost = set(account.acknowledged) - writers[system].read()
        assert not lost, f"{system}: {len(lost)} of {len(account.acknowledged)} acknowledged writes are gone"
        allowed = _GATEWAY if victim == "gateway-rw" else limit(victim, system, idle_gaps[system]) + _MORE
        print(f"{victim} {system}: {account.gap:.1f} s of {allowed:.1f} s")
        assert account.gap < allowed, (system, f"promised {PROMISED.get(victim)} s", account.errors[-3:])


def _delete(kubectl: Kubectl, service: str) -> None:
    if service.startswith("gateway"):
        selector = f"app.kubernetes.io/name={service}"
        kubectl.run("delete", "pod", "--selector", selector, "--namespace", NAMESPACE, "--wait=false")
    else:
        kubectl.run("delete", f"pod/{service}", "--namespace", NAMESPACE, "--wait=false")

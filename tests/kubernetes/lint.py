"""What is wrong with a set of manifests although their schema is right: names, quantities, selectors, ports, references, policies.

Each rule yields sentences about one object, so that a test can compare all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.kubernetes.objects import of_kind, pod_templates

Objects = list[Any]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_QUANTITY = re.compile(r"\d+(\.\d+)?(m|[kMGT]|[KMGT]i)?")
_UNITS = {
    "": 1,
    "m": 0.001,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_POD_NAME = "statefulset.kubernetes.io/pod-name"
_LARGEST = 1024 * 1024
_NODE_PORTS = range(30000, 32768)


def problems(objects: Objects) -> list[str]:
    """Everything that is wrong."""
    rules = (_names, _labels, _selectors, _services, _workloads, _quantities, _references, _mounts, _policies, _data)
    return [problem for rule in rules for problem in rule(objects)]


def name_of(each: Any) -> str:
    return f"{each['kind']}/{each['metadata']['name']}"


def number(quantity: str) -> float:
    """The value of a quantity. Raises ValueError for one that cannot be read."""
    if not _QUANTITY.fullmatch(quantity):
        raise ValueError(quantity)
    digits = quantity.rstrip("mkMGTi")
    return float(digits) * _UNITS[quantity[len(digits) :]]


def _names(objects: Objects) -> Iterator[str]:
    for name, count in Counter(map(name_of, objects)).items():
        if count > 1:
            yield f"{name} is there {count} times"
    for each in objects:
        if not _LABEL.fullmatch(each["metadata"]["name"]):
            yield f"{name_of(each)}: its name is no DNS label"
        if each["kind"] != "Namespace" and each["metadata"].get("namespace") not in of_kind(objects, "Namespace"):
            yield f"{name_of(each)}: its namespace does not exist"
    for name, template in pod_templates(objects):
        found = [container["name"] for container in template["spec"]["containers"]]
        if len({*found}) < len(found) or not all(map(_LABEL.fullmatch, found)):
            yield f"{name}: names of containers {found}"
        for container in template["spec"]["containers"]:
            ports = [port["name"] for port in container.get("ports", ())]
            yield from (f"{name}: name of port {port}" for port in ports if not _PORT_NAME.fullmatch(port))


def _labels(objects: Objects) -> Iterator[str]:
    wanted = {f"app.kubernetes.io/{each}" for each in ("instance", "part-of", "managed-by")}
    for each in objects:
        labels = each["metadata"].get("labels", {})
        if missing := wanted - labels.keys():
            yield f"{name_of(each)}: no label {', '.join(sorted(missing))}"
        for key, value in labels.items():
            if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
                yield f"{name_of(each)}: label {key}={value}"


def pods(objects: Objects) -> list[tuple[str, dict[str, str], Any]]:
    """Name, labels and spec of every pod that the workloads make."""
    found = []
    for each in objects:
        if each["kind"] == "StatefulSet":
            template = each["spec"]["template"]
            for ordinal in range(each["spec"]["replicas"]):
                name = f"{each['metadata']['name']}-{ordinal}"
                found.append((name, {**template["metadata"]["labels"], _POD_NAME: name}, template["spec"]))
        if each["kind"] == "Deployment":
            template = each["spec"]["template"]
            found.append((each["metadata"]["name"], template["metadata"]["labels"], template["spec"]))
    return found


def selected(objects: Objects, selector: dict[str, str]) -> list[tuple[str, Any]]:
    """Name and spec of the pods with these labels."""
    return [(name, spec) for name, labels, spec in pods(objects) if selector.items() <= labels.items()]


def _selectors(objects: Objects) -> Iterator[str]:
    for each in objects:
        spec = each.get("spec", {})
        match each["kind"]:
            case "Service":
                selectors = [spec["selector"]]
            case "StatefulSet" | "Deployment" | "PodDisruptionBudget":
                selectors = [spec["selector"]["matchLabels"]]
            case "NetworkPolicy":
                selectors = [spec["podSelector"].get("matchLabels", {})]
            case _:
                continue
        selectors += [
            constraint["labelSelector"]["matchLabels"]
            for constraint in spec.get("template", {}).get("spec", {}).get("topologySpreadConstraints", ())
        ]
        for selector in selectors:
            if not selected(objects, selector):
                yield f"{name_of(each)}: its selector hits no pod"
        if each["kind"] in ("StatefulSet", "Deployment"):
            wanted = each["spec"]["selector"]["matchLabels"]
            if not wanted.items() <= each["spec"]["template"]["metadata"]["labels"].items():
                yield f"{name_of(each)}: its selector does not hit its own pods"


def _container_ports(spec: Any) -> dict[str, int]:
    """Name → number of the ports of a pod."""
    return {
        port["name"]: port["containerPort"] for container in spec["containers"] for port in container.get("ports", ())
    }


def _services(objects: Objects) -> Iterator[str]:
    node_ports: Counter[int] = Counter()
    for service in of_kind(objects, "Service").values():
        ports = service["spec"]["ports"]
        for _, spec in selected(objects, service["spec"]["selector"]):
            for port in ports:
                target, known = port["targetPort"], _container_ports(spec)
                if target not in known and target not in known.values():
                    yield f"{name_of(service)}: no container has port {target}"
        if len({port["name"] for port in ports}) < len(ports):
            yield f"{name_of(service)}: two ports have one name"
        node_ports.update(port["nodePort"] for port in ports if "nodePort" in port)
        yield from (
            f"{name_of(service)}: node port {port['nodePort']}"
            for port in ports
            if port.get("nodePort", min(_NODE_PORTS)) not in _NODE_PORTS
        )
    yield from (f"node port {port} is there {count} times" for port, count in node_ports.items() if count > 1)


def _workloads(objects: Objects) -> Iterator[str]:
    services, budgets = of_kind(objects, "Service"), of_kind(objects, "PodDisruptionBudget")
    for each in objects:
        if each["kind"] == "StatefulSet":
            governing = services.get(each["spec"]["serviceName"])
            if governing is None or governing["spec"].get("clusterIP") != "None":
                yield f"{name_of(each)}: its Service is not headless"
            if each["spec"]["podManagementPolicy"] != "Parallel":
                yield f"{name_of(each)}: its pods start one after the other"
            if not _headless_of(each, services):
                yield f"{name_of(each)}: a pod has no Service of its own"
            if each["metadata"]["name"] not in budgets:
                yield f"{name_of(each)}: no PodDisruptionBudget"
    for name, template in pod_templates(objects):
        spec = template["spec"]
        for key in ("automountServiceAccountToken", "enableServiceLinks"):
            if spec.get(key) is not False:
                yield f"{name}: {key}"


def _headless_of(stateful: Any, services: dict[str, Any]) -> bool:
    """Whether each pod has a headless Service with its name that finds it before it is ready."""
    names = [f"{stateful['metadata']['name']}-{ordinal}" for ordinal in range(stateful["spec"]["replicas"])]
    found = [services.get(name, {"spec": {}})["spec"] for name in names]
    return all(
        spec.get("clusterIP") == "None"
        and spec.get("publishNotReadyAddresses")
        and spec["selector"].get(_POD_NAME) == name
        for name, spec in zip(names, found, strict=True)
    )


def _quantities(objects: Objects) -> Iterator[str]:
    for name, template in pod_templates(objects):
        for container in template["spec"]["containers"]:
            resources = container.get("resources", {})
            for kind in ("requests", "limits"):
                for what, value in resources.get(kind, {}).items():
                    yield from _unreadable(f"{name}: {container['name']} {kind} {what}", value)
            requested, limit = (resources.get(kind, {}).get("memory") for kind in ("requests", "limits"))
            if not limit or not requested:
                yield f"{name}: {container['name']} has no memory request or limit"
            elif _is_readable(requested) and _is_readable(limit) and number(requested) > number(limit):
                yield f"{name}: {container['name']} requests more than its limit"
            if "cpu" in resources.get("limits", {}):
                yield f"{name}: {container['name']} has a CPU limit"
        for volume in template["spec"].get("volumes", ()):
            if size := volume.get("emptyDir", {}).get("sizeLimit"):
                yield from _unreadable(f"{name}: volume {volume['name']}", size)
    for name, claim in _claims(objects):
        yield from _unreadable(name, claim["resources"]["requests"]["storage"])


def _is_readable(quantity: str) -> bool:
    return bool(_QUANTITY.fullmatch(quantity))


def _unreadable(what: str, quantity: str) -> Iterator[str]:
    if not _is_readable(quantity):
        yield f"{what}: {quantity} is no quantity"


def _claims(objects: Objects) -> Iterator[tuple[str, Any]]:
    for each in objects:
        if each["kind"] == "PersistentVolumeClaim":
            yield name_of(each), each["spec"]
        for template in each.get("spec", {}).get("volumeClaimTemplates", ()):
            yield f"{name_of(each)}: claim {template['metadata']['name']}", template["spec"]


def _references(objects: Objects) -> Iterator[str]:
    known = {
        kind: of_kind(objects, kind) for kind in ("ConfigMap", "Secret", "PersistentVolumeClaim", "ServiceAccount")
    }
    used: Counter[str] = Counter()
    for name, template in pod_templates(objects):
        account = template["spec"]["serviceAccountName"]
        used[account] += 1
        if account not in known["ServiceAccount"]:
            yield f"{name}: no ServiceAccount {account}"
        for volume in template["spec"].get("volumes", ()):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim and claim not in known["PersistentVolumeClaim"]:
                yield f"{name}: no claim {claim}"
            for source in volume.get("projected", {}).get("sources", ()):
                yield from _missing_keys(name, source, known)
    yield from (f"ServiceAccount/{account} is used {count} times" for account, count in used.items() if count > 1)
    for account in known["ServiceAccount"].values():
        if account.get("automountServiceAccountToken") is not False:
            yield f"{name_of(account)}: automountServiceAccountToken"


def _missing_keys(name: str, source: Any, known: dict[str, dict[str, Any]]) -> Iterator[str]:
    [(kind, wanted)] = source.items()
    found = known[kind[0].upper() + kind[1:]].get(wanted["name"])
    if found is None:
        yield f"{name}: no {kind} {wanted['name']}"
        return
    keys = {*found.get("data", {}), *found.get("stringData", {})}
    for item in wanted["items"]:
        if item["key"] not in keys:
            yield f"{name}: {kind} {wanted['name']} has no key {item['key']}"


def _mounts(objects: Objects) -> Iterator[str]:
    for each in objects:
        if each["kind"] not in ("StatefulSet", "Deployment"):
            continue
        spec = each["spec"]["template"]["spec"]
        claims = [template["metadata"]["name"] for template in each["spec"].get("volumeClaimTemplates", ())]
        names = [*claims, *(volume["name"] for volume in spec.get("volumes", ()))]
        mounts = [mount for container in spec["containers"] for mount in container.get("volumeMounts", ())]
        if len({*names}) < len(names):
            yield f"{name_of(each)}: two volumes have one name"
        for mount in mounts:
            if mount["name"] not in names:
                yield f"{name_of(each)}: no volume {mount['name']}"
        yield from (f"{name_of(each)}: volume {name} is not mounted" for name in names if name not in _used(mounts))
        for container in spec["containers"]:
            paths = Counter(mount["mountPath"] for mount in container.get("volumeMounts", ()))
            yield from (
                f"{name_of(each)}: {path} is mounted {count} times" for path, count in paths.items() if count > 1
            )


def _used(mounts: list[Any]) -> set[str]:
    return {mount["name"] for mount in mounts}


def _policies(objects: Objects) -> Iterator[str]:
    found = of_kind(objects, "NetworkPolicy")
    everyone = [each["spec"] for each in found.values() if each["spec"]["podSelector"] == {}]
    denied = {kind for spec in everyone for kind in spec["policyTypes"] if kind.lower() not in spec}
    if denied != {"Ingress", "Egress"}:
        yield "no policy denies everything in both directions"
    for each in found.values():
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in each["spec"].get(direction, ()):
                yield from _rule(name_of(each), each, rule, peers, objects)
    yield from _one_sided(found)


def _rule(name: str, policy: Any, rule: Any, peers: str, objects: Objects) -> Iterator[str]:
    """Check that a rule names peers that exist and ports at which its server listens."""
    if not rule.get(peers):
        yield f"{name}: a rule without a peer"
    if not rule.get("ports") or not all(port.get("port") and port.get("protocol") for port in rule["ports"]):
        yield f"{name}: a rule without a port"
    for peer in rule.get(peers, ()):
        if set(peer) != {"podSelector"}:
            continue
        if not selected(objects, peer["podSelector"]["matchLabels"]):
            yield f"{name}: a peer that is no pod: {peer['podSelector']['matchLabels']}"
        server = policy["spec"]["podSelector"] if peers == "from" else peer["podSelector"]
        yield from _unheard(name, rule, selected(objects, server.get("matchLabels", {})))


def _unheard(name: str, rule: Any, servers: list[tuple[str, Any]]) -> Iterator[str]:
    for server, spec in servers:
        for port in rule.get("ports", ()):
            if port.get("port") not in _container_ports(spec).values():
                yield f"{name}: nothing listens at {server}:{port.get('port')}"


def _one_sided(found: dict[str, Any]) -> Iterator[str]:
    """Check that what one side may send, the other may receive: a connection needs both."""
    sent: set[tuple[str, str, int]] = set()
    received: set[tuple[str, str, int]] = set()
    for each in found.values():
        selector = each["spec"]["podSelector"].get("matchLabels")
        if not selector:
            continue
        for direction, peers, edges in (("egress", "to", sent), ("ingress", "from", received)):
            for rule in each["spec"].get(direction, ()):
                for peer in rule.get(peers, ()):
                    if set(peer) == {"podSelector"}:
                        ends = (_one(selector), _one(peer["podSelector"]["matchLabels"]))
                        ends = ends if direction == "egress" else ends[::-1]
                        edges |= {(*ends, port.get("port")) for port in rule.get("ports", ())}
    for source, target, port in sorted(sent - received, key=str):
        yield f"{source} may send to {target}:{port}, which may not receive it"
    for source, target, port in sorted(received - sent, key=str):
        yield f"{target}:{port} may receive from {source}, which may not send it"


def _one(labels: dict[str, str]) -> str:
    return labels.get("app.kubernetes.io/name", str(labels))


def _data(objects: Objects) -> Iterator[str]:
    for each in objects:
        if each["kind"] in ("ConfigMap", "Secret"):
            data = {**each.get("data", {}), **each.get("stringData", {})}
            yield from (f"{name_of(each)}: key {key}" for key in data if not _DATA_KEY.fullmatch(key))
            if sum(len(value.encode()) for value in data.values()) > _LARGEST:
                yield f"{name_of(each)} is larger than 1 MiB"

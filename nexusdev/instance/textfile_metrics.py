"""nexusdev's own metrics: ``metrics.prom`` in the state folder, which node-exporter reads at each scrape.

There is no daemon; ``up`` writes them in place when it ends. Durations are in seconds, points in time in seconds since the epoch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from msgspec import Struct, field

from nexusdev.instance.secrets import is_derived
from nexusdev.stack.model import Service, Stack
from nexusdev.util.files import write_in_place

_FILE = "metrics.prom"
_MODE = 0o644
_HEAD = "# HELP "


class MetricFamily(Struct, frozen=True, kw_only=True):
    """One metric with its samples: name, description, the label that its samples differ by ('' for a single sample), and label → value.

    Attributes:
        owners: Label → the component that it belongs to, if exported.
    """

    name: str
    tells: str
    label: str = ""
    samples: Mapping[str, float] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)

    def line(self, key: str, value: float) -> str:
        """Return one sample in the text format."""
        labels = [f'{self.label}="{key}"'] if self.label else []
        if key in self.owners:
            labels.append(f'component="{self.owners[key]}"')
        return f"{self.name}{{{','.join(labels)}}} {value:.3f}\n" if labels else f"{self.name} {value:.3f}\n"


def render(families: Iterable[MetricFamily]) -> Mapping[str, str]:
    """Return name → its block in Prometheus' text format; families without samples are left out."""
    return {
        each.name: f"# HELP {each.name} {each.tells}\n# TYPE {each.name} gauge\n"
        + "".join(each.line(key, value) for key, value in each.samples.items())
        for each in families
        if each.samples
    }


def write(folder: Path, families: Iterable[MetricFamily], publish: Callable[[str, bytes], None]) -> None:
    """Write the file and publish it to its reader. Other families in the file are not changed.

    Args:
        folder: The state folder.
        families: The families to replace.
        publish: ``Runtime.publish_file``.
    """
    file = folder / _FILE
    before = file.read_text(encoding="utf-8") if file.exists() else None
    text = "".join({**_blocks(before or ""), **render(families)}.values())
    if text != before:
        write_in_place(file, text.encode(), set_owner=lambda path: path.chmod(_MODE))
        publish(_FILE, text.encode())


def _blocks(text: str) -> Mapping[str, str]:
    """Return name → block of an existing file."""
    return {block.split()[0]: f"{_HEAD}{block}" for block in text.split(_HEAD) if block}


def create_file(folder: Path, publish: Callable[[str, bytes], None]) -> None:
    """Create an empty file if there is none: an engine would mount a folder in its place."""
    if not (folder / _FILE).exists():
        write(folder, (), publish)


def up_metrics(*, seconds: float, at: float, ready: Mapping[str, float]) -> tuple[MetricFamily, ...]:
    """Return the metrics of an ``up`` that changed something.

    Args:
        seconds: Its duration, in seconds.
        at: Its end, in seconds since the epoch.
        ready: Component → how long it was waited for, in seconds.
    """
    return (
        MetricFamily(
            name="nexusdev_up_seconds", tells="Duration of the last up that made changes.", samples={"": seconds}
        ),
        MetricFamily(
            name="nexusdev_up_last_timestamp_seconds", tells="Time when the last up finished.", samples={"": at}
        ),
        MetricFamily(
            name="nexusdev_up_ready_seconds",
            tells="Time until each component was ready.",
            label="component",
            samples=ready,
        ),
    )


def wanted_services(stack: Stack, wanted: Collection[str]) -> MetricFamily:
    """Return which services this instance should run: 1, and 0 for the rest of the stack. Alerts only expect the former.

    Own services that are not scraped are left out, because there is no data about them.
    """
    return MetricFamily(
        name="nexusdev_service_wanted",
        tells="1 if this instance should run the service.",
        label="service",
        samples={name: float(name in wanted) for name, each in stack.services.items() if _is_watched(each)},
        owners={name: each.component for name, each in stack.services.items()},
    )


def _is_watched(service: Service) -> bool:
    return service.own is None or service.own.scrape is not None


def instance_metrics(folder: Path, stack: Stack) -> tuple[MetricFamily, ...]:
    """Return the metrics of the state folder: expiry of certificates, age of secrets, size of the stack."""
    return (
        MetricFamily(
            name="nexusdev_certificate_not_after_seconds",
            tells="Expiry time of a certificate.",
            label="group",
            samples=_certificates(folder),
        ),
        MetricFamily(
            name="nexusdev_secret_created_timestamp_seconds",
            tells="Time when a secret was last changed.",
            label="secret",
            samples=_secrets(stack),
        ),
        MetricFamily(
            name="nexusdev_services", tells="Number of services in the stack.", samples={"": len(stack.services)}
        ),
    )


def _certificates(folder: Path) -> Mapping[str, float]:
    """Return the expiry of the issued certificates (see certificates.py)."""
    try:
        issued = json.loads((folder / "tls" / ".issued.json").read_text(encoding="utf-8"))
        return {group: float(entry["until"]) for group, entry in sorted(issued.items())}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _secrets(stack: Stack) -> Mapping[str, float]:
    """Return the modification times of secrets, which are only written at creation and rotation."""
    own = {
        name: each.file
        for name, each in stack.secrets.items()
        if not (each.recipe.certificate or is_derived(each.recipe))
    }
    return {name: file.stat().st_mtime for name, file in own.items() if file.exists()}

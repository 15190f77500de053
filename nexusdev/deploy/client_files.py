"""The files that clients read besides the variables: the trust files of this machine and the instance, and the files of components.

``client/host`` in the state folder is for programs on this machine; containers mount ``client/container`` at /run/nexusdev.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from nexusdev.components.contract import Component, Variable
from nexusdev.context import Context
from nexusdev.events import Note
from nexusdev.instance import trust
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.stack.model import Stack
from nexusdev.util.client_file_names import BUNDLE, CA, JAVA_OPTIONS, TRUST_STORE
from nexusdev.util.files import make_folder, replace


def renew_trust(context: Context, instance: Instance) -> None:
    """Update the trust bundle if a certificate authority changed. Notify the listener if the bundle is incomplete."""
    lacking = trust.renew(instance.client_folder, instance.ca_file, environ=context.environ, root=context.host_root)
    if lacking:
        context.listener.tell(Note(text=lacking, warning=True))


def own_variables(access: InstanceAccess, view: View) -> tuple[Variable, ...]:
    """Return the variables that belong to no component: the instance, and the trust files for each runtime."""
    bundle = access.client_file_in(view, BUNDLE)
    mounted = access.client_folder.parent / View.CONTAINER.value
    return (
        *(Variable(name=name, value=bundle) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")),
        Variable(name="NODE_EXTRA_CA_CERTS", value=bundle),
        Variable(
            name="NODE_OPTIONS", value="--use-openssl-ca", comment="for node --env-file, which ignores the former"
        ),
        Variable(name="NEXUSDEV_TRUST_STORE", value=access.client_file_in(view, TRUST_STORE), comment="PKCS#12"),
        Variable(name="NEXUSDEV_JAVA_OPTIONS", value=access.client_file_in(view, JAVA_OPTIONS), comment="java @FILE"),
        Variable(name="NEXUSDEV_INSTANCE", value=access.instance),
        Variable(name="NEXUSDEV_CA_FILE", value=access.ca_file_in(view)),
        Variable(
            name="NEXUSDEV_CONTAINER_FILES",
            value=str(mounted) if view is View.HOST else access.runtime.client_folder(view),
            comment="containers mount it at /run/nexusdev",
        ),
    )


def write_client_files(access: InstanceAccess, components: Iterable[Component]) -> None:
    """Write the files that the variables of these components refer to, for both views. Unchanged files are not rewritten."""
    selected = tuple(components)
    for view in View:
        folder = access.client_folder.parent / view.value
        make_folder(folder, mode=0o755)
        files = {JAVA_OPTIONS: _java_options(access, view)}
        for component in selected:
            files.update(component.client_files(access, view))
        # Any user in a container must read this folder; on the host, the state folder above it is closed to other users.
        mode = 0o644 if view is View.CONTAINER else 0o600
        for name, content in files.items():
            if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != content:
                replace(folder / name, content, mode=mode)


def write_for_own_services(access: InstanceAccess, stack: Stack, components: Mapping[str, Component]) -> None:
    """Write a client folder for each own service that has one: the trust files, and the files that its variables refer to.

    The folder contains the application's login and no other.

    Args:
        access: The instance, as components see it.
        stack: The stack with the own services.
        components: Name → component.
    """
    trusted = access.client_folder.parent / View.CONTAINER.value
    for service in stack.own:
        if service.own and service.own.trust:
            files = {name: (trusted / name).read_bytes() for name in (CA, BUNDLE, TRUST_STORE)}
            files[JAVA_OPTIONS] = _java_options(access, View.CONTAINER).encode()
            for name in service.own.needs if service.own.env else ():
                found = components[name].client_files(access, View.CONTAINER, application=True)
                files.update({file: content.encode() for file, content in found.items()})
            _replace_all(folder_of_own(access, service.name), files)


def folder_of_own(access: InstanceAccess, service: str) -> Path:
    """Return the host folder that is mounted into an own service for its client files."""
    return access.client_folder.parent / f"own-{service}"


def _replace_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replace the content of a folder with these files. Unchanged files are not rewritten."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # readable by the container's user; the state folder above is closed
    for stale in folder.iterdir():
        if stale.name not in files:
            stale.unlink()
    for name, content in files.items():
        if not (folder / name).exists() or (folder / name).read_bytes() != content:
            replace(folder / name, content, mode=0o644)


def _java_options(access: InstanceAccess, view: View) -> str:
    options = {
        "trustStore": access.client_file_in(view, TRUST_STORE),
        "trustStoreType": "PKCS12",
        "trustStorePassword": trust.TRUST_STORE_PASSWORD,
    }
    return "".join(f"-Djavax.net.ssl.{name}={value}\n" for name, value in options.items())

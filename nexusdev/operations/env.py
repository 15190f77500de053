"""env: prints the proven variables or writes them to the env file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.deploy.client_files import renew_trust
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.coverage import ProvenVariables, awaited, coverage, unproven
from nexusdev.deploy.publisher import prove, warnings_of, write_env_file
from nexusdev.env import file, formats, framework_files, kubernetes_secrets, shells, stored
from nexusdev.env.companions import FILE_ONLY
from nexusdev.env.stored import Stored
from nexusdev.errors import Degraded, UsageError
from nexusdev.events import Note
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import VIEW_NAMES, Runtime, View
from nexusdev.results import Result
from nexusdev.util.humanize import duration
from nexusdev.util.nearest import nearest

if TYPE_CHECKING:
    from nexusdev.env.fast import FailedProof


class EnvResult(Result, frozen=True, kw_only=True):
    """The variables that applications read.

    Attributes:
        view: Where the variables are used: host or container.
        variables: Name → value, of every component that is proven.
        proven: Endpoint → duration of its answer, in seconds; empty without a proof.
        components: The components that the variables belong to.
        missing: Component → why its variables are left out.
        ca_file: Path of the CA certificate on the host.
        ca_in_container: Path of the CA certificate in a container.
        container_files: The host folder that a container mounts: CA, bundle, trust store, connection services.
        container_folder: The mount target of ``container_files``.
        network: The instance's network, which a container joins.
        text: The variables in the requested format; '' if they were written to a file.
        masked: Values that CI logs must mask.
        file: The env file that was written or is up to date; None if none was requested or it could not be written.
        file_changed: Whether the file was written.
        left: The env file that was not updated because a component is missing.
    """

    view: str
    variables: Mapping[str, str]
    proven: Mapping[str, float]
    components: tuple[str, ...]
    missing: Mapping[str, str]
    ca_file: str
    ca_in_container: str
    container_files: str
    container_folder: str
    network: str
    text: str = ""
    masked: tuple[str, ...] = ()
    file: Path | None = None
    file_changed: bool = False
    left: Path | None = None


def env(
    context: Context,
    *,
    style: str = "dotenv",
    view: str = "host",
    proof: bool = True,
    write: bool = False,
    namespace: str = "",
    dynamic: bool = False,
) -> EnvResult:
    """Return the variables of every component whose endpoints all answer with the nonce of this instance.

    Args:
        context: The context of the command.
        style: One of ``formats.FORMATS``, or ``k8s-secret``.
        view: Where the variables will be used: host or container; cluster is another name for container. Pods always use those of a container.
        proof: False to use the stored variables without a proof.
        write: Write the env file instead of returning text. A file is only written with the variables of all components.
        namespace: The namespace of the Secrets of ``k8s-secret``; '' for that of kubectl's context.
        dynamic: Print logins to PostgreSQL that Vault issues now and that expire. Variables that need a file with a login are left out.

    Returns:
        The text. If a component is missing, ``error`` (exit 4) says which one, and why.

    Raises:
        NotFound: No service of the instance runs, or it was never started.
        Degraded: No component is proven.
        IdentityMismatch: Another instance answers.
        UsageError: The format or the view does not exist, the instance does not run in the cluster for which it is, or what is written would
            contain logins that expire.
    """
    _require(style, (*formats.FORMATS, kubernetes_secrets.STYLE), "format")
    _require(view, VIEW_NAMES, "view")
    view = VIEW_NAMES[view].value
    if namespace and style != kubernetes_secrets.STYLE:
        raise UsageError(f"--namespace needs --format {kubernetes_secrets.STYLE}")
    if write and (style, view) != ("dotenv", "host"):
        raise UsageError(
            "the env file is always written as dotenv for the host",
            hint=f"nexusdev env --format {style} --view {view} > FILE",
        )
    if dynamic and (write or style == kubernetes_secrets.STYLE):
        raise UsageError(
            f"--dynamic does not work with {'--write' if write else f'--format {style}'}",
            why="what is written stays, and these logins expire",
            hint="nexusdev run --dynamic -- COMMAND",
        )
    instance = context.instance()
    renew_trust(context, instance)
    if write:
        return _into_file(context, instance, proof=proof)
    if style == kubernetes_secrets.STYLE:
        return _for_pods(context, instance, namespace=namespace, proof=proof)
    found = _found(context, instance, proof=proof)
    if dynamic:
        found = _with_dynamic_logins(context, found, View(view))
    values = found.kept.views[view]
    text = formats.render(values, style, instance=instance.name, missing=tuple(found.missing), environ=context.environ)
    masked = masked_values(values, found.kept.secret, style)
    result = _result(context.runtime(), instance, found, view)
    return replace(result, text=text, masked=masked)


def for_framework(
    context: Context, name: str, *, view: str = "host", proof: bool = True, output: Path | None = None
) -> EnvResult:
    """Return the variables as a file for a framework or tool, or write that file.

    Args:
        context: The context of the command.
        name: One of ``framework_files.FRAMEWORKS``.
        view: As for ``env``.
        proof: As for ``env``.
        output: Path to write to: mode 0600, ignored by git. A file that nexusdev did not write is never overwritten.

    Returns:
        The text or the written file. If a component is missing, its sections are left out and ``error`` (exit 4) says so; then no file is
        written.

    Raises:
        NotFound, Degraded, IdentityMismatch: As for ``env``.
        InvalidConfig: The file must not or cannot be written.
        UsageError: The framework or the view does not exist.
    """
    _require(name, framework_files.FRAMEWORKS, "framework", option="--for")
    _require(view, VIEW_NAMES, "view")
    view = VIEW_NAMES[view].value
    instance = context.instance()
    renew_trust(context, instance)
    found = _found(context, instance, proof=proof)
    result = _result(context.runtime(), instance, found, view)
    text = framework_files.render(name, found.kept.views[view], instance=instance.name)
    if not text:
        raise Degraded(
            f"nothing for {name}: the components that it uses have no variables",
            why=f"there are variables of: {', '.join(found.kept.components)}",
            hint="nexusdev up",
        )
    if output is None:
        return replace(result, text=text)
    if result.error:
        return replace(result, left=output)
    written = file.write(output.absolute(), text)
    return replace(result, file=written.path, file_changed=bool(written.changed), warnings=warnings_of(written))


def unset(context: Context, *, style: str = "shell") -> EnvResult:
    """Return the lines that revert in a shell what ``env`` set. Contacts no server.

    Args:
        context: The context of the command.
        style: A format that a shell evaluates.

    Raises:
        NotFound: The instance does not exist, or it was never started.
        UsageError: The format is not one that a shell evaluates.
    """
    _require(style, formats.SHELLS, "format")
    instance = context.instance()
    kept = _kept(context, instance)
    names = [name for name in kept.views["host"] if name not in FILE_ONLY]
    text = shells.taken_back(formats.SHELLS[style], names, context.environ)
    return replace(_result(context.runtime(), instance, ProvenVariables(kept=kept), "host"), variables={}, text=text)


def _with_dynamic_logins(context: Context, found: ProvenVariables, view: View) -> ProvenVariables:
    from nexusdev.operations.run_dynamic import issue

    if failure := found.failure():
        raise failure  # a login to a server that is not proven would go to an unknown one
    lease, kept = issue(context), found.kept
    values = lease.in_place(kept.views[view.value], view)
    context.listener.tell(Note(text=f"the logins to PostgreSQL expire in {duration(lease.seconds)}"))
    changed = Stored(
        instance=kept.instance,
        nonce=kept.nonce,
        views={**kept.views, view.value: values},
        secret=kept.secret,
        components=kept.components,
    )
    return replace(found, kept=changed)


def masked_values(values: Mapping[str, str], secret: Collection[str], style: str) -> tuple[str, ...]:
    """Return the values that the log of a CI job must mask.

    Args:
        values: All variables that are printed.
        secret: The names of those that are secret.
        style: The format; only that of GitHub Actions becomes the environment of later steps.
    """
    return tuple(values[name] for name in sorted(set(secret) & values.keys())) if style == "github" else ()


def _found(context: Context, instance: Instance, *, proof: bool) -> ProvenVariables:
    """Return the variables that may be printed. Raises if none is proven."""
    found = _proven(context, instance) if proof else ProvenVariables(kept=_kept(context, instance))
    failure = found.failure()
    if failure and not found.kept.components:
        raise failure
    return found


def _for_pods(context: Context, instance: Instance, *, namespace: str, proof: bool) -> EnvResult:
    """Return the variables and the client files as Secrets for the pods of an application in the same cluster."""
    runtime = context.runtime()
    if runtime.network:
        raise UsageError(
            f"--format {kubernetes_secrets.STYLE} needs an instance in a cluster",
            why=f"the servers of this instance have their names in the network {runtime.network}, which no pod is in",
            hint="nexusdev env --view container --format docker   for containers in this network",
        )
    found = _found(context, instance, proof=proof)
    view = View.CONTAINER.value
    folder = instance.client_folder / view
    files = {each.name: each.read_bytes() for each in folder.iterdir() if not each.name.startswith(".")}
    text = kubernetes_secrets.render(found.kept.views[view], files, namespace=namespace)
    return replace(_result(runtime, instance, found, view), text=text)


def _into_file(context: Context, instance: Instance, *, proof: bool) -> EnvResult:
    """Write the env file (``env --write``). Never overwrites variables that another command published meanwhile with older ones."""
    command = "nexusdev env --write"
    with hold_lock(context, command, shared=True):
        pass  # wait until no other command changes the instance: the proof stays valid then
    # not under the lock, because renewing expired credentials takes the lock itself
    found = _found(context, instance, proof=proof)
    result = _result(context.runtime(), instance, found, "host")
    if result.error:
        return replace(result, left=context.settings.env_file)
    with hold_lock(context, command, shared=True):
        values = stored.read(instance.folder).views["host"]
        written = write_env_file(context, formats.render(values, "dotenv", instance=instance.name))
    return replace(
        result,
        variables=dict(values),
        file=written.path,
        file_changed=bool(written.changed),
        warnings=warnings_of(written),
    )


def _result(runtime: Runtime, instance: Instance, found: ProvenVariables, view: str) -> EnvResult:
    return EnvResult(
        instance=instance.name,
        view=view,
        variables=dict(found.kept.views[view]),
        proven=found.seconds,
        components=tuple(found.kept.components),
        missing=found.missing,
        ca_file=runtime.ca_path(View.HOST),
        ca_in_container=runtime.ca_path(View.CONTAINER),
        container_files=str(instance.client_folder / View.CONTAINER.value),
        container_folder=runtime.client_folder(View.CONTAINER),
        network=runtime.network,
        error=found.failure(),
    )


def how_to_mount(context: Context) -> str:
    """Return the options of ``docker run`` that make the container view usable.

    Raises:
        NotFound: The instance does not exist.
    """
    instance, runtime = context.instance(), context.runtime()
    files = instance.client_folder / View.CONTAINER.value
    network = f"--network {runtime.network} " if runtime.network else ""
    return f"{network}-v {files}:{runtime.client_folder(View.CONTAINER)}:ro"


def values_for_run(context: Context, *, proof: bool = True, view: View = View.HOST) -> Mapping[str, str]:
    """Return the variables of all components, for a command that is run with them.

    Args:
        context: The context of the command.
        proof: False to use the stored variables without a proof.
        view: Where the command runs: host or container.

    Raises:
        Degraded: A component is not proven. A command never runs with an incomplete set of variables.
    """
    instance = context.instance()
    renew_trust(context, instance)
    found = _proven(context, instance) if proof else ProvenVariables(kept=_kept(context, instance))
    if failure := found.failure(otherwise="nexusdev run --no-proof -- …   run the command"):
        raise failure
    return found.kept.views[view.value]


def _kept(context: Context, instance: Instance) -> Stored:
    """Return the stored variables; while an ``up`` is adding components, the variables of all of them from the state."""
    if stored.expected(instance.folder):
        return unproven(context, instance, awaited(instance))
    return stored.read(instance.folder)


def _proven(context: Context, instance: Instance) -> ProvenVariables:
    """Return the proven variables. Expired credentials are renewed first; components that fail the proof are left out."""
    if not stored.expected(instance.folder):
        try:
            return _all_proven(context, instance, known=context.failed_proof)
        except Degraded:
            from nexusdev.deploy.renew import renewed

            if renewed(context, instance):
                return _all_proven(context, instance)
    return coverage(context, instance, awaited(instance))


def _all_proven(context: Context, instance: Instance, *, known: FailedProof | None = None) -> ProvenVariables:
    """Return the variables if all are proven. ``known``: the failed proof of the quick path of ``env``; its servers are not probed again."""
    kept = stored.read(instance.folder)
    if known is not None and (known.nonce, known.values) == (kept.nonce, kept.views["host"]):
        raise known.error
    return ProvenVariables(kept=kept, seconds=prove(kept, context.components))


def require_format(style: str) -> None:
    """Refuse a format that does not exist. Raises UsageError, with the most similar name."""
    _require(style, formats.FORMATS, "format")


def _require(given: str, known: Iterable[str], what: str, *, option: str = "") -> None:
    names = list(known)
    if given not in names:
        near = nearest(given, names)
        raise UsageError(
            f"unknown {what} {given!r}",
            why=f"supported: {', '.join(names)}",
            hint=f"{option or f'--{what}'} {near[0]}" if near else "",
        )

"""env: prints the proven variables or writes them to the env file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.deploy.client_files import renew_trust
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.coverage import ProvenVariables, awaited, coverage, unproven
from nexusdev.deploy.publisher import prove, write_env_file
from nexusdev.env import file, formats, shells, stacks, stored
from nexusdev.env.companions import FILE_ONLY
from nexusdev.env.file import Written
from nexusdev.env.stored import Stored
from nexusdev.errors import Degraded, UsageError
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import Runtime, View
from nexusdev.results import Result
from nexusdev.util.nearest import nearest

if TYPE_CHECKING:
    from nexusdev.env.fast import FailedProof


class EnvResult(Result, frozen=True, kw_only=True):
    """The variables that applications read.

    Attributes:
        view: From where they are used: host or container.
        variables: Name → value, of every component that is proven.
        proven: Endpoint → how long its answer took, in seconds; empty without a proof.
        components: The components whose variables they are.
        missing: Component → why its variables are left out.
        ca_file: The CA's certificate on the host.
        ca_in_container: The same in a container.
        container_files: The folder on the host that a container mounts: CA, bundle, trust store, connection services.
        container_folder: Where it mounts it.
        network: The instance's network, which a container joins.
        text: The variables in the format that was asked for; '' where they were written.
        masked: Values that logs of a CI must hide.
        file: The env file that was written, or found up to date; None where that was not asked for or could not be done.
        file_changed: Whether it was written.
        left: The env file that was left as it is, because a component is missing.
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
    context: Context, *, style: str = "dotenv", view: str = "host", proof: bool = True, write: bool = False
) -> EnvResult:
    """Return the variables of every component whose endpoints all answer with this instance's nonce.

    Args:
        context: The run of the command.
        style: One of ``formats.FORMATS``.
        view: From where they will be used: host or container.
        proof: False for what is in the state, unproven.
        write: Write the env file, and print nothing. A file is never written with less than all components.

    Returns:
        The text; where a component is missing, its ``error`` (exit 4) says which, and why.

    Raises:
        NotFound: Nothing of it runs, or it was never brought up.
        Degraded: No component is proven.
        IdentityMismatch: Something answers that is not this instance.
        UsageError: There is no such format or view.
    """
    _require(style, formats.FORMATS, "format")
    _require(view, [each.value for each in View], "view")
    if write and (style, view) != ("dotenv", "host"):
        raise UsageError(
            "the env file is always written as dotenv for the host",
            hint=f"nexusdev env --format {style} --view {view} > FILE",
        )
    instance = context.instance()
    renew_trust(context, instance)
    if write:
        return _into_file(context, instance, proof=proof)
    found = _found(context, instance, proof=proof)
    values = found.kept.views[view]
    text = formats.render(values, style, instance=instance.name, missing=tuple(found.missing), environ=context.environ)
    secret = sorted(found.kept.secret & values.keys())
    masked = tuple(values[name] for name in secret) if style == "github" else ()
    result = _result(context.runtime(), instance, found, view)
    return replace(result, text=text, masked=masked)


def for_stack(
    context: Context, name: str, *, view: str = "host", proof: bool = True, output: Path | None = None
) -> EnvResult:
    """Return the variables as the file that a framework or tool reads, or write that file.

    Args:
        context: The run of the command.
        name: One of ``stacks.STACKS``.
        view: As for ``env``.
        proof: As for ``env``.
        output: Where to write it: mode 0600, ignored by git, never over a file that nexusdev did not write.

    Returns:
        The text, or the file. Where a component is missing, its parts are left out and ``error`` (exit 4) says so; then nothing is written.

    Raises:
        NotFound, Degraded, IdentityMismatch: As for ``env``.
        InvalidConfig: The file must not or cannot be written.
        UsageError: There is no such stack or view.
    """
    _require(name, stacks.STACKS, "stack", option="--for")
    _require(view, [each.value for each in View], "view")
    instance = context.instance()
    renew_trust(context, instance)
    found = _found(context, instance, proof=proof)
    result = _result(context.runtime(), instance, found, view)
    text = stacks.render(name, found.kept.views[view], instance=instance.name)
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
    """Return the lines with which a shell takes back what ``env`` set in it. Asks no server.

    Args:
        context: The run of the command.
        style: A format that a shell evaluates.

    Raises:
        NotFound: There is no instance, or it was never brought up.
        UsageError: No shell evaluates this format.
    """
    _require(style, formats.SHELLS, "format")
    instance = context.instance()
    kept = _kept(context, instance)
    names = [name for name in kept.views["host"] if name not in FILE_ONLY]
    text = shells.taken_back(formats.SHELLS[style], names, context.environ)
    return replace(_result(context.runtime(), instance, ProvenVariables(kept=kept), "host"), variables={}, text=text)


def _found(context: Context, instance: Instance, *, proof: bool) -> ProvenVariables:
    """What may be printed. Raises where nothing of it is proven."""
    found = _proven(context, instance) if proof else ProvenVariables(kept=_kept(context, instance))
    failure = found.failure()
    if failure and not found.kept.components:
        raise failure
    return found


def _into_file(context: Context, instance: Instance, *, proof: bool) -> EnvResult:
    """``env --write``. What another command publishes meanwhile is never overwritten with what was read before."""
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
    """Return the options of ``docker run`` with which the container view is true.

    Raises:
        NotFound: There is no instance.
    """
    instance, runtime = context.instance(), context.runtime()
    files = instance.client_folder / View.CONTAINER.value
    network = f"--network {runtime.network} " if runtime.network else ""
    return f"{network}-v {files}:{runtime.client_folder(View.CONTAINER)}:ro"


def values_for_run(context: Context, *, proof: bool = True, view: View = View.HOST) -> Mapping[str, str]:
    """Return the variables of all components, for a command that is run with them.

    Raises:
        Degraded: A component is not proven: a command must not run with half of what it reads.
    """
    instance = context.instance()
    renew_trust(context, instance)
    found = _proven(context, instance) if proof else ProvenVariables(kept=_kept(context, instance))
    if failure := found.failure(otherwise="nexusdev run --no-proof -- …   run the command"):
        raise failure
    return found.kept.views[view.value]


def _kept(context: Context, instance: Instance) -> Stored:
    """What was stored; while an ``up`` is bringing more, what the state has of all of it."""
    if stored.expected(instance.folder):
        return unproven(context, instance, awaited(instance))
    return stored.read(instance.folder)


def _proven(context: Context, instance: Instance) -> ProvenVariables:
    """What is proven. Where something had expired, it is renewed first; where something is missing, the rest."""
    if not stored.expected(instance.folder):
        try:
            return _all_proven(context, instance, known=context.failed_proof)
        except Degraded:
            from nexusdev.deploy.renew import renewed

            if renewed(context, instance):
                return _all_proven(context, instance)
    return coverage(context, instance, awaited(instance))


def _all_proven(context: Context, instance: Instance, *, known: FailedProof | None = None) -> ProvenVariables:
    """``known``: what the quick path of ``env`` has found a moment ago; the same servers are not asked again."""
    kept = stored.read(instance.folder)
    if known is not None and (known.nonce, known.values) == (kept.nonce, kept.views["host"]):
        raise known.error
    return ProvenVariables(kept=kept, seconds=prove(kept, context.components))


def warnings_of(written: Written) -> tuple[str, ...]:
    """Return the warnings for the outcome of a command that wrote the file."""
    return (written.warning,) if written.warning else ()


def _require(given: str, known: Iterable[str], what: str, *, option: str = "") -> None:
    names = list(known)
    if given not in names:
        near = nearest(given, names)
        raise UsageError(
            f"unknown {what} {given!r}",
            why=f"supported: {', '.join(names)}",
            hint=f"{option or f'--{what}'} {near[0]}" if near else "",
        )

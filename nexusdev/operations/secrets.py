"""secrets: lists them, shows one in plain text, and rotates those of the application's users."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from nexusdev.components.capabilities import KeepsCredentials
from nexusdev.components.contract import Component
from nexusdev.context import Context
from nexusdev.deploy import publisher
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.own_service_values import outdated_warnings
from nexusdev.deploy.proof_retry import prove_patiently
from nexusdev.env import stored
from nexusdev.errors import NexusError, NotFound, UsageError
from nexusdev.events import Seeded
from nexusdev.instance import textfile_metrics
from nexusdev.instance.identity import require_owner
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import InstanceAccess
from nexusdev.results import Result
from nexusdev.stack.model import SecretRecipe, Stack
from nexusdev.util.nearest import nearest


class SecretInfo(Struct, frozen=True, kw_only=True):
    """One secret, without its value.

    Attributes:
        mounted_by: The services that can read it.
    """

    name: str
    recipe: SecretRecipe
    mounted_by: tuple[str, ...]


class SecretsResult(Result, frozen=True, kw_only=True):
    """The secrets of an instance, and the folder of their files."""

    folder: Path
    secrets: tuple[SecretInfo, ...]


class SecretResult(Result, frozen=True, kw_only=True):
    """One secret in plain text."""

    name: str
    value: str


class RotateResult(Result, frozen=True, kw_only=True):
    """The rotated secrets.

    Attributes:
        changes: (component, change in words) of each.
        env_file: The env file with the new values.
    """

    changes: tuple[tuple[str, str], ...]
    env_file: Path


def list_secrets(context: Context) -> SecretsResult:
    """Return names, kinds and mounting services of the secrets, without values."""
    instance = context.instance()
    stack = context.stack(instance)
    secrets = [each for each in stack.secrets.values() if not each.recipe.certificate]
    return SecretsResult(
        instance=instance.name,
        folder=instance.folder / "secrets",
        secrets=tuple(
            SecretInfo(name=each.name, recipe=each.recipe, mounted_by=_users(stack, each.name)) for each in secrets
        ),
    )


def show(context: Context, name: str) -> SecretResult:
    """Return the value of one secret. Raises NotFound, with the most similar name."""
    instance = context.instance()
    stack = context.stack(instance)
    names = [each.name for each in stack.secrets.values() if not each.recipe.certificate]
    if name not in names:
        near = nearest(name, names)
        raise NotFound(
            f"no such secret: {name!r}",
            why=f"did you mean {near[0]}?" if near else "",
            hint="nexusdev secrets list",
        )
    value = instance.secrets(stack).read(name)
    return SecretResult(instance=instance.name, name=name, value=value)


def _users(stack: Stack, name: str) -> tuple[str, ...]:
    return tuple(
        service.name
        for service in stack.services.values()
        if any(file.kind == "secret" and file.name == name for file in service.files)
    )


def rotate(context: Context, names: Sequence[str] = ()) -> RotateResult:
    """Generate new passwords for the application in these components, update Vault and the env file, and prove the result.

    Open connections stay. If one component fails, the passwords that were rotated before are still published, and the error is raised.

    Args:
        context: The context of the command.
        names: Components; empty for all.
    """
    with hold_lock(context, "nexusdev secrets rotate"):
        instance = context.instance()
        require_owner(context.identity, instance.owner, instance.place)
        publisher.check_env_file(context)
        stack = context.stack(instance)
        published = _published(context, instance, stack)
        selected = _chosen(published, names)
        access = instance.access(context.runtime(stack, owner=instance.owner), stack)
        changes, failure = _rotate_each(context, access, selected)
        warnings: tuple[str, ...] = ()
        if changes:
            families = textfile_metrics.instance_metrics(instance.folder, stack)
            textfile_metrics.write(instance.folder, families, access.runtime.publish_file)
            warnings = (
                *_follow(context, instance, access, published, failure),
                *outdated_warnings(stack, {component for component, _ in changes}),
            )
    if failure:
        raise failure
    return RotateResult(
        instance=instance.name, changes=tuple(changes), env_file=context.settings.env_file, warnings=warnings
    )


def _published(context: Context, instance: Instance, stack: Stack) -> list[Component]:
    """The components whose variables the last ``up`` published."""
    names = stored.read(instance.folder).components
    return [context.components[name] for name in names if name in stack.components]


def _chosen(published: Sequence[Component], names: Sequence[str]) -> list[Component]:
    known = {each.name: each for each in published}
    for name in names:
        if name not in known:
            near = nearest(name, known)
            raise UsageError(
                f"{name!r} has no secrets to rotate",
                why=f"components with secrets to rotate: {', '.join(known)}",
                hint=f"nexusdev secrets rotate {near[0]}" if near else "",
            )
    # components that store the others' new passwords come last
    chosen = (known[name] for name in dict.fromkeys(names or known))
    return sorted(chosen, key=lambda each: isinstance(each, KeepsCredentials))


def _rotate_each(
    context: Context, access: InstanceAccess, selected: Sequence[Component]
) -> tuple[list[tuple[str, str]], NexusError | None]:
    """Return (component, change) of each component up to the first that fails, and its error."""
    changes: list[tuple[str, str]] = []
    for component in selected:
        began = context.clock.now()
        try:
            made = tuple(change.what for change in component.rotate(access))
        except NexusError as error:
            return changes, error
        changes += [(component.name, what) for what in made]
        if made:
            context.listener.tell(Seeded(component=component.name, changes=made, elapsed=context.clock.now() - began))
    return changes, None


def _follow(
    context: Context,
    instance: Instance,
    access: InstanceAccess,
    published: Sequence[Component],
    failure: NexusError | None,
) -> tuple[str, ...]:
    """Update Vault's copies, the stored variables and the env file, and prove all of them. Returns warnings about the env file."""
    if keepers := [each for each in published if isinstance(each, KeepsCredentials)]:
        credentials = {each.name: each.credentials(access) for each in published}
        for keeper in keepers:
            keeper.update_credentials(access, credentials)
    written = publisher.publish(context, instance, access, published)
    if failure is None:
        _prove(context, instance)
    return publisher.warnings_of(written)


def _prove(context: Context, instance: Instance) -> None:
    """Prove the stored variables. Retried, because the last node may receive a new key shortly after the first one."""
    prove_patiently(lambda: publisher.prove(stored.read(instance.folder), context.components), clock=context.clock)

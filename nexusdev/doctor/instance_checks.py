"""The checks of ``doctor`` for this instance: state, ports, network, env file, shell and containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote

from nexusdev.check import Check, failed, good, warning
from nexusdev.context import Context
from nexusdev.deploy import lost_volumes
from nexusdev.deploy.read_back import unreadable
from nexusdev.env import stored
from nexusdev.env.companions import companions_of
from nexusdev.env.file import advice, guard
from nexusdev.env.formats import require_portable
from nexusdev.env.git import Standing, git_status_of
from nexusdev.env.proxies import NEEDED, forgotten, proxies, with_loopback
from nexusdev.errors import NexusError, NotFound
from nexusdev.instance import trust
from nexusdev.instance.instance import Instance
from nexusdev.instance.state import lock_file, records
from nexusdev.inventory import Inventory
from nexusdev.plan import Observation
from nexusdev.util.humanize import join_names, pluralize
from nexusdev.util.lock import holders
from nexusdev.util.port_holders import ending_orphans, holder_of

_FEW_FILES = 4096


def examine(context: Context) -> Iterator[Check]:
    """Yield the checks of the instance, those without an engine first."""
    yield env_file(context.settings.env_file)
    yield proxy(context.environ)
    yield lock(context)
    try:
        instance = context.instance()
    except NotFound:
        yield new_state(context)
        yield from placement(context)
        return
    except NexusError as error:
        yield failed("state", f"{error.message}: {error.why}", fix=error.hint)
        return
    yield state(instance)
    yield shell(context, instance)
    yield trusted(instance)
    try:
        inventory = context.provider.inventory()
    except NexusError:
        return
    yield ports(context, instance, inventory)
    yield context.provider.check_placement(instance.name, instance.net, pool=context.settings.subnet)
    yield from reading(context, instance)
    observation = context.runtime().observe()
    yield containers(observation)
    yield data_volumes(context, instance, observation)


def new_state(context: Context) -> Check:
    """Check the location of the state of a new instance."""
    try:
        require_portable(context.root)
    except NexusError as error:
        return failed("state", f"{error.message}: {error.why}", fix=error.hint.partition("   ")[0])
    return good("state", "this project has no instance yet")


def placement(context: Context) -> Iterator[Check]:
    """Check whether the runtime has a free placement for a new instance. Yields nothing if the runtime does not answer (a separate check)."""
    try:
        context.provider.inventory()
    except NexusError:
        return
    pool = context.settings.subnet
    try:
        chosen = context.provider.placement(0, [each.net for each in records(context.root)], pool=pool)
    except NexusError as error:
        yield failed("subnet", f"{error.message}: {error.why}", fix=error.hint.partition("\n")[0])
        return
    yield context.provider.check_placement(context.identity.name, chosen, pool=pool)


def env_file(file: Path) -> Check:
    """Check that the env file is ignored by git, unreadable for other users, and writable."""
    finding = git_status_of(file)
    if finding.standing is Standing.TRACKED:
        fix = f"git rm --cached {file.name}; echo {file.name} >> .gitignore"
        return failed("env file", f"{file} is tracked by git: the next commit would publish passwords", fix=fix)
    if not file.exists():
        return good("env file", f"{file} does not exist yet; nexusdev up writes it")
    if advised := advice(file, finding):
        return warning("env file", advised.text, fix=advised.fix, repair=lambda: _ignored(file))
    if file.stat().st_mode & 0o077:
        return warning(
            "env file",
            f"{file} is readable by other users",
            fix=f"chmod 600 {file}",
            repair=lambda: _close(file, 0o600),
        )
    return good("env file", str(file))


def _ignored(file: Path) -> str:
    """Add the file to the exclude file of the clone. Raises OSError if git still does not ignore it."""
    guarded = guard(file)
    if guarded.warning:
        raise OSError(guarded.warning)
    return f"{file} is now ignored by git ({guarded.excluded})"


def _close(path: Path, mode: int) -> str:
    path.chmod(mode)
    return f"{path} is now readable by its owner only"


def lock(context: Context) -> Check:
    """Check which command holds the instance's lock."""
    found = holders(lock_file(context.root, context.identity.name))
    if not found:
        return good("lock", "no other command is working on this instance")
    who = join_names([str(each) for each in found])
    return warning(
        "lock", f"{who} {'is' if len(found) == 1 else 'are'} working on this instance", fix="wait for it to finish"
    )


def state(instance: Instance) -> Check:
    """Check the folder with the secrets."""
    if instance.folder.stat().st_mode & 0o077:
        return warning(
            "state",
            f"{instance.folder} is readable by other users",
            fix=f"chmod 700 {instance.folder}",
            repair=lambda: _close(instance.folder, 0o700),
        )
    return good("state", str(instance.folder))


def shell(context: Context, instance: Instance) -> Check:
    """Check for set variables that override the env file: AWS_CA_BUNDLE of a proxy, PGHOST of another cluster."""
    try:
        ours = stored.read(instance.folder).views["host"]
    except NexusError:
        return good("shell", "no variables yet")
    others = [name for name, value in ours.items() if context.environ.get(name, value) != value]
    companions = [name for name in companions_of(ours) if context.environ.get(name)]
    if not others and not companions:
        return good("shell", "no variable of the shell differs from the env file or changes its meaning")
    evidence = []
    if others:
        verb = "has" if len(others) == 1 else "have"
        evidence.append(f"{join_names(others)} {verb} a different value in the shell than in the env file")
    if companions:
        verb = "changes" if len(companions) == 1 else "change"
        evidence.append(f"{join_names(companions)} {verb} the meaning of variables in the env file")
    fixes = ["nexusdev run -- COMMAND"]
    if others:
        fixes.append("in Python: load_dotenv(…, override=True)")
    if companions:
        fixes.append(f"unset {' '.join(companions)}")
    return warning("shell", "; ".join(evidence), fix="; ".join(fixes))


def trusted(instance: Instance) -> Check:
    """Check whether the trust bundle of the env file is complete."""
    lacking = trust.problem(instance.client_folder)
    if lacking:
        return warning(
            "trust", lacking, fix="install the system's authorities (ca-certificates), then: nexusdev env --write"
        )
    return good("trust", "programs trust the system's authorities and the instance's CA")


def proxy(environ: Mapping[str, str]) -> Check:
    """Check the proxy settings. nexusdev uses no proxy for the stack, but an application may."""
    named, hosts = proxies(environ), forgotten(environ)
    if not named:
        return good("proxy", "no proxy is set")
    if not hosts:
        return good("proxy", f"{join_names(named)} set, with {join_names(NEEDED)} excluded")
    exceptions = " ".join(f"{name}={quote(value)}" for name, value in with_loopback(environ).items())
    return warning(
        "proxy",
        f"{join_names(named)} {'is' if len(named) == 1 else 'are'} set without excluding {join_names(hosts)}: "
        "applications would connect to the stack through the proxy",
        fix=f"export {exceptions}; or: nexusdev run -- COMMAND",
    )


def ports(context: Context, instance: Instance, inventory: Inventory) -> Check:
    """Check the instance's port block, except ports that its own containers hold."""
    ours = inventory.of(instance.name).held_ports
    wanted = [port.host for each in context.stack(instance).services.values() for port in each.ports]
    taken = [port for port in wanted if port not in ours and context.port_taken(port)]
    block = f"{instance.port(0)}-{instance.port(99)}"
    if not taken:
        return good("ports", f"{block}, none in use by others")
    who = f"{taken[0]} is in use by {holder_of(taken[0], inventory.port_holders)}"
    end = ending_orphans(taken, inventory.port_holders) or "stop what uses it"
    return failed("ports", who, fix=f"{end}, or: nexusdev up --move-ports")


def reading(context: Context, instance: Instance) -> Iterator[Check]:
    """Let a container read a file like the secrets, and say how many files it may open. Yields nothing without secrets or images."""
    if not instance.is_provided:
        return
    stack = context.stack(instance)
    runtime = context.runtime(stack, owner=instance.owner)
    try:
        stored = [context.images().resolve([name])[name] for name, image in context.images().stored().items() if image]
        found = next((found for image in stored if (found := runtime.read_back(image))), None)
    except NexusError as error:
        yield _unread(error)
        return
    if found is None:
        return
    if found.problem:
        yield _unread(unreadable(found))
        return
    yield good("secrets", f"a container that runs as {found.user} can read them")
    if 0 < found.open_files < _FEW_FILES:
        yield warning(
            "open files",
            f"a server may open {found.open_files} files, so that it accepts fewer connections; {_FEW_FILES} recommended",
            fix=runtime.advice.more_files,
        )
    elif found.open_files:
        yield good("open files", f"a server may open {found.open_files}")


def _unread(error: NexusError) -> Check:
    """Return the check of secrets that a container cannot read, or that cannot be tried, on a full disk for example."""
    said = ": ".join(filter(None, (error.message, error.why)))
    return failed("secrets", said, fix=error.hint.partition("   ")[0])


def data_volumes(context: Context, instance: Instance, observation: Observation) -> Check:
    """Check for data volumes that existed before and are gone."""
    lost = lost_volumes.lost(context, instance, context.stack(instance), observation)
    if lost:
        return failed(
            "volumes",
            "lost: " + "; ".join(map(lost_volumes.sentence, lost)),
            fix="nexusdev up   show the options",
        )
    return good("volumes", pluralize(len(observation.volumes), "volume") if observation.volumes else "none yet")


def containers(observation: Observation) -> Check:
    """Check for containers that do not run."""
    if observation.problems:
        evidence = "; ".join(each.evidence for each in observation.problems)
        return failed("containers", evidence, fix=observation.problems[0].fix)
    bad = [f"{name} is {each.word}" for name, each in observation.services.items() if not each.runs]
    if bad:
        return warning("containers", join_names(bad), fix="nexusdev start")
    if not observation.services:
        return good("containers", "none; nexusdev up creates them")
    return good("containers", f"{pluralize(len(observation.services), 'container')}, all running")

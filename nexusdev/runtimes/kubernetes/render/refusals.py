"""What the compose files can say and Kubernetes cannot do. Each refusal is an error with file, line and key."""

from __future__ import annotations

import re

from nexusdev.errors import InvalidConfig
from nexusdev.stack.document import config_error
from nexusdev.stack.model import Service, Stack
from nexusdev.stack.positions import position_of

_USER = re.compile(r"(?P<uid>[1-9]\d*)(:(?P<gid>[1-9]\d*))?")
_FINE_OPTIONS = frozenset({"no-new-privileges:true", "no-new-privileges"})
_ALWAYS = frozenset({"always", "unless-stopped"})
_TMPFS_OPTIONS = frozenset({"size", "mode"})
#: Names of Kubernetes objects are DNS labels.
_LONGEST_NAME = 63


def refusal(stack: Stack, service: Service, key: str, problem: str, *, why: str = "", hint: str = "") -> InvalidConfig:
    """Return the error for a key of a service. ``key``: '' for the service as a whole."""
    keys = ("services", service.name, *((key,) if key else ()))
    return config_error(position_of(stack, *keys), problem, why=why, hint=hint)


def require_renderable(service: Service, stack: Stack) -> None:
    """Refuse a service that no pod can be.

    Args:
        service: The service.
        stack: Its stack, for the position in the error.

    Raises:
        InvalidConfig: With file, line and key.
    """
    if len(service.name) > _LONGEST_NAME:
        raise refusal(
            stack, service, "", f"the name is longer than {_LONGEST_NAME} characters", why="it is a host name"
        )
    _require_user(service, stack)
    _require_restart(service, stack)
    _require_security(service, stack)
    _require_tmpfs(service, stack)
    _require_own(service, stack)
    if service.init:
        raise refusal(
            stack,
            service,
            "init",
            "init cannot be rendered",
            why="a container runtime of Kubernetes starts no init process: it has to come with the image",
            hint="entrypoint: [tini, --, …]   with tini in the image",
        )
    if service.hostname not in ("", service.name):
        raise refusal(
            stack,
            service,
            "hostname",
            f"hostname {service.hostname} is not {service.name}",
            why="a pod has its own name",
        )
    if service.healthcheck and not service.healthcheck.test[1:]:
        raise refusal(stack, service, "healthcheck", "the test has no command")


def user_of(service: Service) -> tuple[int, int]:
    """Return uid and gid of a service that ``require_renderable`` accepts."""
    matched = _USER.fullmatch(service.user)
    if matched is None:
        raise ValueError(f"{service.name} has no numeric user")
    return int(matched["uid"]), int(matched["gid"] or matched["uid"])


def _require_user(service: Service, stack: Stack) -> None:
    if not _USER.fullmatch(service.user):
        raise refusal(
            stack,
            service,
            "user",
            f"user {service.user!r} cannot be rendered",
            why="the Pod Security standard `restricted` requires a numeric user that is not root",
            hint='user: "10001:10001"',
        )


def _require_restart(service: Service, stack: Stack) -> None:
    if service.restart not in _ALWAYS:
        raise refusal(
            stack,
            service,
            "restart",
            f"restart {service.restart!r} cannot be rendered",
            why="the containers of a StatefulSet or Deployment are always restarted",
            hint="restart: unless-stopped",
        )


def _require_security(service: Service, stack: Stack) -> None:
    if service.cap_add:
        raise refusal(
            stack,
            service,
            "cap_add",
            f"capability {service.cap_add[0]} cannot be rendered",
            why="the Pod Security standard `restricted` requires that all capabilities are dropped",
        )
    for option in service.security_opt:
        if option not in _FINE_OPTIONS:
            raise refusal(
                stack,
                service,
                "security_opt",
                f"security option {option!r} cannot be rendered",
                why="seccomp is RuntimeDefault and privileges cannot be gained; there are no other options",
            )


def _require_tmpfs(service: Service, stack: Stack) -> None:
    for target, options in service.tmpfs.items():
        for option in filter(None, options.split(",")):
            if option.partition("=")[0] not in _TMPFS_OPTIONS:
                raise refusal(
                    stack,
                    service,
                    "tmpfs",
                    f"option {option!r} of {target} cannot be rendered",
                    why="an emptyDir in memory has a size; everyone may write to it",
                )


def _require_own(service: Service, stack: Stack) -> None:
    """Refuse what only an instance knows: the variables of applications, and client files."""
    if service.own is None:
        return
    if service.own.env or service.own.trust:
        raise refusal(
            stack,
            service,
            "x-nexusdev",
            "env and certificate cannot be rendered",
            why="the variables, their secrets and the certificate belong to one running instance",
        )

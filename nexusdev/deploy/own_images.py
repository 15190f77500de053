"""Gets the images of the project's own services: pulled by their reference, or built by the engine from a folder with a Dockerfile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nexusdev.context import Context
from nexusdev.deploy.image_gate import ImageGate
from nexusdev.errors import ImageUnavailable
from nexusdev.stack.model import Service, Stack

if TYPE_CHECKING:
    from nexusdev.images.build_log import BuildLog
    from nexusdev.runtimes.image_store import ImageStore

#: ``gc`` finds unused images by this label.
LABEL = "dev.nexus.image"


def begin(context: Context, stack: Stack, gate: ImageGate, admit: Callable[[str], None]) -> None:
    """Open the gate for own services whose image is available, and pull or build the other images in the background.

    Args:
        context: The context of the command.
        stack: The selected services, each with the reference of its image.
        gate: Opened as images arrive; receives the error of an image that is not available.
        admit: Makes an image available in the runtime.

    Raises:
        ImageUnavailable: An image is missing and nothing may be fetched (offline).
    """
    wanted = missing(context, stack, present=lambda reference: _arrive(reference, gate, admit))
    if context.settings.offline and wanted:
        raise _offline(next(iter(wanted.values())))
    gate.expect(wanted)
    for reference, service in wanted.items():

        def get(reference: str = reference, service: Service = service) -> None:
            try:
                _get(context, service, reference)
                _arrive(reference, gate, admit)
            except BaseException as error:  # passed to the thread that runs the plan
                error.add_note(f"while getting the image of the own service {service.name}")
                gate.fail(error)

        threading.Thread(target=get, name=f"image-{service.name}", daemon=True).start()


def missing(
    context: Context, stack: Stack, *, present: Callable[[str], None] = lambda _: None
) -> Mapping[str, Service]:
    """Return reference → a service that uses it, for images that the engine does not have.

    Args:
        context: The context of the command.
        stack: The services.
        present: Called with the reference of each image that the engine has.
    """
    images = context.images()
    known = {*images.resolve().values()}
    found: dict[str, Service] = {}
    for service in stack.own:
        if service.image in known or service.image in found:
            continue
        if images.store.find(service.image) is None:
            found[service.image] = service
        else:
            present(service.image)
    return found


def _arrive(reference: str, gate: ImageGate, admit: Callable[[str], None]) -> None:
    admit(reference)
    gate.arrived(reference)


def _get(context: Context, service: Service, reference: str) -> None:
    from nexusdev.images.build_log import BuildLog

    log = BuildLog(
        service.name, file=context.root / "logs" / "images" / f"own-{service.name}.log", listener=context.listener
    )
    try:
        _from(context.images().store, service, reference, log)
    except ImageUnavailable as error:
        log.given_up()
        raise _unavailable(service, error, log) from error
    log.done("built" if service.own and service.own.build else "pulled")


def _from(store: ImageStore, service: Service, reference: str, log: BuildLog) -> None:
    build = service.own.build if service.own else None
    if build is None:
        log.step(f"pull {reference}")
        name, _, digest = reference.partition("@")
        store.pull(name if ":" in name.rpartition("/")[2] else f"{name}:latest", digest or None, log.line)
    else:
        log.step(f"build {build.folder}")
        store.build(build, reference, {LABEL: f"{service.name}:{reference.rpartition(':')[2]}"}, log.line)


def _unavailable(service: Service, error: ImageUnavailable, log: BuildLog) -> ImageUnavailable:
    build: Path | None = service.own.build.folder if service.own and service.own.build else None
    return ImageUnavailable(
        f"the image of {service.name} cannot be {'built' if build else 'pulled'}",
        why=error.why or error.message,
        hint="\n".join(filter(None, (error.hint, f"less {log.file}   the output"))),
        evidence=[*log.tail, f"log: {log.file}"],
    )


def _offline(service: Service) -> ImageUnavailable:
    return ImageUnavailable(
        f"the image of {service.name} is not in the image store",
        why=f"{service.image} is missing, and nothing is pulled or built because offline is set",
        hint="nexusdev config show --origin   where offline is set",
    )

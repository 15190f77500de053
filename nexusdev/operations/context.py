"""What every verb is given: whose instance, which settings, who listens; and the doors to the engine, made when first used."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nexusdev.events import Listener, Silence
from nexusdev.instance.identity import Identity
from nexusdev.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Context:
    """One run of one verb. ``root`` is the folder of all instances' state."""

    identity: Identity
    settings: Settings
    root: Path
    listener: Listener = field(default_factory=Silence)
    timeout_given: bool = False

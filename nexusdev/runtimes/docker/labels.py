"""The labels of all resources of an instance: Compose's own, so that its tools work, and those of nexusdev."""

from __future__ import annotations

INSTANCE = "dev.nexus.instance"
COMPONENT = "dev.nexus.component"
ROLE = "dev.nexus.role"
FINGERPRINT = "dev.nexus.fingerprint"
OWNER_PATH = "dev.nexus.owner-path"
STATE_PATH = "dev.nexus.state-path"

# The role of a container that runs one command and is removed: it is not a service of the stack.
ONE_OFF_ROLE = "one-off"

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
ONE_OFF = "com.docker.compose.oneoff"
COMPOSE_VERSION = "com.docker.compose.version"
WORKING_DIR = "com.docker.compose.project.working_dir"
CONFIG_FILES = "com.docker.compose.project.config_files"
CONFIG_HASH = "com.docker.compose.config-hash"
NETWORK = "com.docker.compose.network"
VOLUME = "com.docker.compose.volume"

# `docker compose` compares this with its own version; any known version is accepted.
A_COMPOSE_VERSION = "2.26.1"

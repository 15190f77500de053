"""The hints of errors and notes that are specific to Docker."""

from __future__ import annotations

from nexusdev.interfaces import Advice

# docker volume prune removes named volumes before Docker 23, and with -a since then; podman volume prune does too.
ADVICE = Advice(
    kept_data="its volumes are unused now: docker volume prune and docker system prune --volumes can delete them",
    kept_stopped="docker system prune --volumes can delete stopped containers and then their data",
    ended_by="docker stop, docker rm, or an engine that shuts down",
    lost_data="a prune of the engine (docker volume prune, docker system prune --volumes) takes what no container uses, data included",
    elsewhere="docker context ls   check that this is the engine that has the volumes",
    no_room="docker system df      see what takes the room\ndocker image prune    remove unused images",
    more_files='sudoedit /etc/docker/daemon.json   raise or remove "nofile" in "default-ulimits", then restart the engine',
)

"""kubectl, the one way to a cluster: one kubeconfig and one context, both always named, and errors in the words of this project.

Nothing secret is an argument: objects are written to its standard input.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any

from nexusdev.runtimes.kubernetes import kubectl_errors
from nexusdev.runtimes.kubernetes.render.manifest import Manifest

#: The owner of the fields that nexusdev applies.
FIELD_MANAGER = "nexusdev"
_TIMEOUT = 60.0  # seconds for a command that waits for nothing
_DATE = "date: "


class Kubectl:
    """kubectl with a kubeconfig and a context. Thread-safe."""

    def __init__(self, *, context: str, kubeconfig: Path | None = None, program: str = "kubectl") -> None:
        """Remember where the cluster is; nothing is started.

        Args:
            context: The context of the kubeconfig. The current context is never used.
            kubeconfig: The file; None for kubectl's own default.
            program: The program, by name or path.
        """
        self.context = context
        self.kubeconfig = kubeconfig
        self._program = program

    def command(self, *arguments: str) -> list[str]:
        """Return a whole command line."""
        where = []
        if self.kubeconfig:
            where = ["--kubeconfig", str(self.kubeconfig), "--cache-dir", f"{self.kubeconfig}.cache"]
        return [self._program, *where, "--context", self.context, *arguments]

    def run(self, *arguments: str, stdin: bytes | None = None, timeout: float = _TIMEOUT) -> bytes:
        """Run kubectl and return its output.

        Args:
            arguments: The command and its arguments. Never a secret.
            stdin: Its input; None for none.
            timeout: In seconds.

        Raises:
            NotFound: An object does not exist.
            RuntimeSlow: The API server answers other requests, but not this one in time.
            RuntimeRefused: The API server rejects the request.
            PreflightFailed: There is no kubectl, the API server does not answer, or a right is missing.
        """
        done = self.outcome(*arguments, stdin=stdin, timeout=timeout)
        if done.returncode:
            raise kubectl_errors.translated(done.stderr.decode(errors="replace"), self.context)
        return done.stdout

    def outcome(
        self, *arguments: str, stdin: bytes | None = None, timeout: float = _TIMEOUT
    ) -> subprocess.CompletedProcess[bytes]:
        """Run kubectl whatever its exit status is.

        Raises:
            RuntimeSlow: It does not end in time.
            PreflightFailed: There is no kubectl.
        """
        try:
            return subprocess.run(
                self.command(*arguments), input=stdin or b"", capture_output=True, timeout=timeout, check=False
            )
        except FileNotFoundError as error:
            raise kubectl_errors.no_program(self._program) from error
        except subprocess.TimeoutExpired as error:
            raise kubectl_errors.slow(arguments[0], timeout, self.context) from error

    def start(
        self,
        *arguments: str,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = subprocess.PIPE,
        stderr: int | IO[bytes] | None = subprocess.PIPE,
        foreground: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start kubectl for a stream: a watch, a log, a command in a pod.

        Args:
            arguments: The command and its arguments. Never a secret.
            stdin: Its input, as for ``subprocess.Popen``.
            stdout: Its output.
            stderr: Its errors.
            foreground: Whether it may read from the terminal. Otherwise it has a process group of its own: Ctrl-C is the caller's.

        Raises:
            PreflightFailed: There is no kubectl.
        """
        try:
            return subprocess.Popen(
                self.command(*arguments),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                process_group=None if foreground else 0,
            )
        except FileNotFoundError as error:
            raise kubectl_errors.no_program(self._program) from error

    def get(self, kinds: Iterable[str], namespace: str, *more: str) -> list[Manifest]:
        """Return the objects of these kinds. An empty list if the namespace does not exist.

        Raises:
            PreflightFailed: The API server does not answer, or a right is missing.
        """
        found: Any = json.loads(self.run("get", ",".join(kinds), "--namespace", namespace, "--output", "json", *more))
        return list(found["items"])

    def get_everywhere(self, kinds: Iterable[str], *more: str) -> list[Manifest]:
        """Return the objects of these kinds in all namespaces.

        Raises:
            PreflightFailed: The API server does not answer, or a right is missing.
        """
        found: Any = json.loads(self.run("get", ",".join(kinds), "--all-namespaces", "--output", "json", *more))
        return list(found["items"])

    def get_cluster_wide(self, kind: str) -> list[Manifest]:
        """Return the objects of a kind that is in no namespace.

        Raises:
            PreflightFailed: The API server does not answer, or a right is missing.
        """
        found: Any = json.loads(self.run("get", kind, "--output", "json"))
        return list(found["items"])

    def apply(self, objects: Sequence[Manifest], *, force: bool = True) -> None:
        """Create or change objects by server-side apply, all in one process.

        Args:
            objects: The objects; each has its namespace.
            force: Whether fields that others have set are taken over.

        Raises:
            RuntimeRefused: The API server rejects one of them.
            PreflightFailed: The API server does not answer, or a right is missing.
        """
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}).encode()
        forced = ("--force-conflicts",) if force else ()
        self.run("apply", "--server-side", "--field-manager", FIELD_MANAGER, *forced, "--filename", "-", stdin=body)

    def delete(
        self, names: Sequence[str], namespace: str, *more: str, wait: bool = True, timeout: float = 180.0
    ) -> None:
        """Delete objects (``kind/name``); what does not exist is ignored.

        Args:
            names: The objects.
            namespace: Their namespace.
            more: More arguments, such as ``--cascade=orphan``.
            wait: Whether to return when they are gone.
            timeout: How long to wait, in seconds.
        """
        if names:
            waits = f"--wait={'true' if wait else 'false'}"
            self.run("delete", *names, "--namespace", namespace, "--ignore-not-found", waits, *more, timeout=timeout)

    def patch(self, name: str, namespace: str, change: Mapping[str, Any], *more: str) -> None:
        """Change an object (``kind/name``) by a merge patch, which may contain no secret.

        Raises:
            NotFound: There is no such object.
            RuntimeRefused: The API server rejects the change.
        """
        self.run("patch", name, "--namespace", namespace, "--type", "merge", "--patch", json.dumps(change), *more)

    def clock(self) -> float:
        """Return the time of the API server in whole seconds since the epoch: the header Date of an answer.

        Raises:
            PreflightFailed: The API server does not answer.
        """
        done = self.outcome("get", "--raw", "/version", "-v=8")
        told = done.stderr.decode(errors="replace")
        if done.returncode:
            raise kubectl_errors.translated(told, self.context)
        for line in told.splitlines():
            _, found, date = line.replace("Date: ", _DATE).partition(_DATE)
            if found:
                return parsedate_to_datetime(date.strip()).timestamp()
        raise kubectl_errors.no_clock(self.context)

    def version(self) -> str:
        """Return the version of the API server: ``v1.34.4``.

        Raises:
            PreflightFailed: The API server does not answer.
        """
        return str(json.loads(self.run("get", "--raw", "/version"))["gitVersion"])

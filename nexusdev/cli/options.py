"""The options and arguments of commands, as annotated types: those that several commands share, and those of commands with many."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nexusdev import __version__
from nexusdev.runtimes import registry


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nexusdev {__version__}")
        raise typer.Exit


# Global options.
InstanceName = Annotated[
    str | None, typer.Option("--instance", "-i", help="Instance name (default: derived from the project path).")
]
Project = Annotated[
    Path | None, typer.Option("--project", "-C", help="Run as if started in this folder.", metavar="FOLDER")
]
RuntimeName = Annotated[
    str | None,
    typer.Option("--runtime", help=f"Where the instance runs: {registry.words()}.", metavar="NAME"),
]
ClusterContext = Annotated[
    str | None,
    typer.Option("--context", help="With --runtime kubernetes: the context that names the cluster.", metavar="NAME"),
]
ClusterNamespace = Annotated[
    str | None,
    typer.Option(
        "--namespace", help="With --runtime kubernetes: the namespace (default: nexusdev-INSTANCE).", metavar="NAME"
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option("--timeout", help="Time limit for the whole command: seconds, 90s, 10m or 1h30m.", metavar="TIME"),
]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print one JSON envelope on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only results and errors, no progress.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print every step, and the traceback of an error.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="Disable colors (same as NO_COLOR=1).")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to all confirmation prompts.")]
Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
]

# What a command applies to.
ServiceNames = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Components or services (default: all).")
]
ToStart = Annotated[
    list[str] | None, typer.Argument(metavar="[COMPONENT]...", help="Components to start, with their dependencies.")
]

# up
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="full, core (without monitoring), or lite (one server of each product). Remembered.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan without running it.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use only images that are already in the image store.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail if the image of an optional service is unavailable.")]
MovePorts = Annotated[bool, typer.Option("--move-ports", help="Use another block of host ports; the env file changes.")]
RecreateVolumes = Annotated[
    bool,
    typer.Option(
        "--recreate-volumes", help="Recreate lost data volumes: rebuild them where possible, else empty (asks)."
    ),
]

# env, and --env-file of up
EnvFile = Annotated[Path | None, typer.Option("--env-file", help="Path of the env file to write.", metavar="FILE")]
ViewName = Annotated[
    str, typer.Option("--view", help="Use addresses for the host or for a container.", metavar="host|container|cluster")
]
Write = Annotated[bool, typer.Option("--write", help="Write the env file instead of printing the variables.")]
FRAMEWORKS = "django, celery, celery-sentinel, sqlalchemy-async, node, go, java, spring, rails, prisma, rclone, s3cmd"
Framework = Annotated[
    str, typer.Option("--for", help=f"Print the file that this framework or tool reads: {FRAMEWORKS}.", metavar="NAME")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="With --for: write the file (mode 0600).", metavar="FILE")
]
NamespaceOfSecrets = Annotated[
    str, typer.Option("--namespace", help="With k8s-secret: the namespace of the application.", metavar="NAME")
]
Unset = Annotated[
    bool, typer.Option("--unset", help="Print the lines that take the variables back in a shell, without any check.")
]
NoProofOfEnv = Annotated[
    bool, typer.Option("--no-proof", help="Skip the check against the servers. Works while they are stopped.")
]

# run, exec and the clients
RunCommand = Annotated[list[str] | None, typer.Argument(metavar="COMMAND [ARGUMENT]...", help="Command to run.")]
NoProof = Annotated[bool, typer.Option("--no-proof", help="Skip the check against the servers.")]
Dynamic = Annotated[
    bool,
    typer.Option(
        "--dynamic", help="Use logins to PostgreSQL that Vault issues for this command and revokes at its end."
    ),
]
DynamicOfEnv = Annotated[
    bool, typer.Option("--dynamic", help="Print logins to PostgreSQL that Vault issues for one hour.")
]
Image = Annotated[str, typer.Option("--in", help="Run in a temporary container of this image.", metavar="IMAGE")]
Volumes = Annotated[
    list[str] | None,
    typer.Option("--volume", "-v", help="With --in: mount a file or folder.", metavar="SOURCE:TARGET[:ro]"),
]
WorkingDir = Annotated[str, typer.Option("--workdir", "-w", help="With --in: working directory.", metavar="FOLDER")]
User = Annotated[str, typer.Option("--user", "-u", help="With --in: user of the process.", metavar="UID[:GID]")]
# Only `exec` has the short form: -T is an option of psql.
_NO_STDIN = "Do not attach standard input or a terminal. Use it in loops and scripts."
NoStdin = Annotated[bool, typer.Option("--no-stdin", help=_NO_STDIN)]
NoStdinOfExec = Annotated[bool, typer.Option("--no-stdin", "-T", help=_NO_STDIN)]

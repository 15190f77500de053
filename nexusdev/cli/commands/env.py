"""The commands env and config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nexusdev.cli import options
from nexusdev.cli.app import GROUPS, app, group
from nexusdev.cli.session import Session, current_session, perform
from nexusdev.cli.variables import print_variables
from nexusdev.errors import UsageError
from nexusdev.util.standard_streams import write_exactly

if TYPE_CHECKING:
    from nexusdev.context import Context
    from nexusdev.operations.env import EnvResult

FORMATS = "dotenv, shell, fish, powershell, json, direnv, docker, github"


@app.command(rich_help_panel=GROUPS[1])
def env(  # noqa: PLR0917 - options of a command
    ctx: typer.Context,
    style: Annotated[
        str,
        typer.Option(
            "--format", "-f", help=f"Output format: {FORMATS}, k8s-secret.", metavar="FORMAT", show_default=True
        ),
    ] = "dotenv",
    view: options.ViewName = "host",
    write: options.Write = False,
    env_file: options.EnvFile = None,
    no_proof: options.NoProofOfEnv = False,
    dynamic: options.DynamicOfEnv = False,
    framework: options.Framework = "",
    output: options.Output = None,
    unset: options.Unset = False,
    namespace: options.NamespaceOfSecrets = "",
) -> None:
    """Print the environment variables for applications, after checking that each endpoint belongs to this instance.

    \b
    eval "$(nexusdev env --format shell)"               bash, zsh
    nexusdev env --format fish | source                 fish
    nexusdev env --format powershell | Out-String | Invoke-Expression
    nexusdev env --format json | jq -r .PGHOST
    nexusdev env --format github >> "$GITHUB_ENV"       in a GitHub Actions job
    nexusdev env --view container --format docker       for docker run --env-file
    nexusdev env --format k8s-secret --namespace shop | kubectl apply --server-side -f -
    nexusdev env --for django -o nexusdev_settings.py   the file that a framework reads

    The formats of shells also unset variables that would change the meaning of these (PGSERVICE, AWS_SESSION_TOKEN …) and add loopback to NO_PROXY.
    eval "$(nexusdev env --unset)" takes everything back and restores what the shell had before.

    Variables of a component that is not ready are left out: stderr lists what is missing and why, and the exit code is 4.
    In that case --write does not change the file. --write waits for other commands on this instance to finish.

    The container view expects the CA certificate, the bundle of trusted authorities and the trust store in /run/nexusdev. Mount them with
    docker run -v "$NEXUSDEV_CONTAINER_FILES:/run/nexusdev:ro", using the variable of the host view, or use nexusdev run --in IMAGE -- COMMAND.

    With --dynamic, the logins to PostgreSQL are new ones that Vault issues for one hour; variables that need a file with a login (JDBC) are left out.
    nexusdev run --dynamic -- COMMAND renews them as long as COMMAND runs.

    k8s-secret makes two Secrets for the pods of an application: nexusdev for envFrom, and nexusdev-files for a volume at /run/nexusdev.
    """
    from nexusdev.operations import env as operation

    session = current_session(ctx)
    context = session.context(env_file=env_file)
    if output and not framework:
        raise UsageError("--output needs --for", hint="nexusdev env --write   write the env file")
    if dynamic and (unset or framework):
        other = "--unset" if unset else f"--for {framework}"
        raise UsageError(f"--dynamic does not work with {other}", hint="nexusdev run --dynamic -- COMMAND")
    if unset:
        _print(session, operation.unset(context, style="shell" if style == "dotenv" else style))
        return
    if framework:
        _print(session, operation.for_framework(context, framework, view=view, proof=not no_proof, output=output))
        return
    found = operation.env(
        context, style=style, view=view, proof=not no_proof, write=write, namespace=namespace, dynamic=dynamic
    )
    if session.globals.json or write:
        session.finish(found)
        return
    print_variables(session, found)
    if found.view == "container":
        _explain_mount(session, context)
    session.finish(found)


def _explain_mount(session: Session, context: Context) -> None:
    """Tell a person how a container gets the files that the variables name. A program that reads the output is told nothing."""
    from nexusdev.operations import env as operation

    console = session.console
    if not console.quiet and (console.verbose or console.err.isatty()):
        console.note(f"mount the client files: docker run {operation.how_to_mount(context)} …")


def _print(session: Session, result: EnvResult) -> None:
    if not session.globals.json:
        write_exactly(result.text)
    session.finish(result)


config = group("config", "Show the settings and where each value comes from.")


@config.command("show")
def config_show(
    ctx: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Show where each value comes from.")] = False,
) -> None:
    """Print the effective value of every setting.

    \b
    nexusdev config show --origin
    NEXUSDEV_TIMEOUT=10m nexusdev config show --origin
    """
    from nexusdev.operations import config as operation

    perform(ctx, lambda context: operation.show(context, origin=origin))

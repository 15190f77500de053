"""The commands below ``render``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nexusdev.cli.app import group
from nexusdev.cli.session import perform

app = group("render", "Write the stack as manifests for a cluster.")


@app.command()
def k8s(
    ctx: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder to write (default: print them).", file_okay=False),
    ] = None,
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="kind (one node on this machine) or cluster.")
    ] = "kind",
    dev_access: Annotated[
        bool, typer.Option("--dev-access", help="With --profile cluster: also the gateway for development.")
    ] = False,
) -> None:
    """Write the stack as Kubernetes manifests with a kustomization.yaml. Needs neither a cluster nor a running instance.

    Passwords and keys are not written: secrets.example.yaml says what each Secret must contain.

    \b
    nexusdev render k8s -o manifests/                     one folder, for kubectl apply --server-side -k
    nexusdev render k8s --profile cluster -o manifests/   sizes and spread for a cluster of several nodes
    nexusdev render k8s | kubectl diff -f -               one stream
    """
    from nexusdev.operations import render as operation

    perform(
        ctx,
        lambda context: operation.render(context, "k8s", profile=profile, output=output, dev_access=dev_access),
    )

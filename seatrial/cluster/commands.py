"""`seatrial cluster`: the embedded cluster from the command line."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from seatrial import cluster
from seatrial.cluster.layout import Layout
from seatrial.errors import UsageError
from seatrial.progress import open_progress

app = typer.Typer(no_args_is_help=True, help="The embedded cluster: up, down, status, kubeconfig.")

_Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait while another run uses the cluster, or refuse.")]


@app.command()
def up(
    *,
    wait: _Wait = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove an existing cluster first.")] = False,
    install: Annotated[
        bool, typer.Option("--install/--no-install", help="Install missing Debian packages, or stop with their list.")
    ] = True,
) -> None:
    """Bring the cluster up, or heal it; does nothing to one that is well."""
    progress = open_progress()
    with cluster.lock(wait=wait, say=progress.say):
        running = cluster.up(progress=progress, install=install, fresh=fresh)
    console = Console()
    console.print(f"The cluster is up: {', '.join(node.name for node in running.nodes)}.", highlight=False)
    console.print(f"  export KUBECONFIG={running.kubeconfig}", highlight=False, soft_wrap=True)
    console.print(f"  {running.kubectl} get nodes", highlight=False, soft_wrap=True)


@app.command()
def down(*, wait: _Wait = True) -> None:
    """Remove the cluster and prove that nothing of it is left; tools and images stay in the cache."""
    progress = open_progress()
    with cluster.lock(wait=wait, say=progress.say):
        cluster.down(progress=progress)
    Console().print(
        "The cluster is gone: no process, mount, namespace, link, control group or file is left.", highlight=False
    )


@app.command()
def status() -> None:
    """Say how the cluster is; exit code 0 when it runs, 1 when it does not."""
    found = cluster.status()
    console = Console()
    console.print(f"{found.name}: {found.state}", highlight=False)
    if found.nodes:
        table = Table("node", "address", "power", "cable", "processes")
        for node in found.nodes:
            table.add_row(
                node.name,
                node.address,
                "on" if node.on else "off",
                "in" if node.connected else "out",
                str(node.processes),
            )
        console.print(table)
    elif found.leftovers:
        console.print(f"{len(found.leftovers)} things are left of an earlier cluster; `up` and `down` clear them.")
    raise typer.Exit(0 if found.state == "running" else 1)


@app.command()
def kubeconfig() -> None:
    """Print the path of the cluster's administrator kubeconfig."""
    path = Layout().kubeconfig
    if not path.exists():
        message = "There is no embedded cluster; bring it up with `seatrial cluster up`."
        raise UsageError(message)
    Console(soft_wrap=True).print(str(path), highlight=False)

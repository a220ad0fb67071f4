"""Admit workers to a permissioned pool, or revoke that."""

import click

from mlchain.chain.command import Command
from mlchain.live.options import Place, place_options


@click.command(cls=Command, short_help="Admit workers to a permissioned pool, or revoke that")
@click.argument("workers", metavar="WORKER...", nargs=-1, required=True)
@place_options
@click.option("--account", help="Account of the server, one of `ape accounts list`.  [default: a test account]")
@click.option("--revoke", is_flag=True, help="Let them join no longer; members stay until they leave or are removed.")
def cli(workers: tuple[str, ...], place: Place, account: str | None, revoke: bool) -> None:
    """Let each WORKER, an address or one of `ape accounts list`, join the pool of a --permissioned deployment.

    Workers that are admitted already stay so, and nothing is sent for them.
    """
    from mlchain.chain.accounts import address_named, load_unattended  # here: `ape run` imports every script
    from mlchain.live.admission import set_admission
    from mlchain.live.runner import open_deployment

    chain, deployment = open_deployment(place)
    addresses = [address_named(worker) for worker in workers]
    for line in set_admission(chain, deployment, load_unattended(account), addresses, not revoke):
        click.echo(line)

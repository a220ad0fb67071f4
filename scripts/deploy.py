"""Deploy the contracts on the chosen network and write the deployment record."""

from pathlib import Path

import click
from rich.table import Table

from mlchain.chain.accounts import load_signer
from mlchain.chain.command import Command
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import Deployed, deploy_once
from mlchain.chain.deployment import Parameters, record_path
from mlchain.console import console, table

DEFAULT = Parameters()


@click.command(cls=Command, short_help="Deploy the contracts and write the deployment record")
@click.option("--account", help="The learning server, one of `ape accounts list`.  [default: a test account]")
@click.option("--stake", default=DEFAULT.stake, show_default=True, help="Stake of a worker, in wei.")
@click.option("--absence-fee", default=DEFAULT.absence_fee, show_default=True, help="What silence costs, in wei.")
@click.option("--min-window", default=DEFAULT.min_window, show_default=True, help="In seconds.")
@click.option("--max-round-duration", default=DEFAULT.max_round_duration, show_default=True, help="In seconds.")
@click.option("--permissioned", is_flag=True, help="Only workers that the server admits may join.")
@click.option("--folder", default="deployments", show_default=True, type=click.Path(path_type=Path))
def cli(account: str | None, folder: Path, **parameters: object) -> None:
    """Deploy the contracts, check what stands on the chain, and write where it is.

    Run again on the same chain it checks what is there and deploys nothing.
    """
    chain = Chain()
    path = record_path(folder, chain.network)
    deployed = deploy_once(chain, lambda: load_signer(account), Parameters(**parameters), path)
    console().print(_table(chain.chain_id, deployed))
    done = "deployed and checked" if deployed.receipts else "this was deployed before: checked, and nothing was sent"
    click.echo(f"{done}; the record is {path}")


def _table(chain_id: int, deployed: Deployed) -> Table:
    made = table(f"Chain {chain_id}", "contract", "address", "gas", words={"contract", "address"})
    for contract, address in deployed.deployment.addresses.items():
        receipt = deployed.receipts.get(contract)
        gas = f"{receipt.gas:,}" if receipt else "by JobFactory" if deployed.receipts else "-"
        made.add_row(contract, address, gas)
    return made

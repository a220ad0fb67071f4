"""Deploy the contracts on the chosen network and write the deployment record."""

from pathlib import Path

import click
from rich.table import Table

from mlchain.chain.accounts import load_signer
from mlchain.chain.command import Command
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import Deployed, deploy_once
from mlchain.chain.deployment import REFEREES, Parameters, record_path
from mlchain.console import console, table
from mlchain.live.options import DEPLOYMENTS
from mlchain.units import Amount, Duration, duration, ether

DEFAULT = Parameters()


@click.command(cls=Command, short_help="Deploy the contracts and write the deployment record")
@click.option("--account", help="Account of the server, one of `ape accounts list`.  [default: a test account]")
@click.option("--stake", type=Amount(), default=ether(DEFAULT.stake), show_default=True, help="Stake of a worker.")
@click.option(
    "--absence-fee",
    type=Amount(),
    default=ether(DEFAULT.absence_fee),
    show_default=True,
    help="What a worker pays that does not commit.",
)
@click.option(
    "--min-window",
    type=Duration(),
    default=duration(DEFAULT.min_window),
    show_default=True,
    help="Shortest window of a round: to commit, to publish, to rule.",
)
@click.option(
    "--max-round-duration",
    type=Duration(),
    default=duration(DEFAULT.max_round_duration),
    show_default=True,
    help="Most that the windows of a round may add up to.",
)
@click.option("--min-seats", default=DEFAULT.min_seats, show_default=True, help="Fewest seats of a job.")
@click.option("--permissioned", is_flag=True, help="Let only workers join that the server admits: `ape run admit`.")
@click.option(
    "--referee",
    type=click.Choice(REFEREES),
    default=DEFAULT.referee,
    show_default=True,
    help="Who decides where workers disagree: the server, or a contract between claims.",
)
@click.option(
    "--bond",
    type=Amount(),
    default=ether(DEFAULT.bond),
    show_default=True,
    help="What a claim or a challenge puts down, with a contract as referee.",
)
@DEPLOYMENTS
def cli(
    account: str | None,
    stake: int,
    absence_fee: int,
    min_window: int,
    max_round_duration: int,
    min_seats: int,
    permissioned: bool,
    referee: str,
    bond: int,
    deployments: Path,
) -> None:
    """Deploy the contracts, check what stands on the chain, and record where it is.

    Run again on the same chain, it checks the contracts and deploys nothing.
    """
    parameters = Parameters(stake, absence_fee, min_window, max_round_duration, min_seats, permissioned, referee, bond)
    chain = Chain()
    path = record_path(deployments, chain.network)
    deployed = deploy_once(chain, lambda: load_signer(account), parameters, path)
    console().print(_table(chain.chain_id, deployed))
    done = "deployed and checked" if deployed.receipts else "deployed before: checked, and nothing was sent"
    click.echo(f"{done}; the record is {path}")


def _table(chain_id: int, deployed: Deployed) -> Table:
    made = table(f"Chain {chain_id}", "contract", "address", "gas", words={"contract", "address"})
    for contract, address in deployed.deployment.addresses.items():
        receipt = deployed.receipts.get(contract)
        gas = f"{receipt.gas:,}" if receipt else "by JobFactory" if deployed.receipts else "-"
        made.add_row(contract, address, gas)
    return made

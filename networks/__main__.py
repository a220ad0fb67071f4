"""Write, start and stop a local network: `python -m networks write | start | stop | status FOLDER`."""

from pathlib import Path

import click

from networks import nodes, plan
from networks.plan import ETHER, GENESIS, Network, NetworkError

NUMBERS = click.option("--only", multiple=True, type=click.IntRange(1), help="Number of a validator.  [default: all]")
FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


class Commands(click.Group):
    """Commands that end with one sentence on stderr and status 1 when something is wrong."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, and print an error as one sentence."""
        try:
            return super().invoke(ctx)
        except NetworkError as error:
            click.echo(f"error: {error}", err=True)
            raise SystemExit(1) from error


@click.group(cls=Commands)
def commands() -> None:
    """A local network of several validators, from a `geth` binary: GoQuorum with QBFT, or upstream Geth with Clique."""


@commands.command()
@FOLDER
@click.option("--client", type=click.Choice(sorted(GENESIS)), default="goquorum", show_default=True)
@click.option("--validators", type=click.IntRange(1, 50), default=4, show_default=True)
@click.option("--chain-id", type=click.IntRange(2), default=1337, show_default=True)
@click.option("--period", type=click.IntRange(1), default=2, show_default=True, help="Seconds from block to block.")
@click.option("--workers", type=click.IntRange(0), default=5, show_default=True, help="Accounts besides the server's.")
@click.option("--worker-balance", type=click.IntRange(0), default=2 * ETHER, show_default=True, help="In wei.")
@click.option("--rpc-port", type=click.IntRange(1, 65_000), default=8545, show_default=True, help="The first of them.")
@click.option("--peer-port", type=click.IntRange(1, 65_000), default=30303, show_default=True, help="The first.")
def write(folder: Path, **choices: object) -> None:
    """Write keys, genesis, static nodes, and accounts for Ape, into FOLDER."""
    network = plan.write(folder, **choices)
    click.echo(f"{len(network.validators)} validators of {network.client}, chain {network.chain_id}, in {folder}")
    click.echo(f"accounts for Ape, passphrase {plan.PASSPHRASE!r}: export APE_DATA_FOLDER={network.accounts}")


@commands.command()
@FOLDER
@click.option("--geth", default="geth", show_default=True, help="The client's program.")
@NUMBERS
def start(folder: Path, geth: str, only: tuple[int, ...]) -> None:
    """Start the validators in FOLDER that are not running, and wait for their first blocks."""
    nodes.start(Network.load(folder), geth, only, click.echo)


@commands.command()
@FOLDER
@NUMBERS
def stop(folder: Path, only: tuple[int, ...]) -> None:
    """Stop the validators in FOLDER; their data stays, and `start` continues with it."""
    nodes.stop(Network.load(folder), only, click.echo)


@commands.command()
@FOLDER
def status(folder: Path) -> None:
    """Show which validators in FOLDER are running, and how many blocks each has."""
    network = Network.load(folder)
    for member in network.validators:
        pid, height = nodes.process_of(network, member), nodes.height_of(member)
        state = f"process {pid}, block {height}" if pid else "is not running"
        click.echo(f"validator {member.number} {member.address} {member.url}: {state}")


if __name__ == "__main__":
    commands()

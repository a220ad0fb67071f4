"""Learn with a server that its workers trust: run the server, or work for one."""

from functools import partial
from pathlib import Path

import click
from typing_extensions import Unpack

from mlchain.centralized.learning.aggregation import RULES
from mlchain.centralized.service.settings import SettingsChoices
from mlchain.centralized.simulation.options import CentralizedOptions
from mlchain.chain.command import Command
from mlchain.errors import UserError
from mlchain.tasks.options import DATA, LABEL, bring, subject_options

DEFAULT = CentralizedOptions()
PORT = 8383
DEPLOYMENTS = click.option(
    "--deployments",
    default="deployments",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of records.",
)
COUNTER = click.option("--counter", help="Address of the contract to join.  [default: that of the deployment record]")


@click.group(short_help="Learn with a server that its workers trust")
def cli() -> None:
    """Run a learning server that its workers trust, or work for one; both read the same chain."""


@cli.command("serve", cls=Command, short_help="Run the learning server")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 is any free one.")
@click.option(
    "--folder", default="learning", show_default=True, type=click.Path(path_type=Path), help="For the server's state."
)
@subject_options
@click.option("--rounds", default=DEFAULT.rounds, show_default=True, help="Versions to be made.")
@click.option("--shares", default=DEFAULT.workers, show_default=True, help="Shares of the data, one a worker.")
@click.option("--quorum", type=int, help="Updates that a version needs at least.  [default: the least majority]")
@click.option("--rule", default=DEFAULT.rule, show_default=True, help=f"How they are combined: {', '.join(RULES)}.")
@click.option("--evil", default=DEFAULT.evil, show_default=True, help="Evil updates that the rule shall stand up to.")
@click.option("--dirichlet-alpha", type=float, help="Dirichlet parameter of uneven shares.  [default: even shares]")
@click.option("--seed", default=DEFAULT.seed, show_default=True, help="Fixes the shares.")
@click.option("--timeout", default=DEFAULT.timeout, show_default=True, help="Seconds for a result.")
@click.option("--asynchronous", is_flag=True, help="Make a version as soon as a quorum of updates is in.")
@click.option("--max-staleness", default=0, show_default=True, help="Versions by which a result may be late and count.")
@DEPLOYMENTS
@COUNTER
def serve_command(
    port: int, folder: Path, deployments: Path, counter: str | None, **choices: Unpack[SettingsChoices]
) -> None:
    """Serve until interrupted; started again with the same folder and options, go on where it was."""
    from mlchain.centralized.membership import find_counter, watch_joins  # here: `ape run` imports every script
    from mlchain.centralized.service.settings import settings_from
    from mlchain.centralized.service.signing import Place
    from mlchain.centralized.web.serving import serve
    from mlchain.chain.connection import Chain

    chain = Chain()
    address, first = find_counter(chain, counter, deployments)
    settings = settings_from(Place(chain.chain_id, address), **choices)
    watch = partial(watch_joins, chain, address, first)
    serve(settings, folder, port, watch, lambda url: click.echo(f"serving at {url}, joined at {address}"))


@cli.command("work", cls=Command, short_help="Join, and work for a learning server")
@click.option("--account", help="The worker, one of `ape accounts list`.  [default: a test account]")
@click.option("--url", default=f"http://127.0.0.1:{PORT}", show_default=True, help="Where the server is.")
@DATA
@LABEL
@DEPLOYMENTS
@COUNTER
def work_command(
    account: str | None, url: str, data: Path | None, label: str | None, deployments: Path, counter: str | None
) -> None:
    """Join the counter unless that is done, register, and train until learning is finished."""
    from mlchain.centralized.learning.behaviours import honest  # here: `ape run` imports every script
    from mlchain.centralized.membership import find_counter, join
    from mlchain.centralized.service.signing import Place
    from mlchain.centralized.web.worker import FederatedWorker, ServiceClient
    from mlchain.chain.accounts import load_account, load_unattended, signer_for
    from mlchain.chain.connection import Chain

    chain = Chain()
    address, _first = find_counter(chain, counter, deployments)
    worker = load_account(account) if chain.is_development else load_unattended(account)
    bring(data, label)
    client = ServiceClient(url, worker.address, signer_for(worker))
    if client.settings().place != Place(chain.chain_id, address):
        raise UserError(f"the server at {url} is for another chain or counter than {address} on {chain.network}")
    number, is_new = join(chain, worker, address)
    click.echo(f"{worker.address} {'has joined' if is_new else 'had joined before'} as number {number}")
    working = FederatedWorker(client, honest)
    working.run()
    click.echo(f"learning is finished: {working.delivered} updates delivered")

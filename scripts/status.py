"""Look at how a deployment stands, or at a worker's pay slip."""

import click

from mlchain.chain.command import Command
from mlchain.live.options import Place, place_options
from mlchain.live.rendering import as_json, as_lines, look
from mlchain.live.runner import open_deployment


@click.command(cls=Command, short_help="Look at how a deployment stands, or at a worker's pay slip")
@place_options
@click.option("--worker", help="Address, or one of `ape accounts list`: print its pay slip instead.")
@click.option("--evil", type=int, help="Print the odds of the open round's jobs if so many of its pool are evil.")
@click.option("--json", "is_json", is_flag=True, help="Print the same as JSON, money in wei.")
def cli(place: Place, worker: str | None, evil: int | None, is_json: bool) -> None:
    """Print pool, open round, jobs, model and money, as far as blocks are final; or what a worker got, and why."""
    found = look(*open_deployment(place), evil, worker)
    for line in [as_json(found)] if is_json else as_lines(found):
        click.echo(line)

"""Show how a deployment stands, or a worker's pay slip."""

import click

from mlchain.chain.command import Command
from mlchain.live.options import Place, place_options


@click.command(cls=Command, short_help="Show how a deployment stands, or a worker's pay slip")
@place_options
@click.option(
    "--worker", help="Print the pay slip of this worker, or watcher: an address or one of `ape accounts list`."
)
@click.option("--evil", type=int, help="Also print the odds of the open round's jobs if this many workers are evil.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON, with money in wei.")
def cli(place: Place, worker: str | None, evil: int | None, is_json: bool) -> None:
    """Print the pool, the open round and its jobs, the model, and the money; or what a worker was paid, and why.

    Everything is as of the last final block. No key is needed, and nothing is sent.
    """
    from mlchain.live.rendering import as_json, as_lines, inspect_deployment  # here: `ape run` imports every script
    from mlchain.live.runner import open_deployment

    found = inspect_deployment(*open_deployment(place), evil, worker)
    for line in [as_json(found)] if is_json else as_lines(found):
        click.echo(line)

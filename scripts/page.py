"""Serve a page that shows a deployment as it changes."""

import click

from mlchain.chain.command import Command
from mlchain.live.options import PAGE_PORT, PAUSE, Place, place_options

HOST = "127.0.0.1"


@click.command(cls=Command, short_help="Serve a page that shows a deployment as it changes")
@place_options
@click.option("--host", default=HOST, show_default=True, help="Name or address to be reached by.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PAGE_PORT, show_default=True, help="Port; 0 is any free one."
)
@click.option("--poll-interval", type=PAUSE, default="1s", show_default=True, help="Time between polls of the chain.")
@click.option("--explorer", help="Address of a block explorer to link to, such as https://sepolia.etherscan.io.")
def cli(place: Place, host: str, port: int, poll_interval: float, explorer: str | None) -> None:
    """Serve a page with the pool, the jobs as they go on, the model to try, the money, and the events.

    It only reads the final blocks. No key is needed, and nothing is sent.
    """
    from mlchain.page.program import show_deployment  # here: `ape run` imports every script

    show_deployment(place, host, port, poll_interval, explorer)

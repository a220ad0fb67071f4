"""Check everything that a deployment has done against the protocol."""

from pathlib import Path

import click

from mlchain.chain.command import Command
from mlchain.live.options import Place, place_options


@click.command(cls=Command, short_help="Check a deployment's whole history against the protocol")
@place_options
@click.option(
    "--start-from", type=click.Path(path_type=Path), help="The .npz file that the server began with, if it did."
)
@click.option("--retrain", is_flag=True, help="Also recompute every accepted result.")
def cli(place: Place, start_from: Path | None, retrain: bool) -> None:
    """Check every model, draw, vote, verdict and payment against the protocol, from the chain's logs alone.

    Names everything that is wrong, and exits with status 1 if anything is.
    """
    from mlchain.chain.log_store import kept_logs  # here: `ape run` imports every script
    from mlchain.console import show_reading
    from mlchain.live.audit_report import audit_deployment, audit_lines
    from mlchain.live.runner import open_deployment

    chain, deployment = open_deployment(place)
    kept = kept_logs(deployment)
    report, blocks = audit_deployment(chain, deployment, retrain, start_from, kept, show_reading)
    for line in audit_lines(report, blocks, retrain):
        click.echo(line)
    if report.findings:
        raise SystemExit(1)

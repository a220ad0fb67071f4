"""Work for the learning server of the contracts on a live network."""

from functools import lru_cache

import click

from mlchain.actors.attackers import BEHAVIOURS
from mlchain.actors.behaviours import HONEST
from mlchain.actors.worker import Worker
from mlchain.chain.command import Command
from mlchain.errors import require_known
from mlchain.live.programs import Live, program_options, run_program
from mlchain.protocol.calls import View
from mlchain.protocol.rounds import ETHER
from mlchain.tasks.catalogue import open_task


@click.command(cls=Command, short_help="Work for a learning server on a live network")
@program_options
@click.option("--leave", is_flag=True, help="Leave the pool, finish what is owed, and take everything home.")
@click.option("--gas-reserve", default=ETHER // 100, show_default=True, help="Wei kept for gas when joining.")
@click.option("--behaviour", default=HONEST.name, show_default=True, help=f"For tests: {', '.join(BEHAVIOURS)}.")
def cli(leave: bool, gas_reserve: int, behaviour: str, **choices: object) -> None:
    """Join the pool unless that is done, and answer whenever a seat is drawn, until stopped.

    Started again, on another machine if need be, it goes on where the chain stands.
    """
    require_known("behaviour", behaviour, BEHAVIOURS)

    def make(live: Live) -> Worker:
        worker = Worker(
            live.address, BEHAVIOURS[behaviour], lru_cache(open_task), gas_reserve, frozenset([live.address])
        )
        worker.is_leaving = leave
        return worker

    def is_done(worker: Worker, view: View) -> bool:
        account = view.ledger.account(worker.address)
        at_home = worker.address not in view.ledger.pool and not account.stake and not account.credit
        return leave and at_home

    run_program(make, is_done, **choices)

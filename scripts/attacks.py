"""Act out every attack and show what came of it."""

import click

from mlchain.chain.command import LocalCommand
from mlchain.errors import UserError


@click.command(cls=LocalCommand, short_help="Act out every attack and show what came of it")
@click.option("--seed", default=1, show_default=True, help="Seed of the first attack; the others count on from it.")
def cli(seed: int) -> None:
    """Act out every attack on a local chain, a line each; exit with status 0 only if all of them failed."""
    from mlchain.console import console, progress_bar  # here: `ape run` imports every script
    from mlchain.simulation.attacks import Result, all_attacks, result_of
    from mlchain.simulation.books import check_books
    from mlchain.simulation.simulator import Simulation, open_chain
    from mlchain.simulation.summary import summarize
    from mlchain.simulation.tables import attacks_table

    attacks = all_attacks(seed)
    chain = open_chain(seed)
    results: list[Result] = []
    with progress_bar(len(attacks), "attacks") as progress:
        for attack in attacks:
            progress(len(results), attack.name)
            run = Simulation(chain, attack.options, lambda _done, _what: None).play()
            check_books(chain, run)
            results.append(result_of(attack, run, summarize(chain, run, 0.0)))
    console().print(attacks_table(results))
    succeeded = [result.attack.name for result in results if not result.has_failed]
    if succeeded:
        raise UserError(f"these attacks succeeded: {', '.join(succeeded)}")
    click.echo(f"all {len(results)} attacks failed")

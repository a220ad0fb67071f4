"""What the commands of `scripts/` have in common: errors of one sentence, and a network for those that need one."""

from typing import NoReturn

import click
from ape.api import ProviderAPI
from ape.cli import ConnectedProviderCommand
from ape.exceptions import ApeException
from ape.logging import LogLevel, logger
from requests import RequestException
from web3.exceptions import Web3Exception

from mlchain.chain.prompt_node import promptly
from mlchain.chain.reverts import first_line
from mlchain.errors import UserError


class OfflineCommand(click.Command):
    """A command that ends with one sentence on stderr and status 1 when something is wrong."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, and turn what a person can put right into a sentence."""
        logger.set_level(LogLevel.ERROR)
        try:
            return super().invoke(ctx)
        except UserError as error:
            _fail(str(error))
        except ApeException as error:
            _fail(first_line(error))
        except (RequestException, Web3Exception) as error:
            _fail(f"the node does not answer as it should: {first_line(error)}")


class Command(OfflineCommand, ConnectedProviderCommand):
    """Such a command with `--network`, connected while it runs."""

    def invoke(self, ctx: click.Context) -> object:
        """Connect, and run the command."""
        chosen = ctx.params.get("network")
        if isinstance(chosen, ProviderAPI):
            ctx.params["network"] = promptly(chosen)
        return super().invoke(ctx)


def _fail(sentence: str) -> NoReturn:
    click.echo(f"error: {sentence}", err=True)
    raise SystemExit(1)

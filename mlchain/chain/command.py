"""What the commands of `scripts/` share: errors in one sentence, and a connected network where one is needed."""

import sys
from contextlib import suppress
from typing import Any, NoReturn

import click
from ape.api import ProviderAPI
from ape.cli import ConnectedProviderCommand
from ape.cli.options import NetworkOption
from ape.exceptions import ApeException
from ape.logging import LogLevel, logger
from requests import RequestException
from web3.exceptions import Web3Exception

from mlchain.chain.prompt_node import promptly
from mlchain.chain.reverts import first_line
from mlchain.console import drop_output, open_streams
from mlchain.errors import UserError


class OfflineCommand(click.Command):
    """A command that ends with one sentence on stderr when something is wrong: status 2 for its options, else 1."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the options; click alone would also print how the command is used."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            _fail(error.format_message().splitlines()[0].removesuffix(" Options:"), status=2)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, and print an error as one sentence instead of a stack trace."""
        logger.set_level(LogLevel.ERROR)
        open_streams()
        try:
            result = self._run(ctx)
            sys.stdout.flush()
            return result
        except UserError as error:
            _fail(str(error))
        except ApeException as error:
            _fail(first_line(error))
        except (RequestException, Web3Exception) as error:
            _fail(f"the node does not answer as it should: {first_line(error)}")
        except BrokenPipeError:  # whoever reads the output has had enough
            drop_output()
            raise SystemExit(1) from None
        except OSError as error:
            if error.filename is None:
                drop_output()
            _fail(f"{error.filename or 'the output cannot be written'}: {error.strerror}")

    def _run(self, ctx: click.Context) -> object:
        return super().invoke(ctx)


class Command(OfflineCommand, ConnectedProviderCommand):
    """Such a command with `--network`, connected while it runs; without it, to Ape's default network.

    With a value for the option that `offline_with` names it needs no chain.
    """

    def __init__(self, *args: Any, network: str = "auto", offline_with: str | None = None, **attributes: Any) -> None:
        super().__init__(*args, **attributes)  # type: ignore[no-untyped-call]  # Ape gives it no types
        self._offline_with = offline_with
        default = "that of ape-config.yaml" if network == "auto" else network
        said = f"Network to connect to, one of `ape networks list`.  [default: {default}]"
        self.params.append(NetworkOption(default=network, help=said))

    def invoke(self, ctx: click.Context) -> object:
        """Connect, and run the command."""
        chosen = ctx.params.get("network")
        if isinstance(chosen, ProviderAPI):
            ctx.params["network"] = promptly(chosen)
        return super().invoke(ctx)

    def _run(self, ctx: click.Context) -> object:
        if self._offline_with is None or ctx.params.get(self._offline_with) is None:
            return super()._run(ctx)
        for name in ("network", "provider_settings"):
            ctx.params.pop(name, None)
        return click.Command.invoke(self, ctx)


class LocalCommand(Command):
    """Such a command that needs a development chain: without `--network`, the embedded one."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, network="ethereum:local:test", **attributes)


def _fail(sentence: str, status: int = 1) -> NoReturn:
    with suppress(OSError):  # nowhere to say it
        click.echo(f"error: {sentence}", err=True)
    raise SystemExit(status)

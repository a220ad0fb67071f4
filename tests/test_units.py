"""Money and times: what a person writes is read exactly, and what is printed can be read back."""

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mlchain.protocol.rounds import ETHER
from mlchain.protocol.terms import MOST_SECONDS, MOST_WEI
from mlchain.units import Amount, Duration, duration, ether, seconds_of, wei_of


@given(st.integers(0, 2**100) | st.integers(0, 10**6).map(lambda number: number * 10**12))
def test_every_amount_that_is_printed_is_read_back_to_the_wei(wei):
    assert wei_of(ether(wei)) == wei


@given(st.integers(0, 2**40) | st.integers(0, 10**4).map(lambda number: number * 3600))
def test_every_time_that_is_printed_is_read_back_to_the_second(seconds):
    assert seconds_of(duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "wei"),
    [
        ("1 ether", ETHER),
        ("0.01 ether", ETHER // 100),
        (".5ETH", ETHER // 2),
        (" 5  gwei ", 5 * 10**9),
        ("0.000000000000000001 ether", 1),
        ("123456789.123456789123456789 ether", 123456789123456789123456789),
        ("1000", 1000),
        ("1_000 wei", 1000),
        ("0", 0),
    ],
)
def test_money_is_read_exactly(text, wei):
    assert wei_of(text) == wei


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ether",
        "-1",
        "1,5 ether",
        "0.5",
        "0.0000000000000000001 ether",
        "1 finney",
        "1e18",
        "nan",
        "inf",
        "1 2 wei",
        "١",
    ],
)
def test_what_is_no_whole_number_of_wei_is_no_amount(text):
    assert wei_of(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("10m", 600), ("24h", 86_400), ("90s", 90), ("7d", 604_800), ("600", 600), ("1.5h", 5_400)]
)
def test_times_are_read_in_their_units(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-10m", "10 weeks", "1h30m", "1e3", "nan", "soon"])
def test_what_is_no_time_is_not_taken_for_one(text):
    assert seconds_of(text) is None


@pytest.mark.parametrize(
    ("wei", "printed"),
    [
        (0, "0 ether"),
        (ETHER, "1 ether"),
        (ETHER // 100, "0.01 ether"),
        (1_500_000 * ETHER, "1500000 ether"),
        (5 * 10**9, "5 gwei"),
        (206_720, "206720 wei"),
        (ETHER // 1_000 + 1, "0.001000000000000001 ether"),
        (-ETHER // 2, "-0.5 ether"),
    ],
)
def test_money_is_printed_exactly_and_in_short(wei, printed):
    assert ether(wei) == printed


@pytest.mark.parametrize(
    ("seconds", "printed"), [(0, "0s"), (90, "90s"), (600, "10m"), (86_400, "24h"), (604_800, "7d"), (3_601, "3601s")]
)
def test_times_are_printed_in_the_largest_unit_that_fits(seconds, printed):
    assert duration(seconds) == printed


def run(kind, value):
    """Run a command whose only option is of a kind."""

    @click.command()
    @click.option("--it", type=kind, default=value, show_default=True)
    def command(it):
        click.echo(repr(it))

    return CliRunner(mix_stderr=False).invoke(command, ["--it", value])


def test_an_option_gives_wei_and_seconds():
    assert run(Amount(), "0.01 ether").stdout == f"{10**16}\n"
    assert run(Amount(), str(MOST_WEI)).stdout == f"{MOST_WEI}\n"
    assert run(Duration(), "10m").stdout == "600\n"
    assert run(Duration(is_whole=False), "0.5").stdout == "0.5\n"


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (Amount(), "-1", "'-1' is not an amount: write 1 ether, 0.01 ether, 5 gwei or plain wei"),
        (Amount(), "0.5", "'0.5' is not an amount: write 1 ether, 0.01 ether, 5 gwei or plain wei"),
        (Amount(), str(MOST_WEI + 1), "is more than the contracts can hold"),
        (Amount(), "9" * 80 + " ether", "is more than the contracts can hold"),
        (Amount(), "9" * 5_000, "is not an amount"),
        (Duration(), "0.5", "'0.5' is not a time: write 90s, 10m, 24h, 7d or plain seconds"),
        (Duration(), "-1m", "'-1m' is not a time: write 90s, 10m, 24h, 7d or plain seconds"),
        (Duration(), f"{MOST_SECONDS + 1}", f"'{MOST_SECONDS + 1}' is more than {MOST_SECONDS} seconds"),
        (Duration(is_whole=False), "nan", "'nan' is not a time"),
    ],
)
def test_what_an_option_cannot_take_is_refused_with_the_forms_that_it_takes(kind, value, sentence):
    done = run(kind, value)

    assert done.exit_code == 2
    assert sentence in done.stderr

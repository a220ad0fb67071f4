"""The default run: ends with the golden model, adds up, and can be shown."""

import io
import json
import re
import struct
from dataclasses import replace

import pytest
from rich.console import Console

from mlchain.data import digits
from mlchain.errors import UserError
from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import Settlement, Verdict
from mlchain.simulation.books import Loss, check_books
from mlchain.simulation.plots import save_plots
from mlchain.simulation.summary import summarize
from mlchain.simulation.tables import print_summary
from tests.simulation.runs import jobs_of, retrained, simulation

KEYS = (
    "mode network chain_id task model workers evil behaviours seed rounds accuracy warning model_hash wrong_accepted "
    "honest_slashed honest_unpaid odds bytes wei pay gas seconds"
)
ROUND_KEYS = "round seed version content_hash accuracy jobs"
JOB_KEYS = "address outcome decided_by accepted_hash honest_hash matches seats"
PAY_KEYS = "address behaviour earned slashed gas_paid bounties bonds net"
GAS_KEYS = "count min median max"


@pytest.fixture(scope="module")
def run():
    with simulation() as run:
        yield run


def test_off_the_chain_the_same_model_comes_out_of_the_seeds_of_the_rounds(run):
    assert run.summary.model_hash == retrained(run)


def test_no_other_deployment_has_a_result_in_common_with_it(run):
    with simulation() as other:
        results = [{job.honest_hash for job in jobs_of(each)} for each in (run, other)]

    assert [len(each) for each in results] == [5, 5]
    assert results[0].isdisjoint(results[1])


def test_it_is_within_a_point_of_logistic_regression(run):
    from sklearn.linear_model import LogisticRegression

    data = digits.load()
    rival = LogisticRegression(max_iter=5_000).fit(data.train_samples, data.train_labels)

    assert abs(run.summary.accuracy - rival.score(data.test_samples, data.test_labels)) <= 0.01


def test_everybody_is_right_and_paid(run):
    summary = run.summary

    assert (summary.wrong_accepted, summary.honest_slashed, summary.honest_unpaid) == (0, 0, 0)
    assert all(job.decided_by == "unanimity" and job.matches == job.seats == 10 for job in jobs_of(run))
    assert run.played.refused == []
    for pay in summary.pay:
        assert pay.earned >= 5 * 10**16
        assert pay.slashed == 0
        assert pay.net == pay.earned - pay.gas_paid


def test_every_wei_comes_out_again(run):
    assert run.summary.wei["held"] == 0
    assert run.summary.wei["paid_in"] == run.summary.wei["paid_out"] > 0


def test_a_worker_sends_one_transaction_per_job_and_one_of_them_shows_it(run):
    gas = run.summary.gas

    assert gas["Job.commit"]["count"] == 50
    assert gas["Job.propose"]["count"] == gas["Job.publish"]["count"] == gas["Job.settle"]["count"] == 5
    assert not any("Referee" in kind or "rule" in kind for kind in gas)


# The books


def test_the_books_balance(run):
    check_books(run.chain, run.played)


def test_a_fee_that_nobody_paid_is_noticed(run, monkeypatch):
    for actor in (run.played.server, *run.played.workers):
        with monkeypatch.context() as patch:
            patch.setitem(run.played.fees, actor.address, run.played.fees[actor.address] + 1)
            with pytest.raises(UserError, match="the books do not balance"):
                check_books(run.chain, run.played)


def test_a_settlement_that_is_a_wei_off_is_noticed(run, monkeypatch):
    job = run.played.view.ledger.rounds[2].jobs[0]
    for change in (-1, 1):
        paid = job.settlements[3]
        with monkeypatch.context() as patch:
            patch.setitem(job.settlements, 3, Settlement(paid.verdict, paid.amount + change))
            with pytest.raises(UserError, match="the books do not balance"):
                check_books(run.chain, run.played)


@pytest.mark.parametrize("field", ["paid_in", "paid_out", "escrow"])
def test_a_ledger_that_is_a_wei_off_is_noticed(run, monkeypatch, field):
    monkeypatch.setattr(run.played.view.ledger, field, getattr(run.played.view.ledger, field) + 1)

    with pytest.raises(UserError, match="the books do not balance"):
        check_books(run.chain, run.played)


class OneWeiMore:
    """A chain on which somebody has one wei more."""

    def __init__(self, chain, address):
        self._chain, self._address = chain, address

    def balance_of(self, address):
        return self.balances_of([address])[address]

    def balances_of(self, addresses):
        balances = self._chain.balances_of(addresses)
        return {address: balance + (address == self._address) for address, balance in balances.items()}


def test_a_balance_that_is_a_wei_off_is_noticed(run):
    played = run.played
    for address in (
        played.deployment.addresses["WorkerRegistry"],
        played.server.address,
        played.workers[4].address,
    ):
        with pytest.raises(UserError, match="the books do not balance"):
            check_books(OneWeiMore(run.chain, address), played)


def test_an_honest_seat_that_is_slashed_or_released_is_counted(run, monkeypatch):
    settlements = run.played.view.ledger.rounds[1].jobs[0].settlements
    counted = {}
    for verdict in Verdict:
        with monkeypatch.context() as patch:
            patch.setitem(settlements, 2, Settlement(verdict, 0))
            summary = summarize(run.chain, run.played, 0.0)
        counted[verdict] = (summary.honest_slashed, summary.honest_unpaid)

    assert counted == {
        Verdict.REWARDED: (0, 0),
        Verdict.RELEASED: (0, 1),
        Verdict.SLASHED: (1, 1),
        Verdict.ABSENT: (1, 1),
    }


# What is shown


def test_the_summary_file_has_exactly_its_keys(run, tmp_path):
    run.summary.save(tmp_path)

    saved = json.loads((tmp_path / "summary.json").read_text())

    assert " ".join(saved) == KEYS
    assert [current["round"] for current in saved["rounds"]] == [1, 2, 3, 4, 5]
    for current in saved["rounds"]:
        assert " ".join(current) == ROUND_KEYS
        assert [" ".join(job) for job in current["jobs"]] == [JOB_KEYS]
    assert [" ".join(pay) for pay in saved["pay"]] == [PAY_KEYS] * 10
    assert {" ".join(figures) for figures in saved["gas"].values()} == {GAS_KEYS}
    assert saved["mode"] == "contracts"
    assert saved["bytes"] == {
        "weights_sent": 6 * run.played.task.model_size,
        "updates_received": 5 * run.played.task.result_size,
    }
    assert set(saved["wei"]) == {"paid_in", "paid_out", "held", "burnt", "fees"}
    assert saved["wei"]["fees"] == sum(run.played.fees.values()) > sum(pay["gas_paid"] for pay in saved["pay"]) > 0
    assert saved["behaviours"] == {"honest": 10}


def test_the_summary_says_what_the_chain_holds(run):
    summary, versions = run.summary, run.played.view.ledger.versions

    assert [current.content_hash for current in summary.rounds] == [
        "0x" + content_hash(version.data()).hex() for version in versions[1:]
    ]
    assert [current.version for current in summary.rounds] == [2, 3, 4, 5, 6]
    assert summary.rounds[-1].content_hash == summary.model_hash
    assert all(job.accepted_hash == job.honest_hash for job in jobs_of(run))


def test_plots_are_pictures_of_a_sensible_size(run, tmp_path):
    paths = save_plots(run.played, run.summary, tmp_path)

    assert [path.name for path in paths] == ["accuracy.png", "pay.png", "gas.png"]
    for path in paths:
        content = path.read_bytes()
        width, height = struct.unpack(">II", content[16:24])
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert (width, height) == (960, 540)
        assert 5_000 < len(content) < 500_000


def test_tables_show_every_round_every_worker_and_the_verdict(run):
    console = Console(file=io.StringIO(), width=140)

    print_summary(console, run.summary)

    printed = console.file.getvalue()
    assert "Why workers lost money" not in printed
    for pay in run.summary.pay:
        assert pay.address in printed
    for wanted in (
        "Rounds",
        "Pay in ether",
        "Gas",
        run.summary.model_hash,
        f"{100 * run.summary.accuracy:.2f} %",
        "held 0 ether",
    ):
        assert wanted in printed


def test_the_pay_of_a_crowd_is_summed_up_by_behaviour_and_the_file_has_everybody(run, tmp_path):
    lost = replace(
        run.summary.pay[0], behaviour="wrong", losses=(Loss(1, 0, 10**18, "it lied"), Loss(2, 0, 1, "it lied"))
    )
    crowd = replace(run.summary, pay=[*run.summary.pay * 2, lost], behaviours={"honest": 20, "wrong": 1})
    console = Console(file=io.StringIO(), width=140)

    print_summary(console, crowd)
    crowd.save(tmp_path)

    printed = console.file.getvalue()
    assert not [pay.address for pay in crowd.pay if pay.address in printed]
    earned = 2 * sum(pay.earned for pay in run.summary.pay)
    assert re.search(rf"honest +│ +20 │ +{earned / 10**18:.6f} ", printed)
    assert re.search(r"wrong +│ +-1\.000000 │ it lied +│ +2 ", printed)
    assert len(json.loads((tmp_path / "summary.json").read_text())["pay"]) == 21


def test_tables_of_a_task_without_accuracy_print_too(run):
    console = Console(file=io.StringIO(), width=140)
    rounds = [replace(current, accuracy=None) for current in run.summary.rounds]

    print_summary(console, replace(run.summary, accuracy=None, rounds=rounds))

    assert "test accuracy - after 5 rounds" in console.file.getvalue()

"""What the contracts themselves say at the end, held against what the events come to."""

from dataclasses import dataclass
from math import isqrt

from mlchain.audit.findings import Check
from mlchain.audit.state import AuditState
from mlchain.protocol.events import Value
from mlchain.protocol.rounds import Job, Round
from mlchain.protocol.tally import JobTally


@dataclass(frozen=True, slots=True)
class JobBook:
    """What a job says of itself: the words of `IJob.Progress`, and its terms as in `terms_of`."""

    progress: tuple[int, ...]
    terms: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class GameBook:
    """What the game about claims says of itself: balance and what it owes, by owner, in wei; claims and challenges."""

    balance: int
    claims: int
    challenges: int
    credits: dict[str, int]


@dataclass(frozen=True, slots=True)
class Books:
    """What the contracts say after the last event: the registry's balance, what is burnt, counts, accounts, the jobs.

    `accounts` are (stake, credit, position plus one, leave block) by owner, as in `IWorkerRegistry.Account`.
    """

    balance: int
    burnt: int
    members: int
    rounds: int
    versions: int
    accounts: dict[str, tuple[int, int, int, int]]
    jobs: dict[str, JobBook]
    game: GameBook | None = None


def terms_of(current: Round, job: Job) -> tuple[Value, ...]:
    """Return the terms of a job in the order of `Terms`, the struct of `JobTerms.sol`."""
    terms = current.terms
    radix = isqrt(current.pool_size - 1) + 1 if current.pool_size else 0
    draw = (current.number, job.index, current.snapshot_block, current.pool_size, radix, terms.seats, terms.quorum)
    windows = (current.commit_deadline, terms.publish_window, terms.referee_window, terms.challenge_window)
    return (current.seed, job.task_hash, *draw, terms.result_size, *windows, terms.reward, terms.bonus)


def check_books(state: AuditState, books: Books, block: int) -> None:
    """Check that the registry has what it owes, and that no event is left out or tells something else."""
    ledger = state.ledger

    def expect(holds: bool, subject: str, problem: str) -> None:
        state.report.expect(holds, Check.BOOKS, block, subject, problem)

    def expect_equal(subject: str, told: object, held: object) -> None:
        expect(told == held, subject, f"the events come to {told}, the contracts to {held}")

    kept, through = ledger.owed + ledger.burnt, ledger.paid_in - ledger.paid_out
    said = f"it owes {ledger.owed} wei and has burnt {ledger.burnt} wei"
    expect(kept <= books.balance, "registry", f"{said}, and has {books.balance} wei")
    expect(kept == through, "registry", f"{said}, of {through} wei paid in and not out")
    expect_equal("wei burnt", ledger.burnt, books.burnt)
    expect_equal("number of members", len(ledger.pool.members), books.members)
    expect_equal("number of rounds", len(ledger.rounds), books.rounds)
    expect_equal("number of versions", len(ledger.versions), books.versions)
    if books.game:
        _check_game(state, books.game, block)
    places = {member: position + 1 for position, member in enumerate(ledger.pool.members)}
    for owner, held in books.accounts.items():
        account = ledger.account(owner)
        told = (account.stake, account.credit, places.get(owner, 0), account.left_at or 0)
        expect_equal(f"stake, credit, position and leave block of {owner}", told, held)
    for current in ledger.rounds:
        for job in current.jobs:
            book, place = books.jobs.get(job.address), f"round {current.number} job {job.index}"
            if book is None:
                expect(False, place, f"there is no such job at {job.address}")
                continue
            words = JobTally.of(job).words
            names = "commitments, candidates, chunks of a result with a quorum, and ruling"
            expect_equal(f"{place}, {names}", list(words.values()), [book.progress[word] for word in words])
            expect(terms_of(current, job) == book.terms, place, "its terms are not those that it was announced with")


def _check_game(state: AuditState, game: GameBook, block: int) -> None:
    """Check that the game has the bonds that it owes, or will, and that no event of it is left out."""
    bonds, report, bond = state.bonds, state.report, state.rules.bond
    holds = f"it holds {bonds.held * bond} wei of bonds, and has {game.balance} wei"
    report.expect(bonds.held * bond <= game.balance, Check.BOOKS, block, "disputes", holds)
    told, held = (len(bonds.claimants), len(bonds.challengers)), (game.claims, game.challenges)
    problem = f"the events come to {told}, the contracts to {held}"
    report.expect(told == held, Check.BOOKS, block, "number of claims and of challenges", problem)
    for owner, credit in game.credits.items():
        owed = bonds.owed[owner] * bond
        problem = f"the events come to {owed} wei, the contracts to {credit} wei"
        report.expect(owed == credit, Check.BOOKS, block, f"bonds owed to {owner}", problem)

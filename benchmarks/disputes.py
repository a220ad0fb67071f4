"""What a whole dispute costs: every move on a chain, from the claim to the proof of an entry of every kind."""

from collections.abc import Callable
from random import Random

from ape import accounts, chain, project

from benchmarks.contracts import embedded_chain
from benchmarks.referee import PRICED, prover, thousands
from benchmarks.report import Section, table, wrapped
from mlchain.actors.disputant import answer, nodes_below, shown
from mlchain.actors.refuter import Refuter
from mlchain.live.event_lines import counted
from mlchain.protocol.disputes import Challenge, Claim, clock_of, levels_above
from mlchain.protocol.game_events import GameTurn
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job
from mlchain.protocol.terms import RoundTerms
from mlchain.referee.layout import Kind
from mlchain.referee.prover import Prover
from mlchain.simulation.options import Options
from mlchain.simulation.simulator import Simulation

DISPUTED = (*PRICED, "mnist lenet")  # whose tree is the deepest of all default recipes
BOND = 10**17  # wei
JOBS = (1, 10)  # of the round that a version is made of
CLOCK = 3600  # seconds of either side


def measure() -> Section:
    """Play a dispute about an entry of every kind of tensor, with recipes from the smallest to the largest."""
    found = {name: _disputes(name) for name in DISPUTED}
    kinds = [kind for kind in Kind if any(kind in gas for _, gas, _ in found.values())]
    rows = [[kind.name.lower(), *(thousands(gas.get(kind)) for _, gas, _ in found.values())] for kind in kinds]
    rows.append(["*a lie, left at the entry*", *(thousands(refuted) for _, _, refuted in found.values())])
    rows.append(["*moves*", *(str(moves) for moves, _, _ in found.values())])
    said = """Gas of all moves of both sides in a challenge of a right claim that comes down to one entry of a kind of
        tensor, the claim's transaction included, in thousands: an entry in the middle of training, or at its end. Of a
        wrong claim nothing follows, so it ends a move earlier, when its clock has run out. The prototype of another
        layout took 760 to 900 thousand where a lie was refuted, and 790 to 2,120 where a claim was upheld, in 11
        moves."""
    dearest = max(max(gas.values()) for _, gas, _ in found.values())
    most = max(moves for moves, _, _ in found.values())
    refuted = {name: [_refutation(name, jobs) for jobs in JOBS] for name in PRICED}
    shown_ = [[name, *(f"{thousands(gas)} in {sent}" for sent, gas in cells)] for name, cells in refuted.items()]
    about = """Gas of refuting a version of the model by one weight, in thousands, and in how many transactions: of a
        second round, whose results are changes in the bits of the default recipe, by the number of its jobs."""
    figures = {
        "dearest": thousands(dearest),
        "moves": str(most),
        "refuted": thousands(max(gas for cells in refuted.values() for _, gas in cells)),
    }
    text = f"{wrapped(said)}\n\n{table(['', *DISPUTED], rows)}\n\n{wrapped(about)}\n\n"
    return Section("A whole dispute", text + table(["", *(counted(jobs, "job") for jobs in JOBS)], shown_), figures)


def _refutation(name: str, jobs: int) -> tuple[int, int]:
    """Return how many transactions refute a version with one wrong weight, made of so many results, and their gas."""
    task, model = name.split()
    options = Options(workers=jobs, jobs=jobs, committee=1, rounds=2, task=task, model=model, referee="contract")
    with embedded_chain(1) as chain_:
        simulation = Simulation(chain_, options, lambda _done, _what: None)
        server = simulation.run.server
        right = server._next_model

        def forged(ledger: Ledger) -> bytes:
            data = right(ledger)
            return data if len(ledger.rounds) < options.rounds else data[:-1] + bytes([data[-1] ^ 1])

        server._next_model = forged  # type: ignore[method-assign]
        view = simulation.play().view
        calls = Refuter(simulation.run.deployment.addresses["JobFactory"]).act(view).calls
        gas = [chain_.send(accounts.test_accounts[0], call).gas for call in calls]
        if chain_.view().ledger.refuted is None:
            raise AssertionError("a wrong version was not refuted")
    return len(gas), sum(gas)


def _disputes(name: str) -> tuple[int, dict[Kind, int], int]:
    """Return the moves of a dispute, the gas of one about each kind of tensor, and of one that a liar gives up."""
    proof, random = prover(name), Random(3)
    layout, gas, moves = proof.trace.layout, dict[Kind, int](), 0
    with embedded_chain(1):
        table_ = Table(proof)
        for step in (layout.last_step // 2, layout.last_step):
            for tensor in layout.at_step(step):
                leaf = random.randrange(tensor.leaves)
                used = table_.play(layout.position(step, tensor, leaf), tensor.span(leaf)[2] - 1)
                gas[tensor.kind] = max(gas.get(tensor.kind, 0), sum(used))
                moves = len(used)
        return moves, gas, table_.give_up()


class Table:
    """A claim of a right trace, and challenges of it, all by one account."""

    def __init__(self, proof: Prover) -> None:
        self._proof, self._player = proof, accounts.test_accounts[0]
        judge = self._player.deploy(project.TrainingJudge)
        self._game = self._player.deploy(project.Disputes, judge, BOND)
        self._stage = self._player.deploy(project.CountingJudge)  # what is disputed states what it is asked for
        start = chain.pending_timestamp + 600
        self._stage.setTimes(start, start + 5 * CLOCK, sender=self._player)
        nodes = nodes_below(proof, 0, 0)
        statement = (self._stage, proof.description.statement, proof.described(), proof.root, nodes)
        self._claimed = self._send(self._game.claim, *statement, value=BOND)
        terms = RoundTerms(1, 1, 1, 1, 1, 0, 1, CLOCK, CLOCK, 5 * CLOCK, CLOCK)
        self._job = Job(str(self._stage.address), 0, bytes(32), terms, start, (str(self._player),))
        self._claim = Claim(0, self._job, proof.description.statement, str(self._player), proof.root, tuple(nodes), 0)

    def _send(self, method: Callable[..., object], *arguments: object, value: int = 0) -> int:
        receipt = method(*arguments, value=value, sender=self._player)
        return int(receipt.gas_used)  # type: ignore[attr-defined]

    def play(self, position: int, entry: int | None) -> list[int]:
        """Return the gas of every move of a dispute about an entry, or of one that ends when its leaf is shown."""
        number, depth = self._game.counts()[1], self._proof.depth
        levels = levels_above(self._claim.nodes)
        first = position >> (depth - levels)
        used = [self._claimed, self._send(self._game.challenge, 0, *shown(self._claim.nodes, first), value=BOND)]
        left = clock_of(self._job)
        game = Challenge(number, self._claim, str(self._player), first, self._claim.nodes, 0, levels, left, left)
        while game.depth < depth:
            used.append(self._answer(game))
            nodes = tuple(nodes_below(self._proof, game.depth, game.position))
            game.depth += levels_above(nodes)
            game.position = position >> (depth - game.depth)
            used.append(self._send(self._game.pick, number, *shown(nodes, game.position % len(nodes))))
        used.append(self._answer(game))
        game.leaf, game.entry = self._proof.leaf(position), entry
        if entry is not None:
            used.append(self._send(self._game.pickEntry, number, entry))
            used.append(self._answer(game))
        return used

    def _answer(self, game: Challenge) -> int:
        game.turn = GameTurn.CLAIM
        call = answer(game, self._proof)
        return self._send(getattr(self._game, call.method), *call.arguments)

    def give_up(self) -> int:
        """Return the gas of a dispute that ends because the claim does not answer for the entry picked."""
        layout, number = self._proof.trace.layout, self._game.counts()[1]
        tensor = layout.at_step(1)[0]
        used = self.play(layout.position(1, tensor, 0), None)
        used.append(self._send(self._game.pickEntry, number, 0))
        chain.mine(deltatime=CLOCK + 1)
        return sum(used) + self._send(self._game.finish, number)

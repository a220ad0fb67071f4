"""Random histories of the protocol: every step is taken by the contracts and by the reference model of them."""

from contextlib import ExitStack
from dataclasses import replace
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mlchain.protocol.content import CHUNK_SIZE, MAX_CHUNKS, chunk_count, chunk_hashes, content_hash
from mlchain.protocol.terms import RoundTerms
from tests.contracts import guarantees
from tests.contracts.answers import Answer, Damage, Fake, chunk_of, commitment_of, result_of
from tests.contracts.chain_control import rollback
from tests.contracts.guarantees import GroundTruth, Referee
from tests.contracts.multicalls import PURSE
from tests.contracts.protocol_steps import MAX_ROUND_DURATION, MIN_WINDOW, MODEL, NUMBERS, STAKE
from tests.contracts.side_by_side import Call, Deployment, SideBySide
from tests.reference.chain import Refused
from tests.reference.jobs import NOTHING, Job
from tests.reference.registry import MAX_SNAPSHOT_AGE
from tests.reference.tables import Phase

SERVER = 0
RANDOM = st.randoms(use_true_random=True)  # Hypothesis' own choices lean to the simplest case, where nobody does much
COMMITMENTS = [Answer.RIGHT] * 7 + [Answer.LIE] * 7 + [Answer.OWN_LIE] * 2 + list(Fake)
SHOWING = (Phase.PROPOSE, Phase.REFEREE)
ILLEGAL = [
    {"model_version": 2},
    {"jobs": 0},
    {"jobs": 65},
    {"seats": 0},
    {"seats": 257, "quorum": 200},
    {"seats": 4, "quorum": 2},
    {"seats": 3, "quorum": 4},
    {"reward": 0},
    {"result_size": 0},
    {"result_size": CHUNK_SIZE * MAX_CHUNKS + 1},
    {"commit_window": MIN_WINDOW - 1},
    {"publish_window": MIN_WINDOW - 1},
    {"referee_window": MIN_WINDOW - 1},
    {"commit_window": MAX_ROUND_DURATION - 2 * MIN_WINDOW + 1},
    {"challenge_window": MAX_ROUND_DURATION},
    {"jobs": 9},
]


class ProtocolMachine(RuleBasedStateMachine):
    """Workers come and go, rounds are played in all ways, anybody tries anything; choices follow from the model."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__()
        self._undo = ExitStack()
        self._undo.enter_context(rollback())
        self.pair = SideBySide(deployment)
        self.model = self.pair.model
        self.registry = self.model.registry
        self.workers = range(1, len(self.pair.actors))
        self.truth = GroundTruth()

    # Who and where

    @property
    def round(self) -> list[Job]:
        """The jobs of the latest round."""
        return self.model.rounds[-1] if self.model.rounds else []

    def jobs_in(self, *phases: Phase) -> list[Job]:
        """Return the jobs of the latest round that are in one of these phases."""
        return [job for job in self.round if job.phase() in phases]

    def holder(self, job: Job, seat: int) -> int:
        """Return the actor that holds a seat."""
        return self.pair.actors.index(job.holders[seat])

    def act(self, actor: int, to: str, method: str, *arguments: object, value: int = 0) -> None:
        """Let an actor call a contract."""
        answer = self.pair.do(Call(actor, to, method, arguments, value))
        events = [] if isinstance(answer, Refused) else answer
        for job in self.round:
            guarantees.check_g7(job, self.truth, events)

    # Beginning and end

    @initialize(random=RANDOM)
    def begin(self, random):
        """Publish a model; some join, of whom some are honest. One worker is not admitted."""
        workers = self.workers[:-1]
        self.truth.honest = set(random.sample(self.pair.actors[1:], random.choice([0, 2, 4, 5, 6, 9])))
        self.truth.referee = random.choice(list(Referee))
        self.act(SERVER, "ModelRegistry", "announce", 0, content_hash(MODEL), len(MODEL))
        self.act(SERVER, "ModelRegistry", "publish", 1, 0, chunk_hashes(MODEL), MODEL)
        for worker in workers:
            self.act(SERVER, "WorkerRegistry", "setAdmission", self.pair.actors[worker], True)
        for worker in random.sample(workers, random.choice([1, 4, 6, 7, 8, 8])):
            self.act(worker, "WorkerRegistry", "join", value=STAKE)
        self.pass_time(self.pair.now + 1)

    def teardown(self):
        """G6: without server and referee all money comes home, by nobody's leave; then forget everything."""
        with self._undo:
            if self.pair.agree:
                self.drain()

    def drain(self) -> None:
        """Let time pass, a stranger settle, everybody leave and take home what is theirs."""
        self.truth.left_alone = {job.address for job in self.jobs_in(Phase.COMMIT, *SHOWING)}
        while self.jobs_in(Phase.COMMIT, *SHOWING):
            self.pass_time(
                max(job.commit_end + job.terms.publish_window + job.terms.referee_window for job in self.round)
            )
        for job in self.round:
            if len(job.settled) < job.terms.seats:
                self.act(self.workers[-1], job.address, "settle", list(range(job.terms.seats)))
        self.every_guarantee_holds()
        for member in list(self.registry.members):
            self.act(self.pair.actors.index(member), "WorkerRegistry", "leave")
        self.pair.go_to(self.pair.now + 1, MAX_SNAPSHOT_AGE)
        self.pair.look_at_everything()
        for actor, address in enumerate(self.pair.actors):
            if self.registry.credits[address]:
                self.act(actor, "WorkerRegistry", "withdraw")
            if self.registry.stakes[address]:
                self.act(actor, "WorkerRegistry", "withdrawStake")
        self.pair.go_to(self.pair.now + 1)
        held, burnt = self.pair.balances(), self.registry.burnt
        assert held.pop(self.pair.deployment.addresses["WorkerRegistry"]) == burnt
        assert set(held.values()) == {0}
        assert self.pair.purses() == PURSE - burnt

    # Time

    def pass_time(self, timestamp: int, blocks: int = 0) -> None:
        """End the block and begin another; before a deadline passes, who is honest does its duty."""
        while ends := [job.commit_end for job in self.jobs_in(Phase.COMMIT) if job.commit_end < timestamp + blocks]:
            self.do_duties(min(ends))
            if self.pair.now < min(ends):
                self.pair.go_to(min(ends))
        self.do_duties(timestamp + blocks)
        self.pair.go_to(timestamp, blocks)

    def wait_for_block(self, block: int) -> None:
        """Let blocks pass until it is this one's turn; beginning a block takes one on the embedded chain."""
        self.pass_time(self.pair.now + 1, max(0, block - self.pair.block - 2))

    def do_duties(self, until: int) -> None:
        """Let honest seats commit, propose and publish, and an honest referee rule, what is due before a time."""
        for job in self.jobs_in(Phase.COMMIT):
            if until >= job.commit_end:
                for seat in self.honest_seats(job):
                    if seat not in job.commitments:
                        self.commit(job, seat, Answer.RIGHT)
        for job in self.jobs_in(*SHOWING):
            publish_end = job.commit_end + job.terms.publish_window
            if until >= publish_end and job.phase() is Phase.PROPOSE:
                for seat in self.honest_seats(job)[:1]:
                    self.show(job, Answer.RIGHT, seat)
            rules = self.truth.referee is Referee.HONEST and job.address not in self.truth.left_alone
            if rules and until >= publish_end + job.terms.referee_window and job.phase() in SHOWING:
                self.rule_rightly(job)

    def honest_seats(self, job: Job) -> list[int]:
        """Return the seats of a job whose holders are honest."""
        return [seat for seat, holder in enumerate(job.holders) if holder in self.truth.honest]

    # What seats do

    def commit(self, job: Job, seat: int, what: Answer | Fake, actor: int | None = None) -> None:
        """Let the holder of a seat, or another actor, commit for it; an honest holder to the right result only."""
        if job.holders[seat % job.terms.seats] in self.truth.honest:
            what = Answer.RIGHT
        before = len(job.commitments)
        caller = self.holder(job, seat) if actor is None else actor
        self.act(caller, job.address, "commit", seat, commitment_of(job, seat, what))
        if len(job.commitments) > before:
            self.truth.committed[job.address, seat] = what

    def show(self, job: Job, answer: Answer, seat: int) -> None:
        """Let the holder of a seat propose what it has committed to, and publish all that is missing of it."""
        result = result_of(job, answer, seat)
        if content_hash(result) not in job.candidates and job.phase() is Phase.PROPOSE:
            self.act(self.holder(job, seat), job.address, "propose", seat, content_hash(result))
        for index in self.missing(job, result):
            if job.phase() in SHOWING:
                self.act(self.holder(job, seat), job.address, "publish", seat, *chunk_of(result, index))

    def missing(self, job: Job, result: bytes) -> list[int]:
        """Return which chunks of a candidate are not published."""
        candidate = job.candidates.get(content_hash(result))
        return [index for index in range(chunk_count(len(result))) if candidate and index not in candidate.publishers]

    def rule_rightly(self, job: Job) -> None:
        """Let the referee show what is missing of the right result, and rule for it."""
        result = result_of(job, Answer.RIGHT, 0)
        if content_hash(result) not in job.candidates:
            self.act(SERVER, job.address, "proposeAny", content_hash(result))
        for index in self.missing(job, result):
            self.act(SERVER, job.address, "publishUnpaid", *chunk_of(result, index))
        self.act(SERVER, job.address, "rule", content_hash(result))

    # Steps

    @rule(random=RANDOM)
    def take_a_step(self, random):
        """Let somebody do something that is possible now or is not, or time pass."""
        moves = self.moves()
        random.choices(list(moves), list(moves.values()))[0](random)
        if self.pair.is_full:
            self.pass_time(self.pair.now + 1)

    def moves(self) -> dict:
        """Return what can be done, and how likely it is to be."""
        committing, showing, decided = self.jobs_in(Phase.COMMIT), self.shows(), self.jobs_in(Phase.DECIDED)
        unsettled = [job for job in decided if len(job.settled) < job.terms.seats]
        return {
            self.schedule: 0.3 if self.registry.unsettled else 1,
            self.deploy: 0 if self.registry.unsettled else 8,
            self.deploy_wrongly: 1,
            self.commit_what_is_left: 6 if any(not job.commitments for job in committing) else 1 if committing else 0,
            self.show_an_answer: 6 if showing else 0,
            self.let_the_referee_act: 2 if self.jobs_in(*SHOWING) else 0.3 if decided else 0,
            self.settle: 5 if unsettled else 0.3 if decided else 0,
            self.come_or_go: 2,
            self.wait: 2 if committing else 4,
            self.wait_for_a_stake: (1.5 if self.registry.unsettled else 0.4) if self.locked_stakes() else 0,
            self.try_anything: 5 if self.round else 0,
        }

    def schedule(self, random: Random) -> None:
        """Let the server, or seldom somebody else, schedule the next round, also where that is of no use."""
        self.act(random.choice([SERVER] * 9 + [1]), "JobFactory", "scheduleRound")

    def deploy(self, random: Random) -> None:
        """Deploy the next round, nearly always a legal one, and schedule it first unless that is done."""
        scheduled = self.model.scheduled
        if scheduled is not None and scheduled < self.registry.last_settlement:
            self.wait_for_block(scheduled + MAX_SNAPSHOT_AGE + 1)
            scheduled = None
        if scheduled is None:
            self.act(SERVER, "JobFactory", "scheduleRound")
        if random.random() < 0.15:
            self.wait_for_block(self.model.scheduled + MAX_SNAPSHOT_AGE + random.randint(0, 1))
        elif random.random() < 0.9:
            self.pass_time(self.pair.now + 1)
        pool = max(1, len(self.registry.pool_at(self.model.scheduled)))
        seats = max(random.randint(1, min(5, pool)) for _ in range(2))
        terms = RoundTerms(
            model_version=1,
            jobs=random.randint(1, min(3, pool // seats)),
            seats=seats,
            quorum=random.choice([seats // 2 + 1, seats // 2 + 1, seats]),
            reward=random.randint(1, 1_000),
            bonus=random.randint(0, 1_000),
            result_size=random.choice([40, 40, 41, CHUNK_SIZE + 40]),
            commit_window=random.choice([MIN_WINDOW, 300]),
            publish_window=random.choice([MIN_WINDOW, 300]),
            referee_window=random.choice([MIN_WINDOW, 300]),
            challenge_window=random.choice([0, 1, MIN_WINDOW]),
        )
        self.deploy_round(random, terms, SERVER, 0)

    def deploy_wrongly(self, random: Random) -> None:
        """Try a round with a wrong term, at a wrong time or by somebody else."""
        terms = RoundTerms(1, 1, 1, 1, 1, 0, 40, *[MIN_WINDOW] * 3, 0)
        caller, surplus = random.choice([(SERVER, 0)] * 4 + [(SERVER, 1), (1, 0)])
        self.deploy_round(random, replace(terms, **random.choice([{}, *ILLEGAL])), caller, surplus)

    def deploy_round(self, random: Random, terms: RoundTerms, caller: int, surplus: int) -> None:
        """Let somebody deploy a round, and pay some wei too much."""
        value = terms.jobs * (terms.seats * terms.reward + terms.bonus) + surplus
        right = NUMBERS.number_of(len(self.model.rounds) + 1)
        number = random.choice([right] * 19 + [random.randbytes(32)])
        self.act(caller, "JobFactory", "deployRound", terms, number, b"task", value=value)

    def commit_what_is_left(self, random: Random) -> None:
        """Let all seats of a job that have not committed do so, or not."""
        job = random.choice(self.jobs_in(Phase.COMMIT))
        silent = random.choice([0, 0.3])
        for seat in range(job.terms.seats):
            if seat not in job.commitments and random.random() >= silent:
                self.commit(job, seat, random.choice(COMMITMENTS))

    def show_an_answer(self, random: Random) -> None:
        """Let a seat show what it has committed to."""
        self.show(*random.choice(self.shows()))

    def shows(self) -> list[tuple[Job, Answer, int]]:
        """Return who could show what."""
        return [
            (job, answer, seat)
            for job in self.jobs_in(*SHOWING)
            for seat in job.commitments
            if isinstance(answer := self.truth.committed[job.address, seat], Answer)
        ]

    def let_the_referee_act(self, random: Random) -> None:
        """Let the referee do what is in its nature."""
        job = random.choice(self.jobs_in(*SHOWING) or self.round)
        if self.truth.referee is Referee.ERRATIC:
            self.rule_somehow(random, job)
        elif (self.truth.referee, job.phase() in SHOWING) in ((Referee.HONEST, True), (Referee.LATE, False)):
            self.rule_rightly(job)

    def rule_somehow(self, random: Random, job: Job) -> None:
        """Let the referee call the task broken, or propose any result, publish of it what is missing, or accept it."""
        result = result_of(job, random.choice(list(Answer)), random.randint(0, 1))
        missing = self.missing(job, result)
        if random.random() < 0.2:
            self.act(SERVER, job.address, "ruleVoid")
        elif content_hash(result) not in job.candidates:
            self.act(SERVER, job.address, "proposeAny", content_hash(result))
        elif missing:
            self.act(SERVER, job.address, "publishUnpaid", *chunk_of(result, random.choice(missing)))
        else:
            self.act(SERVER, job.address, "rule", content_hash(result))

    def settle(self, random: Random) -> None:
        """Let anybody settle some seats of a decided job, settled before or not, also twice."""
        job = random.choice(self.jobs_in(Phase.DECIDED))
        seats = list(range(job.terms.seats))
        self.act(
            random.choice(self.workers),
            job.address,
            "settle",
            random.choice([seats, random.sample(seats, random.randint(0, len(seats))), random.choices(seats, k=3)]),
        )

    def come_or_go(self, random: Random) -> None:
        """Let a worker do something with its stake or credit, or the server admit one or no longer."""
        worker = random.choice(self.workers)
        address = self.pair.actors[worker]
        missing = STAKE - self.registry.stakes[address]
        away = address not in self.registry.members
        method = random.choice(["join" if away else "leave"] * 4 + ["join", "leave", "withdraw", "withdrawStake", ""])
        if method == "join":
            self.act(worker, "WorkerRegistry", "join", value=random.choice([missing] * 5 + [missing + 1, 0]))
        elif method:
            self.act(worker, "WorkerRegistry", method)
        else:
            caller, admitted = random.choice([(SERVER, True), (SERVER, True), (SERVER, False), (worker, True)])
            self.act(caller, "WorkerRegistry", "setAdmission", address, admitted)

    def wait(self, random: Random) -> None:
        """Let time pass, to a deadline, a second before or a second after, seldom past many."""
        times = {self.pair.now + 1}
        for job in self.jobs_in(Phase.COMMIT, *SHOWING):
            publish_end = job.commit_end + job.terms.publish_window
            challenge_end = job.commit_end + job.terms.challenge_window
            for end in (job.commit_end, challenge_end, publish_end, publish_end + job.terms.referee_window):
                times |= {time for time in (end - 1, end, end + 1) if time > self.pair.now}
        self.pass_time(random.choice(sorted(times)[:5]))

    def wait_for_a_stake(self, random: Random) -> None:
        """Let blocks pass until a stake is free, or all but one of them, and let its owner ask for it."""
        address = random.choice(self.locked_stakes())
        self.wait_for_block(self.registry.left_at[address] + MAX_SNAPSHOT_AGE + random.randint(0, 1))
        self.act(self.pair.actors.index(address), "WorkerRegistry", "withdrawStake")

    def locked_stakes(self) -> list[str]:
        """Return whose stake is here although they have left; if they did so in an open round, only theirs."""
        registry = self.registry
        locked = {worker: block for worker, block in registry.left_at.items() if registry.stakes[worker]}
        late = [worker for worker, block in locked.items() if registry.unsettled and block > registry.snapshot_block]
        return late or list(locked)

    def try_anything(self, random: Random) -> None:
        """Let anybody call anything of a job, at any time."""
        job = random.choice(self.round * 3 + list(self.model.jobs.values()))
        seat = random.choice([*range(job.terms.seats)] * 4 + [job.terms.seats])
        anybody = range(len(self.pair.actors)) if self.truth.referee is Referee.ERRATIC else self.workers
        actor = random.choice(anybody)
        if seat < job.terms.seats and random.random() < 0.7:
            actor = self.holder(job, seat)
        if random.random() < 0.3:
            self.commit(job, seat, random.choice([*Answer, *Fake]), actor)
        else:
            method, arguments = random.choice(self.calls(random, job, seat))
            self.act(actor, job.address, method, *arguments)

    def calls(self, random: Random, job: Job, seat: int) -> list[tuple[str, tuple]]:
        """Return calls to a job with random arguments, often about what the seat has committed to."""
        committed = self.truth.committed.get((job.address, seat))
        answer = committed if isinstance(committed, Answer) else random.choice(list(Answer))
        result = result_of(job, random.choice([answer, answer, *Answer]), seat)
        index = random.randrange(chunk_count(len(result)))
        chunk = chunk_of(result, index, random.choice([Damage.NONE] * 4 + list(Damage)))
        shown = random.choice([content_hash(result)] * 5 + [NOTHING])
        return [
            ("propose", (seat, shown)),
            ("propose", (seat, shown)),
            ("publish", (seat, *chunk)),
            ("publish", (seat, *chunk)),
            ("settle", ([seat, 0],)),
            ("proposeAny", (shown,)),
            ("publishUnpaid", chunk),
            ("rule", (shown,)),
            ("ruleVoid", ()),
        ]

    # What holds after every step

    @invariant()
    def every_guarantee_holds(self):
        """G1 to G5 and G8, of the model, which the contracts are held against; G7 with every call."""
        guarantees.check_g1(self.model)
        guarantees.check_the_server_gains_nothing(self.model)
        guarantees.check_g8(self.model)
        for job in self.round:
            guarantees.check_g2_g3_and_g4(job, self.truth)
            guarantees.check_g5(job, self.truth)

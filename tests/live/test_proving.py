"""What a stranger's recipe can do to a program that has to work a trace of it out: cost it a line."""

import threading
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from mlchain.actors.disputant import TRIES, Disputant
from mlchain.live import proving_child
from mlchain.live.proving import Provers
from mlchain.live.training import Interrupted, Limits, Trainers, memory_of_trace
from mlchain.protocol.calls import Turn
from mlchain.protocol.rounds import Job
from mlchain.protocol.terms import RoundTerms
from mlchain.referee.prover import Prover
from mlchain.tasks.catalogue import default_recipe, open_task, recipe_of
from mlchain.tasks.plans import Plan
from mlchain.tasks.task import CannotTrain
from tests.actors.scenes import Scene, act, methods
from tests.live.test_training import GIB, SEED, round_of

DIGITS = default_recipe("digits", "softmax")
SHORT = replace(DIGITS, local_steps=2)
ENDLESS = replace(DIGITS, local_steps=65535)
# Whose edge makes 518 x 518 pixels of 8 x 8, of 20 channels: a step of its trace has gigabytes.
WIDE = recipe_of(
    Plan(("conv 20 1x1 pad=255", "conv 1 1x1 stride=255", "dense 10"), 1, 64, 0.01),
    "digits",
    DIGITS.fingerprint,
    DIGITS.inputs,
)


def job_of(index=0, clock=60):
    terms = RoundTerms(1, 1, 1, 1, 0, 0, 1, 600, 600, 5 * clock, 600)
    return Job(f"0x{index}", index, bytes(32), terms, 1_000, ("0x1",))


def proof_of(provers, recipe, job, result=bytes(1340), number=1):
    model = open_task(recipe.to_bytes()).initial_model()
    ledger = SimpleNamespace(inputs_of=lambda _round, job: (model, SEED, job.index, None, 1))
    current = SimpleNamespace(task=recipe.to_bytes(), number=number)
    return provers.proof_of(SimpleNamespace(ledger=ledger), current, job, result)


@pytest.fixture
def provers():
    provers = Provers(Trainers(Limits(GIB), threading.Event(), has_game=True))
    yield provers
    provers.close()


def test_in_a_process_of_its_own_a_trace_is_the_same_for_every_question(provers):
    task = open_task(SHORT.to_bytes())
    right = task.train(task.initial_model(), SEED, 3)
    lie = bytes([right[0] ^ 1]) + right[1:]
    own = Prover(task, task.initial_model(), SEED, 3, None, 1, lie)
    place, entry = own.place_of(0)

    proof = proof_of(provers, SHORT, job_of(3), lie)

    assert (proof.result, proof.root, proof.depth, proof.described()) == (lie, own.root, own.depth, own.described())
    assert (proof.place_of(0), proof.leaf(place)) == ((place, entry), own.leaf(place))
    assert proof.node(own.depth, place) == own.node(own.depth, place)
    assert proof.first_difference(place, b"x" * 10**6) == own.first_difference(place, b"x" * 10**6)
    assert proof.first_difference(place, own.leaf(place)) is None
    inputs = own.trace.layout.position(1, own.trace.layout.at_step(1)[0], 0)
    assert proof.evidence(inputs, 0) == own.evidence(inputs, 0)


def test_a_recipe_whose_trace_takes_too_much_memory_is_declined_before_anything_is_worked_out():
    limits = Limits(memory_of_trace(DIGITS.to_bytes()) - 1)

    with pytest.raises(CannotTrain, match=r"^round 3 may need .* of memory, and .* are allowed \(--max-memory\)$"):
        Trainers(limits, threading.Event(), has_game=True).open(round_of(DIGITS))
    Trainers(limits, threading.Event()).open(round_of(DIGITS))


def test_a_trace_that_takes_more_memory_than_is_allowed_ends_in_a_sentence(provers):
    provers._trainers = Trainers(Limits(400 * 2**20), threading.Event(), has_game=True)

    with pytest.raises(
        CannotTrain, match=r"^its trace cannot be worked out here: it takes more memory than it is given"
    ):
        proof_of(provers, WIDE, job_of()).node(0, 0)


def test_a_trace_that_takes_longer_than_its_game_is_ended(provers):
    with pytest.raises(CannotTrain, match=r"^its trace cannot be worked out here: it takes longer than it may$"):
        proof_of(provers, ENDLESS, job_of(clock=2)).node(0, 0)

    assert provers._child is None


def test_being_told_to_stop_ends_it(provers):
    threading.Timer(2, provers._trainers.stop.set).start()

    with pytest.raises(Interrupted):
        proof_of(provers, ENDLESS, job_of(clock=600)).node(0, 0)

    assert provers._child is None


def test_a_process_that_was_killed_is_started_again_and_one_serves_all_jobs_of_a_round(provers):
    first, second = (proof_of(provers, SHORT, job_of(index)) for index in range(2))
    assert first.root != second.root
    child, (at, _) = provers._child, first.place_of(0)
    child.kill()

    with pytest.raises(CannotTrain, match=r"^its trace cannot be worked out here: status -9$"):
        first.leaf(at)
    assert first.leaf(at) == second.leaf(at) != b""
    other = provers._child
    assert other is not child
    assert proof_of(provers, SHORT, job_of(), number=2).root == first.root
    assert provers._child is not other, "a new round begins anew"


@dataclass
class Greedy:
    """A prover that has no memory until it, or another, is made anew."""

    name: str
    is_new: bool = False

    def __post_init__(self):
        self.is_new, self.has_room = True, self.is_new

    def leaf(self, position):
        if not self.has_room:
            raise MemoryError
        return self.name, position


def test_where_memory_is_short_the_traces_of_other_jobs_are_dropped():
    provers = proving_child.Provers()
    provers._provers = {0: Greedy("first"), 1: Greedy("second")}

    assert provers.answer("leaf", 1, 7) == ("second", 7)

    assert provers._provers[0].has_room, "it was made anew, too"


def test_what_cannot_be_worked_out_is_told_and_not_tried_for_ever():
    job, tried = job_of(), []

    def fail(*_given):
        tried.append(1)
        raise CannotTrain("its trace cannot be worked out here")

    ledger = SimpleNamespace(round_of=lambda _job: SimpleNamespace(jobs=[job]))
    disputant, view = Disputant("0x1", 10**17, fail), SimpleNamespace(now=job.commit_end, ledger=ledger)
    turns = [disputant.act(view, job, b"result", True, 0.0, lambda: Turn([])) for _ in range(5)]

    assert len(tried) == TRIES
    said = [turn.notice for turn in turns if turn.notice]
    assert said == ["job 0 is not disputed: its trace cannot be worked out here"] * TRIES

    scene = Scene()
    scene.commit_all(scene.right(), scene.wrong(), None)
    scene.propose(1, scene.wrong())
    worker = scene.holder(0)
    worker._disputant = Disputant(worker.address, 10**17, fail)
    turn = act(scene, worker)
    assert (methods(turn), turn.notice) == (["propose"], said[0]), "it shows its result all the same"

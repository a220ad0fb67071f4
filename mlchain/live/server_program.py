"""The learning server of a live network: made from its options, and when it is done."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mlchain.actors.plan import Plan, require_stopping
from mlchain.actors.server import LearningServer
from mlchain.actors.watcher import Watcher
from mlchain.chain.deployment import Parameters
from mlchain.data.store import require_address
from mlchain.errors import require
from mlchain.export.model_file import start_from
from mlchain.live.disputing import disputant_of
from mlchain.live.event_lines import counted
from mlchain.live.runner import Operator
from mlchain.live.training import unrefereeable
from mlchain.protocol.announcements import recipe_announcement
from mlchain.protocol.calls import Call, Turn, View
from mlchain.protocol.content import content_hash
from mlchain.protocol.disputes import CLOCKS
from mlchain.protocol.economics import AUDIT_RATE
from mlchain.protocol.terms import (
    MAX_JOBS,
    MAX_SEATS,
    Limit,
    broken_window_limits,
    is_quorum,
    least_majority,
)
from mlchain.tasks.catalogue import LearningTask, cost_of_recipe, open_task
from mlchain.tasks.choices import Subject, prepare
from mlchain.units import duration

Windows = tuple[int | None, int | None, int | None]  # to commit, publish and rule; None is the deployment's shortest


@dataclass(frozen=True, slots=True)
class Audits:
    """The share of undisputed jobs that are recomputed, and the seconds before such an answer stands.

    `challenge_window` None is the shortest window of the deployment.
    """

    rate: float = AUDIT_RATE
    challenge_window: int | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """What a deployment begins with: the address at which workers can fetch the data, and a model of one's own."""

    data_url: str | None = None
    start_from: Path | None = None


HOME = Home()


def server_maker(
    subject: Subject, plan: Plan, audits: Audits, windows: Windows, home: Home = HOME
) -> Callable[[Operator], LearningServer]:
    """Return a function that makes a learning server.

    `windows` take the place of the plan's; `home` says where data and model come from. Raises UserError for
    options that no deployment accepts.
    """
    require(0 <= audits.rate <= 1, f"the audit rate has to be from 0 to 1, not {audits.rate}")
    _check_sizes(plan)
    require_stopping(plan.until_accuracy, plan.early_stopping)
    lesson = prepare(subject)
    opened = open_task(lesson.recipe.to_bytes())
    if home.data_url:
        require_address(home.data_url)
    announced = (lesson.recipe.fingerprint, home.data_url) if home.data_url else None
    first = start_from(home.start_from, lesson.recipe) if home.start_from else None
    plan = replace(plan, first_jobs=lesson.plan.first_jobs)
    return partial(_make_server, opened, plan, audits, windows, announced, first)


def _check_sizes(plan: Plan) -> None:
    """Raise UserError for what no deployment accepts."""
    for what, number, most in [
        ("rounds", plan.rounds, 2**32 - 1),
        ("jobs", plan.jobs, MAX_JOBS),
        ("seats of a job", plan.committee, MAX_SEATS),
        ("equal answers for a quorum", plan.quorum, plan.committee or MAX_SEATS),
        ("workers to wait for", plan.min_pool, 2**32 - 1),
    ]:
        require(number is None or 1 <= number <= most, f"the {what} have to be from 1 to {most}, not {number}")
    require(plan.reward >= 1, "the reward has to be at least 1 wei")
    if plan.committee and plan.quorum:
        least = least_majority(plan.committee)
        is_enough = is_quorum(plan.quorum, plan.committee)
        require(is_enough, f"the quorum of {plan.committee} seats has to be at least {least}")


def _with_windows(plan: Plan, wanted: Windows, parameters: Parameters) -> Plan:
    """Return the plan with these windows; raises UserError for windows that the deployment does not allow."""
    least, most = parameters.min_window, parameters.max_round_duration
    # A game takes five of its clocks, each of which is a window.
    shortest_referee = CLOCKS * least if parameters.has_game else least
    defaults = (least, least, shortest_referee)
    commit, publish, referee = windows = [
        default if window is None else window for window, default in zip(wanted, defaults, strict=True)
    ]
    broken = broken_window_limits((commit, publish, referee), least, most)
    least_for_game = f"the referee window has to be at least {duration(shortest_referee)} for a contract to decide in"
    require(Limit.WINDOW in broken or referee >= shortest_referee, least_for_game)
    shortest, total = duration(min(windows)), duration(sum(windows))
    require(Limit.WINDOW not in broken, f"every window has to be at least {duration(least)} here, not {shortest}")
    require(Limit.DURATION not in broken, f"the windows may add up to {duration(most)} here, not to {total}")
    return replace(plan, commit_window=commit, publish_window=publish, referee_window=referee)


def _with_challenge(plan: Plan, audits: Audits, parameters: Parameters, recipe: bytes) -> Plan:
    """Return the plan with time to recompute jobs; raises UserError for too little, or more than a job has."""
    if not (audits.rate or parameters.has_game):
        return plan
    min_window = parameters.min_window
    window = min_window if audits.challenge_window is None else audits.challenge_window
    longest = plan.publish_window
    require(window <= longest, f"the challenge window, {duration(window)}, may be at most {duration(longest)}")
    # In the first half of it the workers show their answer, in the second the server recomputes the job and rules.
    seconds = cost_of_recipe(recipe).seconds
    enough = window >= 4 * seconds
    require(enough, f"a job may take the server {seconds}s: the challenge window has to be {4 * seconds}s or longer")
    return replace(plan, challenge_window=window)


class LiveServer(LearningServer):
    """A learning server that continues what a deployment learns, and nothing else.

    Before the first round it announces its recipe, so that nobody joins who cannot train it. Once all rounds are played
    it withdraws its credit.
    """

    def act(self, view: View) -> Turn:
        """Return what to do in `view`; raises UserError if another task is learned there."""
        ledger, task = view.ledger, self.task
        if ledger.rounds:
            is_own = ledger.rounds[-1].task == task.recipe
        else:
            is_own = not ledger.versions or ledger.versions[0].content_hash == content_hash(self.first_model())
        require(
            is_own,
            "this deployment learns another task: name its --task or --data and its --model, or deploy a new one",
        )
        self.is_leaving = self.is_leaving or self.is_done(ledger)
        turn, version = super().act(view), ledger.latest_version
        if not ledger.rounds and ledger.announced_recipe != self.task.recipe:
            announcement = Call("JobFactory", "announceData", recipe_announcement(self.task.recipe))
            return replace(turn, calls=[*turn.calls, announcement])
        if version is None or version.number == 1 or turn.notice:
            return turn
        results = ledger.unmerged_results(version.number)
        warning = task.warning(results) if results else None
        return replace(turn, notice=warning and f"round {len(ledger.rounds)}: {warning}")


def _make_server(
    task: LearningTask,
    plan: Plan,
    audits: Audits,
    windows: Windows,
    announced: tuple[bytes, str] | None,
    first_model: bytes | None,
    operator: Operator,
) -> LearningServer:
    server = operator.deployment.server
    require(operator.address == server, f"{operator.address} is not the learning server here: {server} is")
    parameters = operator.deployment.parameters
    least = parameters.min_seats
    require(plan.committee is None or plan.committee >= least, f"a job has at least {counted(least, 'seat')} here")
    plan = replace(_with_windows(plan, windows, parameters), min_seats=least)
    plan = _with_challenge(plan, audits, parameters, task.recipe)
    numbers, draw = operator.random_numbers(), operator.secret_share("audit")

    def number_of(round_number: int) -> bytes:
        last = numbers.length
        require(round_number <= last, f"all {last:,} random numbers of this deployment are used up: deploy a new one")
        return numbers.number_of(round_number)

    def audits_job(number: int, job: int) -> bool:
        return draw(number, job) < audits.rate

    watcher, disputant = None, disputant_of(operator)
    if disputant is not None:
        obstacle = unrefereeable(task.recipe)
        require(obstacle is None, f"the contract that referees here cannot decide about this: {obstacle}")
        watcher = Watcher(server, disputant, lambda _round: task, audits_job)
    return LiveServer(
        server, task, plan, number_of, audits_job, data_address=announced, first_model=first_model, watcher=watcher
    )


def server_is_done(server: LearningServer, view: View) -> bool:
    """Return whether all rounds are played and the server has withdrawn its credit and its bonds."""
    return server.is_leaving and not server.has_bonds(view) and not view.ledger.account(server.address).credit

"""Refutes versions of the model that are not what was accepted, before `contracts/referee/VersionReferee.sol`."""

from collections.abc import Iterator
from itertools import accumulate

from mlchain.protocol.calls import Call, Turn, View
from mlchain.protocol.content import content_hash, show_piece
from mlchain.protocol.ledger import Ledger, ModelVersion
from mlchain.protocol.rounds import VOID, Round
from mlchain.tasks.catalogue import open_recipe
from mlchain.training.layers import RecipeError
from mlchain.training.recipe import WIDE, Recipe

SHOWN_SIZE = 28_000  # bytes of a transaction; the rest is for the recipe, of 500 at most, and what surrounds it

Shown = tuple[bytes, list[bytes]]  # a piece of published bytes, and its path


class Refuter:
    """Decides from the ledger alone what refutes a version; `factory` is where its rounds are deployed."""

    def __init__(self, factory: str) -> None:
        self._factory = factory
        self._follow: set[tuple[int, bytes, bytes]] = set()  # versions whose weights are right, or cannot be told

    def act(self, view: View) -> Turn:
        """Return what refutes the first version that is wrong, if one is."""
        ledger, rounds_on = view.ledger, dict[int, list[Round]]()
        for current in ledger.rounds:
            rounds_on.setdefault(current.terms.model_version, []).append(current)
        for version in ledger.versions:
            if version.number == 1 or ledger.refuted:
                continue
            # One of which nothing can be told, because its bytes are kept back, hides none that is wrong.
            if calls := self._refutation(ledger, version, rounds_on.get(version.parent, [])):
                return Turn(calls, notice=f"version {version.number} is not what was accepted: refuting it")
        return Turn([])

    def _refutation(self, ledger: Ledger, version: ModelVersion, on_parent: list[Round]) -> list[Call]:
        """Return what refutes a version; nothing if it follows, or before that can be told.

        A round on its parent may be played when the version is there already, so each of them is looked at again.
        """
        if not 1 <= version.round <= len(ledger.rounds):
            return [self._call("refuteByCount", version)]
        if ledger.rounds.is_unknown(version.round - 1) or ledger.versions.is_unknown(version.parent - 1):
            return []
        made_in = ledger.rounds[version.round - 1]
        if made_in.terms.model_version != version.parent:
            return [self._call("refuteByJob", version, made_in.jobs[0].address, _task(ledger, made_in))]
        for current in on_parent:
            for job in current.jobs:
                if current is not made_in and job.accepted is not None:
                    return [self._call("refuteByJob", version, job.address, _task(ledger, current))]
        known = version.number, version.content_hash, made_in.seed
        if known in self._follow or not (version.is_complete and made_in.is_settled):
            return []
        calls = self._wrong_weight(ledger, version, made_in)
        if not calls:
            self._follow.add(known)
        return calls

    def _wrong_weight(self, ledger: Ledger, version: ModelVersion, made_in: Round) -> list[Call]:
        """Return what refutes a complete version by its bytes, nothing if they are right."""
        try:
            task, model = open_recipe(made_in.task), ledger.model_of(made_in)
        except RecipeError:  # that no contract reads either: nobody joins to train it
            return []
        if len(model) != task.model_size:
            return self.compare(ledger, version, 0)
        results = [result for result in made_in.accepted_results() if len(result) == task.result_size]
        actual, expected = version.data(), task.aggregate(model, results, ledger.parent_of(made_in))
        if results and actual == expected:
            return []
        at = next((at for at, pair in enumerate(zip(actual, expected, strict=False)) if pair[0] != pair[1]), 0)
        return self.compare(ledger, version, at // 2)

    def compare(self, ledger: Ledger, version: ModelVersion, weight: int) -> list[Call]:
        """Return what compares a weight of a version with what it has to be, which refutes the version if it differs.

        Its round is settled, and that, the version and those before it are known here.
        """
        made_in = ledger.rounds[version.round - 1]
        plan, parent = open_recipe(made_in.task).plan, ledger.parent_of(made_in)
        proof = [version.data(), ledger.model_of(made_in)]
        if parent is not None and plan.bits != WIDE:
            proof.append(parent)
        changes = list(_changes(made_in, plan, weight))
        last = (len(made_in.jobs), [show_piece(data, 2 * weight) for data in proof] if changes else [])
        where = (weight, made_in.jobs[0].address, _task(ledger, made_in))
        return [
            self._call("refuteByWeight", version, *where, first, shown) for first, shown in _batches([*changes, last])
        ]

    def _call(self, method: str, version: ModelVersion, *arguments: object) -> Call:
        return Call("VersionReferee", method, (self._factory, version.number, *arguments))


def _task(ledger: Ledger, current: Round) -> tuple[bytes, bytes, int]:
    """Return what a round trains, as its jobs' task hashes bind it."""
    parent = ledger.parent_of(current)
    return current.task, VOID if parent is None else content_hash(parent), current.terms.model_version


def _changes(made_in: Round, plan: Recipe, weight: int) -> Iterator[tuple[int, list[Shown]]]:
    """Return what shows by how much each accepted result changes a weight, by the number of its job."""
    ends = accumulate(stage.size for stage in plan.stages)
    layer = next(layer for layer, end in enumerate(ends) if weight < end)
    scales = [] if plan.bits == WIDE else [2 * layer]
    codes = 2 * len(plan.stages) * len(scales)
    for job in made_in.jobs:
        if job.accepted is not None and job.terms.result_size == plan.result_size:
            result = job.candidates[job.accepted].data()
            yield job.index, [show_piece(result, at) for at in (*scales, codes + weight * plan.bits // 8)]


def _batches(shown: list[tuple[int, list[Shown]]]) -> list[tuple[int, list[Shown]]]:
    """Return what each transaction shows, and the first job whose result is among it."""
    batches: list[tuple[int, list[Shown]]] = [(0, [])]
    for job, pieces in shown:
        if batches[-1][1] and _size(batches[-1][1] + pieces) > SHOWN_SIZE:
            batches.append((job, []))
        batches[-1][1].extend(pieces)
    return batches


def _size(shown: list[Shown]) -> int:
    """Return the bytes of what is shown, as a transaction has them."""
    return sum(32 * (5 + -(-len(data) // 32) + len(path)) for data, path in shown)

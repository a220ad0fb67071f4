"""What the page asks for besides: a worker, a job, a version, a model's bytes, a sample. All of it is read only."""

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeAlias, cast

from mlchain.data.dataset import Dataset
from mlchain.errors import UserError
from mlchain.export.model_file import trained_of
from mlchain.live.event_lines import decided_by, told_of
from mlchain.live.pay_slip import Cost, CostOf, pay_slip
from mlchain.live.status import recipes_of
from mlchain.page.amounts import Json, amount, hash_text
from mlchain.page.chronicle import Chronicle, transactions_of
from mlchain.page.games import dispute_shown, game_shown
from mlchain.page.jobs import job_shown
from mlchain.page.models import maker_of
from mlchain.page.showing import event_shown
from mlchain.protocol.calls import View
from mlchain.protocol.ledger import ModelVersion
from mlchain.protocol.rounds import phase
from mlchain.training.layers import InputKind, RecipeError
from mlchain.training.recipe import Recipe

Answer: TypeAlias = "Json | bytes"
AMOUNTS = ("earned", "lost", "bounties", "bonds_won", "bonds_held", "taken_home", "withdrawable", "stake")  # of a slip
ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


class Unanswerable(UserError):
    """There is no answer: nothing like that is there."""


class Answers:
    """Answers from one view after another; `cost_of` tells what a transaction cost, `dataset_of` finds what is here.

    `bond` is what a claim puts down, in wei, where a contract is the referee.
    """

    def __init__(
        self, chronicle: Chronicle, cost_of: CostOf, dataset_of: Callable[[bytes], Dataset | None], bond: int = 0
    ) -> None:
        self._chronicle = chronicle
        self._cost_of = cost_of
        self._dataset_of = dataset_of
        self._bond = bond

    def worker(self, view: View, address: str) -> Json:
        """Return a worker's pay slip, with every reason."""
        rounds = view.ledger.rounds
        jobs = [job.address for it in rounds for job in it.jobs if job.seat_of(address) is not None]
        jobs += [claim.job.address for claim in view.ledger.games.claims.values()]  # anybody may move there
        slip = pay_slip(view, self._chronicle.about(address, jobs), address, self._cost_of, self._bond)
        shown: dict[str, Json] = {name: amount(getattr(slip, name)) for name in AMOUNTS}
        held: list[Json] = [
            {
                **asdict(job),
                "address": rounds[job.round - 1].jobs[job.job].address,
                "amount": amount(job.amount),
                "cost": _cost(job.cost),
            }
            for job in slip.jobs
        ]
        texts: dict[str, Json] = {"worker": slip.worker, "stake_why": slip.stake_why, "note": slip.note}
        costs: dict[str, Json] = {name: _cost(getattr(slip, name)) for name in ("cost", "membership", "game")}
        return {**shown, **texts, **costs, "member": slip.is_member, "jobs": held}

    def job(self, view: View, address: str) -> Json:
        """Return a job and every transaction that something happened in it by."""
        ledger = view.ledger
        job = ledger.job_at(address)
        if job is None:
            raise Unanswerable(f"there is no job at {address}")
        logs, current = self._chronicle.of_job(address), ledger.round_of(job)
        named = f"round {current.number} job {job.index}: "  # which the heading says already
        return {
            "job": job_shown(current, job, view.now, dispute_shown(ledger, job, len(logs))),
            "game": game_shown(ledger.games, job, logs, self._bond),
            "open": phase(job, view.now).name.lower() != "decided",
            "transactions": [
                {
                    "transaction": hash_,
                    "block": its[0].block,
                    "time": its[0].timestamp,
                    "says": [told_of(log, ledger, "").removeprefix(named) for log in its],
                    **self._transaction(hash_),
                }
                for hash_, its in transactions_of(logs).items()
            ],
        }

    def version(self, view: View, number: str) -> Json:
        """Return which jobs made a version of the model, and what publishing it cost."""
        version = _version(view, number)
        maker = maker_of(view.ledger, version)
        hashes = transactions_of(self._chronicle.of_version(version.number))
        found = [it[1] for it in map(self._cost_of, hashes) if it is not None]
        jobs: list[Json] = [
            {
                "job": job.index,
                "address": job.address,
                "decision": decided_by(job.decision[0], job) if job.decision else None,
                "accepted": None if job.accepted is None else hash_text(job.accepted),
            }
            for job in (maker.jobs if maker else [])
        ]
        gas, fee = sum(it.gas for it in found), sum(it.fee for it in found)
        cost = Cost(len(hashes), gas, fee, len(hashes) - len(found))
        return {"number": version.number, "jobs": jobs, "publication": _cost(cost)}

    def model(self, view: View, number: str) -> bytes:
        """Return the bytes of a version of the model."""
        version = _version(view, number)
        if not version.is_complete:
            raise Unanswerable(f"version {number} of the model is not complete yet")
        return version.data()

    def recipe(self, view: View, number: str) -> bytes:
        """Return the recipe that a version was, or will be, trained by."""
        recipe = recipes_of(view.ledger)(_version(view, number).number)
        if recipe is None:
            raise Unanswerable("no round has named a recipe yet")
        return recipe

    def task(self, view: View, number: str) -> Json:
        """Return what the samples and classes of a version are called; without the data set, numbers."""
        recipe = self._recipe(view, number)
        dataset = self._dataset_of(recipe.to_bytes())
        trained = trained_of(recipe, b"", 0, dataset)
        inputs = recipe.inputs
        is_image = inputs.kind == InputKind.UNSIGNED and min(inputs.height, inputs.width) > 1 and not trained.columns
        columns: dict[str, dict[str, Json]] = {}
        for it in trained.columns:
            column = columns.setdefault(it.name, {"name": it.name, "low": it.low, "high": it.high, "categories": []})
            if it.category is not None:
                column["categories"] = [*cast(list[Json], column["categories"]), it.category]
        return {
            "name": recipe.task,
            "classes": list[Json](trained.classes),
            "columns": list[Json](columns.values()),
            "image": is_image and inputs.channels in (1, 3),
            "text": inputs.kind == InputKind.TOKENS,
            "samples": len(dataset.test_labels) if dataset else 0,
        }

    def sample(self, view: View, number: str, place: str) -> Json:
        """Return a test sample and its label."""
        dataset = self._dataset_of(self._recipe(view, number).to_bytes())
        if dataset is None or int(place) >= len(dataset.test_labels):
            raise Unanswerable("there is no such sample here")
        return {
            "bytes": dataset.test_samples[int(place)].tolist(),
            "label": dataset.classes[int(dataset.test_labels[int(place)])],
        }

    def encoded(self, view: View, number: str, *cells: str) -> Json:
        """Return the bytes of a row of cells, or of a text, as the data set's own rules make them."""
        recipe = self._recipe(view, number)
        dataset = self._dataset_of(recipe.to_bytes())
        model = bytes(recipe.model_size)
        classifier = trained_of(recipe, model, 0, dataset).classifier()
        try:
            sample = classifier.encode([list(cells) if classifier.feature_names_in_ else cells[0]])
        except (ValueError, IndexError, ArithmeticError) as error:
            raise Unanswerable(str(error)) from None
        return list[Json](sample[0].tolist())

    def events(self, view: View, worker: str, job: str, kind: str) -> Json:
        """Return the last hundred events of a worker, a job or a kind, each empty for all."""
        found = self._chronicle.recent(worker or None, job or None, kind or None)
        return [[number, event_shown(log, view.ledger, self._chronicle.job_of(log))] for number, log in found]

    def _recipe(self, view: View, number: str) -> Recipe:
        try:
            return Recipe.from_bytes(self.recipe(view, number))
        except RecipeError as error:
            raise Unanswerable(f"the recipe cannot be read: {error}") from None

    def _transaction(self, hash_: str) -> dict[str, Json]:
        sender, receipt = self._cost_of(hash_) or (None, None)
        return {
            "sender": sender,
            "gas": receipt.gas if receipt else None,
            "fee": amount(receipt.fee) if receipt else None,
        }


def _version(view: View, number: str) -> ModelVersion:
    versions = view.ledger.versions
    if not 1 <= int(number) <= len(versions):
        raise Unanswerable(f"there is no version {number} of the model")
    return versions[int(number) - 1]


def _cost(cost: Cost) -> Json:
    return {"transactions": cost.transactions, "gas": cost.gas, "fee": amount(cost.fee), "unknown": cost.unknown}

"""Who has computed a job, and can show of any number of its trace what it follows from."""

from dataclasses import dataclass
from functools import cached_property

from mlchain.protocol.content import content_hash
from mlchain.referee.evidence import DataTree, TraceReader, derive, entries_of
from mlchain.referee.reading import Statement
from mlchain.referee.statements import Description, encode_evidence
from mlchain.referee.steps import Job
from mlchain.referee.trace import Trace
from mlchain.tasks.task import DatasetTask
from mlchain.training import jobs


@dataclass(frozen=True, eq=False)
class Prover:
    """A job of a task: the trace is worked out when it is first asked for."""

    task: DatasetTask
    model: bytes
    parent: bytes | None  # of the model's size, and published whole when the job was deployed
    version: int  # number of the model's version
    seed: bytes  # of the round
    index: int  # of the job
    result: bytes  # that is published, right or wrong

    @cached_property
    def job(self) -> Job:
        """Return what the result follows from."""
        plan, data = self.task.plan, self.task.dataset
        key = jobs.job_key(plan, self.seed, self.index)
        return Job(plan, self.model, self.parent, self.version, key, data.train_samples, data.train_labels)

    @cached_property
    def trace(self) -> Trace:
        """Return the trace, whose last step has the bytes of `result`."""
        return Trace(self.job, self.result)

    @cached_property
    def description(self) -> Description:
        """Return what the contracts are told of the job and its result."""
        recipe, model = self.task.plan.to_bytes(), content_hash(self.model)
        parent = bytes(32) if self.parent is None else content_hash(self.parent)
        return Description(recipe, model, parent, self.version, self.seed, self.index, content_hash(self.result))

    def said(self, position: int) -> list[int]:
        """Return the entries of a leaf, none where there is none."""
        found = self.trace.layout.find(position)
        return entries_of(self.trace.leaf(position), found[1]) if found else []

    def prove(self, position: int, entry: int) -> tuple[int | None, bytes]:
        """Return what an entry of a leaf has to be, and the evidence; None for a byte that is published as another."""
        value, shown = derive(self._statement, self._reader, position, entry)
        return value, encode_evidence(shown)

    @cached_property
    def _statement(self) -> Statement:
        layers = self.task.plan.layers_for(self.version)
        return Statement(self.trace.layout, layers, self.job.key, self.parent is not None)

    @cached_property
    def _reader(self) -> TraceReader:
        return TraceReader(self.trace, self.job, DataTree(self.task.dataset), self.result)

"""Who has computed a job, and can show of any number of its trace what it follows from."""

from dataclasses import dataclass
from functools import cached_property

from mlchain.protocol.content import content_hash
from mlchain.referee.evidence import DataTree, TraceReader, derive, entries_of
from mlchain.referee.layout import Kind
from mlchain.referee.reading import Statement
from mlchain.referee.statements import Description, encode_evidence
from mlchain.referee.steps import Job
from mlchain.referee.trace import Trace
from mlchain.tasks.task import DatasetTask
from mlchain.training import jobs


@dataclass(frozen=True, eq=False)
class Prover:
    """A job of a task, by its inputs as `Ledger.inputs_of` tells them: the trace is worked out when first asked for."""

    task: DatasetTask
    model: bytes
    seed: bytes  # of the round
    index: int  # of the job
    parent: bytes | None  # of the model's size, and published whole when the job was deployed
    version: int  # number of the model's version
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
        trace, _ = Trace(self.job, self.result), self._samples  # for which the first proof would have to wait
        return trace

    @cached_property
    def description(self) -> Description:
        """Return what the contracts are told of the job and its result."""
        recipe, model = self.task.plan.to_bytes(), content_hash(self.model)
        parent = bytes(32) if self.parent is None else content_hash(self.parent)
        return Description(recipe, model, parent, self.version, self.seed, self.index, content_hash(self.result))

    def described(self) -> bytes:
        """Return what the result follows from, as the judge reads it."""
        return self.description.to_bytes()

    @property
    def root(self) -> bytes:
        """Return the root of the trace."""
        return self.trace.root

    @property
    def depth(self) -> int:
        """Return the depth of the trace's tree."""
        return self.trace.layout.depth

    def node(self, depth: int, index: int) -> bytes:
        """Return a node of the trace's tree."""
        return self.trace.node(depth, index)

    def leaf(self, position: int) -> bytes:
        """Return the bytes of a leaf, none where there is none."""
        return self.trace.leaf(position)

    def place_of(self, at: int) -> tuple[int, int]:
        """Return the position of the leaf that has byte `at` of the result, and the number of its entry there."""
        layout = self.trace.layout
        tensor = next(it for it in layout.at_step(layout.last_step) if it.kind is Kind.RESULT)
        leaf = tensor.leaf_of(0, at)
        _, first, _ = tensor.span(leaf)
        return layout.position(layout.last_step, tensor, leaf), at - first

    def first_difference(self, position: int, leaf: bytes) -> int | None:
        """Return the first entry in which a leaf differs from this trace's, None if none does."""
        found = self.trace.layout.find(position)
        if found is None:
            return 0 if leaf else None
        width, own = found[1].width, self.trace.leaf(position)
        for at in range(0, len(own), width):
            if own[at : at + width] != leaf[at : at + width]:
                return at // width
        return None if len(leaf) == len(own) else 0

    def evidence(self, position: int, entry: int) -> bytes:
        """Return what shows that an entry of a leaf follows; nothing for an entry that there is not."""
        return self.prove(position, entry)[1] if entry < len(self.said(position)) else encode_evidence([])

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
    def _samples(self) -> DataTree:
        return DataTree(self.task.dataset)

    @cached_property
    def _reader(self) -> TraceReader:
        return TraceReader(self.trace, self.job, self._samples, self.result)

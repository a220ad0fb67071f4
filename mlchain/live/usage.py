"""What a program uses."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Usage:
    """What a program has used since it began."""

    training_seconds: float = field(default=0.0, metadata={"help": "Seconds that jobs were trained for."})
    node_requests: int = field(default=0, metadata={"help": "Requests to the node."})
    node_bytes: int = field(default=0, metadata={"help": "Bytes of them and of the answers, without headers."})
    transactions: int = field(default=0, metadata={"help": "Own transactions in blocks, of settled rounds."})
    gas: int = field(default=0, metadata={"help": "Gas that they took."})
    fees_wei: int = field(default=0, metadata={"help": "What it cost."})

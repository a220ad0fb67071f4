"""The process that a job is trained in: a request on stdin, the result on stdout, and no more memory than it is given.

`python -m mlchain.live.training_child BYTES SECONDS` sets its own limits before it reads anything. Whatever goes wrong
is one line on stderr.
"""

import resource
import sys
from collections.abc import Callable

LENGTH = 4  # bytes before every field of a request


def encode(*fields: bytes) -> bytes:
    """Return the fields of a request as one string: each after its length."""
    return b"".join(len(field).to_bytes(LENGTH, "big") + field for field in fields)


def decode(request: bytes) -> list[bytes]:
    """Return the fields of a request."""
    fields, start = [], 0
    while start < len(request):
        size = int.from_bytes(request[start : start + LENGTH], "big")
        start += LENGTH + size
        fields.append(request[start - size : start])
    return fields


def answer(what: bytes, *fields: bytes) -> bytes:
    """Return what is asked for: the result of a job, or nothing where something only has to succeed.

    `open` is a recipe: can its task be opened here? `train` is a recipe and a job: a model, its round's seed, its index
    and the model's number in 8 bytes each and, where there is one, the model's parent. `fetch` is a data set's
    fingerprint, the address that it is to be fetched from, the most bytes that may have, and the seconds.
    """
    if what == b"fetch":
        from mlchain.data.store import fetch

        fingerprint, url, most, seconds = fields
        fetch(url.decode(), fingerprint, int.from_bytes(most, "big"), int.from_bytes(seconds, "big"))
        return b""
    # After the limits are set: numpy takes memory when it is imported.
    from mlchain.tasks.catalogue import open_task
    from mlchain.training.certified import require_exact_blas

    require_exact_blas()  # first of all: OpenBLAS tries for ever where others have taken the memory that it works in
    recipe, *job = fields
    task = open_task(recipe)
    if what == b"open":
        return b""
    model, seed, index, version, *parents = job
    parent = parents[0] if parents else None
    return task.train(model, seed, int.from_bytes(index, "big"), parent, int.from_bytes(version, "big"))


def run_limited(work: Callable[[], None], limits: dict[int, int]) -> int:
    """Work within limits, by kind of resource; return the status of the process."""
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))
    try:
        work()
    except MemoryError:
        print("it takes more memory than it is given", file=sys.stderr)
        return 1
    except Exception as error:  # whatever a recipe or a model of a stranger can cause
        print((str(error).splitlines() or [type(error).__name__])[0], file=sys.stderr)
        return 1
    return 0


def _answer_once() -> None:
    sys.stdout.buffer.write(answer(*decode(sys.stdin.buffer.read())))


if __name__ == "__main__":
    limits = {resource.RLIMIT_DATA: int(sys.argv[1]), resource.RLIMIT_CPU: int(sys.argv[2])}
    sys.exit(run_limited(_answer_once, limits))

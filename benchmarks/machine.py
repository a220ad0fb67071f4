"""What a measurement was made on: processor, cores, and versions of what computes."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("numpy", "scikit-learn", "eth-ape", "py-evm")
CPUINFO = Path("/proc/cpuinfo")  # of Linux; elsewhere the processor has the name that Python knows


def facts() -> str:
    """Return one line: processor and cores, system, versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{processor()}, {os.cpu_count()} cores, {platform.system()}; Python {platform.python_version()}, {versions}"


def processor(cpuinfo: Path = CPUINFO) -> str:
    """Return the processor's name, as exactly as it can be found out."""
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def told_of(pid: int, file: str) -> Iterator[str]:
    """Return what a file in /proc says of a process and of each that it started; nothing where Linux does not tell."""
    process = Path("/proc") / str(pid)
    try:
        said = (process / file).read_text()
        children = (process / "task" / str(pid) / "children").read_text().split()
    except OSError:  # it has ended, or this is no Linux
        return
    yield said
    for child in children:
        yield from told_of(int(child), file)

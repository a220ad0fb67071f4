"""Runs the commands that the documents show, and shows what they print now.

A session is a fenced block of the language `console`: a line `$ command`, then what the command prints.
"""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from benchmarks.report import ROOT

SESSION = re.compile(r"^```console\n\$ (.+)\n((?:(?!```).*\n)*)```$", re.MULTILINE)


def commands_of(text: str) -> dict[str, str]:
    """Return what a document says that each of its commands prints."""
    return dict(SESSION.findall(text))


def rerun(text: str) -> str:
    """Return a document with what its commands print now; raises RuntimeError where one fails."""
    return SESSION.sub(lambda session: f"```console\n$ {session[1]}\n{printed_by(session[1])}```", text)


@cache  # documents share some
def printed_by(command: str) -> str:
    """Return what a command of the shell prints in the project's environment, without spaces at the ends of lines."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    script = ["bash", "-o", "pipefail", "-c", command]
    done = subprocess.run(script, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"`{command}` ends with status {done.returncode}: {done.stderr.strip()}")
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def timeless(text: str) -> str:
    """Return a text without the seconds that something took, which no two runs agree on."""
    return re.sub(r"\d+\.\d+(?= seconds| of them learning)", "…", text)

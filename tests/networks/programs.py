"""The programs of a server and its workers, each a process of its own as a person would start it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
APE = Path(sys.executable).with_name("ape")


@dataclass
class Programs:
    """Processes by name; `folder` gets their logs, `accounts` is a folder of Ape's with a key file for each name."""

    folder: Path
    accounts: Path
    passphrase: str
    names: Sequence[str]
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def run(self, *command: object) -> str:
        """Let `ape run` do something to its end, and return what it says."""
        words = [str(word) for word in (APE, "run", *command)]
        done = subprocess.run(words, cwd=ROOT, env=self._environment(), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, name: str, *command: object) -> None:
        """Start somebody's program, or start it again."""
        with (self.folder / f"{name}.log").open("ab") as log:
            words = [str(word) for word in command]
            self.running[name] = subprocess.Popen(words, cwd=ROOT, env=self._environment(), stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """End somebody's program as a power cut would."""
        self.running[name].kill()
        self.running[name].wait()

    def kill_all(self) -> None:
        """End everybody's program."""
        for name in self.running:
            self.kill(name)

    def log(self, name: str) -> str:
        """Return what somebody's programs have said so far."""
        return (self.folder / f"{name}.log").read_text()

    def _environment(self) -> dict[str, str]:
        passphrases = {f"APE_ACCOUNTS_{name}_PASSPHRASE": self.passphrase for name in self.names}
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        return os.environ | passphrases | threads | {"APE_DATA_FOLDER": str(self.accounts)}

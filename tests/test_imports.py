"""What a command loads: nothing that only another one needs, since `ape run` imports every script to find them."""

import subprocess
import sys

import pytest

ROOT_OF_HEAVY = ("sklearn", "scipy", "matplotlib", "onnx", "pooch", "uvicorn", "starlette", "IPython")
ROOT_OF_HEAVY += ("pandas", "PIL", "sqlite3")
ONLY_FOR_OTHERS = (
    "mlchain.simulation.simulator",
    "mlchain.centralized.web",
    "mlchain.audit",
    "mlchain.export.confusion",
)
READY = """
import sys
from click.testing import CliRunner
from ape_run._cli import cli
assert CliRunner().invoke(cli, ["{command}", "--help"]).exit_code == 0
import {module}
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize(
    ("command", "module", "own"),
    [
        ("worker", "mlchain.live.worker_program", ()),
        ("server", "mlchain.live.server_program", ()),
        ("status", "mlchain.live.rendering", ()),
        ("audit", "mlchain.live.audit_report", ("mlchain.audit", "sqlite3")),
    ],
)
def test_a_command_loads_no_compiler_plots_or_other_commands(command, module, own):
    text = READY.format(command=command, module=module)
    loaded = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout.split()

    assert module in loaded
    unwanted = [name for name in (*ROOT_OF_HEAVY, *ONLY_FOR_OTHERS) if name not in own]
    assert not [name for name in unwanted if name in loaded]


def test_ape_makes_a_table_all_the_same_when_it_is_asked_for_one():
    text = """
import sys
import mlchain.chain
from ape.managers.chain import pd
assert "pandas" not in sys.modules
print(pd.DataFrame(columns=["block"], data=[[7]]).block[0])
"""
    assert subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout == "7\n"

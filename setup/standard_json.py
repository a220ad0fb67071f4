"""The compiler's standard JSON input: all contracts, and the settings of ape-config.yaml."""

import json
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
# What Slither reads of the compiler's output.
ALL = ["abi", "devdoc", "userdoc", "evm.methodIdentifiers"] + [
    f"evm.{code}.{part}" for code in ("bytecode", "deployedBytecode") for part in ("object", "sourceMap")
]


def standard_json(outputs: list[str]) -> dict:
    """Return the compiler's input for these outputs; the compiler finds what is in node_modules by itself."""
    settings = yaml.safe_load((ROOT / "ape-config.yaml").read_text())["solidity"]
    paths = sorted((ROOT / "contracts").rglob("*.sol"))
    return {
        "language": "Solidity",
        "sources": {path.relative_to(ROOT).as_posix(): {"content": path.read_text()} for path in paths},
        "settings": {
            "evmVersion": settings["evm_version"],
            "optimizer": {"enabled": settings["optimize"], "runs": settings["optimization_runs"]},
            "remappings": settings["import_remapping"],
            "outputSelection": {"*": {"*": outputs, "": ["ast"]}},
        },
    }


if __name__ == "__main__":
    json.dump(standard_json(ALL), sys.stdout)

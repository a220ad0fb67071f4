"""Who may import what, how long a module may be, and that each says what it is for."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mlchain"
SHIPPED = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "scripts").rglob("*.py")])
ASIDE = ("benchmarks", "networks")  # folders that nothing but tests imports
SOURCES = [*SHIPPED, *sorted(path for folder in ASIDE for path in (ROOT / folder).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LONGEST_MODULE = 300  # lines
LONGEST_TEST = 450

# What a package may import besides itself and the standard library. Whatever is not named here may import nothing else.
ALLOWED = {
    "mlchain/errors.py": set(),
    "mlchain/console.py": {"rich"},
    "mlchain/http.py": {"requests"},
    "mlchain/units.py": {"click", "mlchain.protocol"},
    "mlchain/protocol": {"eth_abi", "eth_utils"},
    "mlchain/training": {"mlchain.errors", "numpy"},
    "mlchain/data": {
        "PIL",
        "mlchain.errors",
        "mlchain.http",
        "mlchain.training",
        "mlchain.units",
        "numpy",
        "pooch",
        "requests",
        "sklearn",
        "urllib3",
    },
    "mlchain/tasks": {"click", "mlchain.data", "mlchain.errors", "mlchain.training", "numpy", "tomli"},
    "mlchain/export/estimator.py": {"numpy"},  # so that it can be copied
    "mlchain/export": {
        "matplotlib",
        "mlchain.console",
        "mlchain.data",
        "mlchain.errors",
        "mlchain.training",
        "numpy",
        "onnx",
        "rich",
    },
    "mlchain/centralized/learning": {"mlchain.errors", "mlchain.tasks", "mlchain.training", "numpy"},
    "mlchain/centralized/service": {
        "eth_account",
        "eth_utils",
        "mlchain.centralized.learning",
        "mlchain.errors",
        "mlchain.tasks",
        "typing_extensions",
    },
    "mlchain/centralized/web": {
        "mlchain.centralized.learning",
        "mlchain.centralized.service",
        "mlchain.errors",
        "requests",
        "starlette",
        "uvicorn",
    },
    "mlchain/centralized/simulation": {
        "eth_account",
        "mlchain.centralized",
        "mlchain.chain",
        "mlchain.console",
        "mlchain.errors",
        "mlchain.protocol",
        "mlchain.simulation",
        "mlchain.tasks",
        "rich",
        "mlchain.units",
    },
    "mlchain/centralized": {"eth_utils", "mlchain.chain", "mlchain.errors", "mlchain.protocol"},
    "mlchain/referee": {
        "eth_abi",
        "eth_utils",
        "mlchain.data",
        "mlchain.protocol",
        "mlchain.tasks",
        "mlchain.training",
        "numpy",
    },
    "mlchain/actors": {"mlchain.errors", "mlchain.protocol", "mlchain.tasks", "mlchain.training"},
    "mlchain/audit": {
        "eth_abi",
        "eth_utils",
        "mlchain.actors",
        "mlchain.protocol",
        "mlchain.tasks",
        "mlchain.training",
    },
    "mlchain/chain": {
        "ape",
        "ape_ethereum",
        "ape_node",
        "ape_test",
        "click",
        "eth_abi",
        "eth_account",
        "eth_keys",
        "eth_tester",
        "eth_utils",
        "ethpm_types",
        "mlchain.console",
        "mlchain.errors",
        "mlchain.http",
        "mlchain.protocol",
        "requests",
        "rlp",
        "web3",
        "mlchain.units",
    },
    "mlchain/simulation": {
        "eth_utils",
        "matplotlib",
        "mlchain.actors",
        "mlchain.chain",
        "mlchain.console",
        "mlchain.errors",
        "mlchain.protocol",
        "mlchain.referee",
        "mlchain.tasks",
        "rich",
        "mlchain.units",
    },
    "mlchain/live": {
        "click",
        "eth_utils",
        "mlchain.actors",
        "mlchain.audit",
        "mlchain.chain",
        "mlchain.console",
        "mlchain.data.store",
        "mlchain.errors",
        "mlchain.export.model_file",
        "mlchain.protocol",
        "mlchain.referee",
        "mlchain.simulation.odds",
        "mlchain.tasks",
        "mlchain.training",
        "mlchain.units",
    },
    "mlchain/page": {
        "mlchain.chain",
        "mlchain.data.dataset",
        "mlchain.errors",
        "mlchain.export.model_file",
        "mlchain.live",
        "mlchain.protocol",
        "mlchain.simulation.odds",
        "mlchain.simulation.odds_curves",
        "mlchain.tasks",
        "mlchain.training",
        "mlchain.units",
        "starlette",
        "uvicorn",
    },
    "scripts": {
        "click",
        "mlchain.actors",
        "mlchain.chain",
        "mlchain.console",
        "mlchain.centralized",
        "mlchain.data",
        "mlchain.errors",
        "mlchain.export",
        "mlchain.live",
        "mlchain.page",
        "mlchain.simulation",
        "mlchain.tasks",
        "rich",
        "typing_extensions",
        "mlchain.units",
    },
    "networks": {"click", "eth_account", "eth_keys", "eth_utils", "requests", "rlp"},
    "benchmarks": {
        "ape",
        "eth_abi",
        "eth_account",
        "eth_utils",
        "matplotlib",
        "mlchain",
        "numpy",
        "playwright",
        "requests",
        "sklearn",
        "threadpoolctl",
        "web3",
        "yaml",
    },
}

# The one module, or package, that may import it.
ONLY_IN = {
    "ape": ("mlchain/chain", "benchmarks"),
    "ape_ethereum": "mlchain/chain",
    "ape_node": "mlchain/chain/prompt_node.py",
    "ape_test": "mlchain/chain",
    "eth_tester": "mlchain/chain/embedded.py",
    "web3": ("mlchain/chain", "benchmarks"),
    "numpy": (
        "mlchain/data",
        "mlchain/export",
        "mlchain/referee",
        "mlchain/training",
        "mlchain/tasks",
        "mlchain/centralized/learning",
        "benchmarks",
    ),
    "starlette": (
        "mlchain/centralized/web/app.py",
        "mlchain/centralized/web/openapi.py",
        "mlchain/page/app.py",
        "mlchain/page/guard.py",
    ),
    "uvicorn": ("mlchain/centralized/web/serving.py", "mlchain/page/serving.py"),
    "sqlite3": ("mlchain/centralized/service/store.py", "mlchain/chain/log_store.py"),
    "matplotlib": (
        "mlchain/export/confusion.py",
        "mlchain/simulation/plots.py",
        "mlchain/simulation/odds_plot.py",
        "benchmarks",
    ),
    "sklearn": ("mlchain/data", "benchmarks"),
    "pooch": ("mlchain/data/mnist.py", "mlchain/data/store.py"),
    "PIL": "mlchain/data/images.py",
    "onnx": "mlchain/export/onnx_file.py",
    "urllib3": "mlchain/data/store.py",
    "tomli": "mlchain/tasks/descriptions.py",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(path: Path) -> set[str]:
    """Return the dotted names of all modules that a file imports, wherever in the file it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} imports relatively"
            found.add(node.module)
    return found


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith((package + ".", package + "/"))


def home_of(path: Path) -> str:
    """Return the entry of `ALLOWED` that a file falls under."""
    return next(entry for entry in ALLOWED if is_within(name_of(path), entry))


@pytest.mark.parametrize("path", [path for path in SOURCES if path != PACKAGE / "__init__.py"], ids=name_of)
def test_a_module_imports_only_what_its_package_may(path):
    home = home_of(path)
    itself = home.removesuffix(".py").replace("/", ".")
    foreign = {name for name in imports_of(path) if name.split(".")[0] not in sys.stdlib_module_names}

    refused = {name for name in foreign if not any(is_within(name, allowed) for allowed in ALLOWED[home] | {itself})}

    assert not refused


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_only_where_it_belongs(library):
    homes = ONLY_IN[library]

    importers = [name_of(path) for path in SOURCES if any(is_within(name, library) for name in imports_of(path))]

    assert importers
    for importer in importers:
        assert any(is_within(importer, home) for home in ([homes] if isinstance(homes, str) else homes))


def test_the_programs_that_people_run_know_no_attackers():
    importers = {name_of(path) for path in SHIPPED if "mlchain.simulation.attackers" in imports_of(path)}
    deployers = {name_of(path) for path in SHIPPED if "ContractWorker" in path.read_text()}

    assert {name for name in importers | deployers if not is_within(name, "mlchain/simulation")} == {
        "scripts/simulate.py"
    }


@pytest.mark.parametrize("folder", ASIDE)
def test_nothing_that_is_shipped_knows_what_stands_aside(folder):
    assert not [name_of(path) for path in SHIPPED if any(is_within(name, folder) for name in imports_of(path))]


def test_no_layer_imports_one_above_it():
    layers = [
        "protocol",
        "training",
        "data",
        "export",
        "tasks",
        "actors",
        "audit",
        "chain",
        "simulation",
        "centralized",
        "live",
        "page",
    ]
    for path in SOURCES:
        parts = path.relative_to(ROOT).parts
        if parts[0] == "mlchain" and parts[1] in layers:
            above = layers[layers.index(parts[1]) + 1 :]
            assert not {name for name in imports_of(path) for layer in above if is_within(name, f"mlchain.{layer}")}


@pytest.mark.parametrize("package", ["protocol", "training", "actors", "audit", "centralized/learning"])
def test_the_pure_packages_know_no_clock_network_or_storage(package):
    impure = {"asyncio", "http", "os", "random", "socket", "sqlite3", "subprocess", "threading", "time", "urllib"}

    for path in (PACKAGE / package).rglob("*.py"):
        assert not impure & {name.split(".")[0] for name in imports_of(path)}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_is_short_and_says_what_it_is_for(path):
    text = path.read_text()

    assert len(text.splitlines()) <= LONGEST_MODULE
    assert ast.get_docstring(ast.parse(text))


def test_no_test_module_is_too_long_to_read():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in TESTS}

    assert not {name: length for name, length in lengths.items() if length > LONGEST_TEST}


def test_no_file_is_called_utils():
    names = {
        path.stem
        for folder in (*ASIDE, "contracts", "mlchain", "scripts", "tests")
        for path in (ROOT / folder).rglob("*")
    }

    assert not names & {"utils", "util", "helpers", "misc", "common"}


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.py")), ids=name_of)
def test_a_script_computes_nothing(path):
    """But elapsed time: a script parses options, calls the package and prints."""
    operations = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.BinOp)]
    arithmetic = [
        ast.unparse(node)
        for node in operations
        if not isinstance(node.op, ast.BitOr) and not (isinstance(node.op, ast.Sub) and "time." in ast.unparse(node))
    ]
    calls_to_protocol = {name for name in imports_of(path) if is_within(name, "mlchain.protocol")}

    # `folder / "name"` joins paths.
    assert [text for text in arithmetic if not text.startswith("folder / ")] == []
    assert not calls_to_protocol

"""What the documents say of the code is true: names, links, folders, limits, options, make targets and errors."""

import re
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import ape
import click
import pytest

from mlchain.simulation.attackers import ATTACKERS
from tests.test_architecture import LONGEST_MODULE, LONGEST_TEST

ROOT = Path(__file__).parents[1]
SECURITY = (ROOT / "docs" / "security.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
MANUALS = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]  # what tells of the past names what is gone
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
CONTRACTS = {path.name: path.read_text() for path in (ROOT / "contracts").rglob("*.sol")}
QUOTED = re.findall(r"`(\w+\.sol)`: `([^`]+)`", SECURITY)
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
UNNAMED = {"__init__.py", ".gitignore", ".gitattributes", ".npmrc"}  # what needs no line in the tree of folders


def named(path: Path) -> str:
    return path.name


def plain(code: str) -> str:
    """Return code without its line breaks and the escapes of a table."""
    return re.sub(r"\s+", "", code.replace("\\|", "|"))


def anchors_of(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to a document's headings."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands() -> dict[str, click.Command]:
    """Return the commands of `ape run`, by name."""
    found = {}
    for path in sorted((ROOT / "scripts").glob("*.py")):
        specification = spec_from_file_location(f"documented_{path.stem}", path)
        module = module_from_spec(specification)
        specification.loader.exec_module(module)
        found[path.stem] = module.cli
    return found


COMMANDS = commands()


def options_of(name: str) -> dict[str, click.Option]:
    """Return the options of a command, and of those below it, by each of their spellings."""
    command = COMMANDS[name]
    below = list(command.commands.values()) if isinstance(command, click.Group) else []
    return {
        spelling: option
        for it in (command, *below)
        for option in it.params
        if isinstance(option, click.Option)
        for spelling in (*option.opts, *option.secondary_opts)
    }


def tables_of_options() -> list:
    """Return the tables that are headed `option of `NAME``: command, and default by option."""
    found = []
    for path in MANUALS:
        for command, rows in re.findall(r"\| option of `(\w+)` \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", path.read_text()):
            cells = [[cell.strip(" `") for cell in row.split("|")[1:3]] for row in rows.splitlines()]
            found.append(pytest.param(command, dict(cells), id=command))
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_test_that_a_document_names_exists(path):
    tests = re.findall(r"`(test_\w+)`", path.read_text())

    assert [name for name in tests if f"def {name}(" not in TESTS] == []


@pytest.mark.parametrize(("contract", "code"), QUOTED)
def test_every_line_that_is_said_to_stop_an_attack_is_in_its_contract(contract, code):
    assert plain(code) in plain(CONTRACTS[contract])


def test_the_threat_model_names_every_attacker_and_many_lines():
    assert [attacker.name for attacker in ATTACKERS if f"`{attacker.name}`" not in SECURITY] == []
    assert len(QUOTED) > 30


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_file_and_heading_that_a_document_links_to_exists(path):
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", path.read_text())

    targets = [(path.parent / link if link else path, anchor) for link, anchor in links]

    assert [str(target) for target, _ in targets if not target.exists()] == []
    assert [anchor for target, anchor in targets if anchor and anchor not in anchors_of(target)] == []


@pytest.mark.parametrize("path", MANUALS, ids=named)
def test_every_path_that_a_document_names_exists(path):
    roots = "benchmarks|comparisons|contracts|docs|mlchain|mutants|networks|scripts|setup|tests"
    paths = re.findall(rf"`((?:{roots})/[\w./-]*)`", path.read_text())

    assert [it for it in paths if not (ROOT / it).exists()] == []


def test_the_tree_of_folders_names_every_one_and_none_that_is_gone():
    tree = (ROOT / "docs" / "architecture.md").read_text().split("```")[-2]
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    folders = {path.split("/")[0] for path in files if "/" in path}
    below = {"/".join(path.split("/")[:2]) for path in files if re.match(r"mlchain/\w+/|contracts/", path)}

    said, parent = set(), ""
    for indent, name in re.findall(r"^( *)([\w.-]+)[/ ,]", tree, flags=re.MULTILINE):
        parent = parent if indent else name
        said |= {f"{parent}/{name}"} if indent and parent in ("contracts", "mlchain") else set()
        said |= set() if indent else {name}

    assert folders | below <= said
    assert [name for name in said if not (ROOT / name).exists()] == []


def test_limits_of_lines_are_those_that_are_tested():
    said = re.search(r"at most (\d+) lines, a test module (\d+)", (ROOT / "CONTRIBUTING.md").read_text())

    assert (int(said[1]), int(said[2])) == (LONGEST_MODULE, LONGEST_TEST)


@pytest.mark.parametrize("path", MANUALS, ids=named)
def test_every_make_target_that_a_document_names_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))

    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(), flags=re.MULTILINE)) <= targets


@pytest.mark.parametrize("path", MANUALS, ids=named)
def test_every_command_and_option_that_a_document_shows_exists(path):
    shown = re.findall(r"ape run ([a-z]+)([^`\n#|&]*)", path.read_text())

    unknown = [
        f"{name} {option}"
        for name, rest in shown
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest)
        if option not in {*options_of(name), "--network", "--help"}
    ]

    assert unknown == []


@pytest.mark.parametrize(("command", "defaults"), tables_of_options())
def test_a_table_of_options_has_all_of_them_and_their_defaults(command, defaults):
    options = {name: option for name, option in options_of(command).items() if not name.startswith("--no-")}
    documented = {name.split("/")[0]: default for name, default in defaults.items()}

    missing = set(options) - set(documented) - of_all_commands() - only_centralized(command)
    unknown = set(documented) - set(options) - {"--network"}
    numbers = {
        name: option.default
        for name, option in options.items()
        if name in documented and option.type.name in ("integer", "float") and option.default is not None
    }

    assert (missing, unknown) == (set(), set())
    assert {name: float(documented[name]) for name in numbers} == numbers


def of_all_commands() -> set[str]:
    """Return the options that Ape gives to every command."""
    return {spelling for spelling in options_of("audit") if spelling in options_of("deploy")} - {"--deployments"}


def only_centralized(command: str) -> set[str]:
    """Return the options of `simulate` that have a table of their own."""
    text = (ROOT / "docs" / "simulating.md").read_text()
    table = text.partition("| only with `--mode centralized`")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(--[a-z-]+)`", table, flags=re.MULTILINE)) if command == "simulate" else set()


def test_the_tables_of_the_protocol_name_every_error_of_the_contracts_and_no_other():
    contracts = ("Counter", "Job", "JobFactory", "ModelRegistry", "VersionReferee", "WorkerRegistry")
    abi = [entry for name in contracts for entry in getattr(ape.project, name).contract_type.abi]
    errors = {entry.name for entry in abi if entry.type == "error"}
    tables = PROTOCOL.partition("## Who may call what")[2].partition("## The draw")[0]

    declared = set(re.findall(r"\berror (\w+)\(", "".join(CONTRACTS.values())))
    said = set(re.findall(r"`([A-Z][A-Za-z]+)`", tables)) - {*contracts, "Referee"}

    assert said == errors & declared  # the others are those of libraries

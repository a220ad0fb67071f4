"""`make` finds a Python that fits or has uv download one, and otherwise says in one sentence what to do."""

import pytest

from tests.setup.machine import Machine

REMEDY = "install one, or name it: make PYTHON=/path/to/python"


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize("version", ["3.10.0", "3.11.7", "3.12.12"])
def test_a_python_that_fits_is_taken_as_it_is(machine, version):
    python = machine.add_python("python3", version)

    found = machine.run("python.sh")

    assert (found.returncode, found.stdout, found.stderr) == (0, f"{python}\n", "")


@pytest.mark.parametrize("version", ["2.7.18", "3.9.18", "3.13.0", "3.14.1"])
def test_a_python_that_is_too_old_or_too_new_is_passed_over(machine, version):
    machine.add_python("python3.12", version)
    machine.add_python("python3", version)
    fitting = machine.add_python("python", "3.11.7")

    found = machine.run("python.sh")

    assert (found.returncode, found.stdout) == (0, f"{fitting}\n")


def test_a_python_without_its_venv_module_is_passed_over(machine):
    machine.add_python("python3.12", "3.12.1", has_venv=False)
    fitting = machine.add_python("python3.10", "3.10.13")

    assert machine.run("python.sh").stdout == f"{fitting}\n"


def test_a_named_python_comes_before_all_others(machine):
    machine.add_python("python3.12", "3.12.1")
    named = machine.add_python("another", "3.10.13")

    assert machine.run("python.sh", PYTHON=str(named)).stdout == f"{named}\n"


@pytest.mark.parametrize("name", ["/nowhere/python", "python3"])
def test_a_named_python_that_does_not_fit_is_refused_although_another_would(machine, name):
    machine.add_python("python3", "3.13.0")
    machine.add_python("python3.12", "3.12.1")

    refused = machine.run("python.sh", PYTHON=name)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"setup: PYTHON={name} is not Python 3.10, 3.11 or 3.12 with its venv module\n"


def test_where_python_is_too_new_it_installs_uv_which_downloads_one(machine):
    machine.add_python("python3", "3.13.0")
    machine.offer_uv()

    found = machine.run("python.sh")

    assert (found.returncode, found.stdout) == (0, f"{machine.project}/.build/python/python3.12\n")
    assert found.stderr == (
        "setup: no Python 3.10, 3.11 or 3.12 with its venv module found; downloading 3.12 into .build/python\n"
    )


def test_where_there_is_no_python_an_installed_uv_downloads_one(machine):
    machine.add_uv()

    found = machine.run("python.sh")

    assert (found.returncode, found.stdout) == (0, f"{machine.project}/.build/python/python3.12\n")


@pytest.mark.parametrize("script", ["python.sh", "install.sh"])
def test_where_uv_cannot_download_one_a_sentence_says_what_to_do(machine, script):
    machine.add_python("python3", "3.13.0")
    machine.offer_uv(online=False)

    failed = machine.run(script)

    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.splitlines()[1:] == [
        "setup: found no Python 3.10, 3.11 or 3.12 with its venv module, and uv could not download one "
        f"(Caused by: dns error); {REMEDY}"
    ]
    assert not (machine.project / ".venv").exists()


@pytest.mark.parametrize("script", ["python.sh", "install.sh"])
@pytest.mark.parametrize("python", [None, "3.13.0"], ids=["no Python", "a Python whose pip finds no uv"])
def test_where_there_is_no_uv_either_a_sentence_says_what_to_do(machine, script, python):
    if python:
        machine.add_python("python3", python)

    failed = machine.run(script)

    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == (
        "setup: found neither Python 3.10, 3.11 or 3.12 with its venv module nor a way to install uv, which would "
        f"download one; {REMEDY}\n"
    )
    assert not (machine.project / ".venv").exists()

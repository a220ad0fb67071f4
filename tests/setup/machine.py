"""A machine whose only programs are a shell's and stand-ins for Python and uv."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ("cat", "cksum", "cp", "dirname", "mkdir", "sed", "sh", "tail")

# Runs the code it is given, but as another version; makes environments that have it too; installs the uv it was given.
PYTHON = """#!/bin/sh
case "$1 $2" in
    "-c "*) exec {python} -S -c 'import sys; {setting}; code = sys.argv[1]; exec(code)' "$2" ;;
    "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip") cp "{uv}" "$(dirname "$0")/uv" ;;
    "--version ") echo "Python {version}" ;;
esac
"""
UV = """#!/bin/sh
[ "$1" = python ] || exit 2
case "$2" in
    install) mkdir -p "$UV_PYTHON_INSTALL_DIR" && cp "{downloaded}" "$UV_PYTHON_INSTALL_DIR/python3.12" ;;
    find) echo "$UV_PYTHON_INSTALL_DIR/python3.12" ;;
esac
"""
OFFLINE_UV = """#!/bin/sh
echo "error: Failed to download CPython" >&2
echo "  Caused by: dns error" >&2
exit 1
"""


class Machine:
    """The project's set-up in a folder, and a PATH that leads to nothing but `programs`."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.programs = folder / "programs"
        self.elsewhere = folder / "elsewhere"
        shutil.copytree(ROOT / "setup", self.project / "setup")
        for name in ("requirements.txt", "package.json"):
            shutil.copy(ROOT / name, self.project)
        for made in (self.programs, self.elsewhere):
            made.mkdir()
        for name in TOOLS:
            (self.programs / name).symlink_to(shutil.which(name))

    def add_python(self, name: str, version: str, has_venv: bool = True) -> Path:
        """Put a Python of a version on PATH; `python -m pip install` brings the uv of `offer_uv`."""
        return _write(self.programs / name, self._python(version, has_venv))

    def add_uv(self, online: bool = True) -> None:
        """Put uv on PATH, which can download a Python 3.12 or not."""
        _write(self.programs / "uv", self._uv(online))

    def offer_uv(self, online: bool = True) -> None:
        """Let pip find uv."""
        _write(self.elsewhere / "uv", self._uv(online))

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of the scripts of setup/."""
        return subprocess.run(
            ["/bin/sh", f"setup/{script}"],
            cwd=self.project,
            env={"PATH": str(self.programs), **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def _python(self, version: str, has_venv: bool) -> str:
        numbers = ", ".join(version.split("."))
        setting = f"sys.version_info = ({numbers})" + ("" if has_venv else '; sys.modules["ensurepip"] = None')
        return PYTHON.format(python=sys.executable, setting=setting, version=version, uv=self.elsewhere / "uv")

    def _uv(self, online: bool) -> str:
        downloaded = _write(self.elsewhere / "python3.12", self._python("3.12.9", has_venv=True))
        return UV.format(downloaded=downloaded) if online else OFFLINE_UV


def _write(path: Path, script: str) -> Path:
    path.write_text(script)
    path.chmod(0o755)
    return path

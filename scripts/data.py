"""Look at a person's own data, and write it as a data set."""

from pathlib import Path

import click

from mlchain.chain.command import OfflineCommand
from mlchain.tasks.options import LABEL


@click.command(cls=OfflineCommand, short_help="Look at your own data and write it as a data set; needs no chain")
@click.argument("path", type=click.Path(path_type=Path))
@LABEL
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for it.  [default: that of all data sets]"
)
def cli(path: Path, label: str | None, out: Path | None) -> None:
    """Say what PATH is understood to be, and write it as one canonical file, which its fingerprint names.

    PATH is a .csv file with a header, an .npz file of arrays, a folder with a folder of PNG or PGM images for each
    class, a .txt file, or a canonical file. The same data gives the same bytes on every machine. Programs find them
    by their name in the folder DATA_DIR, or else in the user's cache.
    """
    from mlchain.data.dataset import fingerprint  # here: `ape run` imports every script
    from mlchain.data.looking import describe
    from mlchain.data.opening import read_data
    from mlchain.data.store import data_dir, keep
    from mlchain.data.tables import header_of

    dataset = read_data(path, label)
    for line in describe(dataset, header_of(path, label) if path.suffix.lower() == ".csv" else None):
        click.echo(line)
    written = keep(dataset, out)
    click.echo(f"fingerprint {fingerprint(dataset).hex()}")
    click.echo(f"written to {written}")
    if out and out.resolve() != data_dir().resolve():
        click.echo(f"to train on it, name the file with --data, or set DATA_DIR to {out}")

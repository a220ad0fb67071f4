"""Take a model home: write it as a file, see how good it is, and use it."""

from pathlib import Path

import click

from mlchain.chain.command import Command
from mlchain.errors import UserError, require
from mlchain.live.options import Place, place_options
from mlchain.tasks.options import DATA, LABEL, bring


@click.command(cls=Command, offline_with="file", short_help="Take the model home, see how good it is, and use it")
@place_options
@click.option("--version", type=int, help="Version of the model on the chain.  [default: the newest]")
@click.option("--file", type=click.Path(path_type=Path), help="An .npz file written before, instead of the chain.")
@click.option("--out", type=click.Path(path_type=Path), multiple=True, help="File to write, .npz or .onnx; repeatable.")
@click.option(
    "--evaluate", "is_evaluated", is_flag=True, help="Print accuracy, loss and confusion on the test samples."
)
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="With --evaluate: folder for a plot.")
@click.option("--predict", type=click.Path(path_type=Path), help="Name the classes of a CSV file's rows, or of images.")
@DATA
@LABEL
def cli(
    place: Place,
    version: int | None,
    file: Path | None,
    out: tuple[Path, ...],
    is_evaluated: bool,
    report: Path | None,
    predict: Path | None,
    data: Path | None,
    label: str | None,
) -> None:
    """Write a version of the model, say how good it is, or name the classes of new samples.

    The names of classes and columns come with the data set: from the folder of data sets, from --data, or from --file.
    """
    from mlchain.console import console, percent  # here: `ape run` imports every script
    from mlchain.export.confusion import confusion_table, save_confusion
    from mlchain.export.evaluation import evaluate, predictions
    from mlchain.export.model_file import read_model, require_form, save, trained_of
    from mlchain.live.runner import open_deployment
    from mlchain.live.versions import version_in
    from mlchain.tasks.catalogue import known_dataset

    require(bool(out or is_evaluated or predict), "nothing is asked for: name --out, --evaluate or --predict")
    require(report is None or is_evaluated, "--report draws what --evaluate finds")
    for path in out:
        require_form(path)
    bring(data, label)
    if file:
        trained = read_model(file)
        dataset = known_dataset(trained.recipe) if is_evaluated else None  # the file says all else
    else:
        chain = open_deployment(place)[0]
        chain.sync()
        recipe, model, number = version_in(chain.ledger, version)
        dataset = known_dataset(recipe)
        trained = trained_of(recipe, model, number, dataset)
        if dataset is None:
            click.echo("the data set is not here, so that classes have only numbers: name it with --data")
    click.echo(f"version {trained.version} of a model of {trained.recipe.task}")
    for path in out:
        save(path, trained)
        click.echo(f"written to {path}")
    if is_evaluated:
        if dataset is None:
            raise UserError(f"the data set {trained.recipe.fingerprint.hex()} is not here: name it with --data")
        found = evaluate(trained.classifier(), dataset)
        if rows := confusion_table(found):
            console().print(rows)
        click.echo(f"test accuracy {percent(found.accuracy)}, loss {found.loss:.4f} bits a sample")
        if report:
            click.echo(f"the plot is {save_confusion(found, report)}")
    if predict:
        for line in predictions(predict, trained.classifier()):
            click.echo(line)

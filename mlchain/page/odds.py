"""The odds of a job as the page shows them: the numbers of `ape run odds`, and the curves of its plot."""

from fractions import Fraction

from mlchain.errors import require
from mlchain.page.amounts import Json
from mlchain.simulation.odds import Question, exactly, odds_rows
from mlchain.simulation.odds_curves import PANELS, ChanceOf, Curves, curves_of

LARGEST_POOL = 100_000  # of a page: what is larger takes seconds


def odds_shown(pool: int, evil: int, committee: int, quorum: int, audit: int) -> Json:
    """Return rows of texts and panels of curves for a job; `audit` is a rate in percent.

    Raises UserError, in one sentence, for a job that cannot be.
    """
    require(pool <= LARGEST_POOL, f"the page has odds for pools of up to {LARGEST_POOL:,} workers, not {pool:,}")
    question = Question(pool, evil, committee, quorum, audit_rate=audit / 100)
    curves, asked = curves_of(question), question.odds()
    return {
        "rows": [[name, exactly(silent), exactly(live)] for name, silent, live in odds_rows(question)],
        "panels": [
            {
                "title": title,
                "logarithmic": is_logarithmic,
                "seats": list[Json](next(iter(curves.values()))),
                "curves": _curves(question.pool, curves, chance_of),
                "asked": _float(chance_of(asked)),
            }
            for title, chance_of, is_logarithmic in PANELS
        ],
        "committee": question.seats,
    }


def _curves(pool: int, curves: Curves, chance_of: ChanceOf) -> Json:
    return [
        [f"{100 * evil / pool:.3g} % evil", [_float(chance_of(odds)) for odds in by_seats.values()]]
        for evil, by_seats in curves.items()
    ]


def _float(chance: Fraction | None) -> float | None:
    return None if chance is None else float(chance)

"""What is measured under attack: legal cases, the honest model wherever it is promised, and tables that say so."""

from types import SimpleNamespace

import pytest

from benchmarks import aggregators
from benchmarks.aggregators import WORKERS, FederatedRun, tolerated
from benchmarks.plots import OURS, draw_final, draw_learning, draw_rounds, worst_of
from benchmarks.robustness import (
    BEHAVIOURS,
    HONEST,
    SHARES,
    ContractRun,
    _cell,
    contract_runs,
    evil_of,
    federated_runs,
    require_guarantees,
)
from benchmarks.updates import ATTACKS
from mlchain.centralized.learning.aggregation import RULES, rule_named
from mlchain.centralized.learning.partition import Split
from mlchain.centralized.learning.training import open_federated
from mlchain.simulation.attackers import BEHAVIOURS as KNOWN
from mlchain.tasks.catalogue import default_recipe


def played(*accepted, wrong=0, slashed=0):
    rounds = [SimpleNamespace(jobs=[SimpleNamespace(accepted_hash=it, honest_hash="right")]) for it in accepted]
    return SimpleNamespace(rounds=rounds, wrong_accepted=wrong, honest_slashed=slashed, model_hash="model")


@pytest.fixture
def digits(monkeypatch):
    """Let the cases learn digits, two rounds of them, in place of MNIST."""
    recipe = default_recipe("digits", "softmax")
    monkeypatch.setattr(aggregators, "ROUNDS", 2)
    monkeypatch.setattr(aggregators, "recipe", lambda: recipe)
    monkeypatch.setattr(
        aggregators, "_task", lambda dirichlet_alpha: open_federated(recipe.to_bytes(), Split(WORKERS, dirichlet_alpha))
    )
    aggregators._first_update.cache_clear()
    yield
    aggregators._first_update.cache_clear()


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_told_of_all_liars_or_of_as_many_as_it_can_be_applied_with(rule, share):
    evil = evil_of(share)

    told = tolerated(rule, evil)

    rule_named(rule, told, WORKERS)
    assert told == evil or RULES[rule].least_updates(told + 1) > WORKERS


def test_every_rule_meets_every_attack_in_every_share_and_split_once():
    planned = federated_runs()

    assert len(planned) == len(set(planned)) == 2 * len(RULES) * (1 + (len(SHARES) - 1) * len(ATTACKS))


def test_every_attack_has_its_like_among_the_behaviours_of_seats():
    assert list(BEHAVIOURS) == list(ATTACKS)
    assert set(BEHAVIOURS.values()) <= set(KNOWN)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_case_ends_the_same_whoever_computes_it(digits, attack):
    case = FederatedRun("median", attack, 6, 0.3)

    found = aggregators.accuracies(case)

    assert aggregators.accuracies(case) == found
    assert len(found) == 3


def test_liars_ruin_an_average_and_not_a_median(digits):
    honest = aggregators.accuracies(FederatedRun("average", "", 0, None))[-1]

    assert aggregators.accuracies(FederatedRun("average", "flipping", 6, None))[-1] < 0.5
    assert aggregators.accuracies(FederatedRun("median", "flipping", 6, None))[-1] > honest - 0.1


def test_the_honest_model_is_promised_up_to_where_the_protocol_promises_it():
    with_referee = [game.evil for game in contract_runs() if game.has_referee and game.is_guaranteed]
    alone = [game.evil for game in contract_runs() if not game.has_referee and game.is_guaranteed]

    assert max(with_referee) == evil_of(50)
    assert max(alone) == evil_of(40)


@pytest.mark.parametrize(
    "other",
    [
        played("right", None),
        played(None, "right"),
        played("right", "right", wrong=1),
        played("right", "right", slashed=1),
    ],
    ids=["last result", "result on the way", "wrong result", "honest seat slashed"],
)
def test_a_broken_promise_ends_the_measurement(other):
    with pytest.raises(RuntimeError, match="broke a guarantee"):
        require_guarantees({HONEST: played("right", "right"), ContractRun("colluding", 8, False): other})


def test_a_model_that_nobody_promised_may_be_another():
    require_guarantees({HONEST: played("right", "right"), ContractRun("colluding", 10, False): played(None, None)})


def test_a_cell_marks_the_worst_attack_and_what_was_not_measured():
    assert _cell([[0.1, 0.9], [0.1, 0.855], [0.1, 0.95]]) == "90.0 / **85.5** / 95.0"
    assert _cell([[0.9], [0.9], None]) == "90.0"
    assert _cell([[0.9], None, [0.8]]) == "90.0 / – / **80.0**"


def test_the_worst_attack_is_the_one_that_leaves_the_least_accuracy():
    curves = {
        ("even", "a", 10, OURS): [0.1, 0.9],
        ("even", "b", 10, OURS): [0.1, 0.7],
        ("even", "a", 0, OURS): [0.1, 0.95],
        ("uneven", "a", 10, OURS): [0.1, 0.2],
    }

    assert worst_of(curves, "even", OURS) == {0: 0.95, 10: 0.7}


def test_the_figures_can_be_drawn(tmp_path):
    curves = {
        (split, attack, share, who): [0.1, 0.5, 0.9]
        for split in ("even", "uneven")
        for attack in ATTACKS
        for share in (0, 10, 50)
        for who in (*RULES, OURS)
    }

    draw_final(tmp_path / "final.png", curves)
    draw_rounds(tmp_path / "rounds.png", curves)
    draw_learning(tmp_path / "learning.png", {name: {OURS: [0.1, 0.2], "float32": [0.3]} for name in ("one", "two")})

    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 3

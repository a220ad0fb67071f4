"""Learning with a trusted server, played with the real service and a process for every worker."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.centralized.simulation.options import CentralizedOptions
from mlchain.centralized.simulation.run import learn
from mlchain.centralized.simulation.summary import save_learning_plots, summarize_learning
from mlchain.chain.connection import Chain
from mlchain.errors import UserError
from tests.contracts.chain_control import rollback

REFUSED = {
    "there has to be at least one worker, not 0": {"workers": 0},
    "4 of 3 workers cannot be evil": {"workers": 3, "evil": 4},
    "-1 of 10 workers cannot be evil": {"evil": -1},
    "unknown behaviour 'colluding': choose one of honest, silent, flipping": {"behaviour": "colluding"},
    "unknown task 'nope': choose one of fake, digits, mnist, cancer, wine": {"task": "nope"},
    "unknown model 'nope': choose one of softmax, mlp, lenet, lenet-small": {"model": "nope"},
    "unknown aggregation rule 'nope'": {"rule": "nope"},
    "krum needs at least 11 updates to stand up to 4 evil ones, not 10": {"evil": 4, "rule": "krum"},
    "median needs at least 9 updates to stand up to 4 evil ones, not 6": {
        "evil": 4,
        "behaviour": "silent",
        "rule": "median",
    },
    "there has to be at least one version, not 0": {"rounds": 0},
    "the Dirichlet alpha of the shares has to be from 0.01 to 1000, not 0": {"dirichlet_alpha": 0},
    "the time for a result has to be above 0 seconds, not -1": {"timeout": -1},
    "the seed has to be from 0 to 2^64 - 1, not -1": {"seed": -1},
}


def nothing(_done, _what):
    """Report to nobody."""


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_played_is_refused_with_one_sentence(sentence):
    with pytest.raises(UserError) as refusal:
        CentralizedOptions(**REFUSED[sentence])

    assert str(refusal.value).startswith(sentence)


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))), st.integers(0, 2**64 - 1))
def test_the_seed_says_who_of_so_many_is_evil(workers_and_evil, seed):
    workers, evil = workers_and_evil

    names = CentralizedOptions(workers=workers, evil=evil, seed=seed).behaviours()

    assert names.count("flipping") == evil
    assert len(names) == workers


def test_three_workers_join_on_the_chain_and_learn(tmp_path, server):
    with rollback():
        chain = Chain()
        learned = learn(chain, CentralizedOptions(workers=3, rounds=2), nothing)
        summary = summarize_learning(chain, learned, 1.0)
        count = chain.read("Counter", "count", address=learned.place.counter)
    summary.save(tmp_path)
    save_learning_plots(learned, summary, tmp_path)

    assert count == 3
    assert summary.gas["Counter.increment"]["count"] == 3
    assert [model.updates for model in learned.models] == [0, 3, 3]
    assert summary.accuracy > 0.93
    assert summary.bytes == {"weights_sent": 6 * 1300, "updates_received": 6 * 1300}
    written = json.loads((tmp_path / "summary.json").read_text())
    assert (written["mode"], written["model_hash"]) == ("centralized", summary.model_hash)
    assert {path.name for path in tmp_path.iterdir()} == {"accuracy.png", "gas.png", "summary.json"}


def test_learning_goes_on_without_those_who_never_answer(server):
    with rollback():
        options = CentralizedOptions(workers=3, evil=1, behaviour="silent", rounds=2, timeout=1.5)
        learned = learn(Chain(), options, nothing)

    assert [model.updates for model in learned.models] == [0, 2, 2]

"""The worker of a live network begins only where it can go on."""

from types import SimpleNamespace

import pytest

from mlchain.errors import UserError
from mlchain.live.runner import Operator
from mlchain.live.worker_program import worker_maker
from tests.actors.scenes import Scene, act
from tests.actors.stage import SERVER


def test_a_recipe_that_cannot_be_read_ends_a_worker_in_one_sentence_before_it_joins():
    scene = Scene(jobs=1)  # whose recipe says "toy"
    worker = worker_maker(leave=False, gas_reserve=0)(Operator(SimpleNamespace(address=SERVER), None))

    with pytest.raises(UserError, match=r"^the recipe of a round cannot be read by this version: a recipe of 3 bytes"):
        act(scene, worker)

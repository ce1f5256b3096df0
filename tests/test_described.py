"""What is found in masks lies beside them before their level is told of."""

import json

import pytest

from tests.conftest import TINY
from tests.workers import made
from vitprune_core.attempt import Orders
from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.untrained import untrained_masks
from vitprune_core.engine.vit import initial
from vitprune_core.spec.config import GivenConfig, level_name
from vitprune_core.store.control import Inbox
from vitprune_core.store.events import Level
from vitprune_core.worker import work


def worked(run, stop_after: int | None = None) -> list[Level]:
    """Do what is left of a run, or stop after so many of its levels; the levels told of."""
    orders, levels = Orders(Inbox(run.control)), []
    for entry in work(run, orders):
        if isinstance(entry.event, Level):
            levels.append(entry.event)
            there = run.structure(level_name(entry.event.sparsity_asked)).exists()
            assert there == (entry.event.listed and run.id.startswith("weight"))
        if stop_after is not None and len(levels) >= stop_after:
            orders.stop = "enough"
    return levels


def files(run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.path.glob("masks/*.structure.json")}


@pytest.mark.parametrize("distribution", ["global", "layerwise", "random"])
def test_every_listed_level_of_single_weights_has_its_file_when_it_is_told(tmp_path, distribution):
    preset = f"oneshot_{distribution}"
    run = made(tmp_path, "weight", preset, "prune.sparsities=[0, 0.5, 0.9]", *TINY)
    worked(run)
    assert set(files(run)) == {f"{level}.structure.json" for level in ("0", "0.5", "0.9")}
    found = json.loads(run.structure("0.9").read_bytes())
    assert len(found) == 12
    first = found["blocks.0.attn.q"]["structure"]["initial"]
    assert (first["overlap"] is None) == (distribution == "random")


def test_other_granularities_have_none(tmp_path):
    for preset in ("rows_global", "heads", "two_of_four"):
        run = made(tmp_path, preset, preset, *TINY)
        worked(run)
        assert not files(run)


def test_rounds_between_listed_levels_have_none(tmp_path):
    run = made(tmp_path, "weight", "iterative_global", "prune.sparsities=[0.5]", *TINY)
    assert len(worked(run)) > 1
    assert list(files(run)) == ["0.5.structure.json"]


def test_a_resumed_run_writes_the_same_bytes(tmp_path):
    asked = ("oneshot_global", "prune.sparsities=[0.5, 0.9]", *TINY)
    whole, halves = made(tmp_path, "weight-1", *asked), made(tmp_path, "weight-2", *asked)
    worked(whole)
    worked(halves, stop_after=1)
    assert list(files(halves)) == ["0.5.structure.json"]
    worked(halves)
    assert files(halves) == files(whole)


def test_only_matrices_that_take_part_are_described(tmp_path):
    run = made(tmp_path, "weight", "mlp_only", "prune.sparsities=[0.5]", *TINY)
    worked(run)
    found = json.loads(run.structure("0.5").read_bytes())
    assert set(found) == {f"blocks.{b}.mlp.{kind}" for b in (0, 1) for kind in ("fc1", "fc2")}


def test_the_untrained_mask_is_that_of_the_weights_training_starts_from(tiny):
    config = tiny("oneshot_layerwise", seed=3).config
    weights, told = initial(config), untrained_masks(config, 0.8)
    alone = make_masks({"q": weights["blocks.0.attn.q.weight"]}, sparsity=0.8)
    assert (told["blocks.0.attn.q"] == alone["q"]).all()
    assert len(told) == 12


def test_of_a_given_model_and_of_random_masks_there_is_no_untrained_one(tiny):
    given = tiny("oneshot_global").config.model_copy(update={"dense": GivenConfig(file="mine")})
    assert untrained_masks(given, 0.8) is None
    assert untrained_masks(tiny("oneshot_random").config, 0.8) is None

"""On CUDA: the same run, the same augmentation, the same masks, and no waiting for the device."""

from itertools import islice

import pytest
import torch

from tests.conftest import events_of
from tests.engine.test_resume import Bench, after, moments_of, same
from vitprune_core.engine.augment import augment
from vitprune_core.engine.data import load as load_data
from vitprune_core.engine.device import resolve
from vitprune_core.engine.execute import execute
from vitprune_core.engine.position import Position
from vitprune_core.engine.pruning import make_masks
from vitprune_core.engine.seeds import generator
from vitprune_core.engine.state import fresh
from vitprune_core.engine.train import FETCH_EVERY, train
from vitprune_core.engine.vit import ViT, compute_with, initial
from vitprune_core.spec.plan import Train
from vitprune_core.store import events as e
from vitprune_core.store.checkpoints import Moment
from vitprune_core.store.rundir import RunDir

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here"),
]
ON_CUDA = ("device=cuda", "kernels=eager", "prune.sparsities=[0.5]", "retrain.fraction=0.5")


@pytest.fixture
def repeatable():
    """What `deterministic: true` changes of the process is changed back."""
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("criterion", ["magnitude", "taylor", "wanda"])
def test_a_run_comes_to_its_end(colour, tmp_path, precision, criterion):
    words = (f"precision={precision}", f"prune.criterion={criterion}")
    config = resolve(colour("oneshot_global", *ON_CUDA, *words).config)
    run = RunDir(tmp_path / "run").create()
    events = events_of(execute(config, load_data(config), run))
    (level,) = (event for event in events if isinstance(event, e.Level))
    assert level.sparsity == 0.5
    assert isinstance(events[-1], e.Finished)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_left_and_gone_on_with_it_ends_at_the_same_bytes(colour, tmp_path, repeatable, precision):
    words = ("deterministic=true", f"precision={precision}")
    loaded = colour("oneshot_global", *ON_CUDA, *words)
    bench = Bench(tmp_path / "whole", loaded)
    assert bench.attempt()
    for stop in range(2, moments_of(bench, tmp_path), 5):
        other = Bench(tmp_path / str(stop), loaded)
        assert not other.attempt(after(stop))
        assert other.attempt()
        assert same(bench, other), stop


def test_between_two_fetches_no_step_waits_for_the_device(colour):
    words = ("train.batch_size=8", "train.augment=autoaugment", "precision=bf16")
    config = resolve(colour("oneshot_global", *ON_CUDA, *words).config)
    data, model = load_data(config), ViT(config.model, config.data, "bf16").to("cuda")
    state = fresh(initial(config))
    phase = Train(round=1, cycle=0, start=0, stop=1, policy="lr_rewind")
    here = Position(stage="rounds", step=0, epoch=0, state=state)
    mask = torch.ones_like(state.weights["blocks.0.attn.q.weight"], dtype=torch.bool)
    training = train(model, here, phase, config, data, {"blocks.0.attn.q.weight": mask})
    for _ in islice(training, 4):  # whatever waits only once has waited
        pass
    torch.cuda.set_sync_debug_mode("error")
    try:
        steps = list(islice(training, FETCH_EVERY - 6))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(isinstance(item, Moment) for item in steps)
    training.close()


@pytest.mark.parametrize("how", ["crop", "crop_flip", "autoaugment"])
def test_images_are_varied_as_on_the_cpu_to_the_byte(how):
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (512, 3, 32, 32), generator=draw, dtype=torch.uint8)
    here = augment(images, how, generator("augment", 0))
    there = augment(images.cuda(), how, generator("augment", 0))
    assert torch.equal(here, there.cpu())


@pytest.mark.parametrize("granularity", ["weight", "row", "column", "2:4"])
@pytest.mark.parametrize("distribution", ["global", "layerwise", "random"])
def test_masks_are_those_of_the_cpu_to_the_bit(granularity, distribution):
    draw = torch.Generator().manual_seed(0)
    weights = {f"m{i}": torch.randn(64, 64, generator=draw) for i in range(4)}
    there = {name: weight.cuda() for name, weight in weights.items()}
    known = {"granularity": granularity, "distribution": distribution, "sparsity": 0.5}
    for name, mask in make_masks(there, **known).items():
        assert mask.is_cuda
        assert torch.equal(mask.cpu(), make_masks(weights, **known)[name])


def test_half_precision_multiplies_in_bf16_and_answers_in_fp32(tiny):
    config = resolve(tiny("dense", "device=cuda", "precision=bf16").config)
    model, kinds = ViT(config.model, config.data, "bf16").to("cuda"), []
    model.blocks[0].mlp.fc1.register_forward_hook(lambda *given: kinds.append(given[2].dtype))
    logits = model(load_data(config).test.images[:4])
    assert kinds == [torch.bfloat16]
    assert logits.dtype == torch.float32
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_compiled_kernels_give_nearly_what_eager_ones_do(tiny):
    config = resolve(tiny("dense", "device=cuda", "kernels=compiled", "precision=fp32").config)
    images = load_data(config).test.images[:64]
    logits = []
    for compiled in (False, True):
        model = ViT(config.model, config.data).to("cuda").eval()
        model.load_state_dict(initial(config))
        if compiled:
            compute_with(model, config.kernels)
        with torch.no_grad():
            logits.append(model(images))
    torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-3)

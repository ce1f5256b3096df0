import numpy as np
import pytest
import torch

from tests.engine.images import published
from tests.engine.images.published import GIVEN, TESTED, config, put
from vitprune_core.engine.data import load
from vitprune_core.engine.images import sources
from vitprune_core.engine.images.raw import READ
from vitprune_core.spec import request
from vitprune_core.spec.datasets import DATASETS


def digits(seed=0, **data):
    overrides = [f"data.{k}={v}" for k, v in data.items()] + ["device=cpu"]
    return load(request.load("dense", "digits", overrides, seed=seed).config)


@pytest.fixture
def found(tmp_path, monkeypatch):
    """`found("svhn")`: a dataset of few images, lying where $VITPRUNE_DATA says."""
    published.few_images(monkeypatch, tmp_path)

    def make(name, validation=100):
        put(tmp_path / "data", published.FILES[name](), monkeypatch)
        monkeypatch.setenv("VITPRUNE_DATA", str(tmp_path / "data"))
        return load(config(name, validation))

    return make


def test_every_dataset_has_a_loader():
    assert set(DATASETS) == {*READ, "digits"}
    assert set(DATASETS) == {*sources.LAYOUTS, *sources.BUILT_IN}


def test_the_parts_are_disjoint_and_everything():
    data = digits()
    parts = (data.train, data.validation, data.test)
    assert [len(p) for p in parts] == [1257, 180, 360]
    images = torch.cat([p.images for p in parts]).flatten(1)
    assert len(images.unique(dim=0)) == 1797


def test_five_seeds_test_every_image_once():
    index = torch.cat([torch.from_numpy(digits(seed).test_index) for seed in range(5, 10)])
    assert index.sort().values.tolist() == list(range(1797))


def test_folds_are_shuffled_anew_every_five_seeds():
    assert digits(0).test_index.tolist() != digits(5).test_index.tolist()
    assert digits(0).test_index.tolist() == digits(2, fold=0).test_index.tolist()


def test_classes_are_in_proportion():
    data = digits()
    for part in (data.train, data.validation, data.test):
        share = part.labels.bincount() / len(part)
        assert share.min() > 0.08
        assert share.max() < 0.12


def test_pixels_are_as_they_are_stored():
    images = digits().train.images
    assert images.shape[1:] == (1, 8, 8)
    assert images.dtype == torch.uint8
    assert (images.min(), images.max()) == (0, 16)


@pytest.mark.parametrize("name", published.FILES)
def test_a_dataset_in_files_is_read_whole_and_in_order(name, found):
    data, facts = found(name), DATASETS[name]
    assert [len(p) for p in (data.train, data.validation, data.test)] == [GIVEN - 100, 100, TESTED]
    for part in (data.train, data.validation, data.test):
        assert part.images.dtype == torch.uint8
        assert part.labels.dtype == torch.int64
        assert part.images.shape[1:] == (facts.channels, facts.side, facts.side)
    pixels, labels = published.images(name, TESTED, 9)
    assert torch.equal(data.test.images, torch.from_numpy(pixels))
    assert data.test.labels.tolist() == labels.tolist()
    assert data.test_index.tolist() == list(range(GIVEN, GIVEN + TESTED))


@pytest.mark.parametrize("name", published.FILES)
def test_the_validation_set_has_every_class_alike_and_no_image_of_training(name, found):
    data = found(name)
    assert set(data.validation.labels.bincount().tolist()) == {100 // DATASETS[name].classes}
    both = torch.cat([data.train.images, data.validation.images]).flatten(1)
    assert len(both.unique(dim=0)) == GIVEN


def test_the_hash_is_of_every_image_and_label(found, tmp_path, monkeypatch):
    before = found("fashion").sha256
    assert found("fashion", validation=50).sha256 == before
    changed = published.fashion("")["t10k-images-idx3-ubyte"]
    changed = changed[:-1] + bytes([changed[-1] ^ 1])
    put(tmp_path / "data", {"t10k-images-idx3-ubyte": changed}, monkeypatch)
    for name in published.fashion():
        (tmp_path / "data" / name).unlink()
    rest = published.fashion("")
    del rest["t10k-images-idx3-ubyte"]
    put(tmp_path / "data", rest, monkeypatch)
    assert load(config("fashion")).sha256 != before


def test_synthetic_images_are_noise_of_the_mean_and_spread_that_are_stated():
    raw, facts = READ["synthetic"](), DATASETS["synthetic"]
    assert raw.train.images.shape == (50_000, 3, 32, 32)
    assert raw.test.images.shape == (10_000, 3, 32, 32)
    assert (
        raw.train.images[0, 0, 0, :4].tolist()
        == READ["synthetic"]().train.images[0, 0, 0, :4].tolist()
    )
    some = raw.train.images[:2000]
    assert some.mean() == pytest.approx(facts.mean[0], abs=0.2)
    assert some.std() == pytest.approx(facts.std[0], abs=0.2)
    assert set(np.bincount(raw.train.labels)) == {5_000}


@pytest.mark.skipif(not sources.DEBIAN.is_dir(), reason="dataset-fashion-mnist is not installed")
def test_fashion_mnist_as_debian_has_it(monkeypatch):
    monkeypatch.delenv("VITPRUNE_DATA", raising=False)
    data, facts = load(config("fashion", 5000)), DATASETS["fashion"]
    assert [len(p) for p in (data.train, data.validation, data.test)] == [55_000, 5_000, 10_000]
    assert set(data.validation.labels.bincount().tolist()) == {500}
    pixels = data.train.images[:20_000].float()
    assert pixels.mean().item() == pytest.approx(facts.mean[0], abs=0.5)
    assert pixels.std().item() == pytest.approx(facts.std[0], abs=0.5)

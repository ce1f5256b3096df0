import pytest
import torch

from vitprune_core.engine.data import load
from vitprune_core.engine.sources import DataError, locate
from vitprune_core.spec import request


def digits(seed=0, **data):
    overrides = [f"data.{k}={v}" for k, v in data.items()] + ["device=cpu"]
    return load(request.load("dense", "digits", overrides, seed=seed).config)


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


def test_pixels_are_scaled_to_one():
    images = digits().train.images
    assert images.shape[1:] == (1, 8, 8)
    assert (images.min(), images.max()) == (-1, 1)


def test_a_dataset_without_a_loader_says_so():
    with pytest.raises(DataError, match="the loader of cifar10 is not there yet"):
        locate("cifar10")

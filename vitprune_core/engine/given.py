"""A dense model of the user's own: weights by logical key in one safetensors file."""

import hashlib
import math
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from vitprune_core.engine.state import Tensors
from vitprune_core.engine.vit import ViT
from vitprune_core.spec.config import Config

TOLD = 3
"""Keys that an error names before it only counts."""


class GivenError(RuntimeError):
    """The file is not a model of this workload."""

    code = 2
    """The request is wrong."""


def read_given(config: Config) -> Tensors:
    """Every parameter in fp32, on the CPU; raises `GivenError`."""
    assert config.dense is not None
    file = config.dense.file
    try:
        data = Path(file).read_bytes()
        found = load(data)
    except OSError as error:
        raise GivenError(f"dense.file {file}: {error.strerror}") from None
    except (SafetensorError, KeyError) as error:  # KeyError: a number format that torch has not
        raise GivenError(f"dense.file {file}: not a safetensors file for torch: {error}") from None
    sha256 = hashlib.sha256(data).hexdigest()
    if config.dense.sha256 not in (None, sha256):
        what = f"its SHA-256 is {sha256}, not {config.dense.sha256}"
        raise GivenError(f"dense.file {file}: it has changed: {what}")
    if wrong := list(_wrong(found, config)):
        raise GivenError(f"dense.file {file}: {'; '.join(wrong)}")
    return {name: tensor.float() for name, tensor in found.items()}


def check_answers(config: Config, loss: float) -> None:
    """Numbers may be so large that no answer is one; raises `GivenError`."""
    assert config.dense is not None
    if not math.isfinite(loss):
        raise GivenError(f"dense.file {config.dense.file}: its loss on these images is no number")


def _wrong(found: Tensors, config: Config) -> Iterable[str]:
    """Why these are not the weights of the config's model."""
    with torch.device("meta"):
        expected = dict(ViT(config.model, config.data).named_parameters())
    for what, names in (
        ("keys are missing", [n for n in expected if n not in found]),
        ("keys are unknown", [n for n in found if n not in expected]),
    ):
        if names:
            yield f"{len(names)} {what}: {_some(names)}"
    both = [n for n in expected if n in found]
    shapes = {n: (tuple(found[n].shape), tuple(expected[n].shape)) for n in both}
    if other := [
        f"{n} is {have}, not {need}" for n, (have, need) in shapes.items() if have != need
    ]:
        yield f"{len(other)} shapes differ: {_some(other)}"
    if kinds := [f"{n} is {found[n].dtype}" for n in both if not found[n].is_floating_point()]:
        yield f"{len(kinds)} are no floating-point numbers: {_some(kinds)}"
    elif broken := [n for n in both if not found[n].float().isfinite().all()]:
        yield f"{len(broken)} hold a number that is none: {_some(broken)}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return f"{', '.join(names[:TOLD])}{more}"

"""`auto` is resolved once, by what the machine has."""

import pytest
import torch

from vitprune_core.engine import device
from vitprune_core.engine.device import DeviceError, compute_with, fingerprint, resolve
from vitprune_core.engine.vit import ViT
from vitprune_core.spec.config import dump
from vitprune_core.spec.request import load

AUTO = ("device=auto", "precision=auto", "kernels=auto")


@pytest.fixture
def machine(monkeypatch):
    """`machine(cuda=True, bf16=True, compiler=True, cpu={...})`: what torch will find."""

    def make(cuda=False, bf16=False, compiler=True, cpu=None):
        found = {"architecture": "x86_64", "avx2": True, **(cpu or {})}
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
        monkeypatch.setattr(device, "has_compiler", lambda: compiler)

    return make


def resolved(*overrides):
    config = resolve(load("dense", "cifar10", [*AUTO, *overrides]).config)
    return config.device, config.precision, config.kernels


def test_without_cuda_it_is_the_cpu_in_fp32(machine):
    machine()
    assert resolved() == ("cpu", "fp32", "eager")


@pytest.mark.parametrize("word", ["avx512_bf16", "amx_bf16", "bf16", "sve_bf16"])
def test_a_cpu_with_instructions_for_bf16_uses_them(machine, word):
    machine(cpu={word: True})
    assert resolved() == ("cpu", "bf16", "eager")
    machine(cpu={word: False})
    assert resolved() == ("cpu", "fp32", "eager")


@pytest.mark.parametrize(
    ("bf16", "compiler", "expected"),
    [
        (True, True, ("cuda", "bf16", "compiled")),
        (False, True, ("cuda", "fp32", "compiled")),
        (True, False, ("cuda", "bf16", "eager")),
    ],
)
def test_cuda_is_taken_where_it_is(machine, bf16, compiler, expected):
    machine(cuda=True, bf16=bf16, compiler=compiler)
    assert resolved() == expected


def test_what_is_asked_for_is_never_chosen_again(machine):
    machine(cuda=True, bf16=True, cpu={"amx_bf16": True})
    assert resolved("device=cpu") == ("cpu", "bf16", "eager")
    assert resolved("precision=fp32") == ("cuda", "fp32", "compiled")
    assert resolved("kernels=eager") == ("cuda", "bf16", "eager")
    machine()
    asked = ("device=cpu", "precision=bf16", "kernels=compiled")
    assert resolved(*asked) == ("cpu", "bf16", "compiled")


def test_cuda_that_is_not_there_is_told_with_the_choices(machine):
    machine()
    with pytest.raises(DeviceError, match="finds no CUDA device here; choices: auto, cpu"):
        resolved("device=cuda")


def test_a_resolved_config_resolves_to_itself_on_any_machine(machine, preset):
    machine(cpu={"amx_bf16": True})
    config = resolve(load("dense", "digits", AUTO).config)
    machine()
    assert load(preset(dump(config), "config.yaml")).config == config
    assert resolve(config) == config


@pytest.mark.parametrize("changed", ["precision=bf16", "kernels=compiled"])
def test_how_it_is_computed_is_part_of_the_fingerprint_and_of_the_dense_model(changed):
    plain, other = (
        fingerprint(resolve(load("dense", "digits", ["device=cpu", word]).config), "data")
        for word in ("kernels=eager", changed)
    )
    key = changed.partition("=")[0]
    assert {k for k in plain if plain[k] != other[k]} == {key, "dense", "config"}


@pytest.mark.parametrize(("kernels", "compiled"), [("eager", False), ("compiled", True)])
def test_the_model_is_compiled_where_it_is_asked_for(tiny, monkeypatch, kernels, compiled):
    asked = []
    monkeypatch.setattr(ViT, "compile", lambda model, **how: asked.append(how))
    config = tiny("dense", f"kernels={kernels}").config
    compute_with(ViT(config.model, config.data), config)
    assert asked == ([{"dynamic": False}] if compiled else [])


@pytest.mark.parametrize(("path", "has"), [("", False), (None, True)])
def test_a_compiler_is_looked_for_by_its_name(monkeypatch, tmp_path, path, has):
    (tmp_path / "gcc").write_text("")
    (tmp_path / "gcc").chmod(0o755)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path) if path is None else path)
    assert device.has_compiler() is has
    monkeypatch.setenv("CC", "none")
    assert not device.has_compiler()

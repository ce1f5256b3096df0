"""`auto` is resolved once, by what the machine has."""

import subprocess
import sys

import pytest
import torch

from vitprune_core.engine import check, device
from vitprune_core.engine.data import load as load_data
from vitprune_core.engine.device import DeviceError, fingerprint, prepare, resolve
from vitprune_core.engine.execute import execute
from vitprune_core.engine.vit import ViT
from vitprune_core.spec.config import dump
from vitprune_core.spec.request import load
from vitprune_core.store.rundir import RunDir

AUTO = ("device=auto", "precision=auto", "kernels=auto")


@pytest.fixture
def machine(monkeypatch):
    """`machine(cuda=True, bf16=True, compiler=True, cpu={...})`: what torch will find."""

    def make(cuda=False, bf16=False, compiler=True, cpu=None):
        found = {"architecture": "x86_64", "avx2": True, **(cpu or {})}
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
        monkeypatch.setattr(device, "compiles", lambda on: compiler)

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
def test_a_run_compiles_its_model_where_it_is_asked_for(
    tiny, monkeypatch, tmp_path, kernels, compiled
):
    asked = []
    monkeypatch.setattr(ViT, "compile", lambda model, **how: asked.append(how))
    config = tiny("dense", f"kernels={kernels}", "train.epochs=1").config
    list(execute(config, load_data(config), RunDir(tmp_path / "run").create()))
    assert asked == ([{"dynamic": False}] if compiled else [])


@pytest.mark.parametrize(("on", "name", "own"), [("cuda", "gcc", "CC"), ("cpu", "clang++", "CXX")])
def test_a_compiler_is_looked_for_by_its_name(monkeypatch, tmp_path, on, name, own):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(own, raising=False)
    assert not device.compiles(on)
    (tmp_path / name).write_text("")
    (tmp_path / name).chmod(0o755)
    assert device.compiles(on)
    monkeypatch.setenv(own, "none")
    assert not device.compiles(on)


def test_compiled_kernels_without_a_compiler_or_for_an_old_gpu_are_refused(monkeypatch, tmp_path):
    with monkeypatch.context() as patched:
        patched.setattr(torch.cuda, "get_device_capability", lambda: (6, 0))
        patched.setattr(device.shutil, "which", lambda name: name)
        assert not device.compiles("cuda")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(DeviceError, match=r"kernels compiled: on cpu .* choices: auto, eager"):
        resolved("device=cpu", "kernels=compiled")


@pytest.mark.parametrize("asked", ["kernels=compiled", "device=cuda"])
def test_what_this_machine_has_not_is_told_before_images_are_fetched(machine, monkeypatch, asked):
    fetched = []
    monkeypatch.setattr(check, "obtain", fetched.append)
    machine(compiler=False)
    with pytest.raises(DeviceError, match="choices: auto"):
        check.check(load("dense", "cifar10", [*AUTO, asked]).config)
    assert not fetched
    check.check(load("dense", "cifar10", AUTO).config)
    assert fetched == ["cifar10"]


def test_a_run_that_need_not_repeat_is_not_bound_by_one_before_that_had_to(tiny, monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        for deterministic in (True, False):
            prepare(tiny("dense", f"deterministic={str(deterministic).lower()}").config)
            assert torch.are_deterministic_algorithms_enabled() is deterministic
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_process_that_need_not_repeat_does_not_load_the_compiler():
    """It takes torch seconds, at the start of every worker."""
    words = "from vitprune_core.spec.request import load\n"
    words += "from vitprune_core.engine.device import prepare\nimport sys\n"
    words += "prepare(load('dense', 'digits', ['device=cpu']).config)\n"
    words += "print([name for name in ('torch._dynamo', 'torch._inductor') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_device_is_told_with_its_instructions_for_bf16(machine):
    machine(cpu={"avx512_bf16": True})
    assert device.device_name("cpu").endswith(" avx512_bf16")
    machine()
    assert "bf16" not in device.device_name("cpu")

"""From a study's name to what it asks for or what is wrong with it. Only threads import this."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vitprune_core.spec.claims import Finding, comparisons, sparsities
from vitprune_core.spec.config import Config, as_dict
from vitprune_core.spec.plan import plan
from vitprune_core.spec.source import SpecError
from vitprune_core.spec.study import Planned, Study, load_study
from vitprune_core.store.speed import seconds_per_epoch
from vitprune_core.store.studydir import StudyDir
from vitprune_tui.doing.sweeping import as_declared, usual_jobs
from vitprune_tui.facts.request import Arm, Claim, Sweep
from vitprune_tui.facts.written import written

SAID = ("workload", "seed", "prune.sparsities")
"""What is told of all arms, or beside each."""


def judge(name: str, workload: str | None, folder: Path) -> Sweep:
    """What the study would be in this runs folder; of a wrong one all problems."""
    try:
        study = load_study(name, workload)
        problems = tuple(_otherwise(study, StudyDir(folder / study.folder)))
    except SpecError as error:
        told = tuple(dict.fromkeys(map(str, error.problems)))
        return Sweep(name, workload or "", told)
    runs, file = list(study.runs(study.file.seeds[:1])), study.file
    epochs, retrainings = _cost(runs)
    number, limits = len(file.seeds), file.thresholds
    return Sweep(
        name=name,
        workload=study.workload,
        problems=problems,
        folder=study.folder,
        arms=tuple(_arms(study.arms)),
        seeds=file.seeds,
        looks=study.looks,
        claims=tuple(_claim(key, finding) for key, finding in file.findings.items()),
        thresholds=(limits.smallest, limits.margin, limits.alpha),
        retrainings=retrainings * number,
        epochs=epochs * number,
        jobs=usual_jobs(study),
        seconds=_seconds(folder, study.folder, runs[0].config),
    )


def _otherwise(study: Study, home: StudyDir) -> Iterator[str]:
    """Why a study of this name cannot be begun: another one was, and cannot change any more."""
    if home.hash is not None and as_declared(study, home).hash != home.hash:
        what = "was declared with other arms, seeds, looks or thresholds"
        yield f"{home.study} {what}: what decides cannot change after the first run"


def _cost(runs: list[Planned]) -> tuple[int, int]:
    """Epochs and retrainings of a seed; its arms share dense models."""
    plans = [plan(run.config) for run in runs]
    dense = max(steps.dense.epochs for steps in plans)
    epochs = dense + sum(steps.epochs - steps.dense.epochs for steps in plans)
    cycles = [run.config.retrain.cycles for run in runs]
    return epochs, sum(len(p.rounds) * each for p, each in zip(plans, cycles, strict=True))


def _seconds(folder: Path, name: str, config: Config) -> float | None:
    asked = as_dict(config)
    try:
        return seconds_per_epoch(folder / name, asked) or seconds_per_epoch(folder, asked)
    except OSError:  # a run was moved away this moment
        return None


def _arms(arms: Mapping[str, Config]) -> Iterator[Arm]:
    """Each by what most others have otherwise."""
    flat = {name: dict(_flat(as_dict(config))) for name, config in arms.items()}
    keys = dict.fromkeys(key for values in flat.values() for key in values)
    usual = {key: Counter(values.get(key) for values in flat.values()) for key in keys}
    common = {key: counted.most_common(1)[0][0] for key, counted in usual.items()}
    for name, config in arms.items():
        mine = flat[name]
        differs = [(k, mine[k]) for k in mine if mine[k] != common[k] and k not in SAID]
        yield Arm(name, sparsities(config), tuple((k.rpartition(".")[2], v) for k, v in differs))


def _flat(config: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, written(value)


def _claim(name: str, finding: Finding) -> Claim:
    parts = list(comparisons(finding))
    beside = sum(part.beside for part in parts)
    return Claim(name, finding.claim, finding.caveat, len(parts) - beside, beside)

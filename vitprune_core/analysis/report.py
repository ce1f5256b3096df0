"""Studies as a Markdown report: findings first, then figures, tables, costs and how to repeat it.

Written for somebody who knows only the claims. All text from files is escaped where it is put in;
numbers come from `findings` and `summaries`, pictures by name from `illustrations`.
"""

import shlex
from collections.abc import Mapping, Sequence

from vitprune_core.analysis.checklist import checklist
from vitprune_core.analysis.findings import Verdict
from vitprune_core.analysis.gather import Gathered
from vitprune_core.analysis.illustrations import Illustration
from vitprune_core.analysis.reading import how_to_read
from vitprune_core.analysis.report_findings import findings, image, otherwise, word_of
from vitprune_core.analysis.results import arms, mean_sd, results, spent
from vitprune_core.analysis.units import unit
from vitprune_core.analysis.wording import because
from vitprune_core.spec.datasets import DATASETS
from vitprune_core.spec.numbers import several, sparsity
from vitprune_core.spec.shape import sizes
from vitprune_core.store.clean import cell, clean, prose
from vitprune_core.store.export import bullets, fenced, table

Pictures = Mapping[str, Sequence[Illustration]]
"""Folder of a study -> its illustrations, in order."""


def markdown(gathered: Sequence[Gathered], pictures: Pictures, note: str = "") -> str:
    """The whole report, GitHub-flavoured; images are looked for in `figures/` beside it.

    `note` is a paragraph of plain text: what whoever reports has to add.
    """
    names = list(dict.fromkeys(g.study.name for g in gathered))
    parts = [
        f"# What was found: {', '.join(map(cell, names))}",
        INTRODUCTION,
        prose(" ".join(note.split())),
        "## At a glance",
        at_a_glance(gathered),
        *disagreements(gathered),
        "## How to read it",
        how_to_read(gathered),
    ]
    for one in gathered:
        parts += _study(one, pictures.get(one.study.folder, ()), alone=len(gathered) == 1)
    parts += ["## Checklist", CHECKLIST, _checklist(gathered)]
    parts += ["## How to repeat it", *repeat(gathered)]
    return "\n\n".join(part for part in parts if part) + "\n"


INTRODUCTION = (
    "Vision Transformers are trained, some of their weights are removed (*pruned*), and what is "
    "left is trained a little more (*retrained*). This report says which conclusions about that "
    "hold up here: on these images and with this model; others may answer otherwise. Arms, seeds, "
    "thresholds and comparisons were declared, and hashed, before the first run; a refuted "
    "conclusion is a result like any other."
)


def at_a_glance(gathered: Sequence[Gathered]) -> str:
    """A line a finding, a column a study and workload."""
    names = [g.study.workload if _one_name(gathered) else g.study.folder for g in gathered]
    claims: dict[str, str] = {}
    for g in gathered:
        for v in g.verdicts:
            claims.setdefault(v.id, v.claim)
    of = [{v.id: v for v in g.verdicts} for g in gathered]
    rows = [
        [id, claim, *(_glance(found.get(id), g) for found, g in zip(of, gathered, strict=True))]
        for id, claim in claims.items()
    ]
    if len(gathered) == 1:
        names.append("because")
        for row, verdict in zip(rows, gathered[0].verdicts, strict=True):
            row.append(because(verdict, gathered[0].study.file.thresholds))
    if not rows:
        return "No finding is declared: what follows are figures and tables."
    return table(("", "conclusion", *names), rows)


def _glance(verdict: Verdict | None, g: Gathered) -> str:
    if verdict is None:
        return ""
    first = f" of {min(g.study.looks)}" if verdict.look is None and g.study.looks else ""
    return f"{word_of(verdict)} ({verdict.seeds}{first} seeds)"


def _one_name(gathered: Sequence[Gathered]) -> bool:
    return len({g.study.name for g in gathered}) == 1


def disagreements(gathered: Sequence[Gathered]) -> list[str]:
    """Where the workloads of a study come to different verdicts, in one paragraph a study."""
    found = []
    for name in dict.fromkeys(g.study.name for g in gathered):
        alike = [g for g in gathered if g.study.name == name]
        if len(alike) > 1:
            found += ["### Where workloads disagree", _disagreement(alike)]
    return found


def _disagreement(alike: Sequence[Gathered]) -> str:
    by_id: dict[str, dict[str, Verdict]] = {}
    for g in alike:
        for verdict in g.verdicts:
            by_id.setdefault(verdict.id, {})[g.study.workload] = verdict
    told = []
    for id, verdicts in by_id.items():
        if len({v.verdict for v in verdicts.values()}) > 1:
            words = [f"{v.verdict} on {workload}{_effect(v)}" for workload, v in verdicts.items()]
            told.append(f"{id} is {', '.join(words)}.")
    if not told:
        return prose(f"They do not: all {len(by_id)} verdicts are the same on every workload.")
    open_ = " Inconclusive is no contradiction: there it is not known yet."
    return prose(" ".join(told)) + (open_ if "inconclusive" in " ".join(told) else "")


def _effect(verdict: Verdict) -> str:
    known = [c for c in verdict.comparisons if c.effect == verdict.effect]
    return f" ({unit(known[0]).told(verdict.effect)})" if known and verdict.effect else ""


def _study(g: Gathered, pictures: Sequence[Illustration], alone: bool) -> list[str]:
    """All sections of one study on one workload."""
    h = "##" if alone else "###"
    heading = [] if alone else [f"## {cell(g.study.name)} on {cell(g.study.workload)}"]
    return [
        *heading,
        f"{h} Findings",
        *cautions(g),
        *findings(g, pictures, f"{h}#"),
        f"{h} What was run",
        overview(g),
        ARMS,
        *arms(g),
        *_figures([p for p in pictures if p.finding is None], h),
        f"{h} Results",
        *results(g),
        *_chapter(f"{h} The comparisons in other ways", otherwise(g)),
        f"{h} Costs and environment",
        *spent(g),
    ]


def _chapter(heading: str, parts: Sequence[str]) -> list[str]:
    """None without anything in it."""
    return [heading, *parts] if parts else []


ARMS = (
    "What each arm does. Global: weights of all its matrices are ranked together; layerwise: "
    "inside each matrix; random, as global: as many of each matrix as global would remove, but "
    "others. Optimizer: its moments are kept from dense training, or reset."
)


def overview(g: Gathered) -> str:
    c, size, facts = g.config, sizes(g.config), DATASETS[g.config.data.name]
    model = c.model
    dense = g.dense
    sizes_of = sorted({len(images.correct) for images in g.tables.images.values()})
    number = " or ".join(f"{size:,}" for size in sizes_of)
    tested = f" Every seed is tested on {number} images." if sizes_of else ""
    reached = ""
    if dense:
        how = f"mean ± standard deviation over {dense.n} seeds" if dense.n > 1 else "1 seed"
        reached = f" Dense test accuracy is {mean_sd(dense, 1)} % ({how})."
    return prose(
        f"Workload {g.study.workload}: the data set {c.data.name} ({facts.side}x{facts.side} "
        f"pixels, {facts.classes} classes) and a Vision Transformer of {model.depth} blocks with "
        f"{model.heads} heads, width {model.width}, MLP {model.mlp} and patches of "
        f"{model.patch}x{model.patch} pixels ({size['parameters']:,} parameters, "
        f"{size['prunable']:,} of them in the matrices that are pruned), trained for "
        f"{c.train.epochs} epochs.{tested}{reached} "
        f"The study has {several(len(g.study.arms), 'arm')} and "
        f"{several(len(g.study.file.seeds), 'seed')}; verdicts are made after "
        f"{' and '.join(map(str, g.study.looks)) or 'no number of'} seeds."
    )


def cautions(g: Gathered) -> list[str]:
    """What the reader must know before believing any of it."""
    said = []
    if g.declared != g.study.hash:
        said.append(
            f"The study's file was declared with hash {g.declared or '(none)'} and now has "
            f"{g.study.hash}: it was changed after its runs had begun, or is of another version "
            "of vitprune. What decides may have been chosen after the results."
        )
    if g.missing:
        number, of_each = len(g.study.arms), len(g.study.file.seeds)
        whole, runs = f"{several(number, 'arm')} x {several(of_each, 'seed')}", number * of_each
        done = f"{runs - len(g.missing):,} of {several(runs, 'run')}"
        said.append(f"{done} ({whole}) are done so far.")
    lost = [level for of in g.levels.values() for level in of if level.diverged]
    if lost:
        which = ", ".join(f"{x.arm} at {sparsity(x.asked)} ({x.diverged})" for x in lost)
        said.append(f"Training diverged, which counts as a guess: {which}.")
    if g.differing:
        said.append(f"{several(g.differing, 'level')} came out with other weights in two folders.")
    return [bullets(said)] if said else []


def _figures(pictures: Sequence[Illustration], h: str) -> list[str]:
    if not pictures:
        return []
    parts = [f"{h} Figures", FIGURES]
    for picture in pictures:
        parts += [f"{h}# {cell(picture.title)}", prose(picture.caption), image(picture)]
    return parts


FIGURES = (
    "Test accuracy against the share of weights removed. Equal steps to the right divide what is "
    "left by equal factors (80, 90 and 95 % are one halving apart each); lines are means over "
    "seeds, bands reach from the lowest to the highest seed. Each panel holds arms that differ in "
    "one choice only; its title says what else they have in common."
)


CHECKLIST = (
    "What Blalock et al. 2020 ([arXiv:2003.03033](https://arxiv.org/abs/2003.03033)) ask of a "
    "report of pruning results, and what is missing here."
)


def _checklist(gathered: Sequence[Gathered]) -> str:
    return table(("asked for", "met", "here"), checklist(gathered))


def repeat(gathered: Sequence[Gathered]) -> list[str]:
    """Exact commands, and the files they start from."""
    sweeps = [
        shlex.join(("vitprune", "sweep", file_of(g, gathered), *_seeds(g), "--runs", "runs"))
        for g in gathered
    ]
    folders = [f"runs/{clean(g.study.folder)}" for g in gathered]
    report = shlex.join(("vitprune", "report", *folders, "-o", "report.md"))
    files = [f"{file_of(g, gathered)} (hash {g.study.hash})" for g in gathered]
    return [
        prose(f"What was declared lies beside this report: {' and '.join(files)}. So:"),
        fenced("\n".join([*sweeps, report]), "sh"),
        "On the same kind of device and with the same versions results.csv comes out the same, "
        "byte for byte. One arm with one seed alone is `vitprune run CONFIG`, with the "
        "`config.yaml` that lies in the folder of its run. For one conclusion alone, save the file "
        "under another name with only that finding and its arms: it is another study then, with "
        "the same runs and less to correct for.",
    ]


def _seeds(g: Gathered) -> tuple[str, ...]:
    """Those that are whole, where not all are: as `--seeds` has them."""
    gone = {seed for _, seed in g.missing}
    whole = [seed for seed in g.study.file.seeds if seed not in gone]
    if not gone or not whole:
        return ()
    in_a_row = whole == list(range(whole[0], whole[-1] + 1)) and len(whole) > 1
    return "--seeds", f"{whole[0]}-{whole[-1]}" if in_a_row else ",".join(map(str, whole))


def file_of(g: Gathered, gathered: Sequence[Gathered]) -> str:
    """Where its study is written down, beside the report and over nobody's own file.

    A study is called after its file, so that those of several workloads lie in folders.
    """
    name = f"{clean(g.study.name)}.yaml"
    namesakes = sum(other.study.name == g.study.name for other in gathered) > 1
    return f"declared/{clean(g.study.workload)}/{name}" if namesakes else f"declared/{name}"

"""How a report is to be read: its words, and how its verdicts are made."""

from collections.abc import Iterator, Sequence

from vitprune_core.analysis.findings import family
from vitprune_core.analysis.gather import Gathered
from vitprune_core.analysis.sentences import plain
from vitprune_core.spec.numbers import several
from vitprune_core.store.export import bullets

WORDS = (
    "An arm is one way to prune and retrain; the table under What was run says what each "
    "does. Dense is the trained model before pruning, a control the dense model "
    "retrained without pruning, for as long as that table says. A random arm takes the "
    "mask of the method that it is named after and shuffles it inside each matrix: as "
    "many weights go, but other ones. Of the layers, qk are queries and keys, vo values "
    "and attention outputs, mlp both feed-forward matrices.",
    "Accuracy is top-1, after retraining, on test images that nothing was chosen by. A "
    "point is one hundredth of them: 97 % against 95 % is 2 points. Training that "
    "diverged counts as a guess.",
    "A seed is one repetition with its own split, starting weights and order of images. "
    "All arms of a seed start from the same dense model, so differences are taken seed "
    "by seed. A look is a number of seeds, declared beforehand, after which verdicts are "
    "made.",
)


def how_to_read(gathered: Sequence[Gathered]) -> str:
    """Without findings no word on how they are decided."""
    decided = any(g.verdicts for g in gathered)
    return bullets([*WORDS, *(_decided(gathered) if decided else ())])


def _decided(gathered: Sequence[Gathered]) -> Iterator[str]:
    thresholds = [g.study.file.thresholds for g in gathered]
    alpha = ", ".join(dict.fromkeys(f"{t.alpha:g}" for t in thresholds))
    families = ", ".join(_family(g) for g in gathered)
    smallest = ", ".join(dict.fromkeys(plain(t.smallest) for t in thresholds))
    margins = ", ".join(dict.fromkeys(plain(t.margin) for t in thresholds))
    yield (
        "The interval is where the mean over all possible seeds is likely to be (paired t). "
        "It is made wider, and p larger, for all that is asked at once (Bonferroni: "
        f"{families}), so that the chance of any wrong verdict on a workload is below "
        f"{alpha}; what stands in brackets is judged as strictly and not counted. Before the "
        "first look there is no p, and the interval is the usual 95 % one."
    )
    yield (
        "p belongs to the mark that it is told against: how often a mean so far from that "
        "mark would come out if the truth lay on it, times all that is asked, at most 1. A "
        "small p against 80 % where 30 % were seen says that it is not 80 %, not that 30 % "
        "are much."
    )
    yield (
        "Supported: the whole interval lies on the right side of its mark. Refuted: on the "
        f"other; of an advantage below {smallest}, the smallest that matters. Inconclusive: "
        "neither, or too few seeds. A conclusion of several comparisons needs all of them to "
        "hold; one that fails refutes it."
    )
    yield (
        f"A difference below {smallest} is called small. A loss within {margins} counts as "
        "equal where nothing else is said. Share brought back: (accuracy after retraining - "
        "before) / (control - before). Variance ratio: how much the kept shares of the rows, "
        "columns or heads of a mask vary, over the same mask shuffled; 1 is chance. Part of a "
        "head: its rows in q, k or v, or its columns in o."
    )
    yield (
        "Fragile: without any correction, flipping signs or drawing seeds and images again "
        "comes to another verdict than paired t without correction."
    )


def _family(g: Gathered) -> str:
    looks = several(max(len(g.study.looks), 1), "look")
    return f"{several(family(g.study), 'comparison')} x {looks}"

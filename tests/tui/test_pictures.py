"""What the finished views look like, compared with what was accepted: tests/tui/pictures/.

`VITPRUNE_SCREENS=write pytest tests/tui/test_pictures.py` accepts what they look like now. Without
colour a screen has the same characters as with it; in ASCII there is a picture of its own.
"""

import time
from functools import partial

import numpy as np
import pytest

from tests.tui import screens
from tests.tui.bench import created, finished, opened, started, until
from tests.tui.bench import dense as dense_trained
from tests.tui.bench import epoch as an_epoch
from vitprune_core.spec.config import level_name
from vitprune_core.store import events as e
from vitprune_core.store import grids
from vitprune_core.store.log import encode
from vitprune_core.store.rundir import RunDir

SIZES = [(50, 14), (80, 24), (120, 40), (200, 60)]
BEGUN = 1_800_000_000.0
SIDE, HEADS = 12, 3
KEYS = {"bench": "1", "live": "2", "curves": "3", "masks": "4", "runs": "5"}


def written(folder, name, begun, *told, **config):
    """A run whose every record came half a second after the one before."""
    run = RunDir(folder / name).create()
    events = [created(**config), *told]
    run.log.write_bytes(
        b"".join(
            encode(i + 1, min(i, 1), begun + i / 2, 0.5, event) for i, event in enumerate(events)
        )
    )
    return run


def with_masks(run, sparsity):
    """A mask of every matrix: the more is removed, the more whole rows are."""
    matrices, arrays, draw = {}, {}, np.random.default_rng(round(100 * sparsity))
    for block in range(2):
        for kind in ("attn.q", "attn.k", "attn.v", "attn.o", "mlp.fc1", "mlp.fc2"):
            kept = draw.random((SIDE, SIDE)) >= sparsity
            kept[: round(SIDE * (sparsity - 0.5))] = False
            name = f"blocks.{block}.{kind}"
            arrays |= {name: np.packbits(kept), f"{name}:shape": np.array(kept.shape)}
            matrices[name] = a_grid(kept, kind)
    level = level_name(sparsity)
    np.savez_compressed(run.mask(level), **arrays)
    grids.save(run.grid(level), grids.Grids(sparsity, matrices))


def a_grid(kept, kind):
    in_heads = kind.startswith("attn")
    return grids.Grid(
        shape=kept.shape,
        cells=grids.encode(kept.astype(float).tolist()),
        head_axis=(1 if kind == "attn.o" else 0) if in_heads else None,
        heads=HEADS if in_heads else None,
        density=float(kept.mean()),
        dead_rows=int((~kept.any(1)).sum()),
        dead_columns=int((~kept.any(0)).sum()),
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Runs that are done, one that diverged and one whose process is gone."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.chdir(tmp_path)  # what is shown of paths is the same everywhere
    runs = tmp_path / "runs"
    done = written(runs, "global-s0", BEGUN, *finished(0.5, 0.9))
    for sparsity in (0.5, 0.9):
        with_masks(done, sparsity)
    written(runs, "random-s0", BEGUN + 60, *finished(0.5, 0.9), preset="oneshot_random", seed=1)
    begun = [started(), *(an_epoch(i, loss=2.0 - i / 4) for i in range(4)), dense_trained()]
    where = {"round": 1, "sparsity_asked": 0.5, "level": 0.5, "step": 3, "epoch": 2, "lr": 1e-3}
    written(runs, "wild", BEGUN + 120, *begun, e.Diverged(**where, gradient_norm=1e9))
    written(runs, "gone", BEGUN + 180, e.Starting(host="bench", pid=1), *begun)
    yield runs
    monkeypatch.undo()
    time.tzset()


async def pictures(folder, size, **options):
    """Each view as it is when all is read, by its name: characters, and how they are styled."""
    shown = {}
    async with opened(folder.relative_to(folder.parent), size, **options) as pilot:
        app = pilot.app
        app.become(shown="global-s0", marked=("global-s0", "random-s0"), baseline="global-s0")
        for view, key in KEYS.items():
            await pilot.press(key)
            await until(pilot, partial(at_rest, app, view))
            shown[view] = screens.text(app), screens.styles(app)
    return shown


def at_rest(app, view):
    """Everything that threads read is there."""
    if len(app.state.lab.opened) < 2 or app.workers._workers or app.at_work:
        return False
    text = screens.text(app)
    known = "neurons" in text or "workload:" in text
    waits = {"bench": known and "ETA ..." not in text, "masks": "reading" not in text}
    return waits.get(view, True)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_views_look_as_accepted_and_say_the_same_without_colour(folder, size):
    coloured = await pictures(folder, size)
    for view, (text, styles) in coloured.items():
        screens.same(f"{view}-{size[0]}x{size[1]}", f"{text}\n--\n{styles}\n")
    plain = await pictures(folder, size, plain=True)
    assert {view: text for view, (text, _) in plain.items()} == {
        view: text for view, (text, _) in coloured.items()
    }
    assert not any(colour in styles for _, styles in plain.values() for colour in ("#", "on "))


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_views_in_ascii_look_as_accepted(folder, size):
    for view, (text, _) in (await pictures(folder, size, ascii=True)).items():
        assert text.isascii()
        screens.same(f"{view}-{size[0]}x{size[1]}-ascii", f"{text}\n")

"""What the finished views look like, compared with what was accepted: tests/tui/pictures/.

`VITPRUNE_SCREENS=write pytest tests/tui/test_pictures.py` accepts what they look like now. Without
colour a screen has the same characters as with it; in ASCII there is a picture of its own.
"""

import json
import shutil
import time
from functools import partial

import numpy as np
import pytest

from tests.tui import screens
from tests.tui.bench import created, finished, opened, started, until
from tests.tui.bench import dense as dense_trained
from tests.tui.bench import epoch as an_epoch
from tests.tui.studies import a_run, a_study, begun, held
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
            await pilot.pause()
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


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_what_was_found_in_a_mask_looks_as_accepted(folder, size):
    spread = {"ratio": 3.12, "z": 14.2, "p": 1 / 300}
    found = {"rows": spread, "columns": {"ratio": 0.96, "z": -0.3, "p": 0.64}, "heads": spread}
    matrices = (f"blocks.{b}.{kind}" for b in range(2) for kind in ("attn.q", "mlp.fc1"))
    described = {name: {"structure": found} for name in matrices}
    RunDir(folder / "global-s0").structure("0.9").write_text(json.dumps(described))
    text, styles = (await pictures(folder, size))["masks"]
    screens.same(f"masks-structure-{size[0]}x{size[1]}", f"{text}\n--\n{styles}\n")


STUDY = """# Two arms, which decide nothing.
workload: digits
seeds: [100, 101]
looks: {digits: []}
arms:
  control: {prune: {sparsities: [0]}}
  global: {prune: {sparsities: [0.5, 0.9]}}
"""


async def of_a_study(folder, size, **options):
    """The bench with a study chosen; of one that is at work its picture, its row and its runs."""
    shown = {}
    home = a_study(folder)
    works = a_run(home, "global", 102, BEGUN + 400, e.Starting(host="bench", pid=7), *begun())
    name = home.path.name
    hands = (home.hand("bench", 0), home.hands / "bench-0.sweep")
    with held(works.lock, *hands):
        async with opened(folder.relative_to(folder.parent), size, **options) as pilot:
            app = pilot.app
            assert (app.view.room, app.state.study) == ("live", name)

            async def keep(what, key, ready):
                await pilot.press(*key.split())
                await until(pilot, ready)
                await pilot.pause()
                shown[what] = screens.text(app), screens.styles(app)

            def read():
                study = app.state.lab.studies[name]
                return study.results and study.hands and study.declared

            await keep("study", "down", read)
            await keep("study-row", "5", lambda: app.view.table.studies)
            await keep("study-runs", "right", lambda: len(app.view.table.runs) > 5)
            await app.switch("bench")
            await until(pilot, lambda: app.view.desk.presets)
            app.view.choose("studies/mine")
            await keep("study-asked", "down up", lambda: app.view.swept_on)
    return shown


@pytest.fixture
def mine(folder, monkeypatch):
    """A study of the user's own; as many processes as it would get here are two everywhere."""
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1})
    path = folder.parent / "presets" / "studies" / "mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(STUDY)
    return folder


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_a_study_looks_as_accepted_and_says_the_same_without_colour(mine, tmp_path, size):
    coloured = await of_a_study(mine, size)
    for what, (text, styles) in coloured.items():
        screens.same(f"{what}-{size[0]}x{size[1]}", f"{text}\n--\n{styles}\n")
    shutil.rmtree(mine / "small-digits")
    plain = await of_a_study(mine, size, plain=True)
    assert {k: text for k, (text, _) in plain.items()} == {
        k: text for k, (text, _) in coloured.items()
    }
    assert not any(colour in styles for _, styles in plain.values() for colour in ("#", "on "))


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_a_study_in_ascii_looks_as_accepted(mine, size):
    for what, (text, _) in (await of_a_study(mine, size, ascii=True)).items():
        assert text.isascii()
        screens.same(f"{what}-{size[0]}x{size[1]}-ascii", f"{text}\n")

"""Masks: drawn from a few weights that can be checked by eye, and in a run that was made."""

import gc
import json
import os
import shutil
import weakref
from dataclasses import replace
from itertools import product

import pytest

from tests.tui.bench import made, opened, until
from tests.tui.screens import text
from vitprune_core.store.bits import Bits
from vitprune_core.store.events import Level, Starting
from vitprune_core.store.grids import Grid, encode
from vitprune_core.store.log import Log, entries
from vitprune_core.store.rundir import RunDir
from vitprune_tui.draw.glyphs import ASCII, BLOCKS, BRAILLE, EVERY
from vitprune_tui.draw.lines import STYLES, plain, width
from vitprune_tui.draw.masks import levels, scene
from vitprune_tui.draw.masks.block import legend, one
from vitprune_tui.draw.masks.maps import axis, frame, framed, shaded
from vitprune_tui.draw.masks.overview import overview
from vitprune_tui.facts.levels import compare, read
from vitprune_tui.facts.matrices import Masks, Matrix, Spread, Structure, change
from vitprune_tui.views.masks import KEPT
from vitprune_tui.widgets.canvas import Canvas
from vitprune_tui.widgets.dialogs import Pages

KINDS = ("attn.q", "attn.k", "attn.v", "attn.o", "mlp.fc1", "mlp.fc2")


def bits(*rows: str) -> Bits:
    return Bits((len(rows), len(rows[0])), int("".join(rows), 2))


def matrix(*rows: str, name="blocks.0.attn.q", axis=None, heads=None, coarse=False) -> Matrix:
    """Of weights that are kept (1) or gone (0)."""
    made = bits(*rows)
    dead = len(made.dead_rows), len(made.dead_columns)
    cells = encode(made.pooled(*made.shape))
    grid = Grid(made.shape, cells, axis, heads, made.density, *dead)
    return Matrix(name, grid, None if coarse else made)


def shown(lines) -> list[str]:
    return [plain(line).rstrip() for line in lines]


def picture(of: Matrix, columns: int, rows: int, glyphs=BLOCKS, top=1.0) -> list[str]:
    shape = frame(of, columns, rows)
    cells = of.pooled(shape.down.cells, shape.across.cells)
    return shown(framed(shaded(cells, top, glyphs), shape, of, glyphs))


A_DEAD_ROW = ("11110000", "00000000", "11110000", "11110001")


def test_a_dead_row_and_dead_columns_are_marked_in_the_margin():
    assert picture(matrix(*A_DEAD_ROW), 9, 5) == [
        "     ×××",
        " ████····",
        "×········",
        " ████····",
        " ████···█",
    ]


def test_a_mark_tells_whether_all_or_some_of_what_was_pooled_is_dead():
    assert picture(matrix(*A_DEAD_ROW), 6, 3) == ["    ×-", "-▒▒▒··", " ███·░"]


def test_heads_are_named_and_parted_and_told_when_they_are_dead():
    rows = matrix("1111", "1111", "0000", "0000", axis=0, heads=2)
    assert picture(rows, 16, 6) == [
        "",
        "h0  ████",
        "    ████",
        "    ────",
        "×h1×····",
        "   ×····",
    ]
    columns = matrix("1100", "1100", axis=1, heads=2)
    assert picture(columns, 16, 6) == [" h0 ×", "    ××", " ██│··", " ██│··"]


def test_lines_between_heads_give_way_before_heads_do():
    assert (axis(4, 2, 5).ruled, axis(4, 2, 5).cells) == (True, 4)
    assert (axis(4, 2, 2).ruled, axis(4, 2, 2).cells) == (False, 2)
    assert (axis(4, 2, 1).heads, axis(4, 2, 1).cells) == (1, 1)


def test_no_character_crosses_the_border_of_a_head():
    assert axis(12, 2, 9, per=4).spans == [(0, 4), (4, 6), (6, 10), (10, 12)]


def test_a_dot_is_a_weight_where_the_matrix_fits():
    small = matrix("10", "01", "11", "00")
    drawn = shown(one(small, None, 80, 2, BRAILLE))
    assert drawn == ["⠵", "a dot is a weight that is kept  × dead  - partly"]


def test_elsewhere_a_dot_is_as_much_as_the_mean_and_the_legend_says_so():
    large = matrix(*(["11110001"] * 4 + ["00000000"] * 12))
    drawn = shown(one(large, None, 80, 3, BRAILLE))
    assert drawn[-1].startswith("a dot: 15.6 % or more kept of 2x1 weights, the matrix's mean")
    assert drawn[0].strip() == "⠛⠛⠀⠘".replace("⠀", " ")


def test_without_single_weights_the_small_grid_is_drawn():
    drawn = shown(one(matrix(*A_DEAD_ROW, coarse=True), None, 40, 6, BLOCKS))
    assert drawn[:5] == picture(matrix(*A_DEAD_ROW), 40, 6)


def test_the_legend_tells_the_scale_and_the_marks():
    assert plain(legend(0.2, False, ASCII)) == (
        ". none kept  : to 5 %  = to 10 %  * to 15 %  # more  x dead  - partly"
    )
    assert plain(legend(0.2, True, ASCII)).startswith("- there  + here  . same  : to 5 %")


HERE, THERE = matrix("1100", "1010"), matrix("1001", "1010")


def test_a_difference_is_told_by_sign_and_by_shade():
    compared = {HERE.name: change(HERE.bits, THERE.bits)}
    drawn = shown(one(HERE, compared, 20, 4, BLOCKS))
    assert drawn[:2] == [" ·+█ ·-█", " · · · ·"]


def test_how_much_is_kept_in_both_is_told_beside_what_chance_would_do():
    made = change(HERE.bits, THERE.bits)
    assert (made.shares, made.overlap) == ((1 / 8, 1 / 8), 3 / 5)
    assert made.by_chance == pytest.approx(0.25 / 0.75)
    told = shown(levels.sentences(levels.Chosen(HERE, "level 0.5", made)))
    assert told == [
        " block 0 q  25.0 % differ, -12.5 only there, +12.5 only here, there: level 0.5",
        " kept in both: 60.0 % of those kept in either (by chance it would be 33.3 %)",
    ]


def test_two_masks_of_nothing_overlap_in_nothing():
    none = change(bits("00"), bits("00"))
    assert (none.overlap, none.by_chance, none.differing) == (None, None, 0)


VARIED = Structure(
    rows=Spread(ratio=9.51, z=58.97, p=1 / 300),
    columns=Spread(ratio=1.02, z=None, p=0.4),
    heads=Spread(ratio=95.86, z=150.1, p=1 / 300),
)


def test_how_lines_and_heads_vary_is_told_in_as_many_words_as_fit():
    assert [levels.varied(VARIED, room) for room in (119, 100, 79, 49, 9)] == [
        "rows vary 9.51 times as much as shuffled (z 59.0, p 0.003), columns 1.02 (p 0.4),"
        " heads 95.9 (z 150.1, p 0.003)",
        "rows vary 9.51 times as much as shuffled (z 59.0), columns 1.02, heads 95.9 (z 150.1)",
        "vary: rows 9.51x (z 59.0), columns 1.02x, heads 95.9x (z 150.1)",
        "vary: rows 9.51x, columns 1.02x, heads 95.9x",
        "vary: rows 9.51x, columns 1.02x, heads 95.9x",
    ]
    unknown = replace(VARIED, rows=Spread(ratio=None, z=None, p=1), heads=None)
    assert levels.varied(unknown, 79) == "columns vary 1.02 times as much as shuffled (p 0.4)"
    nothing = replace(unknown, columns=unknown.rows)
    assert levels.varied(nothing, 79) == levels.varied(None, 79) == ""


def test_a_matrix_that_is_compared_tells_of_the_difference_only():
    chosen = replace(HERE, structure=VARIED)
    alone = shown(levels.sentences(levels.Chosen(chosen)))
    assert [len(alone), alone[1].startswith(" rows vary 9.51 times")] == [2, True]
    told = shown(
        levels.sentences(levels.Chosen(chosen, "level 0.5", change(HERE.bits, THERE.bits)))
    )
    assert not any("vary" in words for words in told)


def model(depth: int, heads: int = 2) -> list[Matrix]:
    """Of 8 x 8 weights, more of them gone the further it goes."""
    axes = dict(zip(KINDS, (0, 0, 0, 1, None, None), strict=True))
    rows = lambda i: [f"{0b10110101 if y < 8 - i % 8 else 0:08b}" for y in range(8)]  # noqa: E731
    return [
        matrix(
            *rows(block + at), name=f"blocks.{block}.{kind}", axis=axes[kind],
            heads=None if axes[kind] is None else heads,
        )
        for block in range(depth)
        for at, kind in enumerate(KINDS)
    ]  # fmt: skip


def test_the_overview_has_a_row_a_block_and_a_cell_a_matrix():
    drawn = shown(overview(model(7), None, "blocks.0.attn.k", 80, 19, BLOCKS))
    assert drawn[0].split() == ["q", "k", "v", "o", "fc1", "fc2"]
    assert drawn[1].split()[:3] == ["0", "62.5", "%"]
    assert "❯54.7 %" in drawn[1]
    assert [line.split()[0] for line in drawn[1:15:2]] == list("0123456")


def test_a_dead_head_is_a_mark_in_the_overview():
    rows = ["1111"] * 2 + ["0000"] * 2
    drawn = shown(
        overview([matrix(*rows, axis=0, heads=2)], None, "blocks.0.attn.q", 40, 6, BLOCKS)
    )
    assert any(line.strip() == "█×" for line in drawn)


def test_more_blocks_than_fit_come_in_pages_and_a_step_changes_two_cells():
    blocks = model(12)
    first = overview(blocks, None, "blocks.0.attn.q", 80, 19, BLOCKS)
    second = overview(blocks, None, "blocks.1.attn.q", 80, 19, BLOCKS)
    assert "blocks 0-7 of 12" in plain(first[-1])
    assert [y for y, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1]] == [
        1,
        3,
    ]
    last = overview(blocks, None, "blocks.11.attn.q", 80, 19, BLOCKS)
    assert "blocks 4-11 of 12" in plain(last[-1])


SIZES = ((1, 1), (2, 3), (7, 2), (20, 5), (39, 9), (60, 12), (80, 19), (120, 36), (200, 56))


@pytest.mark.parametrize("glyphs", EVERY, ids=lambda glyphs: glyphs.name)
@pytest.mark.parametrize("stage", [scene.OVERVIEW, scene.BLOCK, scene.MATRIX])
def test_every_picture_stays_in_its_room_in_its_own_characters(stage, glyphs):
    for of, (columns, rows), compares in product((model(1), model(12, 4)), SIZES, (False, True)):
        others = reversed(of)
        compared = {m.name: change(m.bits, o.bits) for m, o in zip(of, others, strict=True)}
        for at in (of[0], of[3], of[-1]):
            what = scene.Scene(stage, of, compared if compares else None, at.name)
            drawn = scene.draw(what, columns=columns, rows=rows, glyphs=glyphs)
            assert len(drawn) <= rows
            assert max(map(width, drawn), default=0) <= columns
            assert all(style in STYLES for line in drawn for _, style in line)
            assert glyphs is not ASCII or all(plain(line).isascii() for line in drawn)


@pytest.mark.parametrize("columns", [1, 10, 30, 60, 80, 200])
def test_the_shown_level_is_always_among_those_told(columns):
    place = levels.Place(["0.5", "0.8", "0.9", "0.95", "0.98", "0.99"], "0.9", 0.912, 0.97)
    told = plain(levels.head(place, levels.Chosen(None), columns, 1, ASCII)[0])
    assert len(told) <= columns
    assert "[0.9]" in told or columns < 20
    assert ("test 91.2 %, dense 97.0 %" in told) == (columns >= 60)


async def test_levels_blocks_and_matrices_of_a_run_are_walked_through(a_run, monkeypatch):
    monkeypatch.setenv("VITPRUNE_RUNS", str(a_run.path.parent))
    async with opened(a_run.path.parent) as pilot:
        view = await masks(pilot)
        assert "[0.9]" in text(pilot.app)
        await pilot.press("comma")
        await until(pilot, lambda: "[0.5]" in text(pilot.app) and drawn_of(view, "0.5"))
        assert view.copied == "vitprune masks tiny-run --level 0.5"
        await pilot.press("right", "down", "down", "enter")
        assert view.about == "tiny-run 0.5 block 1"
        assert view.copied == "vitprune masks tiny-run --level 0.5 --layer 1"
        assert "fc2" in text(pilot.app)
        await pilot.press("enter", "enter")
        assert view.copied == "vitprune masks tiny-run --level 0.5 --layer 1 --matrix k"
        assert "a dot is a weight that is kept" in text(pilot.app)
        await pilot.press("u")
        assert "none kept" in text(pilot.app)
        await pilot.press("escape", "backspace", "escape", "full_stop")
        assert view.wish is None
        assert view.about == "tiny-run 0.9"


async def test_a_level_is_compared_with_the_one_before_and_with_the_baseline(a_run, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(a_run.path, tmp_path / name)
    async with opened(tmp_path) as pilot:
        pilot.app.become(shown="one")
        await masks(pilot)
        await pilot.press("d")
        await until(pilot, lambda: "there: level 0.5" in text(pilot.app))
        assert "kept in both" in text(pilot.app)
        await pilot.press("d")
        assert "no baseline is chosen" in text(pilot.app)
        pilot.app.become(baseline="one")
        assert "this run is the baseline" in await screen(pilot)
        pilot.app.become(baseline="two")
        await until(pilot, lambda: "there: two" in text(pilot.app))
        assert "0.0 % differ" in text(pilot.app)
        assert "kept in both: 100.0 %" in text(pilot.app)
        (tmp_path / "two/masks/0.5.npz").unlink()
        await pilot.press("comma")
        await until(pilot, lambda: "two: masks/0.5.npz is gone" in text(pilot.app))
        await pilot.press("d", "d", "comma")
        assert "no difference: 0 is the first level" in await screen(pilot)


async def test_damaged_files_are_named_and_other_runs_are_there(a_run, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(a_run.path, tmp_path / name)
    (tmp_path / "one/masks/0.9.npz").write_bytes(b"PK nonsense")
    (tmp_path / "one/masks/0.5.grid.json").write_text('{"sparsity": 0.5, "matrices": {}}')
    async with opened(tmp_path) as pilot:
        pilot.app.become(shown="one")
        view = await masks(pilot)
        assert "masks/0.9.npz cannot be read" in text(pilot.app)
        await pilot.press("comma")
        await until(pilot, lambda: "masks/0.5.grid.json cannot be read" in text(pilot.app))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: view.about == "two 0.5" and drawn_of(view, "0.5"))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "masks/0.5.grid.json cannot be read" in text(pilot.app))
        shutil.copy(tmp_path / "two/masks/0.5.grid.json", tmp_path / "one/masks/0.5.grid.json")
        await pilot.press("full_stop", "comma")
        await until(
            pilot, lambda: drawn_of(view, "0.5") and "cannot be read" not in text(pilot.app)
        )


async def test_the_newest_level_is_followed_until_another_one_is_chosen(a_run, tmp_path):
    shutil.copytree(a_run.path, tmp_path / "one")
    folder, aside = tmp_path / "one/masks", tmp_path / "one/aside"
    aside.mkdir()
    for path in folder.glob("0.9.*"):
        path.rename(aside / path.name)
    async with opened(tmp_path) as pilot:
        view = await masks(pilot)
        assert view.level == "0.5"
        for path in aside.iterdir():
            os.replace(path, folder / path.name)
        await until(pilot, lambda: view.level == "0.9")
        await pilot.press("comma")
        shutil.copy(folder / "0.9.grid.json", folder / "0.95.grid.json")
        await until(pilot, lambda: "0.95" in text(pilot.app))
        assert view.level == "0.5"


async def test_a_new_attempt_reads_the_masks_again(a_run, tmp_path):
    shutil.copytree(a_run.path, tmp_path / "one")
    run = RunDir(tmp_path / "one")
    async with opened(tmp_path) as pilot:
        view = await masks(pilot)
        kept = view._seen.grid.density
        for of in (run.grid, run.mask):
            shutil.copy(of("0.5"), of("0.9"))
        Log(run.log).append(Starting(host="here", pid=1))
        await until(pilot, lambda: view._seen and view._seen.grid.density > kept)


async def test_a_new_level_reads_the_others_again(a_run, tmp_path):
    shutil.copytree(a_run.path, tmp_path / "one")
    run = RunDir(tmp_path / "one")
    async with opened(tmp_path) as pilot:
        view = await masks(pilot)
        await pilot.press("comma")
        await until(pilot, lambda: drawn_of(view, "0.5"))
        run.mask("0.5").unlink()
        shutil.copy(run.grid("0.9"), run.grid("0.95"))
        await until(pilot, lambda: "masks/0.5.npz is gone" in text(pilot.app))


async def test_what_was_found_in_a_mask_is_shown_once_its_level_is_told(a_run, tmp_path):
    shutil.copytree(a_run.path, tmp_path / "one")
    run = RunDir(tmp_path / "one")
    aside = run.structure("0.9").rename(tmp_path / "aside")
    async with opened(tmp_path) as pilot:
        view = await masks(pilot)
        assert "vary: rows" not in text(pilot.app)
        told = next(r.event for r in entries(run.log) if isinstance(r.event, Level))
        aside.rename(run.structure("0.9"))
        Log(run.log).append(told)
        await until(pilot, lambda: "vary: rows" in text(pilot.app))
        assert view._seen.structure is not None


@pytest.mark.parametrize(
    "damaged",
    [
        "", "[]", "{", "[" * 100_000, '{"blocks.0.attn.q": {}}', '{"blocks.0.attn.q": 7}',
        '{"blocks.0.attn.q": {"structure": {"rows": {"ratio": NaN, "z": 1, "p": 1}}}}',
        '{"blocks.0.attn.q": {"structure": {"rows": {"ratio": "much", "z": 1, "p": 1}}}}',
    ],
)  # fmt: skip
def test_a_damaged_file_of_what_was_found_is_as_none(a_run, tmp_path, damaged):
    shutil.copytree(a_run.path, tmp_path / "one")
    run = RunDir(tmp_path / "one")
    assert all(matrix.structure for matrix in read(run, "0.9").matrices.values())
    run.structure("0.9").write_text(damaged)
    told = read(run, "0.9")
    assert told.problem is None
    assert not any(matrix.structure for matrix in told.matrices.values())


async def test_what_was_forgotten_is_read_again(a_run):
    async with opened(a_run.path.parent) as pilot:
        view = await masks(pilot)
        for i in range(KEPT):
            view._keep(("another", i), object())
        await until(pilot, lambda: view._seen)


async def test_a_mistake_of_ours_in_reading_is_told(a_run, monkeypatch):
    monkeypatch.setattr("vitprune_tui.views.masks.read", lambda *_: {}["nothing"])
    async with opened(a_run.path.parent) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "A mistake in vitprune" in text(pilot.app))
        await pilot.press("q")
        await until(pilot, lambda: "A mistake in vitprune: KeyError: 'nothing'" in text(pilot.app))
        assert "reading" not in text(pilot.app)


async def test_a_mistake_of_ours_in_comparing_is_told_where_the_difference_would_be(
    a_run, monkeypatch
):
    monkeypatch.setattr("vitprune_tui.views.masks.compare", lambda *_: {}["nothing"])
    async with opened(a_run.path.parent, (120, 30)) as pilot:
        await masks(pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pages))
        await pilot.press("q")
        await until(pilot, lambda: "A mistake in vitprune: KeyError: 'nothing'" in text(pilot.app))


async def test_a_matrix_is_chosen_and_opened_by_the_mouse(a_run):
    async with opened(a_run.path.parent) as pilot:
        view, picture = await masks(pilot), "MasksView > #masks"
        lines = [plain(line) for line in view.query_one(picture, Canvas).lines]
        block = next(y for y, line in enumerate(lines) if line.startswith("  1 "))
        place = lines[0].index("fc1") + 1, block + 1
        await pilot.click(picture, offset=(1, block))  # the number of a block is no matrix
        assert view.at == (0, 0)
        await pilot.click(picture, offset=place)
        assert (view.at, view.stage) == ((1, 4), scene.OVERVIEW)
        await pilot.click(picture, offset=place, times=2)
        assert (view.at, view.stage) == ((1, 4), scene.BLOCK)


async def test_keys_are_told_as_the_user_has_them(a_run, tmp_path):
    shutil.copytree(a_run.path, tmp_path / "one")
    (tmp_path / "one/masks/0.9.grid.json").write_text("")
    async with opened(tmp_path) as pilot:
        pilot.app.keys = {**pilot.app.keys, "masks.lower": ("L",), "curves.baseline": ("B",)}
        await pilot.press("4")
        await until(pilot, lambda: "other levels: L and ." in text(pilot.app))
        await pilot.press("comma", "d", "d")
        await until(pilot, lambda: "B in Curves, b in Runs" in text(pilot.app))


def test_pictures_of_a_matrix_go_with_it():
    drawn = matrix(*A_DEAD_ROW)
    one(drawn, None, 40, 6, BLOCKS)
    gone = weakref.ref(drawn)
    del drawn
    gc.collect()
    assert gone() is None


async def test_a_run_without_masks_and_a_folder_without_runs_say_what_to_do(tmp_path):
    async with opened(tmp_path) as pilot:
        await pilot.press("4")
        assert "No runs yet" in await screen(pilot)
        made(tmp_path, "young", Starting(host="here", pid=1))
        await until(pilot, lambda: "it ended before its first level was through" in text(pilot.app))


def test_what_was_read_is_kept_until_its_files_change(a_run, tmp_path):
    shutil.copytree(a_run.path, tmp_path / "one")
    run = RunDir(tmp_path / "one")
    first = read(run, "0.9")
    assert read(run, "0.9", first) is first
    os.utime(run.mask("0.9"), (1, 1))
    assert read(run, "0.9", first) is not first


def grid_file(**changes) -> str:
    grid = {"shape": [2, 2], "cells": ["ff00", "ffff"], "head_axis": 0, "heads": 2, "density": 0.75}
    grid |= {"dead_rows": 0, "dead_columns": 0} | changes
    return json.dumps({"sparsity": 0.5, "matrices": {changes.pop("name", "blocks.0.attn.q"): grid}})


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"sparsity": 1}', '{"sparsity": 1, "matrices": []}', "[" * 100_000,
        grid_file(name="q"), grid_file(shape=[2]), grid_file(shape=[1, 2]), grid_file(heads=3),
        grid_file(heads=0), grid_file(density=float("nan")), grid_file(cells=["f", "f"]),
        grid_file(cells=[]), grid_file(cells=[7]),
    ],
)  # fmt: skip
def test_a_foreign_grid_is_a_sentence(tmp_path, text):
    run = RunDir(tmp_path / "one").create()
    run.grid("0.5").write_text(text)
    told = read(run, "0.5")
    assert not told.matrices
    assert told.problem.startswith("masks/0.5.grid.json cannot be read: ")


def test_without_its_bits_a_level_still_has_its_grids(tmp_path):
    run = RunDir(tmp_path / "one").create()
    run.grid("0.5").write_text(grid_file())
    told = read(run, "0.5")
    assert list(told.matrices) == ["blocks.0.attn.q"]
    assert told.problem == "masks/0.5.npz is gone; only small grids are shown"


def test_masks_of_another_shape_are_not_compared():
    here = Masks({HERE.name: HERE})
    wide = Masks({HERE.name: matrix("110011")})
    assert compare(here, wide, "run x").problem == (
        "run x is of another shape: blocks.0.attn.q is 2x4 and 1x6"
    )
    assert compare(here, Masks(), "run x").problem == "run x has no blocks.0.attn.q"


async def masks(pilot):
    """The view, once its run is drawn."""
    await pilot.press("4")
    view = pilot.app.view
    await until(pilot, lambda: view._seen)
    return view


async def screen(pilot) -> str:
    await pilot.pause()
    return text(pilot.app)


def drawn_of(view, level: str) -> bool:
    """The level is read."""
    known = view.known.get((view.state.run.run.path, level)) if view.state.run else None
    return isinstance(known, Masks) and bool(known.matrices)

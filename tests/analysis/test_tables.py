"""The tables on the disk: what was written is read, and what is damaged is named."""

import random
import shutil

import pytest

from tests.analysis.made import measured, study
from vitprune_core.analysis import tables
from vitprune_core.analysis.tables import Damaged, Tables
from vitprune_core.store.studydir import StudyDir

NAMES = ("results.csv", "images.npz", "structure.json", "grids.json", "costs.csv")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    home = StudyDir(folder / "made-digits")
    home.path.mkdir()
    tables.save(home, measured(study(folder), seeds=2))
    return home


def test_nothing_there_is_nothing_known(tmp_path):
    assert tables.read(StudyDir(tmp_path)) == Tables()
    assert StudyDir(tmp_path).collected == frozenset()


def test_what_was_written_is_read_and_written_again_the_same(written, tmp_path):
    again = StudyDir(tmp_path)
    found = tables.read(written)
    assert found.seeds == [100, 101]
    assert written.collected == {row.run for row in found.rows.values()}
    tables.save(again, found)
    for name in NAMES:
        assert (again.path / name).read_bytes() == (written.path / name).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_table_that_was_cut_anywhere_is_named(written, tmp_path, name):
    """But for the last newline of JSON, and at the end of a line, where a table is only shorter."""
    home, draw = StudyDir(tmp_path / "cut"), random.Random(0)
    shutil.copytree(written.path, home.path)
    whole = (home.path / name).read_bytes()
    for cut in (0, 1, len(whole) - 2, *(draw.randrange(len(whole) - 1) for _ in range(40))):
        if name.endswith(".csv") and whole[:cut].endswith(b"\n"):
            continue
        (home.path / name).write_bytes(whole[:cut])
        with pytest.raises(Damaged, match=rf"{name}: .*; move it away, and `vitprune sweep`"):
            tables.read(home)


@pytest.mark.parametrize("level", ["3", '{"m": 3}', '{"m": {"structure": 5}}'])
def test_a_number_where_measures_of_a_matrix_should_be_is_named(tmp_path, level):
    (tmp_path / "structure.json").write_text(f'{{"global/s100/0.5": {level}}}')
    with pytest.raises(Damaged, match=r"structure\.json: .* where values with names should be"):
        tables.read(StudyDir(tmp_path))


@pytest.mark.parametrize("measure", ['"0.5"', "true", '{"heads": {"ratio": "2"}}', '[0.1, "a"]'])
def test_text_where_a_number_of_a_matrix_should_be_is_named(tmp_path, measure):
    level = f'{{"global/s100/0.5": {{"blocks.0.attn.q": {{"density": {measure}}}}}}}'
    (tmp_path / "structure.json").write_text(level)
    with pytest.raises(
        Damaged, match=r"structure\.json: .* where a number should be; move it away"
    ):
        tables.read(StudyDir(tmp_path))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "data", [b'{"a": {}}\n', b"[1]\n", b"a,b\n", b"\x93NUMPY", b"PK\x03", b"\xff\n"]
)
def test_what_is_another_file_is_named(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Damaged, match=name):
        tables.read(StudyDir(tmp_path))

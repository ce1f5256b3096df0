import hashlib

import pytest

from vitprune_core.store import checkpoints
from vitprune_core.store.sealed import DamagedFile, number, seal, sealed, set_aside, unseal


def test_a_sealed_file_says_in_its_name_what_is_in_it(tmp_path):
    path = seal(tmp_path, 12, b"abc")
    assert path.name == f"00000012-{hashlib.sha256(b'abc').hexdigest()}.safetensors"
    assert (number(path), unseal(path)) == (12, b"abc")


def test_the_highest_number_comes_first_and_other_files_are_none(tmp_path):
    for n in (9, 100, 20):
        seal(tmp_path, n, bytes([n]))
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".00000200-x.1.tmp").touch()
    assert [number(path) for path in sealed(tmp_path)] == [100, 20, 9]
    assert sealed(tmp_path / "none") == []


def test_other_bytes_than_the_name_promises_are_damage_and_are_kept_aside(tmp_path):
    path = seal(tmp_path, 1, b"abc")
    path.write_bytes(b"abd")
    with pytest.raises(DamagedFile, match="not those that were written"):
        unseal(path)
    assert set_aside(path) == f"{path.name}.corrupt"
    assert sealed(tmp_path) == []
    assert (tmp_path / f"{path.name}.corrupt").read_bytes() == b"abd"


def test_two_checkpoints_stay(tmp_path):
    for n in range(5):
        checkpoints.commit(tmp_path, n, bytes([n]))
        checkpoints.drop_old(tmp_path)
    assert [number(path) for path in sealed(tmp_path)] == [4, 3]
    checkpoints.clear(tmp_path)
    assert sealed(tmp_path) == []


def test_a_checkpoint_that_has_no_room_is_not_begun(tmp_path, monkeypatch):
    checkpoints.commit(tmp_path, 1, b"old")
    monkeypatch.setattr(checkpoints, "MARGIN", 1 << 60)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.commit(tmp_path, 2, b"new")
    assert [p.name[:8] for p in tmp_path.iterdir()] == ["00000001"]

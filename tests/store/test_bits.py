import io
import struct
import zipfile
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitprune_core.store import bits as module
from vitprune_core.store.bits import Bits, load

SMALL = """
    1100 0010
    0000 0000
    1100 0001
"""


def bits(text):
    """From a picture: a line a row."""
    rows = [line.replace(" ", "") for line in text.split("\n") if line.strip()]
    return Bits((len(rows), len(rows[0])), int("".join(rows), 2))


def of(mask):
    """The slow way."""
    return Bits(mask.shape, int("".join("01"[int(kept)] for kept in mask.flat), 2))


def save(path, masks):
    """As `engine.files.save_masks` does."""
    arrays = {}
    for name, kept in masks.items():
        arrays[name] = np.packbits(kept == 1)
        arrays[f"{name}:shape"] = np.array(kept.shape)
    np.savez_compressed(path, **arrays)
    return path


def pack(path, members, **how):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data, **how)
    return path


def npy(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), version)
    return buffer.getvalue()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "0.5.npz"


def test_what_is_kept_is_counted():
    matrix = bits(SMALL)
    assert (matrix.kept, matrix.density) == (6, 0.25)
    assert list(matrix.rows) == [0b11000010, 0, 0b11000001]
    assert matrix.dead_rows == (1,)
    assert matrix.dead_columns == (2, 3, 4, 5)


def test_a_cell_is_the_share_kept_in_it():
    assert bits(SMALL).pooled(1, 2) == [[4 / 12, 2 / 12]]
    assert bits(SMALL).pooled(3, 4) == [[1, 0, 0, 0.5], [0, 0, 0, 0], [1, 0, 0, 0.5]]
    assert bits("110\n100").pooled(9, 2) == [[1, 0.5], [1, 0]]


def test_two_matrices_are_compared_bit_by_bit():
    here, there = bits("1100\n0011"), bits("1010\n0011")
    assert here.minus(there) == (bits("0100\n0000"), bits("0010\n0000"))
    with pytest.raises(ValueError, match="matrices of 2 x 4 and 1 x 8 cannot be compared"):
        here.minus(bits("11000011"))


def test_a_file_of_masks_is_read(path):
    mask = np.array([[1, 0, 0], [0, 1, 1]]) == 1
    save(path, {"a": mask, "b": ~mask})
    assert load(path) == {"a": bits("100\n011"), "b": bits("011\n100")}
    assert load(path, ["b"]) == {"b": bits("011\n100")}


def test_masks_of_a_real_run_are_read(a_run):
    for level in a_run.levels:
        with np.load(a_run.mask(level)) as arrays:
            for name, matrix in load(a_run.mask(level)).items():
                shape = tuple(arrays[f"{name}:shape"])
                kept = np.unpackbits(arrays[name], count=np.prod(shape)).reshape(shape)
                assert matrix == of(kept)


def test_reading_one_matrix_does_not_read_the_others(path):
    good = {"a.npy": npy(np.packbits([1, 0])), "a:shape.npy": npy([1, 2])}
    pack(path, {**good, "b.npy": b"broken", "b:shape.npy": b"broken"})
    assert load(path, ["a"]) == {"a": bits("10")}
    with pytest.raises(ValueError, match=r"b:shape\.npy has 6 bytes, not 144"):
        load(path)


MASKS = st.tuples(
    st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1), st.floats(0, 1)
)


@MASKS.map
def masks(drawn):
    rows, columns, seed, density = drawn
    return np.random.default_rng(seed).random((rows, columns)) < density


@settings(max_examples=200, deadline=None)
@given(mask=masks)
def test_numpy_counts_the_same(tmp_path_factory, mask):
    path = save(tmp_path_factory.mktemp("masks") / "0.5.npz", {"m": mask})
    (matrix,) = load(path).values()
    assert matrix == of(mask)
    assert list(matrix.rows) == [int("".join("01"[k] for k in row), 2) for row in mask.astype(int)]
    assert matrix.kept == mask.sum()
    assert matrix.dead_rows == tuple(np.flatnonzero(~mask.any(1)))
    assert matrix.dead_columns == tuple(np.flatnonzero(~mask.any(0)))


@settings(max_examples=200, deadline=None)
@given(mask=masks, rows=st.integers(1, 25), columns=st.integers(1, 25))
def test_cells_are_those_of_numpy_and_their_weighted_mean_is_the_density(mask, rows, columns):
    cells = of(mask).pooled(rows, columns)
    (height, width), (down, across) = mask.shape, (len(cells), len(cells[0]))
    assert (down, across) == (min(rows, height), min(columns, width))
    kept = 0.0
    for i in range(down):
        for j in range(across):
            tall = slice(i * height // down, (i + 1) * height // down)
            wide = slice(j * width // across, (j + 1) * width // across)
            assert cells[i][j] == mask[tall, wide].mean()
            kept += cells[i][j] * mask[tall, wide].size
    assert kept / mask.size == pytest.approx(of(mask).density)


@given(mask=masks, seed=st.integers(0, 99))
def test_laws_of_differences(mask, seed):
    a, b = of(mask), of(np.random.default_rng(seed).random(mask.shape) < 0.5)
    here, there = a.minus(b)
    assert (a.bits ^ b.bits).bit_count() == here.kept + there.kept
    assert b.minus(a) == (there, here)
    assert here.bits & there.bits == 0
    assert b.bits | here.bits == a.bits | there.bits


SHAPE = npy([2, 3])
PACKED = npy(np.packbits([1, 0, 0, 0, 1, 1]))
OBJECTS = npy(np.zeros(2)).replace(b"<f8", b"|O8")


@pytest.mark.parametrize(
    ("packed", "shape", "what"),
    [
        (None, SHAPE, "it has no a.npy"),
        (PACKED, None, "it has no a:shape.npy"),
        (PACKED, b"", "a:shape.npy has 0 bytes, not 144"),
        (PACKED, npy([2, 3, 1]), "a:shape.npy has 152 bytes, not 144"),
        (PACKED, npy(6), "a:shape.npy has 136 bytes, not 144"),
        (PACKED, npy([2.0, 3.0]), "a:shape.npy is not 2 numbers of the kind <i8"),
        (PACKED, npy(np.array([2, 3], ">i8")), "a:shape.npy is not 2 numbers of the kind <i8"),
        (PACKED, OBJECTS, "a:shape.npy is not 2 numbers of the kind <i8"),
        (PACKED, npy([[2, 3]]), "a:shape.npy does not begin like an array of one axis"),
        (PACKED, npy([0, 3]), "a: a matrix is not 0 x 3"),
        (PACKED, npy([-2, -3]), "a: a matrix is not -2 x -3"),
        (PACKED, npy([2**62, 2**62]), "a: a matrix is not 4611686018427387904 x"),
        (PACKED, npy([2, 5]), "a.npy has 129 bytes, not 130"),
        (npy(np.packbits([0] * 16)), SHAPE, "a.npy has 130 bytes, not 129"),
        (npy(np.zeros(1, "i1")), SHAPE, "a.npy is not 1 numbers of the kind |u1"),
        (PACKED.replace(b"(1,)", b"(2,)"), SHAPE, "a.npy is not 1 numbers of the kind |u1"),
        (PACKED.replace(b"False", b"True "), SHAPE, "does not begin like an array of one axis"),
        (b"\x80\x04K\x01." + bytes(124), SHAPE, "does not begin like an array of one axis"),
    ],
)
def test_what_is_no_mask_is_refused_with_the_reason(path, packed, shape, what):
    members = {"a.npy": packed, "a:shape.npy": shape}
    pack(path, {name: data for name, data in members.items() if data is not None})
    with pytest.raises(ValueError) as error:  # noqa: PT011
        load(path, ["a"])
    assert what in str(error.value)


def test_a_file_that_is_missing_or_a_folder_is_an_os_error(path):
    with pytest.raises(FileNotFoundError):
        load(path)
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        load(path)


def test_an_archive_of_nothing_is_refused(path):
    with pytest.raises(ValueError, match="it has no matrices"):
        load(pack(path, {}))


def test_a_matrix_that_is_not_there_is_named(path):
    save(path, {"a": np.ones((2, 2))})
    with pytest.raises(ValueError, match=r"it has no b\.npy"):
        load(path, ["b"])


def test_members_packed_in_another_way_are_refused(path):
    pack(path, {"a.npy": PACKED, "a:shape.npy": SHAPE}, compress_type=zipfile.ZIP_LZMA)
    with pytest.raises(ValueError, match=r"a\.npy is encrypted or packed in another way"):
        load(path)


def test_a_file_that_says_it_is_huge_is_not_unpacked(path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 1000)
    save(path, {"a": np.zeros((100, 100))})
    with pytest.raises(ValueError, match="its matrices take 1522 bytes, more than 1000"):
        load(path)


def test_a_bomb_that_says_it_is_small_is_not_unpacked(path, monkeypatch):
    """64 MiB of zeros under a length of 129 bytes."""
    bomb = pack(path, {"a.npy": PACKED[:128] + bytes(1 << 26), "a:shape.npy": SHAPE}).read_bytes()
    path.write_bytes(bomb.replace(struct.pack("<I", 128 + (1 << 26)), struct.pack("<I", 129)))
    unpacked = []
    make = zlib.decompressobj

    class Counting:
        def __init__(self, *how):
            self.real = make(*how)

        def __getattr__(self, name):
            return getattr(self.real, name)

        def decompress(self, *data):
            unpacked.append(self.real.decompress(*data))
            return unpacked[-1]

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    with pytest.raises(ValueError, match="Bad CRC-32"):
        load(path, ["a"])
    assert 0 < sum(map(len, unpacked)) < 10_000


def found(path):
    with suppress(OSError, ValueError):
        return load(path)
    return None


@pytest.mark.campaign("files")
def test_a_file_cut_off_anywhere_is_refused(path, counted):
    whole = save(path, {"a": np.eye(5), "b": np.ones((3, 3))}).read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert found(path) is None, end
    counted(len(whole))


@pytest.mark.campaign("files")
def test_any_changed_byte_is_refused_or_does_not_matter(path, counted):
    masks, refused = {"a": np.eye(5), "b": np.ones((3, 3))}, 0
    whole, right = save(path, masks).read_bytes(), load(path)
    for at in range(len(whole)):
        for changed in (whole[at] ^ 1, whole[at] ^ 128, 0, 255):
            path.write_bytes(whole[:at] + bytes([changed]) + whole[at + 1 :])
            seen = found(path)
            refused += seen is None
            assert all(m in right.values() for m in (seen or {}).values()), at
    counted(refused)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300), place=st.integers(0, 2))
def test_no_bytes_raise_anything_else(tmp_path_factory, data, place):
    path = tmp_path_factory.mktemp("masks") / "0.5.npz"
    write = [
        path.write_bytes,
        lambda data: pack(path, {"a.npy": data, "a:shape.npy": SHAPE}),
        lambda data: pack(path, {"a.npy": PACKED, "a:shape.npy": data}),
    ]
    write[place](data)
    assert found(path) is None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=9)), min_size=1))
def test_no_damage_raises_anything_else(tmp_path_factory, damage):
    path = tmp_path_factory.mktemp("masks") / "0.5.npz"
    data = bytearray(save(path, {"a": np.eye(9)}).read_bytes())
    for at, what in damage:
        at %= len(data)
        data[at : at + len(what)] = what
    path.write_bytes(data)
    found(path)

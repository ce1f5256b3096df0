"""Where images are found, and what is refused: nothing is read before its hash is known."""

import gzip
import hashlib
import os
import tarfile

import numpy as np
import pytest

from tests.engine.images import published
from tests.engine.images.published import put
from vitprune_core.engine import doctor
from vitprune_core.engine.images import archives, formats, sources, unpickle
from vitprune_core.engine.images.raw import read_raw
from vitprune_core.engine.images.wrong import Damaged, DataError


@pytest.fixture(autouse=True)
def few(tmp_path, monkeypatch):
    published.few_images(monkeypatch, tmp_path)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The user's folder."""
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("VITPRUNE_DATA", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def refused(own, monkeypatch):
    """`refused(name, files)`: why files with the right hash are refused; they stay as they are."""

    def ask(name, files):
        put(own, {**published.FILES[name](), **files}, monkeypatch)
        with pytest.raises(DataError) as error:
            read_raw(name)
        assert all((own / path).read_bytes() == data for path, data in files.items())
        return str(error.value)

    return ask


# where


@pytest.mark.parametrize("layout", range(4))
def test_fashion_is_found_in_every_layout_of_torchvision(layout, own, monkeypatch):
    paths = sources.LAYOUTS["fashion"][layout]
    files = published.fashion(".gz" if paths[0].endswith(".gz") else "")
    put(own, dict(zip(paths, files.values(), strict=True)), monkeypatch)
    assert sources.find("fashion") == tuple(own / path for path in paths)
    assert read_raw("fashion").train.images.shape == (published.GIVEN, 1, 28, 28)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_is_the_same_packed_and_unpacked(name, own, tmp_path, monkeypatch):
    put(own, published.batches(name), monkeypatch)
    unpacked = read_raw(name).sha256()
    monkeypatch.setenv("VITPRUNE_DATA", str(put(tmp_path, published.FILES[name](), monkeypatch)))
    assert sources.locate(name).endswith(".tar.gz")
    assert read_raw(name).sha256() == unpacked


def test_the_users_folder_comes_before_debians_and_that_before_the_cache(tmp_path, monkeypatch):
    files = published.fashion()
    in_cache = put(sources.cache(), files, monkeypatch)
    assert sources.locate("fashion") == str(in_cache)
    debian = put(sources.DEBIAN, files)
    assert sources.locate("fashion") == str(debian)
    monkeypatch.setenv("VITPRUNE_DATA", str(put(tmp_path / "own", files)))
    assert sources.locate("fashion") == str(tmp_path / "own")


def test_the_cache_is_in_the_home_folder_where_none_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert sources.cache() == tmp_path / ".cache" / "vitprune" / "data"


def test_what_is_nowhere_is_told_with_where_it_was_looked_for_and_what_to_do(own):
    with pytest.raises(DataError) as error:
        sources.locate("cifar10")
    cache = sources.cache()
    assert str(error.value) == (
        f"cifar10: not found: looked in {own}, {cache}; "
        "put cifar-10-python.tar.gz into a folder and set VITPRUNE_DATA to it"
    )
    assert "apt-get install dataset-fashion-mnist, or put" in doctor.where("fashion")
    assert not cache.exists()


def test_what_is_half_there_is_told(own):
    files = published.batches("cifar10")
    del files["cifar-10-batches-py/data_batch_3"]
    put(own, files)
    assert f"({own} lacks cifar-10-batches-py/data_batch_3)" in doctor.where("cifar10")


def test_a_folder_that_is_none_is_told_before_anything_is_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("VITPRUNE_DATA", str(tmp_path / "typo"))
    with pytest.raises(DataError, match=r"VITPRUNE_DATA=.*typo is no folder that can be looked"):
        sources.locate("svhn")
    assert sources.locate("digits") == "inside scikit-learn"


def test_the_doctor_says_of_each_where_it_is_or_what_to_do(own, monkeypatch):
    put(own, published.FILES["svhn"](), monkeypatch)
    assert doctor.where("svhn") == str(own)
    assert doctor.where("synthetic") == "drawn from a fixed seed"
    assert doctor.where("cifar100").startswith("not found: looked in")


# the hash


def test_the_pins_are_torchvisions(monkeypatch):
    from torchvision import datasets

    known = [*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list]
    known += [*datasets.CIFAR100.train_list, *datasets.CIFAR100.test_list]
    known += [datasets.SVHN.split_list[split][1:] for split in ("train", "test")]
    assert len(known) == 10
    for name, md5 in known:
        assert sources.PINS[name].digest == f"md5:{md5}"


DEBIAN = "/usr/share/datasets/fashion-mnist"


@pytest.mark.skipif(not os.path.isdir(DEBIAN), reason="dataset-fashion-mnist is not installed")
def test_debians_fashion_mnist_is_torchvisions_but_for_name_and_time_of_packing():
    from torchvision import datasets

    times = {"train": 1504176606, "t10k": 1504176627}
    for name, md5 in datasets.FashionMNIST.resources:
        with open(f"{DEBIAN}/{name}", "rb") as file:
            packed = file.read()
        head = b"\x1f\x8b\x08\x08" + times[name[:5].strip("-")].to_bytes(4, "little") + b"\0\3"
        original = head + name.removesuffix(".gz").encode() + b"\0" + packed[10:]
        assert hashlib.md5(original, usedforsecurity=False).hexdigest() == md5


@pytest.mark.parametrize("name", published.FILES)
def test_another_hash_is_told_with_both_and_the_file_is_left_alone(name, own, monkeypatch):
    files = published.FILES[name]()
    put(own, files, monkeypatch)
    path, data = next(iter(files.items()))
    wrong = gzip.compress(b"another") if name == "fashion" else data[:-1] + b"\x77"
    put(own, {path: wrong})
    with pytest.raises(Damaged) as error:
        read_raw(name)
    assert f"{own / path} has the hash sha256:" in str(error.value)
    assert f"instead of {sources.PINS[path].digest}; put the published file" in str(error.value)
    assert (own / path).read_bytes() == wrong


@pytest.mark.parametrize("name", ["cifar10", "svhn"])
@pytest.mark.parametrize("wrong", [b"", b"\x80", "half", "flipped", "longer"])
def test_no_reader_sees_a_byte_of_a_file_with_another_hash(name, wrong, own, monkeypatch):
    def trap(*args, **kwargs):
        raise AssertionError("read before its hash was known")

    files = published.FILES[name]()
    if name == "cifar10":
        files = published.batches(name)
    put(own, files, monkeypatch)
    for module, reader in ((formats, "unpickle"), (archives, "gunzip"), (formats, "svhn")):
        monkeypatch.setattr(module, reader, trap)
    path, data = next(iter(files.items()))
    changed = {
        "half": data[:999],
        "flipped": bytes([data[0] ^ 1]) + data[1:],
        "longer": data + b"x",
    }
    put(own, {path: changed.get(wrong, wrong)})
    with pytest.raises(Damaged, match="has the hash"):
        read_raw(name)


def test_the_bytes_that_were_hashed_are_the_bytes_that_are_used(own, monkeypatch):
    put(own, published.batches("cifar10"), monkeypatch)
    read, hashed = sources.hashlib.new, []

    def swap(kind, data, **kwargs):
        for path in published.batches("cifar10"):
            (own / path).write_bytes(b"swapped")
        hashed.append(data)
        return read(kind, data, **kwargs)

    path = own / "cifar-10-batches-py/data_batch_1"
    monkeypatch.setattr(sources.hashlib, "new", swap)
    assert sources.read(path) is hashed[0]
    assert path.read_bytes() == b"swapped"


def test_a_file_that_is_too_long_is_not_read_to_its_end(own, monkeypatch):
    put(own, published.FILES["svhn"](), monkeypatch)
    with (own / "train_32x32.mat").open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(Damaged, match=r"has more than the 183,000,000 bytes expected"):
        read_raw("svhn")


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_opened(kind, own):
    path = own / "cifar-10-python.tar.gz"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(DataError, match=r"cifar-10-python.tar.gz is no file"):
        read_raw("cifar10")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(own):
    put(own, {"cifar-10-python.tar.gz": b""})
    (own / "cifar-10-python.tar.gz").chmod(0)
    with pytest.raises(DataError, match=r"cifar-10-python.tar.gz cannot be read: Permission"):
        read_raw("cifar10")


# a gzip file


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: b"", "ends in the middle of what it packs"),
        (lambda data: data[:-1], "ends in the middle of what it packs"),
        (lambda data: data + b"more", "has 4 bytes after its end"),
        (lambda data: data[:-5] + b"\0" + data[-4:], "is no whole gzip file"),
        (lambda data: b"PK" + data, "is no whole gzip file"),
        (lambda data: gzip.compress(bytes(3_000_000)), "more than the 1,000,000 bytes expected"),
    ],
)
def test_a_gzip_file_that_is_none(change, why, own, monkeypatch):
    files = published.fashion()
    put(own, files, monkeypatch)
    path = "train-labels-idx1-ubyte.gz"
    put(own, {path: change(files[path])})
    with pytest.raises(Damaged, match=f"{path} .*{why}"):
        read_raw("fashion")


# idx


def changed_idx(change):
    path = "train-images-idx3-ubyte"
    return {f"{path}.gz": gzip.compress(change(published.fashion("")[path]))}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: b"", "begins with nothing instead of 00000803"),
        (lambda data: b"\0\0\x0d\3" + data[4:], "begins with 00000d03 instead of 00000803"),
        (lambda data: data[:9], "ends inside its header"),
        (lambda data: data[:-1], "says 200 x 28 x 28 and holds 156,799 values instead of 156,800"),
        (lambda data: data + b"x", "holds 156,801 values"),
        (lambda data: data[:4] + b"\xff" * 12 + data[16:], "says 4294967295 x 4294967295 x"),
        (
            lambda data: data[:8] + bytes((0, 0, 0, 14, 0, 0, 0, 56)) + data[16:],
            "images of shape (200, 1, 14, 56)",
        ),
    ],
)
def test_an_idx_file_that_lies(change, why, refused):
    said = refused("fashion", changed_idx(change))
    assert why in said
    assert "train-images-idx3-ubyte.gz" in said


def test_labels_out_of_range_and_too_few_labels(refused):
    labels = np.full(published.GIVEN, 10)
    path = "train-labels-idx1-ubyte.gz"
    said = refused("fashion", {path: gzip.compress(published.idx(labels))})
    assert "fashion: labels from 10 to 10 instead of 0 to 9; replace" in said
    said = refused("fashion", {path: gzip.compress(published.idx(labels[1:] * 0))})
    assert "(199,) labels instead of (200, 1, 28, 28)" in said


def test_another_number_of_images_than_is_known_of_the_dataset(refused):
    few = {"train_32x32.mat": published.mat(published.GIVEN - 10)}
    assert "(190, 3, 32, 32)" in refused("svhn", few)


# a tar archive


def member(name, kind=tarfile.REGTYPE, link=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


FOLDER = "cifar-10-batches-py"


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ([member("../evil")], "has '../evil', outside cifar-10-batches-py/"),
        ([member(f"{FOLDER}/../../evil")], "outside cifar-10-batches-py/"),
        ([member("/etc/evil")], "has '/etc/evil', outside"),
        ([member("elsewhere")], "has 'elsewhere', outside"),
        ([member(f"{FOLDER}/a", tarfile.SYMTYPE, "/etc/passwd")], "is no plain file"),
        ([member(f"{FOLDER}/a", tarfile.LNKTYPE, "/etc/passwd")], "is no plain file"),
        ([member(f"{FOLDER}/a", tarfile.CHRTYPE)], "is no plain file"),
        ([member(f"{FOLDER}/a", tarfile.FIFOTYPE)], "is no plain file"),
        ([member(f"{FOLDER}/test_batch")], "has 'cifar-10-batches-py/test_batch' twice"),
        ([member(f"{FOLDER}//test_batch")], "twice"),
    ],
)
def test_an_archive_with_anything_odd_in_it(others, why, refused, tmp_path):
    packed = published.tar_gz(published.batches("cifar10"), *others)
    said = refused("cifar10", {"cifar-10-python.tar.gz": packed})
    assert why in said
    assert "Traceback" not in said
    assert not list(tmp_path.rglob("*evil*"))


def test_more_in_the_folder_of_an_archive_is_no_matter(own, monkeypatch):
    files = {**published.batches("cifar10"), f"{FOLDER}/readme.html": b"hello"}
    put(own, {"cifar-10-python.tar.gz": published.tar_gz(files)}, monkeypatch)
    assert len(read_raw("cifar10").test.labels) == published.TESTED


def test_an_archive_without_one_of_the_files(refused):
    files = published.batches("cifar10")
    del files[f"{FOLDER}/data_batch_2"]
    said = refused("cifar10", {"cifar-10-python.tar.gz": published.tar_gz(files)})
    assert "has no file 'cifar-10-batches-py/data_batch_2'" in said


def test_a_member_that_claims_more_than_is_expected(refused, monkeypatch):
    monkeypatch.setitem(sources.PINS, "data_batch_2", sources.PINS["data_batch_2"]._replace(mb=0))
    packed = published.tar_gz(published.batches("cifar10"))
    said = refused("cifar10", {"cifar-10-python.tar.gz": packed})
    assert "'cifar-10-batches-py/data_batch_2' of " in said
    assert "more than the 0 expected" in said


@pytest.mark.parametrize("size", [0, 700, 100_000])
def test_an_archive_that_ends_too_soon(size, refused):
    cut = gzip.compress(published.tar(published.batches("cifar10"))[:size])
    said = refused("cifar10", {"cifar-10-python.tar.gz": cut})
    assert "cifar-10-python.tar.gz " in said
    assert "put the published file in its place" in said


def test_an_archive_that_unpacks_to_more_than_its_files_is_no_bomb(refused, monkeypatch):
    for path in sources.LAYOUTS["cifar10"][1]:
        name = path.rpartition("/")[2]
        monkeypatch.setitem(sources.PINS, name, sources.PINS[name]._replace(mb=1))
    said = refused("cifar10", {"cifar-10-python.tar.gz": gzip.compress(bytes(20_000_000), 1)})
    assert "unpacks to more than the 7,000,000 bytes expected" in said


# a pickle


class Calls:
    def __init__(self, what, *args):
        self.what, self.args = what, args

    def __reduce__(self):
        return self.what, self.args


@pytest.mark.parametrize(
    "evil",
    [
        Calls(os.system, "touch evil"),
        Calls(eval, "open('evil', 'w')"),
        Calls(os.path.join, "a"),
        Calls(getattr, {}, "get"),
        Calls(np.load, "evil.npy"),
    ],
    ids=lambda evil: evil.what.__name__,
)
def test_a_pickle_that_calls_something_is_refused_though_its_hash_is_right(
    evil, own, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    files = published.batches("cifar10")
    files[f"{FOLDER}/data_batch_1"] = published.pickled({"data": evil})
    put(own, files, monkeypatch)
    with pytest.raises(Damaged, match="cannot be read: it is no pickle of numbers: it asks for"):
        read_raw("cifar10")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("data", [b"", b".", b"\x80\x02", b"cos\n", b"(lp0\n", b"\xff" * 9, b"I1"])
def test_a_pickle_that_is_none(data):
    with pytest.raises(ValueError, match="it is no pickle of numbers"):
        unpickle.unpickle(data)


# As pickles write them: names, then calls (R) and states (b) of what stands before.
DTYPE, ARRAY = b"cnumpy\ndtype\n", b"cnumpy\nndarray\n"
REBUILD = b"cnumpy.core.multiarray\n_reconstruct\n"
BYTE = DTYPE + b"X\x02\0\0\0u1K\0K\1\x87R"
EMPTY = REBUILD + ARRAY + b"K\0\x85C\1b\x87R"


def array(shape=b"K\x02\x85", kind=BYTE, by_column=b"\x89", data=b"C\x02ab"):
    """`{"a": …}`, an array of two bytes where nothing is changed."""
    state = b"(K\1" + shape + kind + by_column + data + b"tb"
    return b"\x80\3}X\1\0\0\0a" + EMPTY + state + b"s."


def test_an_array_is_made_of_its_shape_and_its_bytes():
    assert unpickle.unpickle(array())["a"].tolist() == [97, 98]
    square = {"shape": b"K\2K\2\x86", "data": b"C\4abcd"}
    assert unpickle.unpickle(array(**square))["a"].tolist() == [[97, 98], [99, 100]]
    turned = unpickle.unpickle(array(**square, by_column=b"\x88"))["a"]
    assert turned.tolist() == [[97, 99], [98, 100]]


def test_an_array_is_what_numpy_makes_of_it():
    for value in (np.arange(6, dtype=np.uint8), np.arange(6, dtype=np.uint8).reshape(2, 3)):
        for made in (value, np.asfortranarray(value), value[:0], value[::2]):
            found = unpickle.unpickle(published.pickled({"a": made}))[b"a"]
            assert found.dtype == np.uint8
            assert np.array_equal(found, made)


OBJECT = DTYPE + b"X\2\0\0\0O8K\0K\1\x87R"
WRONG_ARRAYS = {
    "objects": (array(kind=OBJECT, data=b"C\x10" + b"A" * 16), "an array of 'O8' instead"),
    "its own kind": (array(kind=b"N"), "an array of something else than bytes"),
    "numbers of no kind": (array(kind=DTYPE), "an array of something else than bytes"),
    "a list": (array(data=b"]"), "an array of something else than bytes"),
    "too few": (array(data=b"C\1a"), "cannot reshape array of size 1"),
    "too many": (array(data=b"C\3abc"), "cannot reshape array of size 3"),
    "no shape": (array(shape=b"X\1\0\0\0a"), "'str' object cannot be interpreted"),
    "endless": (array(shape=b"\x8a\x09" + b"\xff" * 8 + b"\0\x85"), "Maximum allowed dimension"),
    "a part of its state": (b"\x80\3}X\1\0\0\0a" + EMPTY + b"K\1\x85bs.", "not enough values"),
}


@pytest.mark.parametrize("name", WRONG_ARRAYS)
def test_an_array_of_anything_but_its_bytes_is_refused(name):
    data, why = WRONG_ARRAYS[name]
    with pytest.raises(ValueError, match=f"it is no pickle of numbers: .*({why})"):
        unpickle.unpickle(data)


@pytest.mark.parametrize("kind", ["i1", "u2", "f4", "?", "S1", "O"])
def test_arrays_of_other_numbers_are_refused_though_numpy_has_them(kind):
    with pytest.raises(ValueError, match=f"it has an array of .*{np.dtype(kind).str[1:]}"):
        unpickle.unpickle(published.pickled({"data": np.zeros(3, kind)}))


def test_nothing_of_numpys_is_called():
    """numpy makes eight bytes an object's address, and asking for the object ends the process."""
    address = b"K\1\x85" + DTYPE + b"X\1\0\0\0O\x85R" + b"C\x08" + b"\x41" * 8
    for made in (ARRAY + address + b"\x87R", ARRAY + b"(" + b"K\1\x85" + BYTE + b"C\1AtR"):
        with pytest.raises(ValueError, match="it is no pickle of numbers"):
            unpickle.unpickle(b"\x80\3}X\1\0\0\0a" + made + b"s.")


@pytest.mark.parametrize("name", [DTYPE, ARRAY, REBUILD], ids=["dtype", "ndarray", "rebuild"])
@pytest.mark.parametrize("attribute", ["x", "__defaults__", "__dict__", "__call__"])
@pytest.mark.parametrize("slot", [False, True])
def test_a_state_for_a_known_name_changes_nothing(name, attribute, slot):
    """Else one pickle could change how the next one is read."""
    key = b"X" + bytes((len(attribute), 0, 0, 0)) + attribute.encode()
    state = b"}" + key + b"X\2\0\0\0u1\x85s"
    before = [(dir(known), known) for known in unpickle.KNOWN.values()]
    with pytest.raises(ValueError, match=r"has no attribute|is read-only"):
        unpickle.unpickle(b"\x80\3" + name + (b"N" + state + b"\x86" if slot else state) + b"b.")
    assert [(dir(known), known) for known in unpickle.KNOWN.values()] == before
    assert unpickle.unpickle(array())["a"].tolist() == [97, 98]


def test_what_is_nested_too_deep_to_be_told_is_an_error_too():
    deep = b"]" * 100_000 + b"a" * 99_999
    with pytest.raises(ValueError, match="it is no pickle of numbers: maximum recursion"):
        unpickle.unpickle(b"\x80\3" + DTYPE + deep + b"\x85R.")


def test_no_damage_to_a_pickle_is_more_than_an_error():
    whole = published.batch("cifar10", 1)
    ends = [*range(40), *range(len(whole) - 200, len(whole))]
    for at in ends:
        try:
            unpickle.unpickle(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        except ValueError as error:
            assert "no pickle" in str(error)  # noqa: PT017  most damage to pixels is no error


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"data": np.zeros((40, 3071), np.uint8)}, "images of 3,071 bytes instead of 3,072"),
        ({"data": np.zeros((40, 3072), np.float32)}, "it has an array of b'f4' instead of bytes"),
        ({"data": [1]}, "has no rows of bytes as 'data'"),
        ({"data": np.zeros((39, 3072), np.uint8)}, "(200,) labels instead of"),
        ({"labels": None}, "has no list of numbers as 'labels'"),
        ({"labels": ["cat"] * 40}, "has no list of numbers as 'labels'"),
        ({"labels": [10] * 40}, "labels from 0 to 10 instead of 0 to 9"),
        ({"labels": [-1] * 40}, "labels from -1 to 9"),
        ({"labels": [1 << 70] * 40}, "has a label of more than 64 bits"),
    ],
)
def test_a_batch_of_another_kind(changed, why, refused):
    files = published.batches("cifar10")
    files[f"{FOLDER}/data_batch_1"] = published.batch("cifar10", 40, **changed)
    assert why in refused("cifar10", {"cifar-10-python.tar.gz": published.tar_gz(files)})


def test_a_batch_that_is_no_dict(refused):
    files = {**published.batches("cifar10"), f"{FOLDER}/test_batch": published.pickled([1])}
    said = refused("cifar10", {"cifar-10-python.tar.gz": published.tar_gz(files)})
    assert "cifar-10-python.tar.gz: cifar-10-batches-py/test_batch cannot be read: " in said
    assert "it holds no dict" in said


# a .mat file


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda n: b"", "cannot be read"),
        (lambda n: b"x" * 999, "cannot be read"),
        (lambda n: published.mat(n)[:5000], "cannot be read"),
        (lambda n: published.mat(n, X=np.zeros((32, 32, 3), np.uint8)), "instead of bytes in 4"),
        (lambda n: published.mat(n, X=np.zeros((2, 2, 3, n))), "has as X float64"),
        (lambda n: published.mat(n, X=np.zeros((8, 8, 3, n), np.uint8)), "(200, 3, 8, 8)"),
        (lambda n: published.mat(n, y=np.array([["a"]])), "instead of a column of numbers"),
        (lambda n: published.mat(n, y=np.ones((2, n))), "instead of a column of numbers"),
        (lambda n: published.mat(n, y=np.zeros((n, 1))), "has labels in y that are not 1 to 10"),
        (lambda n: published.mat(n, y=np.full((n, 1), 11)), "that are not 1 to 10"),
        (lambda n: published.mat(n, y=np.zeros((0, 1))), "that are not 1 to 10"),
        (lambda n: published.mat(n, y=np.ones((n - 1, 1))), "(199,) labels"),
    ],
)
def test_a_mat_file_of_another_kind(change, why, refused):
    said = refused("svhn", {"train_32x32.mat": change(published.GIVEN)})
    assert why in said
    assert "train_32x32.mat" in said


def test_ten_is_the_digit_zero():
    images, labels = formats.svhn(published.mat(20), "here")
    assert labels.tolist() == [*range(10), *range(10)]
    assert np.array_equal(images, published.images("svhn", 20)[0])

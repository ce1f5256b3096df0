import os

import pytest

from vitprune_core.spec.source import LARGEST, SpecError, parse, plain, read


def values(text):
    return plain(parse(text, "a.yaml")[0])


def problems(text):
    try:
        return [str(p) for p in parse(text, "a.yaml")[1]]
    except SpecError as error:
        return [str(p) for p in error.problems]


def test_scalars_are_what_they_look_like():
    text = "{a: 1e-3, b: .5, c: 12, d: true, e: null, f: ~, g: -2.5e+4, h: 1_000}"
    expected = {"a": 0.001, "b": 0.5, "c": 12, "d": True, "e": None, "f": None, "g": -25000.0}
    assert values(text) == {**expected, "h": "1_000"}


def test_base_60_yes_no_and_octal_are_no_surprises():
    assert values("{a: 1:30, b: yes, c: off, d: 012, e: 0x10}") == {
        "a": "1:30",
        "b": "yes",
        "c": "off",
        "d": 12,
        "e": "0x10",
    }


def test_a_whole_number_is_one_however_long_it_is():
    assert values(f"a: {'9' * 90}") == {"a": int("9" * 90)}
    assert values(f"a: {'9' * 101}") == {"a": "9" * 101}


def test_a_mark_of_byte_order_is_no_part_of_the_first_key(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert plain(read(path)[0]) == {"a": 1, "b": 2}


def test_a_quoted_number_is_text():
    assert values("a: '1'") == {"a": "1"}


def test_every_value_knows_its_place():
    node, _ = parse("a:\n  b: [1, 2]\n", "a.yaml")
    second = node.value["a"].value["b"].value[1]
    assert str(second.place) == "a.yaml:2:10"
    assert str(node.value["a"].value["b"].key) == "a.yaml:2:3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2", "a.yaml:2:1: the key 'a' stands here a second time, first at a.yaml:1:1"),
        ("a: &x 1\nb: *x", "a.yaml:1:4: anchors and aliases are not used here"),
        ("a: !!python/object:os.system x", "a.yaml:1:4: tags are not used here"),
        ("a: 1\n---\nb: 2", "a.yaml:2:1: a second document begins here"),
        ("1: 2", "a.yaml:1:1: a key must be a word, not 1"),
        ("? {a: 1}\n: 2", "a.yaml:1:3: a key must be a word, not a mapping"),
        ("a: [1, 2", "a.yaml:1:9: is not YAML: expected ',' or ']', but got '<stream end>' while"),
        (
            "a:\n 'x",
            "a.yaml:2:4: is not YAML: found unexpected end of stream while scanning a "
            "quoted scalar that begins at 2:2",
        ),
        ("a: @", "a.yaml:1:4: is not YAML: found character '@' that cannot start any token"),
        ("\ta: 1", "a.yaml:1:1: is not YAML: a tab cannot stand here; indent with spaces"),
        ("a: \x1b[31m", "a.yaml:1:4: has a character that YAML does not allow (U+001B)"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text, expected):
    assert any(p.startswith(expected) for p in problems(text)), problems(text)


def test_several_problems_come_at_once():
    assert len(problems("a: &x 1\na: 2\nb: !t 3\n")) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 20_000, "nested deeper than 12 levels"),
        ("{a: " * 20_000, "nested deeper than 12 levels"),
        ("- " * 20_000, "nested deeper than 12 levels"),
        ("a: [" + "1, " * 20_000 + "]", "more than 2000 values, too many for a preset"),
        ("a: " + "x" * 60_000 + "\n\tb", "is not YAML"),
    ],
)
def test_no_file_is_too_deep_or_too_long_to_be_answered_in_a_moment(text, expected):
    (problem,) = problems(text)
    assert expected in problem


def test_a_file_too_large_is_not_read_whole(tmp_path):
    path = tmp_path / "large.yaml"
    path.write_bytes(b"a: 1\n" * LARGEST)
    with pytest.raises(SpecError, match="is larger than 64 KiB"):
        read(path)


def test_a_file_that_is_not_text_is_told_with_its_byte(tmp_path):
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"a: 1\nb: \xff\xfe\n")
    with pytest.raises(SpecError, match=r"bytes.yaml:2:4: is not UTF-8 text \(byte 0xff\)"):
        read(path)


@pytest.mark.parametrize("name", ["a\0b.yaml", "\ud800.yaml", "x" * 5_000 + ".yaml"])
def test_a_path_that_cannot_be_one_is_told(tmp_path, name):
    with pytest.raises(SpecError, match="cannot be"):
        read(tmp_path / name)


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(SpecError, match="cannot be read: No such file"):
        read(tmp_path / "none.yaml")
    with pytest.raises(SpecError, match="is not a file"):
        read(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(SpecError, match="is not a file"):
        read(tmp_path / "pipe.yaml")

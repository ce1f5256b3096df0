"""The README says what is attacked on purpose, and how often: in the words of `campaigns`."""

from collections import Counter

from tests.campaigns import BEGIN, COLUMNS, END, README, ROWS, counts_of, with_counts


def table():
    return README.read_text().split(BEGIN)[1].split(END)[0]


def test_the_readme_has_every_row_and_both_its_counts():
    assert {name: set(rows) for name, rows in counts_of(table()).items()} == {
        name: set(ROWS) for name in COLUMNS
    }
    assert "–" not in table()


def test_what_was_not_attacked_here_keeps_its_count():
    before = README.read_text()
    again = with_counts(before, COLUMNS[False], Counter({"logs": 1_234_567}))
    assert again.count("1,234,567") == 1
    lines = zip(before.splitlines(), again.splitlines(), strict=True)
    changed = [new for old, new in lines if old != new]
    assert [line.split(" | ")[0] for line in changed] == [f"| {ROWS['logs'][0]}"]

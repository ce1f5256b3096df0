"""What is answered to a wrong request, word for word: the books in tests/trust/wrong/.

`VITPRUNE_SCREENS=write pytest tests/trust/test_presets.py` accepts what is answered now; the diff
is to be read.
"""

import os

import pytest

from tests.conftest import called, vitprune
from tests.trust.answers import BOOKS, Case, accept, answered, cases

EVERY = [case for book in BOOKS for case in cases(book)]


@pytest.fixture
def laid(tmp_path, monkeypatch):
    """A folder with the files of a case, in which one is."""
    monkeypatch.chdir(tmp_path)

    def lay(case: Case) -> None:
        for name, data in case.files.items():
            (tmp_path / name).write_bytes(data)

    return lay


@pytest.mark.campaign("presets")
@pytest.mark.parametrize("case", EVERY, ids=[f"{c.book.stem}: {c.title}" for c in EVERY])
def test_a_wrong_request_is_answered_word_for_word(case, laid, counted):
    laid(case)
    told = called(*case.words, code=2)
    assert told.stdout == ""
    assert sorted(os.listdir()) == sorted(case.files)  # nothing was made
    answer = answered(told.stderr)
    if os.environ.get("VITPRUNE_SCREENS") == "write":
        accept(case, answer)
    else:
        assert answer == case.answer
    counted(1)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_process_of_its_own_answers_the_same(book, laid):
    case = cases(book)[0]
    laid(case)
    done = vitprune(*case.words, code=2)
    assert (done.stdout, answered(done.stderr)) == ("", case.answer)

from vitprune_core.store.control import Inbox, ask, clear, pending, request_of


def test_requests_are_read_in_the_order_they_were_made(tmp_path):
    for request in ("pause", "continue", "stop"):
        ask(tmp_path, request)
    assert [request_of(path) for path in pending(tmp_path)] == ["pause", "continue", "stop"]


def test_what_is_no_request_is_left_alone(tmp_path):
    for name in ("stop", "12-format", "x-stop", "12-stop.txt"):
        (tmp_path / name).touch()
    assert pending(tmp_path) == []
    assert pending(tmp_path / "none") == []
    clear(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_the_inbox_is_not_looked_into_at_every_step(tmp_path, monkeypatch):
    now = iter([100.0, 100.05, 100.2])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    inbox = Inbox(tmp_path)
    assert inbox.oldest() is None
    path = ask(tmp_path, "pause")
    assert [inbox.oldest(), inbox.oldest()] == [None, path]

import pytest

from vitprune_core import logout


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host's settings as files: `host(main="…", drop="…", cgroup="…")` is its root."""
    monkeypatch.setattr("getpass.getuser", lambda: "ada")

    def make(main="", drop="", cgroup="0::/user.slice/user-1000.slice/session-3.scope\n"):
        for name, text in (
            ("etc/systemd/logind.conf", main),
            ("etc/systemd/logind.conf.d/50.conf", drop),
            ("proc/self/cgroup", cgroup),
        ):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


def test_a_host_that_leaves_processes_alone_needs_no_advice(host):
    assert logout.advice(host()) is None
    assert logout.advice(host("[Login]\n#KillUserProcesses=yes\n")) is None


def test_a_host_that_ends_them_is_told_of_with_what_to_do(host):
    told = logout.advice(host("[Login]\nKillUserProcesses=yes\n"))
    assert "loginctl enable-linger" in told
    assert "systemd-run --user --scope vitprune" in told


def test_a_drop_in_counts_more_than_the_main_file(host):
    assert logout.advice(host("[Login]\nKillUserProcesses=no\n", "[Login]\nKillUserProcesses=1\n"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("KillExcludeUsers=root ada", False),
        ("KillOnlyUsers=bob", False),
        ("KillOnlyUsers=ada bob", True),
    ],
)
def test_users_may_be_spared(host, words, told):
    root = host(f"[Login]\nKillUserProcesses=yes\n{words}\n")
    assert bool(logout.advice(root)) == told


def test_a_scope_of_the_users_own_manager_outlives_the_logout(host):
    scope = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n"
    assert logout.advice(host("[Login]\nKillUserProcesses=yes\n", cgroup=scope)) is None


def test_settings_that_cannot_be_read_are_no_settings(host):
    assert logout.advice(host("KillUserProcesses=yes\n[[[")) is None

"""What no source file may have in it, said once: each rule with lines that break it and lines that
do not, and the few files that have a reason to.

A rule looks at one node of the syntax tree. It takes names as they stand (`torch.load`): nobody
hides from it here, it is for what is written without a thought.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("vitprune_core", "vitprune_tui", "benchmarks", "tests")


@dataclass(frozen=True)
class Rule:
    breaks: Callable[[ast.AST], bool]
    wrong: tuple[str, ...]
    right: tuple[str, ...]
    allowed: Mapping[str, str] = field(default_factory=dict)
    """File -> its reason."""


def files() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def nodes(tree: ast.AST) -> list[ast.AST]:
    """Those that a rule can be about."""
    kinds = (ast.Call, ast.Assign, ast.Import, ast.ImportFrom)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def _named(node: ast.AST) -> str:
    """`torch.load` of a name or a call of it; `.load` of what is called on some other value."""
    match node:
        case ast.Call():
            return _named(node.func)
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{_named(node.value)}.{node.attr}"
    return ""


def _calls(node: ast.AST, *names: str) -> bool:
    """Whether it is a call of one of these; `.extract` is one of whatever."""
    name = _named(node) if isinstance(node, ast.Call) else ""
    return any(name == n or (n[0] == "." and name.endswith(n)) for n in names)


def _imports(node: ast.AST, *modules: str) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name in modules for alias in node.names)
    return isinstance(node, ast.ImportFrom) and node.module in modules


def _option(node: ast.AST, name: str) -> ast.expr | None:
    given = node.keywords if isinstance(node, ast.Call) else []
    return next((keyword.value for keyword in given if keyword.arg == name), None)


def _is(node: ast.AST | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _given(node: ast.AST, name: str, but: object) -> bool:
    """An option that is there and is not `but`."""
    return (option := _option(node, name)) is not None and not _is(option, but)


def a_pickle(node: ast.AST) -> bool:
    modules = ("pickle", "_pickle", "cloudpickle", "dill", "shelve", "marshal", "joblib")
    return _imports(node, *modules) or _given(node, "allow_pickle", but=False)


def weights_that_run(node: ast.AST) -> bool:
    return _calls(
        node, "torch.load", "torch.save", "torch.jit.load", "torch.package.PackageImporter"
    )


SAFE = ("yaml.SafeLoader", "yaml.CSafeLoader", "yaml.SafeDumper")


def yaml_that_runs(node: ast.AST) -> bool:
    if _calls(node, "yaml.load", "yaml.load_all"):
        return _named(_option(node, "Loader") or node) not in SAFE
    return _calls(
        node, *(f"yaml.{kind}_load{all}" for kind in ("full", "unsafe") for all in ("", "_all"))
    )


def an_archive_unpacked(node: ast.AST) -> bool:
    return _calls(node, ".extractall", ".extract", "shutil.unpack_archive")


def a_shell(node: ast.AST) -> bool:
    told = ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput")
    return _calls(node, *told, ".create_subprocess_shell") or _given(node, "shell", but=False)


def text_that_is_run(node: ast.AST) -> bool:
    return _calls(node, "eval", "exec", "__import__")


MARKED = ("Static", "Label", "Button", "Checkbox", "Markdown", "Option", ".notify", ".from_markup")
"""What takes its words for markup where it is not told otherwise."""
TITLES = ("border_title", "border_subtitle", "tooltip")


def markup_from_data(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        to = (t.attr for t in node.targets if isinstance(t, ast.Attribute))
        return any(name in TITLES for name in to) and not isinstance(node.value, ast.Constant)
    if not isinstance(node, ast.Call) or _is(_option(node, "markup"), False):
        return False
    if _calls(node, "TextColumn"):
        return any("task.fields" in ast.unparse(each) for each in node.args)
    if _calls(node, "typer.Typer"):
        return not _is(_option(node, "rich_markup_mode"), None)
    if _calls(node, "console.print", ".console.print"):
        return not all(_calls(each, "Text") for each in node.args)
    if _given(node, "markup", but=False):
        return True
    return _calls(node, *MARKED) and not all(isinstance(each, ast.Constant) for each in node.args)


def a_port(node: ast.AST) -> bool:
    modules = ("http.server", "socketserver", "xmlrpc.server", "multiprocessing.managers")
    calls = ("socket.create_server", "asyncio.start_server", ".bind", ".serve_forever")
    return _imports(node, *modules) or _calls(node, *calls)


def a_name_that_is_guessed(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom) and node.module == "tempfile":
        return any(alias.name == "mktemp" for alias in node.names)
    return _calls(node, "tempfile.mktemp")


def writable_by_all(node: ast.AST) -> bool:
    if not _calls(
        node, ".chmod", ".fchmod", "os.open", ".mkdir", "os.makedirs", "os.mkfifo", "os.umask"
    ):
        return False
    assert isinstance(node, ast.Call)
    numbers = [
        n.value
        for n in (*node.args, *(k.value for k in node.keywords))
        if isinstance(n, ast.Constant)
    ]
    modes = [n for n in numbers if isinstance(n, int) and not isinstance(n, bool)]
    if _calls(node, "os.umask"):
        return any(not mode & 0o002 for mode in modes)
    return any(mode & 0o002 for mode in modes)


RULES = {
    rule.breaks.__name__: rule
    for rule in (
        Rule(
            a_pickle,
            (
                "import pickle",
                "from pickle import loads",
                "import joblib",
                "np.load(f, allow_pickle=True)",
            ),
            ("import json", "np.load(f)", "np.load(f, allow_pickle=False)"),
            {
                "vitprune_core/engine/images/unpickle.py": "CIFAR is pickles; few names are known",
                "tests/engine/images/published.py": "writes what CIFAR is published as",
            },
        ),
        Rule(
            weights_that_run,
            ("torch.load(f)", "torch.load(f, weights_only=True)", "torch.save(model, f)"),
            ("safetensors.torch.load(f)", "load(f)"),
        ),
        Rule(
            yaml_that_runs,
            (
                "yaml.load(f)",
                "yaml.load(f, Loader=yaml.Loader)",
                "yaml.full_load(f)",
                "yaml.unsafe_load_all(f)",
            ),
            ("yaml.safe_load(f)", "yaml.load(f, Loader=yaml.SafeLoader)", "json.load(f)"),
        ),
        Rule(
            an_archive_unpacked,
            ("tar.extractall()", "archive.extract(member, folder)", "shutil.unpack_archive(f)"),
            ("tar.extractfile(member)", "extract(member)"),
            {"tests/test_wheel.py": "unpacks the wheel that it has just built"},
        ),
        Rule(
            a_shell,
            ("os.system('ls')", "os.popen(x)", "subprocess.run(x, shell=True)", "run(x, shell=y)"),
            ("subprocess.run(['ls'])", "subprocess.run(x, shell=False)"),
        ),
        Rule(
            text_that_is_run,
            ("eval(x)", "exec(x)", "__import__(x)"),
            ("model.eval()", "re.compile(x)", "torch.compile(model)", "import_module(x)"),
        ),
        Rule(
            markup_from_data,
            (
                "Text.from_markup(f'{x}')",
                "console.print(f'{x}')",
                "self.progress.console.print(x)",
                "console.print(Text(x), 'a' + x)",
                "Static('{}'.format(x))",
                "Label(x)",
                "self.notify(f'{x}')",
                "self.notify('%s' % x, title='t')",
                "Static('a', markup=True)",
                "Static(x, markup=y)",
                "TextColumn('{task.fields[x]}')",
                "typer.Typer(help='h')",
                "self.border_title = f'{x}'",
            ),
            (
                "console.print(Text(x), soft_wrap=True)",
                "print(f'{x}')",
                "Static(x, markup=False)",
                "Static('[b]number[/b]')",
                "self.notify(x, markup=False)",
                "TextColumn('{task.fields[x]}', markup=False)",
                "TextColumn('{task.completed} epochs')",
                "typer.Typer(rich_markup_mode=None)",
                "self.border_title = 'Runs'",
                "Content(x)",
            ),
        ),
        Rule(
            a_port,
            (
                "import http.server",
                "from socketserver import TCPServer",
                "s.bind(('', 0))",
                "socket.create_server(a)",
            ),
            (
                "import socket",
                "socket.socketpair()",
                "socket.create_connection(a)",
                "listen(orders)",
            ),
            {
                "tests/engine/images/test_fetch.py": "something to fetch from, on the loopback",
                "tests/test_on_ray.py": "a port at which nobody listens",
            },
        ),
        Rule(
            a_name_that_is_guessed,
            ("tempfile.mktemp()", "from tempfile import mktemp"),
            (
                "tempfile.mkdtemp()",
                "from tempfile import TemporaryFile",
                "tmp_path_factory.mktemp('a')",
            ),
        ),
        Rule(
            writable_by_all,
            (
                "os.chmod(f, 0o777)",
                "path.chmod(0o666)",
                "os.open(f, os.O_CREAT, 0o666)",
                "path.mkdir(mode=0o777)",
                "os.umask(0)",
            ),
            (
                "path.chmod(0o755)",
                "os.open(f, os.O_CREAT, 0o600)",
                "path.mkdir(mode=0o755, parents=True)",
                "os.umask(0o022)",
            ),
            {"tests/store/test_runs.py": "a umask that takes nothing away"},
        ),
    )
}

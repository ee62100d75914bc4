"""The rooms below keep their hands off the world: no clock, no files, no driver, no framework."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import scoreboard

SOURCE = Path(scoreboard.__file__).parent
PURE = sorted(
    [*(SOURCE / "core").glob("*.py"), SOURCE / "errors.py", *(SOURCE / "ports").glob("*.py")]
)
SERVICES = sorted((SOURCE / "service").glob("*.py"))
WORLD = {
    "os", "time", "io", "pathlib", "shutil", "tempfile", "socket", "ssl", "select", "selectors",
    "signal", "subprocess", "multiprocessing", "sqlite3", "http", "urllib", "platform", "logging",
}  # fmt: skip
CHANCE_AND_TASKS = {"random", "secrets", "asyncio", "threading", "concurrent", "queue"}
THIRD_PARTY = {"msgspec"}
CORE_MAY_IMPORT = ("scoreboard.core", "scoreboard.errors")


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(parsed(path))}


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", [*PURE, *SERVICES], ids=name_of)
def test_values_ports_and_services_import_nothing_of_the_world(path: Path) -> None:
    assert roots(path) & WORLD == set()


@pytest.mark.parametrize("path", PURE, ids=name_of)
def test_values_and_ports_leave_chance_and_tasks_to_others(path: Path) -> None:
    assert roots(path) & CHANCE_AND_TASKS == set()


@pytest.mark.parametrize("path", [*PURE, *SERVICES], ids=name_of)
def test_values_ports_and_services_know_no_driver_and_no_framework(path: Path) -> None:
    outside = roots(path) - set(sys.stdlib_module_names) - {"scoreboard"}
    assert outside <= THIRD_PARTY


@pytest.mark.parametrize("path", sorted((SOURCE / "core").glob("*.py")), ids=name_of)
def test_the_core_imports_only_itself_and_the_errors(path: Path) -> None:
    ours = {name for name in imports(parsed(path)) if name.startswith("scoreboard")}
    assert {name for name in ours if not name.startswith(CORE_MAY_IMPORT)} == set()


@pytest.mark.parametrize("path", sorted((SOURCE / "core").glob("*.py")), ids=name_of)
def test_the_core_asks_no_clock_opens_nothing_and_awaits_nothing(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"now", "utcnow", "today"}
        if isinstance(node, ast.Name):
            assert node.id not in {"open", "print", "input", "eval", "exec", "__import__"}


def test_the_errors_import_nothing_of_ours() -> None:
    assert "scoreboard" not in roots(SOURCE / "errors.py")

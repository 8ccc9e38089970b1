"""Plain words: those that a native reader stumbles over do not come back, in prose and in names."""

import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Words that are not used anywhere, each with what to write instead.
WORDS = {
    r"nobody": "no user, no process, a passive",
    r"everybody": "every user, public",
    r"whoever|whomever": "users who, the process that",
    r"somebody": "a user, an attacker, an administrator",
    r"(?:by|of) (?:itself|themselves)": "automatically, on its own, separately",
    r"all the same": "nevertheless",
    r"(?:of )?ours": "this package's, the site's",
    r"once more": "again",
    r"for ever": "forever",
    r"as ever": "as usual",
    r"anew": "again, from scratch",
    r"nought": "zero, 0",
    r"mend(?:s|ed|ing)?": "fix, repair, restore",
    r"befell": "happened to",
    r"ails?": "is wrong with",
    r"be it": "whether",
    r"needs you\.": "needs attention",
    r"back[-]ups?": "backup",
}
#: Words with which this package would speak of itself or of the site.
OWN = r"we|our|ours|us"
#: How docstrings do not begin: "Return whether", "Show", "Report".
BEGINNINGS = re.compile(r'^[\'"]{3}(Say|Give|Tell)\b')
#: How constants are not called: MAX_, MIN_, TIMEOUT, MAX_WAIT.
NAMES = re.compile(
    r"\b_?(?:(?:LONGEST|LARGEST|MOST|SHORTEST|FEWEST|LEAST)_[A-Z_]+|[A-Z_]*PATIENCE)\b"
)

PROSE = ("COMMENT", "STRING", "FSTRING_MIDDLE")
FOLDERS = (
    *("actionstep_connect", "docs", "example_project", "templates", "scripts", "benchmarks"),
    *(".ci", ".github"),
)
PAGES = (
    *("README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("noxfile.py", "hatch_build.py", "manage.py", "pyproject.toml", ".pre-commit-config.yaml"),
)
ENDS = {".py", ".md", ".html", ".txt", ".yml", ".css", ".sh", ".toml", ""}
#: The API of Actionstep, described in its own words; and letters that the sandbox's firms write.
OTHER_PEOPLES_WORDS = ("client/rows.py", "sandbox/facts/", "sandbox/practice/", "sandbox/faults.py")


def prose_files() -> Iterator[Path]:
    """Yield the files whose words are this package's."""
    yield from (ROOT / name for name in PAGES if (ROOT / name).exists())
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            name = file.relative_to(ROOT).as_posix()
            is_text = file.is_file() and file.suffix in ENDS and "__pycache__" not in name
            if is_text and not any(part in name for part in OTHER_PEOPLES_WORDS):
                yield file


def files_of_tests() -> Iterator[Path]:
    """Yield the tests and what they use, apart from the list of words itself."""
    for file in sorted((ROOT / "tests").rglob("*")):
        is_text = file.is_file() and file.suffix in ENDS and "__pycache__" not in file.parts
        if is_text and file != Path(__file__):
            yield file


def everything() -> Iterator[Path]:
    """Yield all files whose words are this package's, tests included."""
    return chain(prose_files(), files_of_tests())


@cache
def prose_of(file: Path) -> list[tuple[int, str]]:
    """Return lines of prose with their numbers, without `code`: of Python only comments and strings.

    Of tests only docstrings and comments: what they type, post and expect may be any word.
    """
    return [(number, re.sub(r"`[^`]*`", "``", line)) for number, line in lines_of(file)]


def lines_of(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of prose as they are."""
    text = file.read_text()
    is_test = (ROOT / "tests") in file.parents
    if file.suffix != ".py":
        yield from enumerate(text.splitlines(), start=1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        is_typed = is_test and kind != "COMMENT" and not token.string.startswith('"""')
        if kind in PROSE and not is_typed:
            for offset, line in enumerate(token.string.splitlines()):
                yield token.start[0] + offset, line


def found(pattern: str, files: Iterator[Path]) -> list[str]:
    """Return where `pattern` is in prose, outside of names and of `code`."""
    words = re.compile(rf"(?<![\w./-])(?:{pattern})(?![\w-])", re.IGNORECASE)
    return [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for file in files
        for number, line in prose_of(file)
        if words.search(line)
    ]


@pytest.mark.parametrize("word", WORDS)
def test_words_that_do_not_come_back(word: str) -> None:
    """The package, its pages, its documentation and its tests say it in the words of Django's."""
    assert found(word, everything()) == [], f"write {WORDS[word]} instead"


def test_the_package_does_not_speak_of_itself_as_we() -> None:
    """It says "this package" and "your site", because "our" is read as either."""
    assert found(OWN, everything()) == []


def test_docstrings_say_what_is_returned() -> None:
    """They begin with "Return whether", "Show" or "Report", as Django's do, in the tests as well."""
    assert [
        f"{file.relative_to(ROOT)}:{number}: {line}"
        for file in everything()
        if file.suffix == ".py"
        for number, line in prose_of(file)
        if BEGINNINGS.search(line)
    ] == []


def test_constants_have_the_fields_names() -> None:
    """Limits are MAX_ and MIN_, times are TIMEOUT, INTERVAL or MAX_WAIT, in the tests as well."""
    files = [file for file in prose_files() if file.suffix == ".py"]
    files += [file for file in (ROOT / "tests").rglob("*.py") if file != Path(__file__)]
    assert {
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in NAMES.findall(file.read_text())
    } == set()

"""How runnable pages are read, and how their stated output is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import pages

FRAMEWORKS = Path(__file__).parents[2] / "docs" / "frameworks"
PAGE = """# A page

```toml config.toml
size = 1
```

```sh
pip install one
pip install two
```

```python src/app.py
print("$ hello")

print(1)
```

```console
$ python app.py
hello
$ serve \\
    --now &
$ curl -s localhost
```
"""


def test_a_page_has_files_an_installation_and_commands() -> None:
    page = pages.read(PAGE)
    assert page.files == {"config.toml": "size = 1\n", "src/app.py": 'print("$ hello")\n\nprint(1)\n'}
    assert page.before == {"config.toml": "size = 1\n"}
    assert page.install == "pip install one\npip install two\n"
    assert [command.text for command in page.commands] == [
        "python app.py",
        "serve \\\n    --now &",
        "curl -s localhost",
    ]
    assert [command.output for command in page.commands] == [("hello",), (), ()]
    assert [command.background for command in page.commands] == [False, True, False]


def test_the_digest_depends_only_on_the_installation() -> None:
    digest = pages.read(PAGE).digest
    assert pages.read(PAGE.replace("hello", "bye")).digest == digest
    assert pages.read(PAGE.replace("size = 1", "size = 2")).digest != digest
    assert pages.read(PAGE.replace("install two", "install three")).digest != digest


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```\n$ ls\n```\n", "without a language"),
        ("```console\nls\n```\n", "begins with"),
        ("```python a.py\n```\n```python a.py\n```\n", "twice"),
    ],
)
def test_an_unrunnable_page_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        pages.read(text)


@pytest.mark.parametrize(
    ("stated", "printed", "fits"),
    [
        ("", "anything\n", True),
        ("apple\npear", "apple\npear\n", True),
        ("apple", "apple\npear\n", False),
        ("apple", "pineapple\n", False),
        ("in … s", "in 3.1 s\n", True),
        ("in … s", "in 3.1 ms\n", False),
        ("a.c", "abc\n", False),
        ("…\npear", "apple\nplum\npear\n", True),
        ("…\npear", "pear", True),
        ("apple\n…", "apple\n", True),
        ("apple\n…", "pear\napple\n", False),
    ],
)
def test_stated_output_is_compared_line_by_line(stated: str, printed: str, fits: bool) -> None:
    assert pages.says(tuple(stated.splitlines()), printed) is fits


@pytest.mark.parametrize("page", sorted(FRAMEWORKS.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_of_a_framework_states_output_and_is_short(page: Path) -> None:
    parts = pages.read(page.read_text(encoding="utf-8"))
    assert not parts.commands or any(command.output for command in parts.commands), "no command states what it prints"
    assert parts.files
    long = {name: len(text.splitlines()) for name, text in parts.files.items() if name.endswith((".py", ".js", ".ts"))}
    assert all(lines <= 25 for lines in long.values()), long

"""The code that runs the documentation's blocks notices what is wrong."""

import shutil

import pytest

from tests.support import code_blocks

PAGE = """# Page
::::{tab-set}
:::{tab-item} Python
```python
>>> x = 1
>>> x
1
```
:::
::::

- In a list:
  ```python
  y = x + 1
  y
  ```

```python
>>> y
3
```

<!-- not run: needs a GPU -->
```python
draw()
```

```r
> f <- function(x) {
+   x + 1
+ }
> f(1)
[1] 2
> f("a")
Error in x + 1 : non-numeric argument to binary operator
> as.integer("b")
[1] NA
Warning message:
NAs introduced by coercion
> f(1)
[1] 3
```

```python
# answer.py
print(42)
```

```sh
$ python answer.py
42
$ python answer.py extra
43
```

```sh
rm -r everything
```
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_blocks(page):
    """Protects pages with tabs, lists and blocks that are not run."""
    found = code_blocks.blocks(page)
    assert [block.is_run for block in found] == [True] * 3 + [False, True, False, True, False]
    assert [block.mark for block in found if block.mark] == ["not run: needs a GPU"]
    assert [block.file for block in found if block.file] == ["answer.py"]
    lines = PAGE.splitlines()
    assert all(lines[block.line - 1].strip() == block.text.split("\n")[0] for block in found)


def test_python(page, capsys):
    """Protects readers from output that Python does not print."""
    assert code_blocks.run_python(page) == (1, 4)
    printed = capsys.readouterr().out
    assert "line 19" in printed
    assert "Expected:\n    3\nGot:\n    2" in printed


@pytest.mark.r
def test_r(page, tmp_path):
    """Protects readers from output that R does not print; errors and warnings are compared."""
    if shutil.which("Rscript") is None:
        pytest.skip("needs R")
    results = code_blocks.run_r([page], tmp_path)[page]
    assert [code for code, shown, printed in results if shown != printed] == ["f(1)"]
    assert results[-1] == ("f(1)", ["[1] 3"], ["[1] 2"])


def test_shell(page, tmp_path):
    """Protects readers from output that a command does not print."""
    results = list(code_blocks.run_shell(page, tmp_path))
    assert results == [
        ("python answer.py", ["42"], ["42"]),
        ("python answer.py extra", ["43"], ["42"]),
    ]

"""The explorer of the site, in WebAssembly under Node.js, gives the numbers of Python and R."""

import base64
import json
import math
import re
import shutil
import subprocess

import numpy as np
import pytest
from scipy import stats

import pyinit
from conformance import explorer
from pyinit.dtypes import FLOAT_DTYPES, round_to
from pyinit.reproducibility import golden
from tests.support import DATA, ROOT, needs_checkout
from tests.support.explorer_numbers import TABLE, numbers_of, signal_of

needs_compiler = pytest.mark.skipif(
    not all(map(shutil.which, ("clang", "wasm-ld", "node"))), reason="needs clang, lld and Node.js"
)
pytestmark = [needs_checkout, needs_compiler]

SCRIPTS = sorted((ROOT / "docs" / "explorer").glob("*.js"))


def pages(entries):
    return explorer.ask([{"operation": "page", "fragment": each["fragment"]} for each in entries])


def output_of_r(code):
    done = subprocess.run(
        ["Rscript", "-"], input=code, capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def answers():
    """What the page shows for each case of the table."""
    return pages(TABLE["cases"])


@pytest.fixture(scope="module")
def expected():
    """What Python gives for each case of the table."""
    return list(map(numbers_of, TABLE["cases"]))


@pytest.fixture(scope="module")
def signatures():
    """The arguments and the defaults of each initializer of the page."""
    [found] = explorer.ask([{"operation": "signatures"}])
    return found


def test_the_table_has_every_initializer_of_the_page(signatures):
    """Protects an initializer that is added to the page and never compared."""
    assert set(signatures) == {case["class"] for case in TABLE["cases"]}


def test_arguments_and_defaults_are_those_of_python(signatures):
    """Protects a default that is changed in one place only; the page's default seed is 1."""
    for name, arguments in signatures.items():
        parameters = getattr(pyinit, name).__signature__.parameters
        assert [argument for argument, _ in arguments] == list(parameters)
        for argument, default in arguments:
            ours = 1 if argument == "seed" else parameters[argument].default
            assert eval(default) == ours, (name, argument)


def test_the_page_offers_every_initializer_of_the_package(signatures):
    """Protects an initializer that is added to the package and missing on the page."""
    classes = [getattr(pyinit, name) for name in pyinit.__all__]
    ours = {
        each.__name__
        for each in classes
        if isinstance(each, type) and issubclass(each, pyinit.Initializer)
    }
    assert set(signatures) == ours - {"Initializer"}


def test_fingerprints_and_fans_are_those_of_python(answers, expected):
    """Protects readers who compare the page with their own program."""
    for case, answer, ours in zip(TABLE["cases"], answers, expected, strict=True):
        assert answer["fingerprint"] == ours["fingerprint"], case
        assert answer["fans"] == ours["fans"], case
        assert answer["distribution"] == ours["distribution"], case


def test_moments_are_those_of_python(answers, expected):
    """Protects the table of theory and measurement on the page."""
    compared = 0
    for case, answer, ours in zip(TABLE["cases"], answers, expected, strict=True):
        for key in ("moments", "measured"):
            if ours[key] is None:
                continue
            numbers = [[float(text) for text in each[key]] for each in (answer, ours)]
            np.testing.assert_allclose(*numbers, rtol=1e-9, atol=1e-12, err_msg=str(case))
            compared += 1
    assert compared > len(TABLE["cases"])


def test_first_values_are_the_shortest_that_round_to_the_values(answers, expected):
    """Protects readers who copy a value from the page."""
    for case, answer, ours in zip(TABLE["cases"], answers, expected, strict=True):
        dtype = FLOAT_DTYPES[case["dtype"]]
        shown = round_to(np.array(answer["first"], np.float64), dtype).astype(np.float64)
        assert list(map(str, shown.tolist())) == ours["first"], case


def test_the_address_of_a_view_gives_the_view(answers):
    """Protects readers who share a link."""
    again = pages([{"fragment": answer["fragment"]} for answer in answers])
    assert again == answers


def test_the_lines_of_python_give_the_fingerprint(answers):
    """Protects readers who copy the lines of Python."""
    for answer in answers:
        *statements, last = answer["python"].splitlines()
        names = {}
        exec("\n".join(statements), names)
        assert eval(last, names) == answer["fingerprint"], answer["python"]


@pytest.mark.r
def test_the_lines_of_r_give_the_fingerprint(answers):
    """Protects readers who copy the lines of R."""
    output = output_of_r("\n".join(answer["r"] for answer in answers))
    found = re.findall(r'^\[1\] "([0-9a-f]{64})"$', output, re.MULTILINE)
    assert found == [answer["fingerprint"] for answer in answers]


def test_messages_are_those_of_python():
    """Protects readers who meet the same mistake on the page and in Python."""
    for case, answer in zip(TABLE["errors"], pages(TABLE["errors"]), strict=True):
        with pytest.raises(ValueError, match="Argument") as error:
            eval(case["python"], {"pyinit": pyinit, "math": math})
        assert answer == {"error": str(error.value)}, case


@pytest.mark.parametrize(
    ("fragment", "message"),
    [
        (
            "#shape=3,x",
            "Argument `shape` must be a sequence of non-negative integers. Received: shape='3,x'",
        ),
        (
            "#shape=4096,4096",
            "Argument `shape` must be a shape of at most 4194304 elements in the explorer. "
            "Received: shape=(4096, 4096)",
        ),
        (
            "#seed=18446744073709551616",
            "Argument `seed` must be an integer from -2**63 to 2**64 - 1. "
            "Received: seed=18446744073709551616",
        ),
        (
            "#seed=1.5",
            "Argument `seed` must be an integer from -2**63 to 2**64 - 1. Received: seed=1.5",
        ),
        (
            "#initializer=Orthogonal&shape=2048,1024",
            "Argument `shape` must be that of a matrix of m rows and n columns, m >= n (or its "
            "transpose), with m * n**2 at most 1073741824 in the explorer. "
            "Received: shape=(2048, 1024)",
        ),
    ],
)
def test_limits_of_the_page(fragment, message):
    """Protects readers from a page that hangs, or that draws something else than they asked for."""
    assert pages([{"fragment": fragment}]) == [{"error": message}]


@pytest.mark.parametrize(
    ("name", "config", "law"),
    [
        ("HeNormal", {}, stats.truncnorm(-2, 2, 0, math.sqrt(2 / 50) / 0.87962566103423978)),
        ("GlorotUniform", {}, stats.uniform(-math.sqrt(6 / 70), 2 * math.sqrt(6 / 70))),
        ("RandomNormal", {"mean": 1, "stddev": 3}, stats.norm(1, 3)),
        (
            "TruncatedNormal",
            {"stddev": 2, "lower": 3, "upper": "Infinity"},
            stats.truncnorm(3, math.inf, 0, 2),
        ),
        (
            "TruncatedNormal",
            {"stddev": 2, "lower": -1, "upper": 0.5},
            stats.truncnorm(-1, 0.5, 0, 2),
        ),
        # the square of a coordinate has a beta distribution
        ("Orthogonal", {"gain": 2}, None),
    ],
)
def test_densities_are_those_of_the_distributions(name, config, law):
    """Protects the curve that the histogram is compared with."""
    points = np.linspace(-1.9, 9, 50)
    request = {"operation": "density", "name": name, "config": config, "points": points.tolist()}
    [found] = explorer.ask([{**request, "shape": [50, 20], "dtype": "float64"}])
    if law is None:
        inside = np.clip((points / 2) ** 2, 0, 1)
        expected = stats.beta(0.5, 49 / 2).pdf(inside) * np.abs(points) / 4
    else:
        expected = law.pdf(points)
    np.testing.assert_allclose(np.array(found, float), expected, rtol=1e-6, atol=1e-300)


def test_derived_seeds_are_those_of_python():
    """Protects the kernels of the stack of layers."""
    table = json.loads((DATA / "derived_seeds.json").read_text())
    # the page derives the seeds of names of its own, which are ASCII
    cases = [(int(seed), name) for seed, name, _ in table if name.isascii()]
    cases += [(42, "dense/kernel"), (2**64 - 1, "input"), (-1, "layer_1/kernel")]
    requests = [{"operation": "derive_seed", "seed": str(s), "name": n} for s, n in cases]
    assert explorer.ask(requests) == [str(pyinit.derive_seed(*case)) for case in cases]


@pytest.fixture(scope="module")
def signals():
    """The second panel for each case of the table."""
    return explorer.ask(
        [
            {
                "operation": "signal",
                "initializers": case["initializers"],
                "settings": {**case["settings"], "seed": str(case["settings"]["seed"])},
            }
            for case in TABLE["signals"]
        ]
    )


def test_signals_are_those_of_python(signals):
    """Protects the second panel: the same seeds, formulas and activation functions."""
    for case, answer in zip(TABLE["signals"], signals, strict=True):
        expected = signal_of(case)
        found = np.array(answer["series"], float)
        for k, name in enumerate(("activations", "gradients")):
            np.testing.assert_allclose(found[:, k], expected[name], rtol=1e-9, err_msg=str(case))


def test_the_lines_of_python_give_the_signal(signals):
    """Protects readers who copy the lines of Python of the second panel."""
    for answer in signals:
        first, call = answer["python"].split("\n\n")
        names = {}
        exec(first, names)
        found = eval(call, names)
        expected = np.array(answer["series"], float)
        np.testing.assert_allclose(found.activations, expected[:, 0], rtol=1e-9)
        np.testing.assert_allclose(found.gradients, expected[:, 1], rtol=1e-9)


@pytest.mark.r
def test_the_lines_of_r_give_the_signal(signals):
    """Protects readers who copy the lines of R of the second panel."""
    shown = 'cat(sprintf("%.12g", c(found$activations, found$gradients)), "\\n")'
    lines = "\n".join(f"found <- {{\n{answer['r']}\n}}\n{shown}" for answer in signals)
    for line, answer in zip(output_of_r(lines).splitlines(), signals, strict=True):
        expected = np.array(answer["series"], float).transpose(1, 0, 2)
        np.testing.assert_allclose(np.array(line.split(), float), expected.ravel(), rtol=1e-9)


def test_the_signals_have_every_activation():
    """Protects an activation function that is added to the page and never compared."""
    text = (ROOT / "docs" / "explorer" / "signal.js").read_text()
    block = re.search(r"const ACTIVATIONS = \{\n(.*?)\n  \};", text, re.DOTALL)[1]
    names = re.findall(r"^    (\w+): \[", block, re.MULTILINE)
    assert set(names) == {case["settings"]["activation"] for case in TABLE["signals"]}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_well_formed(script):
    """Protects the page, most of which runs in a browser only: strict mode, syntax, one style."""
    text = script.read_text()
    done = subprocess.run(["node", "--check", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '\n"use strict";\n' in text
    assert max(map(len, text.splitlines())) <= 100
    assert not re.search(
        r"\beval\(|new Function|innerHTML|https?://(?!www.w3.org/2000/svg)|\t| $",
        text,
        re.MULTILINE,
    )


def test_the_page_loads_every_script():
    """Protects a script that is added to the folder and forgotten on the page."""
    page = (ROOT / "docs" / "explorer" / "scripts.html").read_text()
    loaded = re.findall(r'src="explorer/([\w.]+)"', page)
    assert sorted(loaded) == sorted(["kernel.wasm.js", *(script.name for script in SCRIPTS)])


def test_conformance_notices_a_wrong_value():
    """Protects the row of the browser: a check that accepts any value would always pass."""
    vectors = [v for v in golden.read() if v.class_name == "HeNormal" and v.dtype == "float32"]
    answers = explorer.ask([explorer.request_of(vector) for vector in vectors])
    for vector, answer in zip(vectors, answers, strict=True):
        assert explorer.difference(vector, answer) is None
        content = bytearray(base64.b64decode(answer["bytes"]))
        content[-1] ^= 128
        wrong = {**answer, "bytes": base64.b64encode(content).decode()}
        assert explorer.difference(vector, wrong) is not None

"""The command `pyinit`: arguments, output and exit status."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import pyinit
from pyinit.cli import run
from pyinit.manifests import reading
from pyinit.manifests.atomic_files import naming
from pyinit.manifests.writing import as_text
from tests.support import restore_interrupts, running

PLAN = {
    "seed": 42,
    "tensors": [
        {"name": "kernel", "shape": [40, 30], "initializer": "he_normal"},
        {"name": "bias", "shape": [30], "initializer": "zeros"},
    ],
}


@pytest.fixture
def _folder(tmp_path, monkeypatch):
    """Change to a new folder with a plan, its manifest and a file that is not JSON."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("plan.json").write_text(json.dumps(PLAN))
    Path("text.json").write_text("text")
    Path("old.safetensors").touch()
    Path("dir.safetensors").mkdir()
    pyinit.write_manifest(pyinit.create_manifest(PLAN), "manifest.json")


@pytest.fixture
def typed(_folder, capsys):
    """Return a function that runs the command and returns its status and output."""

    def typed(*arguments):
        status = run(list(arguments))
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return status, printed.out, printed.err

    return typed


def test_manifest_of_a_plan(typed):
    """`manifest` writes to a file or to standard output."""
    expected = as_text(pyinit.create_manifest(PLAN))
    status, out, err = typed("manifest", "plan.json")
    assert (status, out) == (0, expected)
    assert err.startswith(
        "Manifest of 2 tensors, 4.8 KiB, seed 42:\n  kernel [40, 30] float32, HeNormal"
    )
    status, out, _ = typed("manifest", "plan.json", "-o", "m.json", "--seed", "7")
    assert (status, out) == (0, "")
    assert Path("m.json").read_text() == as_text(pyinit.create_manifest(PLAN, 7))


def test_materialize_and_verify(typed):
    """`verify` accepts the files of `materialize`; both exit with 0."""
    assert typed("verify", "manifest.json") == (0, "The same: 2 tensors, 4.8 KiB.\n", "")
    status, out, _ = typed("materialize", "manifest.json", "w.safetensors", "--threads", "2")
    pyinit.set_num_threads(None)
    assert (status, out) == (0, "w.safetensors\n")
    assert typed("verify", "manifest.json", "w.safetensors")[0] == 0
    for number in (1, 2):
        shard = f"{number}/2"
        assert typed("materialize", "manifest.json", "p/w.safetensors", "--shard", shard)[0] == 0
        file = f"p/w-0000{number}-of-00002.safetensors"
        assert typed("verify", "manifest.json", file, "--shard", shard)[0] == 0
    assert typed("verify", "manifest.json", "p")[0] == 0
    status, out, _ = typed("materialize", "manifest.json", "q", "--shards", "2")
    assert (status, out.split()) == (
        0,
        ["q/model-00001-of-00002.safetensors", "q/model-00002-of-00002.safetensors"],
    )
    assert typed("verify", "manifest.json", "q")[0] == 0
    assert typed("verify", "manifest.json", *map(str, Path("p").glob("*.safetensors")))[0] == 0
    assert typed("materialize", "manifest.json", "n", "--format", "npy")[0] == 0
    assert typed("verify", "manifest.json", "n")[0] == 0
    for existing in ("keep", "overwrite"):
        arguments = ("manifest.json", "w.safetensors", "--existing", existing)
        assert typed("materialize", *arguments)[:2] == (0, "w.safetensors\n")
    assert typed("materialize", "manifest.json", "a", "--format", "arrow")[0] == 0
    assert typed("verify", "manifest.json", "a")[0] == 0


def test_shards_of_a_manifest_are_merged(typed):
    """`manifest --shard` and `merge` write the same file as `manifest` alone."""
    for k in (1, 2, 3):
        status, out, err = typed("manifest", "plan.json", "--shard", f"{k}/3", "-o", f"m{k}.json")
        assert (status, out) == (0, "")
        assert err.startswith(f"Shard {k}/3 of a manifest: ")
        assert typed("verify", f"m{k}.json")[0] == 0
    assert typed("merge", "m3.json", "m1.json", "m2.json", "-o", "merged.json")[0] == 0
    assert Path("merged.json").read_bytes() == Path("manifest.json").read_bytes()
    assert typed("merge", "m1.json", "m2.json", "m3.json")[1] == Path("manifest.json").read_text()
    status, _, err = typed("merge", "m1.json", "m3.json")
    assert (status, err) == (3, "Error: these shards are missing: 2/3\n")
    status, _, err = typed("materialize", "m1.json", "w.safetensors")
    assert (status, "m1.json is only shard 1/3 of a manifest" in err) == (3, True)
    assert typed("merge")[0] == 2


def test_differences_are_in_a_table(typed):
    """Differences give status 1, and a table or JSON."""
    typed("manifest", "plan.json", "-o", "other.json", "--seed", "43")
    status, out, err = typed("verify", "manifest.json", "other.json")
    reason = "the seed is the one derived from 43, not the one derived from 42"
    assert status == 1
    assert err == ""
    assert out.startswith("DIFFERENT: 1 difference; checked 2 tensors, 4.8 KiB:\n")
    assert "kernel" in out
    assert reason in out
    status, out, _ = typed("verify", "manifest.json", "other.json", "--json")
    assert status == 1
    assert json.loads(out) == {
        "same": False,
        "checked": 2,
        "bytes": 4920,
        "differences": [{"name": "kernel", "reason": reason}],
        "not_compared": [],
    }
    assert json.loads(typed("verify", "manifest.json", "--json")[1])["same"] is True


def test_weights_that_do_not_fit_their_manifest(typed):
    """`materialize` writes no file if the fingerprints differ, and exits with 1."""
    text = Path("manifest.json").read_text()
    Path("forged.json").write_text(re.sub(r'"fingerprint": "..', '"fingerprint": "00', text))
    status, _, err = typed("materialize", "forged.json", "w.safetensors")
    assert status == 1
    assert "do not have the manifest's fingerprints: 'kernel', 'bias'" in err
    assert not Path("w.safetensors").exists()
    assert typed("verify", "forged.json")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["verify"], 2, "Missing argument 'MANIFEST'"),
        (["check", "manifest.json"], 2, "No such command 'check'"),
        (["verify", "manifest.json", "--shards", "1/2"], 2, "No such option"),
        (["verify", "manifest.json", "--shard", "9/8"], 2, "'9/8' is not a shard"),
        (["verify", "manifest.json", "--max-bytes", "much"], 2, "'much' is not a size"),
        (["verify", "manifest.json", "--max-bytes", "9" * 400], 2, "is not a size"),
        (["verify", "manifest.json", "--threads", "0"], 2, "Invalid value for '--threads'"),
        (["verify", "manifest.json", "nowhere"], 2, "nowhere: no such file"),
        (["verify", "manifest.json", "os:nothing"], 2, "has no attribute 'nothing'"),
        (["verify", "manifest.json", "no_such_module:x"], 2, "No module named 'no_such_module'"),
        (["manifest", "plan.json", "--seed", "x"], 2, "'x' is not a valid integer"),
        (["materialize", "manifest.json", "x", "--format", "npz"], 2, "Invalid value for"),
        (["materialize", "manifest.json", "x", "--shards", "0"], 2, "'--shards': 0 is not in"),
        (
            ["materialize", "manifest.json", "x", "--shards", "2", "--shard", "1/2"],
            2,
            "--shard cannot be combined with --shards",
        ),
        (
            ["materialize", "manifest.json", "w.npz"],
            2,
            "Error: PATH must be a path that ends in .safetensors, unless the format is 'arrow', "
            "'npy' or 'zarr'. Received: 'w.npz'",
        ),
        (
            ["manifest", "plan.json", "--seed", str(2**64)],
            2,
            "Error: --seed must be an integer from -2**63 to 2**64 - 1. Received: "
            "18446744073709551616",
        ),
        (["verify", "manifest.json", ""], 2, "Invalid value for '[TARGET]...': must not be empty"),
        (["verify", ""], 2, "Invalid value for 'MANIFEST': must not be empty"),
        (["manifest", "", "--values"], 2, "Invalid value for 'TARGET': must not be empty"),
        (["materialize", "manifest.json", ""], 2, "Invalid value for 'PATH': must not be empty"),
        (
            ["manifest", "plan.json", "-o", "./plan.json"],
            2,
            "--output is an input, which it would overwrite: plan.json",
        ),
        (
            ["merge", "manifest.json", "-o", "manifest.json"],
            2,
            "--output is an input, which it would overwrite: manifest.json",
        ),
        (["manifest", "os:path"], 2, "Error: TARGET must be a Keras model, a torch module"),
        (["self-test", "--device", "gpu"], 2, "Error: --device must be 'cpu'"),
        (["verify", "plan.json"], 3, 'the field "format" is not'),
        (["verify", "nowhere.json"], 3, "nowhere.json: No such file or directory"),
        (["verify", "manifest.json", "plan.json"], 3, 'the field "format" is not'),
        (
            ["verify", "manifest.json", "--max-bytes", "1kB"],
            3,
            "more than the limit of 1000 bytes; raise it with --max-bytes",
        ),
        (["manifest", "manifest.json"], 3, "is already a manifest"),
        (["manifest", "nothing.json"], 3, "nothing.json: No such file or directory"),
        (["manifest", "text.json"], 3, "text.json: not JSON"),
        (["verify", "manifest.json", "x.arrow", "y.arrow"], 3, "x.arrow: No such file"),
        (["manifest", "json:dumps"], 3, "dumps() missing 1 required positional argument"),
        (
            ["materialize", "manifest.json", "old.safetensors"],
            3,
            "Error: old.safetensors: already exists (set --existing to 'overwrite' or 'keep')",
        ),
        (["materialize", "manifest.json", "dir.safetensors"], 3, "dir.safetensors: is a folder"),
        (
            ["materialize", "manifest.json", "dir.safetensors", "--existing", "overwrite"],
            3,
            "dir.safetensors: is a folder",
        ),
        (["materialize", "manifest.json", "plan.json/w.safetensors"], 3, "plan.json: not a folder"),
        (
            ["materialize", "manifest.json", "plan.json", "--format", "arrow"],
            3,
            "plan.json: not a folder",
        ),
    ],
)
def test_errors(typed, arguments, status, message):
    """An error is one line, and the status tells its kind."""
    found, out, err = typed(*arguments)
    assert found == status
    assert message in err
    assert out == ""


def test_other_versions_of_the_stream(typed):
    """A manifest of another stream version is an error."""
    text = Path("manifest.json").read_text()
    Path("new.json").write_text(text.replace('"stream_version": 1', '"stream_version": 2'))
    status, _, err = typed("verify", "new.json")
    assert status == 3
    assert "the stream_version is 2; this pyinit draws version 1" in err


def test_models_by_module_and_object(typed, monkeypatch):
    """A target may be a model in a module, or a function that returns one."""
    pytest.importorskip("keras")
    Path("my_models.py").write_text(
        "import keras, pyinit\n"
        "def build():\n"
        "    dense = keras.layers.Dense(3, kernel_initializer=pyinit.HeNormal(5), name='dense')\n"
        "    return keras.Sequential([keras.Input((4,)), dense])\n"
        "model = build()\n"
    )
    for number, name in enumerate(("build", "model")):
        status, _, err = typed("manifest", f"my_models:{name}", "-o", f"{number}.json")
        assert status == 0, err
    assert Path("0.json").read_text() == Path("1.json").read_text()
    assert "dense/kernel" in Path("0.json").read_text()
    assert typed("verify", "0.json", "my_models:build")[0] == 0
    status, out, _ = typed("verify", "manifest.json", "my_models:build")
    assert status == 1
    assert "it is missing" in out
    assert "it is not in the manifest" in out
    monkeypatch.delitem(sys.modules, "my_models")


def test_a_saved_keras_model(typed):
    """A target may be a saved Keras model."""
    keras = pytest.importorskip("keras")
    import pyinit.keras

    dense = keras.layers.Dense(3, kernel_initializer=pyinit.HeNormal(5), name="dense")
    model = keras.Sequential([keras.Input((4,)), dense])
    model.save("model.keras")
    assert typed("manifest", "model.keras", "-o", "m.json")[0] == 0
    assert typed("verify", "m.json", "model.keras")[0] == 0
    assert typed("manifest", "model.keras", "-o", "m42.json", "--seed", "42")[0] == 1
    pyinit.keras.initialize(model, 42)
    model.save("model.keras")
    assert typed("manifest", "model.keras", "-o", "m42.json", "--seed", "42")[0] == 0
    status, out, _ = typed("verify", "m.json", "model.keras")
    assert status == 1
    assert "12 of 12 values differ" in out


def test_manifests_of_values(typed):
    """--values records any file's weights; a saved Keras model is read, and not built."""
    keras = pytest.importorskip("keras")
    pytest.importorskip("h5py")
    np.savez("w.npz", a=np.ones(3), b=np.zeros(2))
    assert typed("manifest", "w.npz", "--values", "-o", "w.json")[0] == 0
    assert typed("verify", "w.json", "w.npz")[1] == "The same: 2 tensors, 40 bytes.\n"
    np.savez("w.npz", a=np.ones(3), b=np.ones(2))
    status, out, _ = typed("verify", "w.json", "w.npz")
    assert status == 1
    assert re.search(r"b +│ the fingerprint is [0-9a-f]{64}, not [0-9a-f]{64}", out)
    status, _, err = typed("verify", "w.json")
    assert (status, "cannot be drawn" in err) == (3, True)
    status, _, err = typed("materialize", "w.json", "w.safetensors")
    assert (status, "cannot be drawn: 'a', 'b'" in err) == (3, True)
    status, _, err = typed("manifest", "w.npz", "--values", "--seed", "1")
    assert (status, "--seed cannot be combined with --values" in err) == (2, True)

    layers = [keras.layers.Dense(3, name="dense"), keras.layers.Dropout(0.5, name="drop")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.save("model.keras")
    with zipfile.ZipFile("model.keras") as archive:
        weights = archive.read("model.weights.h5")
    with zipfile.ZipFile("model.keras", "w") as archive:
        archive.writestr("config.json", "not JSON")
        archive.writestr("model.weights.h5", weights)
    assert typed("manifest", "model.keras", "--values", "-o", "m.json")[0] == 0
    assert typed("verify", "m.json", "model.keras")[0] == 0
    pyinit.write_manifest(pyinit.create_manifest(model, values=True), "model.json")
    assert typed("verify", "model.json", "model.keras", "--json")[0] == 0


def test_tensors_that_are_not_compared_are_listed(typed):
    """A file of Keras lacks the states of seed generators: the report says so."""
    keras = pytest.importorskip("keras")
    pytest.importorskip("h5py")
    import pyinit.keras

    layers = [keras.layers.Dense(3, name="dense"), keras.layers.Dropout(0.5, name="drop")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    pyinit.keras.initialize(model, 42)
    pyinit.write_manifest(pyinit.create_manifest(model, 42), "m.json")
    model.save_weights("m.weights.h5")
    status, out, _ = typed("verify", "m.json", "m.weights.h5")
    assert status == 0
    reason = "the target has no states of seed generators"
    assert out.splitlines() == [
        "The same: 2 tensors, 60 bytes.",
        f"Not compared, since {reason}: drop/seed_generator_state",
    ]
    status, out, _ = typed("verify", "m.json", "m.weights.h5", "--json")
    assert json.loads(out)["not_compared"] == [
        {"name": "drop/seed_generator_state", "reason": reason}
    ]


def test_weights_without_the_option_values(typed):
    """Protects users who forget --values: the message names it, and no Python object."""
    np.savez("w.npz", a=np.ones(3))
    for target in ("w.npz", "dir.safetensors", "."):
        status, out, err = typed("manifest", target)
        assert (status, out) == (2, "")
        assert f"Error: {target}: a file or folder of weights. With --values, the manifest" in err
        assert "PosixPath" not in err


@pytest.mark.parametrize("suffix", ["json", "npz", "npy", "safetensors", "arrow", "h5", "keras"])
def test_files_that_are_not_read_have_status_3(suffix, typed):
    """Protects scripts: a pipe, a folder, an empty or a damaged file is not a difference."""
    path = Path(f"x.{suffix}")
    for make in (
        lambda: os.mkfifo(path),
        path.mkdir,
        path.touch,
        lambda: path.write_bytes(b"PK\3\4" + bytes(100)),
        lambda: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to(path),
    ):
        make()
        commands = [["verify", str(path)]] if suffix == "json" else []
        commands += [["verify", "manifest.json", str(path)], ["manifest", str(path), "--values"]]
        commands += [["manifest", str(path)]] if suffix in ("json", "keras") else []
        for arguments in commands:
            status, out, err = typed(*arguments)
            assert (status, out) == (3, ""), arguments
            assert re.match(rf"Error: .*x\.{suffix}.*[a-z]", err), err
            assert "None" not in err
        path.rmdir() if path.is_dir() else path.unlink()


def test_keras_archives_without_their_parts(typed):
    """Protects users with an incomplete download: no traceback, with and without --values."""
    keras = pytest.importorskip("keras")
    pytest.importorskip("h5py")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save("whole.keras")
    with zipfile.ZipFile("whole.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert len(parts) == 3
    for missing in parts:
        for content in (None, b"", b"{}", b"[]"):
            with zipfile.ZipFile("part.keras", "w") as archive:
                for name, data in parts.items():
                    if name != missing:
                        archive.writestr(name, data)
                    elif content is not None:
                        archive.writestr(name, content)
            for option in ([], ["--values"]):
                status, _, err = typed("manifest", "part.keras", *option)
                assert status in (0, 3)
                assert status == 0 or re.match(r"Error: .*[a-z]", err), err
        assert typed("manifest", "part.keras")[0] == 3 or missing == "metadata.json"


def test_errors_without_a_message(typed, monkeypatch):
    """Protects users from `None: None`: every error has a message, and no status is 1."""
    for error, message in (
        (OSError(), "it cannot be read or written"),
        (OSError(None, None), "it cannot be read or written"),
        (OSError("damaged"), "damaged"),
        (MemoryError(), "there is not enough memory"),
        (ValueError(), "ValueError"),
        (RecursionError("maximum recursion depth exceeded"), "maximum recursion depth exceeded"),
    ):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(pyinit, "verify", fail)
        assert typed("verify", "manifest.json") == (3, "", f"Error: {message}\n")
    with pytest.raises(OSError, match=r"\[Errno 5\] damaged: 'x'"), naming(Path("x")):
        raise OSError("damaged")


@pytest.mark.usefixtures("_folder")
def test_the_users_own_code_fails():
    """Protects scripts from status 1, and users who look for their mistake: it is shown."""
    Path("mine.py").write_text("def model():\n    return 1 / 0\n")
    with command(
        "verify", "manifest.json", "mine:model", stderr=subprocess.PIPE, text=True
    ) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "mine.py" in err
    assert "ZeroDivisionError" in err


@pytest.mark.usefixtures("_folder")
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments", [["schema"], ["manifest", "plan.json"], ["verify", "manifest.json", "--json"]]
)
def test_output_that_cannot_be_written(arguments):
    """Protects scripts: a full disk has status 3, also when the output is short."""
    with (
        open("/dev/full", "w") as full,
        command(*arguments, stdout=full, stderr=subprocess.PIPE, text=True) as process,
    ):
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert err.endswith("Error: No space left on device\n")


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "much", "1e", "1e999", "inf"])
def test_the_option_max_operations(text, typed):
    """A number of operations may have an exponent; the message of the limit names the option."""
    assert typed("verify", "manifest.json", "--max-operations", text)[0] == 2
    tensor = {"name": "q", "shape": [20, 10], "initializer": "orthogonal"}
    Path("q.json").write_text(json.dumps({"seed": 1, "tensors": [tensor]}))
    assert typed("manifest", "q.json", "-o", "m.json", "--max-operations", "8e3")[0] == 0
    for arguments in (
        ["manifest", "q.json"],
        ["verify", "m.json"],
        ["materialize", "m.json", "w.safetensors"],
    ):
        status, _, err = typed(*arguments, "--max-operations", "7999")
        assert (status, "raise it with --max-operations\n" in err) == (3, True)


def test_help_is_complete(typed):
    """The help lists every command, every option and the exit statuses."""
    status, out, _ = typed("--help")
    assert status == 0
    for name in ("manifest", "merge", "verify", "materialize", "self-test", "schema"):
        assert name in out
        status, text, _ = typed(name, "-h")
        assert status == 0
        assert text.startswith(f"Usage: pyinit {name} ")
    assert "130  interrupted" in out
    assert typed("--version")[1] == f"pyinit, version {pyinit.__version__}\n"


def test_the_schema_and_the_self_test(typed):
    """`schema` and `self-test` need no file."""
    assert typed("schema")[1] == reading.SCHEMA.read_text()
    status, out, _ = typed("self-test")
    assert status == 0
    assert out.startswith("Self-test passed: ")


def command(*arguments, code=("-m", "pyinit"), **options):
    restore_interrupts()
    return running(
        [sys.executable, *code, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(pyinit.__file__).parents[1])},
        **options,
    )


@pytest.mark.usefixtures("_folder")
@pytest.mark.parametrize(
    ("initializer", "shape"), [("he_normal", [2**34]), ("orthogonal", [16_000, 16_000])]
)
def test_an_interrupt(initializer, shape):
    """Ctrl-C ends a long command soon, with status 130 and without a traceback."""
    plan = {**PLAN, "tensors": [{"name": "x", "shape": shape, "initializer": initializer}]}
    Path("large.json").write_text(json.dumps(plan))
    code = "-c", "import sys, pyinit.cli; print('ready', flush=True); sys.exit(pyinit.cli.run())"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with command("manifest", "large.json", code=code, text=True, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert (out, err.strip()) == ("", "Interrupted.")


@pytest.mark.usefixtures("_folder")
def test_a_bar_on_a_terminal():
    """A terminal shows a progress bar after two seconds, and removes it at the end."""
    plan = {**PLAN, "tensors": [{"name": "x", "shape": [2**34], "initializer": "he_normal"}]}
    Path("large.json").write_text(json.dumps(plan))
    ours, theirs = pty.openpty()
    with command("manifest", "large.json", stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        shown, sent = b"", False
        while select.select([ours], [], [], 60)[0]:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if b"GiB" in shown and not sent:
                process.send_signal(signal.SIGINT)
                sent = True
        assert process.wait(timeout=120) == 130
    assert b"GiB" in shown
    os.close(ours)


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_missing_packages(missing):
    """Without click or rich, `--version` works, and a message names the extra with both."""
    code = f"import sys; sys.modules[{missing!r}] = None; from pyinit.__main__ import main; "

    def typed(*arguments):
        return subprocess.run(
            [sys.executable, "-c", code + "sys.exit(main())", *arguments],
            capture_output=True,
            text=True,
        )

    process = typed("verify")
    assert process.returncode == 2
    assert process.stderr.startswith("The command pyinit needs the packages of the extra [cli]")
    assert "Traceback" not in process.stderr
    assert typed("--version").stdout == f"pyinit, version {pyinit.__version__}\n"

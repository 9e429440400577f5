"""The command `pyinit`: `manifest`, `merge`, `verify`, `materialize`, `self-test`, `schema`."""

from __future__ import annotations

import importlib
import json
import math
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import pyinit
from pyinit.arguments import argument_error
from pyinit.manifests.limits import MAX_BYTES, MAX_OPERATIONS
from pyinit.manifests.materialization import EXISTING, FORMATS
from pyinit.manifests.model import DifferenceError, Manifest, ManifestError, escaped, printable
from pyinit.manifests.reading import FORMAT, SCHEMA, read_json
from pyinit.manifests.regular_files import RegularFile
from pyinit.manifests.shards import MAX_SHARDS, Shard, as_shard
from pyinit.manifests.targets import SUFFIXES
from pyinit.manifests.verification import Verification, not_compared_lines
from pyinit.manifests.writing import as_text
from pyinit.runtime.threads import MAX_THREADS
from pyinit.seeds import as_seed

#: Exit statuses.
DIFFERENT, USAGE, INVALID, INTERRUPTED = 1, 2, 3, 130

_EPILOG = """\b
Exit status:
  0    success; compared weights are the same
  1    weights differ
  2    usage error
  3    invalid, unreadable or unwritable file, or output
  130  interrupted"""


def run(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The arguments after `pyinit`; None for those of this process.

    Returns:
        The exit status.
    """
    try:
        status = command.main(arguments, prog_name="pyinit", standalone_mode=False)
        # what was printed must have been written, and not only kept for later
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except DifferenceError as error:
        _fail(str(error))
        return DIFFERENT
    except OSError as error:
        _discard_output()
        # errors of packages have a message alone, or nothing
        reason = error.strerror or next(iter(error.args), None) or "it cannot be read or written"
        _fail(f"{os.fspath(error.filename)}: {reason}" if error.filename else reason)
        return INVALID
    except MemoryError:
        _fail("there is not enough memory")
        return INVALID
    except (ValueError, TypeError, ImportError, RecursionError) as error:
        invalid_option = re.fullmatch(
            r"Argument (`\w+`) (must be .* Received: )\w+=(.*)", str(error), re.DOTALL
        )
        message = "{} {}{}".format(*invalid_option.groups()) if invalid_option else str(error)
        _fail(message or type(error).__name__)
        return USAGE if invalid_option else INVALID
    except Exception:  # of the user's own code, or a mistake in this library
        traceback.print_exc()
        return INVALID
    return status if isinstance(status, int) else 0


def _fail(message: str) -> None:
    """Print an error message, in which a file may have written anything."""
    lines = (escaped(line) for line in _with_options(message).split("\n"))
    with suppress(OSError):
        click.echo("Error: " + "\n".join(lines), err=True)


def _discard_output() -> None:
    """Forget what cannot be printed, which Python would try again and fail with status 120."""
    with suppress(OSError, ValueError):
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _with_options(message: str) -> str:
    """Return a message of the Python API with its arguments as they are typed in a shell."""
    typed = {
        opt.lstrip("-").replace("-", "_"): opt if opt.startswith("-") else opt.upper()
        for subcommand in command.commands.values()
        for param in subcommand.params
        for opt in param.opts
    }
    return re.sub(r"`(\w+)`", lambda name: typed.get(name[1], name[0]), message)


_UNITS = {
    "": 1,
    **{f"{unit}B": 1000**k for k, unit in enumerate("KMGTP", 1)},
    **{f"{unit}IB": 1024**k for k, unit in enumerate("KMGTP", 1)},
}


def _size(value: Any) -> int:
    """Return a size in bytes, such as 500GB or 2TiB."""
    match = re.fullmatch(r"([0-9]{1,30}(?:\.[0-9]{1,30})?) *([a-z]*)", str(value), re.IGNORECASE)
    unit = _UNITS.get(match[2].upper()) if match else None
    size = 0 if match is None or unit is None else math.floor(float(match[1]) * unit)
    if size < 1:
        raise click.BadParameter(f"{value!r} is not a size, such as 500GB or 2TiB")
    return size


def _count(value: Any) -> int:
    """Return a number of operations, such as 1e15."""
    match = re.fullmatch(r"([0-9]{1,30})(?:e([0-9]{1,2}))?", str(value))
    count = int(match[1]) * 10 ** int(match[2] or 0) if match else 0
    if count < 1:
        raise click.BadParameter(f"{value!r} is not a number, such as 1000000 or 1e15")
    return count


def _shard_of(value: Any) -> Shard:
    """Return a shard and the number of shards, such as 3/8."""
    try:
        return as_shard(value)
    except ValueError:
        allowed = "a shard and the number of shards, such as 3/8"
        raise click.BadParameter(f"{value!r} is not {allowed}") from None


def _set_threads(ctx: click.Context, param: click.Parameter, value: int | None) -> None:
    if value is not None:
        pyinit.set_num_threads(value)


class _Text(click.types.StringParamType):
    """A text that is not empty, such as an unset variable of the shell."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty text."""
        return super().convert(_not_empty(self, value, param, ctx), param, ctx)


class _FilePath(click.Path):
    """A path that is not empty: `Path("")` would be the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty path."""
        return super().convert(_not_empty(self, value, param, ctx), param, ctx)


def _not_empty(
    kind: click.ParamType[Any], value: Any, param: click.Parameter | None, ctx: click.Context | None
) -> Any:
    if value == "":
        kind.fail("must not be empty", param, ctx)
    return value


_max_bytes = click.option(
    "--max-bytes",
    type=_size,
    metavar="SIZE",
    default=f"{MAX_BYTES // 2**40}TiB",
    show_default=True,
    help="Maximum total size of the weights, such as 500GB or 2TiB.",
)
_max_operations = click.option(
    "--max-operations",
    type=_count,
    metavar="NUMBER",
    default=MAX_OPERATIONS,
    help="Maximum number of operations for orthogonal matrices and other values that are computed "
    "together, such as 1e15; by default about 3e14, which take about an hour.",
)
_shard = click.option(
    "--shard",
    type=_shard_of,
    metavar="SHARD",
    help="Process only this shard, such as 3/8 on the third of eight machines.",
)
_threads = click.option(
    "--threads",
    type=click.IntRange(1, MAX_THREADS),
    callback=_set_threads,
    expose_value=False,
    help="Number of threads. The values do not depend on it.",
)


@click.group(
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(pyinit.__version__, prog_name="pyinit")
def command() -> None:
    """Reproducible initial weights for neural networks, in Python and R."""


@command.command("manifest", epilog=_EPILOG)
@click.argument("target", type=_Text())
@click.option("-o", "--output", type=_FilePath(), help="File to write.")
@click.option("--seed", type=int, help="Seed of the whole model.")
@click.option("--values", is_flag=True, help="Record the present weights, without initializers.")
@_shard
@_max_bytes
@_max_operations
@_threads
def manifest_command(
    target: str,
    output: Path | None,
    seed: int | None,
    values: bool,
    shard: Shard | None,
    max_bytes: int,
    max_operations: int,
) -> None:
    """Record the weights of TARGET in a manifest.

    TARGET is a plan (a .json file), a saved Keras model (a .keras file), or module:object, where
    the object is a Keras model, a torch module, or a function that returns one. Without --output,
    the manifest is written to standard output.

    With --values, the manifest records the fingerprints of the present weights, of any origin, and
    no initializers. TARGET is then module:object, a file with weights (.safetensors, .arrow,
    .keras, .h5, .hdf5, .npz, .npy, .zarr) or a folder of .safetensors, .arrow or .npy files. Only
    arrays are read from a file: a saved Keras model is not built.

    With --shard, the manifest is that of one shard, and pyinit merge merges all of them.
    """
    if values and seed is not None:
        raise click.UsageError("--seed cannot be combined with --values, which records no seeds")
    if seed is not None:
        as_seed("seed", seed)
    _check_output(output, [target])
    loaded = _target_of(target) if values else _target_of(target, _plan, _keras_model)
    if not values and isinstance(loaded, Path):
        raise click.UsageError(
            f"{target}: a file or folder of weights. With --values, the manifest records the "
            "fingerprints of these weights; without, TARGET must be a plan (.json), a saved Keras "
            "model (.keras) or module:object"
        )
    try:
        made = pyinit.create_manifest(
            loaded,
            seed,
            values=values,
            shard=shard,
            max_bytes=max_bytes,
            max_operations=max_operations,
        )
    except (ValueError, TypeError) as error:
        if not isinstance(loaded, list | dict):
            raise
        # the arguments are valid, so these are fields of the plan
        message = re.sub(r"Argument `(\w+)`", r"\1", str(error))
        raise ManifestError(f"{target}: {message}") from None
    _put_out(made, output)


def _check_output(output: Path | None, inputs: Iterable[str | Path]) -> None:
    """Refuse to overwrite an input."""
    if output is None or not output.exists():
        return
    for name in inputs:
        if Path(name).exists() and output.samefile(name):
            raise click.UsageError(f"--output is an input, which it would overwrite: {name}")


def _put_out(manifest: Manifest, output: Path | None) -> None:
    """Write a manifest to a file or to standard output, and summarize it."""
    if output is None:
        click.echo(as_text(manifest), nl=False)
    else:
        pyinit.write_manifest(manifest, output)
    click.echo(repr(manifest), err=True)


@command.command("merge", epilog=_EPILOG)
@click.argument("manifests", nargs=-1, required=True, type=_FilePath())
@click.option("-o", "--output", type=_FilePath(), help="File to write.")
def merge_command(manifests: tuple[Path, ...], output: Path | None) -> None:
    """Merge the shards of a manifest.

    MANIFESTS are the files that pyinit manifest --shard has written, in any order. The whole
    manifest is the same as without shards. Without --output, it is written to standard output.
    """
    _check_output(output, manifests)
    _put_out(pyinit.merge_manifests(manifests), output)


@command.command("verify", epilog=_EPILOG)
@click.argument("manifest", type=_FilePath())
@click.argument("targets", nargs=-1, type=_Text(), metavar="[TARGET]...")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@_shard
@_max_bytes
@_max_operations
@_threads
def verify_command(
    manifest: Path,
    targets: tuple[str, ...],
    as_json: bool,
    shard: Shard | None,
    max_bytes: int,
    max_operations: int,
) -> int:
    """Compare weights with MANIFEST and report differences.

    TARGET is one or more files with weights (.safetensors, .arrow, .keras, .h5, .hdf5, .npz, .npy,
    .zarr) or folders of .safetensors, .arrow or .npy files; or another manifest (.json); or
    module:object, where the object is a Keras model, a torch module, or a function that returns
    one. Only arrays are read from a file: a saved Keras model is not built. Without a TARGET, the
    weights that this pyinit draws are compared.
    """
    expected = pyinit.read_manifest(manifest)
    target: Any = None
    if len(targets) == 1:
        target = _target_of(targets[0])
    elif targets:
        target = [Path(name) for name in targets]
    found = pyinit.verify(
        expected, target, shard=shard, max_bytes=max_bytes, max_operations=max_operations
    )
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2))
    else:
        _print(found)
    return 0 if found else DIFFERENT


@command.command("materialize", epilog=_EPILOG)
@click.argument("manifest", type=_FilePath())
@click.argument("path", type=_FilePath())
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="One safetensors file; or a folder of Arrow or .npy files, or a Zarr group.",
)
@click.option(
    "--existing",
    type=click.Choice(EXISTING),
    default=EXISTING[0],
    show_default=True,
    help="Whether files that exist are an error, are replaced, or are verified and kept.",
)
@_shard
@click.option(
    "--shards",
    type=click.IntRange(1, MAX_SHARDS),
    help="Write this number of shards, one after another.",
)
@_max_bytes
@_max_operations
@_threads
def materialize_command(
    manifest: Path,
    path: Path,
    file_format: Literal["safetensors", "arrow", "npy", "zarr"],
    existing: Literal["error", "overwrite", "keep"],
    shard: Shard | None,
    shards: int | None,
    max_bytes: int,
    max_operations: int,
) -> None:
    """Draw the weights of MANIFEST into PATH.

    A file is written only if its weights have the fingerprints of MANIFEST. With --shard 3/8 and
    the PATH model.safetensors, the file is model-00003-of-00008.safetensors, and
    model.safetensors.index.json lists the file of each tensor; --shards 8 writes all eight. PATH
    may then be their folder. With another format, PATH is a folder. After an interruption,
    --existing keep verifies the files that exist and draws the rest.
    """
    if shard is not None and shards is not None:
        raise click.UsageError("--shard cannot be combined with --shards")
    written = pyinit.materialize(
        manifest,
        path,
        format=file_format,
        shard=shard,
        shards=shards,
        existing=existing,
        max_bytes=max_bytes,
        max_operations=max_operations,
    )
    for file in written:
        click.echo(file)


@command.command("self-test", epilog=_EPILOG)
@click.option("--device", default="cpu", show_default=True, help='"cpu", "cuda" or "cuda:1".')
@_threads
def self_test_command(device: str) -> int:
    """Check this pyinit against the golden vectors."""
    found = pyinit.self_test(device)
    click.echo(repr(found))
    return 0 if found else DIFFERENT


@command.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of manifests."""
    click.echo(SCHEMA.read_text(encoding="utf-8"), nl=False)


def _target_of(
    text: str, of_json: Callable[[Path], Any] = Path, of_keras: Callable[[Path], Any] = Path
) -> Any:
    """Return the object that a target on the command line denotes.

    Args:
        text: The argument.
        of_json: Called with the path of a JSON file.
        of_keras: Called with the path of a saved Keras model.
    """
    path = Path(text)
    if path.suffix == ".json":
        return of_json(path)
    if path.suffix == ".keras":
        return of_keras(path)
    if path.suffix in SUFFIXES:
        return path
    module, colon, name = text.partition(":")
    if colon and not path.exists() and module.replace(".", "").isidentifier():
        return _object(module, name)
    if not path.exists():
        raise click.UsageError(f"{text}: no such file, and not of the form module:object")
    return path


def _plan(path: Path) -> Any:
    plan = read_json(path)
    if isinstance(plan, dict) and plan.get("format") == FORMAT:
        raise ManifestError(f"{path} is already a manifest: check it with pyinit verify")
    if not isinstance(plan, list) and not (isinstance(plan, dict) and "tensors" in plan):
        raise ManifestError(
            f"{path} is not a plan, which is a list of tensors, or an object with such a list as "
            "`tensors`"
        )
    return plan


def _keras_model(path: Path) -> Any:
    try:
        import keras

        import pyinit.keras  # noqa: F401
    except ImportError as error:
        raise ImportError(f"Keras is needed for {path}: {error}") from None
    RegularFile(path)  # raises if it is something else
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds
        reason = f"{type(error).__name__}: {error}"
        raise ManifestError(f"{path}: Keras cannot load it: {reason}") from None


def _object(module: str, name: str) -> Any:
    # the current folder first, as for `python -m`
    sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
        for attribute in name.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        raise click.UsageError(f"{module}:{name}: {error}") from None
    from pyinit.hooks import adapter_for

    if adapter_for(found) is None and callable(found):
        found = found()
    if adapter_for(found) is None:
        raise argument_error(
            "target", found, "a Keras model, a torch module, or a function that returns one"
        )
    return found


def _print(found: Verification) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        # rich assumes 80 columns, which would break most lines
        console = Console(highlight=False, width=200)
    console.print(Text(repr(found).partition("\n")[0]))
    if not found:
        table = Table("tensor", "difference")
        for difference in found.differences:
            table.add_row(Text(printable(difference.name)), Text(escaped(difference.reason)))
        console.print(table)
    for line in not_compared_lines(found.not_compared):
        console.print(Text(line))


def _as_json(found: Verification) -> dict[str, Any]:
    return {
        "same": bool(found),
        "checked": found.checked,
        "bytes": found.nbytes,
        "differences": [vars(difference) for difference in found.differences],
        "not_compared": [vars(tensor) for tensor in found.not_compared],
    }

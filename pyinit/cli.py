"""The command line: `pyinit manifest`, `verify`, `materialize`, `self-test`, `schema`."""

from __future__ import annotations

import importlib
import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import pyinit
from pyinit.arguments import argument_error
from pyinit.manifests.limits import MAX_BYTES
from pyinit.manifests.materialization import FORMATS
from pyinit.manifests.model import DifferenceError, ManifestError
from pyinit.manifests.reading import FORMAT, SCHEMA, load_json
from pyinit.manifests.shards import Shard, as_shard
from pyinit.manifests.verification import Verification, shown
from pyinit.manifests.writing import as_text
from pyinit.runtime.threads import MAX_THREADS

#: Exit statuses.
DIFFERENT, USAGE, REFUSED, INTERRUPTED = 1, 2, 3, 130

_EPILOG = """\b
Exit status:
  0    done; what was compared is the same
  1    something differs
  2    the command is not as it must be
  3    refused: a file that is not as it must be, or cannot be read or written
  130  interrupted"""


def run(arguments: list[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: What was typed after `pyinit`; None for those of this process.

    Returns:
        The exit status.
    """
    try:
        status = command.main(arguments, prog_name="pyinit", standalone_mode=False)
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except DifferenceError as error:
        click.echo(f"Error: {error}", err=True)
        return DIFFERENT
    except OSError as error:
        click.echo(f"Error: {error.filename}: {error.strerror}", err=True)
        return REFUSED
    except (ValueError, TypeError, ImportError) as error:
        click.echo(f"Error: {error}", err=True)
        return REFUSED
    return status if isinstance(status, int) else 0


_UNITS = {
    "": 1,
    **{f"{unit}B": 1000**k for k, unit in enumerate("KMGTP", 1)},
    **{f"{unit}IB": 1024**k for k, unit in enumerate("KMGTP", 1)},
}


class _Bytes(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.5 on
    """A number of bytes, such as 500GB or 2TiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) *([a-z]*)", value, re.IGNORECASE)
        unit = _UNITS.get(match[2].upper()) if match else None
        size = 0 if match is None or unit is None else math.floor(float(match[1]) * unit)
        if size < 1:
            self.fail(f"{value!r} is no number of bytes, such as 500GB or 2TiB", param, ctx)
        return size


class _ShardType(click.ParamType):  # type: ignore[type-arg]
    """Which of how many shards, such as 3/8."""

    name = "shard"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Shard:
        try:
            return as_shard(value)
        except ValueError:
            self.fail(f"{value!r} is not one of how many shards, such as 3/8", param, ctx)


def _set_threads(ctx: click.Context, param: click.Parameter, value: int | None) -> None:
    if value is not None:
        pyinit.set_num_threads(value)


_max_bytes = click.option(
    "--max-bytes",
    type=_Bytes(),
    default=f"{MAX_BYTES // 2**40}TiB",
    show_default=True,
    help="Refuse weights that are larger together.",
)
_shard = click.option(
    "--shard",
    type=_ShardType(),
    help="Only one of several shards, such as 3/8: what one of eight machines does.",
)
_threads = click.option(
    "--threads",
    type=click.IntRange(1, MAX_THREADS),
    callback=_set_threads,
    expose_value=False,
    help="How many threads draw. The values do not depend on it.",
)


@click.group(
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(pyinit.__version__, prog_name="pyinit")
def command() -> None:
    """Initial weights that can be shown to be the same, in Python and in R."""


@command.command("manifest", epilog=_EPILOG)
@click.argument("target")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it.")
@click.option("--seed", type=int, help="The seed of the whole model.")
@_max_bytes
@_threads
def manifest_command(target: str, output: Path | None, seed: int | None, max_bytes: int) -> None:
    """Pin the initial weights of TARGET in a manifest.

    TARGET is a plan (a .json file: see docs/manifests.md), a saved Keras model (a .keras file), or
    module:object, where Python finds a Keras model, a torch module or a function that makes one.
    The manifest goes to standard output unless --output says where.
    """
    made = pyinit.create_manifest(_target_of(target, _plan), seed, max_bytes=max_bytes)
    if output is None:
        click.echo(as_text(made), nl=False)
    else:
        pyinit.write_manifest(made, output)
    click.echo(repr(made), err=True)


@command.command("verify", epilog=_EPILOG)
@click.argument("manifest", type=click.Path(path_type=Path))
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--json", "as_json", is_flag=True, help="Say what was found as JSON.")
@_shard
@_max_bytes
@_threads
def verify_command(
    manifest: Path, targets: tuple[str, ...], as_json: bool, shard: Shard | None, max_bytes: int
) -> int:
    """Hold weights against MANIFEST, and say what differs.

    Without a TARGET, what this pyinit draws is held against it. A TARGET is a .safetensors or
    .arrow file or a folder of them (several may be given), another manifest (.json), a saved Keras
    model (.keras), or module:object, where Python finds a Keras model, a torch module or a function
    that makes one.
    """
    pinned = pyinit.read_manifest(manifest)
    target: Any = None
    if len(targets) == 1:
        target = _target_of(targets[0], lambda path: path)
    elif targets:
        target = [Path(name) for name in targets]
    found = pyinit.verify(pinned, target, shard=shard, max_bytes=max_bytes)
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2))
    else:
        _print(found)
    return 0 if found else DIFFERENT


@command.command("materialize", epilog=_EPILOG)
@click.argument("manifest", type=click.Path(path_type=Path))
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="A safetensors file, or a folder of Arrow files.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@_shard
@_max_bytes
@_threads
def materialize_command(
    manifest: Path,
    path: Path,
    file_format: str,
    overwrite: bool,
    shard: Shard | None,
    max_bytes: int,
) -> None:
    """Draw the weights of MANIFEST into PATH, and check what is written.

    With --shard 3/8, PATH model.safetensors becomes model-00003-of-00008.safetensors, and
    model.safetensors.index.json says which tensor is in which file. With --format arrow, PATH is a
    folder.
    """
    written = pyinit.materialize(
        manifest,
        path,
        format=file_format,
        shard=shard,
        overwrite=overwrite,
        max_bytes=max_bytes,
    )
    for file in written:
        click.echo(file)


@command.command("self-test", epilog=_EPILOG)
@click.option("--device", default="cpu", show_default=True, help='"cpu", "cuda" or "cuda:1".')
@_threads
def self_test_command(device: str) -> int:
    """Check that this pyinit draws what every copy must draw."""
    found = pyinit.self_test(device)
    click.echo(repr(found))
    return 0 if found else DIFFERENT


@command.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of manifests."""
    click.echo(SCHEMA.read_text(encoding="utf-8"), nl=False)


def _target_of(text: str, of_json: Callable[[Path], Any]) -> Any:
    """What a target on the command line stands for."""
    path = Path(text)
    if path.suffix == ".json":
        return of_json(path)
    if path.suffix == ".keras":
        return _keras_model(path)
    module, colon, name = text.partition(":")
    if colon and not path.exists() and module.replace(".", "").isidentifier():
        return _object(module, name)
    if not path.exists():
        raise click.UsageError(f"{text}: there is no such file, and it is no module:object")
    return path


def _plan(path: Path) -> Any:
    plan = load_json(path.read_bytes())
    if isinstance(plan, dict) and plan.get("format") == FORMAT:
        raise ManifestError(f"{path} is a manifest already: pyinit verify checks it")
    return plan


def _keras_model(path: Path) -> Any:
    try:
        import keras

        import pyinit.keras  # noqa: F401
    except ImportError as error:
        raise ImportError(f"Keras is needed for {path}: {error}") from None
    return keras.saving.load_model(path, compile=False)


def _object(module: str, name: str) -> Any:
    # as for `python -m`
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
            "target", found, "a Keras model, a torch module, or a function that makes one"
        )
    return found


def _print(found: Verification) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        # lines for people, whom no terminal breaks them for
        console = Console(highlight=False, width=200)
    console.print(Text(repr(found).partition("\n")[0]))
    if found:
        return
    table = Table("tensor", "what differs")
    for difference in found.differences:
        table.add_row(Text(shown(difference.name)), Text(difference.reason))
    console.print(table)


def _as_json(found: Verification) -> dict[str, Any]:
    return {
        "same": bool(found),
        "checked": found.checked,
        "bytes": found.nbytes,
        "differences": [vars(difference) for difference in found.differences],
    }

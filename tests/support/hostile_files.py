"""Files of weights and manifests that a stranger could make to do harm."""

import io
import json
import struct
import zipfile

import numpy as np
import pyarrow as pa

FINGERPRINT = "0" * 64
#: The start of a manifest, up to its tensors.
START = '{"format":"pyinit manifest","format_version":1,"stream_version":1,"tensors":['


def npy(array, **options) -> bytes:
    """Return an `.npy` file."""
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def zipped(path, content: dict, compression=zipfile.ZIP_STORED) -> None:
    """Write a zip archive."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def write_safetensors(path, header, values=b"") -> None:
    """Write a safetensors file with any header, as JSON or text."""
    text = header if isinstance(header, str) else json.dumps(header)
    path.write_bytes(struct.pack("<Q", len(text)) + text.encode() + values)


def write_arrow(path, metadata, values, **options) -> None:
    """Write an Arrow file with any metadata; the values are an array or a list of batches."""
    batches = values if isinstance(values, list) else [values]
    field = pa.field("values", batches[0].type, nullable=False)
    schema = pa.schema([field], metadata)
    with pa.ipc.new_file(path, schema, **options) as writer:
        for batch in batches:
            writer.write_batch(pa.record_batch([batch], schema=schema))


def entry(name="x", **fields) -> dict:
    """Return the entry of a tensor without an initializer."""
    return {
        "name": name,
        "shape": [2],
        "dtype": "float32",
        "initializer": None,
        "fingerprint": FINGERPRINT,
        **fields,
    }


def manifest(*tensors, **fields) -> str:
    """Return the text of a manifest."""
    versions = {"format": "pyinit manifest", "format_version": 1, "stream_version": 1}
    return json.dumps({**versions, "tensors": list(tensors), **fields})

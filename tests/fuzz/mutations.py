"""Random changes of bytes, of JSON documents and of zip archives."""

import io
import json
import struct
import zipfile
from random import Random

#: Texts and numbers that mean something in one of the formats.
TOKENS = [
    *(b"\0", b"\xff", b"\n", b"\x1b[31m", b"\xe2\x80\xae", b"{", b"}", b"[", b"]", b'"', b","),
    *(b"None", b"True", b"1e999", b"NaN", b"-Infinity", b"(-1,)", b"|O", b"<f4", b">f8", b"<V2"),
    *(b"vars/0", b"layer_names", b"../x", b"__metadata__", b"data_offsets", b"PK\5\6", b"PK\1\2"),
    *(struct.pack("<Q", n) for n in (0, 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1)),
    *(struct.pack("<I", n) for n in (0, 1, 2**31 - 1, 2**31, 2**32 - 1)),
]
VALUES = [
    *(None, True, False, 0, 1, -1, 1.0, 1.5, 2**31, 2**53 + 1, 2**60, 2**63, 10**30, 1e308),
    *("", "1", "a\n", "\x1b[31m", "\u202e", "Infinity", "NaN", "x" * 1025, [], [0], [0, 0], {}),
    *([1] * 33, [2**31, 2**31], {"shape": [1], "dtype": "float32", "data": "AACAPw=="}),
]


def changed_bytes(random: Random, content: bytes, others: list[bytes]) -> bytes:
    """Return bytes with one to four changes."""
    changed = bytearray(content)
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(changed))
        size = min(random.choice((1, 1, 2, 4, 8, 64)), len(changed) - at)
        how = random.randrange(7)
        if how == 0 and size:
            changed[at] ^= 1 << random.randrange(8)
        elif how == 1:
            changed[at : at + size] = random.randbytes(size)
        elif how == 2:
            token = random.choice(TOKENS)
            changed[at : at + random.choice((0, len(token)))] = token
        elif how == 3:
            del changed[at : at + size]
        elif how == 4:
            changed[at:at] = changed[at : at + size] * random.choice((1, 2, 100))
        elif how == 5:
            del changed[at:]
        else:
            other = random.choice(others)
            changed[at:] = other[min(at, len(other)) :]
    return bytes(changed)


def changed_json(random: Random, document):
    """Return a JSON document with one value replaced, removed, added or repeated."""
    document = json.loads(json.dumps(document))
    at = document
    while True:
        steps = [*at] if isinstance(at, dict) else [*range(len(at))]
        inner = [step for step in steps if isinstance(at[step], dict | list) and at[step]]
        if not inner or random.random() < 0.3:
            break
        at = at[random.choice(inner)]
    how = random.randrange(4)
    if not steps or how == 0:
        value = random.choice(VALUES)
        if isinstance(at, dict):
            at[random.choice([*steps, "axes", "groups", "gates", "draw", "rows", "x"])] = value
        else:
            at.insert(random.randint(0, len(at)), value)
    elif how == 1:
        del at[random.choice(steps)]
    elif how == 2:
        at[random.choice(steps)] = random.choice(VALUES)
    else:
        at[random.choice(steps)] = at[random.choice(steps)]
    return document


def changed_zip(random: Random, content: bytes, others: list[bytes]) -> bytes:
    """Return an archive with a changed member, or changed bytes."""
    if random.random() < 0.3:
        return changed_bytes(random, content, others)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice([*members])
    if random.random() < 0.1:
        del members[name]
    else:
        members[name] = changed_bytes(random, members[name], [*members.values()])
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for own, data in members.items():
            how = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            archive.writestr(own, data, how)
    return changed.getvalue()

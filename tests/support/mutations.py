"""Mutations of JSON documents."""

import copy

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)
#: Values close to valid ones.
_NEAR = [
    True,
    False,
    None,
    0,
    1,
    1.0,
    1.5,
    -1,
    2**53 + 1,
    2**60,
    "",
    "1",
    "Infinity",
    "a\n",
    [],
    {},
]
NEAR = st.sampled_from([*_NEAR, [0]])


@st.composite
def mutations_of(draw, document):
    """Draw a copy of a document in which one value is replaced, removed, added or exchanged."""
    mutated = copy.deepcopy(document)
    at = mutated
    for _ in range(draw(st.integers(0, 7))):
        steps = [*at] if isinstance(at, dict) else [*range(len(at))]
        step = draw(st.sampled_from(steps)) if steps else None
        if step is None or not isinstance(at[step], dict | list) or not at[step]:
            break
        at = at[step]
    keys = [*at] if isinstance(at, dict) else [*range(len(at))]
    key = draw(st.sampled_from(keys))
    how = draw(st.sampled_from(["replace", "remove", "add", "exchange"]))
    if how == "remove":
        del at[key]
    elif how == "add" and isinstance(at, dict):
        at[draw(st.sampled_from(_FIELDS) | st.text(max_size=8))] = draw(NEAR | JSON)
    elif how == "exchange":
        other = draw(st.sampled_from(keys))
        at[key], at[other] = at[other], at[key]
    else:
        at[key] = draw(NEAR | JSON)
    return mutated


_FIELDS = [
    *("segments", "rows", "axes", "groups", "gates", "draw", "initializer", "seed", "lower"),
    *("batch_axes", "input_axes", "class_name", "shard", "value"),
]

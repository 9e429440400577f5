"""One error for all weights that cannot be initialized."""

from __future__ import annotations

from collections.abc import Iterable


def check_problems(argument: str, allowed: str, problems: Iterable[tuple[str, str | None]]) -> None:
    """Check that no weight has a problem.

    Args:
        argument: The name of the caller's argument, for the message.
        allowed: What the argument must be, for the message.
        problems: Names of weights and why each cannot be initialized; an empty reason or None
            if it can.

    Raises:
        ValueError: At least one weight has a problem. The message groups the names by reason.
    """
    names: dict[str, list[str]] = {}
    for name, problem in problems:
        if problem:
            names.setdefault(problem, []).append(name)
    if names:
        raise ValueError(
            f"Argument `{argument}` must be {allowed}. These cannot:"
            + "".join(f"\n  {', '.join(group)}: {problem}" for problem, group in names.items())
        )

"""Checks of seed generators in forked processes, run as a script by tests/test_processes.py."""

import os
import pickle
import traceback

import pyinit


def in_child(check):
    """Fork; the child must find that `check()` is True."""
    child = os.fork()
    if child == 0:
        try:
            status = 0 if check() is True else 1
        except BaseException:
            traceback.print_exc()
            status = 2
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def is_refused(draw):
    """Return whether `draw()` raises the error for the draw of a parent process."""
    try:
        draw()
    except RuntimeError as error:
        text = str(error)
        return "before this process was forked" in text and "derive_seed()" in text
    return False


def fork_again():
    """Check a generator that the child has constructed."""
    own = pyinit.SeedGenerator(5)
    in_child(lambda: is_refused(own.next))
    return own.next() == (5, 0)


def set_seed():
    """Check a generator whose sequence the child restarts."""
    seed.seed = 4
    return seed.next() == (4, 0)


if __name__ == "__main__":
    seed = pyinit.SeedGenerator(3, name="weights")
    initializer = pyinit.RandomNormal(seed=seed)
    first = initializer((4, 3)).tobytes()
    lazy = initializer.lazy((4, 3))
    second = lazy[...].tobytes()
    unseeded = pyinit.HeNormal()
    drawn = unseeded((4, 3)).tobytes()

    # no draw repeats one of the parent process
    in_child(lambda: is_refused(seed.next))
    in_child(lambda: is_refused(lambda: initializer((4, 3))))
    in_child(lambda: is_refused(lambda: initializer.lazy((4, 3))))
    # the rest works
    in_child(lambda: seed.state == (3, 2) and lazy[...].tobytes() == second)
    in_child(lambda: initializer.lazy((4, 3), draw=1)[...].tobytes() == second)
    in_child(lambda: unseeded((4, 3)).tobytes() == drawn)
    in_child(lambda: pyinit.RandomNormal(seed=3)((4, 3)).tobytes() == first)
    # so do the child's own generators
    in_child(lambda: pyinit.SeedGenerator(3).next() == (3, 0))
    in_child(lambda: pickle.loads(pickle.dumps(seed)).next() == (3, 2))
    in_child(set_seed)
    in_child(fork_again)
    assert seed.next() == (3, 2)

    try:
        import keras

        import pyinit.keras
    except ImportError:
        pass
    else:
        keras.random.normal((2,), seed=seed)
        in_child(lambda: is_refused(lambda: keras.random.normal((2,), seed=seed)))
        keras.random.normal((2,), seed=seed)

"""Benchmarks: this library and others, side by side in one run.

`script/bench` sets up an environment and runs `python -m benchmarks`, which prints tables and
writes `results.json` and plots. `script/bench --against PATH` compares two copies of this library
instead (see `benchmarks.against`). Four modules are commands of their own: `benchmarks.gpu`,
`benchmarks.disk`, `benchmarks.dask_blocks` and `benchmarks.many_machines`.

How the measurements are made:

* **One process per peer.** Each peer library runs in its own process (Keras in one per backend,
  because the backend is fixed at import), together with this library and the memory-bandwidth
  baseline. The thread pools of two peers never compete.
* **Interleaving.** The compared methods run in turn, A B C, C B A, ..., within one process, so that
  a temporary slowdown of the machine affects all of them. Ratios are taken round by round; the
  tables show their median and quartiles, and the ratio of the fastest rounds.
* **Warm-up.** There are two calls before the first round, which compile, allocate and start
  threads, and one before each timing unless a call takes longer than a tenth of a second. Short
  calls are timed in loops of some milliseconds. A pause before each timing lets the previous
  method's worker threads go to sleep: OpenMP threads spin for a while.
* **No garbage collection** during a timing. In R, a collection precedes each timing.
* **Equal threads.** A process is restricted to as many CPUs as the comparison has threads, and each
  library is configured for that number. GPUs are hidden from the peers.
* **No preselected BLAS kernel.** Variables that select an older OpenBLAS kernel
  (`OPENBLAS_CORETYPE`, `OPENBLAS_L2_SIZE`) are removed from the environment.
* **Baseline.** `ndarray.fill` into a buffer that has been written before: one thread that only
  writes memory, in the same rounds.
* **Each peer at its best**: into existing memory where the library supports it (torch, NumPy),
  compiled where possible (JAX). NumPy's uniform values are on [0, 1), neither scaled nor shifted.
* **Sharded tensors** are drawn in a process in which JAX has eight devices on the host: by JAX's
  own initializer under `jax.jit` with `out_shardings`, and by this library, eagerly and likewise.
* **Peak memory** is measured in a fresh process per method, relative to the memory in use after a
  small first call.

`results.json` contains

* `machine`: the machine, with the versions of all packages,
* `options`: the options of the run,
* `measurements`: a list with, for each, `comparison` (measurements of the same comparison ran in
  turn, so that their i-th `seconds` belong together), `process`, `topic`, `method`, `distribution`,
  `shape`, `dtype`, `order`, `threads`, `partition` (what is read of the shape; empty for all),
  `seconds` (per call, for each round), `median`, `minimum`, `maximum`, `quartiles` and
  `nanoseconds_per_element`, computed from the median,
* `peak_memory`: a list of `method`, `distribution`, `shape`, `dtype`, `array_bytes`, `peak_bytes`
  (in addition to the memory of the process before the call) and their `ratio`,
* `skipped`: a list of `what` and `reason`,
* `targets`: a list of `name`, `detail`, `limit`, `at_least` (otherwise at most), `measured`,
  `quartiles`, `best` (the ratio of the fastest rounds) and `met`; null without a measurement.
"""

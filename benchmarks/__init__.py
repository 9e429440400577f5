"""Benchmarks: this library and its peers, side by side in one run.

`script/bench` sets up an environment and runs `python -m benchmarks`, which prints tables and
writes `results.json` and plots.

How it is measured:

* **One process a peer.** Each peer library runs in a process of its own (Keras in one for each
  backend, which is fixed at its import), together with this library and the memory: thread pools
  of two peers never compete.
* **Alternation.** What is compared is run in turn, A B C, C B A, ..., within one process, so that a
  machine that slows down for a while slows all of them. A ratio is taken round by round; what is
  reported is the median of the rounds with the quartiles, and the ratio of the fastest rounds.
* **Warm-up.** Two calls before the first round (they compile, allocate and start threads), and one
  before each timing unless a call takes longer than a tenth of a second. Short calls are timed in
  loops of some milliseconds. A pause before each timing lets the worker threads of the one before
  go to sleep: OpenMP's wait actively for a while.
* **The collector is off** while a clock runs, in R by a collection before each timing.
* **Equal threads.** A process is confined to as many CPUs as there are threads to be compared, and
  each library is told the number in its own way. A GPU is hidden from the peers.
* **No hand-picked BLAS kernel.** Variables that choose an older OpenBLAS kernel
  (`OPENBLAS_CORETYPE`, `OPENBLAS_L2_SIZE`) are taken out of the environment.
* **The limit** is `ndarray.fill` into a buffer that is in use already: one thread that writes
  memory and does nothing else, in the same rounds.
* **The peer's best way**: into existing memory where the library can (torch, NumPy), and compiled
  where it can (JAX). NumPy's uniform values are those on [0, 1), neither scaled nor shifted.
* **Peak memory** is measured in a fresh process for each, from after a first small call.

`results.json` holds

* `machine`: what it was measured on, with the versions of all packages,
* `options`: what was asked for,
* `measurements`: a list; of each, `comparison` (those with the same one ran in turn, so that the
  i-th `seconds` belong together), `process`, `topic`, `who`, `distribution`, `shape`, `dtype`,
  `order`, `threads`, `seconds` (of one call, round by round), `median`, `minimum`, `maximum`,
  `quartiles` and `nanoseconds_per_element`, from the median,
* `peak_memory`: a list of `who`, `distribution`, `shape`, `dtype`, `array_bytes`, `peak_bytes`
  (beyond what the process held before the call) and their `ratio`,
* `left_out`: a list of `who` and `why`,
* `targets`: a list of `name`, `detail`, `limit`, `at_least` (or else at most), `measured`,
  `quartiles`, `best` (the ratio of the fastest rounds) and `met`; without a measurement these are
  null.
"""

/* A gate at which the threads of a pool wait for work, without Python's lock (the GIL).
 *
 * Python's own queues cannot tell when a thread waits: it may still be about to take the lock. A
 * process that forks at that moment without telling Python, as R does, leaves a child that waits
 * forever for the thread, which the child does not have.
 */
#ifndef PYINIT_GATE_H
#define PYINIT_GATE_H

struct pyinit_gate;

/* Returns a new gate, or NULL if there is no memory. It is never freed. */
struct pyinit_gate *pyinit_gate_new(void);

/* Waits until the gate is opened for this thread. */
void pyinit_gate_wait(struct pyinit_gate *gate);

/* Opens the gate for one thread: one that waits, or the next one that comes. */
void pyinit_gate_open(struct pyinit_gate *gate);

/* Returns the number of threads that wait and for which the gate has not been opened. */
int pyinit_gate_waiting(struct pyinit_gate *gate);

#endif

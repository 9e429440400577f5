#include "gate.h"

#include <pthread.h>
#include <stdlib.h>

struct pyinit_gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    int waiting;
    /* How many threads may pass. */
    int open;
};

struct pyinit_gate *pyinit_gate_new(void)
{
    struct pyinit_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL)
        return NULL;
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->opened, NULL);
    return gate;
}

void pyinit_gate_wait(struct pyinit_gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->waiting++;
    while (gate->open == 0)
        pthread_cond_wait(&gate->opened, &gate->mutex);
    gate->open--;
    gate->waiting--;
    pthread_mutex_unlock(&gate->mutex);
}

void pyinit_gate_open(struct pyinit_gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open++;
    pthread_cond_signal(&gate->opened);
    pthread_mutex_unlock(&gate->mutex);
}

int pyinit_gate_waiting(struct pyinit_gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    int waiting = gate->waiting - gate->open;
    pthread_mutex_unlock(&gate->mutex);
    return waiting;
}

/* Functions of the explorer beside the kernels of kernel.c and qr.c: memory, rounding, quantiles,
 * SHA-256 and matrix products. The functions are called from docs/explorer/kernel.js. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

#define EXPORT __attribute__((visibility("default")))

/* ---- memory: a stack ---- */

enum { PAGE = 65536, ALIGNMENT = 16 };

extern unsigned char __heap_base; /* defined by the linker */

static uintptr_t top;

/* Returns NULL if there is no memory. */
EXPORT void *malloc(size_t size)
{
    const uintptr_t first = top ? top : (uintptr_t)&__heap_base;
    const uintptr_t start = (first + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    const size_t available = __builtin_wasm_memory_size(0) * (size_t)PAGE - start;
    if (size > available) {
        const size_t missing = (size - available + PAGE - 1) / PAGE;
        if (__builtin_wasm_memory_grow(0, missing) == (size_t)-1)
            return NULL;
    }
    top = start + size;
    return (void *)start;
}

/* Also frees everything allocated after `memory`. */
EXPORT void free(void *memory)
{
    if (memory != NULL)
        top = (uintptr_t)memory;
}

/* ---- rounding ---- */

EXPORT double rounded_to_float16(double value) { return pyinit_float64_rounded_to_float16(value); }

EXPORT double rounded_to_bfloat16(double value)
{
    return pyinit_float64_rounded_to_bfloat16(value);
}

/* Stores each value, rounded once to 16, 32 or 64 bits. The values are not NaN. */
EXPORT void store_float16(uint16_t *out, const double *values, int count)
{
    for (int k = 0; k < count; ++k)
        out[k] = pyinit_float16_of((float)rounded_to_float16(values[k]));
}

EXPORT void store_bfloat16(uint16_t *out, const double *values, int count)
{
    for (int k = 0; k < count; ++k)
        out[k] = pyinit_bfloat16_of((float)rounded_to_bfloat16(values[k]));
}

EXPORT void store_float32(float *out, const double *values, int count)
{
    for (int k = 0; k < count; ++k)
        out[k] = (float)values[k];
}

EXPORT void store_float64(double *out, const double *values, int count)
{
    for (int k = 0; k < count; ++k)
        out[k] = values[k];
}

/* ---- the float64 normal quantile of the stream ---- */

EXPORT double normal_quantile(uint32_t high, uint32_t low)
{
    return pyinit_normal_float64(high, low);
}

/* ---- matrix products ---- */

/* Computes the product of x, of shape (rows, inner), and w, of shape (inner, columns). */
EXPORT void multiply(
    double *restrict out, const double *x, const double *restrict w, int rows, int inner,
    int columns)
{
    for (int r = 0; r < rows; ++r, out += columns, x += inner) {
        for (int c = 0; c < columns; ++c)
            out[c] = 0;
        for (int k = 0; k < inner; ++k) {
            const double factor = x[k], *const row = w + k * columns;
            for (int c = 0; c < columns; ++c)
                out[c] += factor * row[c];
        }
    }
}

/* ---- SHA-256 (FIPS 180-4) ---- */

enum { BLOCK = 64, WORDS = 8, ROUNDS = 64, LENGTH_AT = BLOCK - 8 };

static struct {
    uint32_t state[WORDS];
    uint64_t length; /* of the message so far, in bytes */
    uint8_t block[BLOCK];
} sha256;

static uint32_t rotated(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

static void hash_block(const uint8_t *block)
{
    static const uint32_t constants[ROUNDS] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2};
    uint32_t w[ROUNDS], s[WORDS];
    for (int t = 0; t < 16; ++t)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < ROUNDS; ++t) {
        const uint32_t a = w[t - 2], b = w[t - 15];
        w[t] = (rotated(a, 17) ^ rotated(a, 19) ^ a >> 10) + w[t - 7] +
               (rotated(b, 7) ^ rotated(b, 18) ^ b >> 3) + w[t - 16];
    }
    memcpy(s, sha256.state, sizeof s);
    for (int t = 0; t < ROUNDS; ++t) {
        const uint32_t a = s[0], e = s[4];
        const uint32_t sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
        const uint32_t choice = (e & s[5]) ^ (~e & s[6]);
        const uint32_t t1 = s[7] + sum1 + choice + constants[t] + w[t];
        const uint32_t sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
        const uint32_t majority = (a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]);
        s[7] = s[6];
        s[6] = s[5];
        s[5] = e;
        s[4] = s[3] + t1;
        s[3] = s[2];
        s[2] = s[1];
        s[1] = a;
        s[0] = t1 + sum0 + majority;
    }
    for (int k = 0; k < WORDS; ++k)
        sha256.state[k] += s[k];
}

EXPORT void sha256_start(void)
{
    static const uint32_t initial[WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(sha256.state, initial, sizeof initial);
    sha256.length = 0;
}

EXPORT void sha256_update(const uint8_t *bytes, size_t count)
{
    size_t filled = (size_t)(sha256.length % BLOCK);
    sha256.length += count;
    while (count > 0) {
        const size_t taken = count < BLOCK - filled ? count : BLOCK - filled;
        memcpy(sha256.block + filled, bytes, taken);
        filled += taken;
        bytes += taken;
        count -= taken;
        if (filled == BLOCK) {
            hash_block(sha256.block);
            filled = 0;
        }
    }
}

/* Writes the 32 bytes of the digest. */
EXPORT void sha256_finish(uint8_t *digest)
{
    static const uint8_t padding[BLOCK] = {0x80};
    const uint64_t bits = 8 * sha256.length;
    const size_t filled = (size_t)(sha256.length % BLOCK);
    uint8_t length[8];
    sha256_update(padding, (filled < LENGTH_AT ? LENGTH_AT : LENGTH_AT + BLOCK) - filled);
    for (int k = 0; k < 8; ++k)
        length[k] = (uint8_t)(bits >> (56 - 8 * k));
    sha256_update(length, sizeof length);
    for (int k = 0; k < 4 * WORDS; ++k)
        digest[k] = (uint8_t)(sha256.state[k / 4] >> (24 - 8 * (k % 4)));
}

/* Which vector instructions the processor and the operating system provide, from the processor
 * itself. __builtin_cpu_supports() depends on the compiler's runtime library, which finds nothing in
 * extensions that zig has linked.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, section 14.3 (AVX)
 * and section 15.2 (AVX-512). */

#include <cpuid.h>

/* Bits of XCR0: the registers that the operating system saves. */
enum { SAVES_AVX = 0x06, SAVES_AVX512 = 0xe6 };

static unsigned saved_registers(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* Returns whether the operating system saves `registers` and the feature bits include `features`, bits
 * of EBX in leaf 7. */
static int has_features(unsigned features, unsigned registers)
{
    unsigned eax, ebx, ecx, edx;
    /* xgetbv itself needs OSXSAVE */
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE))
        return 0;
    if ((saved_registers() & registers) != registers)
        return 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & features) == features;
}

static int has_avx2(void) { return has_features(bit_AVX2, SAVES_AVX); }

static int has_avx512(void)
{
    return has_features(bit_AVX512F | bit_AVX512VL | bit_AVX512DQ | bit_AVX512BW, SAVES_AVX512);
}

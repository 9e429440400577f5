/* The quantile approximations, written by script/fit_quantiles.py. */
/* clang-format off */
#ifndef PYINIT_QUANTILE_COEFFICIENTS_H
#define PYINIT_QUANTILE_COEFFICIENTS_H

#define PYINIT_LOG_FLOAT32_LOG(t, t2) (((0x1.1d50860000000p-6f * (t2) + 0x1.90d3840000000p-5f) * (t2) + 0x1.c728980000000p-3f) * (t) + (((-0x1.578c020000000p-7f * (t2) + -0x1.a7b9ca0000000p-6f) * (t2) + -0x1.94b4700000000p-4f) * (t2) + 0x1.b1df260000000p-6f))
#define PYINIT_LOG_FLOAT32_UNIT (-0x1.62e4300000000p-24f)
#define PYINIT_LOG_FLOAT32_OFFSET (0x5e751ff1)
#define PYINIT_LOG_FLOAT64_LOG(t, t2) (((-0x1.72f34b9a6e0fbp-3 * (t2) + -0x1.24923cde23173p-2) * (t2) + -0x1.555555554f2b4p-1) * (t) + (((-0x1.5aceab429752ep-3 * (t2) + -0x1.c72489999694ap-3) * (t2) + -0x1.999999ac6ca4cp-2) * (t2) + -0x1.0000000000004p+1))
#define PYINIT_LOG_FLOAT64_UNIT (-0x1.62e42fefa39efp-1)
#define PYINIT_NORMAL_FLOAT32_P(t, t2) (((0x1.d0b59c0000000p-27f * (t2) + 0x1.70036e0000000p-18f) * (t2) + 0x1.b61e9a0000000p-13f) * (t) + ((0x1.ef90340000000p-22f * (t2) + 0x1.5bfbfa0000000p-15f) * (t2) + 0x1.2f70720000000p-11f))
#define PYINIT_NORMAL_FLOAT32_Q(t, t2) (((0x1.0000000000000p+0f * (t2) + 0x1.1a9e500000000p+11f) * (t2) + 0x1.8023e80000000p+16f) * (t) + ((0x1.50bf600000000p+7f * (t2) + 0x1.fa3c600000000p+14f) * (t2) + 0x1.e4380c0000000p+19f))
#define PYINIT_TRUNCATED_NORMAL_FLOAT32_P(t, t2) ((0x1.4444dc0000000p+2f * (t2) + 0x1.220af40000000p+1f) * (t) + ((0x1.a35b540000000p-2f * (t2) + 0x1.bd57ac0000000p+2f) * (t2) + 0x1.7ea5160000000p-3f))
#define PYINIT_TRUNCATED_NORMAL_FLOAT32_Q(t, t2) ((0x1.4a52780000000p+2f * (t2) + 0x1.4aef020000000p+0f) * (t) + ((0x1.0000000000000p+0f * (t2) + 0x1.396df60000000p+2f) * (t2) + 0x1.7ea5180000000p-4f))
#define PYINIT_NORMAL_FLOAT64_P(t, t2, t4) ((((0x1.61854cbe6a771p+12 * (t4) + 0x1.b5bbbd43a874cp+30) * (t4) + 0x1.9ed4613df39e9p+43) * (t2) + (((0x1.843f6ad768704p-6 * (t4) + 0x1.5162139d1add4p+22) * (t4) + 0x1.dc8295c7ebf26p+37) * (t4) + 0x1.ddaf33d69da6ap+47)) * (t) + (((0x1.7b57fecc5716dp+17 * (t4) + 0x1.6995124a7c40fp+34) * (t4) + 0x1.07e4c5a27a3f4p+46) * (t2) + (((0x1.2b2c65bb607f0p+5 * (t4) + 0x1.aa9784dee8ee9p+26) * (t4) + 0x1.f3b40d4210ea9p+40) * (t4) + 0x1.3aff79c887dbcp+49)))
#define PYINIT_NORMAL_FLOAT64_Q(t, t2, t4) ((((0x1.97ca8d3c2374cp+8 * (t4) + 0x1.1f6d3c08a64fep+28) * (t4) + 0x1.700595c8eed94p+41) * (t2) + ((0x1.5a5787662115dp+19 * (t4) + 0x1.726b52ea5b832p+35) * (t4) + 0x1.d7c55d13021aep+45)) * (t) + (((0x1.ab66362fbf9d4p+14 * (t4) + 0x1.59a995a8b1d5ep+32) * (t4) + 0x1.ea656c06917a0p+44) * (t2) + (((0x1.0000000000000p+0 * (t4) + 0x1.3b255dacb9833p+24) * (t4) + 0x1.44408f933aeffp+39) * (t4) + 0x1.f6a9fc3e9a371p+48)))
#define PYINIT_TRUNCATED_NORMAL_FLOAT64_P(t, t2) (((((0x1.ceeb73e7580d7p-3 * (t2) + 0x1.d2d41aac7196ap+6) * (t2) + 0x1.93c46ddcb5eadp+8) * (t2) + 0x1.331faa3bfeeaep+6) * (t2) + 0x1.1377a576bb7ffp+0) * (t) + ((((0x1.b0165114ebadcp+3 * (t2) + 0x1.4a79e03f2c6c0p+8) * (t2) + 0x1.e5ffe290f9993p+7) * (t2) + 0x1.9bd1df140970bp+3) * (t2) + 0x1.2007247a85078p-5))
#define PYINIT_TRUNCATED_NORMAL_FLOAT64_Q(t, t2) (((((0x1.0000000000000p+0 * (t2) + 0x1.16219227cba68p+7) * (t2) + 0x1.387bda12d423ep+8) * (t2) + 0x1.77b69819bbf71p+5) * (t2) + 0x1.22db8b848fef9p-1) * (t) + ((((0x1.82389c8a357e9p+4 * (t2) + 0x1.319e197429d48p+8) * (t2) + 0x1.495fb096517f6p+7) * (t2) + 0x1.d07080ac61a54p+2) * (t2) + 0x1.2007247a8507ap-6))

#endif

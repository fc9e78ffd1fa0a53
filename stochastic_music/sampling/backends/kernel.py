"""The loop of chains in CUDA C: plain C but for what the head defines, so that a C compiler can run its arithmetic too.

Each thread takes the four chains of a block of random words through all steps, their places in registers: four reads
are under way at once a thread, and neighbouring threads write neighbouring symbols.
"""

from __future__ import annotations

#: what only a GPU has
CUDA_HEAD = r"""
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short u16;
#define INLINE __device__ __forceinline__
#define KERNEL extern "C" __global__ void
#define UPPER(x, y) __umul64hi(x, y)
#define ALIGNED(n) __align__(n)
#define EACH(i) _Pragma("unroll") for (int i = 0; i < 4; ++i)
#define THREAD ((long long)blockIdx.x * blockDim.x + threadIdx.x)
"""

#: the same for a C compiler: the number of the thread is a variable
C_HEAD = r"""
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short u16;
#define INLINE static inline
#define KERNEL void
#define UPPER(x, y) ((u64)(((unsigned __int128)(x) * (y)) >> 64))
#define ALIGNED(n) __attribute__((aligned(n)))
#define EACH(i) for (int i = 0; i < 4; ++i)
#define THREAD thread_number
long long thread_number;
"""

_BODY = r"""
typedef struct { u64 word[4]; } block_of_words;

INLINE block_of_words philox(u64 block, u64 step, u64 key, u64 upper_key) {
    u64 a = block, b = step, c = 0, d = 0;
    for (int round = 0; round < 10; ++round) {
        u64 high = UPPER(0xD2E7470EE14C6C93ull, a), low = 0xD2E7470EE14C6C93ull * a;
        u64 other_high = UPPER(0xCA5A826395121157ull, c), other_low = 0xCA5A826395121157ull * c;
        a = other_high ^ b ^ key; b = other_low; c = high ^ d ^ upper_key; d = low;
        key += 0x9E3779B97F4A7C15ull;
        upper_key += 0xBB67AE8584CAA73Bull;
    }
    block_of_words drawn = {{a, b, c, d}};
    return drawn;
}

INLINE u32 step_even(const u64 *table, int bits, u64 word, u32 *place) {
    u64 entry = table[((u64)*place << bits) | ((word >> 32) >> (32 - bits))];
    u64 own = (word & 0xFFFFFFFFull) < (entry >> 32);
    return *place = (u32)(entry >> (own * 16)) & 0xFFFFu;
}

typedef struct ALIGNED(16) { u64 symbols, targets; } wide_entry;

INLINE u32 step_wide(const wide_entry *table, int tells_places, u64 word, u32 *place) {
    wide_entry entry = table[(*place >> WIDTH_BITS) + ((word >> 32) >> (32 - (*place & WIDTH_MASK)))];
    u64 own = (word & 0xFFFFFFFFull) < (entry.symbols >> 32);
    *place = (u32)(entry.targets >> (own * 32));
    return tells_places ? *place : (u32)(entry.symbols >> (own * 16)) & 0xFFFFu;
}

/* four neighbours at once, where rows are aligned to that */
INLINE void store_u16(u16 *row, const u32 *symbol) {
    *(u64 *)row = symbol[0] | (u64)symbol[1] << 16 | (u64)symbol[2] << 32 | (u64)symbol[3] << 48;
}

INLINE void store_u32(u32 *row, const u32 *symbol) {
    ((u64 *)row)[0] = symbol[0] | (u64)symbol[1] << 32;
    ((u64 *)row)[1] = symbol[2] | (u64)symbol[3] << 32;
}

#define CHAINS(NAME, TABLE, STEP, OUT)                                                                       \
KERNEL NAME(const TABLE *__restrict__ table, int option, u64 key, u64 upper_key, long long first_chain,      \
            u64 first_step, long long n_steps, long long n_chains, u32 *places, OUT *out) {                  \
    long long first = THREAD * 4, n = n_chains - first;                                                      \
    u32 place[4], symbol[4];                                                                                 \
    if (n <= 0) return;                                                                                      \
    EACH(i) place[i] = places[i < n ? first + i : first];                                                    \
    for (long long s = 0; s < n_steps; ++s) {                                                                \
        block_of_words drawn = philox((u64)(first_chain + first) / 4 + 1, first_step + s, key, upper_key);   \
        OUT *row = out + s * n_chains + first;                                                               \
        EACH(i) symbol[i] = STEP(table, option, drawn.word[i], place + i);                                   \
        if (n_chains % 4 == 0) store_##OUT(row, symbol);                                                     \
        else EACH(i) if (i < n) row[i] = (OUT)symbol[i];                                                     \
    }                                                                                                        \
    EACH(i) if (i < n) places[first + i] = place[i];                                                         \
}

CHAINS(even_16, u64, step_even, u16)
CHAINS(wide_16, wide_entry, step_wide, u16)
CHAINS(wide_32, wide_entry, step_wide, u32)
"""


def source(head: str, width_bits: int) -> str:
    """The loops for a GPU (CUDA_HEAD) or for a C compiler (C_HEAD)."""
    return f"{head}#define WIDTH_BITS {width_bits}\n#define WIDTH_MASK {(1 << width_bits) - 1}\n{_BODY}"

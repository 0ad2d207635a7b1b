/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The few types and helpers that everything shares. Compiles for the host and for -target bpf; no
 * header of DPDK or libbpf is needed.
 */
#ifndef TURNOUT_TYPES_H
#define TURNOUT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TO_INLINE      static inline __attribute__((always_inline))
#define TO_LIKELY(x)   __builtin_expect(!!(x), 1)
#define TO_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Network byte order, as it lies in a packet. Kept apart from host integers by the struct. */
typedef struct {
	uint16_t raw;
} to_be16;
typedef struct {
	uint32_t raw;
} to_be32;

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the table image is little-endian");

TO_INLINE uint16_t to_host16(to_be16 v)
{
	return __builtin_bswap16(v.raw);
}

TO_INLINE uint32_t to_host32(to_be32 v)
{
	return __builtin_bswap32(v.raw);
}

TO_INLINE to_be16 to_net16(uint16_t v)
{
	return (to_be16){__builtin_bswap16(v)};
}

TO_INLINE to_be32 to_net32(uint32_t v)
{
	return (to_be32){__builtin_bswap32(v)};
}

/*
 * Words at any alignment; the caller has checked the bounds. clang would read and write them byte
 * by byte for BPF, where the kernel takes them whole on CPUs that can: so there it is not told.
 */
#ifdef __bpf__
#define TO_ALIGNMENT(n) n
#else
#define TO_ALIGNMENT(n) 1
#endif
typedef uint16_t __attribute__((may_alias, aligned(TO_ALIGNMENT(2)))) to_any16;
typedef uint32_t __attribute__((may_alias, aligned(TO_ALIGNMENT(4)))) to_any32;
typedef uint64_t __attribute__((may_alias, aligned(TO_ALIGNMENT(8)))) to_any64;

/* As they lie in memory. */
TO_INLINE uint16_t to_raw16(const void *p)
{
	return *(const to_any16 *)p;
}

TO_INLINE uint32_t to_raw32(const void *p)
{
	return *(const to_any32 *)p;
}

TO_INLINE uint64_t to_raw64(const void *p)
{
	return *(const to_any64 *)p;
}

TO_INLINE void to_put_raw16(void *p, uint16_t v)
{
	*(to_any16 *)p = v;
}

TO_INLINE void to_put_raw32(void *p, uint32_t v)
{
	*(to_any32 *)p = v;
}

TO_INLINE void to_put_raw64(void *p, uint64_t v)
{
	*(to_any64 *)p = v;
}

/* From a packet, in host order. */
TO_INLINE uint16_t to_load16(const uint8_t *p)
{
	return __builtin_bswap16(to_raw16(p));
}

TO_INLINE uint32_t to_load32(const uint8_t *p)
{
	return __builtin_bswap32(to_raw32(p));
}

TO_INLINE uint64_t to_load64(const uint8_t *p)
{
	return __builtin_bswap64(to_raw64(p));
}

/* An address of either family. IPv4 is v4-mapped (::ffff:a.b.c.d), as in RFC 4291, 2.5.5.2.
 * Bytes in network order. */
union to_addr {
	uint8_t b[16];
	uint32_t w[4];
	uint64_t d[2];
};

enum to_family { TO_NO_FAMILY = 0, TO_IP4 = 4, TO_IP6 = 6 };

TO_INLINE bool to_addr_is_v4(const union to_addr *a)
{
	return a->d[0] == 0 && a->w[2] == __builtin_bswap32(0x0000ffff);
}

TO_INLINE union to_addr to_addr_v4(to_be32 v4)
{
	union to_addr a = {.w = {0, 0, __builtin_bswap32(0x0000ffff), v4.raw}};

	return a;
}

TO_INLINE bool to_addr_equal(const union to_addr *a, const union to_addr *b)
{
	return a->d[0] == b->d[0] && a->d[1] == b->d[1];
}

/* The two protocols that have services; indexes arrays. */
enum to_proto { TO_TCP = 0, TO_UDP = 1 };

#endif

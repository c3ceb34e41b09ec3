// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel that the probe is compiled for, where no kernel's headers are: types from its own BTF, macros from the headers
// for programs, and below what only the headers inside of the kernel define (x86_64).
#ifndef RAMPART_KERNEL_H
#define RAMPART_KERNEL_H

// The loader relocates nothing: offsets are those of this very kernel.
#define BPF_NO_PRESERVE_ACCESS_INDEX
// The probe brings its own.
#define perf_event_header kernel_perf_event_header
#include "vmlinux.h"
#undef perf_event_header
#include "macros.h"

#include "release.h"
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#undef LINUX_VERSION_CODE
#define LINUX_VERSION_CODE KERNEL_VERSION(KERNEL_MAJOR, KERNEL_MINOR, KERNEL_PATCH)

#define CONFIG_64BIT 1
#define CONFIG_X86 1
#define CONFIG_X86_64 1
#define CONFIG_IA32_EMULATION 1
#define CONFIG_COMPAT 1
#define CONFIG_AUDIT 1
#define CONFIG_THREAD_INFO_IN_TASK 1
#define IS_ENABLED(option) 1

#define NULL ((void *)0)
#define __user
#define offsetof __builtin_offsetof
#define container_of(pointer, type, member) ((type *)((void *)(pointer) - offsetof(type, member)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define INT_MAX 2147483647
#define LONG_MAX ((long)(~0UL >> 1))
#define ULLONG_MAX (~0ULL)
#define PAGE_SHIFT 12
#define BITS_PER_LONG 64
#define BIT_WORD(number) ((number) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG]

#define ntohs __builtin_bswap16
#define ntohl __builtin_bswap32
#define htons __builtin_bswap16
#define htonl __builtin_bswap32
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define sockaddr_storage __kernel_sockaddr_storage
#define sk_family __sk_common.skc_family
#define sk_state __sk_common.skc_state
#define sk_v6_daddr __sk_common.skc_v6_daddr
#define sk_v6_rcv_saddr __sk_common.skc_v6_rcv_saddr
#define inet_daddr sk.__sk_common.skc_daddr
#define inet_rcv_saddr sk.__sk_common.skc_rcv_saddr
#define inet_dport sk.__sk_common.skc_dport

#define MAY_EXEC 1
#define MAY_WRITE 2
#define MAY_READ 4
#define FMODE_CREATED (1 << 20)
#define SB_RDONLY 1
#define S_IMMUTABLE 8
#define TS_COMPAT 2
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000
#define _NSIG 64
#define SEND_SIG_NOINFO ((struct kernel_siginfo *)0)
#define SEND_SIG_PRIV ((struct kernel_siginfo *)1)

// Programs know another, older form of these three.
#undef MKDEV
#undef MAJOR
#undef MINOR
#define MKDEV(major, minor) (((major) << 20) | (minor))
#define MAJOR(device) ((unsigned int)((device) >> 20))
#define MINOR(device) ((unsigned int)((device) & 0xfffff))
#define new_encode_dev(device) (((device) >> 20 << 8) | ((device) & 0xff) | (((device) & 0xfff00) << 12))

#define __kuid_val(id) ((id).val)
#define __kgid_val(id) ((id).val)
#define uid_eq(a, b) ((a).val == (b).val)
#define gid_eq(a, b) ((a).val == (b).val)
#define gid_gt(a, b) ((a).val > (b).val)
#define gid_lt(a, b) ((a).val < (b).val)
#define uid_valid(id) ((id).val != (unsigned int)-1)
#define gid_valid(id) ((id).val != (unsigned int)-1)
#define cap_raised(set, capability) (((set).val >> (capability)) & 1)

#endif

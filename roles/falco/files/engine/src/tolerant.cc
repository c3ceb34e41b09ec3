// SPDX-License-Identifier: GPL-3.0-or-later
// The library gives up when it may not raise the limit of locked memory, which counts for no kernel since 5.11 (the
// memory cgroup counts instead) and which an unprivileged container may not raise. It is found here before the C library's.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit) noexcept {
	const long done = syscall(SYS_prlimit64, 0, resource, limit, nullptr);
	return resource == RLIMIT_MEMLOCK ? 0 : static_cast<int>(done);
}

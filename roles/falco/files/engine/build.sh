#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Compiles the program, and the probe for one kernel: `build.sh RELEASE BTF TARGET`, where RELEASE is what `uname -r` says on
# the nodes and BTF a copy of /sys/kernel/btf/vmlinux. Needs nothing but what Debian packages hold.
set -eu
release=$1 btf=$2 target=$3
here=$(dirname "$(realpath "$0")")
mkdir -p "$target"

g++ -std=c++17 -O2 -Wall -Wextra -Wno-deprecated-declarations -isystem /usr/include/falcosecurity -isystem /usr/include/jsoncpp "$here"/src/*.cc \
  -o "$target/engine" -lsinsp -lscap -ljsoncpp -lcurl -pthread

set -- /usr/src/scap-*/bpf
probe=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/probe/kernel.h" "$here/probe/uapi.c" "$work"
cd "$work"

bpftool btf dump file "$btf" format c > vmlinux.h

# Macros that a compiler has anyhow are left out, and the one that would make functions of the probe real ones.
echo > nothing.c
clang -E -dM nothing.c | sort > own.txt
clang -E -dM uapi.c | grep -v '__always_inline' | sort | comm -23 - own.txt > macros.h

numbers=$(echo "$release" | sed 's/[^0-9.].*//')
IFS=. read -r major minor patch <<END
$numbers
END
cat > release.h <<END
#define UTS_RELEASE "$release"
#define KERNEL_MAJOR $major
#define KERNEL_MINOR $minor
#define KERNEL_PATCH ${patch:-0}
END

# Every header of the kernel that the probe asks for is the one that was made here.
grep -ho '#include <[^>]*>' "$probe"/*.h "$probe"/probe.c "$probe"/configure/*/test.c \
  | sed 's/.*<\(.*\)>/\1/' | sort -u | while read -r name; do
  case $name in std*) continue ;; esac
  mkdir -p "include/$(dirname "$name")"
  echo '#include "kernel.h"' > "include/$name"
done

# As the makefile of the probe does it: first for this machine's processor, from that for BPF. The real struct mount is known.
set -- -I. -Iinclude "-I$probe" -D__KERNEL__ -D__BPF_TRACING__ -D__BPF_MISSING_DEFINITIONS_H__ '-DKBUILD_MODNAME="scap"' \
  -fno-jump-tables -fno-stack-protector -w -O2 -g -emit-llvm
for test in "$probe"/configure/*/; do
  if clang "$@" -c "$test/test.c" -o test.ll 2>/dev/null; then
    set -- "$@" "-DHAS_$(basename "$test")"
  fi
done
clang "$@" -c "$probe/probe.c" -o probe.ll
llc -march=bpf -filetype=obj -o "$target/probe.o" probe.ll

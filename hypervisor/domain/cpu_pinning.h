/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pinning virtual CPUs to CPUs of the host, as the manual's tag vmCpuPinning writes it (4.1.1):
 *
 *   PIECE;PIECE...      PIECE: VCPUS:CPUS
 *   VCPUS               one virtual CPU or a range: 1, 1-3
 *   CPUS                CPUs of the host, separated by commas, where ^ takes away what stands before: 4-7,^6
 *
 * In place of the semicolon a comma may stand: "0:1-3,1:0". A virtual CPU that several pieces name may run on
 * the CPUs of all of them; one that none names, on all CPUs.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_CPU_PINNING_H
#define POOLFS_HYPERVISOR_DOMAIN_CPU_PINNING_H

#include "model/error.h"

/* Numbers of virtual CPUs and of CPUs of the host are below these. */
#define PINNING_VCPUS 1024
#define PINNING_CPUS  4096

/** -EINVAL with a sentence unless @text is a pinning. */
int cpu_pinning_check(const char *text, struct error *e);
/**
 * The CPUs on which @vcpu may run, in libvirt's form "1-3,5", allocated; NULL when @text does not name it, is
 * no pinning, or memory is short.
 */
char *cpu_pinning_of(const char *text, int vcpu);

#endif

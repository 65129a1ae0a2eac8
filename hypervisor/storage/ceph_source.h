/* SPDX-License-Identifier: Apache-2.0 */
/* What libvirt and QEMU call pools and images of Ceph. Internal to storage/. */
#ifndef POOLFS_HYPERVISOR_STORAGE_CEPH_SOURCE_H
#define POOLFS_HYPERVISOR_STORAGE_CEPH_SOURCE_H

#include <stdio.h>

#include <libvirt/libvirt.h>

#include "hypervisor/storage/ceph_path.h"
#include "hypervisor/xml.h"

/* Writes "host:port" of a monitor, with brackets where the host is an address of IPv6. */
void ceph_print_monitor(FILE *f, const char *host, const char *port);
/* Writes the <source> of a pool or, with an image, of a disk. */
void ceph_write_source(struct xml *x, const struct ceph_path *p);
/* The path that the <source> element @source of a pool or disk describes, allocated; NULL if none. */
char *ceph_path_of_source(xmlDocPtr doc, xmlNodePtr source);
/* Gives the host the key of the storage's user, under the name that ceph_write_source() writes. */
int ceph_define_secret(virConnectPtr conn, const struct ceph_path *p, struct error *e);
/* Writes QEMU's options of an image (image_options.h). -EINVAL when @path is not valid. */
int ceph_write_options(FILE *f, const char *path);

#endif

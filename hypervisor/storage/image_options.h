/* SPDX-License-Identifier: Apache-2.0 */
/* How an image is named to QEMU's own programs (--image-opts). Internal to storage/. */
#ifndef POOLFS_HYPERVISOR_STORAGE_IMAGE_OPTIONS_H
#define POOLFS_HYPERVISOR_STORAGE_IMAGE_OPTIONS_H

#include <stdio.h>

/* Writes the options that say where the volume @path is. Negative errno when @path is not valid. */
typedef int image_options_write(FILE *f, const char *path);

/* "driver=@format" and what @write writes; allocated. NULL without memory, or when @path is not valid. */
char *image_options_make(const char *path, const char *format, image_options_write *write);
/* Writes ",@key=@value", in which a comma of the value is written twice. */
void image_option_write(FILE *f, const char *key, const char *value);
/* For image_options_make(): of a file. */
int image_options_write_file(FILE *f, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The headers that cmocka requires before its own. */
#ifndef POOLFS_TEST_H
#define POOLFS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* See ref.h. */
#include "model/ref.h"

void ref_origin(void)
{
}

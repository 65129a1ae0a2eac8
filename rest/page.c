/* SPDX-License-Identifier: Apache-2.0 */
/* See page.h. */
#include "rest/page.h"

__asm__(".section .rodata\n"
	".global page_start, page_end\n"
	"page_start: .incbin \"" PAGE_FILE "\"\n"
	"page_end: .byte 0\n"
	".previous\n");

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest guest that proves that KVM works: one boot sector.
 *
 * It goes to 64-bit long mode, takes a breakpoint exception and returns from it
 * (iretq), does a lock cmpxchg16b, and if all of that succeeds, writes
 * PROBE_MARKER to the first serial port again and again; else it halts. These
 * are the instructions that half-working KVMs (PVM, some nested ones) fail at,
 * although they start a domain without an error.
 *
 * The bytes are listed with their assembly (AT&T syntax, loaded at 0x7c00); the
 * unit test runs them under QEMU's TCG.
 */
#include "hypervisor/boot_sector.h"

/* clang-format off */
const unsigned char probe_boot_sector[PROBE_BOOT_SECTOR_SIZE] = {
	0xfa,                                           /* cli */
	0xfc,                                           /* cld */
	0x31, 0xc0,                                     /* xor %ax, %ax */
	0x8e, 0xd8,                                     /* mov %ax, %ds */
	0x8e, 0xc0,                                     /* mov %ax, %es */
	0x8e, 0xd0,                                     /* mov %ax, %ss */
	0xbc, 0x00, 0x7c,                               /* mov $0x7c00, %sp */

	/* page tables at 0x1000.. and the data behind them: all zero */
	0xbf, 0x00, 0x10,                               /* mov $0x1000, %di */
	0x66, 0x31, 0xc0,                               /* xor %eax, %eax */
	0xb9, 0x00, 0x14,                               /* mov $0x1400, %cx */
	0x66, 0xf3, 0xab,                               /* rep stosl */

	/* the first 2 MiB, mapped one to one */
	0xc7, 0x06, 0x00, 0x10, 0x03, 0x20,             /* movw $0x2003, 0x1000 */
	0xc7, 0x06, 0x00, 0x20, 0x03, 0x30,             /* movw $0x3003, 0x2000 */
	0xc6, 0x06, 0x00, 0x30, 0x83,                   /* movb $0x83, 0x3000 */

	/* interrupt table at 0x4000, four entries */
	0x0f, 0x01, 0x1e, 0x0a, 0x7d,                   /* lidt idtr */
	0x0f, 0x01, 0x16, 0x04, 0x7d,                   /* lgdt gdtr */

	/* into long mode at once: PAE, page tables, EFER.LME, then paging with protection */
	0xb0, 0x20,                                     /* mov $0x20, %al */
	0x0f, 0x22, 0xe0,                               /* mov %eax, %cr4 */
	0x66, 0xb8, 0x00, 0x10, 0x00, 0x00,             /* mov $0x1000, %eax */
	0x0f, 0x22, 0xd8,                               /* mov %eax, %cr3 */
	0x66, 0xb9, 0x80, 0x00, 0x00, 0xc0,             /* mov $0xc0000080, %ecx */
	0x0f, 0x32,                                     /* rdmsr */
	0x80, 0xcc, 0x01,                               /* or $1, %ah */
	0x0f, 0x30,                                     /* wrmsr */
	0x0f, 0x20, 0xc0,                               /* mov %cr0, %eax */
	0x66, 0x0d, 0x01, 0x00, 0x00, 0x80,             /* or $0x80000001, %eax */
	0x0f, 0x22, 0xc0,                               /* mov %eax, %cr0 */
	0xea, 0x60, 0x7c, 0x08, 0x00,                   /* ljmp $8, $long */
	/* long: */
	0xb8, 0x10, 0x00, 0x00, 0x00,                   /* mov $16, %eax */
	0x8e, 0xd8,                                     /* mov %eax, %ds */
	0x8e, 0xc0,                                     /* mov %eax, %es */
	0x8e, 0xd0,                                     /* mov %eax, %ss */

	/* the breakpoint vector goes to handler */
	0xb8, 0xce, 0x7c, 0x00, 0x00,                   /* mov $handler, %eax */
	0xbf, 0x30, 0x40, 0x00, 0x00,                   /* mov $0x4030, %edi */
	0x66, 0x89, 0x07,                               /* mov %ax, (%rdi) */
	0xc7, 0x47, 0x02, 0x08, 0x00, 0x00, 0x8e,       /* movl $0x8e000008, 2(%rdi) */
	0x31, 0xed,                                     /* xor %ebp, %ebp */

	/* first test: an exception and the way back */
	0xcc,                                           /* int3 */
	0x83, 0xfd, 0x03,                               /* cmp $3, %ebp */
	0x75, 0x44,                                     /* jne fail */

	/* second test: compare and exchange 16 bytes, what every 64-bit guest does early */
	0x31, 0xc0,                                     /* xor %eax, %eax */
	0x31, 0xd2,                                     /* xor %edx, %edx */
	0xbb, 0x01, 0x00, 0x00, 0x00,                   /* mov $1, %ebx */
	0xb9, 0x02, 0x00, 0x00, 0x00,                   /* mov $2, %ecx */
	0xbf, 0x00, 0x50, 0x00, 0x00,                   /* mov $0x5000, %edi */
	0xf0, 0x48, 0x0f, 0xc7, 0x0f,                   /* lock cmpxchg16b (%rdi) */
	0x75, 0x2a,                                     /* jnz fail */
	0x83, 0x7f, 0x08, 0x02,                         /* cmpl $2, 8(%rdi) */
	0x75, 0x24,                                     /* jne fail */
	/* again: */
	0xbe, 0xd5, 0x7c, 0x00, 0x00,                   /* mov $text, %esi */
	/* next: */
	0xba, 0xfd, 0x03, 0x00, 0x00,                   /* mov $0x3fd, %edx */
	/* wait: */
	0xec,                                           /* in %dx, %al */
	0xa8, 0x20,                                     /* test $0x20, %al */
	0x74, 0xfb,                                     /* jz wait */
	0xac,                                           /* lodsb */
	0x84, 0xc0,                                     /* test %al, %al */
	0x74, 0x05,                                     /* jz pause */
	0xb2, 0xf8,                                     /* mov $0xf8, %dl */
	0xee,                                           /* out %al, %dx */
	0xeb, 0xec,                                     /* jmp next */
	/* pause: */
	0xb9, 0x00, 0x10, 0x00, 0x00,                   /* mov $0x1000, %ecx */
	/* delay: */
	0xe6, 0x80,                                     /* out %al, $0x80 */
	0xe2, 0xfc,                                     /* loop delay */
	0xeb, 0xdc,                                     /* jmp again */
	/* fail: */
	0xf4,                                           /* hlt */
	0xeb, 0xfd,                                     /* jmp fail */
	/* handler: */
	0xbd, 0x03, 0x00, 0x00, 0x00,                   /* mov $3, %ebp */
	0x48, 0xcf,                                     /* iretq */
	/* text: */
	'p', 'o', 'o', 'l', 'f', 's', ':', ' ', 'g', 'u', 'e', 's', 't', ' ', 'r', 'u', 'n', 's', '\r', '\n', '\0',
	0x66, 0x90,                                     /* .balign 4 */
	/* gdt: */
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* .quad 0 */
	0x00, 0x00, 0x00, 0x00, 0x00, 0x9a, 0x20, 0x00, /* .quad 0x00209a0000000000 */
	0x00, 0x00, 0x00, 0x00, 0x00, 0x92, 0x00, 0x00, /* .quad 0x0000920000000000 */
	/* gdtr: */
	0x17, 0x00,                                     /* .word 23 */
	0xec, 0x7c, 0x00, 0x00,                         /* .long gdt */
	/* idtr: */
	0x3f, 0x00,                                     /* .word 0x3f */
	0x00, 0x40, 0x00, 0x00,                         /* .long 0x4000 */

	[510] = 0x55, 0xaa,                            /* what a BIOS looks for */
};
/* clang-format on */

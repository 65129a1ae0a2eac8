/* SPDX-License-Identifier: Apache-2.0 */
/* See cpu_pinning.h. */
#include "hypervisor/domain/cpu_pinning.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"

struct range {
	int first, last;
};

/* The parser; *at is always behind what has been read. */
struct pinning {
	const char *text, *at;
	int vcpu;		 /* whose CPUs are collected */
	bool cpus[PINNING_CPUS]; /* of that one, from all pieces */
};

static int refuse(const struct pinning *p, const char *wanted, struct error *e)
{
	return error_set(e, EINVAL,
			 "'%s' is not a CPU pinning such as 1:3;1-3:4-7,^6: character %zu must begin %s",
			 p->text, (size_t)(p->at - p->text) + 1, wanted);
}

/* A number below @end, or two with a hyphen between them. */
static int read_range(struct pinning *p, int end, const char *wanted, struct range *ret, struct error *e)
{
	int numbers[2] = {0, 0};
	int count = 0;

	do {
		const char *digits = p->at;
		long number = 0;

		for (; isdigit((unsigned char)*p->at); p->at++)
			number = number < end ? number * 10 + (*p->at - '0') : number;
		if (p->at == digits || number >= end || (count == 1 && number < numbers[0])) {
			p->at = digits;
			return refuse(p, wanted, e);
		}
		numbers[count++] = (int)number;
	} while (count == 1 && *p->at == '-' && p->at++);
	*ret = (struct range){numbers[0], numbers[count - 1]};
	return 0;
}

/* True when what follows is the beginning of a piece: digits and hyphens up to a colon. */
static bool begins_piece(const struct pinning *p)
{
	return p->at[strspn(p->at, "0123456789-")] == ':';
}

/* CPUS: up to the end of the text or the beginning of the next piece. */
static int read_cpus(struct pinning *p, bool cpus[PINNING_CPUS], struct error *e)
{
	static const char wanted[] = "a CPU of the host (0 to 4095), a range of them, or ^ and one";
	bool any = false;

	do {
		bool take_away = *p->at == '^';
		struct range range;
		int r;

		p->at += take_away;
		r = read_range(p, PINNING_CPUS, wanted, &range, e);
		if (r < 0)
			return r;
		for (int i = range.first; i <= range.last; i++)
			cpus[i] = !take_away;
	} while (*p->at == ',' && p->at++ && !begins_piece(p));
	for (int i = 0; i < PINNING_CPUS; i++)
		any = any || cpus[i];
	return any ? 0 : error_set(e, EINVAL, "'%s' leaves a virtual CPU no CPU of the host", p->text);
}

static int read_piece(struct pinning *p, struct error *e)
{
	bool cpus[PINNING_CPUS] = {false};
	struct range vcpus;
	int r = read_range(p, PINNING_VCPUS, "a virtual CPU (0 to 1023) or a range of them", &vcpus, e);

	if (r < 0)
		return r;
	if (*p->at != ':')
		return refuse(p, "a colon and CPUs of the host", e);
	p->at++;
	r = read_cpus(p, cpus, e);
	if (r < 0)
		return r;
	for (int i = 0; p->vcpu >= vcpus.first && p->vcpu <= vcpus.last && i < PINNING_CPUS; i++)
		p->cpus[i] = p->cpus[i] || cpus[i];
	return 0;
}

static int parse(struct pinning *p, struct error *e)
{
	int r;

	p->at = p->text;
	do {
		r = read_piece(p, e);
		if (r < 0)
			return r;
		/* behind a comma, read_cpus() has seen the beginning of a piece */
	} while (*p->at == ';' ? *++p->at : *p->at && p->at[-1] == ',');
	return *p->at ? refuse(p, "a comma or a semicolon and the next piece", e) : 0;
}

int cpu_pinning_check(const char *text, struct error *e)
{
	struct pinning p = {.text = text, .vcpu = -1};

	return parse(&p, e);
}

char *cpu_pinning_of(const char *text, int vcpu)
{
	struct pinning p = {.text = text, .vcpu = vcpu};
	_cleanup_free_ char *set = NULL;
	bool first = true;
	size_t size;
	FILE *f;

	if (parse(&p, NULL) < 0)
		return NULL;
	f = open_memstream(&set, &size);
	if (!f)
		return NULL;
	for (int i = 0; i < PINNING_CPUS; i++) {
		int last = i;

		if (!p.cpus[i])
			continue;
		while (last + 1 < PINNING_CPUS && p.cpus[last + 1])
			last++;
		fprintf(f, last > i ? "%s%d-%d" : "%s%d", first ? "" : ",", i, last);
		first = false;
		i = last;
	}
	return fclose(f) == 0 && !first ? steal(&set) : NULL;
}

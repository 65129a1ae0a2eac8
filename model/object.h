/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object: one row of one kind, in memory.
 *
 * Objects are immutable once they are in a view: readers on any thread share
 * them by reference, without locks. To change one, its owner edits a copy
 * (object_copy()) and hands it to txn_put(), which replaces the old one.
 *
 * An object in a view is packed (object_pack()): one allocation without what is
 * null. Accessors take both forms. Some of its texts may be in the database alone
 * (left_text.h): object_leave().
 *
 * Strings returned by accessors are borrowed from the object.
 */
#ifndef POOLFS_OBJECT_H
#define POOLFS_OBJECT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/cleanup.h"
#include "model/document.h"
#include "model/kind.h"
#include "model/left_text.h"
#include "model/ref.h"
#include "model/shared_text.h"

union value {
	int64_t i;
	char *s; /* owned; NULL = null */
};

struct object {
	struct ref ref;
	const struct kind *kind;
	int64_t id;	 /* row id, never reused; 0 until txn_put() */
	int64_t changed; /* ns: last change of it or of an object in its inventory */
	uint64_t nulls;	 /* bit per field that is null, and the OBJECT_FLAGS, which no field has */
	/* Rendered inventory, created by the first reader; never outdated, since the object does not change. */
	_Atomic(struct document *) inventory;
	/*
	 * Of an editable object: field_count values, then as many times (object_time()).
	 * Of a packed one: a slot for each field that is not null, in their order, and one for the pattern of times, of
	 * two bytes each, or of four (OBJECT_WIDE); then, without gaps, the distinct times, the large numbers, and
	 * the texts. A text that ends another one is the end of it.
	 */
	uint64_t content[];
};

#define OBJECT_BROKEN (1ULL << (FIELDS_MAX - 1)) /* an edit ran out of memory */
#define OBJECT_PACKED (1ULL << (FIELDS_MAX - 2))
#define OBJECT_WIDE                                                                                          \
	(1ULL << (FIELDS_MAX - 3)) /* packed, and large, or with the number of a shared text that is */
#define OBJECT_FLAGS (OBJECT_BROKEN | OBJECT_PACKED | OBJECT_WIDE)
/*
 * Set in a slot whose other bits say where the number is, or which shared text the string is; in a slot of two bytes it is
 * the highest bit. The slot of an F_COMPRESSED text has no other bits: it has left memory. In an editable object the
 * pointer is NULL then, though the field is not null.
 */
#define OBJECT_ELSEWHERE (1U << 31)

/** A new editable object with all fields null, owned by the caller; NULL when memory is short. */
struct object *object_new(const struct kind *kind);
/**
 * The same, of which the texts are the caller's, set with object_borrow_str() alone, and the F_COMPRESSED ones compressed
 * already: for who packs many objects, one after the other.
 */
struct object *object_new_borrowing(const struct kind *kind);
/* The bytes of an editable object of any kind. */
#define OBJECT_ROOM (sizeof(struct object) + 2 * FIELDS_MAX * sizeof(uint64_t))
/** The same in @room of OBJECT_ROOM bytes of the caller's; it is not to be released. */
struct object *object_borrowing_at(void *room, const struct kind *kind);
/**
 * An editable copy with the same row id, owned by the caller; NULL when memory is short. A text that has left memory stays
 * out of it; unless it is edited, it counts as unchanged.
 */
struct object *object_copy(const struct object *o);
/**
 * The packed form of @o with the same content, owned by the caller: @o itself if it is packed. NULL when memory is short.
 */
const struct object *object_pack(const struct object *o);
/** The same without the texts that may leave memory. They must be in the database; @o may be packed. */
const struct object *object_leave(const struct object *o);
/** One more reference; returns @o. */
const struct object *object_ref(const struct object *o);
/** Drops a reference. Accepts NULL. */
void object_unref(const struct object *o);
static inline void object_unref_p(const void *o)
{
	object_unref(*(const struct object *const *)o);
}
#define _cleanup_object_ _cleanup_(object_unref_p)

static inline bool object_is_null(const struct object *o, int field)
{
	return (o->nulls >> field) & 1;
}
/** For the functions below: a slot of a packed object. */
static inline uint32_t object_slot_at(const struct object *o, unsigned at)
{
	uint32_t slot;

	if (o->nulls & OBJECT_WIDE)
		return ((const uint32_t *)o->content)[at];
	slot = ((const uint16_t *)o->content)[at];
	return (slot << 16 & OBJECT_ELSEWHERE) | (slot & UINT16_MAX >> 1);
}
/** For the functions below: that of a field that is not null. */
static inline uint32_t object_slot(const struct object *o, int field)
{
	uint64_t before = ((uint64_t)1 << field) - 1;

	return object_slot_at(o, (unsigned)__builtin_popcountll(~o->nulls & before));
}
/** For object_int(): a number that is not in the slot itself. */
int64_t object_large_int(const struct object *o, int field, uint32_t slot);
/** For the functions below: a value of an editable object. */
static inline union value *object_value(const struct object *o, int field)
{
	return (union value *)(uintptr_t)o->content + field;
}
/** For the functions below: the text of a string field as it is in memory; NULL when null. */
static inline const char *object_text_in_memory(const struct object *o, int field)
{
	uint32_t slot;

	if (object_is_null(o, field))
		return NULL;
	if (!(o->nulls & OBJECT_PACKED))
		return object_value(o, field)->s;
	slot = object_slot(o, field);
	if (slot & OBJECT_ELSEWHERE)
		return o->kind->fields[field].flags & F_COMPRESSED ? ""
								   : shared_text(slot & ~OBJECT_ELSEWHERE);
	return (const char *)o + slot;
}
/** The text of a string field, which is not F_COMPRESSED if the object is in a view; NULL when null. */
static inline const char *object_str(const struct object *o, int field)
{
#ifdef POOLFS_TESTS
	assert(!(o->nulls & OBJECT_PACKED) || !(o->kind->fields[field].flags & F_COMPRESSED));
#endif
	return object_text_in_memory(o, field);
}
/** The number of an integer field (bool: 0 or 1; date: ns); 0 when null. */
static inline int64_t object_int(const struct object *o, int field)
{
	uint32_t slot;

	if (object_is_null(o, field))
		return 0;
	if (!(o->nulls & OBJECT_PACKED))
		return object_value(o, field)->i;
	slot = object_slot(o, field);
	return slot & OBJECT_ELSEWHERE ? object_large_int(o, field, slot) : slot;
}
/**
 * An F_COMPRESSED text of a packed object, or of an object_new_borrowing(), which has not left memory, as it is there
 * (compressed.h); NULL when null.
 */
const char *object_compressed(const struct object *o, int field);
/** True when the object has ended: `end_field` of its kind is set. */
bool object_has_ended(const struct object *o);
/** True when an object has ended, and all of its texts that may leave memory have left. */
bool object_rests(const struct object *o);
/** True when the text of this field has left memory: reading it may wait for the disk. */
static inline bool object_text_has_left(const struct object *o, int field)
{
	if (!(o->kind->fields[field].flags & F_LEAVES) || object_is_null(o, field))
		return false;
	return o->nulls & OBJECT_PACKED ? object_slot(o, field) & OBJECT_ELSEWHERE
					: !object_value(o, field)->s;
}
/** True when the text of any field has left memory. */
bool object_texts_have_left(const struct object *o);
/** The same of the fields that its inventory shows. */
bool object_shown_texts_have_left(const struct object *o);
/**
 * The text of a string field, owned by the caller; NULL when null. The only way to read an F_COMPRESSED field of an object
 * in a view: object_str() finds it empty, and ends a build for tests. -ENOMEM, or an error of left_text_read().
 */
int object_read_text(const struct object *o, int field, char **ret_text);
/** The same; NULL also when it cannot be read: object_check_texts() says why. */
char *object_long_text(const struct object *o, int field);
/** What the JSON text of a string field says, owned by the caller; NULL when there is none or it cannot be read. */
struct json_t *object_json(const struct object *o, int field);
/** The same, which tells the two apart: errors as object_check_texts(), and -ENOMEM. */
int object_read_json(const struct object *o, int field, struct json_t **ret, struct error *e);
/** Why a text could not be read: error_gone() if the object has been removed; -EIO; 0 when it can be read now. */
int object_check_texts(const struct object *o, struct error *e);
/**
 * @o with the texts of these @fields (a bit each; 0: of all that its inventory shows) in memory: a reference to it, or to
 * a copy, for the caller.
 * Errors as object_check_texts(), and -ENOMEM.
 */
int object_recall(const struct object *o, uint64_t fields, const struct object **ret, struct error *e);
/** ns: the last change of a field. */
int64_t object_time(const struct object *o, int field);
/** As object_str(), "" for null. */
static inline const char *object_text(const struct object *o, int field)
{
	const char *text = object_str(o, field);

	return text ? text : "";
}
static inline const char *object_uuid(const struct object *o)
{
	return object_str(o, FIELD_UUID);
}
/** text_hash() of a string field that is not null. */
uint64_t object_text_hash(const struct object *o, int field);
/** The name, or the uuid for kinds without one. */
const char *object_name(const struct object *o);
/** True when the string field has exactly this text (NULL = null). */
bool object_str_is(const struct object *o, int field, const char *text);

/*
 * Edits, for objects that are not in a view yet. They report no errors: when
 * memory is short they mark the object, and txn_put() refuses it. NULL, an
 * object that could not be allocated, is accepted by edits and refused by
 * txn_put(), too. So the only check is that of txn_put().
 */
void object_set_str(struct object *o, int field, const char *text); /* NULL = null; copies */
void object_set_int(struct object *o, int field, int64_t number);
void object_set_null(struct object *o, int field);
/** Sets a text of an object_new_borrowing(), which reads it until its next text is set; NULL = null. */
void object_borrow_str(struct object *o, int field, const char *text);
/** The text of an F_LEAVES field of an object_new_borrowing() is in the database, and not to be in memory. */
void object_leave_str(struct object *o, int field);
/** Makes all fields of an object_new_borrowing() null, and it is not broken. */
void object_clear(struct object *o);
/** The times of the last change of the fields of an editable object, ns, for the caller to set. */
int64_t *object_times(struct object *o);
/** Sets the time of the last change of a field, ns. */
void object_set_time(struct object *o, int field, int64_t ns);
/** Marks @o as if an edit had run out of memory. */
void object_set_broken(struct object *o);
/** True when an edit ran out of memory. */
bool object_is_broken(const struct object *o);
/**
 * True when a stored field has the same value in both, or is null in both. A text that has left memory is not read when the
 * other one is the same row and has left, too, or is an editable copy in which it has not been edited.
 */
bool object_field_equal(const struct object *a, const struct object *b, int field);
/** True when every stored field has the same value. */
bool object_equal(const struct object *a, const struct object *b);

#endif

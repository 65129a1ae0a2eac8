/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing and reading libvirt's XML through libxml2.
 *
 * Writing: a `struct xml` remembers the first failure (only memory can be
 * short), so callers write a whole document without looking and ask once, in
 * xml_finish(). Text from users goes through the same functions, and is read back
 * as it was, tabs and line breaks too. What XML 1.0 cannot carry (other control
 * characters, broken UTF-8) is replaced, never passed on; requests with such text
 * are refused, so it is in rows of older versions only.
 *
 * Reading: libvirt's answers are parsed without network, entities or output on
 * stderr; values are picked by XPath.
 */
#ifndef POOLFS_HYPERVISOR_XML_H
#define POOLFS_HYPERVISOR_XML_H

#include <stdbool.h>
#include <stdint.h>

#include <libxml/tree.h>
#include <libxml/xmlwriter.h>

#include "model/cleanup.h"

struct xml {
	xmlBufferPtr buffer;	 /* owned */
	xmlTextWriterPtr writer; /* owned */
	bool failed;
};

void xml_begin(struct xml *x);
/** Ends the document: the text, allocated, or NULL when memory ran short. @x is empty afterwards. */
char *xml_finish(struct xml *x);

/**
 * Opens element @name with the attributes that follow as pairs of strings, ended by one NULL name.
 * A pair whose value is NULL is left out, so optional attributes need no branch.
 */
void xml_open(struct xml *x, const char *name, ...) __attribute__((sentinel));
void xml_close(struct xml *x);
/** As xml_open() and xml_close() at once: an element without content. */
void xml_leaf(struct xml *x, const char *name, ...) __attribute__((sentinel));
/** Adds an attribute to the element just opened. */
void xml_attr(struct xml *x, const char *name, const char *value);
void xml_attr_int(struct xml *x, const char *name, int64_t value);
/** Content of the element just opened. */
void xml_text(struct xml *x, const char *text);
void xml_int(struct xml *x, int64_t value);
/** <name>text</name>; nothing at all when @text is NULL. */
void xml_element(struct xml *x, const char *name, const char *text);
void xml_element_int(struct xml *x, const char *name, int64_t value);
/** <name unit='unit'>value</name>, libvirt's form of sizes. */
void xml_element_size(struct xml *x, const char *name, const char *unit, int64_t value);

/** Parses @text; NULL when it is no XML. */
xmlDocPtr xml_parse(const char *text);
/**
 * The string value of the XPath expression @path below @node (or the document when NULL), allocated;
 * NULL if none.
 */
char *xml_get(xmlDocPtr doc, xmlNodePtr node, const char *path);
/** As xml_get() for a whole number; @fallback when there is none. */
int64_t xml_get_int(xmlDocPtr doc, xmlNodePtr node, const char *path, int64_t fallback);
/** The first node the XPath expression @path finds, borrowed from @doc; NULL if none. */
xmlNodePtr xml_find(xmlDocPtr doc, const char *path);
/** @node, or the whole document when NULL, as text, allocated; NULL when memory is short. */
char *xml_dump(xmlDocPtr doc, xmlNodePtr node);
/** Whether the XPath expression @path finds anything. */
bool xml_has(xmlDocPtr doc, const char *path);
/** Calls @each for every node @path finds, in order, until it returns nonzero; returns what it returned. */
int xml_each(xmlDocPtr doc, const char *path, int (*each)(xmlDocPtr doc, xmlNodePtr node, void *ctx),
	     void *ctx);

DEFINE_CLEANUP(xmlDocPtr, xmlFreeDoc)
#define _cleanup_xml_ _cleanup_(xmlFreeDoc_p)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* See xml.h. */
#include "hypervisor/xml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include <libxml/chvalid.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>

/* ---------------------------------------------------------------- writing */

static void check(struct xml *x, int rc)
{
	if (rc < 0)
		x->failed = true;
}

void xml_begin(struct xml *x)
{
	*x = (struct xml){0};
	x->buffer = xmlBufferCreate();
	x->writer = x->buffer ? xmlNewTextWriterMemory(x->buffer, 0) : NULL;
	if (!x->writer) {
		x->failed = true;
		return;
	}
	check(x, xmlTextWriterSetIndent(x->writer, 1));
	check(x, xmlTextWriterSetIndentString(x->writer, BAD_CAST "  "));
	/* libxml2 escapes this quote in values, but not the apostrophe. */
	check(x, xmlTextWriterSetQuoteChar(x->writer, '"'));
}

char *xml_finish(struct xml *x)
{
	char *text = NULL;

	if (x->writer) {
		check(x, xmlTextWriterEndDocument(x->writer));
		xmlFreeTextWriter(x->writer);
	}
	if (x->buffer) {
		if (!x->failed)
			text = strdup((const char *)xmlBufferContent(x->buffer));
		xmlBufferFree(x->buffer);
	}
	*x = (struct xml){0};
	return text;
}

/*
 * A copy of @text that XML 1.0 can carry: control characters become blanks, broken UTF-8 question
 * marks. */
static char *clean(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return NULL;
	for (char *p = copy; *p != '\0';) {
		int len = 4;
		int c = xmlGetUTF8Char((const unsigned char *)p, &len);

		if (c < 0) {
			*p++ = '?';
			continue;
		}
		if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
			*p = ' ';
		else if (!xmlIsCharQ(c))
			memset(p, '?', (size_t)len);
		p += len;
	}
	return copy;
}

void xml_attr(struct xml *x, const char *name, const char *value)
{
	_cleanup_free_ char *safe = clean(value);

	if (!safe)
		x->failed = true;
	else if (!x->failed)
		check(x, xmlTextWriterWriteAttribute(x->writer, BAD_CAST name, BAD_CAST safe));
}

static void open_with(struct xml *x, const char *name, va_list pairs)
{
	const char *key;

	if (!x->failed)
		check(x, xmlTextWriterStartElement(x->writer, BAD_CAST name));
	while ((key = va_arg(pairs, const char *))) {
		const char *value = va_arg(pairs, const char *);

		if (value)
			xml_attr(x, key, value);
	}
}

void xml_open(struct xml *x, const char *name, ...)
{
	va_list pairs;

	va_start(pairs, name);
	open_with(x, name, pairs);
	va_end(pairs);
}

void xml_close(struct xml *x)
{
	if (!x->failed)
		check(x, xmlTextWriterEndElement(x->writer));
}

void xml_leaf(struct xml *x, const char *name, ...)
{
	va_list pairs;

	va_start(pairs, name);
	open_with(x, name, pairs);
	va_end(pairs);
	xml_close(x);
}

void xml_attr_int(struct xml *x, const char *name, int64_t value)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRId64, value);
	xml_attr(x, name, number);
}

void xml_text(struct xml *x, const char *value)
{
	_cleanup_free_ char *safe = clean(value);

	if (!safe)
		x->failed = true;
	else if (!x->failed)
		check(x, xmlTextWriterWriteString(x->writer, BAD_CAST safe));
}

void xml_int(struct xml *x, int64_t value)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRId64, value);
	xml_text(x, number);
}

void xml_element(struct xml *x, const char *name, const char *value)
{
	if (!value)
		return;
	xml_open(x, name, NULL);
	xml_text(x, value);
	xml_close(x);
}

void xml_element_int(struct xml *x, const char *name, int64_t value)
{
	xml_element_size(x, name, NULL, value);
}

void xml_element_size(struct xml *x, const char *name, const char *unit, int64_t value)
{
	xml_open(x, name, "unit", unit, NULL);
	xml_int(x, value);
	xml_close(x);
}

/* ---------------------------------------------------------------- reading */

xmlDocPtr xml_parse(const char *source)
{
	return xmlReadMemory(source, (int)strlen(source), "libvirt.xml", NULL,
			     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

/* The nodes @path finds; NULL when there are none. Owned by the caller. */
static xmlXPathObjectPtr evaluate(xmlDocPtr doc, xmlNodePtr node, const char *path)
{
	xmlXPathContextPtr context = xmlXPathNewContext(doc);
	xmlXPathObjectPtr found;

	if (!context)
		return NULL;
	if (node)
		context->node = node;
	found = xmlXPathEvalExpression(BAD_CAST path, context);
	xmlXPathFreeContext(context);
	if (found && found->type == XPATH_NODESET && !xmlXPathNodeSetIsEmpty(found->nodesetval))
		return found;
	xmlXPathFreeObject(found);
	return NULL;
}

char *xml_get(xmlDocPtr doc, xmlNodePtr node, const char *path)
{
	xmlXPathObjectPtr found = evaluate(doc, node, path);
	xmlChar *value;
	char *copy;

	if (!found)
		return NULL;
	value = xmlXPathCastNodeSetToString(found->nodesetval);
	xmlXPathFreeObject(found);
	copy = value ? strdup((const char *)value) : NULL;
	xmlFree(value);
	return copy;
}

int64_t xml_get_int(xmlDocPtr doc, xmlNodePtr node, const char *path, int64_t fallback)
{
	_cleanup_free_ char *value = xml_get(doc, node, path);
	char *end;
	int64_t number;

	if (!value)
		return fallback;
	errno = 0;
	number = strtoll(value, &end, 10);
	return errno == 0 && end != value && *end == '\0' ? number : fallback;
}

xmlNodePtr xml_find(xmlDocPtr doc, const char *path)
{
	xmlXPathObjectPtr found = evaluate(doc, NULL, path);
	xmlNodePtr node = found ? xmlXPathNodeSetItem(found->nodesetval, 0) : NULL;

	xmlXPathFreeObject(found);
	return node;
}

bool xml_has(xmlDocPtr doc, const char *path)
{
	return xml_find(doc, path) != NULL;
}

char *xml_dump(xmlDocPtr doc, xmlNodePtr node)
{
	xmlBufferPtr buffer = xmlBufferCreate();
	char *text = NULL;

	if (buffer && xmlNodeDump(buffer, doc, node ? node : xmlDocGetRootElement(doc), 0, 0) >= 0)
		text = strdup((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	return text;
}

int xml_each(xmlDocPtr doc, const char *path, int (*each)(xmlDocPtr doc, xmlNodePtr node, void *ctx),
	     void *ctx)
{
	xmlXPathObjectPtr found = evaluate(doc, NULL, path);
	int rc = 0;

	for (int i = 0; found && rc == 0 && i < xmlXPathNodeSetGetLength(found->nodesetval); i++)
		rc = each(doc, xmlXPathNodeSetItem(found->nodesetval, i), ctx);
	xmlXPathFreeObject(found);
	return rc;
}

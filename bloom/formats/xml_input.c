#include "bloom/formats/xml_input.h"

#include "base/mem.h"

#include <expat.h>
#include <stdarg.h>

#define CHUNK_BYTES ((size_t)1 << 18)

/* A name as it may be shown: expat has checked that it is UTF-8. */
#define SHOWN "%.40s"

unsigned long xml_input_line(const struct xml_input *input)
{
    return (unsigned long)XML_GetCurrentLineNumber(input->expat);
}

void xml_input_refuse(struct xml_input *input, enum status status, const char *format, ...)
{
    if (input->status != STATUS_OK)
        return;
    va_list args;
    va_start(args, format);
    input->status = error_set_va(input->err, status, format, args);
    va_end(args);
    (void)error_prefix(input->err, status, "%s, line %lu", input->name, xml_input_line(input));
    XML_StopParser(input->expat, XML_FALSE);
}

/* ---- what expat calls, also after it was stopped ---- */

static void XMLCALL on_start(void *context, const XML_Char *element, const XML_Char **attributes)
{
    const struct xml_input *input = context;
    if (input->status == STATUS_OK)
        input->handlers->start(context, element, attributes);
}

static void XMLCALL on_end(void *context, const XML_Char *element)
{
    const struct xml_input *input = context;
    if (input->status == STATUS_OK)
        input->handlers->end(context, element);
}

static void XMLCALL on_text(void *context, const XML_Char *text, int length)
{
    const struct xml_input *input = context;
    if (input->status == STATUS_OK)
        input->handlers->text(context, text, (size_t)length);
}

static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset)
{
    (void)name, (void)system_id, (void)public_id;
    if (has_internal_subset)
        xml_input_refuse(context, STATUS_MALFORMED, "declarations inside DOCTYPE are not accepted");
}

static void XMLCALL on_entity(void *context, const XML_Char *name, int is_parameter_entity)
{
    (void)is_parameter_entity;
    xml_input_refuse(context, STATUS_MALFORMED, "entity " SHOWN " is not defined", name);
}

/* Limits and hooks of base/mem.h reach expat as well. */
static void *expat_alloc(size_t size)
{
    return mem_alloc(1, size);
}

static void *expat_realloc(void *block, size_t size)
{
    return mem_realloc(block, 1, size);
}

/* ---- all of it ---- */

static enum status out_of_memory(const struct xml_input *input)
{
    return error_set(input->err, STATUS_NOMEM, "%s: out of memory", input->name);
}

static enum status run_expat(struct xml_input *input, struct span xml)
{
    for (size_t at = 0;;) {
        const size_t left = xml.size - at;
        const size_t now = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        const enum XML_Status result =
            XML_Parse(input->expat, (const char *)xml.data + at, (int)now, now == left);
        if (input->status != STATUS_OK)
            return input->status;
        if (result != XML_STATUS_OK) {
            const enum XML_Error code = XML_GetErrorCode(input->expat);
            if (code == XML_ERROR_NO_MEMORY)
                return out_of_memory(input);
            return error_set(input->err, STATUS_MALFORMED, "%s, line %lu, byte %lld: %s",
                             input->name, xml_input_line(input),
                             (long long)XML_GetCurrentByteIndex(input->expat),
                             XML_ErrorString(code));
        }
        at += now;
        if (now == left)
            return STATUS_OK;
    }
}

static enum status check_kind(struct span xml, size_t max_bytes, const char *name,
                              struct error *err)
{
    if (xml.size == 0)
        return error_set(err, STATUS_MALFORMED, "%s: is empty", name);
    if (span_starts_with(xml, span_of_text("bplist")))
        return error_set(err, STATUS_UNSUPPORTED,
                         "%s: is a binary property list; 'plutil -convert xml1' makes it XML",
                         name);
    if (xml.size > max_bytes)
        return error_set(err, STATUS_TOO_LARGE, "%s: %zu bytes, at most %zu are expected", name,
                         xml.size, max_bytes);
    return STATUS_OK;
}

enum status xml_input_read(struct xml_input *input, struct span xml, size_t max_bytes,
                           const char *name, const struct xml_handlers *handlers, struct error *err)
{
    static const XML_Memory_Handling_Suite memory = {
        .malloc_fcn = expat_alloc, .realloc_fcn = expat_realloc, .free_fcn = mem_free};
    enum status status = check_kind(xml, max_bytes, name, err);
    if (status != STATUS_OK)
        return status;
    *input = (struct xml_input){.handlers = handlers, .name = name, .err = err};
    input->expat = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (input->expat == NULL)
        return out_of_memory(input);
    XML_SetUserData(input->expat, input);
    XML_SetElementHandler(input->expat, on_start, on_end);
    XML_SetCharacterDataHandler(input->expat, on_text);
    XML_SetStartDoctypeDeclHandler(input->expat, on_doctype);
    XML_SetSkippedEntityHandler(input->expat, on_entity);
    status = run_expat(input, xml);
    XML_ParserFree(input->expat);
    return status;
}

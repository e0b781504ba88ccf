#include "tools/ios/plist_write.h"

static void indent(struct plist_writer *writer)
{
    for (unsigned i = 0; i < writer->depth; i++)
        bytes_append_u8(writer->out, '\t');
}

static void append_escaped(struct bytes *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '&')
            bytes_append_text(out, "&amp;");
        else if (*c == '<')
            bytes_append_text(out, "&lt;");
        else if (*c == '>')
            bytes_append_text(out, "&gt;");
        else
            bytes_append_u8(out, (uint8_t)*c);
    }
}

static void write_key(struct plist_writer *writer, const char *key)
{
    if (key != NULL) {
        indent(writer);
        bytes_append_format(writer->out, "<key>%s</key>\n", key);
    }
    indent(writer);
}

void plist_write_begin(struct plist_writer *writer, struct bytes *out)
{
    *writer = (struct plist_writer){.out = out};
    bytes_append_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
                           "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
                           "<plist version=\"1.0\">\n");
}

void plist_write_end(struct plist_writer *writer)
{
    bytes_append_text(writer->out, "</plist>\n");
}

void plist_write_open(struct plist_writer *writer, const char *key, const char *element)
{
    write_key(writer, key);
    bytes_append_format(writer->out, "<%s>\n", element);
    writer->depth++;
}

void plist_write_close(struct plist_writer *writer, const char *element)
{
    writer->depth--;
    indent(writer);
    bytes_append_format(writer->out, "</%s>\n", element);
}

void plist_write_string(struct plist_writer *writer, const char *key, const char *text)
{
    if (text == NULL)
        return;
    write_key(writer, key);
    bytes_append_text(writer->out, "<string>");
    append_escaped(writer->out, text);
    bytes_append_text(writer->out, "</string>\n");
}

void plist_write_integer(struct plist_writer *writer, const char *key, uint32_t number)
{
    write_key(writer, key);
    bytes_append_format(writer->out, "<integer>%lu</integer>\n", (unsigned long)number);
}

void plist_write_boolean(struct plist_writer *writer, const char *key, bool is_true)
{
    write_key(writer, key);
    bytes_append_text(writer->out, is_true ? "<true/>\n" : "<false/>\n");
}

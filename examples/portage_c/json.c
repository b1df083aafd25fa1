/* A scanner for the JSON text of the session: checks all of it first, then walks by pointers into the text. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DEPTH 32

static const char *space(const char *p) { return p + strspn(p, " \t\r\n"); }

static const char *skip_string(const char *p) {
    for (p++; *p != '"'; p++) {
        if ((unsigned char)*p < 0x20) return NULL; /* also the end of the text */
        if (*p == '\\' && *++p == '\0') return NULL;
    }
    return p + 1;
}

static const char *skip_number(const char *p) {
    const char *start = p;
    if (*p == '-') p++;
    size_t digits = strspn(p, "0123456789");
    if (digits == 0) return NULL;
    p += digits;
    if (*p == '.') {
        digits = strspn(++p, "0123456789");
        if (digits == 0) return NULL;
        p += digits;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        if (*p == '+' || *p == '-') p++;
        digits = strspn(p, "0123456789");
        if (digits == 0) return NULL;
        p += digits;
    }
    return p == start ? NULL : p;
}

/* Return where the value at p ends, NULL if it is no JSON. */
static const char *skip(const char *p, int depth) {
    static const char *const words[] = {"true", "false", "null"};
    p = space(p);
    if (*p == '"') return skip_string(p);
    if (*p != '{' && *p != '[') {
        for (int w = 0; w < 3; w++) {
            if (strncmp(p, words[w], strlen(words[w])) == 0) return p + strlen(words[w]);
        }
        return skip_number(p);
    }
    const char close = *p == '{' ? '}' : ']';
    if (depth >= MOST_DEPTH) return NULL;
    p = space(p + 1);
    if (*p == close) return p + 1;
    for (;;) {
        if (close == '}') {
            p = space(p);
            if (*p != '"' || (p = skip_string(p)) == NULL) return NULL;
            p = space(p);
            if (*p++ != ':') return NULL;
        }
        if ((p = skip(p, depth + 1)) == NULL) return NULL;
        p = space(p);
        if (*p == close) return p + 1;
        if (*p++ != ',') return NULL;
    }
}

int portage_json_valid(const char *text) {
    const char *end = skip(text, 0);
    return end != NULL && *space(end) == '\0';
}

const char *portage_json_member(const char *object, const char *key) {
    const char *p = space(object);
    const size_t length = strlen(key);
    if (*p != '{') return NULL;
    for (p = space(p + 1); *p == '"';) {
        const char *name = p + 1, *value = space(skip_string(p)) + 1;
        if (strncmp(name, key, length) == 0 && name[length] == '"') return space(value);
        p = space(skip(value, 0));
        if (*p == ',') p = space(p + 1);
    }
    return NULL;
}

const char *portage_json_item(const char *array, int index) {
    const char *p = space(array);
    if (*p != '[') return NULL;
    p = space(p + 1);
    for (; *p != ']'; index--) {
        if (index == 0) return p;
        p = space(skip(p, 0));
        if (*p == ',') p = space(p + 1);
    }
    return NULL;
}

int portage_json_count(const char *array) {
    int count = 0;
    if (array == NULL || *space(array) != '[') return -1;
    while (portage_json_item(array, count) != NULL) count++;
    return count;
}

char *portage_json_string(const char *value) {
    if (value == NULL || *value != '"') return NULL;
    const size_t length = strcspn(value + 1, "\"\\");
    if (value[1 + length] != '"') return NULL; /* names of Portage have no escapes */
    char *copy = portage_memory(length + 1, 1);
    memcpy(copy, value + 1, length);
    return copy;
}

int portage_json_number(const char *value, double *number) {
    if (value == NULL || (*value != '-' && (*value < '0' || *value > '9'))) return 0;
    *number = strtod(value, NULL);
    return isfinite(*number);
}

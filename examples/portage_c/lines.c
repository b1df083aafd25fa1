/* Lines of words in a text file, for settings and data that a person may edit. */
#include "portage.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void portage_open_lines(portage_lines *lines, const char *path) {
    memset(lines, 0, sizeof *lines);
    lines->path = path;
    lines->stream = fopen(path, "r");
    if (lines->stream == NULL) portage_fail("%s: cannot be read: %s", path, strerror(errno));
}

int portage_next_line(portage_lines *lines) {
    while (fgets(lines->text, sizeof lines->text, lines->stream) != NULL) {
        lines->number++;
        lines->count = 0;
        if (strlen(lines->text) == sizeof lines->text - 1) portage_fail("%s:%d: is too long", lines->path, lines->number);
        lines->text[strcspn(lines->text, "#\r\n")] = '\0';
        for (char *word = strtok(lines->text, " \t"); word != NULL; word = strtok(NULL, " \t")) {
            if (lines->count == PORTAGE_MAX_WORDS) portage_fail("%s:%d: too many words", lines->path, lines->number);
            lines->word[lines->count++] = word;
        }
        if (lines->count > 0) return 1;
    }
    fclose(lines->stream);
    lines->stream = NULL;
    return 0;
}

double portage_number(const portage_lines *lines, int word) {
    if (word >= lines->count) portage_fail("%s:%d: a number is missing behind %s", lines->path, lines->number, lines->word[0]);
    char *end;
    const double value = strtod(lines->word[word], &end);
    if (*end != '\0' || !isfinite(value) || value < 0) {
        portage_fail("%s:%d: '%s' must be a number >= 0", lines->path, lines->number, lines->word[word]);
    }
    return value;
}

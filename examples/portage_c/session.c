/* From the session's JSON text to the struct: every key is looked up by name, keys that we do not know are left alone. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PERIODS 10000

static double number(const char *object, const char *key, double least, double most) {
    double value;
    if (!portage_json_number(portage_json_member(object, key), &value) || value < least || value > most) {
        portage_fail("coordinator/session: %s must be a number from %g to %g", key, least, most);
    }
    return value;
}

static int whole(const char *object, const char *key, int least, int most) {
    const double value = number(object, key, least, most);
    if (value != floor(value)) portage_fail("coordinator/session: %s must be a whole number", key);
    return (int)value;
}

static char *text_of(const char *object, const char *key) {
    char *text = portage_json_string(portage_json_member(object, key));
    if (text == NULL) portage_fail("coordinator/session: %s must be a text", key);
    return text;
}

static int length(const char *object, const char *key) {
    const int count = portage_json_count(portage_json_member(object, key));
    if (count < 0) portage_fail("coordinator/session: %s must be a list", key);
    return count;
}

static void names(const char *object, const char *key, char **into) {
    const char *array = portage_json_member(object, key);
    for (int i = 0; i < length(object, key); i++) {
        into[i] = portage_json_string(portage_json_item(array, i));
        if (into[i] == NULL) portage_fail("coordinator/session: %s must be a list of names", key);
    }
}

static void read_road(const char *text, portage_session *s) {
    s->n = length(text, "resourceful_stations");
    s->m = length(text, "limited_stations");
    s->h = whole(text, "horizon_periods", 1, 96);
    s->bins = whole(text, "bins_per_period", 1, 60);
    s->stations = s->n + s->m;
    s->station = portage_memory((size_t)s->stations, sizeof(char *));
    names(text, "resourceful_stations", s->station);
    names(text, "limited_stations", s->station + s->n);
    s->links = length(text, "links");
    s->link = portage_memory((size_t)s->links, sizeof(char *));
    names(text, "links", s->link);
}

static void read_trains(const char *text, portage_session *s) {
    const char *trains = portage_json_member(text, "trains");
    s->trains = length(text, "trains");
    s->train = portage_memory((size_t)s->trains, sizeof(char *));
    s->home = portage_memory((size_t)s->trains, sizeof(int));
    for (int k = 0; k < s->trains; k++) {
        const char *train = portage_json_item(trains, k);
        s->train[k] = text_of(train, "name");
        char *home = text_of(train, "home");
        s->home[k] = portage_index(s->station, s->stations, home);
        if (s->home[k] < 0) portage_fail("coordinator/session: trains: unknown home %s", home);
        free(home);
    }
}

static void read_rail(const char *text, portage_session *s) {
    const char *rows = portage_json_member(text, "trip_periods");
    s->stations = s->m = length(text, "rail_stations");
    s->h = s->periods;
    s->station = portage_memory((size_t)s->stations, sizeof(char *));
    names(text, "rail_stations", s->station);
    read_trains(text, s);
    s->n = s->trains;
    s->trip_periods = portage_memory((size_t)s->stations * (size_t)s->stations, sizeof(int));
    if (length(text, "trip_periods") != s->stations) portage_fail("coordinator/session: trip_periods has another size");
    for (int i = 0; i < s->stations * s->stations; i++) {
        const char *row = portage_json_item(rows, i / s->stations);
        double trip;
        if (portage_json_count(row) != s->stations || !portage_json_number(portage_json_item(row, i % s->stations), &trip) ||
            trip < 0 || trip > MOST_PERIODS) {
            portage_fail("coordinator/session: trip_periods must be %d rows of %d numbers", s->stations, s->stations);
        }
        s->trip_periods[i] = (int)trip;
    }
}

void portage_parse_session(const char *text, portage_session *session) {
    memset(session, 0, sizeof *session);
    if (!portage_json_valid(text)) portage_fail("coordinator/session: is no JSON text");
    char *world = text_of(text, "world");
    session->rail = strcmp(world, "rail") == 0;
    free(world);
    if (session->rail != portage_by_rail()) portage_fail("coordinator/session: is of the other world than runner.json");
    session->scheme = text_of(text, "scheme");
    session->periods = whole(text, "periods", 1, MOST_PERIODS);
    session->period_s = number(text, "period_s", 60, 86400);
    session->start_hour = whole(text, "start_hour", 0, 23);
    (session->rail ? read_rail : read_road)(text, session);
}

static void free_names(char **list, int count) {
    for (int i = 0; i < count; i++) free(list[i]);
    free(list);
}

void portage_free_session(portage_session *session) {
    free_names(session->station, session->stations);
    free_names(session->link, session->links);
    free_names(session->train, session->trains);
    free(session->home);
    free(session->trip_periods);
    free(session->scheme);
}

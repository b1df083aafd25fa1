/* What an operator sends and hears: a copy of the operators' rows of the worlds' topic tables (a test compares them). */
#include "internal.h"

#include <string.h>

const portage_topic portage_topics[] = {
    {'C', "session", 'B', 'B', "-", 'S', 1},
    {'C', "command", 'B', 'B', "1", 'C', 0},
    {'C', "delivery_price_usd_per_veh", 'B', 'R', "NMH", 'P', 1},
    {'C', "delivery_veh", 'B', 'R', "NMH", 'G', 1},
    {'B', "delivery_veh", 'C', 'R', "NMH", 'Q', 0},
    {'B', "delivery_slope_usd_per_veh", 'C', 'R', "ENMH", 'Z', 0},
    {'C', "connection_price_usd", 'B', 'L', "NMH", 'P', 1},
    {'C', "connection", 'B', 'L', "NMH", 'G', 1},
    {'B', "connection", 'C', 'L', "NMH", 'Q', 0},
    {'B', "connection_slope_usd", 'C', 'L', "ENMH", 'Z', 0},
    {'B', "cost_usd", 'C', 'B', "3", 'M', 0},
    {'P', "gate_time_s", 'C', 'R', "S", 'O', 0},
    {'P', "gate_spots", 'C', 'R', "S", 'O', 0},
    {'C', "gate_time_s", 'T', 'R', "S", 'O', 1},
    {'C', "gate_spots", 'T', 'R', "S", 'O', 1},
    {'T', "station_travel_time_s", 'C', 'R', "NM", 'O', 0},
    {'C', "station_travel_time_s", 'P', 'R', "NM", 'O', 1},
    {'T', "train_ready", 'C', 'L', "N3", 'O', 0},
    {'C', "train_ready", 'P', 'L', "N3", 'O', 1},
    {'T', "departures", 'X', 'R', "ED", 'D', 0},
    {'X', "link_flow_veh_per_h", 'T', 'R', "L", 'T', 0},
    {'X', "link_density_veh_per_km", 'T', 'R', "L", 'T', 0},
    {'X', "link_speed_m_per_s", 'T', 'R', "L", 'T', 0},
    {'X', "link_travel_time_s", 'T', 'R', "L", 'T', 0},
    {'X', "station_passing_veh", 'P', 'R', "SB", 'T', 1},
    {'X', "station_arrivals_veh", 'P', 'R', "SB", 'T', 1},
};
const int portage_topic_count = sizeof portage_topics / sizeof portage_topics[0];

static size_t size_of(char letter, const portage_session *s, int period) {
    switch (letter) {
    case 'N': return (size_t)s->n;
    case 'M': return (size_t)s->m;
    case 'H': return (size_t)(s->rail ? s->periods - period : s->h);
    case 'S': return (size_t)s->stations;
    case 'L': return (size_t)s->links;
    case 'B': return (size_t)s->bins;
    case 'D': return 3 + PORTAGE_MAX_ROUTE_LINKS;
    default: return (size_t)(letter - '0');
    }
}

size_t portage_values(const portage_topic *topic, const portage_session *session, int period, int *rows) {
    size_t values = 1;
    *rows = topic->shape[0] == 'E';
    for (const char *letter = topic->shape + *rows; *letter != '\0'; letter++) values *= size_of(*letter, session, period);
    return values;
}

int portage_index(char *const *names, int count, const char *name) {
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) return i;
    }
    return -1;
}

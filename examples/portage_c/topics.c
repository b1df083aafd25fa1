/* What an operator sends and hears: a copy of the operators' rows of federates/boundary/topics.py (a test compares them). */
#include "internal.h"

#include <string.h>

#define P "power_operator"
#define T "transport_operator"
#define C "coordinator"
#define X "traffic_sumo"

const portage_topic portage_topics[] = {
    {C, "session", 'B', 'B', "-", 'S'},
    {C, "command", 'B', 'B', "1", 'C'},
    {C, "multipliers_usd_per_veh", 'B', 'B', "NMH", 'C'},
    {C, "power_connection_veh", 'P', 'B', "NMH", 'C'},
    {C, "transport_connection_veh", 'T', 'B', "NMH", 'C'},
    {C, "station_travel_time_s", 'P', 'R', "NM", 'O'},
    {C, "gate_time_s", 'T', 'R', "S", 'O'},
    {C, "gate_spots", 'T', 'R', "S", 'O'},
    {C, "train_ready", 'P', 'L', "N3", 'O'},
    {P, "asked_connection_veh", 'C', 'B', "NMH", 'C'},
    {P, "power_cost_usd", 'C', 'B', "3", 'C'},
    {P, "power_slope_usd_per_veh", 'C', 'B', "ENMH", 'C'},
    {P, "gate_time_s", 'C', 'R', "S", 'O'},
    {P, "gate_spots", 'C', 'R', "S", 'O'},
    {T, "offered_connection_veh", 'C', 'B', "NMH", 'C'},
    {T, "transport_cost_usd", 'C', 'B', "3", 'C'},
    {T, "station_travel_time_s", 'C', 'R', "NM", 'O'},
    {T, "train_ready", 'C', 'L', "N3", 'O'},
    {T, "departures", 'X', 'R', "ED", 'D'},
    {X, "link_flow_veh_per_h", 'T', 'R', "L", 'T'},
    {X, "link_density_veh_per_km", 'T', 'R', "L", 'T'},
    {X, "link_speed_m_per_s", 'T', 'R', "L", 'T'},
    {X, "link_travel_time_s", 'T', 'R', "L", 'T'},
    {X, "station_passing_veh", 'P', 'R', "SB", 'T'},
    {X, "station_arrivals_veh", 'P', 'R', "SB", 'T'},
};
const int portage_topic_count = sizeof portage_topics / sizeof portage_topics[0];

static size_t size_of(char letter, const portage_session *s) {
    switch (letter) {
    case 'N': return (size_t)s->n;
    case 'M': return (size_t)s->m;
    case 'H': return (size_t)s->h;
    case 'S': return (size_t)s->stations;
    case 'L': return (size_t)s->links;
    case 'B': return (size_t)s->bins;
    case 'D': return 3 + PORTAGE_MAX_ROUTE_LINKS;
    default: return (size_t)(letter - '0');
    }
}

size_t portage_values(const portage_topic *topic, const portage_session *session, int *rows) {
    size_t values = 1;
    *rows = topic->shape[0] == 'E';
    for (const char *letter = topic->shape + *rows; *letter != '\0'; letter++) values *= size_of(*letter, session);
    return values;
}

int portage_index(char *const *names, int count, const char *name) {
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) return i;
    }
    return -1;
}

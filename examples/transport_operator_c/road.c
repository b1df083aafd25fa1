/* On the road: each pair (r, q) has vehicles under contract, which all take one route. Own cost of sending z of them in a period:
 *
 *   f(z) = (a + b z / 2) z,  0 <= z <= F    a = value of time x (gate r + road + gate q) + cost of a trip,   b = spread / F
 *
 * F is the fleet of the period; the readiest driver asks nothing more than a, the last one `spread` more. The pairs do not touch
 * each other, so f(z) - price z has its minimum at z = (price - a) / b within 0..F, and that minimum is its own proven bound. */
#include "transport_operator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define S_PER_H 3600.0

typedef struct {
    double fleet_veh_per_h, free_s, road_s;
    int links, link[PORTAGE_MAX_ROUTE_LINKS];
} route;

typedef struct {
    const char *settings;
    double value_of_time_usd_per_h, trip_usd, spread_usd;
    route *routes; /* N x M */
    FILE *plan;
} road;

static void read_route(const portage_session *s, road *own, const portage_lines *line) {
    const int links = line->count - 5;
    if (links < 1) portage_fail("%s:%d: route ORIGIN DESTINATION FLEET_VEH_PER_H FREE_MIN LINK ...", line->path, line->number);
    if (links > PORTAGE_MAX_ROUTE_LINKS) portage_fail("%s:%d: too many links", line->path, line->number);
    const int r = portage_index(s->station, s->n, line->word[1]);
    const int q = portage_index(s->station + s->n, s->m, line->word[2]);
    if (r < 0 || q < 0) return; /* of stations that are not in this run */
    route *to = &own->routes[r * s->m + q];
    to->fleet_veh_per_h = portage_number(line, 3);
    to->free_s = portage_number(line, 4) * 60.0;
    for (to->links = 0; to->links < links; to->links++) {
        const char *name = line->word[5 + to->links];
        to->link[to->links] = portage_index(s->link, s->links, name);
        if (to->link[to->links] < 0) portage_fail("%s:%d: %s is no link of the session", line->path, line->number, name);
    }
}

static void begin(portage_run *run) {
    const portage_session *s = portage_agreement(run);
    road *own = portage_state(run);
    portage_lines line;
    own->routes = portage_memory((size_t)(s->n * s->m), sizeof(route));
    portage_open_lines(&line, own->settings);
    while (portage_next_line(&line)) {
        if (strcmp(line.word[0], "route") == 0) read_route(s, own, &line);
        else if (strcmp(line.word[0], "value_of_time_usd_per_h") == 0) own->value_of_time_usd_per_h = portage_number(&line, 1);
        else if (strcmp(line.word[0], "trip_usd") == 0) own->trip_usd = portage_number(&line, 1);
        else if (strcmp(line.word[0], "spread_usd") == 0) own->spread_usd = portage_number(&line, 1);
        else portage_fail("%s:%d: unknown word %s", line.path, line.number, line.word[0]);
    }
    if (own->spread_usd <= 0) portage_fail("%s: spread_usd must be above 0", own->settings);
    for (int pair = 0; pair < s->n * s->m; pair++) {
        if (own->routes[pair].links > 0) continue;
        portage_fail("%s: no route from %s to %s", own->settings, s->station[pair / s->m], s->station[s->n + pair % s->m]);
    }
    own->plan = portage_result("plan.csv");
    fprintf(own->plan, "period,origin,destination,vehicles,road_s\n");
}

/* Learn how long the links took, and tell how long the road takes: a link that was not seen takes its share of the free time. */
static void open_period(portage_run *run, int period) {
    const portage_session *s = portage_agreement(run);
    road *own = portage_state(run);
    const double *seen_s = portage_read(run, "link_travel_time_s");
    double *told = portage_memory((size_t)(s->n * s->m), sizeof(double));
    (void)period;
    for (int pair = 0; pair < s->n * s->m; pair++) {
        route *way = &own->routes[pair];
        way->road_s = seen_s == NULL ? way->free_s : 0.0;
        for (int i = 0; seen_s != NULL && i < way->links; i++) {
            const double link_s = seen_s[way->link[i]];
            way->road_s += link_s > 0 ? link_s : way->free_s / way->links;
        }
        told[pair] = way->road_s;
    }
    portage_publish(run, "station_travel_time_s", told, (size_t)(s->n * s->m));
    free(told);
}

/* a, b and F of pair (r, q) in the opened period. */
static void prices(portage_run *run, int pair, double *a, double *b, double *fleet) {
    const portage_session *s = portage_agreement(run);
    const road *own = portage_state(run);
    const route *way = &own->routes[pair];
    const double *gate_s = portage_read(run, "gate_time_s");
    const double trip_s = gate_s[pair / s->m] + way->road_s + gate_s[s->n + pair % s->m];
    *fleet = way->fleet_veh_per_h * s->period_s / S_PER_H;
    *a = own->value_of_time_usd_per_h * trip_s / S_PER_H + own->trip_usd;
    *b = *fleet > 0 ? own->spread_usd / *fleet : 0.0;
}

/* prices_usd: what a vehicle earns; or, if it is NULL, asked: how many are wanted. */
static void respond(portage_run *run, const double *prices_usd, const double *asked, portage_answer *answer) {
    const portage_session *s = portage_agreement(run);
    answer->cost_usd = answer->bound_usd = 0.0;
    answer->bound_kind = PORTAGE_EXACT;
    for (int pair = 0; pair < s->n * s->m; pair++) {
        double a, b, fleet;
        prices(run, pair, &a, &b, &fleet);
        for (int h = 0; h < s->h; h++) {
            const int i = pair * s->h + h;
            const double best = prices_usd == NULL ? asked[i] : b > 0 ? (prices_usd[i] - a) / b : 0.0;
            const double z = fmax(0.0, fmin(best, fleet));
            const double cost = (a + b * z / 2) * z;
            answer->quantities[i] = z;
            answer->cost_usd += cost;
            answer->bound_usd += cost - (prices_usd == NULL ? 0.0 : prices_usd[i] * z);
        }
    }
}

static void solve(portage_run *run, const double *prices_usd, portage_answer *to) { respond(run, prices_usd, NULL, to); }

static void evaluate(portage_run *run, const double *given, portage_answer *to) { respond(run, NULL, given, to); }

static void commit(portage_run *run, const double *given) {
    const portage_session *s = portage_agreement(run);
    const road *own = portage_state(run);
    for (int pair = 0; pair < s->n * s->m; pair++) {
        const route *way = &own->routes[pair];
        const int r = pair / s->m, q = pair % s->m, vehicles = (int)lround(given[pair * s->h]);
        if (vehicles > 0) portage_departure(run, r, q, vehicles, way->link, way->links);
        fprintf(own->plan, "%d,%s,%s,%d,%.1f\n", portage_period(run), s->station[r], s->station[s->n + q], vehicles, way->road_s);
    }
    fflush(own->plan);
}

int run_road(const char *settings) {
    static const portage_operator methods = {begin, open_period, solve, NULL, evaluate, commit};
    road own = {.settings = settings};
    const int code = portage_main(&methods, &own);
    fclose(own.plan);
    free(own.routes);
    return code;
}

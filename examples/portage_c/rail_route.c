/* The cheapest route of a train on the time-space network (Ding et al., JMPCE 2025, equations (1)-(4)) by dynamic programming.
 *
 * Nodes are (station, period), period 0..H after the opened one. In a period a train stands, which earns the reward, or is on a trip, which is paid as
 * it begins. Trains do not touch each other here, so the minimum is exact and is its own bound. */
#include "portage.h"

#include <math.h>
#include <stdlib.h>

/* Routes nearer to each other than this are equal: fewer trips win, then the earlier departure, then the first station. */
#define TIE_USD 1e-9

typedef struct {
    double value_usd; /* least cost minus reward from here to the end */
    int trips;        /* of the route chosen */
    int next;         /* where it leads: the station itself to stay, -1 for nowhere */
} node;

typedef struct {
    const portage_session *session;
    const double *trip_usd, *reward;
    node *nodes; /* S x (H + 1) */
} network;

static node *at(const network *net, int station, int period) {
    return &net->nodes[(size_t)station * (size_t)(net->session->h + 1) + (size_t)period];
}

/* Value and number of trips of going from (s, t) to r, or of staying if r is s. */
static node step(const network *net, int s, int t, int r) {
    const portage_session *session = net->session;
    const size_t pair = (size_t)s * (size_t)session->stations + (size_t)r;
    const int length = r == s ? 1 : session->trip_periods[pair];
    node result = {HUGE_VAL, 0, r};
    if (length < 1 || t + length > session->h) return result; /* no track, or the day ends on the way */
    const node *head = at(net, r, t + length);
    const double gain = net->reward[(size_t)s * (size_t)session->h + (size_t)t];
    result.value_usd = head->value_usd + (r == s ? -gain : net->trip_usd[pair]);
    result.trips = head->trips + (r != s);
    return result;
}

static void choose(const network *net, int s, int t) {
    node *here = at(net, s, t);
    here->value_usd = HUGE_VAL;
    here->next = -1;
    for (int r = 0; r < net->session->stations; r++) {
        here->value_usd = fmin(here->value_usd, step(net, s, t, r).value_usd);
    }
    for (int i = 0; i <= net->session->stations && isfinite(here->value_usd); i++) {
        if (i == s) continue; /* to stay is looked at last: of two equal routes the earlier departure wins */
        const int r = i < net->session->stations ? i : s;
        const node way = step(net, s, t, r);
        if (way.value_usd <= here->value_usd + TIE_USD && (here->next < 0 || way.trips < here->trips)) {
            here->trips = way.trips;
            here->next = r;
        }
    }
}

portage_route portage_best_route(const portage_session *session, int station, int ready, int end, const double *trip_usd,
                                 const double *reward, int *stand) {
    const int periods = session->h, stations = session->stations;
    if (station < 0 || station >= stations || ready < 0 || end >= stations) { /* what another agent has said */
        portage_fail("a train is ready at station %d from period %d on and ends at %d; there are %d stations", station, ready, end,
                     stations);
    }
    network net = {session, trip_usd, reward, portage_memory((size_t)stations * (size_t)(periods + 1), sizeof(node))};
    for (int s = 0; s < stations; s++) at(&net, s, periods)->value_usd = end < 0 || s == end ? 0.0 : HUGE_VAL;
    for (int t = periods - 1; t >= ready; t--) {
        for (int s = 0; s < stations; s++) choose(&net, s, t);
    }
    for (int t = 0; t < periods; t++) stand[t] = -1;
    portage_route route = {0.0, 0.0, station};
    if (ready < periods) {
        route.value_usd = at(&net, station, ready)->value_usd;
        route.next = at(&net, station, ready)->next;
    } else if (ready == periods) {
        route.value_usd = at(&net, station, periods)->value_usd;
    }
    for (int t = ready, s = station; t < periods && isfinite(route.value_usd);) {
        const int r = at(&net, s, t)->next;
        const size_t pair = (size_t)s * (size_t)stations + (size_t)r;
        if (r == s) stand[t] = s;
        else route.cost_usd += trip_usd[pair];
        t += r == s ? 1 : session->trip_periods[pair];
        s = r;
    }
    free(net.nodes);
    return route;
}

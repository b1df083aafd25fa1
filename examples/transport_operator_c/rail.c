/* By rail: every train takes its cheapest route through the day; a trip costs by its periods and by itself.
 *
 *   minimise  sum over trips of (usd_per_period x periods + usd_per_trip)  minus what standing earns
 *
 * from where the train is to its home at the end of the day (Ding et al., JMPCE 2025, (41) over (1)-(4)). Trains do not touch
 * each other, so the dynamic programme of portage_best_route is exact. Trains are never late and tracks never closed here. */
#include "transport_operator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *settings;
    double *trip_usd;     /* S x S */
    int *station, *ready; /* K: where a train stands next, and from which period */
    double spent_usd;     /* of the trips that have begun */
    int *stand;           /* H, scratch */
    double *reward;       /* S x H, scratch */
    FILE *moves;
} rail;

static void read_costs(const portage_session *s, rail *own) {
    double per_period = 0.0, per_trip = 0.0;
    portage_lines line;
    portage_open_lines(&line, own->settings);
    while (portage_next_line(&line)) {
        if (strcmp(line.word[0], "usd_per_period") == 0) per_period = portage_number(&line, 1);
        else if (strcmp(line.word[0], "usd_per_trip") == 0) per_trip = portage_number(&line, 1);
        else portage_fail("%s:%d: unknown word %s", line.path, line.number, line.word[0]);
    }
    const int pairs = s->stations * s->stations;
    for (int pair = 0; pair < pairs; pair++) own->trip_usd[pair] = per_period * s->trip_periods[pair] + per_trip;
}

static void begin(portage_run *run) {
    const portage_session *s = portage_agreement(run);
    rail *own = portage_state(run);
    own->trip_usd = portage_memory((size_t)(s->stations * s->stations), sizeof(double));
    own->station = portage_memory((size_t)s->trains, sizeof(int));
    own->ready = portage_memory((size_t)s->trains, sizeof(int));
    own->stand = portage_memory((size_t)s->periods, sizeof(int));
    own->reward = portage_memory((size_t)s->m * (size_t)s->h, sizeof(double));
    for (int k = 0; k < s->trains; k++) own->station[k] = s->home[k];
    read_costs(s, own);
    own->moves = portage_result("moves.csv");
    fprintf(own->moves, "period,train,origin,destination,cost_usd\n");
}

/* Trains carry batteries in the scheme `mobile` only; else they stay at home, connected to nothing. */
static int idle(const portage_session *s) { return strcmp(s->scheme, "mobile") != 0; }

static void open_period(portage_run *run, int period) {
    const portage_session *s = portage_agreement(run);
    const rail *own = portage_state(run);
    double *places = portage_memory(3 * (size_t)s->trains, sizeof(double));
    for (int k = 0; k < s->trains; k++) {
        places[3 * k] = own->station[k];
        places[3 * k + 1] = idle(s) ? period : own->ready[k];
        places[3 * k + 2] = s->home[k];
    }
    portage_publish(run, "train_ready", places, 3 * (size_t)s->trains);
    free(places);
}

static portage_route best_route(portage_run *run, int k, const double *reward) {
    const portage_session *s = portage_agreement(run);
    rail *own = portage_state(run);
    const int ready = own->ready[k] - portage_period(run);
    return portage_best_route(s, own->station[k], ready, s->home[k], own->trip_usd, reward, own->stand);
}

/* The route that stands where it is asked to as often as can be, and of these the cheapest: an entry that is asked earns more
 * than all trips of a day can cost. Of a fraction it earns its part. */
static portage_route agreeing_route(portage_run *run, int k, const double *asked) {
    const portage_session *s = portage_agreement(run);
    rail *own = portage_state(run);
    double dearest = 0.0;
    for (int pair = 0; pair < s->stations * s->stations; pair++) dearest = fmax(dearest, own->trip_usd[pair]);
    for (int i = 0; i < s->m * s->h; i++) {
        own->reward[i] = (1.0 + dearest * s->h) * fmax(0.0, fmin(asked[k * s->m * s->h + i], 1.0));
    }
    return best_route(run, k, own->reward);
}

/* Each train's route for the rest of the day, by what standing earns or by what is asked; costs are those of the whole day. */
static void respond(portage_run *run, const double *earned, const double *asked, portage_answer *answer) {
    const portage_session *s = portage_agreement(run);
    const rail *own = portage_state(run);
    const int size = s->m * s->h;
    answer->cost_usd = answer->bound_usd = own->spent_usd;
    answer->bound_kind = PORTAGE_EXACT;
    if (idle(s)) return;
    for (int k = 0; k < s->trains; k++) {
        const portage_route route = earned != NULL ? best_route(run, k, earned + k * size) : agreeing_route(run, k, asked);
        answer->cost_usd += route.cost_usd;
        answer->bound_usd += earned != NULL ? route.value_usd : route.cost_usd;
        for (int i = 0; i < size; i++) {
            answer->quantities[k * size + i] = own->stand[i % s->h] == i / s->h;
        }
    }
}

static void solve(portage_run *run, const double *prices, portage_answer *to) { respond(run, prices, NULL, to); }

static void evaluate(portage_run *run, const double *given, portage_answer *to) { respond(run, NULL, given, to); }

/* Carry out one period: a train under way goes on, another one takes the first step of the route that was agreed. */
static void commit(portage_run *run, const double *given) {
    const portage_session *s = portage_agreement(run);
    rail *own = portage_state(run);
    const int period = portage_period(run);
    for (int k = 0; k < s->trains && !idle(s); k++) {
        if (own->ready[k] > period) continue;
        const int from = own->station[k], to = agreeing_route(run, k, given).next, pair = from * s->stations + to;
        const double cost = to == from ? 0.0 : own->trip_usd[pair];
        own->ready[k] = period + (to == from ? 1 : s->trip_periods[pair]);
        own->station[k] = to;
        own->spent_usd += cost;
        fprintf(own->moves, "%d,%s,%s,%s,%.6g\n", period, s->train[k], s->station[from], s->station[to], cost);
    }
    fflush(own->moves);
}

int run_rail(const char *settings) {
    static const portage_operator methods = {begin, open_period, solve, NULL, evaluate, commit};
    rail own = {.settings = settings};
    const int code = portage_main(&methods, &own);
    fclose(own.moves);
    free(own.trip_usd);
    free(own.station);
    free(own.ready);
    free(own.stand);
    free(own.reward);
    return code;
}

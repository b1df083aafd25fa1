/* The operator's side: what a user may ask of the kit, the coordinator's commands, and the run from its beginning to its end.
 *
 * It does what federates/runtime/operator_loop.py does for operators in Python. */
#include "internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN, SOLVE, EVALUATE, COMMIT, STOP, RELAX, COMMANDS };

#define DEPARTURE_VALUES (3 + PORTAGE_MAX_ROUTE_LINKS)

static portage_run *const run = &portage_this; /* a process is one federate */

/* ---- What an operator may ask of the kit ---- */

void *portage_state(portage_run *r) { return r->state; }
const portage_session *portage_agreement(const portage_run *r) { return &r->session; }
int portage_period(const portage_run *r) { return r->period; }

const double *portage_read(portage_run *r, const char *name) {
    const portage_line *from = portage_find(name, 0);
    const int behind = from->topic->part == 'T';
    if (behind && r->period == 0) return NULL;
    return portage_take(from, r->period - behind, -1);
}

void portage_publish(portage_run *r, const char *name, const double *values, size_t count) {
    portage_line *to = portage_find(name, 1);
    int rows;
    const size_t expected = portage_values(to->topic, &r->session, r->period, &rows);
    if (to->topic->part != 'O' || count != expected) {
        portage_fail("%s: %zu values; an operator sends its opening topics, this one with %zu", to->key, count, expected);
    }
    portage_send(to, values, count);
}

void portage_departure(portage_run *r, int origin, int destination, int vehicles, const int *links, int count) {
    if (count > PORTAGE_MAX_ROUTE_LINKS) portage_fail("a route has %d links, most are %d", count, PORTAGE_MAX_ROUTE_LINKS);
    double *more = realloc(r->departures, (r->departure_count + 1) * DEPARTURE_VALUES * sizeof *more);
    if (more == NULL) portage_fail("no memory for departures");
    r->departures = more;
    double *row = more + DEPARTURE_VALUES * r->departure_count++;
    row[0] = origin;
    row[1] = destination;
    row[2] = vehicles;
    for (int i = 0; i < PORTAGE_MAX_ROUTE_LINKS; i++) row[3 + i] = i < count ? links[i] : -1;
}

FILE *portage_result(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", portage_environment("PORTAGE_RESULTS"), name);
    FILE *file = fopen(path, "w");
    if (file == NULL) portage_fail("%s: cannot be written: %s", path, strerror(errno));
    return file;
}

/* ---- Commands ---- */

static void open_period(void) {
    run->operator_->open(run, run->period);
    for (int i = 0; i < run->line_count; i++) {
        const portage_line *sent = &run->lines[i];
        if (sent->publication == NULL || sent->topic->part != 'O') continue;
        if (!sent->present || sent->period != run->period) portage_fail("open has not published %s", sent->topic->name);
    }
}

/* Prices ('P'), or what is given ('G') to evaluate or as committed; they must be of this very round. */
static const double *told(char part) { return portage_take(portage_part(part), run->period, run->round); }

static void answer(int command) {
    const portage_operator *methods = run->operator_;
    portage_answer *to = &run->answer;
    const size_t size = (size_t)run->session.n * (size_t)run->session.m * (size_t)run->session.h;
    memset(to->quantities, 0, size * sizeof(double));
    memset(to->slopes, 0, size * sizeof(double));
    to->has_slopes = 0;
    to->cost_usd = to->bound_usd = 0.0;
    to->bound_kind = PORTAGE_STATED;
    if (command == EVALUATE) methods->evaluate(run, told('G'), to);
    else (command == RELAX && methods->relax != NULL ? methods->relax : methods->solve)(run, told('P'), to);
    const double cost[3] = {to->cost_usd, to->bound_usd, to->bound_kind};
    portage_send(portage_part('Q'), to->quantities, size);
    portage_send(portage_part('Z'), to->slopes, to->has_slopes ? size : 0);
    portage_send(portage_part('M'), cost, 3);
}

static void commit(void) {
    run->departure_count = 0;
    run->operator_->commit(run, told('G'));
    if (run->letter == 'P' || run->session.rail) return;
    portage_send(portage_part('D'), run->departures, run->departure_count * DEPARTURE_VALUES);
}

static int understand(const portage_line *command) {
    const double code = command->values[0];
    if (!(code >= 0 && code < COMMANDS) || code != floor(code)) portage_fail("unknown command %g", code);
    const int last = run->session.periods - (code != OPEN && code != STOP); /* the day is closed by opening one period more */
    if (command->period > last) portage_fail("command %g in period %d of %d", code, command->period, run->session.periods);
    run->period = command->period;
    run->round = command->round;
    if (run->session.rail) run->session.h = run->session.periods - run->period;
    return (int)code;
}

/* Take in what has come with the last grant; return the command, -1 if there is none. */
static int news(void) {
    int command = -1;
    for (int i = 0; i < run->line_count; i++) {
        portage_line *entry = &run->lines[i];
        if (!portage_updated(entry)) continue;
        portage_receive(entry);
        if (entry->topic->part == 'C') command = understand(entry);
    }
    return command;
}

/* While a period is negotiated every micro-step is requested; after a commit, the first one of the next period. */
static void answer_commands(void) {
    double start_s = 0;
    int step = 0;
    for (;;) {
        step++;
        portage_advance(start_s + step * run->step_s);
        const int command = news();
        if (command == STOP) return;
        if (command == OPEN) {
            open_period();
        } else if (command == COMMIT) {
            commit();
            start_s = (run->period + 1) * run->session.period_s;
            step = 0;
        } else if (command >= 0) {
            answer(command);
        }
    }
}

static void release(void) {
    for (int i = 0; i < run->line_count; i++) free(run->lines[i].values);
    portage_close_seal();
    free(run->departures);
    free(run->answer.quantities);
    free(run->answer.slopes);
    portage_free_session(&run->session);
}

int portage_main(const portage_operator *operator_, void *state) {
    run->operator_ = operator_;
    run->state = state;
    run->agent = portage_environment("PORTAGE_AGENT");
    run->role = portage_environment("PORTAGE_ROLE");
    run->letter = strcmp(run->role, "power_operator") == 0 ? 'P' : 'T';
    if (run->letter == 'T' && strcmp(run->role, "transport_operator") != 0) portage_fail("the kit is for operators");
    if (atoi(portage_environment("PORTAGE_BOUNDARY_VERSION")) != PORTAGE_BOUNDARY_VERSION) {
        portage_fail("this program speaks version %d of the boundary, the run another", PORTAGE_BOUNDARY_VERSION);
    }
    run->step_s = strtod(portage_environment("PORTAGE_ROUND_STEP_S"), NULL);
    if (!(run->step_s > 0)) portage_fail("PORTAGE_ROUND_STEP_S must be a number above 0");
    portage_join();
    operator_->begin(run);
    answer_commands();
    portage_leave();
    release();
    return 0;
}

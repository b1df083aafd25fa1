/* A small kit for operators of Portage in C or C++: it joins a run through HELICS, answers the coordinator's commands by calling
 * functions of yours, and leaves in good order. docs/other_languages.md tells what goes over the wire.
 *
 * Index sets: on the road N resourceful stations, M limited stations, H periods planned ahead; by rail N trains, M stations, H
 * periods left of the day. What is exchanged (on the road deliveries, by rail connections) and its prices are arrays of N x M x H
 * doubles in C order, [(n * M + m) * H + h]; h = 0 is the opened period. The session holds the agent's own part of what agents share.
 */
#ifndef PORTAGE_H
#define PORTAGE_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PORTAGE_BOUNDARY_VERSION 6
#define PORTAGE_MAX_ROUTE_LINKS 16
#define PORTAGE_MAX_WORDS 64

/* Public agreement of the run. Names are in the order of every array. */
typedef struct {
    int rail;              /* 0: road, 1: rail */
    char *scheme;          /* road: proposed, fastest_route, no_mves; rail: mobile, fixed, central, no_storage */
    int periods;           /* T */
    double period_s;       /* length of a period */
    int start_hour;        /* hour of the day at which period 0 starts */
    int n, m, h;           /* shape of what is exchanged in the opened period */
    int stations;          /* S: resourceful, then limited ones; by rail all of them */
    char **station;        /* names, S */
    int links;             /* L, road */
    char **link;           /* names, L */
    int bins;              /* B, road */
    int trains;            /* K, rail */
    char **train;          /* names, K */
    int *home;             /* index of each train's home station, K */
    int *trip_periods;     /* least periods of a trip, S x S, 0 on the diagonal */
} portage_session;

enum { PORTAGE_STATED, PORTAGE_LINEAR, PORTAGE_TREE, PORTAGE_CONVEX, PORTAGE_EXACT };

/* Answer to prices or to what is given; arrays have N x M x H values and are zero when you get them. */
typedef struct {
    double *quantities;
    double cost_usd;       /* own cost without prices */
    double bound_usd;      /* proven lower bound: see docs/other_languages.md */
    int bound_kind;        /* what the bound rests on; PORTAGE_STATED, your word, unless you set it */
    double *slopes;        /* evaluate: slopes of a plane below own cost */
    int has_slopes;        /* set it to 1 if slopes is filled in */
} portage_answer;

typedef struct portage_run portage_run;

/* What you write. relax may be NULL: then solve is asked. A function that cannot go on calls portage_fail. */
typedef struct {
    void (*begin)(portage_run *run);
    void (*open)(portage_run *run, int period);
    void (*solve)(portage_run *run, const double *prices, portage_answer *answer);
    void (*relax)(portage_run *run, const double *prices, portage_answer *answer);
    void (*evaluate)(portage_run *run, const double *given, portage_answer *answer);
    void (*commit)(portage_run *run, const double *given);
} portage_operator;

/* Take the operator through its whole run; return the exit code 0. state is yours: portage_state gives it back. */
int portage_main(const portage_operator *operator_, void *state);

void *portage_state(portage_run *run);
const portage_session *portage_agreement(const portage_run *run);
int portage_period(const portage_run *run); /* the opened period */

/* Newest values of a topic that you hear, such as "gate_time_s": of the opened period, of the traffic model's topics those of the
 * period before. NULL for the latter before the first period. */
const double *portage_read(portage_run *run, const char *name);

/* In open: send one of your opening topics, such as "station_travel_time_s". count is the number of values. */
void portage_publish(portage_run *run, const char *name, const double *values, size_t count);

/* In commit, transport operator on the road: one more route with its vehicles; links are indices of the session's links. */
void portage_departure(portage_run *run, int origin, int destination, int vehicles, const int *links, int count);

/* Open a file among your results of this run, to write to. */
FILE *portage_result(const char *name);

/* World of the run, before the session is known: 1 by rail, else 0. */
int portage_by_rail(void);

/* Index of a name, or -1. */
int portage_index(char *const *names, int count, const char *name);

/* Tell the whole federation what is wrong, and end. */
#if defined(__GNUC__)
__attribute__((noreturn, format(printf, 1, 2)))
#endif
void portage_fail(const char *format, ...);

/* Memory that is there, zero; the kit ends the run if there is none. */
void *portage_memory(size_t count, size_t size);

/* Lines of words in a text file, without empty ones and what stands behind #. Open it, then call next until it returns 0. */
typedef struct {
    const char *path;
    FILE *stream;
    int number;            /* of the line */
    int count;             /* of its words */
    char *word[PORTAGE_MAX_WORDS];
    char text[2048];
} portage_lines;

void portage_open_lines(portage_lines *lines, const char *path);
int portage_next_line(portage_lines *lines);
double portage_number(const portage_lines *lines, int word); /* a finite number >= 0, or the run ends */

/* Best way of a train for the rest of the day, H periods, by dynamic programming over (station, period): exact. */
typedef struct {
    double value_usd;      /* least of cost minus reward; infinite if there is no way */
    double cost_usd;       /* cost of the trips alone */
    int next;              /* the station itself if the train stays, else where its first trip leads */
} portage_route;

/* From station, where the train stands ready periods after the opened one, to station end by the end of the day (-1: anywhere).
 * trip_usd (S x S) is the cost of a trip, reward (S x H) what standing earns. stand (H) becomes the station in each period, -1 else. */
portage_route portage_best_route(const portage_session *session, int station, int ready, int end, const double *trip_usd,
                                 const double *reward, int *stand);

#ifdef __cplusplus
}
#endif
#endif

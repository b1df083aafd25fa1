/* What the files of the kit share, and users do not need. */
#ifndef PORTAGE_INTERNAL_H
#define PORTAGE_INTERNAL_H

#include "portage.h"

#include <stdint.h>

/* One topic that an operator sends or hears. Roles: P power operator, T transport operator, B both, C coordinator, X traffic model. */
typedef struct {
    char sender;
    const char *name;
    char receiver;
    char world;           /* B both, R road, L rail */
    const char *shape;    /* letters of index sets; 1, 2 numbers; D: 3 + MAX_ROUTE_LINKS; E: any number of rows; -: JSON text */
    char part;            /* S session, C command, P prices, G what is given, Q quantities, Z slopes, M cost (money), O opening,
                             T traffic, D departures */
    int addressed;        /* its key names the receiver too */
} portage_topic;

extern const portage_topic portage_topics[];
extern const int portage_topic_count;

/* Number of values in a message of this period, or of one row of it if the number of rows is free (*rows = 1). */
size_t portage_values(const portage_topic *topic, const portage_session *session, int period, int *rows);

/* A topic that this operator sends or hears, with its newest message: values of period and round. */
typedef struct {
    const portage_topic *topic;
    void *publication, *input; /* HELICS's handles; one of them is NULL */
    char key[240];
    double *values;
    int period, round, present;
    uint64_t number;      /* of the newest message, as its sender counts */
} portage_line;

#define PORTAGE_MOST_LINES 32

struct portage_run {
    const portage_operator *operator_;
    void *state;
    const char *agent, *role; /* its name, and what it is */
    char letter;              /* P or T */
    void *federate;
    portage_session session;
    portage_line lines[PORTAGE_MOST_LINES];
    int line_count, period, round;
    double step_s;
    double *departures;
    size_t departure_count;
    portage_answer answer;
};

/* The run of this process: a process is one federate. */
extern portage_run portage_this;

/* wire.c, the only file that knows HELICS (helics.h of 3.6 defines constants, so one file of a program may include it). */
const char *portage_environment(const char *name);  /* it must be set */
void portage_join(void);                            /* until everyone executes; then the session is known */
void portage_advance(double time_s);                /* request a time; another one granted ends the run */
int portage_updated(const portage_line *from);      /* whether a message has come with the last grant */
void portage_receive(portage_line *into);           /* take in the newest message */
void portage_send(portage_line *to, const double *values, size_t count);
const double *portage_take(const portage_line *from, int period, int round); /* insists on period, and on round unless -1 */
portage_line *portage_find(const char *name, int sent); /* a topic that it sends or hears, or the run ends */
portage_line *portage_part(char part);                  /* the only topic of this part */
void portage_leave(void);                           /* in good order */

/* seal.c: signatures, where the run has them. */
int portage_signs(void);
void portage_open_seal(void);                       /* the own key */
void portage_read_roster(void);                     /* the others' keys, once all have joined */
unsigned char *portage_sign(const portage_line *to, const unsigned char *payload, size_t *size); /* a message, in own memory */
const unsigned char *portage_opened(portage_line *from, const unsigned char *message, size_t *size); /* its payload, or the run ends */
void portage_close_seal(void);

/* The session from its JSON text; what is wrong with it ends the run. */
void portage_parse_session(const char *text, portage_session *session);
void portage_free_session(portage_session *session);

/* A small JSON scanner over text that portage_json_valid has accepted. */
int portage_json_valid(const char *text);
const char *portage_json_member(const char *object, const char *key); /* NULL if there is none */
int portage_json_count(const char *array);                            /* -1 if it is no array */
const char *portage_json_item(const char *array, int index);
char *portage_json_string(const char *value);                         /* a copy; NULL if it is no plain string */
int portage_json_number(const char *value, double *number);

#endif

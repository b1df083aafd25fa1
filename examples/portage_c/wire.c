/* The wire: joining the run through HELICS, messages with their checks, and failing so that everyone hears of it.
 *
 * It does what federates/runtime/federate.py and inbox.py do for agents in Python. */
#include "internal.h"

#include <helics/helics.h>

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

portage_run portage_this;
#define TIME_TOLERANCE_S 1e-7
#define HEADER 2 /* period and round, before the values */

static portage_run *const run = &portage_this; /* a process is one federate */

/* ---- Failing ---- */

/* End without telling the federation: it has ended already, or has been told. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
static void end_with(const char *message) {
    fprintf(stderr, "portage: %s: %s\n", run->agent != NULL ? run->agent : "operator", message);
    if (run->federate != NULL) helicsFederateFree(run->federate);
    helicsCloseLibrary();
    exit(1);
}

void portage_fail(const char *format, ...) {
    char message[1024], named[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(named, sizeof named, "%s: %s", run->agent != NULL ? run->agent : "operator", message);
    if (run->federate != NULL) helicsFederateGlobalError(run->federate, 1, named, NULL); /* all others stop with this message */
    end_with(message);
}

/* A HELICS call has failed: the federation has ended, and HELICS says why. That is not our fault, so nobody is told. */
static void check(const HelicsError *error) {
    if (error->error_code != 0) end_with(error->message);
}

void *portage_memory(size_t count, size_t size) {
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) portage_fail("no memory for %zu values", count);
    return memory;
}

const char *portage_environment(const char *name) {
    const char *value = getenv(name);
    if (value == NULL || *value == '\0') {
        portage_fail("%s is not set: start this program by `python -u -m federates.executable ROLE -- PROGRAM`", name);
    }
    return value;
}

int portage_by_rail(void) { return strcmp(portage_environment("PORTAGE_WORLD"), "rail") == 0; }

/* ---- Joining ---- */

static void add_line(const portage_topic *topic, const char *sender, int sent, HelicsError *error) {
    char type[80], name[260];
    if (run->line_count == PORTAGE_MOST_LINES) portage_fail("more than %d topics", PORTAGE_MOST_LINES);
    portage_line *new_line = &run->lines[run->line_count++];
    const char *receiver = topic->addressed ? run->agent : "", *slash = topic->addressed ? "/" : "";
    new_line->topic = topic;
    const int length = snprintf(new_line->key, sizeof new_line->key, "%s/%s%s%s", sender, receiver, slash, topic->name);
    if (length >= (int)sizeof new_line->key) portage_fail("the name of an agent is too long");
    snprintf(type, sizeof type, "portage.%s/v%d", topic->name, PORTAGE_BOUNDARY_VERSION);
    if (sent) {
        new_line->publication = helicsFederateRegisterTypePublication(run->federate, topic->name, type, "", error);
    } else {
        snprintf(name, sizeof name, "in/%s", new_line->key);
        new_line->input = helicsFederateRegisterTypeInput(run->federate, name, type, "", error);
        helicsInputAddTarget(new_line->input, new_line->key, error);
        helicsInputSetOption(new_line->input, HELICS_HANDLE_OPTION_CONNECTION_REQUIRED, 1, error);
    }
    check(error);
}

/* Every topic that agents of a role send to this operator; PORTAGE_AGENTS says who they are: `name:role name:role`. */
static void hear(const portage_topic *topic, HelicsError *error) {
    const char *role = topic->sender == 'C' ? "coordinator" : "traffic_sumo";
    char *agents = portage_memory(strlen(portage_environment("PORTAGE_AGENTS")) + 1, 1);
    strcpy(agents, portage_environment("PORTAGE_AGENTS"));
    for (char *name = strtok(agents, " "); name != NULL; name = strtok(NULL, " ")) {
        char *colon = strchr(name, ':');
        if (colon == NULL) portage_fail("PORTAGE_AGENTS must be `name:role name:role ...`");
        *colon = '\0';
        if (strcmp(colon + 1, role) == 0) add_line(topic, name, 0, error);
    }
    free(agents);
}

static void register_topics(HelicsError *error) {
    const char other_world = portage_by_rail() ? 'R' : 'L';
    for (int i = 0; i < portage_topic_count; i++) {
        const portage_topic *topic = &portage_topics[i];
        if (topic->world == other_world) continue;
        if (topic->sender == 'B' || topic->sender == run->letter) add_line(topic, run->agent, 1, error);
        else if (topic->receiver == 'B' || topic->receiver == run->letter) hear(topic, error);
    }
}

static void enter(HelicsError *error) {
    portage_open_seal();
    HelicsFederateInfo info = helicsCreateFederateInfo();
    helicsFederateInfoSetCoreTypeFromString(info, portage_environment("PORTAGE_CORE_TYPE"), error);
    helicsFederateInfoSetCoreName(info, portage_environment("PORTAGE_CORE_NAME"), error);
    helicsFederateInfoSetCoreInitString(info, portage_environment("PORTAGE_CORE_INIT"), error);
    helicsFederateInfoSetTimeProperty(info, HELICS_PROPERTY_TIME_DELTA, 1e-9, error);
    helicsFederateInfoSetFlagOption(info, HELICS_FLAG_TERMINATE_ON_ERROR, HELICS_TRUE, error);
    helicsFederateInfoSetFlagOption(info, HELICS_FLAG_UNINTERRUPTIBLE, HELICS_TRUE, error);
    run->federate = helicsCreateValueFederate(run->agent, info, error);
    helicsFederateInfoFree(info);
    check(error);
    register_topics(error);
    helicsFederateEnterInitializingMode(run->federate, error);
    check(error);
    portage_read_roster();
    helicsFederateEnterExecutingMode(run->federate, error);
    check(error);
}

portage_line *portage_find(const char *name, int sent) {
    for (int i = 0; i < run->line_count; i++) {
        if ((run->lines[i].input == NULL) == sent && strcmp(run->lines[i].topic->name, name) == 0) return &run->lines[i];
    }
    portage_fail("%s is no topic that this operator %s in this world", name, sent ? "sends" : "hears");
}

portage_line *portage_part(char part) {
    for (int i = 0; i < run->line_count; i++) {
        if (run->lines[i].topic->part == part) return &run->lines[i];
    }
    portage_fail("this operator has no topic of the part %c", part);
}

/* ---- Messages ---- */

static unsigned char *received(const portage_line *from, int *size, HelicsError *error) {
    *size = helicsInputGetByteCount(from->input);
    unsigned char *bytes = portage_memory((size_t)*size + 1, 1);
    helicsInputGetBytes(from->input, bytes, *size, size, error);
    check(error);
    return bytes;
}

static void read_session(HelicsError *error) {
    int bytes;
    unsigned char *message = received(portage_part('S'), &bytes, error); /* with an end of the text behind it */
    size_t size = (size_t)bytes;
    portage_parse_session((const char *)portage_opened(portage_part('S'), message, &size), &run->session);
    free(message);
    for (int i = 0, rows; i < run->line_count; i++) {
        portage_line *entry = &run->lines[i];
        if (entry->topic->part == 'S') continue;
        entry->values = portage_memory(portage_values(entry->topic, &run->session, 0, &rows), sizeof(double));
    }
    const size_t most = (size_t)run->session.n * (size_t)run->session.m * (size_t)run->session.h; /* by rail later fewer */
    run->answer.quantities = portage_memory(most, sizeof(double));
    run->answer.slopes = portage_memory(most, sizeof(double));
}

static double from_wire(const unsigned char *bytes) {
    unsigned long long bits = 0;
    double value;
    for (int i = 7; i >= 0; i--) bits = bits << 8 | bytes[i];
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void to_wire(double value, unsigned char *bytes) {
    unsigned long long bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(bits >> 8 * i);
}

static int whole_number(const portage_line *from, double value) {
    if (!(value >= 0 && value <= INT_MAX) || value != floor(value)) {
        portage_fail("%s: period or round is no whole number", from->key);
    }
    return (int)value;
}

void portage_receive(portage_line *into) {
    HelicsError error = helicsErrorInitialize();
    int count, rows;
    unsigned char *message = received(into, &count, &error);
    size_t size = (size_t)count;
    const unsigned char *bytes = portage_opened(into, message, &size);
    if (size < 8 * HEADER) portage_fail("%s: has %zu bytes, must begin with period and round", into->key, size);
    into->period = whole_number(into, from_wire(bytes));
    into->round = whole_number(into, from_wire(bytes + 8));
    if (into->period > run->session.periods) portage_fail("%s: is of period %d of %d", into->key, into->period, run->session.periods);
    const size_t expected = portage_values(into->topic, &run->session, into->period, &rows);
    if (size != 8 * (HEADER + expected)) {
        portage_fail("%s: has %zu bytes, must have %zu: period, round and values", into->key, size, 8 * (HEADER + expected));
    }
    for (size_t i = 0; i < expected; i++) {
        into->values[i] = from_wire(bytes + 8 * (HEADER + i));
        if (!isfinite(into->values[i])) portage_fail("%s: value %zu is not finite", into->key, i);
    }
    into->present = 1;
    free(message);
}

void portage_send(portage_line *to, const double *values, size_t count) {
    HelicsError error = helicsErrorInitialize();
    unsigned char *bytes = portage_memory(HEADER + count, 8);
    to_wire(run->period, bytes);
    to_wire(run->round, bytes + 8);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) portage_fail("%s: value %zu is not finite", to->key, i);
        to_wire(values[i], bytes + 8 * (HEADER + i));
    }
    size_t size = 8 * (HEADER + count);
    unsigned char *message = portage_signs() ? portage_sign(to, bytes, &size) : bytes;
    helicsPublicationPublishBytes(to->publication, message, (int)size, &error);
    if (message != bytes) free(message);
    free(bytes);
    check(&error);
    to->period = run->period;
    to->present = 1;
}

/* The values of a message of this period, and of this round unless it is -1; a late or repeated message ends the run. */
const double *portage_take(const portage_line *from, int period, int round) {
    if (!from->present) portage_fail("nothing has come on %s, which is needed in period %d", from->key, period);
    if (from->period != period || (round >= 0 && from->round != round)) {
        portage_fail("%s is of period %d, round %d; needed is period %d, round %d", from->key, from->period, from->round, period,
                     round);
    }
    return from->values;
}

void portage_join(void) {
    HelicsError error = helicsErrorInitialize();
    enter(&error);
    read_session(&error);
}

void portage_advance(double time_s) {
    HelicsError error = helicsErrorInitialize();
    const double granted_s = helicsFederateRequestTime(run->federate, time_s, &error);
    check(&error);
    if (fabs(granted_s - time_s) > TIME_TOLERANCE_S) {
        char message[120];
        snprintf(message, sizeof message, "asked for t = %g s, was granted %g s: it has ended early", time_s, granted_s);
        end_with(message);
    }
}

int portage_updated(const portage_line *from) {
    return from->input != NULL && from->topic->part != 'S' && helicsInputIsUpdated(from->input) == HELICS_TRUE;
}

void portage_leave(void) {
    HelicsError error = helicsErrorInitialize();
    helicsFederateDisconnect(run->federate, &error);
    check(&error);
    helicsFederateFree(run->federate);
    helicsCloseLibrary();
    run->federate = NULL;
}

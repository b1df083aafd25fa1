/* Signing what is sent, and checking what is heard: docs/integrity.md has the form of a message, byte by byte.
 *
 * It does what federates/integrity/seal.py does for agents in Python, with libsodium, of which only the library is needed, no header.
 * Where the run has no signatures (`signatures: false` in broker.yaml) PORTAGE_KEY is not set, and messages are payloads alone. */
#include "internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE 64
#define KEY 32
#define DIGEST 32
#define SALT 16
#define DIGESTS (SIGNATURE + 10) /* they stand behind signature, number (8 bytes) and their own number (2 bytes) */
#define MOST_TOGETHER 8
#define MOST_FILE 1000000

/* libsodium's prototypes, as its documentation has them. */
typedef int init_function(void);
typedef int keys_function(unsigned char *public_key, unsigned char *private_key, const unsigned char *seed);
typedef int sign_function(unsigned char *signature, unsigned long long *length, const unsigned char *message,
                          unsigned long long size, const unsigned char *private_key);
typedef int verify_function(const unsigned char *signature, const unsigned char *message, unsigned long long size,
                            const unsigned char *public_key);

typedef int digest_function(unsigned char *digest, const unsigned char *message, unsigned long long size);

static sign_function *sign;
static digest_function *sha256;
static verify_function *verify;
static unsigned char private_key[SIGNATURE];
static char *roster; /* what the broker has signed, once that is checked */
static uint64_t last_number;

static portage_run *const run = &portage_this; /* a process is one federate */

/* ---- Keys ---- */

static void *function(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (found == NULL) portage_fail("libsodium has no %s", name);
    return found;
}

static keys_function *open_library(void) {
    static const char *const names[] = {"libsodium.so.23", "libsodium.so.26", "libsodium.so", "libsodium.dylib"};
    void *library = NULL;
    for (size_t i = 0; library == NULL && i < sizeof names / sizeof *names; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        portage_fail("messages are signed with libsodium, which is not here: install it (Debian, Ubuntu: libsodium23), or name its "
                     "folder in LD_LIBRARY_PATH");
    }
    init_function *init;
    keys_function *keys;
    *(void **)&init = function(library, "sodium_init");
    *(void **)&keys = function(library, "crypto_sign_ed25519_seed_keypair");
    *(void **)&sign = function(library, "crypto_sign_ed25519_detached");
    *(void **)&sha256 = function(library, "crypto_hash_sha256");
    *(void **)&verify = function(library, "crypto_sign_ed25519_verify_detached");
    if (init() < 0) portage_fail("libsodium cannot begin");
    return keys;
}

static char *text_of(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) portage_fail("%s: cannot be read: %s", path, strerror(errno));
    char *text = portage_memory(MOST_FILE + 1, 1);
    const size_t length = fread(text, 1, MOST_FILE, file);
    fclose(file);
    text[length] = '\0';
    return text;
}

/* Bytes from hexadecimal digits, behind which the text or the line ends. */
static void bytes_of(const char *digits, unsigned char *bytes, size_t count, const char *where) {
    for (size_t i = 0; i < count; i++) {
        int value = 0;
        for (size_t k = 2 * i; k < 2 * i + 2; k++) {
            const char *all = "0123456789abcdef0123456789ABCDEF", *at = digits[k] == '\0' ? NULL : strchr(all, digits[k]);
            if (at == NULL) portage_fail("%s: must be %zu hexadecimal digits", where, 2 * count);
            value = 16 * value + (int)((at - all) % 16);
        }
        bytes[i] = (unsigned char)value;
    }
    if (digits[2 * count] != '\0' && digits[2 * count] != '\n') portage_fail("%s: must be %zu hexadecimal digits", where, 2 * count);
}

int portage_signs(void) { return getenv("PORTAGE_KEY") != NULL; }

void portage_open_seal(void) {
    if (!portage_signs()) return;
    const char *path = portage_environment("PORTAGE_KEY");
    char *text = text_of(path);
    unsigned char seed[KEY], public_key[KEY];
    bytes_of(text, seed, KEY, path);
    memset(text, 0, strlen(text));
    free(text);
    if (open_library()(public_key, private_key, seed) != 0) portage_fail("%s: is no private key", path);
    memset(seed, 0, sizeof seed);
}

/* The roster is there once every agent has joined, in initializing mode. */
void portage_read_roster(void) {
    if (!portage_signs()) return;
    const char *path = portage_environment("PORTAGE_ROSTER");
    unsigned char run_key[KEY], signature[SIGNATURE];
    bytes_of(portage_environment("PORTAGE_ROSTER_KEY"), run_key, KEY, "PORTAGE_ROSTER_KEY");
    char *text = text_of(path), *mark = strstr(text, "\nsignature "), expected[400];
    if (mark == NULL) portage_fail("%s: has no signature", path);
    bytes_of(mark + strlen("\nsignature "), signature, SIGNATURE, path);
    mark[1] = '\0';
    if (verify(signature, (const unsigned char *)text, strlen(text), run_key) != 0) {
        portage_fail("%s: its signature is not the one of this run's broker", path);
    }
    snprintf(expected, sizeof expected, "portage roster %d\nrun %s\n", PORTAGE_BOUNDARY_VERSION, portage_environment("PORTAGE_RUN"));
    if (strncmp(text, expected, strlen(expected)) != 0) portage_fail("%s: is of another run or version", path);
    roster = text;
}

static void key_of(const char *agent, unsigned char *key) {
    char begin[280];
    const int length = snprintf(begin, sizeof begin, "\nagent %s ", agent);
    const char *line = length < (int)sizeof begin ? strstr(roster, begin) : NULL, *role_end = NULL;
    if (line != NULL) role_end = strchr(line + length, ' ');
    if (role_end == NULL) portage_fail("the roster has no key of %s", agent);
    bytes_of(role_end + 1, key, KEY, "the roster");
}

/* ---- Messages ---- */

/* What the message of a line says of itself: run, sender, receiver (* if everybody) and topic. */
static size_t address(const portage_line *line, char *into, size_t size) {
    const int sender = (int)strcspn(line->key, "/");
    const int length = snprintf(into, size, "portage/%d %s %.*s %s %s", PORTAGE_BOUNDARY_VERSION, portage_environment("PORTAGE_RUN"),
                                sender, line->key, line->topic->addressed ? run->agent : "*", line->topic->name);
    if (length < 0 || (size_t)length >= size) portage_fail("%s: the names are too long", line->key);
    return (size_t)length;
}

static size_t two_bytes(const unsigned char *at) { return (size_t)at[0] | (size_t)at[1] << 8; }

static void put_two_bytes(size_t value, unsigned char *at) {
    at[0] = (unsigned char)value;
    at[1] = (unsigned char)(value >> 8);
}

/* A signature may stand before several messages that are sent at one moment; here each message has its own, so that the salt,
 * which hides in the digest what only another agent hears, may be zero. */
unsigned char *portage_sign(const portage_line *to, const unsigned char *payload, size_t *size) {
    char words[600];
    const size_t length = address(to, words, sizeof words), head = DIGESTS + DIGEST, whole = head + SALT + 2 + length + *size;
    unsigned char *message = portage_memory(whole, 1), *content = message + head + SALT;
    last_number++;
    for (int i = 0; i < 8; i++) message[SIGNATURE + i] = (unsigned char)(last_number >> 8 * i);
    put_two_bytes(1, message + DIGESTS - 2);
    put_two_bytes(length, content);
    memcpy(content + 2, words, length);
    memcpy(content + 2 + length, payload, *size);
    sha256(message + DIGESTS, message + head, SALT + 2 + length + *size);
    sign(message, NULL, message + SIGNATURE, head - SIGNATURE, private_key);
    *size = whole;
    return message;
}

/* Where the content of a message begins, or 0 if it has another form. */
static size_t content_of(const unsigned char *message, size_t size) {
    if (size < DIGESTS) return 0;
    const size_t count = two_bytes(message + DIGESTS - 2), head = DIGESTS + DIGEST * count;
    if (count < 1 || count > MOST_TOGETHER || size < head + SALT + 2) return 0;
    return size >= head + SALT + 2 + two_bytes(message + head + SALT) ? head + SALT : 0;
}

static const char *fault_of(portage_line *from, const unsigned char *message, size_t size) {
    char words[600];
    unsigned char key[KEY], sender[260] = {0}, digest[DIGEST];
    const size_t length = address(from, words, sizeof words), content = content_of(message, size);
    if (content == 0) return "it has no signature";
    const size_t head = content - SALT;
    memcpy(sender, from->key, strcspn(from->key, "/"));
    key_of((const char *)sender, key);
    if (verify(message, message + SIGNATURE, head - SIGNATURE, key) != 0) return "it is not signed with the sender's key: forged";
    sha256(digest, message + head, size - head);
    size_t at = DIGESTS;
    while (at < head && memcmp(message + at, digest, DIGEST) != 0) at += DIGEST;
    if (at == head) return "it was changed on its way: tampered with";
    if (two_bytes(message + content) != length || memcmp(message + content + 2, words, length) != 0) {
        return "the sender has signed it for another run, receiver or topic";
    }
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--) number = number << 8 | message[SIGNATURE + i];
    if (number <= from->number) return "a newer message was heard before: replayed";
    from->number = number;
    return NULL;
}

const unsigned char *portage_opened(portage_line *from, const unsigned char *message, size_t *size) {
    if (!portage_signs()) return message;
    const char *fault = fault_of(from, message, *size);
    if (fault != NULL) {
        const int sender = (int)strcspn(from->key, "/");
        portage_fail("refused a message of %.*s on %s (period %d, round %d was the last): %s", sender, from->key, from->key,
                     from->period, from->round, fault);
    }
    const size_t content = content_of(message, *size), start = content + 2 + two_bytes(message + content);
    *size -= start;
    return message + start;
}

void portage_close_seal(void) { free(roster); }

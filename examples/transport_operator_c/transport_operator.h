/* The two worlds of the transport operator. */
#ifndef TRANSPORT_OPERATOR_H
#define TRANSPORT_OPERATOR_H

#include "portage.h"

int run_road(const char *settings);
int run_rail(const char *settings);

#endif

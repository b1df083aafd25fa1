/* A transport operator of Portage in C: contracted vehicles on fixed routes (road), or trains by cheapest routes (rail).
 *
 *   ./transport_operator road.txt rail.txt        one file of settings for each world; the other one is not read
 *
 * Both models are exact, so every bound is the minimum itself. docs/other_languages.md tells how to put it into a run. */
#include "transport_operator.h"

int main(int argc, char **argv) {
    if (argc != 3) portage_fail("usage: %s ROAD_SETTINGS RAIL_SETTINGS", argv[0]);
    return portage_by_rail() ? run_rail(argv[2]) : run_road(argv[1]);
}

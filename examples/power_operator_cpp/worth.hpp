// What this operator knows of its stations: a text file, private to it.
//
//   worth STATION USD x 24 | need STATION VEHICLES | gate STATION TIME_S SPOTS
#pragma once

#include "portage.h"

#include <array>
#include <map>
#include <string>

constexpr int kHours = 24;

struct Station {
    std::array<double, kHours> worth_usd{};  // of the first vehicle, or of a train, per hour of the day
    double need = 0.0;                       // vehicles per period that are worth anything
    double gate_s = 0.0, spots = 0.0;        // what a driver sees at the gate
};

inline void read_line(const portage_lines& line, std::map<std::string, Station>& known) {
    const std::string word = line.word[0];
    if (line.count < 2) portage_fail("%s:%d: a station is missing behind %s", line.path, line.number, line.word[0]);
    Station& station = known[line.word[1]];
    if (word == "worth") {
        for (int hour = 0; hour < kHours; ++hour) station.worth_usd[hour] = portage_number(&line, 2 + hour);
    } else if (word == "need") {
        station.need = portage_number(&line, 2);
    } else if (word == "gate") {
        station.gate_s = portage_number(&line, 2);
        station.spots = portage_number(&line, 3);
    } else {
        portage_fail("%s:%d: unknown word %s", line.path, line.number, line.word[0]);
    }
}

inline std::map<std::string, Station> read_stations(const char* file) {
    std::map<std::string, Station> known;
    portage_lines line;
    portage_open_lines(&line, file);
    while (portage_next_line(&line)) read_line(line, known);
    return known;
}

// A power operator of Portage in C++: a price taker that wants mobile storage where it is worth more than it costs.
//
//   ./power_operator worth.txt
//
// On the road the first vehicle of an hour is worth w at station q, each further one w / need less, none after `need` of them:
// own cost is the worth of those that do not come. Fractions are interpolated, so own cost is convex and piecewise linear, and
// taking vehicles one by one, from the cheapest station, while the next is worth more than its price is exact. By rail a train
// that stands at s for an hour is worth w there; every train wants its best route of the public timetable, which is exact too.

#include "worth.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

namespace {

constexpr double kSecondsPerHour = 3600.0;

// A number that another agent has said, as an index or period. One that is no int is none of these; the kit refuses the index -2.
int whole(double number) { return number > -2.0 && number < 1e6 ? static_cast<int>(number) : -2; }

class PriceTaker {
public:
    explicit PriceTaker(const char* file) : file_(file) {}

    void begin(const portage_session* session) {
        s_ = session;
        const auto known = read_stations(file_);
        for (int i = 0; i < s_->stations; ++i) {
            const auto found = known.find(s_->station[i]);
            if (found == known.end()) portage_fail("%s: nothing is said of station %s", file_, s_->station[i]);
            stations_.push_back(found->second);
        }
    }

    void open(portage_run* run, int) const {
        if (s_->rail) return;
        std::vector<double> time_s, spots;
        for (const Station& station : stations_) {
            time_s.push_back(station.gate_s);
            spots.push_back(station.spots);
        }
        portage_publish(run, "gate_time_s", time_s.data(), time_s.size());
        portage_publish(run, "gate_spots", spots.data(), spots.size());
    }

    void solve(portage_run* run, const double* price, portage_answer* answer) const {
        if (s_->rail) want_routes(run, price, answer->quantities);
        else want_vehicles(run, price, answer->quantities);
        answer->cost_usd = past_usd_ + cost(run, answer->quantities, s_->h);
        answer->bound_kind = PORTAGE_EXACT;
        answer->bound_usd = std::inner_product(price, price + size(), answer->quantities, answer->cost_usd);
    }

    // Use what is offered, as far as it is worth anything. By rail own cost is linear, so its slope is that of a plane below it.
    void evaluate(portage_run* run, const double* offered, portage_answer* answer) const {
        for (int m = 0; m < s_->m; ++m) {
            for (int h = 0; h < s_->h; ++h) {
                const double total = sum(offered, m, h), need = most(m);
                for (int n = 0; n < s_->n; ++n) {
                    const int i = index(n, m, h);
                    const double used = std::clamp(offered[i], 0.0, s_->rail ? 1.0 : need);
                    answer->quantities[i] = !s_->rail && total > need ? used * need / total : used;
                    answer->slopes[i] = -next_worth(run, m, h, sum(offered, m, h));
                }
            }
        }
        answer->has_slopes = s_->rail;
        answer->cost_usd = answer->bound_usd = past_usd_ + cost(run, answer->quantities, s_->h);
        answer->bound_kind = PORTAGE_EXACT;
    }

    // By rail costs are those of the whole day, so what a period has cost is added up as it is carried out.
    void commit(portage_run* run, const double* agreed) {
        if (s_->rail) past_usd_ += cost(run, agreed, 1);
    }

private:
    std::size_t size() const { return static_cast<std::size_t>(s_->n) * s_->m * s_->h; }
    int index(int n, int m, int h) const { return (n * s_->m + m) * s_->h + h; }
    const Station& station(int m) const { return stations_[s_->rail ? m : s_->n + m]; }

    // Vehicles, or trains, that are worth anything at m in one period.
    double most(int m) const { return s_->rail ? s_->trains : std::floor(station(m).need); }

    // Vehicles at m in period h of the horizon: negative numbers count as none.
    double sum(const double* quantities, int m, int h) const {
        double total = 0.0;
        for (int n = 0; n < s_->n; ++n) total += std::max(quantities[index(n, m, h)], 0.0);
        return total;
    }

    double worth(portage_run* run, int m, int h) const {
        const double hour = s_->start_hour + (portage_period(run) + h) * s_->period_s / kSecondsPerHour;
        return station(m).worth_usd[static_cast<int>(hour) % kHours];
    }

    // Worth of one more vehicle where `there` of them are.
    double next_worth(portage_run* run, int m, int h, double there) const {
        if (s_->rail) return worth(run, m, h);
        return std::floor(there) < most(m) ? worth(run, m, h) * (1.0 - std::floor(there) / most(m)) : 0.0;
    }

    // Worth of the vehicles that do not come in the first `periods`: of whole ones, and of the part of the one that comes in part.
    double cost(portage_run* run, const double* quantities, int periods) const {
        double usd = 0.0;
        for (int m = 0; m < s_->m; ++m) {
            for (int h = 0; h < periods; ++h) {
                const double there = sum(quantities, m, h);
                usd -= (there - std::floor(there)) * next_worth(run, m, h, there);
                for (double j = std::floor(there); j < most(m); ++j) usd += next_worth(run, m, h, j);
            }
        }
        return usd;
    }

    void want_vehicles(portage_run* run, const double* price, double* wanted) const {
        for (int m = 0; m < s_->m; ++m) {
            for (int h = 0; h < s_->h; ++h) {
                int cheapest = index(0, m, h), vehicles = 0;
                for (int n = 1; n < s_->n; ++n) cheapest = price[index(n, m, h)] < price[cheapest] ? index(n, m, h) : cheapest;
                while (vehicles < most(m) && next_worth(run, m, h, vehicles) > price[cheapest]) ++vehicles;
                wanted[cheapest] = vehicles;
            }
        }
    }

    // Every train's route of largest worth minus price, at its end if that is certain and there is time.
    void want_routes(portage_run* run, const double* price, double* wanted) const {
        if (std::strcmp(s_->scheme, "mobile") != 0) return;
        const double* ready = portage_read(run, "train_ready");
        const std::vector<double> free_trips(static_cast<std::size_t>(s_->stations) * s_->stations, 0.0);
        std::vector<double> reward(static_cast<std::size_t>(s_->m) * s_->h);
        std::vector<int> stand(s_->h);
        for (int k = 0; k < s_->n; ++k) {
            for (int i = 0; i < s_->m * s_->h; ++i) reward[i] = worth(run, i / s_->h, i % s_->h) - price[k * s_->m * s_->h + i];
            const int at = whole(ready[3 * k]);
            const int from = std::max(whole(ready[3 * k + 1]) - portage_period(run), 0);
            const int end = whole(ready[3 * k + 2]);
            auto route = portage_best_route(s_, at, from, end, free_trips.data(), reward.data(), stand.data());
            if (std::isinf(route.value_usd)) portage_best_route(s_, at, from, -1, free_trips.data(), reward.data(), stand.data());
            for (int t = from; t < s_->h; ++t) {
                if (stand[t] >= 0) wanted[index(k, stand[t], t)] = 1.0;
            }
        }
    }

    const char* file_;
    const portage_session* s_ = nullptr;
    std::vector<Station> stations_;
    double past_usd_ = 0.0;  // by rail: what the periods before the opened one have cost
};

PriceTaker& self(portage_run* run) { return *static_cast<PriceTaker*>(portage_state(run)); }

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) portage_fail("usage: %s WORTH_FILE", argv[0]);
    PriceTaker operator_(argv[1]);
    const portage_operator methods = {
        [](portage_run* run) { self(run).begin(portage_agreement(run)); },
        [](portage_run* run, int period) { self(run).open(run, period); },
        [](portage_run* run, const double* price, portage_answer* answer) { self(run).solve(run, price, answer); },
        nullptr,
        [](portage_run* run, const double* offered, portage_answer* answer) { self(run).evaluate(run, offered, answer); },
        [](portage_run* run, const double* agreed) { self(run).commit(run, agreed); },
    };
    return portage_main(&methods, &operator_);
}

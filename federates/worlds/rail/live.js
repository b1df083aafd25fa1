// By rail: the trains on the time-space diagram, as planned and as far as they have come; prices of the buses, energy in the stations.
import { COLOURS, html, points, svg, ticks, write } from "/static/report/draw.js";

export const DRIVE_S = 1.2;
const DASHES = ["", "7 3", "2 3", "9 3 2 3"];

function hour(scene, period) {
  return `${(scene.start_hour + Math.floor(period * scene.period_s / 3600)) % 24} h`;
}

/** Return when each train stands where: what was committed last before a beat, {train: [station or null by period]}. */
function plan(store, scene, period) {
  const stands = new Map();
  for (let p = 0; p <= period; p += 1) {
    for (const message of store.commit(p)?.messages ?? []) {
      if (message.line.kind !== "given") continue;
      const own = scene.index[message.line.receivers[0]] ?? scene.index[scene.viewer];
      message.values.forEach((stations, k) => {
        const row = stands.get(own.N[k]) ?? Array(scene.periods).fill(null);
        for (let t = p; t < scene.periods; t += 1) {
          const at = stations.findIndex((line) => line[t - p] > 0.5);
          row[t] = at < 0 ? null : own.M[at];
        }
        stands.set(own.N[k], row);
      });
    }
  }
  return stands;
}

/** Return the corners of a train's line: it stands through a period, and moves between two stations in a straight line. */
function corners(row) {
  return row.flatMap((station, t) => (station === null ? [] : [[t, station], [t + 1, station]]));
}

function placeAt(line, time, y) {
  for (let i = 1; i < line.length; i += 1) {
    if (time <= line[i][0]) {
      const [t0, from] = line[i - 1], [t1, to] = line[i], part = t1 > t0 ? Math.min(Math.max((time - t0) / (t1 - t0), 0), 1) : 1;
      return y(from) + part * (y(to) - y(from));
    }
  }
  return line.length ? y(line.at(-1)[1]) : null;
}

class Diagram {
  constructor(host, scene, store) {
    Object.assign(this, { scene, store });
    this.colours = new Map(scene.session.trains.map((train, i) => [train.name, [COLOURS[i % COLOURS.length], DASHES[i % DASHES.length]]]));
    this.stations = scene.session.rail_stations;
    const high = Math.max(200, 60 + 55 * this.stations.length);
    this.box = { wide: host.clientWidth && host.clientWidth < 480 ? 380 : 640, high, left: 64, right: 14, top: 14, bottom: 28 };
    this.words = html("p", { class: "small", role: "group" });
    this.holder = html("div");
    this.key = html("p", { class: "small soft" }, ...[...this.colours].map(([name, [colour, dashes]]) => html("span", { class: "key" },
      svg("svg", { viewBox: "0 0 24 8", "aria-hidden": "true" }, svg("line", { x1: 0, x2: 24, y1: 4, y2: 4, stroke: colour, "stroke-width": 3, "stroke-dasharray": dashes })), name)),
      "Strong: carried out; pale: planned.");
    host.replaceChildren(this.holder, this.words, this.key);
  }

  x(time) { return this.box.left + (this.box.wide - this.box.left - this.box.right) * time / this.scene.periods; }

  y(station) { return this.box.top + (this.stations.indexOf(station) + 0.5) * (this.box.high - this.box.top - this.box.bottom) / this.stations.length; }

  update(position) {
    const { scene, box } = this, { beat } = position, y = (station) => this.y(station);
    const decided = beat.kind === "commit" || beat.kind === "drive" ? beat.period : beat.period - 1;
    const stands = plan(this.store, scene, decided);
    this.lines = [...stands].map(([train, row], i) => ({ train, line: corners(row), shift: 3.5 * (i - (stands.size - 1) / 2) }));
    const picture = svg("svg", { viewBox: `0 0 ${box.wide} ${box.high}`, class: "chart", role: "img" });
    for (const station of this.stations) picture.append(svg("line", { x1: box.left, x2: box.wide - box.right, y1: y(station), y2: y(station), class: "axis" }),
      svg("text", { x: box.left - 8, y: y(station) + 4, "text-anchor": "end", class: "name" }, station));
    for (const t of ticks(0, scene.periods, box.wide < 500 ? 4 : 8).filter(Number.isInteger)) picture.append(svg("text", { x: this.x(t), y: box.high - 8, "text-anchor": "middle" }, hour(scene, t)));
    this.past = svg("rect", { x: 0, y: 0, width: this.x(beat.period), height: box.high });
    picture.append(svg("defs", {}, svg("clipPath", { id: "past" }, this.past)));
    for (const { train, line, shift } of this.lines) {
      const [colour, dashes] = this.colours.get(train), shape = points(line.map(([t, station]) => [this.x(t), y(station) + shift]));
      const look = { points: shape, fill: "none", stroke: colour, "stroke-width": 3, "stroke-dasharray": dashes, "stroke-linejoin": "round" };
      picture.append(svg("polyline", { ...look, opacity: 0.4 }), svg("polyline", { ...look, "stroke-width": 4, "clip-path": "url(#past)" }));
    }
    this.now = svg("line", { y1: box.top - 6, y2: box.high - box.bottom + 4, stroke: "var(--ink)", "stroke-width": 1.2 });
    this.dots = this.lines.map(({ train }) => svg("circle", { r: 7, fill: this.colours.get(train)[0], stroke: "var(--ground)", "stroke-width": 2 }));
    picture.append(this.now, ...this.dots);
    const told = this.lines.length ? `${this.lines.map(({ train, line }) => `${train} ${where(line, beat.period)}`).join("; ")}.` : "No plan is agreed yet.";
    this.words.textContent = told;
    picture.setAttribute("aria-label", `Time-space diagram. ${told}`);
    this.holder.replaceChildren(picture);
    this.frame(position);
  }

  frame(position) {
    if (!this.now) return;
    const { beat } = position, time = Math.min(beat.period + (beat.kind === "drive" ? position.part : 0), this.scene.periods), x = this.x(time);
    this.now.setAttribute("x1", x);
    this.now.setAttribute("x2", x);
    this.past.setAttribute("width", x);
    this.lines.forEach(({ line, shift }, i) => {
      const y = placeAt(line, time, (station) => this.y(station));
      this.dots[i].setAttribute("cx", x);
      this.dots[i].setAttribute("cy", (y ?? -20) + shift);
    });
  }
}

function where(line, period) {
  const standing = line.find(([t], i) => i % 2 === 0 && t === period);
  if (standing) return `stands at ${standing[1]}`;
  const next = line.find(([t]) => t > period);
  return next ? `is on the way to ${next[1]}` : "has no more plan";
}

/** A chart of lines over the day; series are {name, colour, dashes, values: [[period, value]]}. */
function lineChart(scene, title, series, now, words) {
  const wide = 330, high = 190, left = 48, right = 16, top = 22, bottom = 24, all = series.flatMap((entry) => entry.values.map((pair) => pair[1]));
  const high_ = all.length ? Math.max(...all) : 1, low = Math.min(0, ...all), room = 0.06 * (high_ - low || 1);
  const x = (period) => left + (wide - left - right) * period / scene.periods, y = (value) => high - bottom - (high - top - bottom) * (value - low) / (high_ + room - low || 1);
  const stairs = (values) => points(values.flatMap(([period, value]) => [[x(period), y(value)], [x(period + 1), y(value)]]));
  return svg("svg", { viewBox: `0 0 ${wide} ${high}`, class: "chart", role: "img", "aria-label": words },
    ...ticks(low, high_ + room, 4).flatMap((value) => [svg("line", { x1: left, x2: wide - right, y1: y(value), y2: y(value), class: "axis" }), svg("text", { x: left - 5, y: y(value) + 4, "text-anchor": "end" }, write(value, high_ - low < 5 ? 1 : 0))]),
    ...ticks(0, scene.periods, 4).filter(Number.isInteger).map((t) => svg("text", { x: x(t), y: high - 7, "text-anchor": "middle" }, hour(scene, t))),
    ...series.map((entry) => svg("polyline", { points: stairs(entry.values), fill: "none", stroke: entry.colour, "stroke-width": entry.width ?? 2, "stroke-dasharray": entry.dashes ?? "", opacity: entry.opacity ?? 1 })),
    svg("line", { x1: x(now), x2: x(now), y1: top, y2: high - bottom, stroke: "var(--ink)", "stroke-width": 1 }), svg("text", { x: 4, y: 14, class: "name" }, title));
}

class Market {
  constructor(host, scene, store) {
    Object.assign(this, { scene, store });
    this.box = html("div", { class: "charts" });
    this.key = html("p", { class: "small soft" });
    host.replaceChildren(this.box, this.key);
    this.looks = new Map(scene.session.rail_stations.map((name, i) => [name, { colour: COLOURS[i % COLOURS.length], dashes: DASHES[i % DASHES.length] }]));
    this.key.append(...[...this.looks].map(([name, look]) => html("span", { class: "key" }, svg("svg", { viewBox: "0 0 24 8", "aria-hidden": "true" },
      svg("line", { x1: 0, x2: 24, y1: 4, y2: 4, stroke: look.colour, "stroke-width": 3, "stroke-dasharray": look.dashes })), name)), "Thin grey: every other bus.");
  }

  update(position) {
    const { scene, store } = this, { beat } = position, until = beat.kind === "drive" ? beat.period : beat.period - 1;
    const prices = store.tables.bus_prices ?? [], stock = store.tables.storage_state ?? [], owner = scene.tables.bus_prices;
    const sees = scene.viewer === "everybody" || scene.agents.some((agent) => agent.name === scene.viewer && agent.role === owner);
    this.key.hidden = !prices.length;
    if (!prices.length) return this.box.replaceChildren(html("p", {}, sees ? "No period has been carried out yet: prices of the buses are known then." : `Prices of the buses and energy in the stations are the ${owner}'s own; they are told to nobody.`));
    const at = new Map((store.tables.grid ?? []).filter((row) => row.kind === "station").map((row) => [row.bus, row.name]));
    const now = Math.min(beat.period + (beat.kind === "drive" ? 1 : 0), scene.periods);
    this.box.replaceChildren(lineChart(scene, "Price (USD/MWh)", this.prices(prices, at, until), now, "Price of every bus by hour"),
      lineChart(scene, "Energy at the stations (MWh)", this.stock(stock, until), now, "Energy in the batteries of every station by hour"));
  }

  prices(rows, at, until) {
    const by = new Map();
    for (const row of rows) if (row.period <= until && row.price_usd_per_mwh !== null) by.set(row.bus, [...(by.get(row.bus) ?? []), [row.period, row.price_usd_per_mwh]]);
    const series = [...by].map(([bus, values]) => ({ values, station: at.get(bus) }));
    const others = series.filter((entry) => !entry.station).map((entry) => ({ ...entry, colour: "var(--soft)", width: 0.7, opacity: 0.35 }));
    return [...others, ...series.filter((entry) => entry.station).map((entry) => ({ ...entry, ...this.looks.get(entry.station) }))];
  }

  stock(rows, until) {
    const by = new Map();
    for (const row of rows) if (row.period <= until && row.energy_mwh !== null) by.set(row.station, [...(by.get(row.station) ?? []), [row.period, row.energy_mwh]]);
    return [...by].map(([station, values]) => ({ values, ...this.looks.get(station) }));
  }

  frame() {}
}

export function panels(scene, store) {
  return [
    { id: "diagram", title: "The trains in time and space", make: (host) => new Diagram(host, scene, store) },
    { id: "market", title: "Prices and stored energy", make: (host) => new Market(host, scene, store) },
  ];
}

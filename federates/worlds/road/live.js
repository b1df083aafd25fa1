// The road: a map on which vehicles move as they were led, and the load of every feeder. Without a map (an agent that has none)
// the flows between stations are drawn as this agent knows them.
import { COLOURS, html, points, style, svg, ticks, write } from "/static/report/draw.js";

export const DRIVE_S = 4;
const HIGH_PX = 420, KMH = 3.6, M_PER_DEGREE = 111200, USUAL_M_PER_S = 25;
const SPEEDS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];  // viridis

/** Return the colour of a speed: dark is slow. */
function speedColour(kmh) {
  const at = Math.min(Math.max(kmh / 110, 0), 1) * (SPEEDS.length - 1), low = Math.min(Math.floor(at), SPEEDS.length - 2);
  const mixed = SPEEDS[low].map((value, i) => Math.round(value + (SPEEDS[low + 1][i] - value) * (at - low)));
  return `rgb(${mixed.join(",")})`;
}

/** Return links and stations on a plane in m, or null where the viewer has no map. */
function plane(store) {
  const rows = store.tables.link_geometry;
  if (!rows?.length) return null;
  const latitude = rows.reduce((sum, row) => sum + row.lat, 0) / rows.length, shrink = Math.cos(latitude * Math.PI / 180);
  const xy = (row) => [row.lon * M_PER_DEGREE * shrink, -row.lat * M_PER_DEGREE];
  const links = new Map();
  for (const row of [...rows].sort((a, b) => a.seq - b.seq)) links.set(row.link, [...(links.get(row.link) ?? []), xy(row)]);
  return { links, stations: new Map((store.tables.station_sites ?? []).map((row) => [row.station, xy(row)])) };
}

/** Return where a route leads, with the length up to every point and up to the end of every link. */
function course(map, names) {
  const path = [], until = [0], ends = [];
  for (const name of names) {
    for (const point of map.links.get(name) ?? []) {
      const last = path.at(-1);
      if (last && last[0] === point[0] && last[1] === point[1]) continue;
      if (last) until.push(until.at(-1) + Math.hypot(point[0] - last[0], point[1] - last[1]));
      path.push(point);
    }
    ends.push(until.at(-1));
  }
  return { path, until, ends };
}

function pointAt({ path, until }, metres) {
  let i = 1;
  while (i < until.length - 1 && until[i] < metres) i += 1;
  if (path.length < 2) return path[0];
  const part = Math.min(Math.max((metres - until[i - 1]) / (until[i] - until[i - 1] || 1), 0), 1);
  return [path[i - 1][0] + part * (path[i][0] - path[i - 1][0]), path[i - 1][1] + part * (path[i][1] - path[i - 1][1])];
}

/** What the links were told to be in each period, by name of the topic: {period: [a value a link]}. */
function linkState(store, period) {
  const found = {};
  for (const message of store.drive(period)?.messages ?? []) if (message.line.of === "links") found[message.line.topic] = message.values;
  return found.link_speed_m_per_s ? found : null;
}

function newestState(store, period) {
  for (let p = period; p >= Math.max(0, period - 2); p -= 1) {
    const state = linkState(store, p);
    if (state) return state;
  }
  return null;
}

/** The vehicles of each period, as they were counted when they arrived, or, until then, as they were sent. */
class Trips {
  constructor(store) {
    this.store = store;
    this.known = new Map();
    this.counted = new Map();
    this.rows = 0;
  }

  of(period) {
    const rows = this.store.tables.deliveries ?? [];
    for (; this.rows < rows.length; this.rows += 1) {
      const row = rows[this.rows];
      if (!this.counted.has(row.period)) this.counted.set(row.period, []);
      this.counted.get(row.period).push(row);
    }
    const sent = this.store.commit(period)?.messages.filter((message) => message.line.of === "departures") ?? [];
    const counted = this.counted.get(period)?.length ?? 0, seen = `${counted} ${sent.length} ${linkState(this.store, period) ? 1 : 0}`;
    if (this.known.get(period)?.seen !== seen) this.known.set(period, { seen, trips: this.made(period, sent, counted) });
    return this.known.get(period).trips;
  }

  made(period, sent, counted) {
    const total = sent.reduce((sum, message) => sum + message.values.reduce((n, row) => n + row[2], 0), 0);
    if (counted && counted >= total) return this.counted.get(period).filter((row) => row.arrive_s > 0).map((row) =>
      ({ from: row.origin, to: row.destination, route: row.route.split("|"), depart: row.depart_s, arrive: row.arrive_s }));
    return sent.flatMap((message) => message.values.flatMap((row) => this.planned(period, row)));
  }

  /** Spread the vehicles of a row over the period, as the traffic model does, and let them drive as long as links take now. */
  planned(period, row) {
    const { session, period_s: length } = this.store.scene, names = row.slice(3).filter((link) => link >= 0).map((link) => session.links[link]);
    const times = newestState(this.store, period)?.link_travel_time_s;
    const taken = names.reduce((sum, name) => sum + (times ? times[session.links.indexOf(name)] : 300), 0);
    return Array.from({ length: row[2] }, (_, i) => {
      const depart = (period + (i + 0.5) / row[2]) * length;
      return { from: session.resourceful_stations[row[0]], to: session.limited_stations[row[1]], route: names, depart, arrive: depart + taken };
    });
  }
}

class RoadMap {
  constructor(host, scene, store) {
    Object.assign(this, { host, scene, store, trips: new Trips(store), courses: new Map(), plane: null, still: null });
    this.canvas = html("canvas", { role: "img" });
    this.words = html("p", { class: "small", role: "group" });
    this.key = html("p", { class: "small soft" });
    host.replaceChildren(this.canvas, this.words, this.key);
    this.colours = new Map(scene.session.limited_stations.map((name, i) => [name, COLOURS[[1, 3, 4, 2, 6, 7][i % 6]]]));
    new ResizeObserver(() => { this.still = null; this.redraw(); }).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.still = null; this.redraw(); });
  }

  redraw() { if (this.last) this.frame(this.last); }

  course(names) {
    const key = names.join("|");
    if (!this.courses.has(key)) this.courses.set(key, course(this.plane, names));
    return this.courses.get(key);
  }

  update(position) {
    this.plane ??= plane(this.store);
    this.still = null;
    this.last = position;
    if (!this.plane) return this.flows(position);
    const on = this.onRoad(position), sent = this.trips.of(position.beat.period).length;
    const told = `${write(on.length)} vehicles on the road; ${write(sent)} are sent in this period.`;
    this.words.textContent = told;
    this.canvas.setAttribute("aria-label", `Map of the road. ${told}`);
    const spots = [...this.colours].flatMap(([name, colour]) => [html("span", { class: "key" }, svg("svg", { viewBox: "0 0 16 8", "aria-hidden": "true" }, svg("circle", { cx: 8, cy: 4, r: 4, fill: colour })), `to ${name}`)]);
    this.key.replaceChildren(...spots, "Links: wide is much traffic, dark is slow. Circles have energy to spare, squares have a feeder that overloads.");
    this.frame(position);
  }

  time(position) {
    return (position.beat.period + (position.beat.kind === "drive" ? position.part : 0)) * this.scene.period_s;
  }

  onRoad(position) {
    const now = this.time(position), { period } = position.beat, found = [];
    for (let p = Math.max(0, period - 2); p <= period; p += 1) for (const trip of this.trips.of(p)) if (trip.depart <= now && now < trip.arrive) found.push(trip);
    return found;
  }

  /** Return how the plane is put on the canvas. */
  fit() {
    const wide = this.canvas.clientWidth, ratio = devicePixelRatio || 1;
    const all = [...this.plane.links.values()].flat(), xs = all.map((p) => p[0]), ys = all.map((p) => p[1]);
    const box = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)], edge = 34;
    const scale = Math.min((wide - 2 * edge) / (box[1] - box[0] || 1), (HIGH_PX - 2 * edge) / (box[3] - box[2] || 1));
    const left = (wide - scale * (box[1] - box[0])) / 2, top = (HIGH_PX - scale * (box[3] - box[2])) / 2;
    return { wide, ratio, at: ([x, y]) => [left + scale * (x - box[0]), top + scale * (y - box[2])], scale };
  }

  /** Draw what does not move between two beats once: links and stations. */
  ground(position) {
    const fit = this.fit(), { wide, ratio, at } = fit;
    if (wide < 10) return null;
    const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(HIGH_PX * ratio);
    context.scale(ratio, ratio);
    context.fillStyle = style("--ground");
    context.fillRect(0, 0, wide, HIGH_PX);
    context.lineCap = context.lineJoin = "round";
    const state = newestState(this.store, position.beat.period), names = this.scene.session.links;
    const most = state ? Math.max(1, ...state.link_flow_veh_per_h) : 1;
    for (const [name, path] of this.plane.links) {
      const i = names.indexOf(name);
      context.strokeStyle = state && i >= 0 ? speedColour(KMH * state.link_speed_m_per_s[i]) : style("--line");
      context.lineWidth = state && i >= 0 ? 2 + 7 * state.link_flow_veh_per_h[i] / most : 3;
      context.beginPath();
      path.map(at).forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.stroke();
    }
    // Asked for once: to ask the page for a colour in every frame would cost more than to draw.
    return { canvas, fit, look: { ground: style("--ground"), ink: style("--ink") } };
  }

  stations(context, at, look) {
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const [name, place] of this.plane.stations) {
      const [x, y] = at(place), round = this.scene.session.resourceful_stations.includes(name);
      context.beginPath();
      if (round) context.arc(x, y, 13, 0, 7); else context.rect(x - 12, y - 12, 24, 24);
      context.fillStyle = look.ground;
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = round ? look.ink : this.colours.get(name) ?? look.ink;
      context.stroke();
      context.fillStyle = look.ink;
      context.fillText(name.length > 4 ? name.slice(0, 4) : name, x, y + 0.5);
    }
  }

  frame(position) {
    this.last = position;
    if (!this.plane) return;
    this.still ??= this.ground(position);
    if (!this.still) return;
    const { canvas, fit, look } = this.still, context = this.canvas.getContext("2d"), now = this.time(position);
    if (this.canvas.width !== canvas.width || this.canvas.height !== canvas.height) Object.assign(this.canvas, { width: canvas.width, height: canvas.height });
    this.canvas.style.height = `${HIGH_PX}px`;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(canvas, 0, 0);
    context.scale(fit.ratio, fit.ratio);
    for (const trip of this.onRoad(position)) {
      const way = this.course(trip.route);
      if (way.path.length < 2) continue;
      const [x, y] = fit.at(pointAt(way, way.until.at(-1) * (now - trip.depart) / (trip.arrive - trip.depart)));
      context.beginPath();
      context.arc(x, y, 4.5, 0, 7);
      context.fillStyle = this.colours.get(trip.to);
      context.fill();
      context.lineWidth = 1.2;
      context.strokeStyle = look.ground;
      context.stroke();
    }
    this.stations(context, fit.at, look);
  }

  /** Without a map: what this agent knows of who sends how much to whom in the period. */
  flows(position) {
    const given = this.store.commit(position.beat.period)?.messages.filter((message) => message.line.kind === "given") ?? [];
    const { session, index, viewer } = this.scene, rows = new Map();
    for (const message of given) {
      const partner = message.line.receivers[0], own = index[partner] ?? index[viewer];
      message.values.forEach((part, r) => part.forEach((line, q) => rows.set(`${own.N[r]}>${own.M[q]} ${message.line.unit}`, line[0])));
    }
    this.canvas.hidden = true;
    const known = [...rows].filter(([, amount]) => amount > 1e-6);
    const place = (names, x) => new Map(names.map((name, i) => [name, [x, 40 + (i + 0.5) * 260 / names.length]]));
    const left = place(session.resourceful_stations, 90), right = place(session.limited_stations, 410), most = Math.max(1, ...rows.values());
    const lines = known.map(([key, amount]) => {
      const [pair, unit] = key.split(" "), [from, to] = pair.split(">"), [x, y] = left.get(from) ?? [90, 20], [u, v] = right.get(to) ?? [410, 20], part = 0.3;
      return svg("g", {}, svg("line", { x1: x, y1: y, x2: u, y2: v, stroke: this.colours.get(to) ?? COLOURS[0], "stroke-width": 1 + 9 * amount / most, opacity: 0.75 }),
        svg("text", { x: x + part * (u - x), y: y + part * (v - y) - 6, "text-anchor": "middle", class: "name" }, `${write(amount, amount < 10 ? 1 : 0)} ${unit}`));
    });
    const spots = [...left].concat([...right]).map(([name, [x, y]]) => svg("g", {}, svg("circle", { cx: x, cy: y, r: 17, fill: style("--card"), stroke: style("--ink"), "stroke-width": 2 }),
      svg("text", { x, y: y + 4, "text-anchor": "middle", class: "name" }, name)));
    const told = known.length ? "What is committed for this period, as this agent knows it. It has no map: the roads are known to the traffic model alone." : "Nothing is committed for this period as far as this agent knows. It has no map.";
    this.picture ??= this.host.insertBefore(html("div"), this.words);
    this.picture.replaceChildren(svg("svg", { viewBox: "0 0 500 330", class: "chart", role: "img", "aria-label": told }, ...lines, ...spots));
    this.words.textContent = told;
  }
}

/** The load of one feeder over the day: without and with mobile storage, up to now, and the limit. */
function feederChart(name, rows, scene, now) {
  const wide = 330, high = 150, left = 42, right = 16, top = 20, bottom = 22, day = scene.periods * scene.period_s;
  const shown = rows.filter((row) => row.time_s + row.duration_s <= now + 1), limit = rows[0].limit_kw;
  const most = 1.08 * Math.max(limit, ...rows.flatMap((row) => [row.load_without_kw, row.load_with_kw]));
  const x = (time) => left + (wide - left - right) * time / day, y = (kw) => high - bottom - (high - top - bottom) * kw / most;
  const stairs = (column) => points(shown.flatMap((row) => [[x(row.time_s), y(row[column])], [x(row.time_s + row.duration_s), y(row[column])]]));
  const hours = ticks(0, day / 3600, 4).filter((hour) => Number.isInteger(hour)), last = shown.at(-1);
  const words = last ? `${name}: ${write(last.load_with_kw)} kW with, ${write(last.load_without_kw)} kW without mobile storage, limit ${write(limit)} kW` : `${name}: no load is known yet, limit ${write(limit)} kW`;
  return svg("svg", { viewBox: `0 0 ${wide} ${high}`, class: "chart", role: "img", "aria-label": words },
    ...ticks(0, most, 3).flatMap((kw) => [svg("line", { x1: left, x2: wide - right, y1: y(kw), y2: y(kw), class: "axis" }), svg("text", { x: left - 5, y: y(kw) + 4, "text-anchor": "end" }, write(kw))]),
    ...hours.map((hour) => svg("text", { x: x(hour * 3600), y: high - 6, "text-anchor": "middle" }, `${(scene.start_hour + hour) % 24} h`)),
    svg("line", { x1: left, x2: wide - right, y1: y(limit), y2: y(limit), stroke: "var(--bad)", "stroke-width": 1.5, "stroke-dasharray": "2 3" }),
    svg("polyline", { points: stairs("load_without_kw"), fill: "none", stroke: "var(--soft)", "stroke-width": 1.6, "stroke-dasharray": "5 3" }),
    svg("polyline", { points: stairs("load_with_kw"), fill: "none", stroke: "var(--accent)", "stroke-width": 2.2 }),
    svg("line", { x1: x(now), x2: x(now), y1: top, y2: high - bottom, stroke: "var(--ink)", "stroke-width": 1 }),
    svg("text", { x: left, y: 13, class: "name" }, `${name} (kW)`));
}

class Feeders {
  constructor(host, scene, store) {
    Object.assign(this, { scene, store });
    this.box = html("div", { class: "charts" });
    const line = (dashes, colour) => svg("svg", { viewBox: "0 0 24 8", "aria-hidden": "true" }, svg("line", { x1: 0, x2: 24, y1: 4, y2: 4, stroke: colour, "stroke-width": 2.2, "stroke-dasharray": dashes }));
    this.key = html("p", { class: "small soft" }, html("span", { class: "key" }, line("5 3", "var(--soft)"), "without mobile storage"),
      html("span", { class: "key" }, line("", "var(--accent)"), "with"), html("span", { class: "key" }, line("2 3", "var(--bad)"), "limit"));
    host.replaceChildren(this.box, this.key);
  }

  update(position) {
    const rows = this.store.tables.feeder_load ?? [], owner = this.scene.tables.feeder_load;
    const sees = this.scene.viewer === "everybody" || this.scene.agents.some((agent) => agent.name === this.scene.viewer && agent.role === owner);
    this.key.hidden = !rows.length;
    if (!rows.length) return this.box.replaceChildren(html("p", {}, sees ? "No load has been counted yet: it is known when a period is over." : `The load of a feeder is its ${owner}'s own; it is told to nobody.`));
    const { session } = this.scene, by = Map.groupBy ? Map.groupBy(rows, (row) => row.station) : group(rows);
    const order = [...session.limited_stations, ...session.resourceful_stations].filter((name) => by.has(name));
    const now = (position.beat.period + (position.beat.kind === "drive" ? 1 : 0)) * this.scene.period_s;
    this.box.replaceChildren(...order.map((name) => feederChart(name, by.get(name), this.scene, now)));
  }

  frame() {}
}

function group(rows) {
  const found = new Map();
  for (const row of rows) found.set(row.station, [...(found.get(row.station) ?? []), row]);
  return found;
}

export function panels(scene, store) {
  return [
    { id: "map", title: "The road", make: (host) => new RoadMap(host, scene, store) },
    { id: "feeders", title: "Load of the feeders", make: (host) => new Feeders(host, scene, store) },
  ];
}

// The page: takes events in, moves the position, and tells each panel when there is another beat and when there is another frame.
import { html, write } from "/static/report/draw.js";
import { negotiationPanel } from "/static/report/negotiation.js";
import { Position } from "/static/view/clock.js";
import { messageTable } from "/static/view/messages.js";
import { Store, saidOf } from "/static/view/store.js";
import { agentColours, wiring } from "/static/view/wiring.js";

const get = (id) => document.getElementById(id);
const WORDS = { start: "the run begins", open: "the period opens", round: "round", solve: "solve", relax: "relax", evaluate: "evaluate",
  commit: "what was agreed is committed", drive: "the period is carried out", stop: "the day is over" };
const PANELS_EVERY_MS = 60;
// While a run goes on, the page leaves the processor to it: ten pictures a second, and panels five times.
const LIVE_FRAME_MS = 100, LIVE_PANELS_MS = 200;

/** Return the time of day at which a period, or a part of it, begins. */
export function clockOf(scene, period, part = 0) {
  const minute = Math.floor(60 * scene.start_hour + (period + part) * scene.period_s / 60 + 1e-6);
  const day = Math.floor(minute / 1440), text = `${String(Math.floor(minute / 60) % 24).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
  return day ? `${text} (+${day} d)` : text;
}

function beatWords(store, beat) {
  if (beat.place < 1 || beat.kind === "commit" || beat.kind === "drive") return WORDS[beat.kind];
  return `round ${beat.place} of ${store.rounds(beat.period).length}: ${WORDS[beat.kind]}`;
}

/** Return the model of the panel of the negotiation: the round of the beat, else what was negotiated last. */
function negotiation(store, beat, exchange) {
  const { scene } = store, inRounds = beat.place >= 1 && beat.kind !== "commit" && beat.kind !== "drive";
  let held = beat.kind === "open" && beat.period > 0 ? beat.period - 1 : beat.period;
  while (held > 0 && !store.rounds(held).length) held -= 1;
  const rounds = beat.kind === "open" && held === beat.period ? [] : store.rounds(held), at = inRounds ? rounds.indexOf(beat) : Math.max(rounds.length - 1, 0);
  // What is carried out is what was committed; before the first question of a period there is what was asked last.
  const from = inRounds || !rounds.length ? beat : ["commit", "drive"].includes(beat.kind) ? store.commit(beat.period) ?? beat : lastPriced(rounds);
  const said = exchange ? saidOf(scene, exchange, from) : {}, priced = !["evaluate", "commit"].includes(from.kind);
  const places = [...new Set(["prices", "asked", "offered"].flatMap((name) => [...(said[name]?.keys() ?? [])]))];
  const row = (name, place, else_) => (said[name] ? said[name].get(place) ?? null : else_);
  const rows = places.map((place) => ({ place, prices: row("prices", place, priced ? undefined : null), asked: row("asked", place), offered: row("offered", place) }));
  const lower = rounds.map((round) => round.proof?.lower ?? own(round, scene)?.bound ?? null), upper = rounds.map((round) => round.proof?.upper ?? own(round, scene)?.all ?? null);
  const state = sentence(scene, beat, { from, rounds, inRounds, held });
  return { state, lower, upper, at, mean: true, rows };
}

function lastPriced(rounds) {
  return rounds.findLast((round) => round.messages.some((message) => message.line.kind === "price")) ?? rounds.at(-1);
}

function dot(left, right) {
  return Array.isArray(left) ? left.reduce((sum, value, i) => sum + dot(value, right[i]), 0) : left * right;
}

/**
 * Return what an agent's own viewer sees in place of the bounds: its own cost, the cost with what it pays and is paid at the prices
 * of the round, and the bound that it has named for that; null where there is none.
 */
function own(round, scene) {
  if (scene.viewer === "everybody" || scene.viewer === "coordinator") return null;
  const of = (kind, name) => round.messages.find((message) => message.line.kind === kind && (!name || message.line.of === name))?.values;
  const cost = of("cost");
  if (!cost) return null;
  const priced = scene.exchanges.filter((exchange) => of("price", exchange.name) && of("quantity", exchange.name));
  const paid = priced.reduce((sum, exchange) => sum + (exchange.asks.includes(scene.viewer) ? 1 : -1) * dot(of("price", exchange.name), of("quantity", exchange.name)), 0);
  return { cost: cost[0], all: priced.length ? cost[0] + paid : null, bound: priced.length ? cost[1] : null };
}

function sentence(scene, beat, { from, rounds, inRounds, held }) {
  if (!rounds.length) return beat.kind === "commit" ? "Committed without a question." : "No question has been asked so far.";
  const last = `after ${rounds.length} ${rounds.length === 1 ? "round" : "rounds"}`;
  const where = inRounds ? `Round ${beat.place}, ${WORDS[beat.kind]}` : beat.kind === "open" ? `The period opens. At ${clockOf(scene, held)}, ${last}` : held < beat.period ? `What was agreed at ${clockOf(scene, held)} ${last} goes on`
    : beat.kind === "commit" ? `Committed ${last}` : `Agreed ${last}`;
  const proof = inRounds ? from.proof : rounds.at(-1).proof;
  if (proof) {
    const said = (name, value) => (value === null ? `no ${name} bound yet` : `${name} bound ${write(value, 2)} USD`);
    return `${where}: ${said("lower", proof.lower)}, ${said("upper", proof.upper)}${proof.gap === null ? "" : `, gap ${write(100 * proof.gap, 2)}\u00a0%`}`;
  }
  const mine = own(from, scene);
  if (mine) return `${where}: own cost ${write(mine.cost, 2)} USD${mine.all === null ? "" : `; with the prices ${write(mine.all, 2)} USD, proven to be at least ${write(mine.bound, 2)} USD`}`;
  return `${where}. ${scene.viewer === "everybody" ? "No bound is told yet." : "The bounds are the coordinator's to know."}`;
}

function heads(scene) {
  const whole = scene.viewer === "everybody" || scene.viewer === "coordinator";
  return {
    place: "Place", price: "Price (mean)", asked: "Asked", offered: "Offered",
    caption: "Prices, and what was asked and offered; bars of one column share a scale, one bar for each period of the horizon.",
    bounds: whole ? "Lower bound (solid) and upper bound (dashed) by round, and the round that is shown" : "Own cost with the prices (dashed) and the bound named for it (solid) by round, and the round that is shown",
    under: whole ? "Lower bound: solid line; upper bound: dashed line; a first bound far below is cut off. The upright line is the round shown."
      : "Dashed line: own cost with the prices; solid line: the bound that this agent has named for it. What others answered is not told to it.",
  };
}

export class Page {
  constructor(stage) {
    this.stage = stage;
    this.store = new Store();
    this.position = null;
    this.panels = [];
    this.connected = true;
    this.dirty = false;
    this.before = 0;
    this.drawnAt = 0;
    this.wanted = true;
    requestAnimationFrame((now) => this.frame(now));
  }

  /** Take events in; the first is the scene, with which the panels are built. */
  take(events) {
    for (const event of events) {
      if (event[0] === "m" && !this.store.scene) continue;
      this.store.take(event);
      if (event[0] === "scene") this.build();
      if (event[0] === "run") this.notice();
    }
    this.dirty = true;
    if (this.position && this.position.live && this.running) this.wanted = true;
  }

  get running() { return this.store.status.status === "running"; }

  async build() {
    const { scene } = this.store, module = scene.stage ? await this.stage().catch(() => null) : null;
    document.title = `${scene.name}: Portage`;
    get("title").textContent = `${scene.name}${scene.scheme ? `, scheme ${scene.scheme}` : ""}`;
    const colours = agentColours(scene);
    this.wires = wiring(get("wiring"), scene);
    this.messages = messageTable(get("messages"), scene, colours);
    this.negotiation = negotiationPanel(get("negotiation"), heads(scene), "group");
    this.exchange = scene.exchanges[0];
    get("exchange-choice").hidden = scene.exchanges.length < 2;
    get("exchange").replaceChildren(...scene.exchanges.map((exchange) => new Option(exchange.name, exchange.name)));
    get("exchange").addEventListener("change", () => {
      this.exchange = scene.exchanges.find((exchange) => exchange.name === get("exchange").value);
      this.wanted = true;
    });
    this.panels = module ? module.panels(scene, this.store).map((panel, number) => this.panel(panel, number)) : [];
    this.position = new Position(this.store, module?.DRIVE_S ?? 0.8);
    if (!this.running) this.position.go(0);
    this.controls();
    for (const id of ["controls", "panels"]) get(id).hidden = false;
    this.notice();
    this.wanted = true;
  }

  /** Put a panel of the world's own before those of every world: the first to the left, the others to the right. */
  panel({ id, title, make }, number) {
    const host = html("div", { id }), column = get(number ? "right" : "left");
    const card = html("section", { class: "card own", "aria-labelledby": `h-${id}` }, html("h2", { id: `h-${id}` }, title), host);
    column.insertBefore(card, column.querySelector(".card:not(.own)"));
    return make(host);
  }

  controls() {
    const { position } = this, go = (index) => { position.go(index); this.wanted = true; };
    get("slider").addEventListener("input", (event) => go(Number(event.target.value)));
    get("back").addEventListener("click", () => go(position.index - 1));
    get("step").addEventListener("click", () => go(position.index + 1));
    get("live").addEventListener("click", () => { position.follow(); this.wanted = true; });
    get("speed").addEventListener("change", (event) => { position.speed = Number(event.target.value); });
    get("play").addEventListener("click", () => this.toggle());
    document.addEventListener("keydown", (event) => {
      const busy = event.target.closest("input, select, button, summary, [tabindex], a");
      if (busy || event.ctrlKey || event.altKey || event.metaKey) return;
      const act = { " ": () => this.toggle(), ArrowLeft: () => go(position.index - 1), ArrowRight: () => go(position.index + 1) }[event.key];
      if (act) { event.preventDefault(); act(); }
    });
  }

  toggle() {
    const { position } = this;
    if (position.playing && position.moves) { position.playing = position.live = false; }
    else {
      if (position.atEnd && position.part >= 1 && !this.running) position.go(0);
      position.playing = true;
    }
    this.wanted = true;
  }

  frame(now) {
    const seconds = Math.min((now - this.before) / 1000, 0.25);
    this.before = now;
    if (this.position) {
      const other = this.position.advance(seconds, this.running);
      this.wanted ||= other;
      if (this.position.beat) this.draw(now);
    }
    const next = () => requestAnimationFrame((then) => this.frame(then));
    if (this.follows) setTimeout(next, LIVE_FRAME_MS); else next();
  }

  /** Whether the end of a run that goes on is shown. */
  get follows() { return Boolean(this.position?.live && this.running); }

  draw(now) {
    const { position, store } = this, { beat } = position;
    const moves = position.moves;
    // At high speed beats pass faster than anybody can read.
    if (this.wanted && (now - this.drawnAt > (this.follows ? LIVE_PANELS_MS : PANELS_EVERY_MS) || !moves)) {
      this.wanted = this.dirty = false;
      this.drawnAt = now;
      this.update(beat);
    } else if (this.dirty) {
      this.dirty = false;
      this.slider();
    }
    if (moves || this.moved) {
      for (const panel of this.panels) panel.frame(position);
      this.wires.frame(position.part, moves);
      get("clock").textContent = clockOf(store.scene, beat.period, beat.kind === "drive" ? Math.min(position.part, 0.9999) : 0);
      if (!moves) this.slider();  // it has come to its end
      this.moved = moves;
    }
  }

  update(beat) {
    const { position, store } = this;
    this.slider();
    get("clock").textContent = clockOf(store.scene, beat.period, beat.kind === "drive" ? Math.min(position.part, 0.9999) : 0);
    get("beat").textContent = beatWords(store, beat);
    this.negotiation.show({ ...negotiation(store, beat, this.exchange), ...unitHeads(this.exchange) });
    this.wires.update(beat);
    this.messages.update(beat);
    for (const panel of this.panels) panel.update(position);
    this.moved = true;
    // For tests: what is shown, how new it is, and when it was drawn.
    Object.assign(document.body.dataset, { beat: beat.key, kind: beat.kind, wall: store.lastWall, drawn: Date.now() / 1000 });
  }

  slider() {
    const { position, store } = this, slider = get("slider");
    slider.max = store.beats.length - 1;
    slider.value = position.index;
    slider.setAttribute("aria-valuetext", `${clockOf(store.scene, position.beat.period)}, ${beatWords(store, position.beat)}`);
    const ends = !this.running && position.atEnd && position.part >= 1;
    get("play").textContent = position.moves || (position.live && this.running) ? "Pause" : ends ? "Play again" : "Play";
    get("back").disabled = position.index <= 0;
    get("step").disabled = position.atEnd;
    get("live").hidden = !this.running || position.live;
  }

  notice() {
    const { store } = this, box = get("notice"), said = store.status;
    const lost = !this.connected && this.running ? "The connection to the server is lost. What came before can still be looked at; the page connects again by itself." : "";
    const words = lost || (store.scene ? said.words : said.words || "Waiting for the run to begin.");
    box.classList.toggle("bad", Boolean(lost) || ["failed", "gone", "not recorded"].includes(said.status));
    const more = said.headline?.length ? html("details", {}, html("summary", {}, "What came out"), ...said.headline.map((line) => html("p", { class: "small" }, line))) : null;
    box.replaceChildren(words, ...(more ? [more] : []));
    box.hidden = !words;
    this.wanted = true;
  }

  /** Say a sentence above everything. */
  say(words) {
    get("notice").replaceChildren(words);
    get("notice").hidden = false;
  }

  connection(state) {
    this.connected = state === "open";
    this.notice();
  }
}

function unitHeads(exchange) {
  if (!exchange) return {};
  const unit = exchange.unit === "1" ? "" : ` (${exchange.unit})`;
  return { priceHead: `Price (${exchange.price_unit.replace("usd", "USD")}, mean)`, askedHead: `Asked${unit}`, offeredHead: `Offered${unit}` };
}

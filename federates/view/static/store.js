// All that the viewer was told of a run so far, in the order of the run: beats, each a step that one can go to.
//
// A beat is the opening of a period, a round, the commitment, or the period as it is carried out; its messages belong to it by their
// period and round. So nothing depends on which file was read first.

const DRIVE = 1e6 - 1, COMMIT = 1e6 - 2;

/** Return the kind of beat and its place in the period of a message. */
function placeOf(line, message, commands) {
  if (line.kind === "session") return ["start", -1];
  if (line.kind === "observation") return ["drive", DRIVE];
  if (line.kind === "dispatch") return ["commit", COMMIT];
  if (line.kind === "command") {
    const word = commands[message.values[0]];
    if (word === "open") return ["open", 0];
    if (word === "commit") return ["commit", COMMIT];
    return word === "stop" ? ["stop", 0.5] : [word, message.round];
  }
  return message.round === 0 ? ["open", 0] : ["round", message.round];
}

export class Store {
  constructor() {
    this.scene = null;
    this.status = { status: "running", words: "" };
    this.beats = [];
    this.tables = {};
    this.version = 0;
    this.broken = 0;
    this.lastWall = 0;
    this._beats = new Map();
    this._given = new Map();  // "period/round" of what was given, until the command says what for
  }

  /** Take one event in; see federates/view/feed.py for what there is. */
  take(event) {
    const [kind, ...rest] = event;
    if (kind === "scene") this.scene = rest[0];
    else if (kind === "run") this.status = rest[0];
    else if (kind === "m") this._message(...rest);
    else if (kind === "p") this._proof(rest[1]);
    else if (kind === "t") this._rows(...rest);
    this.version += 1;
  }

  _message(agent, said) {
    const line = this.scene.lines[said.key];
    if (!line) { this.broken += 1; return; }
    const message = { ...said, line, at: agent };
    this.lastWall = Math.max(this.lastWall, said.wall);
    if (line.kind === "session") message.values = null;
    const [kind, place] = placeOf(line, message, this.scene.commands);
    if (line.kind === "command" && kind === "commit") this._move(message.period, message.round);
    // What is given with a commitment has its round, which is told by the command behind it.
    const committed = this._given.get(`${message.period}/${message.round}`) === "commit";
    const beat = committed && kind === "round" ? this._beat("commit", message.period, COMMIT, said.wall)
      : this._beat(kind, message.period, place, said.wall);
    beat.messages.push(message);
    beat.changed += 1;
    if (beat.kind === "round" && kind !== "round") beat.kind = kind;
    if (line.kind === "command") beat.number = message.round;
  }

  /** Make the round that turns out to be the commitment part of that. */
  _move(period, round) {
    this._given.set(`${period}/${round}`, "commit");
    const key = `${period}/${round}`, taken = this._beats.get(key);
    if (!taken) return;
    this._beats.delete(key);
    this.beats.splice(this.beats.indexOf(taken), 1);
    const beat = this._beat("commit", period, COMMIT, taken.wall);
    beat.messages.unshift(...taken.messages);
  }

  _beat(kind, period, place, wall) {
    const key = `${period}/${place}`;
    let beat = this._beats.get(key);
    if (beat) return beat;
    beat = { key, kind, period, place, wall, number: Math.max(place, 0), messages: [], proof: null, changed: 0, order: period * 2e6 + place };
    this._beats.set(key, beat);
    let at = this.beats.length;
    while (at > 0 && this.beats[at - 1].order > beat.order) at -= 1;
    this.beats.splice(at, 0, beat);
    if (kind === "commit") this._beat("drive", period, DRIVE, wall);
    return beat;
  }

  _proof(said) {
    if (said.round === undefined || said.gap === undefined) return;
    const beat = this._beats.get(`${said.period}/${said.round}`);
    if (beat) beat.proof = { lower: said.lower_usd ?? null, upper: said.upper_usd ?? null, gap: said.gap < 0 ? null : said.gap };
    if (beat) beat.changed += 1;
  }

  _rows(agent, name, columns) {
    const rows = this.tables[name] ??= [], names = Object.keys(columns);
    for (let i = 0; i < columns[names[0]].length; i += 1) {
      const row = { agent };
      for (const column of names) row[column] = columns[column][i];
      rows.push(row);
    }
  }

  /** Return the rounds of a period, in order. */
  rounds(period) {
    return this.beats.filter((beat) => beat.period === period && beat.place >= 1 && beat.place < COMMIT);
  }

  /** Return the beat of a commitment, or null. */
  commit(period) {
    return this._beats.get(`${period}/${COMMIT}`) ?? null;
  }

  drive(period) {
    return this._beats.get(`${period}/${DRIVE}`) ?? null;
  }
}

/** Return the names of an axis of what an agent tells, or null where its entries have none. */
function names(scene, agent, letter) {
  return scene.index[agent]?.[letter] ?? scene.index[scene.viewer]?.[letter] ?? null;
}

function eachRow(values, axes, scene, agent, prefix, visit) {
  if (axes.length <= 1) { visit(prefix.join(" – "), Array.isArray(values) ? values : [values]); return; }
  const known = names(scene, agent, axes[0]);
  values.forEach((part, i) => eachRow(part, axes.slice(1), scene, agent, [...prefix, known ? known[i] : String(i + 1)], visit));
}

/** Return sums of messages' values by place, a list by column each; ``last``: an entry that is told twice counts once. */
export function byPlace(scene, exchange, messages, last = false) {
  const found = new Map();
  for (const message of messages) {
    const partner = message.line.sender === "coordinator" ? message.line.receivers[0] : message.line.sender;
    // Where the last axis has names, its entries are places too.
    const axes = names(scene, partner, exchange.axes.at(-1)) ? [...exchange.axes, null] : exchange.axes;
    const values = axes.length > exchange.axes.length ? wrap(message.values, exchange.axes.length) : message.values;
    eachRow(values, axes, scene, partner, [], (place, row) => {
      const before = found.get(place);
      found.set(place, before && !last ? before.map((value, i) => value + (row[i] ?? 0)) : [...row]);
    });
  }
  return found;
}

function wrap(values, depth) {
  return depth <= 1 ? values.map((value) => [value]) : values.map((part) => wrap(part, depth - 1));
}

/** Return prices, asked and offered of an exchange in a beat, by place; undefined: nobody told the viewer. */
export function saidOf(scene, exchange, beat) {
  const of = (kind, who = null) => beat.messages.filter((message) => message.line.kind === kind && message.line.of === exchange.name
    && (!who || who.includes(message.line.sender) || (kind === "given" && who.includes(message.line.receivers[0]))));
  const pick = (kind, who, last) => {
    const messages = of(kind, who);
    return messages.length ? byPlace(scene, exchange, messages, last) : undefined;
  };
  const commit = beat.kind === "commit" ? "given" : "quantity";
  return { prices: pick("price", null, true), asked: pick(commit, exchange.asks), offered: pick(commit, exchange.offers) };
}

// A student's page: the question, a calculator, what was heard, and what was answered before.

import { follow, post } from "/static/web/stream.js";
import { amount, announce, clock, el, fill, minutes, money, number, quantity, words } from "./dom.js";
import { answerForm } from "./answer.js";
import { valueTables } from "./tables.js";

const at = (id) => document.getElementById(id);
let view = null, form = null, asked = 0, warned = 0, connected = true;

function banner() {
  if (!connected) return "The connection is lost. Your seat is kept; this page tries again.";
  if (!view) return "Waiting for the server.";
  if (view.state === "gone") return view.words;
  if (view.failure) return `The run of your group has ended early: ${view.failure}`;
  if (view.state === "lobby") return view.ready ? "You are in. The lecturer starts the game." : "You are in. Your agent is getting ready.";
  if (view.state === "revealed") return "The game is over. The debrief is open.";
  if (view.state === "over" || view.over) return "The game is over for you. Wait for the lecturer to open the debrief.";
  if (view.state === "paused") return "The lecturer has paused the game: the clocks stand.";
  if (view.question) return "It is your turn.";
  const who = view.waiting.map((entry) => entry.name ? `${entry.name} (${words(entry.agent)})` : words(entry.agent));
  return who.length ? `Waiting for ${who.join(" and ")}.` : "Nothing to do for you now. The others work, or the lecturer opens the next hour.";
}

function where() {
  if (!view || view.state === "gone") return "";
  const me = view.me, hour = view.hour === undefined ? "" : `Hour ${view.hour} (${view.period + 1} of ${view.periods})`;
  const round = view.round ? `round ${view.round}` : "";
  return [me.name, me.role === words(me.agent) ? me.role : `${words(me.agent)} (${me.role})`, view.several ? `group ${me.group}` : "", hour, round].filter(Boolean).join(" · ");
}

function heard(entries) {
  if (entries.length === 0) return el("p", { class: "soft" }, "Nothing yet.");
  return entries.map((entry) => el("details", {}, el("summary", {}, `${words(entry.from)}: ${quantity(entry.name)} (${entry.hour})`),
    el("p", { class: "soft" }, entry.meaning), valueTables(entry, entry.values, "What was told")));
}

function notice(entry) {
  if (entry.kind === "commit") {
    return [el("h3", {}, `Carried out at ${entry.hour}`), (entry.forms || []).map((one) => valueTables(one, one.given, words(one.name))),
      entry.verdict ? el("p", {}, `${entry.agreed ? "Proven" : "Carried out without agreement"}: ${entry.verdict}.`) : el("p", {}, `It costs you ${money(entry.own_cost_usd)}, without payments.`)];
  }
  const rows = Object.entries(entry.outlook);
  if (rows.length === 0) return [];
  return [el("h3", {}, `What you expect of ${entry.hour}`), rows.map(([name, value]) => outlook(name, value))];
}

function outlook(name, value) {
  if (value && typeof value === "object" && !Array.isArray(value)) {
    const entries = Object.entries(value);
    return el("table", {}, el("caption", {}, quantity(name)), el("tbody", {}, entries.map(([key, entry]) =>
      el("tr", {}, el("th", { scope: "row" }, words(key)), cells(entry)))));
  }
  return el("table", {}, el("tbody", {}, el("tr", {}, el("th", { scope: "row" }, quantity(name)), cells(value))));
}

function cells(value) {
  const list = Array.isArray(value) ? value.flat(Infinity) : [value];
  return list.map((entry) => el("td", {}, typeof entry === "number" ? number(entry) : String(entry)));
}

function history(rows) {
  if (rows.length === 0) return el("p", { class: "soft" }, "No answer yet.");
  const paid = rows.some((row) => row.cost_usd !== null);  // a coordinator has no cost of its own
  const head = ["Hour", "Round", "Question", "Answered by", "Told", ...(paid ? ["Own cost, USD", "Payment, USD", "Together, USD"] : [])];
  const shown = [...rows].reverse().map((row) => el("tr", {}, el("th", { scope: "row" }, row.hour),
    el("td", {}, String(row.round)), el("td", { class: "text" }, KINDS[row.kind] || row.kind),
    el("td", { class: "text" }, row.by === "person" ? "you" : `your computer${WHY[row.why] || ""}`),
    el("td", { class: "text" }, row.decision ? DECISIONS[row.decision] || row.decision : Object.entries(row.sums).map(([name, sum]) => `${words(name)} ${number(sum)}`).join(", ")),
    (paid ? [row.cost_usd, row.payment_usd, row.total_usd] : []).map((value) => el("td", {}, amount(value)))));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "What you have answered" },
    el("table", {}, el("caption", {}, "Newest first"), el("thead", {}, el("tr", {}, head.map((text, i) => el("th", { scope: "col", class: i > 1 && i < 5 ? "text" : null }, text)))), el("tbody", {}, shown)));
}

const KINDS = { solve: "at prices", evaluate: "of a plan", coordinate: "decision" };
const DECISIONS = { prices: "prices set", given: "cost of a plan asked", commit: "committed", best: "as the computer would" };
const WHY = { late: ": time ran out", refused: ": your answer was refused and time ran out", away: ": nobody was there" };

function question() {
  const next = view && view.question;
  at("question").hidden = !next;
  if (!next) { form = null; asked = 0; at("question").replaceChildren(); return; }
  if (next.n !== asked) {
    asked = next.n; warned = 0;
    form = answerForm(view, send);
    at("question").replaceChildren(el("h2", { id: "title" }, next.title), el("p", { id: "timer", role: "timer" }), form.element);
    announce(`A new question, hour ${view.hour}, round ${view.round}: ${next.title}`);
  } else if (form) form.refused(next.refused);
  tick();
}

async function send(path, content) { return post(path, { n: asked, ...content }); }

function tick() {
  const next = view && view.question, timer = at("timer");
  if (!next || !timer) return;
  if (view.state === "paused") { timer.textContent = "Paused: the clock stands."; return; }
  const left = clock.left(next.deadline);
  timer.textContent = left > 0 ? `${minutes(left)} left` : "Time is over: your computer answers for you.";
  timer.classList.toggle("wrong", left < 20);
  for (const mark of [60, 30, 10]) {
    if (left <= mark && left > mark - 2 && warned !== mark) { warned = mark; announce(`${mark} seconds left`); }
  }
}

function show() {
  at("banner").textContent = banner();
  at("banner").classList.toggle("bad", !connected || Boolean(view && (view.failure || view.state === "gone")));
  at("where").textContent = where();
  const here = Boolean(view) && view.state !== "gone";
  at("game").hidden = !here;
  question();
  if (!here) return;
  at("debrief").hidden = view.state !== "revealed";
  const notices = view.notices.map(notice).filter((part) => part.length);
  at("outlook").hidden = notices.length === 0;
  fill(at("notices"), notices);
  keepOpen(at("heard"), () => fill(at("heard"), heard(view.heard)));
  fill(at("history"), history(view.history));
}

/** Redraw a list of details and keep those open that were. */
function keepOpen(place, draw) {
  const open = new Set([...place.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent.replace(/ \(.*\)$/, "")));
  for (const details of place.querySelectorAll("details[open]")) details.open = false;
  draw();
  for (const summary of place.querySelectorAll("details > summary")) {
    if (open.has(summary.textContent.replace(/ \(.*\)$/, ""))) summary.parentElement.open = true;
  }
}

async function sheet() {
  const told = await fetch("sheet").then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
  if (!told || !told.agent) { setTimeout(sheet, 1500); return; }
  fill(at("sheet"), told.settings && tree(told.settings, told.session), Object.entries(told.data || {}).map(([name, text]) =>
    el("details", {}, el("summary", {}, name), el("pre", { tabindex: "0" }, String(text)))));
}

/** Return a list as text; of one number an hour of the day only the hours that are played. */
function list(values, session) {
  if (values.length !== 24 || session.period_s !== 3600) return values.join(", ");
  const hours = Array.from({ length: Math.min(24, session.periods) }, (_, i) => (session.start_hour + i) % 24);
  return hours.map((hour) => `${hour}:00 ${values[hour]}`).join(", ");
}

function tree(settings, session) {
  const rows = [];
  const walk = (value, path) => {
    if (value && typeof value === "object" && !Array.isArray(value)) Object.entries(value).forEach(([key, entry]) => walk(entry, [...path, key]));
    else if (value !== null && value !== "") rows.push(el("tr", {}, el("th", { scope: "row" }, path.map(quantity).join(": ")), el("td", { class: "text" }, Array.isArray(value) ? list(value, session) : String(value))));
  };
  walk(settings, []);
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Settings of your agent" },
    el("table", {}, el("caption", {}, "Settings of your agent"), el("tbody", {}, rows)));
}

const leave = follow("events", (content) => {
  view = content;
  connected = true;
  clock.set(content.now);
  show();
  if (view.state === "gone") leave();
},
(state) => { connected = state === "open"; show(); });
setInterval(tick, 500);
sheet();

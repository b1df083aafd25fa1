// The lecturer's page: who waits for whom, and the buttons that lead the game.

import { follow, post } from "/static/web/stream.js";
import { clock, el, fill, minutes, words } from "./dom.js";

const at = (id) => document.getElementById(id);
const STATES = { lobby: "Students join", running: "The game goes on", paused: "Paused", over: "Over", revealed: "Over, the debrief is open" };
let view = null;

function rowOf(group, seat) {
  const status = group.over || view.state === "lobby" ? "" : seat.deadline !== null && view.state === "paused" ? "thinks, the clock stands" : seat.deadline !== null
    ? el("span", { class: "turn" }, "thinks, ", el("span", { "data-deadline": String(seat.deadline) }, minutes(clock.left(seat.deadline))), " left")
    : `waits (${seat.answers} answers)`;
  const who = seat.name ? [seat.name, seat.here ? "" : el("span", { class: "wrong" }, " (page closed)")] : el("span", { class: "soft" }, "shipped class");
  const late = seat.late ? el("span", { class: "soft" }, `, ${seat.late} late`) : "";
  const kick = seat.name ? el("button", { type: "button", "data-free": `${group.group}/${seat.agent}`, "aria-label": `Free the seat of ${seat.name}` }, "Free") : "";
  return el("tr", {}, el("th", { scope: "row" }, words(seat.agent)), el("td", { class: "text" }, who), el("td", { class: "text" }, status, late), el("td", {}, kick));
}

function card(group) {
  const title = view.groups.length > 1 ? `Group ${group.group}` : "The group";
  const now = group.failure ? el("p", { class: "wrong" }, `The run has ended early: ${group.failure}`)
    : el("p", { class: "soft" }, group.over ? "All hours are played." : !group.launched ? "Nobody has joined yet." : group.period === null ? "Getting ready."
      : `Hour ${group.hour} (${group.period + 1} of ${view.periods}), round ${group.round}; ${group.done} of ${view.periods} hours done`);
  return el("section", { class: "card", "aria-label": title }, el("h2", {}, title), now,
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Seats of ${title.toLowerCase()}` },
      el("table", {}, el("thead", {}, el("tr", {}, ["Seat", "Who", "Now", "Change"].map((text) => el("th", { scope: "col", class: "text" }, text)))),
        el("tbody", {}, group.seats.map((seat) => rowOf(group, seat))))));
}

function say() {
  const playing = view.groups.filter((group) => group.launched && !group.over);
  if (view.state === "lobby") return `${view.students} ${view.students === 1 ? "student has" : "students have"} joined. Free seats are played by shipped classes.`;
  if (view.state === "paused") return "The clocks stand.";
  if (view.state === "over") return "Every group has ended. Open the debrief when you are ready.";
  if (view.state === "revealed") return "Students see the debrief on their pages.";
  if (view.last_period === null) return `${playing.length} groups play to the end of the day.`;
  const done = playing.filter((group) => group.done > view.last_period).length;
  return `${done} of ${playing.length} groups have finished hour ${view.last_hour}.` + (view.last_period === view.periods - 1 ? " It is the last one." : done === playing.length && done ? " Open the next hour." : "");
}

function show() {
  const { state } = view, running = state === "running" || state === "paused";
  at("state").textContent = STATES[state];
  if (at("say").textContent !== say()) at("say").textContent = say();
  at("start").hidden = state !== "lobby";
  at("start").disabled = view.students === 0;
  at("pause").hidden = state !== "running";
  at("resume").hidden = state !== "paused";
  at("next").hidden = at("all").hidden = !running || view.last_period === null || view.last_period >= view.periods - 1;
  at("end").hidden = !running;
  at("reveal").hidden = state !== "over";
  at("debrief").hidden = state !== "revealed";
  fill(at("groups"), view.groups.map(card));
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const what = button.dataset.free ? { do: "free", seat: button.dataset.free } : { do: button.id, last_period: view.last_period };
  if (what.do === "end" && !window.confirm("End the runs of all groups now? What was played stays.")) return;
  at("sentence").textContent = "";
  button.disabled = true;
  try {
    if (what.do === "reveal") at("sentence").textContent = "The debrief is being computed; this takes some seconds.";
    await post("do", what);
    at("sentence").textContent = "";
  } catch (error) { at("sentence").textContent = error.message; }
  finally { button.disabled = false; }
});

setInterval(() => {
  for (const timer of document.querySelectorAll("[data-deadline]")) timer.textContent = minutes(clock.left(Number(timer.dataset.deadline)));
}, 500);

follow("events", (content) => { view = content; clock.set(content.now); at("lost").hidden = true; show(); },
  (state) => { at("lost").hidden = state === "open"; });

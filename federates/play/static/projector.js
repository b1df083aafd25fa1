// For the wall: where to join, then how far each group is and for whom it waits.

import { follow } from "/static/web/stream.js";
import { clock, el, fill, minutes, words } from "./dom.js";

const at = (id) => document.getElementById(id);
let view = null;

function line(group) {
  const seats = group.seats.filter((seat) => seat.deadline !== null);
  const who = group.failure ? "has ended early" : group.over ? "has played all hours" : group.done > (view.last_period ?? Infinity) ? "is ready for the next hour"
    : seats.length ? ["waits for ", seats.map((seat, i) => [i ? ", " : "", el("strong", {}, seat.name || words(seat.agent)), " ",
      el("span", { "data-deadline": String(seat.deadline) }, minutes(clock.left(seat.deadline)))])] : "works";
  return el("tr", {}, el("th", { scope: "row" }, `Group ${group.group}`), el("td", {}, el("progress", { max: String(view.periods), value: String(group.done), "aria-label": `Hours done by group ${group.group}` })),
    el("td", {}, `${group.done} of ${view.periods}`), el("td", { class: "text" }, who));
}

function show() {
  at("join").hidden = view.state !== "lobby";
  at("progress").hidden = view.state === "lobby";
  const seated = view.groups.map((group) => group.seats.filter((seat) => seat.name).map((seat) => `${seat.name} (${words(seat.agent)})`));
  fill(at("seated"), view.groups.map((group, i) => seated[i].length ? el("li", {}, view.groups.length > 1 ? `Group ${group.group}: ` : "", seated[i].join(", ")) : null));
  fill(at("lines"), view.groups.filter((group) => group.launched).map(line));
  at("title").textContent = { lobby: "Join the game", running: view.last_hour ? `Hour ${view.last_hour}` : "The day goes on", paused: "Paused",
    over: "The game is over", revealed: "The debrief is on your pages" }[view.state];
}

setInterval(() => {
  for (const timer of document.querySelectorAll("[data-deadline]")) timer.textContent = minutes(clock.left(Number(timer.dataset.deadline)));
}, 500);

follow("events", (content) => { view = content; clock.set(content.now); show(); });

// The page on which a student takes a seat.

import { follow, post } from "/static/web/stream.js";
import { el, fill, words } from "./dom.js";

const KEEP = `portage:${location.pathname}`;
const form = document.getElementById("join"), place = document.getElementById("seats"), said = document.getElementById("sentence");
let chosen = "";

function seat(group, entry) {
  const id = `${group.group}/${entry.agent}`;
  const taken = entry.name !== null;
  return el("li", {}, el("label", { class: taken ? "seat taken" : "seat" },
    el("input", { type: "radio", name: "seat", value: id, required: true, disabled: taken, checked: id === chosen && !taken }),
    " ", words(entry.agent), entry.role === words(entry.agent) ? "" : ` (${entry.role})`, taken ? el("span", { class: "soft" }, ` taken by ${entry.name}`) : el("span", { class: "good" }, " free")));
}

function show(view) {
  const over = view.state === "over" || view.state === "revealed";
  form.hidden = over;
  if (over) said.textContent = "This game is over; nobody can join it any more.";
  fill(place, view.groups.map((group) => el("fieldset", {},
    el("legend", {}, view.groups.length > 1 ? `Group ${group.group}` : "Seat"), el("ul", { class: "seats" }, group.seats.map((entry) => seat(group, entry))))));
  for (const input of place.querySelectorAll("input")) {  // what is the same as before keeps its old listeners
    input.onchange = () => { chosen = input.value; };
    input.checked = input.value === chosen && !input.disabled;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [group, agent] = chosen.split("/");
  said.textContent = "";
  if (!agent) { said.textContent = "Choose a seat that is free."; return; }
  try {
    const { path } = await post("join", { name: document.getElementById("name").value, group: Number(group), agent });
    try { localStorage.setItem(KEEP, path); } catch { /* a private window keeps nothing */ }
    location.assign(path);
  } catch (error) {
    said.textContent = error.message;
  }
});

let kept = null;
try { kept = localStorage.getItem(KEEP); } catch { /* a private window keeps nothing */ }
if (kept && /^\/[\w-]+\/$/.test(kept)) fill(document.getElementById("back"), el("a", { href: kept }, "Go back to the seat that you took before"));
follow("events", show);

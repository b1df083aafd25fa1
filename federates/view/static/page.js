// The page as a server gives it: follows the run's events, and holds the run where that is possible.
import { Page } from "/static/view/main.js";
import { follow, post } from "/static/web/stream.js";

const page = new Page(() => import(new URL("stage.js", document.baseURI)));

/** Return the events in a message, one a line; what is not JSON was not written by the runtime, and is passed over. */
function parse(text) {
  return text.split("\n").flatMap((line) => {
    try { return [JSON.parse(line)]; } catch { return []; }
  });
}

const end = follow("events", (events) => {
  page.take(events);
  if (!events.some((event) => event[0] === "over")) return;
  end();
  document.getElementById("holding")?.remove();
}, (state) => page.connection(state), parse);

const hold = document.getElementById("hold"), step = document.getElementById("hold-step");
function show(held) {
  hold.textContent = held ? "Let the run go on" : "Hold the run";
  hold.dataset.held = held;
  step.hidden = !held;
}
async function act(what) {
  try {
    show((await post("hold", { do: what })).held);
  } catch (error) {
    page.say(error.message);
  }
}
if (hold) {
  show(hold.dataset.held === "true");
  hold.addEventListener("click", () => act(hold.dataset.held === "true" ? "go" : "hold"));
  step.addEventListener("click", () => act("step"));
}

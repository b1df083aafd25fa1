// Who told whom what in a beat, as a table: one row a topic and sender, its values in short, all of them on demand.
import { html, short } from "/static/report/draw.js";

const MOST_ROWS = 60;

function flat(values) {
  return Array.isArray(values) ? values.flatMap(flat) : [values];
}

function inShort(message, scene) {
  const { line, values } = message;
  if (values === null) return line.kind === "session" ? "names, periods and rules that everybody knows" : "could not be read";
  if (line.kind === "command") return scene.commands[values[0]] ?? "?";
  if (line.kind === "cost") return `cost ${short(values[0])} USD, bound ${short(values[1])} USD`;
  const all = flat(values);
  if (!all.length) return "nothing";
  const unit = line.unit === "1" ? "" : ` ${line.unit.replace("usd", "USD")}`;
  if (all.length === 1) return `${short(all[0])}${unit}`;
  const low = Math.min(...all), high = Math.max(...all), sum = all.reduce((left, right) => left + right, 0);
  if (low === high) return `${all.length} numbers, each ${short(low)}${unit}`;
  const total = line.kind === "quantity" || line.kind === "given" ? `, sum ${short(sum)}` : "";
  return `${all.length} numbers from ${short(low)} to ${short(high)}${unit}${total}`;
}

/** Return messages with one row for what goes to several receivers in the same words; a slope that nobody gives is no news. */
function rows(messages) {
  const found = new Map(), told = messages.filter(({ line, values }) => line.kind !== "slope" || (values && values.length));
  for (const message of told.sort((left, right) => left.wall - right.wall)) {
    const key = `${message.line.sender} ${message.line.topic} ${JSON.stringify(message.values)}`;
    if (found.has(key)) found.get(key).to.push(...message.line.receivers);
    else found.set(key, { message, to: [...message.line.receivers] });
  }
  return [...found.values()].slice(0, MOST_ROWS);
}

function numbers(values) {
  return JSON.stringify(values).slice(0, 4000);
}

export function messageTable(host, scene, colours) {
  const body = html("tbody"), caption = html("caption");
  const heads = ["From", "To", "What", "In short"].map((head) => html("th", { scope: "col", class: "text" }, head));
  const head = html("thead", {}, html("tr", {}, ...heads)), table = html("table", { class: "messages" }, caption, head, body);
  host.replaceChildren(html("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Messages of this step" }, table));
  function agent(name) {
    const spot = html("span", { class: "spot", "aria-hidden": "true" });
    spot.style.background = colours.get(name) ?? "";
    return html("span", { class: "who" }, spot, name);
  }
  function row({ message, to }) {
    const everybody = to.length > 3 ? html("details", {}, html("summary", {}, `${to.length} agents`), to.join(", ")) : null;
    const list = everybody ? [everybody] : to.map(agent);
    const meaning = html("details", {}, html("summary", {}, message.line.label), html("p", {}, message.line.meaning));
    const values = message.values === null || message.line.kind === "command" ? html("span", {}, inShort(message, scene))
      : html("details", {}, html("summary", {}, inShort(message, scene)), html("code", {}, numbers(message.values)));
    return html("tr", {}, html("th", { scope: "row", class: "text" }, agent(message.line.sender)), html("td", { class: "text" }, ...list),
      html("td", { class: "text" }, meaning), html("td", { class: "text" }, values));
  }
  return {
    update(beat) {
      const shown = rows(beat.messages);
      caption.textContent = shown.length ? "" : "Nobody tells anybody anything in this step.";
      caption.hidden = shown.length > 0;
      head.hidden = !shown.length;
      body.replaceChildren(...shown.map(row));
    },
  };
}

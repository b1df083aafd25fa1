// One negotiation, one round of it: bounds by round, and by place the price, what was asked and what was offered.
import { ASKED, OFFERED, PRICE, html, svg, write } from "/static/report/draw.js";

const NOT_TOLD = "not told";

function bars(values, low, high, colour) {
  const picture = svg("svg", { class: "bars", viewBox: `0 0 ${values.length * 10} 40`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const span = high - low || 1, y = (value) => 38 * (high - value) / span + 1;
  values.forEach((value, column) => {
    if (value === null) return;
    const top = Math.min(y(value), y(0)), height = Math.abs(y(value) - y(0));
    picture.append(svg("rect", { x: column * 10 + 1, y: top, width: 8, height: Math.max(height, 0.6), fill: colour }));
  });
  picture.append(svg("line", { x1: 0, x2: values.length * 10, y1: y(0), y2: y(0), stroke: "currentColor", "stroke-width": 0.6 }));
  return picture;
}

function cell(values, low, high, colour, digits, mean) {
  const known = values ? values.filter((value) => value !== null) : [];
  if (!known.length) return html("td", {}, values === undefined ? NOT_TOLD : "–");
  const sum = known.reduce((left, right) => left + right, 0);
  return html("td", {}, html("span", {}, write(mean ? sum / known.length : sum, digits)), bars(values, low, high, colour));
}

function line(values, low, high, dashes) {
  const shown = values.map((value, index) => [index, value]).filter((point) => point[1] !== null && point[1] !== undefined);
  const x = (index) => index * 100 / Math.max(values.length - 1, 1);
  const y = (value) => 39 - 38 * (Math.min(Math.max(value, low), high) - low) / (high - low || 1);
  return svg("polyline", {
    points: shown.map((point) => `${x(point[0]).toFixed(2)},${y(point[1]).toFixed(2)}`).join(" "),
    fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-dasharray": dashes, "vector-effect": "non-scaling-stroke",
  });
}

function drawBounds(picture, lower, upper, at) {
  const known = [...lower, ...upper].filter((value) => value !== null && value !== undefined);
  if (!known.length) return picture.replaceChildren();
  const uppers = upper.filter((value) => value !== null && value !== undefined);
  const high = Math.max(...known), last = uppers.length ? uppers[uppers.length - 1] : high;
  // A first bound far below would press all that matters into one line.
  const low = Math.max(Math.min(...known), last - 3 * Math.max(high - last, 0.02 * Math.abs(last)));
  const x = at * 100 / Math.max(lower.length - 1, 1);
  picture.replaceChildren(line(upper, low, high, "4 2"), line(lower, low, high, "none"),
    svg("line", { x1: x, x2: x, y1: 0, y2: 40, stroke: "currentColor", "stroke-width": 1, "vector-effect": "non-scaling-stroke" }));
}

/**
 * Build the panel in host and return {show(model)}.
 *
 * heads are {place, price, asked, offered}; names the heads of lower and upper bound: {lower, upper}. The model has ``state`` (a
 * sentence), ``lower`` and ``upper`` (a value a round, null: not known), ``at`` (the round that is shown), ``mean`` (a price is the
 * mean of its entries) and ``rows``: {place, prices, asked, offered}, each a list by column; undefined: nobody told the viewer.
 */
export function negotiationPanel(host, heads, live = "status") {
  const state = html("p", { class: "state", role: live });
  const picture = svg("svg", { class: "bounds", viewBox: "0 0 100 40", preserveAspectRatio: "none", role: "img", "aria-label": heads.bounds });
  const under = html("p", { class: "soft small" }, heads.under);
  const head = html("tr"), body = html("tbody");
  const box = html("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": heads.caption },
    html("table", { class: "rounds" }, html("caption", {}, heads.caption), html("thead", {}, head), body));
  host.replaceChildren(state, picture, under, box);
  return {
    show(model) {
      state.textContent = model.state;
      drawBounds(picture, model.lower, model.upper, model.at);
      const titles = [heads.place, model.priceHead ?? heads.price, model.askedHead ?? heads.asked, model.offeredHead ?? heads.offered];
      head.replaceChildren(...titles.map((title) => html("th", { scope: "col" }, title)));
      const all = (name) => model.rows.flatMap((row) => row[name] ?? []).filter((value) => value !== null);
      const prices = all("prices"), most = Math.max(1e-9, ...all("asked"), ...all("offered")), least = Math.min(0, ...all("asked"), ...all("offered"));
      body.replaceChildren(...model.rows.map((row) => html("tr", {}, html("th", { scope: "row" }, row.place),
        cell(row.prices, Math.min(0, ...prices), Math.max(0, ...prices), PRICE, 2, model.mean),
        cell(row.asked, least, most, ASKED, 1), cell(row.offered, least, most, OFFERED, 1))));
    },
  };
}

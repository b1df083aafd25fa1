"use strict";
(function () {
  // Numbers are set as text and as attributes, never as markup, so no name of a scenario can become code.
  const data = JSON.parse(document.getElementById("replay-data").textContent);
  const get = (id) => document.getElementById("replay-" + id);
  const slider = get("round"), choice = get("period"), rows = get("rows"), columns = data.columns;
  const write = (value, digits) => value === null ? "\u2013" : value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f").replace("-", "\u2212");
  const element = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    return made;
  };
  function bars(values, low, high, colour) {
    const picture = element("svg", { viewBox: "0 0 " + columns * 10 + " 40", preserveAspectRatio: "none", "aria-hidden": "true" });
    const span = high - low || 1, y = (value) => 38 * (high - value) / span + 1;
    values.forEach((value, column) => {
      if (value === null) return;
      const top = Math.min(y(value), y(0)), height = Math.abs(y(value) - y(0));
      picture.append(element("rect", { x: column * 10 + 1, y: top, width: 8, height: Math.max(height, 0.6), fill: colour }));
    });
    picture.append(element("line", { x1: 0, x2: columns * 10, y1: y(0), y2: y(0), stroke: "currentColor", "stroke-width": 0.6 }));
    return picture;
  }
  function cell(values, low, high, colour, digits, mean) {
    const made = document.createElement("td"), known = values ? values.filter((value) => value !== null) : [];
    if (!known.length) { made.textContent = "\u2013"; return made; }
    const sum = known.reduce((left, right) => left + right, 0);
    const number = document.createElement("span");
    number.textContent = write(mean ? sum / known.length : sum, digits);
    made.append(number, bars(values, low, high, colour));
    return made;
  }
  function line(shown, key, low, high, dashes) {
    const points = shown.map((round, index) => [index, round[key]]).filter((point) => point[1] !== null)
      .map((point) => point[0] * 100 / Math.max(shown.length - 1, 1) + "," + (39 - 38 * (Math.max(point[1], low) - low) / (high - low || 1)));
    return element("polyline", { points: points.join(" "), fill: "none", stroke: "currentColor", "stroke-width": 1.5,
      "stroke-dasharray": dashes, "vector-effect": "non-scaling-stroke" });
  }
  function bounds(shown, at) {
    const upper = shown.map((round) => round[3]).filter((value) => value !== null), lower = shown.map((round) => round[2]).filter((value) => value !== null);
    const high = Math.max(...upper, ...lower), last = upper.length ? upper[upper.length - 1] : high;
    const low = Math.max(Math.min(...lower, last), last - 3 * Math.max(high - last, 0.02 * Math.abs(last)));
    const x = at * 100 / Math.max(shown.length - 1, 1);
    get("bounds").replaceChildren(line(shown, 3, low, high, "4 2"), line(shown, 2, low, high, "none"),
      element("line", { x1: x, x2: x, y1: 0, y2: 40, stroke: "currentColor", "stroke-width": 1, "vector-effect": "non-scaling-stroke" }));
  }
  function show() {
    const negotiation = data.negotiations[choice.value], shown = negotiation.shown, at = +slider.value;
    const [number, command, low, up, gap, prices, asked, offered] = shown[at];
    const text = "Round " + number + " of " + negotiation.rounds + ", " + command + ": lower bound " + write(low, 2) + " USD, upper bound " + write(up, 2) +
      " USD, gap " + (gap === null ? "\u2013" : write(100 * gap, 2) + "\u00a0%");
    get("state").textContent = text;
    slider.setAttribute("aria-valuetext", text);
    bounds(shown, at);
    const known = (prices || []).filter((value) => value !== null), most = Math.max(1, ...asked, ...offered);
    rows.replaceChildren(...data.places.map((place, row) => {
      const made = document.createElement("tr"), head = document.createElement("th");
      head.scope = "row";
      head.textContent = place;
      const part = (values) => values && values.slice(row * columns, (row + 1) * columns);
      made.append(head, cell(part(prices), Math.min(0, ...known), Math.max(0, ...known), "#E69F00", 2, true),
        cell(part(asked), 0, most, "#D55E00", 1), cell(part(offered), 0, most, "#0072B2", 1));
      return made;
    }));
  }
  function choose() {
    const shown = data.negotiations[choice.value].shown;
    slider.max = shown.length - 1;
    // The last round with prices: what came of the negotiation.
    slider.value = shown.map((round) => round[5] !== null).lastIndexOf(true);
    show();
  }
  data.negotiations.forEach((negotiation, index) => choice.append(new Option(negotiation.label, index)));
  choice.value = data.start;
  choice.addEventListener("change", choose);
  slider.addEventListener("input", show);
  get("box").hidden = false;
  choose();
})();

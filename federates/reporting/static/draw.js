// Elements, numbers and colours for every page that draws. Text is set as text and never as markup, so no name can become code.

export const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#8c6d31", "#7a7a7a"];
export const ASKED = "#D55E00", OFFERED = "#0072B2", PRICE = "#E69F00";
const SVG = "http://www.w3.org/2000/svg";

/** Return a number with thin spaces between thousands and a true minus; a dash for null. */
export function write(value, digits = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = value.toFixed(digits).replace("-", "−");
  const [whole, part] = text.split(".");
  return whole.replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f") + (part ? "." + part : "");
}

/** Return a number with about three digits that tell. */
export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  return write(value, size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 0.01 || size === 0 ? 2 : 4);
}

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

export function html(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Return a polyline's points as text; a null breaks nothing and is left out. */
export function points(pairs) {
  return pairs.filter((pair) => pair[1] !== null && Number.isFinite(pair[1])).map((pair) => pair[0].toFixed(2) + "," + pair[1].toFixed(2)).join(" ");
}

/** Return about count round numbers from low to high. */
export function ticks(low, high, count = 4) {
  const span = high - low || 1, raw = span / count, size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((part) => part * size).find((part) => part >= raw);
  const found = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + 1e-9 * span; value += step) found.push(Math.abs(value) < 1e-12 ? 0 : value);
  return found;
}

/** Return a colour of the page's style. */
export function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Small helpers: elements, numbers and times as words.

/** Return an element; attributes that are null or false are left out, functions named on... listen. Text is never read as HTML. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** Put children in place of all that is in an element, unless they are the same as before: what a person reads does not jump. */
export function fill(place, ...children) {
  const next = el("div", {}, ...children);
  if (next.innerHTML !== place.innerHTML) place.replaceChildren(...next.childNodes);
}

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const cents = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Return a number as text, with at most two decimal places. */
export function number(value) {
  return value === null || value === undefined ? "–" : plain.format(Math.abs(value) < 0.005 ? 0 : value);
}

/** Return an amount of money as text, without its unit. */
export function amount(value) {
  return value === null || value === undefined ? "–" : cents.format(Math.abs(value) < 0.005 ? 0 : value);
}

/** Return an amount of money as text. */
export function money(value) {
  return value === null || value === undefined ? "–" : `${amount(value)} USD`;
}

/** Return a unit as a person reads it. */
export function unit(text) {
  return text === "1" ? "" : text.replace("usd", "USD").replace("/", " per ");
}

/** Return a name of the boundary as a person reads it. */
export function words(name) {
  return name.replaceAll("_", " ");
}

const UNITS = /_(usd_per_[a-z]+|veh_per_h|kwh_per_veh|usd|veh|kwh|kw|mwh|mw|s|h|km)$/;
const SHOWN = { kwh: "kWh", kw: "kW", mwh: "MWh", mw: "MW", usd: "USD" };

/** Return a name whose end is its unit as a person reads it, such as worth_usd as "worth, USD". */
export function quantity(name) {
  const found = name.match(UNITS);
  if (!found) return words(name);
  const of = found[1].split("_").map((part) => (part === "per" ? "per" : SHOWN[part] || part)).join(" ");
  return `${words(name.slice(0, found.index))}, ${of}`;
}

/** Return seconds as minutes and seconds. */
export function minutes(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

/** Keeps the difference between the server's clock and this computer's. */
export const clock = {
  ahead: 0,
  set(serverSeconds) { this.ahead = serverSeconds - Date.now() / 1000; },
  left(deadline) { return deadline - this.ahead - Date.now() / 1000; },
};

/** Say something to who uses a screen reader, in the page's live region. */
export function announce(text) {
  const place = document.getElementById("said");
  if (place && place.textContent !== text) place.textContent = text;
}

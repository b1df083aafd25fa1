// Tables with named rows and columns, for values and for input, from the axes of a form.

import { el, money, number, unit } from "./dom.js";

/** Return nested lists of a shape, made by make(position in C order). */
export function nested(shape, make, at = { next: 0 }) {
  if (shape.length === 0) return make(at.next++);
  return Array.from({ length: shape[0] }, () => nested(shape.slice(1), make, at));
}

/** Return the entries of nested lists in C order. */
export function flat(values) {
  return Array.isArray(values) ? values.flatMap(flat) : [values];
}

export function shapeOf(form) {
  return form.axes.map((axis) => axis.names.length);
}

/**
 * Return how a form is laid out on the page: slices, each a table of rows and columns with positions in C order.
 *
 * What is divided into hours has a table for each; what is 0 or 1 (trains) has the hours as columns.
 */
function slices(form) {
  const shape = shapeOf(form), axes = form.axes;
  if (shape.length === 0) return [{ title: "", rows: [""], columns: [""], at: () => 0 }];
  if (shape.length === 1) return [{ title: "", rows: axes[0].names, columns: [""], head: axes[0].what, at: (i) => i }];
  if (shape.length === 2) {
    return [{ title: "", rows: axes[0].names, columns: axes[1].names, head: axes[0].what, at: (i, j) => i * shape[1] + j }];
  }
  const [a, b, c] = shape.slice(-3);
  if (form.whole) {
    return axes[0].names.map((name, k) => (
      { title: name, rows: axes[1].names, columns: axes[2].names, head: axes[1].what, at: (i, j) => (k * b + i) * c + j }));
  }
  return axes[2].names.map((name, k) => (
    { title: name, rows: axes[0].names, columns: axes[1].names, head: axes[0].what, at: (i, j) => (i * b + j) * c + k }));
}

function grid(slice, caption, cell) {
  const head = el("tr", {}, el("th", { scope: "col" }, slice.head || ""), slice.columns.map((name) => el("th", { scope: "col" }, name)));
  const body = slice.rows.map((row, i) =>
    el("tr", {}, el("th", { scope: "row" }, row), slice.columns.map((column, j) => el("td", {}, cell(slice.at(i, j), row, column, slice.title)))));
  const bare = slice.columns.length === 1 && slice.columns[0] === "";
  const table = el("table", {}, el("caption", {}, caption), bare ? null : el("thead", {}, head), el("tbody", {}, body));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table);
}

/** Return tables that show values, one number a cell. */
export function valueTables(form, values, title) {
  const entries = flat(values), of = unit(form.unit);
  return slices(form).map((slice) =>
    grid(slice, [title, slice.title].filter(Boolean).join(", ") + (of ? `, ${of}` : ""), (at) => number(entries[at])));
}

/**
 * Return a form's input: its element, and read() and write(nested values). Entries of the opened hour are in sight, later ones folded.
 *
 * start: nested values; beside: text under a cell by position, such as its price; label: what an entry means.
 */
export function inputTables(form, start, { beside = () => "", title, of }) {
  const entries = flat(start), shape = shapeOf(form), inputs = [];
  const parts = slices(form).map((slice) =>
    grid(slice, [title, slice.title].filter(Boolean).join(", ") + (of ? `, ${of}` : ""), (at, row, column, name) => {
      const note = beside(at);
      const label = [title, row, column && `to ${column}`, name, note].filter(Boolean).join(", ");
      const input = el("input", { type: "number", step: "any", inputmode: "decimal", value: String(entries[at] ?? 0), "aria-label": label });
      inputs[at] = input;
      return [input, note ? el("small", {}, note) : null];
    }));
  const later = parts.slice(1);
  const folded = form.whole || later.length === 0 ? later
    : [el("details", {}, el("summary", {}, `Later hours (${later.length}): what you expect now`), later)];
  const element = el("div", { class: "entry" }, parts[0], folded);
  return {
    element,
    read() {
      for (const input of inputs) {
        if (input.value.trim() === "" || !Number.isFinite(Number(input.value))) {
          input.focus();
          throw new Error(`Type a number: ${input.getAttribute("aria-label")}.`);
        }
      }
      return nested(shape, (at) => Number(inputs[at].value));
    },
    write(values) { flat(values).forEach((value, at) => { inputs[at].value = String(Math.round(value * 1e6) / 1e6); }); },
    typed() { return inputs.map((input) => input.value).join(" "); },
  };
}

/** Return what an answer costs as a list of terms. */
export function bill(told) {
  const rows = [["Own cost", told.cost_usd], ["Payment at these prices", told.payment_usd], ["Together", told.total_usd]];
  return el("dl", { class: "bill" }, rows.filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => [el("dt", {}, name), el("dd", {}, money(value))]));
}

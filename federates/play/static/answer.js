// The form of one question: tables to type in, the calculator, and the sentences that come back.

import { announce, el, fill, money, number, unit, words } from "./dom.js";
import { bill, flat, inputTables, nested, shapeOf, valueTables } from "./tables.js";

/** Return the form of the open question of a view; send(path, content) takes it to the server. */
export function answerForm(view, send) {
  return view.question.kind === "coordinate" ? coordinatorForm(view, send) : operatorForm(view, send);
}

const GOALS = {
  solve: {
    asks: "What you get saves you own cost, and you pay its price. The less own cost and payment are together, the better for you.",
    offers: "What you give costs you, and you are paid its price. The less own cost and payment are together, the better for you.",
    both: "You are paid for what you offer and pay for what you ask. The less own cost and payment are together, the better for you.",
  },
  evaluate: {
    asks: "Say how much of it you use. The cost that you tell is compared with that of other plans.",
    offers: "Say how much of it you send. The cost that you tell is compared with that of other plans.",
    both: "Say how much of it you use and send. The cost that you tell is compared with that of other plans.",
  },
};
const typed = {};  // what was typed last, by exchange and hour, so that a new round begins where the last one ended

function operatorForm(view, send) {
  const asked = view.question, solve = asked.kind === "solve";
  const tables = asked.forms.map((form) => {
    const known = solve ? typed[`${form.name}/${view.period}`] : form.given;
    const start = known || nested(shapeOf(form), () => 0);
    const beside = solve ? flat(form.prices).map((price) => `at ${number(price)}`) : flat(form.given).map((given) => `of ${number(given)}`);
    const title = `${words(form.name)} ${solve ? "" : "that is used or sent"}`.trim();
    return inputTables(form, start, { title, of: unit(form.unit) + (solve ? `; prices in ${unit(form.price_unit) || "USD"}` : ""), beside: (at) => beside[at] });
  });
  const claim = el("input", { type: "number", step: "any", id: "claim", inputmode: "decimal" });
  const now = () => [claim.value, ...tables.map((table) => table.typed())].join("/");
  let shown = null;  // what stood there when the best answer was shown: sent unchanged it is that answer to the last digit
  const read = () => {
    if (shown === now()) return { best: true };
    const quantities = Object.fromEntries(asked.forms.map((form, i) => [form.name, tables[i].read()]));
    if (solve) asked.forms.forEach((form) => { typed[`${form.name}/${view.period}`] = quantities[form.name]; });
    const claimed = claim.value.trim() === "" ? {} : { claimed_cost_usd: Number(claim.value) };
    return { quantities, ...claimed };
  };
  const hint = view.hints ? ["Show the best answer", async (say) => {
    const best = await send("hint", {});
    asked.forms.forEach((form, i) => tables[i].write(best.quantities[form.name]));
    shown = now();
    say(el("p", {}, "Your model's best answer is in the table."), bill(best));
  }] : null;
  return shell([
    asked.forms.map((form) => el("p", { class: "soft" }, form.meaning)),
    el("p", { class: "soft" }, GOALS[asked.kind][asked.side]),
    tables.map((table) => table.element),
    el("details", {}, el("summary", {}, "Tell another cost than your own"),
      el("p", { class: "soft" }, "Empty: the true one is told. The debrief shows both."),
      el("label", { for: "claim" }, "Cost that you tell, USD"), " ", claim),
  ], "What would this cost me?", read, (told) => bill(told), hint, send);
}

function coordinatorForm(view, send) {
  const asked = view.question;
  const modes = { prices: "Ask all at these prices", given: "Ask what this plan would cost", commit: "Commit this plan" };
  let mode = "prices";
  const prices = asked.forms.map((form) => inputTables(form, form.asked_prices || typed[`price of ${form.name}/${view.period}`] || nested(shapeOf(form), () => 0),
    { title: `price of ${words(form.name)}`, of: unit(form.price_unit) || "USD" }));
  const plans = asked.forms.map((form) => inputTables(form, (asked.plans[0] || { quantities: {} }).quantities[form.name] || nested(shapeOf(form), () => 0),
    { title: words(form.name), of: unit(form.unit) }));
  const choose = el("select", { id: "plan", onchange: (event) => {
    const plan = asked.plans[Number(event.target.value)];
    asked.forms.forEach((form, i) => plans[i].write(plan.quantities[form.name]));
  } }, asked.plans.map((plan, i) => el("option", { value: String(i) }, plan.name + (plan.cost_usd === null ? "" : `, ${money(plan.cost_usd)}`))));
  const ofPlan = el("div", { hidden: true }, asked.plans.length ? [el("label", { for: "plan" }, "Start from"), " ", choose] : null, plans.map((table) => table.element));
  const ofPrices = el("div", {}, prices.map((table) => table.element));
  const set = (chosen) => { mode = chosen; ofPlan.hidden = mode === "prices"; ofPrices.hidden = mode !== "prices"; };
  const choice = el("fieldset", {}, el("legend", {}, "Your decision"), Object.entries(modes).map(([name, text]) =>
    el("label", { class: "mode" }, el("input", { type: "radio", name: "mode", value: name, checked: name === mode, onchange: () => set(name) }), ` ${text}`)));
  const now = () => [mode, ...(mode === "prices" ? prices : plans).map((table) => table.typed())].join("/");
  let shown = null;  // what the algorithm would do, unchanged, is its own question: then it goes on from there
  const read = () => {
    if (shown === now()) {
      asked.forms.forEach((form, i) => { if (mode === "prices") typed[`price of ${form.name}/${view.period}`] = prices[i].read(); });
      return { best: true };
    }
    const tables = mode === "prices" ? prices : plans;
    const told = Object.fromEntries(asked.forms.map((form, i) => [form.name, tables[i].read()]));
    if (mode === "prices") asked.forms.forEach((form) => { typed[`price of ${form.name}/${view.period}`] = told[form.name]; });
    return { [mode]: told };
  };
  const hint = view.hints ? ["Show what the computer would do", async (say) => {
    const best = await send("hint", {});
    const name = Object.keys(modes).find((key) => best[key]);
    if (!name) { say(el("p", {}, "It knows nothing better.")); return; }
    asked.forms.forEach((form, i) => (name === "prices" ? prices : plans)[i].write(best[name][form.name]));
    choice.querySelector(`input[value=${name}]`).checked = true;
    set(name);
    shown = now();
    say(el("p", {}, `It would do this: ${modes[name].toLowerCase()}.`));
  }] : null;
  return shell([heardFrom(asked), choice, ofPrices, ofPlan], "What would be proven of this plan?", read, verdict, hint, send);
}

function heardFrom(asked) {
  const proof = asked.proof;
  const bounds = proof && el("dl", { class: "bill" }, [["No plan costs less than", money(proof.lower_usd)], ["Best plan so far", money(proof.upper_usd)],
    ["Gap", proof.gap === null || proof.gap === undefined ? "–" : `${number(100 * proof.gap)} %`]].map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
  const answers = asked.answers.map((answer) => el("details", { open: true },
    el("summary", {}, `${words(answer.agent)} says: own cost ${money(answer.cost_usd)}, bound ${money(answer.bound_usd)}`),
    answer.forms.map((form) => valueTables(form, form.values, words(form.name)))));
  return [bounds, answers.length ? answers : el("p", { class: "soft" }, "Nobody has answered in this hour yet.")];
}

function verdict(told) {
  const rows = [["Cost by what was told", money(told.cost_usd)], ["Gap", told.gap === null || told.gap === undefined ? "–" : `${number(100 * told.gap)} %`]];
  return [el("dl", { class: "bill" }, rows.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])), told.verdict ? el("p", {}, told.verdict) : null];
}

/** Return the form around its tables: buttons, results, refusals. Enter asks the calculator and never sends. */
function shell(parts, calculate, read, result, hint, send) {
  const said = el("div", { class: "result", "aria-live": "polite" }), wrong = el("div", { class: "refusals", role: "alert" });
  const buttons = [];
  let told = false;  // the page waits for the next question
  const act = (work) => async (event) => {
    event.preventDefault();
    wrong.replaceChildren();
    buttons.forEach((button) => { button.disabled = true; });
    try { await work((...children) => fill(said, ...children)); }
    catch (error) { wrong.replaceChildren(el("p", { class: "box bad" }, error.message)); }
    finally { if (!told) buttons.forEach((button) => { button.disabled = false; }); }
  };
  const answer = act(async (say) => {
    await send("answer", read());
    told = true;
    say(el("p", { class: "good" }, "Your answer is told."));
    announce("Your answer is told.");
  });
  buttons.push(el("button", { type: "submit" }, calculate), hint && el("button", { type: "button", onclick: act(hint[1]) }, hint[0]),
    el("button", { type: "button", class: "main", id: "send", onclick: answer }, "Send my answer"));
  buttons.splice(0, buttons.length, ...buttons.filter(Boolean));
  const element = el("form", { novalidate: true, onsubmit: act(async (say) => say(result(await send("draft", read())))) },
    parts, el("div", { class: "buttons" }, buttons), said, wrong);
  return { element, refused(sentences) { if (sentences.length) wrong.replaceChildren(el("p", { class: "box bad" }, sentences.at(-1))); } };
}

// The report's replay: which negotiation, which round; the panel of the live view shows it.
import { write } from "/static/report/draw.js";
import { negotiationPanel } from "/static/report/negotiation.js";

export function replay(data, heads) {
  const get = (id) => document.getElementById("replay-" + id), columns = data.columns;
  const slider = get("round"), choice = get("period"), panel = negotiationPanel(get("panel"), heads);
  function show() {
    const negotiation = data.negotiations[choice.value], { shown } = negotiation, at = Number(slider.value);
    const [number, command, low, up, gap, prices, asked, offered] = shown[at];
    const state = `Round ${number} of ${negotiation.rounds}, ${command}: lower bound ${write(low, 2)} USD, upper bound ${write(up, 2)} USD, ` +
      `gap ${gap === null ? "–" : write(100 * gap, 2) + "\u00a0%"}`;
    slider.setAttribute("aria-valuetext", state);
    const part = (values, row) => values && values.slice(row * columns, (row + 1) * columns);
    panel.show({
      state, at, mean: true, lower: shown.map((round) => round[2]), upper: shown.map((round) => round[3]),
      rows: data.places.map((place, row) => ({ place, prices: part(prices, row), asked: part(asked, row), offered: part(offered, row) })),
    });
  }
  function choose() {
    const { shown } = data.negotiations[choice.value];
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
}

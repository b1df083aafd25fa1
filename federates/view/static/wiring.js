// Who can tell whom what, as a picture: agents and lines between them; what is being told in a beat moves along its line.
import { COLOURS, svg } from "/static/report/draw.js";

const RADIUS = 17;
const DARK_ON = ["#E69F00", "#CC79A7", "#56B4E9"];  // on these white cannot be read

/** Return agents that the viewer knows of, with their place: the coordinator in the middle, the others around it; and the height. */
function placed(scene, WIDE) {
  const known = new Set(Object.values(scene.lines).flatMap((line) => [line.sender, ...line.receivers]));
  const agents = scene.agents.filter((agent) => known.has(agent.name) && agent.name !== "coordinator");
  const nodes = new Map(), HIGH = agents.length < 3 ? 170 : agents.length < 5 ? 300 : 380;
  if (known.has("coordinator")) nodes.set("coordinator", { x: WIDE / 2, y: HIGH / 2, agent: { name: "coordinator", role: "coordinator" } });
  agents.forEach((agent, i) => {
    const turn = -Math.PI / 2 + (i + 0.5 * (agents.length % 2 === 0)) * 2 * Math.PI / agents.length;
    nodes.set(agent.name, { x: WIDE / 2 + 0.38 * WIDE * Math.cos(turn), y: HIGH / 2 + 0.37 * HIGH * Math.sin(turn) - 6, agent });
  });
  const tops = [...nodes.values()].map((node) => node.y);
  return { nodes, top: Math.min(...tops) - RADIUS - 12, high: Math.max(...tops) - Math.min(...tops) + 2 * RADIUS + 52 };
}

/** Return the path from one node to another, a little to the right, so that there and back are two lines. */
function path(from, to) {
  const dx = to.x - from.x, dy = to.y - from.y, length = Math.hypot(dx, dy) || 1;
  const ux = dx / length, uy = dy / length, bend = 14;
  const start = { x: from.x + ux * RADIUS - uy * 4, y: from.y + uy * RADIUS + ux * 4 };
  const end = { x: to.x - ux * (RADIUS + 5) - uy * 4, y: to.y - uy * (RADIUS + 5) + ux * 4 };
  const middle = { x: (start.x + end.x) / 2 - uy * bend, y: (start.y + end.y) / 2 + ux * bend };
  return { start, middle, end, text: `M${start.x.toFixed(1)},${start.y.toFixed(1)} Q${middle.x.toFixed(1)},${middle.y.toFixed(1)} ${end.x.toFixed(1)},${end.y.toFixed(1)}` };
}

function along({ start, middle, end }, part) {
  const rest = 1 - part;
  return [rest * rest * start.x + 2 * rest * part * middle.x + part * part * end.x, rest * rest * start.y + 2 * rest * part * middle.y + part * part * end.y];
}

function nodeShape(node, colour, isViewer) {
  const name = node.agent.name, words = name.split("_");
  const label = svg("text", { x: node.x, y: node.y + RADIUS + 15, "text-anchor": "middle", class: "node-name" });
  // Two short lines read better than one that runs into the next agent.
  const lines = name.length > 14 && words.length > 1 ? [words.slice(0, -1).join("_"), "_" + words.at(-1)] : [name];
  lines.forEach((text, i) => label.append(svg("tspan", { x: node.x, dy: i ? 13 : 0 }, text)));
  return svg("g", {}, svg("circle", { cx: node.x, cy: node.y, r: RADIUS, class: isViewer ? "node own" : "node", fill: colour }),
    svg("text", { x: node.x, y: node.y + 5, "text-anchor": "middle", class: DARK_ON.includes(colour) ? "node-letter dark" : "node-letter" }, words.map((word) => word[0].toUpperCase()).slice(0, 2).join("")), label);
}

/** Return the colour of each agent by name: one for each role. */
export function agentColours(scene) {
  const roles = [...new Set(scene.agents.map((agent) => agent.role))].filter((role) => role !== "coordinator");
  return new Map(scene.agents.map((agent) => [agent.name, agent.role === "coordinator" ? "#5a626c" : COLOURS[roles.indexOf(agent.role) % COLOURS.length]]));
}

/** Return the messages of a beat in the steps in which they are told: together goes what one agent tells at about one time. */
function steps(messages) {
  const found = [];
  for (const message of [...messages].sort((left, right) => left.wall - right.wall)) {
    const last = found.at(-1), side = message.line.sender === "coordinator";
    if (last && last.side === side) last.messages.push(message);
    else found.push({ side, messages: [message] });
  }
  return found;
}

export function wiring(host, scene) {
  // On a phone the picture is narrower, not smaller: its names stay readable.
  const WIDE = host.clientWidth && host.clientWidth < 480 ? 380 : 640, { nodes, top, high } = placed(scene, WIDE), colours = agentColours(scene), edges = new Map();
  const back = svg("g"), moving = svg("g"), front = svg("g");
  for (const line of Object.values(scene.lines)) {
    for (const receiver of line.receivers) {
      const key = `${line.sender}>${receiver}`;
      if (edges.has(key) || !nodes.has(line.sender) || !nodes.has(receiver)) continue;
      const shape = path(nodes.get(line.sender), nodes.get(receiver));
      const drawn = svg("path", { d: shape.text, class: "edge", "marker-end": "url(#arrow)" });
      edges.set(key, { shape, drawn, colour: colours.get(line.sender) });
      back.append(drawn);
    }
  }
  for (const node of nodes.values()) front.append(nodeShape(node, colours.get(node.agent.name), node.agent.name === scene.viewer));
  const arrow = svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" },
    svg("path", { d: "M0,0 L8,4 L0,8 z", fill: "context-stroke" }));
  const picture = svg("svg", { viewBox: `0 ${top} ${WIDE} ${high}`, class: "wiring", role: "img" }, svg("defs", {}, arrow), back, moving, front);
  host.replaceChildren(picture);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let told = [], dots = [];
  return {
    update(beat) {
      told = steps(beat.messages);
      const active = new Map();
      for (const message of beat.messages) for (const receiver of message.line.receivers) active.set(`${message.line.sender}>${receiver}`, message);
      for (const [key, edge] of edges) {
        edge.drawn.classList.toggle("active", active.has(key));
        edge.drawn.style.stroke = active.has(key) ? edge.colour : "";
      }
      const pairs = [...active.keys()].map((key) => key.replace(">", " tells "));
      picture.setAttribute("aria-label", pairs.length ? `In this step ${pairs.join(", ")}.` : "In this step nobody tells anybody anything.");
      moving.replaceChildren();
      dots = told.map((step) => [...new Set(step.messages.flatMap((message) => message.line.receivers.map((receiver) => `${message.line.sender}>${receiver}`)))]
        .filter((key) => edges.has(key)).map((key) => ({ edge: edges.get(key), dot: svg("circle", { r: 5.5, class: "dot", fill: edges.get(key).colour }) })));
    },
    frame(fraction, moves) {
      if (!moves || still.matches || !dots.length) return moving.replaceChildren();
      const at = Math.min(fraction, 0.9999) * dots.length, step = Math.floor(at), part = at - step;
      const shown = dots[step].map(({ edge, dot }) => {
        const [x, y] = along(edge.shape, part);
        dot.setAttribute("cx", x.toFixed(1));
        dot.setAttribute("cy", y.toFixed(1));
        return dot;
      });
      if (moving.firstChild !== shown[0] || moving.childElementCount !== shown.length) moving.replaceChildren(...shown);
    },
  };
}

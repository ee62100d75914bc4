/** A line of numbers, as small as a word; what it shows is said in text too. */
import { words } from "./made.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [300, 60];

/** The elements of a sparkline of two numbers or more, the oldest first; else none. */
export function spark(values, label) {
  if (values.length < 2) return [];
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "polyline");
  const [low, high] = [Math.min(0, ...values), Math.max(...values)];
  const at = (value, index) => `${(index * WIDTH) / (values.length - 1)},${HEIGHT - ((value - low) * HEIGHT) / (high - low || 1)}`;
  line.setAttribute("points", values.map(at).join(" "));
  line.setAttribute("vector-effect", "non-scaling-stroke");
  svg.setAttribute("viewBox", `0 -2 ${WIDTH} ${HEIGHT + 4}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("class", "spark");
  svg.setAttribute("aria-label", `${label}: ${words.number(values[0])} to ${words.number(values.at(-1))}, at most ${words.number(high)}`);
  svg.append(line);
  return [svg];
}

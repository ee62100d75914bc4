/** The Prometheus text format, as far as this page asks: names, labels, numbers. */
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED = { "\\\\": "\\", '\\"': '"', "\\n": "\n" };

const number = (text) => ({ "+Inf": Infinity, "-Inf": -Infinity })[text] ?? Number(text);

/** Samples by metric name: `{labels, value}` each. */
export function parse(text) {
  const found = new Map();
  for (const row of text.split("\n")) {
    const [, name, inner, value] = LINE.exec(row) ?? [];
    if (!name) continue;
    const labels = {};
    for (const [, label, quoted] of (inner ?? "").matchAll(LABEL)) labels[label] = quoted.replace(/\\[\\"n]/g, (each) => ESCAPED[each]);
    if (!found.has(name)) found.set(name, []);
    found.get(name).push({ labels, value: number(value) });
  }
  return found;
}

/** The sum of a metric's samples that `fits` lets through. */
export function sum(samples, name, fits = () => true) {
  return (samples.get(name) ?? []).filter(({ labels }) => fits(labels)).reduce((all, { value }) => all + value, 0);
}

/** The bound under which a share of what a histogram counted between two samples lies; null of nothing. */
export function quantile(before, after, name, share) {
  const counted = (samples) => new Map((samples.get(`${name}_bucket`) ?? []).map(({ labels, value }) => [number(labels.le), value]));
  const old = counted(before);
  const grown = [...counted(after)].sort(([one], [other]) => one - other).map(([bound, count]) => [bound, count - (old.get(bound) ?? 0)]);
  const all = grown.at(-1)?.[1];
  return all > 0 ? grown.find(([, count]) => count >= share * all)[0] : null;
}

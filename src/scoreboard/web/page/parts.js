/** What our pages are built from: no element is made from text (Trusted Types). */

/** An element: `tag`, or `tag.word` with that class and `::part()`. */
export function node(name, attributes, ...children) {
  const [tag, word] = name.split(".");
  const made = document.createElement(tag);
  const all = { ...(word && { class: word, part: word }), ...attributes };
  for (const each in all) made.setAttribute(each, all[each]);
  made.append(...children);
  return made;
}

/** Writes what is new: nothing is laid out or read aloud twice. */
export function write(where, words) {
  if (where.textContent !== words) where.textContent = words;
}

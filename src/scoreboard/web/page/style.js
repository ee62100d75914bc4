/** The look of a board. Every size is in `em`, so that the element's font size scales all of it. */
export const style = new CSSStyleSheet();
style.replaceSync(`
:host {
  --ink: var(--score-board-ink, light-dark(#14171f, #f3f5f9));
  --muted: var(--score-board-muted, light-dark(#565e6c, #9ba5b6));
  --surface: var(--score-board-surface, light-dark(#fff, #161b25));
  --bar: var(--score-board-bar, light-dark(#e7ebf3, #232c3d));
  --accent: var(--score-board-accent, light-dark(#9a5200, #ffb938));
  --lead: var(--score-board-lead, light-dark(#ffe3b0, #4a3614));
  --live: var(--score-board-live, light-dark(#0b7540, #43dd8b));
  --warn: var(--score-board-warn, light-dark(#a13d00, #ffa25e));
  --row: var(--score-board-row-height, 3em);
  --gap: var(--score-board-gap, .35em);
  --radius: var(--score-board-radius, .6em);
  display: block; color: var(--ink); line-height: 1.25;
  font-family: var(--score-board-font, inherit);
}
:host([hidden]) { display: none }
.head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1em 1em; margin: 0 0 .6em }
.title { flex: 1 1 auto; min-width: 0; overflow-wrap: anywhere }
.heading, ::slotted(h1) { font-size: 1.75em !important; font-weight: 750; letter-spacing: -.02em; line-height: 1.1;
  margin: 0 !important }
.period { color: var(--muted) }
.status { margin: 0; color: var(--warn); font-weight: 600; font-variant-numeric: tabular-nums }
.status::before { content: ""; display: inline-block; width: .55em; height: .55em; margin-inline-end: .45em;
  border-radius: 50%; background: currentColor }
[data-state=connecting] .status { color: var(--muted) }
[data-state=live] .status { color: var(--live) }
[data-state=live] .status::before { animation: beat 2.4s ease-out infinite }
@keyframes beat { from { box-shadow: 0 0 0 0 currentColor } 60%, to { box-shadow: 0 0 0 .5em transparent } }
table, thead, tbody, tr { display: block }
table { position: relative }
th, td { padding: 0; font: inherit; text-align: start }
tr { display: grid; grid-template-columns: 3.4em minmax(0, 1fr) auto; align-items: center; padding-inline-end: 1em }
thead tr { color: var(--muted); font-size: .8em; padding-bottom: .4em; padding-inline-end: 1.25em }
thead tr > :first-child, .rank { text-align: center }
thead tr > :last-child, .score { text-align: end }
tbody.rows { min-height: calc(var(--places) * (var(--row) + var(--gap))) }
tbody.rows tr, .gone tr { position: relative; height: var(--row); margin-bottom: var(--gap); overflow: hidden;
  border-radius: var(--radius); background: var(--surface); isolation: isolate }
tbody tr::before { content: ""; position: absolute; inset: 0; z-index: -1; border-radius: inherit;
  background: var(--bar); transform: scaleX(var(--share, 0)); transform-origin: 0 50%; transition: transform .45s }
tbody tr:dir(rtl)::before { transform-origin: 100% 50% }
tbody tr::after { content: ""; position: absolute; inset: 0; z-index: -1; opacity: 0; background: var(--accent) }
tr[data-rank="1"]::before { background: var(--lead) }
.rank { font-size: 1.15em; font-weight: 700; color: var(--muted); font-variant-numeric: tabular-nums }
tr[data-rank="1"] .rank { color: var(--accent) }
.user { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 550 }
tr[data-rank="1"] .user { font-weight: 750 }
.score { padding-inline-start: .8em; font-size: 1.15em; font-weight: 700; font-variant-numeric: tabular-nums;
  white-space: nowrap }
.gain { margin-inline-end: .6em; font-size: .75em; color: var(--accent); opacity: 0 }
.gone { position: absolute; inset: 0; pointer-events: none }
.gone tr { position: absolute !important; inset-inline: 0 }
.empty { position: absolute; inset-inline: 0; margin: 0; padding: 2.5em 1em; text-align: center; color: var(--muted) }
.board { position: relative }
[data-stale] tbody { filter: saturate(.15); transition: filter .3s 1.5s }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap }
@media (max-width: 30em) { tr { grid-template-columns: 2.5em minmax(0, 1fr) auto; padding-inline-end: .75em } }
@media (prefers-reduced-motion: reduce) { *, ::before { animation: none !important; transition: none !important } }
@media (forced-colors: active) { tbody tr { outline: 1px solid CanvasText } }
`);

import { Html } from './html.ts';

/**
 * The look of every page, on screen and on paper. The colours of lines are those of Okabe and Ito (2008), which
 * colour-blind readers tell apart, https://jfly.uni-koeln.de/color/; on a dark ground they are lighter.
 */
export const style = new Html(`
:root {
  --paper: #ffffff; --panel: #f5f6f8; --ink: #1c1f24; --faint: #59616d; --rule: #dde1e7;
  --line-0: #0072b2; --line-1: #d55e00; --line-2: #007a5a; --line-3: #b0568c; --line-4: #8a6d00; --line-5: #2f8fc4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --panel: #1e2228; --ink: #e8eaed; --faint: #a3abb6; --rule: #353b44;
    --line-0: #56b4e9; --line-1: #f58b4c; --line-2: #2cc79b; --line-3: #dd94bd; --line-4: #e2c02f; --line-5: #9bb8ff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, 'Segoe UI', Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 27px; line-height: 1.25; font-weight: 650; margin: 0; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 19px; font-weight: 650; margin: 48px 0 12px; padding-top: 14px; border-top: 1px solid var(--rule); }
h3 { font-size: 15px; font-weight: 650; margin: 24px 0 6px; }
p { margin: 8px 0; max-width: 76ch; }
.lead { color: var(--faint); margin: 6px 0 0; overflow-wrap: anywhere; }
.aside { color: var(--faint); font-size: 13.5px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; margin: 24px 0 12px; }
.figure { background: var(--panel); border-radius: 8px; padding: 14px 16px; }
.figure .name { font-size: 13px; color: var(--faint); }
.figure .value { font-size: 28px; font-weight: 650; line-height: 1.25; font-variant-numeric: tabular-nums; }
.figure .note { font-size: 13px; color: var(--faint); }
.figure:first-child { outline: 2px solid var(--line-0); }
.table { overflow-x: auto; margin: 14px 0; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
caption { text-align: left; color: var(--faint); font-size: 13.5px; padding-bottom: 6px; }
caption span { display: block; position: sticky; left: 0; max-width: min(96ch, 100vw - 32px); }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
th:first-child, td:first-child { padding-left: 0; }
thead th { font-weight: 600; font-size: 13px; color: var(--faint); vertical-align: bottom; }
tbody th { font-weight: 500; min-width: 90px; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
td small, dd small, th small { color: var(--faint); font-size: 12px; font-weight: 400; }
td.number small { display: block; white-space: normal; }
td small span { white-space: nowrap; }
tr.total th, tr.total td { font-weight: 650; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 20px 28px; }
.chart { margin: 8px 0; break-inside: avoid; }
.chart figcaption { font-size: 13.5px; color: var(--faint); margin-bottom: 4px; }
.chart figcaption strong { color: var(--ink); font-weight: 600; }
.chart svg { display: block; width: 100%; height: auto; }
.moments { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: 8px 6px; margin: 0 0 22px; break-inside: avoid; }
.moments figure { margin: 0; }
.moments img { display: block; width: 100%; height: auto; border: 1px solid var(--rule); background: var(--panel); }
.moments figcaption { font-size: 12px; color: var(--faint); }
pre { overflow-x: auto; background: var(--panel); border-radius: 8px; padding: 12px 16px; }
.exhibits { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 18px 28px; }
.exhibit { margin: 0; break-inside: avoid; }
.exhibit .views { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px; align-items: start; }
.exhibit img { display: block; width: 100%; height: auto; border: 1px solid var(--rule); background: var(--panel); }
.exhibit figcaption { font-size: 13px; color: var(--faint); overflow-wrap: anywhere; margin-top: 4px; }
.exhibit figcaption strong { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
.notice { border-left: 4px solid var(--line-0); background: var(--panel); padding: 6px 16px; margin: 16px 0; border-radius: 0 8px 8px 0; }
.notice p { max-width: 92ch; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); gap: 16px; margin: 24px 0 12px; }
.drawing { margin: 0; break-inside: avoid; }
.drawing svg { display: block; width: 100%; height: auto; max-height: 82vh; border-radius: 6px; background: var(--panel); }
.drawing figcaption { font-size: 13px; color: var(--faint); margin-top: 6px; }
.outline { fill: none; stroke: #ffffff; stroke-width: 2px; vector-effect: non-scaling-stroke; filter: drop-shadow(0 0 1px #000000) drop-shadow(0 0 1px #000000); }
circle.badge { fill: #14171b; stroke: #ffffff; stroke-width: 1.5px; vector-effect: non-scaling-stroke; }
text.badge { fill: #ffffff; text-anchor: middle; font-weight: 650; font-family: system-ui, sans-serif; }
.mark { fill: none; stroke: #56b4e9; filter: drop-shadow(0 0 1px #000000); }
.mark.second { stroke: #f0e442; }
.mark.match { stroke: #ffffff; stroke-opacity: 0.75; }
.scale { display: flex; gap: 10px; align-items: center; font-size: 12.5px; color: var(--faint); margin: 8px 0; }
.scale .bar { flex: 1 0 80px; max-width: 320px; height: 10px; border-radius: 5px; border: 1px solid var(--rule); position: relative; }
.scale .bar i { position: absolute; top: -4px; bottom: -4px; width: 2px; margin-left: -1px; background: var(--ink); }
.cut { display: block; width: 92px; height: 92px; border-radius: 4px; background: var(--panel); }
.chip { display: inline-block; font-size: 12px; font-weight: 600; line-height: 1.5; padding: 1px 9px; border-radius: 20px; border: 1px solid var(--rule); color: var(--faint); white-space: nowrap; vertical-align: 2px; }
.chip.notable { background: var(--line-1); border-color: var(--line-1); color: var(--paper); }
.chip.shown { border-color: var(--line-0); color: var(--line-0); }
.evidence { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 28px; margin: 32px 0; scroll-margin-top: 16px; }
.evidence.plain { grid-template-columns: 1fr; }
.evidence h3, .evidence > .table { grid-column: 1 / -1; }
.evidence h3 { font-size: 16px; margin: 0 0 10px; }
.evidence .words > p:first-child { margin-top: 0; }
.reading > div { grid-template-columns: 72px 1fr; }
a { color: var(--line-0); text-underline-offset: 2px; overflow-wrap: anywhere; }
dl { margin: 12px 0; font-size: 14px; }
dl > div { display: grid; grid-template-columns: 190px 1fr; gap: 12px; padding: 5px 0; border-bottom: 1px solid var(--rule); }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: 12.5px/1.5 ui-monospace, 'SF Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere; }
details { margin: 10px 0; }
summary { cursor: pointer; color: var(--faint); font-size: 13.5px; }
ul { padding-left: 20px; margin: 6px 0; }
li { max-width: 84ch; margin: 2px 0; }
@media screen and (max-width: 720px) { .evidence { grid-template-columns: 1fr; } .evidence .seen { margin-bottom: 12px; } }
@media (max-width: 560px) { dl > div { grid-template-columns: 1fr; gap: 0; } main { padding: 24px 16px 48px; } }
@media print {
  :root {
    --paper: #ffffff; --panel: #f3f4f6; --ink: #000000; --faint: #444444; --rule: #c8ccd2;
    --line-0: #0072b2; --line-1: #d55e00; --line-2: #007a5a; --line-3: #b0568c; --line-4: #8a6d00; --line-5: #2f8fc4;
  }
  @page { margin: 14mm; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  table, thead th, caption { font-size: 8.5pt; }
  td small, dd small, th small { font-size: 7.5pt; }
  th, td { padding: 3px 6px; }
  .table { overflow: visible; }
  h2, h3 { break-after: avoid; margin-top: 24px; }
  details::details-content { content-visibility: visible; block-size: auto; }
  tr, .figure { break-inside: avoid; }
  thead { display: table-header-group; }
  .pair { grid-template-columns: 1fr 1fr; }
  .drawing svg { max-height: 120mm; }
  .evidence { break-inside: avoid; margin: 18px 0; }
  .cut { width: 20mm; height: 20mm; }
  a { color: inherit; }
  .charts, .exhibits { grid-template-columns: 1fr 1fr; }
}
`);

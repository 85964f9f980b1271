/** The style sheet of report pages: light and dark, phone to wide screen, and paper. */
import { CHART_FONT, colourProperties } from './chart.node.ts';

export const PAGE_STYLE = `
:root{color-scheme:light dark;--page:#f6f8fa;--edge:#d1d9e0;${colourProperties('light')}}
@media (prefers-color-scheme:dark){:root{--page:#010409;--edge:#3d444d;${colourProperties('dark')}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 ${CHART_FONT};overflow-wrap:break-word}
main,header,footer{max-width:1360px;margin:0 auto;padding:0 16px}
header{padding-top:28px}
footer{padding-top:8px;padding-bottom:32px;color:var(--faint-ink);font-size:13px}
h1{margin:0;font-size:26px;line-height:1.25}
h2{margin:0 0 4px;font-size:18px}
h3{margin:20px 0 4px;font-size:15px}
p{margin:0 0 12px}
.faint,.lead{color:var(--faint-ink)}
.lead{margin:4px 0 0}
code{font:13px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
section{margin:16px 0;padding:18px;border:1px solid var(--edge);border-radius:10px;background:var(--background)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(max(132px,18%),1fr));gap:10px;margin:18px 0;padding:0}
.facts div{padding:10px 12px;border:1px solid var(--edge);border-radius:10px;background:var(--background)}
.facts dt{color:var(--faint-ink);font-size:12px}
.facts dd{margin:0;font-size:20px;font-weight:600;line-height:1.3}
.facts dd small{display:block;font-size:12px;font-weight:400;color:var(--faint-ink)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr));gap:4px 12px;justify-items:center}
.charts figure,.chart{margin:0;max-width:100%}
svg{display:block;max-width:100%;height:auto}
.columns{columns:340px;column-gap:16px}
.columns section{margin:0 0 16px;break-inside:avoid}
.columns section.long{break-inside:auto}
.columns .scroll{max-height:640px;overflow:auto}
.columns thead th{position:sticky;top:0;background:var(--background)}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.list{width:100%}
.list th,.list td{padding:5px 6px;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top;font-size:14px}
.list thead th{color:var(--faint-ink);font-weight:400;font-size:12px;vertical-align:bottom}
.list tbody th{font-weight:500;min-width:6.5em;overflow-wrap:anywhere}
.runs tbody th{min-width:10em}
.scroll tbody th{position:sticky;left:0;background:var(--background)}
.columns .list th,.columns .list td{padding:5px 3px}
.columns .list tbody th{min-width:4.6em}
.columns .bar{width:28px}
.settings th{white-space:nowrap}
.settings td{overflow-wrap:anywhere}
.list .n{text-align:right;white-space:nowrap}
.list .best{font-weight:700}
.list tbody tr:last-child>*{border-bottom:0}
.bar{display:inline-block;width:40px;height:8px;margin-left:6px;border-radius:2px;background:var(--grid);overflow:hidden}
.bar i{display:block;height:100%;background:var(--blue)}
ul{margin:0;padding-left:18px}
.swatch{display:inline-block;width:18px;height:0;margin-right:6px;vertical-align:middle;border-top:3px solid}
.swatch.dashed{border-top-style:dashed}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;margin:6px 0 10px;padding:0;list-style:none;font-size:14px}
.matrix{display:flex;flex-wrap:wrap;gap:16px 28px;align-items:flex-start}
.matrix>.scroll{flex:0 1 auto}
.matrix>.pictures-of{flex:1 1 300px;min-width:min(100%,280px)}
.confusion{border-spacing:1px;border-collapse:separate}
.confusion th{font-weight:400;font-size:12px;padding:0 6px;max-width:130px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.confusion tbody th{text-align:right}
.confusion thead th{height:1px;padding:6px 0;vertical-align:bottom;max-width:none}
.confusion thead span{display:inline-block;writing-mode:vertical-rl;transform:rotate(180deg);max-height:110px;overflow:hidden;text-overflow:ellipsis}
.confusion .axis{color:var(--faint-ink)}
.confusion td{min-width:36px;height:34px;padding:0 3px;text-align:center;font-size:12px;border-radius:2px;background:var(--page)}
.confusion td.right{background:color-mix(in srgb,var(--blue) var(--s),var(--background))}
.confusion td.wrong{background:color-mix(in srgb,var(--orange) var(--s),var(--background))}
.confusion td.strong{color:var(--background)}
.confusion.dense td{min-width:23px;height:22px;padding:0 1px;font-size:11px}
.confusion td[tabindex]{cursor:pointer}
.confusion td:focus-visible,.confusion td.chosen{outline:2px solid var(--ink);outline-offset:-1px}
.choice{margin-right:4px}
.choice+label{margin-right:14px;font-size:14px}
.as-shares{display:none}
#shares:checked~.matrix .as-shares{display:inline}
#shares:checked~.matrix .as-counts{display:none}
.thumbnails{display:grid;grid-template-columns:repeat(auto-fill,minmax(94px,1fr));gap:10px;margin:8px 0 0;padding:0;list-style:none}
.thumbnails li{font-size:11px;line-height:1.3;color:var(--faint-ink);min-width:0;overflow-wrap:anywhere}
.thumbnails img{display:block;width:100%;aspect-ratio:1;object-fit:contain;border-radius:4px;background:var(--page);margin-bottom:3px}
.thumbnails img.small{image-rendering:pixelated}
@media (max-width:520px){
main,header,footer{padding-left:10px;padding-right:10px}
section{padding:14px 10px}
h1{font-size:21px}
.facts{grid-template-columns:1fr 1fr;gap:8px}
.facts dd{font-size:17px}
.confusion td{min-width:24px;height:26px;padding:0 1px;font-size:11px}
.confusion th{max-width:84px;padding:0 4px}
.thumbnails{grid-template-columns:repeat(auto-fill,minmax(74px,1fr))}
.list th,.list td{padding:5px 4px;font-size:13px}
.bar{display:none}
}
@media print{
:root{--page:#fff}
body{font-size:11pt;background:#fff}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
section,.facts div,figure,tr,li{break-inside:avoid}
section.long{break-inside:auto}
h2,h3{break-after:avoid}
.screen{display:none}
.charts{grid-template-columns:repeat(3,1fr)}
.facts dd{font-size:15px}
.scroll,.columns .scroll{overflow:visible;max-height:none}
.bar{display:none}
.scroll tbody th,.columns thead th{position:static}
}
`;

"""The style sheet of the page that shows what tests reach."""

STYLE = """
:root{color-scheme:light dark;--paper:#fdfdfb;--ink:#1f2328;--dim:#6a737d;--line:#dfe2e0;--full:#1a7f4b;--part:#9a6700;
--none:#c0352b;--full-bg:#e3f4ea;--part-bg:#fdf1d0;--none-bg:#fce4e1;--code:#f3f3ef}
@media(prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#dfe3e8;--dim:#8b949e;--line:#30363d;--full:#56c288;
--part:#e0b04a;--none:#ff8077;--full-bg:#16321f;--part-bg:#3a2f10;--none-bg:#411d1a;--code:#1f242b}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:78rem;padding:2rem 1.5rem 6rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{font-size:1.6rem;margin:0 0 .5rem}h2{font-size:1.35rem;margin:3rem 0 1rem;border-top:2px solid var(--line);
padding-top:1.5rem}h3{font-size:1.05rem;margin:2rem 0 .5rem}.name{color:var(--dim);font-weight:400}
a{color:inherit;text-decoration-color:var(--dim);text-underline-offset:.15em}
code,.source,.where,.what,.name{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
font-size:.92em}
code{background:var(--code);padding:.05em .3em;border-radius:3px}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;padding:0;margin:0}
.fine{color:var(--full)}.less{color:var(--part)}.hint,.legend,summary{color:var(--dim)}
.legend span{padding:.1rem .5rem;border-radius:3px;margin-right:.4rem;white-space:nowrap}
.bars{display:flex;flex-wrap:wrap;gap:1rem}.bar{flex:1 1 11rem;display:flex;flex-direction:column}
.bar b{font-size:1.3rem}.bar span{color:var(--dim)}.bar>i{height:6px;background:var(--line);border-radius:3px;
overflow:hidden;margin-top:.35rem}.bar i i{display:block;height:100%;background:currentColor}
.bar.full b,.bar.full>i{color:var(--full)}.bar.part b,.bar.part>i{color:var(--part)}
table{border-collapse:collapse}.wide{overflow-x:auto}
.list td{padding:.2rem 1.5rem .2rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
.list tr:target,.source tr:target{outline:2px solid var(--part)}
.matrix td,.matrix th{border:1px solid var(--line);padding:.12rem .5rem;text-align:center;font-weight:400}
.matrix thead th{vertical-align:bottom;color:var(--dim)}.matrix .what{text-align:left;white-space:nowrap}
.matrix .what b{font-weight:600}
.matrix .role{padding:.5rem .2rem}.matrix .role span{writing-mode:vertical-rl;transform:rotate(180deg)}
td.full,.legend .full{background:var(--full-bg);color:var(--full)}
td.part,.legend .part{background:var(--part-bg);color:var(--part)}
td.none,.legend .none{background:var(--none-bg);color:var(--none)}
.asked{background:var(--full-bg)}.free{color:var(--dim)}.deny{text-decoration:underline dotted}
.source{width:100%;line-height:1.45}.source td{padding:0 .6rem;white-space:pre;vertical-align:top}
.source .number{color:var(--dim);text-align:right;user-select:none;width:1%}
.source .mark{width:1%;text-align:center;border-left:4px solid transparent}
.source .full .mark{border-color:var(--full);color:var(--full)}
.source .part .mark{border-color:var(--part);color:var(--part)}
.source .none .mark{border-color:var(--none);color:var(--none)}
.source .part .code{background:var(--part-bg)}.source .none .code{background:var(--none-bg)}
.note{color:var(--dim);font-family:system-ui,sans-serif;font-size:.85em;margin-left:1.5rem}
"""

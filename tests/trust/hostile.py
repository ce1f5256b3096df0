"""Texts that mean more than they say to whatever shows them, and what may be shown of them.

Each has a word of its own in it, `q007q`, by which it is found again.
"""

import unicodedata

ESCAPES = (
    *("\x1b]0;owned\x07", "\x1b]2;owned\x1b\\", "\x1b]8;;http://x\x07link\x1b]8;;\x07"),
    *(
        "\x1b]52;c;cm0gLXJm\x07",
        "\x1b]9;told\x07",
        "\x1b]777;notify;a;b\x07",
        "\x1b]1337;File=a\x07",
    ),
    *("\x1b]4;0;red\x07", "\x1b]11;red\x07", "\x1b]50;font\x07", "\x1b]104\x07", "\x1b]0;open"),
    *("\x1b[31m", "\x1b[0m", "\x1b[38;2;1;2;3m", "\x1b[4:3m", "\x1b[8m", "\x1b[7m", "\x1b[1;1H"),
    *(
        "\x1b[123;45H",
        "\x1b[2J",
        "\x1b[3J",
        "\x1b[K",
        "\x1b[1A",
        "\x1b[1000B",
        "\x1b[10C",
        "\x1b[5D",
    ),
    *(
        "\x1b[s",
        "\x1b[u",
        "\x1b[6n",
        "\x1b[c",
        "\x1b[>c",
        "\x1b[=c",
        "\x1b[5n",
        "\x1b[21t",
        "\x1b[8;1;1t",
    ),
    *(
        "\x1b[?25l",
        "\x1b[?1049l",
        "\x1b[?1003h",
        "\x1b[?2004l",
        "\x1b[?2026h",
        "\x1b[?1l",
        "\x1b[!p",
    ),
    *(
        "\x1b[4h",
        "\x1b[20h",
        "\x1b[1;2r",
        "\x1b[3g",
        "\x1b[5i",
        "\x1b[M",
        "\x1b[L",
        "\x1b[@",
        "\x1b[b",
    ),
    *(
        "\x1b[>4;2m",
        "\x1b[<u",
        "\x1b[?u",
        "\x1b[31",
        "\x1b[",
        "\x1b",
        "\x1b\x1b[31m",
        "\x1b[3\x1b[31m1m",
    ),
    *(
        "\x1bc",
        "\x1b7",
        "\x1b8",
        "\x1bD",
        "\x1bE",
        "\x1bM",
        "\x1bH",
        "\x1bN",
        "\x1bO",
        "\x1b=",
        "\x1b>",
    ),
    *(
        "\x1b(0lqk",
        "\x1b)0",
        "\x1b#8",
        "\x1b%G",
        "\x1b%@",
        "\x1bP+q544e\x1b\\",
        "\x1bPq#0!9~\x1b\\",
    ),
    *(
        "\x1b_Gf=100;AAAA\x1b\\",
        "\x1b^private\x1b\\",
        "\x1bXstring\x1b\\",
        "\x1bP1;open",
        "\x1b_open",
    ),
    *(
        "\x9b31m",
        "\x9b2J",
        "\x9d0;owned\x9c",
        "\x9d8;;x\x9clink",
        "\x90q\x9c",
        "\x9fG\x9c",
        "\x9e\x9c",
    ),
)
CONTROLS = tuple(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
TURNED = tuple("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
UNSEEN = (
    *"\u00ad\u034f\u115f\u17b5\u180b\u180e\u200b\u200c\u200d\u2060\u2061\u2064\u206a\u206f\u2028\u2029",
    *(
        "\u3164",
        "\ufeff",
        "\ufff9x\ufffay\ufffb",
        "\ufffc",
        "\U000e0041\U000e007f",
        "\ufe0f",
        "\u2800",
    ),
    *(
        "\ud800",
        "\udfff",
        "\udc80",
        "\ud83d",
        "\ufffe",
        "\U0010ffff",
        "\ue000",
        "\U000f0000",
        "\u0378",
    ),
    *(
        "e\u0301" * 3,
        "a" + "\u0300" * 60,
        "\u20dd",
        "\U0001f468\u200d\U0001f469",
        "\u2066\u202e\u2069",
    ),
    *("\xa0", "\u2003", "\u3000", "\u1680", "\uff1d1", "\ufdfd", "\U0001f1e9\U0001f1ea", "ﷺ" * 9),
)
MARKUP = (
    *(
        "[red]",
        "[/red]",
        "[/]",
        "[b]bold[/b]",
        "[TODO]",
        "[",
        "]",
        "[[",
        "\\[",
        "\\[red]",
        "[@click=app.quit]x[/]",
    ),
    *(
        "[type=x, v={'a[0]'}]",
        "[link=http://x]y[/link]",
        "[on red]",
        "[$error]",
        "[not]x",
        "[#ff0000]",
        "[$]",
    ),
    *(
        "[a=b]",
        "[/b][b]",
        ":smile:",
        ":bomb:",
        "%s%n",
        "{0.__class__}",
        "${HOME}",
        "$(id)",
        "`id`",
        "; id",
    ),
)
MARKDOWN = (
    *(
        "**bold**",
        "__bold__",
        "*it*",
        "_it_",
        "~~gone~~",
        "`code`",
        "``` fence",
        "| cell | cell |",
        "a|b",
    ),
    *(
        "[x](javascript:alert(1))",
        "![x](http://x)",
        "[x][y]",
        "[x]: http://x",
        "<http://x>",
        "http://x.y",
    ),
    *(
        "www.example.org",
        "a@example.org",
        "@somebody",
        "#1",
        "$x^2$",
        "$$x$$",
        "&lt;b&gt;",
        "&amp;",
        "&#60;",
    ),
    *(
        "\\",
        "\\\\",
        "a\\|b",
        "x  \n# h",
        "[^1]",
        "==m==",
        "^up^",
        "H~2~O",
        "::: x",
        "<!--",
        "-->",
        "{{x}}",
    ),
)
LINES = (
    "# h",
    "## h",
    "- item",
    "+ item",
    "* item",
    "1. one",
    "1) one",
    "> q",
    "---",
    "===",
    "    code",
    "\tcode",
)
HTML = (
    *(
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<b>b</b>",
        "</td></tr></table>",
        "<!DOCTYPE x>",
    ),
    *(
        "<svg/onload=alert(1)>",
        "<a href=javascript:alert(1)>x</a>",
        "<iframe src=//x>",
        "<style>*{}</style>",
    ),
    *(
        "<details open>",
        "<?php ?>",
        "<![CDATA[x]]>",
        "<br>",
        "<p/>",
        '"><x',
        "'><x",
        "<",
        ">",
        "&",
        '"',
        "'",
    ),
)
FORMULAS = (
    *(
        "=cmd|' /C calc'!A0",
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "=HYPERLINK(1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
    ),
    *(
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        "\x1b[m=1+1",
        "\u200b=1",
        '"=1+1',
        "'=1+1",
        ",=1",
        ";=1",
        "-",
    ),
)
LONG = (
    "x" * 10_000,
    "[" * 10_000,
    "\x1b[" * 5_000,
    "\u202e" * 5_000,
    "ab " * 4_000,
    "|" * 3_000,
    "漢" * 3_000,
)
NAMES = (
    "../x",
    "/etc/passwd",
    "a/b",
    ".",
    "..",
    "~",
    "",
    " ",
    "-rf",
    "con",
    "a\x00b",
    "a\nb",
    "a\r\nb",
    "a\x0bb",
)


def _texts() -> list[str]:
    within = (*ESCAPES, *CONTROLS, *TURNED, *UNSEEN, *MARKUP, *MARKDOWN, *HTML, *LONG, *NAMES)
    begun = len(within)
    first = [f"{text}q{begun + i:03}q" for i, text in enumerate((*LINES, *FORMULAS))]
    return [*(f"q{i:03}q{text}z" for i, text in enumerate(within)), *first]


TEXTS = _texts()
WORDS = [f"q{i:03}q" for i in range(len(TEXTS))]


def harmful(shown: str) -> set[str]:
    """Characters, beside ends of lines, that do something to whoever shows them."""
    return {
        c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    } - {"\n"}


def unseen(shown: str) -> list[str]:
    """Texts that are not there."""
    return [text for text, word in zip(TEXTS, WORDS, strict=True) if word not in shown]

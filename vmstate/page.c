/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Style and script of the pages, which are files of their own: see html.h. */
#include "page.h"

/* The assembler reads them, from where make runs; a zero byte ends each. */
#define EMBED(symbol, path)                                                 \
	__asm__(".pushsection .rodata\n.global " #symbol "\n" #symbol ":\n" \
		".incbin \"" path "\"\n.byte 0\n.popsection\n")

EMBED(page_css, "vmstate/page.css");
EMBED(page_js, "vmstate/page.js");

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files page.css and page.js, as strings. */
#ifndef VMSTATE_PAGE_H
#define VMSTATE_PAGE_H

extern const char page_css[], page_js[];

#endif

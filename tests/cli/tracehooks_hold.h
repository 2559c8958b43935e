/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the target share. */
long other(long n);

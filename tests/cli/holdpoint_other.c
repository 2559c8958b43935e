/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hold points in a second file of a program, and in odd places of C++. */
#include <guestscope/holdpoint.h>

#include "holdpoint_other.h"

static void last(void)
{
	GS_HOLDPOINT(last);
}

#ifdef __cplusplus
namespace
{
template <typename T> struct box {
	T value;
	explicit box(T given) : value(given)
	{
		GS_HOLDPOINT(box);
	}
	T get() const
	{
		auto take = [](T it) {
			GS_HOLDPOINT(lambda);
			return it;
		};
		return take(value);
	}
};
} // namespace

int other(int n)
{
	GS_HOLDPOINT(other);
	n = box<int>(n).get() + int(box<long>(6).get());
	last();
	return n;
}
#else
static inline int plus(int n)
{
	GS_HOLDPOINT(plus);
	return n + 6;
}

int other(int n)
{
	GS_HOLDPOINT(other);
	n = plus(n);
	last();
	return n;
}
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of libvirt that we call, looked up when they are first needed. */
#ifndef QMP_LIBVIRT_API_H
#define QMP_LIBVIRT_API_H

#include <stdbool.h>
#include <stddef.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <guestscope/base/error.h>

/* library, function: the type comes from libvirt's own header. */
#define GS_LIBVIRT_FUNCTIONS(X)                           \
	X(GENERAL, virConnectClose)                       \
	X(GENERAL, virConnectDomainEventRegisterAny)      \
	X(GENERAL, virConnectGetType)                     \
	X(GENERAL, virConnectGetURI)                      \
	X(GENERAL, virConnectListAllDomains)              \
	X(GENERAL, virConnectOpen)                        \
	X(GENERAL, virConnectRegisterCloseCallback)       \
	X(GENERAL, virConnectSetKeepAlive)                \
	X(GENERAL, virDomainCoreDumpWithFormat)           \
	X(GENERAL, virDomainGetID)                        \
	X(GENERAL, virDomainGetInfo)                      \
	X(GENERAL, virDomainGetName)                      \
	X(GENERAL, virDomainGetUUIDString)                \
	X(GENERAL, virDomainGetXMLDesc)                   \
	X(GENERAL, virDomainIsActive)                     \
	X(GENERAL, virDomainLookupByName)                 \
	X(GENERAL, virEventRegisterDefaultImpl)           \
	X(GENERAL, virEventRunDefaultImpl)                \
	X(GENERAL, virGetLastErrorCode)                   \
	X(GENERAL, virGetLastErrorMessage)                \
	X(GENERAL, virSetErrorFunc)                       \
	X(QEMU, virConnectDomainQemuMonitorEventRegister) \
	X(QEMU, virDomainQemuMonitorCommandWithFiles)

struct gs_libvirt_api {
#define GS_LIBVIRT_MEMBER(library, function) __typeof__(function) *function;
	GS_LIBVIRT_FUNCTIONS(GS_LIBVIRT_MEMBER)
#undef GS_LIBVIRT_MEMBER
};

/*
 * Opens libvirt, and keeps it from printing its errors. UNSUPPORTED: its libraries are not
 * installed, or too old (8.2 is needed).
 */
GS_MUST_CHECK struct gs_error *gs_libvirt_load(struct gs_libvirt_api *ret);

/*
 * Whether the other end is this host, by "driver[+transport]://[host]/path": nobody but libvirt
 * knows where a host is.
 */
bool gs_libvirt_is_local(const struct gs_libvirt_api *api, virConnectPtr conn);

#endif

/*-------------------------------------------------------------------------
 *
 * url.h
 *		Checking and building URLs.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_URL_H
#define TRIGGER_URL_H

#include "postgres.h"

#include "lib/stringinfo.h"

extern bool trigger_url_check(const char *url, bool allow_insecure,
							  char **normalized, const char **problem);
extern char *trigger_url_origin(const char *url);
extern void trigger_url_append_segment(StringInfo buf, const char *s);
extern void trigger_url_append_query(StringInfo buf, const char *s);

#endif							/* TRIGGER_URL_H */

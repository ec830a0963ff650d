/*-------------------------------------------------------------------------
 *
 * url.c
 *		Checking and building URLs.
 *
 * A URL is taken apart by libcurl's own parser, the one that will later
 * connect: two parsers that disagree about where the host ends are how a
 * secret goes to the wrong place.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include "url.h"

/* Longest part of an origin. */
#define MAX_ORIGIN_PART 1024

/*
 * What trigger_url_check() takes from libcurl.  The strings are libcurl's
 * (malloc'd) and are freed by free_parts(); between parsing and freeing
 * nothing may throw.
 */
typedef struct UrlParts
{
	CURLU	   *handle;
	char	   *scheme;
	char	   *host;
} UrlParts;

/* Free what libcurl allocated.  Never throws. */
static void
free_parts(UrlParts *parts)
{
	curl_free(parts->scheme);
	curl_free(parts->host);
	curl_url_cleanup(parts->handle);
}

/* Has the URL this part, even an empty one? */
static bool
has_part(const UrlParts *parts, CURLUPart what)
{
	char	   *value = NULL;
	bool		found;

	found = curl_url_get(parts->handle, what, &value, 0) == CURLUE_OK;
	curl_free(value);
	return found;
}

/*
 * Does the name mean this machine, whatever a resolver says?  A dotted name
 * that only begins with "127." does not.
 */
static bool
is_loopback(const char *host)
{
	struct in_addr v4;

	if (pg_strcasecmp(host, "localhost") == 0)
		return true;
	if (strcmp(host, "[::1]") == 0 || strcmp(host, "::1") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 &&
		(ntohl(v4.s_addr) >> 24) == 127;
}

/*
 * What is wrong with the URL, or NULL.  Fills "parts", which the caller
 * frees in either case.  Never throws.
 */
static const char *
find_problem(UrlParts *parts, const char *url, bool allow_insecure)
{
	const char *p;

	for (p = url; *p; p++)
	{
		if ((unsigned char) *p <= ' ' || *p == 0x7f)
			return "URL must not contain spaces or control characters";
		if (*p == '\\')
			return "URL must not contain a backslash";
	}

	/* libcurl is lenient about the number of slashes, others are not. */
	p = strchr(url, ':');
	if (p == NULL || strncmp(p, "://", 3) != 0 || p[3] == '/')
		return "URL must have the form https://host[:port][/path]";

	parts->handle = curl_url();
	if (parts->handle == NULL)
		return "out of memory";
	if (curl_url_set(parts->handle, CURLUPART_URL, url, 0) != CURLUE_OK ||
		curl_url_get(parts->handle, CURLUPART_SCHEME, &parts->scheme,
					 0) != CURLUE_OK)
		return "URL must have the form https://host[:port][/path]";
	if (strcmp(parts->scheme, "https") != 0 &&
		strcmp(parts->scheme, "http") != 0)
		return "URL scheme must be https or http";
	if (curl_url_get(parts->handle, CURLUPART_HOST, &parts->host,
					 0) != CURLUE_OK || parts->host[0] == '\0')
		return "URL must have a host";
	if (has_part(parts, CURLUPART_USER) || has_part(parts, CURLUPART_PASSWORD) ||
		strchr(url, '@') != NULL)
		return "URL must not contain a user name or password";
	/* An empty query or fragment is not a part, but would spoil the path. */
	if (strchr(url, '?') != NULL)
		return "URL must not contain a query";
	if (strchr(url, '#') != NULL)
		return "URL must not contain a fragment";
	if (strcmp(parts->scheme, "http") == 0 && !allow_insecure &&
		!is_loopback(parts->host))
		return "plain http is allowed only to a loopback address";
	return NULL;
}

/*
 * Check a base URL.  On success "*normalized" is the URL without trailing
 * slashes, palloc'd in the current context.  Otherwise returns false and
 * sets "*problem" to a static text that contains nothing of the URL, which
 * may hold a password.  Either pointer may be NULL.
 */
bool
trigger_url_check(const char *url, bool allow_insecure, char **normalized,
				  const char **problem)
{
	UrlParts	parts = {NULL, NULL, NULL};
	const char *wrong;
	size_t		len = strlen(url);

	wrong = find_problem(&parts, url, allow_insecure);
	free_parts(&parts);
	if (problem)
		*problem = wrong;
	if (wrong)
		return false;

	/* "https://h" is left of "https:///"; a host is known to be there. */
	while (len > 0 && url[len - 1] == '/')
		len--;
	if (normalized)
		*normalized = pnstrdup(url, len);
	return true;
}

/*
 * Origin of a URL that trigger_url_check() has accepted: scheme, host and
 * port, always with the port and in lower case, so that equal origins are
 * equal texts.  Palloc'd.
 */
char *
trigger_url_origin(const char *url)
{
	static const CURLUPart wanted[] = {CURLUPART_SCHEME, CURLUPART_HOST,
	CURLUPART_ZONEID, CURLUPART_PORT};
	char		text[lengthof(wanted)][MAX_ORIGIN_PART];
	CURLU	   *handle = curl_url();
	bool		complete = handle != NULL &&
	curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK;

	/* nothing may throw before the handle is freed */
	for (size_t i = 0; i < lengthof(wanted); i++)
	{
		char	   *part = NULL;

		text[i][0] = '\0';
		if (complete && curl_url_get(handle, wanted[i], &part,
									 CURLU_DEFAULT_PORT) == CURLUE_OK)
			complete = strlcpy(text[i], part, MAX_ORIGIN_PART) < MAX_ORIGIN_PART;
		else if (wanted[i] != CURLUPART_ZONEID)
			complete = false;
		curl_free(part);
	}
	curl_url_cleanup(handle);
	if (!complete)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("URL has no origin")));
	for (char *p = text[1]; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	/* libcurl's host has the brackets, but not the zone within them */
	if (text[2][0])
		return psprintf("%s://%.*s%%25%s]:%s", text[0],
						(int) strcspn(text[1], "]"), text[1], text[2], text[3]);
	return psprintf("%s://%s:%s", text[0], text[1], text[3]);
}

/* RFC 3986's unreserved characters, independent of any locale. */
static bool
is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') ||
		c == '-' || c == '.' || c == '_' || c == '~';
}

/* Append one byte as %XX. */
static void
append_escaped(StringInfo buf, unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";

	appendStringInfoChar(buf, '%');
	appendStringInfoChar(buf, digits[c >> 4]);
	appendStringInfoChar(buf, digits[c & 15]);
}

/*
 * Append "s" (UTF-8) as one path segment.  The caller refuses "", "." and
 * "..", which no encoding protects from being read as path syntax.
 */
void
trigger_url_append_segment(StringInfo buf, const char *s)
{
	for (; *s; s++)
	{
		if (is_unreserved(*s))
			appendStringInfoChar(buf, *s);
		else
			append_escaped(buf, *s);
	}
}

/*
 * Append "s" (UTF-8) as a key or value of a query string, encoded as by the
 * API's own client, that is by URLSearchParams: a space is "+", "*" stays
 * and "~" does not.
 */
void
trigger_url_append_query(StringInfo buf, const char *s)
{
	for (; *s; s++)
	{
		if (*s == ' ')
			appendStringInfoChar(buf, '+');
		else if (*s == '*' || (*s != '~' && is_unreserved(*s)))
			appendStringInfoChar(buf, *s);
		else
			append_escaped(buf, *s);
	}
}

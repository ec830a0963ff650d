/*
 * Read a cursor-paged list over one kept-alive connection; print the bodies.
 *
 *		curlpages URL TOKEN
 *
 * One body per line, nothing is parsed but the cursor: this is the floor
 * that no client of the list can beat, and the source of what a generic
 * HTTP extension would have to work on.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Body
{
	char	   *data;
	size_t		used;
	size_t		size;
} Body;

static size_t
receive(char *data, size_t one, size_t n, void *arg)
{
	Body	   *body = arg;

	if (body->used + n + 1 > body->size)
	{
		body->size = (body->used + n + 1) * 2;
		body->data = realloc(body->data, body->size);
		if (body->data == NULL)
			return 0;
	}
	memcpy(body->data + body->used, data, n);
	body->used += n;
	body->data[body->used] = '\0';
	return n;
}

/*
 * The value of "next" in the last object of the body, NULL at the end.
 */
static char *
next_cursor(const Body *body)
{
	static const char key[] = "\"next\":\"";
	size_t		at = body->used > 400 ? body->used - 400 : 0;
	char	   *found = strstr(body->data + at, key);

	if (found == NULL)
		return NULL;
	found += sizeof(key) - 1;
	return strndup(found, strcspn(found, "\""));
}

int
main(int argc, char **argv)
{
	CURL	   *curl;
	struct curl_slist *headers = NULL;
	Body		body = {0};
	char	   *cursor = NULL;
	char		text[4096];

	if (argc != 3)
		return 2;
	curl = curl_easy_init();
	snprintf(text, sizeof(text), "Authorization: Bearer %s", argv[2]);
	headers = curl_slist_append(headers, text);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	do
	{
		CURLcode	done;
		char	   *escaped = cursor ? curl_easy_escape(curl, cursor, 0) : NULL;

		snprintf(text, sizeof(text), "%s%s%s", argv[1],
				 escaped ? "&page%5Bafter%5D=" : "", escaped ? escaped : "");
		curl_easy_setopt(curl, CURLOPT_URL, text);
		body.used = 0;
		done = curl_easy_perform(curl);
		if (done != CURLE_OK)
		{
			fprintf(stderr, "curlpages: %s\n", curl_easy_strerror(done));
			return 1;
		}
		fwrite(body.data, 1, body.used, stdout);
		putchar('\n');
		curl_free(escaped);
		free(cursor);
		cursor = next_cursor(&body);
	} while (cursor != NULL);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	free(body.data);
	return 0;
}

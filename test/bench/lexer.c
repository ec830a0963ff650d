/*
 * Read a text from standard input and take it apart with PostgreSQL's own JSON
 * lexer, so many times.
 *
 *		lexer TIMES
 *
 * Each line is one JSON value.  Nothing is done with the tokens: this is the
 * least that reading these bytes with PostgreSQL's means can cost.
 */
#include "postgres_fe.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

/*
 * Tokens of one value.
 */
static long
lex_value(char *text, size_t len)
{
	JsonLexContext *lex = makeJsonLexContextCstringLen(text, (int) len, PG_UTF8, false);
	long		tokens = 0;

	do
	{
		if (json_lex(lex) != JSON_SUCCESS)
		{
			fprintf(stderr, "lexer: not JSON\n");
			exit(1);
		}
		tokens++;
	} while (lex->token_type != JSON_TOKEN_END);
	free(lex);
	return tokens;
}

int
main(int argc, char **argv)
{
	size_t		size = 0;
	size_t		used = 0;
	char	   *text = NULL;
	long		tokens = 0;

	do
	{
		size = size * 2 + 65536;
		text = realloc(text, size);
		if (text == NULL)
			return 1;
		used += fread(text + used, 1, size - used, stdin);
	} while (used == size);
	for (int times = argc > 1 ? atoi(argv[1]) : 1; times > 0; times--)
	{
		for (char *line = text; line < text + used;)
		{
			char	   *end = memchr(line, '\n', text + used - line);

			if (end == NULL)
				end = text + used;
			tokens += lex_value(line, end - line);
			line = end + 1;
		}
	}
	printf("%ld tokens\n", tokens);
	return 0;
}

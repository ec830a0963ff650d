/* Unit tests of retry.c; needs neither a server nor a backend. */
#include "postgres.h"

#include "retry.h"

static int	passed;
static int	failed;

#define CHECK(cond) \
do { \
	if (cond) \
		passed++; \
	else \
	{ \
		failed++; \
		(printf) ("FAILED line %d: %s\n", __LINE__, #cond); \
	} \
} while (0)

static TriggerRetryPolicy policy;
static TriggerRetryState state;
static TriggerAttempt attempt;
static double delay;

static void
fresh(bool safe)
{
	memset(&policy, 0, sizeof(policy));
	memset(&state, 0, sizeof(state));
	memset(&attempt, 0, sizeof(attempt));
	trigger_hints_init(&attempt.hints);
	policy.safe = safe;
	policy.max_retries = 3;
	delay = -1;
}

static TriggerRetryAction
decide(void)
{
	return trigger_retry_decide(&policy, &state, &attempt, 1700000000.0, 0.5,
								&delay);
}

static TriggerRetryAction
on_status(bool safe, int status, int should)
{
	fresh(safe);
	attempt.status = status;
	attempt.hints.should_retry = should;
	return decide();
}

static bool
header(const char *name, const char *value)
{
	return trigger_hints_header(&attempt.hints, name, strlen(name), value,
								strlen(value));
}

static bool
near(double a, double b)
{
	return a > b - 0.001 && a < b + 0.001;
}

static void
test_statuses(void)
{
	static const int repeated[] = {408, 500, 502, 503, 504, 507, 599};
	static const int final[] = {200, 204, 301, 400, 401, 403, 404, 405, 409,
	413, 422};
	size_t		i;

	for (i = 0; i < lengthof(repeated); i++)
	{
		CHECK(on_status(true, repeated[i], -1) == TRIGGER_RETRY_BACK_OFF);
		CHECK(near(delay, 0.5));
		CHECK(on_status(true, repeated[i], 1) == TRIGGER_RETRY_BACK_OFF);
		CHECK(on_status(true, repeated[i], 0) == TRIGGER_RETRY_GIVE_UP);
		CHECK(on_status(false, repeated[i], -1) == TRIGGER_RETRY_GIVE_UP);
		CHECK(on_status(false, repeated[i], 1) ==
			  (repeated[i] == 500 || repeated[i] == 503 ?
			   TRIGGER_RETRY_BACK_OFF : TRIGGER_RETRY_GIVE_UP));
	}
	for (i = 0; i < lengthof(final); i++)
	{
		CHECK(on_status(true, final[i], -1) == TRIGGER_RETRY_GIVE_UP);
		CHECK(on_status(true, final[i], 1) == TRIGGER_RETRY_GIVE_UP);
		CHECK(on_status(false, final[i], 1) == TRIGGER_RETRY_GIVE_UP);
	}
	CHECK(on_status(true, 429, 0) == TRIGGER_RETRY_GIVE_UP);
	CHECK(on_status(false, 429, -1) == TRIGGER_RETRY_RATE_LIMIT);

	fresh(true);
	policy.final_500 = true;
	attempt.status = 500;
	attempt.hints.should_retry = 1;
	CHECK(decide() == TRIGGER_RETRY_GIVE_UP);
	attempt.status = 502;
	CHECK(decide() == TRIGGER_RETRY_BACK_OFF);
}

static void
test_counts(void)
{
	fresh(true);
	attempt.status = 503;
	CHECK(decide() == TRIGGER_RETRY_BACK_OFF && near(delay, 0.5));
	CHECK(decide() == TRIGGER_RETRY_BACK_OFF && near(delay, 1));
	CHECK(decide() == TRIGGER_RETRY_BACK_OFF && near(delay, 2));
	CHECK(decide() == TRIGGER_RETRY_GIVE_UP && delay == 0);

	fresh(true);
	attempt.status = 404;
	attempt.hints.should_retry = 1;
	policy.not_found_retries = 2;
	CHECK(decide() == TRIGGER_RETRY_BACK_OFF && near(delay, 0.1));
	CHECK(decide() == TRIGGER_RETRY_BACK_OFF && near(delay, 0.2));
	CHECK(decide() == TRIGGER_RETRY_GIVE_UP);
	CHECK(state.retries == 0);

	fresh(true);
	policy.max_retries = 0;
	attempt.status = 503;
	CHECK(decide() == TRIGGER_RETRY_GIVE_UP);
	/* waiting for a rate limit is not a retry */
	attempt.status = 429;
	CHECK(decide() == TRIGGER_RETRY_RATE_LIMIT);
	attempt.status = 0;
	CHECK(decide() == TRIGGER_RETRY_GIVE_UP);
	attempt.reused = true;
	CHECK(decide() == TRIGGER_RETRY_AT_ONCE);
	CHECK(decide() == TRIGGER_RETRY_GIVE_UP);

	CHECK(near(trigger_retry_backoff(0, 0), 0.4));
	CHECK(trigger_retry_backoff(0, 0.999999) < 0.6);
	CHECK(near(trigger_retry_backoff(4, 0.5), 8));
	CHECK(near(trigger_retry_backoff(1000, 0.5), 8));
}

static void
test_failures(void)
{
	fresh(false);
	CHECK(decide() == TRIGGER_RETRY_BACK_OFF);	/* nothing was sent */
	attempt.maybe_processed = true;
	attempt.reused = true;
	attempt.unattended = true;
	CHECK(decide() == TRIGGER_RETRY_GIVE_UP);
	attempt.maybe_processed = false;
	CHECK(decide() == TRIGGER_RETRY_AT_ONCE);

	fresh(true);
	attempt.permanent = true;
	CHECK(decide() == TRIGGER_RETRY_GIVE_UP);
	attempt.permanent = false;
	attempt.maybe_processed = true;
	attempt.reused = true;
	attempt.answer_begun = true;
	CHECK(decide() == TRIGGER_RETRY_BACK_OFF);
	attempt.answer_begun = false;
	CHECK(decide() == TRIGGER_RETRY_AT_ONCE);
	CHECK(decide() == TRIGGER_RETRY_BACK_OFF);
	CHECK(state.retries == 2);

	fresh(true);
	attempt.unattended = true;
	policy.max_retries = 0;
	CHECK(decide() == TRIGGER_RETRY_AT_ONCE);
	while (decide() == TRIGGER_RETRY_AT_ONCE)
		;						/* it ends */
	CHECK(state.unattended == 8);
}

static void
test_hints(void)
{
	fresh(true);
	CHECK(trigger_hints_wait(&attempt.hints, 0) == -1);
	CHECK(header("Retry-After", "7"));
	CHECK(trigger_hints_wait(&attempt.hints, 0) == 7);
	CHECK(header("RETRY-AFTER", "1e3") && attempt.hints.retry_after == -1);
	CHECK(header("retry-after", "inf") && attempt.hints.retry_after == -1);
	CHECK(header("retry-after", "-4") && attempt.hints.retry_after == -1);
	CHECK(header("retry-after", "") && attempt.hints.retry_after == -1);
	CHECK(header("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"));
	CHECK(attempt.hints.retry_at == 784111777);
	CHECK(near(trigger_hints_wait(&attempt.hints, 784111770), 7));
	CHECK(trigger_hints_wait(&attempt.hints, 784111790) == 0);
	CHECK(trigger_parse_http_date("Tue, 29 Feb 2000 00:00:00 GMT") == 951782400);
	CHECK(trigger_parse_http_date("Wed, 01 Mar 2000 00:00:00 GMT") == 951868800);
	CHECK(trigger_parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
	CHECK(trigger_parse_http_date("Sun, 06 Xyz 1994 08:49:37 GMT") == 0);
	CHECK(trigger_parse_http_date("Sun, 06 anF 1994 08:49:37 GMT") == 0);
	CHECK(trigger_parse_http_date("Sun, 06 Nov 1994 08:49:37 GMTx") == 0);
	CHECK(trigger_parse_http_date("") == 0);

	fresh(true);
	CHECK(header("X-RateLimit-Reset", "1700000005000"));
	CHECK(near(trigger_hints_wait(&attempt.hints, 1700000000.5), 4.5));
	CHECK(header("x-ratelimit-reset", "1700000005"));
	CHECK(near(trigger_hints_wait(&attempt.hints, 1700000000.5), 4.5));
	CHECK(header("x-ratelimit-reset", "12.5"));
	CHECK(near(trigger_hints_wait(&attempt.hints, 1700000000), 12.5));
	/* A local clock that is an hour late or early does not matter. */
	CHECK(header("x-ratelimit-reset", "1700000005000"));
	CHECK(header("Date", "Tue, 14 Nov 2023 22:13:20 GMT"));
	CHECK(attempt.hints.date == 1700000000);
	CHECK(near(trigger_hints_wait(&attempt.hints, 1700003600), 5));
	CHECK(near(trigger_hints_wait(&attempt.hints, 1699996400), 5));
	CHECK(near(trigger_hints_wait(&attempt.hints, 1700000001), 4));

	CHECK(header("x-ratelimit-remaining", "17") &&
		  attempt.hints.remaining == 17);
	CHECK(header("x-ratelimit-remaining", "x") &&
		  attempt.hints.remaining == -1);
	CHECK(header("X-Should-Retry", "True") && attempt.hints.should_retry == 1);
	CHECK(header("x-should-retry", "false") &&
		  attempt.hints.should_retry == 0);
	CHECK(!header("x-should-retry-not", "true"));
	CHECK(!header("content-type", "x") && !header("x-other", "1"));
}

static void
test_rate_limits(void)
{
	fresh(false);
	attempt.status = 429;
	attempt.hints.reset = 2;
	CHECK(decide() == TRIGGER_RETRY_RATE_LIMIT && near(delay, 2.125));
	/* A limit that is always over is no reason to hurry. */
	attempt.hints.reset = 0;
	CHECK(decide() == TRIGGER_RETRY_RATE_LIMIT && near(delay, 0.5));
	CHECK(decide() == TRIGGER_RETRY_RATE_LIMIT && near(delay, 1));
	CHECK(decide() == TRIGGER_RETRY_RATE_LIMIT && near(delay, 2));
	attempt.hints.reset = -1;
	CHECK(decide() == TRIGGER_RETRY_RATE_LIMIT && near(delay, 8));
	CHECK(state.retries == 0);

	fresh(true);
	attempt.status = 503;
	attempt.hints.retry_after = 4;
	CHECK(decide() == TRIGGER_RETRY_WHEN_TOLD && near(delay, 4.125));
	CHECK(state.retries == 1);
	attempt.status = 502;
	CHECK(decide() == TRIGGER_RETRY_BACK_OFF && near(delay, 1));
}

static void
test_random(void)
{
	uint64		seed = 1;
	double		sum = 0;
	int			i;
	bool		inside = true;

	for (i = 0; i < 10000; i++)
	{
		double		r = trigger_retry_random(&seed);

		inside = inside && r >= 0 && r < 1;
		sum += r;
	}
	CHECK(inside);
	CHECK(sum > 4800 && sum < 5200);
}

int
main(void)
{
	test_statuses();
	test_counts();
	test_failures();
	test_hints();
	test_rate_limits();
	test_random();
	(printf) ("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}

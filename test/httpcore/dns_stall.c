/*
 * LD_PRELOAD: names that end in "stall.test" take long to resolve, those that
 * end in "fail.test" do not at all.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *node, const char *service,
			const struct addrinfo *hints, struct addrinfo **res)
{
	static int	(*real) (const char *, const char *, const struct addrinfo *,
						 struct addrinfo **);

	if (real == NULL)
		real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (node != NULL && strstr(node, "stall.test") != NULL)
	{
		sleep(4);
		return EAI_NONAME;
	}
	if (node != NULL && strstr(node, "fail.test") != NULL)
		return EAI_NONAME;
	return real(node, service, hints, res);
}

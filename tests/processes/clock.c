/* Preloaded into the binary: its wall clock is off by CLOCK_OFFSET seconds. Its monotonic clock isn't. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int failed = (int)syscall(SYS_clock_gettime, clock, time);
    const char *offset = getenv("CLOCK_OFFSET");
    if (!failed && clock == CLOCK_REALTIME && offset)
        time->tv_sec += atol(offset);
    return failed;
}

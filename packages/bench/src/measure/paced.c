/*
 * paced PORT CONNECTIONS SECONDS RATE, and the request on its input: load by the clock, open loop, as `generator.ts` makes it.
 *
 * A request is due at a time that does not depend on the answers before it, and its latency counts from that time, also
 * when every connection was busy. In C because the generator shares nothing with the servers that it measures: one in
 * JavaScript, at the rates that they reach, adds its own collections to the slowest hundredth of the answers.
 *
 * It has a core of its own, and asks the system again and again instead of sleeping, so that a turn takes microseconds. A
 * turn that took longer than GAP is one in which the system ran somebody else on that core: the clock of the load stands
 * still meanwhile, and what was under way is not measured, since nobody knows when it came. Whatever the server does,
 * turns stay short. The connections take turns. Prints the same line of JSON: latencies in microseconds, of answers with
 * a status below 500, and how many were not measured.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_CONNECTIONS 4096
#define HEAD 4096
/* A turn of the generator that took longer was somebody else's, in nanoseconds. */
#define GAP 100000LL
/* How long answers are waited for at the end, in nanoseconds. */
#define PATIENCE 5000000000LL

struct connection {
  int fd;
  /* When its request was due; 0 where the latency of the answer is not known. */
  int64_t due;
  char text[HEAD];
  size_t length;
};

static struct connection connections[MOST_CONNECTIONS];
/* Connections without a request, in a ring: who waits longest is next. */
static int idle[MOST_CONNECTIONS];
static int idle_from, idle_count, total;
static float *latencies;
static long ok, timely, shed, failed, octets, measured;

static int64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int dial(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* Reads what came. Whether the answer is whole: a head with a Content-Length, and its body. */
static int whole(struct connection *it) {
  ssize_t got = recv(it->fd, it->text + it->length, HEAD - 1 - it->length, MSG_DONTWAIT);
  char *end, *field;
  size_t head;
  long body;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got <= 0) {
    fprintf(stderr, "a connection was closed\n");
    exit(1);
  }
  it->length += (size_t)got;
  it->text[it->length] = 0;
  end = strstr(it->text, "\r\n\r\n");
  if (end == NULL) return 0;
  field = strcasestr(it->text, "\r\ncontent-length:");
  if (field == NULL || field > end) {
    fprintf(stderr, "an answer without Content-Length\n");
    exit(1);
  }
  head = (size_t)(end - it->text) + 4;
  body = strtol(field + 17, NULL, 10);
  if (it->length < head + (size_t)body) return 0;
  octets += body;
  return 1;
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double quantile(double q) {
  long rank = (long)(q * (double)measured + 0.999999);
  return measured == 0 ? 0 : latencies[rank < 1 ? 0 : rank - 1];
}

int main(int count, char **args) {
  static char request[65536];
  struct epoll_event events[256];
  int port, epoll;
  double rate, seconds;
  size_t length;
  int64_t from, until, at, last;
  long due = 0, sent = 0, most;
  if (count != 5) return 2;
  port = atoi(args[1]);
  total = atoi(args[2]);
  seconds = atof(args[3]);
  rate = atof(args[4]);
  if (total < 1 || total > MOST_CONNECTIONS) return 2;
  length = fread(request, 1, sizeof request, stdin);
  most = (long)(rate * seconds) + 1;
  latencies = malloc((size_t)most * sizeof *latencies);
  epoll = epoll_create1(0);
  if (latencies == NULL || epoll < 0) fail("start");
  for (int i = 0; i < total; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = (uint32_t)i}};
    connections[i].fd = dial(port);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event) != 0) fail("epoll_ctl");
    idle[idle_count++] = i;
  }
  from = now() + 100000000;
  until = from + (int64_t)(seconds * 1e9);
  last = now();
  for (;;) {
    int ready = epoll_wait(epoll, events, 256, 0);
    at = now();
    if (at - last > GAP) {
      for (int i = 0; i < total; i++) connections[i].due = 0;
      from += at - last;
      until += at - last;
    }
    last = at;
    for (int i = 0; i < ready; i++) {
      int which = (int)events[i].data.u32;
      struct connection *it = &connections[which];
      int status;
      if (!whole(it)) continue;
      status = atoi(it->text + 9);
      it->length = 0;
      at = now();
      if (status < 500) {
        ok++;
        if (it->due > 0) latencies[measured++] = (float)((double)(at - it->due) / 1e3);
        if (at < until) timely++;
      } else if (status == 503) shed++;
      else failed++;
      idle[(idle_from + idle_count++) % total] = which;
    }
    if (at >= from) due = (long)((double)((at < until ? at : until) - from) * rate / 1e9);
    if (due > most) due = most;
    while (sent < due && idle_count > 0) {
      struct connection *it = &connections[idle[idle_from]];
      idle_from = (idle_from + 1) % total;
      idle_count--;
      it->due = from + (int64_t)((double)sent * 1e9 / rate);
      sent++;
      if (send(it->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) fail("send");
    }
    if (at >= until && sent == due && idle_count == total) break;
    if (at >= until + PATIENCE) {
      failed += total - idle_count + (due - sent);
      break;
    }
  }
  qsort(latencies, (size_t)measured, sizeof *latencies, by_value);
  printf("{\"requests\":%ld,\"seconds\":%g,\"ok\":%ld,\"timely\":%ld,\"shed\":%ld,\"failed\":%ld,\"unsent\":%ld,"
         "\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"octets\":%ld,\"unmeasured\":%ld}\n",
         ok + shed + failed, seconds, ok, timely, shed, failed, due - sent, quantile(0.5), quantile(0.99),
         quantile(0.999), octets, ok - measured);
  return 0;
}

/* Loaded into the server with LD_PRELOAD: counts the calls by which it changes files or speaks to the network, and
   strikes at the n-th: kills the process before it, after it or with half of it done, or answers it with an error.
   The test steers it through a page of shared memory (the file named by STRIKE_PAGE); tests/fault/strike.py writes it.
   Not counted: standard output and error, sockets of the machine itself (AF_UNIX), pipes and event descriptors. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum How { HOW_COUNT, HOW_BEFORE, HOW_AFTER, HOW_HALF, HOW_ERROR };
enum Kind { KIND_WRITE = 1, KIND_SYNC = 2, KIND_NAME = 4, KIND_SEND = 8 };

struct Page {
  _Atomic long long at;      /* the call to strike at, counted from 0 since arming */
  _Atomic long long counted; /* calls of the kinds asked for */
  _Atomic long long how;     /* enum How */
  _Atomic long long kinds;   /* which kinds are counted: sum of enum Kind; 0 is not armed */
  _Atomic long long error;   /* HOW_ERROR: errno of this call and of every later one */
  _Atomic long long struck;  /* calls struck */
  char call[64];             /* the name of the first call struck */
};

static struct Page* page;

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("STRIKE_PAGE");
  const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* place = mmap(NULL, sizeof(struct Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (place != MAP_FAILED) page = place;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* What is to happen to this call: HOW_COUNT for nothing. */
static enum How verdict(enum Kind kind, const char* call) {
  if (!page || !(page->kinds & kind)) return HOW_COUNT;
  const long long n = page->counted++;
  const enum How how = (enum How)page->how;
  if (how == HOW_COUNT || n < page->at || (n > page->at && how != HOW_ERROR)) return HOW_COUNT;
  if (page->struck++ == 0) snprintf(page->call, sizeof page->call, "%s", call);
  if (how == HOW_BEFORE) die();
  return how;
}

static int is_peer(int fd) {
  struct sockaddr_storage name;
  socklen_t size = sizeof name;
  return getsockname(fd, (struct sockaddr*)&name, &size) == 0 && name.ss_family != AF_UNIX;
}

/* The kind of a write to this descriptor; 0: not counted. */
static enum Kind kind_of(int fd) {
  struct stat status;
  if (fd <= 2 || !page || !page->kinds || fstat(fd, &status) != 0) return 0;
  if (S_ISREG(status.st_mode)) return KIND_WRITE;
  return S_ISSOCK(status.st_mode) && is_peer(fd) ? KIND_SEND : 0;
}

/* A call with verdict: HALF is what it does with half of its octets, REAL the whole. */
#define STRUCK(kind, name, half, real)                         \
  do {                                                         \
    const enum Kind counted_kind = (kind);                     \
    if (counted_kind == 0) return real;                        \
    const enum How how = verdict(counted_kind, name);          \
    if (how == HOW_ERROR) return errno = (int)page->error, -1; \
    if (how == HOW_HALF) {                                     \
      half;                                                    \
      die();                                                   \
    }                                                          \
    const __typeof__(real) result = real;                      \
    if (how == HOW_AFTER) die();                               \
    return result;                                             \
  } while (0)

#define NEXT(name)               \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void* data, size_t size) {
  NEXT(write);
  STRUCK(kind_of(fd), "write", next(fd, data, size / 2), next(fd, data, size));
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  NEXT(pwrite);
  STRUCK(kind_of(fd), "pwrite", next(fd, data, size / 2, at), next(fd, data, size, at));
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  NEXT(pwrite64);
  STRUCK(kind_of(fd), "pwrite", next(fd, data, size / 2, at), next(fd, data, size, at));
}
static ssize_t half_pwritev(int fd, const struct iovec* parts, off_t at) {
  return pwrite(fd, parts[0].iov_base, parts[0].iov_len / 2, at);
}
ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t at) {
  NEXT(pwritev);
  STRUCK(kind_of(fd), "pwritev", half_pwritev(fd, parts, at), next(fd, parts, count, at));
}
ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t at) {
  NEXT(pwritev64);
  STRUCK(kind_of(fd), "pwritev", half_pwritev(fd, parts, at), next(fd, parts, count, at));
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  NEXT(writev);
  STRUCK(kind_of(fd), "writev", next(fd, parts, 1), next(fd, parts, count));
}
ssize_t send(int fd, const void* data, size_t size, int flags) {
  NEXT(send);
  STRUCK(kind_of(fd), "send", next(fd, data, size / 2, flags), next(fd, data, size, flags));
}
ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  NEXT(sendmsg);
  STRUCK(kind_of(fd), "sendmsg", (void)0, next(fd, message, flags));
}
int fdatasync(int fd) {
  NEXT(fdatasync);
  STRUCK(KIND_SYNC, "fdatasync", (void)0, next(fd));
}
int fsync(int fd) {
  NEXT(fsync);
  STRUCK(KIND_SYNC, "fsync", (void)0, next(fd));
}
int ftruncate(int fd, off_t size) {
  NEXT(ftruncate);
  STRUCK(KIND_NAME, "ftruncate", (void)0, next(fd, size));
}
int ftruncate64(int fd, off64_t size) {
  NEXT(ftruncate64);
  STRUCK(KIND_NAME, "ftruncate", (void)0, next(fd, size));
}
int unlink(const char* path) {
  NEXT(unlink);
  STRUCK(KIND_NAME, "unlink", (void)0, next(path));
}
int rename(const char* from, const char* to) {
  NEXT(rename);
  STRUCK(KIND_NAME, "rename", (void)0, next(from, to));
}
int link(const char* from, const char* to) {
  NEXT(link);
  STRUCK(KIND_NAME, "link", (void)0, next(from, to));
}

/* A disk with faults. Preloaded into the server, it looks before every call that touches a file or a folder below
 * FAULTY_ROOT at the rules in the file FAULTY_RULES, which may be replaced at any time. A rule that fits makes the call
 * fail, or take longer. Each hit is a line of FAULTY_HITS: id, call, path. Invariant: without a rule nothing is changed.
 *
 * A rule is a line `id call result times from to part`: the call is one of read, write, sync, open, truncate, rename,
 * remove and folder; the result an errno's name, or milliseconds to wait; times is how often, -1 for always; from and to
 * are the bytes of the file that a read or write must touch, 0 0 for any; part is text of the path. Ids are never used
 * again: how often a rule was hit outlives a change of the file. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "below.h"

#define RULES_BYTES 8192
#define RULES_MAX 256

static const char *rules_path;
/* By id: how often a rule was hit. */
static int hits[RULES_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const struct {
  const char *name;
  int value;
} ERRORS[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS}, {"EDQUOT", EDQUOT}, {"EMFILE", EMFILE}};

__attribute__((constructor)) static void begin(void) {
  rules_path = getenv("FAULTY_RULES");
  if (rules_path != NULL) begin_below(getenv("FAULTY_ROOT"), getenv("FAULTY_HITS"));
}

static int error_of(const char *name) {
  for (size_t index = 0; index < sizeof ERRORS / sizeof *ERRORS; index += 1) {
    if (strcmp(ERRORS[index].name, name) == 0) return ERRORS[index].value;
  }
  return 0;
}

/* Takes one hit of a rule; false when it has had all of its hits. */
static bool take_hit(int id, int times, const char *call, const char *path) {
  if (id < 0 || id >= RULES_MAX) return false;
  pthread_mutex_lock(&lock);
  bool is_left = times < 0 || hits[id] < times;
  if (is_left) hits[id] += 1;
  pthread_mutex_unlock(&lock);
  if (is_left) dprintf(own_fd, "%d %s %s\n", id, call, path);
  return is_left;
}

/* False with errno set: the call fails. `at` is -1 where a call has no bytes. */
static bool passes(const char *call, const char *path, int64_t at, uint64_t length) {
  char rules[RULES_BYTES];
  int fd = (int)syscall(SYS_openat, AT_FDCWD, rules_path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return true;
  ssize_t count = syscall(SYS_read, fd, rules, sizeof rules - 1);
  syscall(SYS_close, fd);
  if (count <= 0) return true;
  rules[count] = 0;
  char *rest = NULL;
  for (char *line = strtok_r(rules, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    int id;
    int times;
    long long from;
    long long to;
    char of[16];
    char result[16];
    char part[512];
    if (sscanf(line, "%d %15s %15s %d %lld %lld %511s", &id, of, result, &times, &from, &to, part) != 7) continue;
    if (strcmp(of, call) != 0 || strstr(path, part) == NULL) continue;
    if (to > 0 && (at < 0 || at >= to || at + (int64_t)length <= from)) continue;
    if (!take_hit(id, times, call, path)) continue;
    int failure = error_of(result);
    if (failure != 0) {
      errno = failure;
      return false;
    }
    long ms = atol(result);
    struct timespec pause = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
  }
  return true;
}

static bool open_passes(const char *call, int fd, off_t at, size_t length) {
  char path[PATH_BYTES];
  struct stat st;
  if (!locate_open(fd, path, &st)) return true;
  return passes(call, path, at < 0 ? lseek(fd, 0, SEEK_CUR) : at, length);
}

static size_t length_of(const struct iovec *pieces, int count) {
  size_t length = 0;
  for (int index = 0; index < count; index += 1) length += pieces[index].iov_len;
  return length;
}

/* ---- opening ---- */

static int open_any(int at, const char *name, int flags, mode_t mode) {
  char path[PATH_BYTES];
  bool is_for_writing = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
  if (is_for_writing && locate(at, name, path) && !passes("open", path, -1, 0)) return -1;
  return (int)syscall(SYS_openat, at, name, flags, mode);
}

#define MODE_OF(flags)                              \
  mode_t mode = 0;                                  \
  if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {     \
    va_list arguments;                              \
    va_start(arguments, flags);                     \
    mode = (mode_t)va_arg(arguments, unsigned int); \
    va_end(arguments);                              \
  }

EXPORT int open(const char *path, int flags, ...) { MODE_OF(flags) return open_any(AT_FDCWD, path, flags, mode); }
EXPORT int open64(const char *path, int flags, ...) { MODE_OF(flags) return open_any(AT_FDCWD, path, flags, mode); }
EXPORT int openat(int at, const char *path, int flags, ...) { MODE_OF(flags) return open_any(at, path, flags, mode); }
EXPORT int openat64(int at, const char *path, int flags, ...) { MODE_OF(flags) return open_any(at, path, flags, mode); }

/* ---- reading and writing ---- */

EXPORT ssize_t read(int fd, void *into, size_t count) {
  return open_passes("read", fd, -1, count) ? syscall(SYS_read, fd, into, count) : -1;
}
EXPORT ssize_t pread(int fd, void *into, size_t count, off_t at) {
  return open_passes("read", fd, at, count) ? syscall(SYS_pread64, fd, into, count, at) : -1;
}
EXPORT ssize_t pread64(int fd, void *into, size_t count, off_t at) { return pread(fd, into, count, at); }
EXPORT ssize_t preadv(int fd, const struct iovec *pieces, int count, off_t at) {
  if (!open_passes("read", fd, at, length_of(pieces, count))) return -1;
  return syscall(SYS_preadv, fd, pieces, (long)count, (long)at, 0L);
}
EXPORT ssize_t preadv64(int fd, const struct iovec *pieces, int count, off_t at) {
  return preadv(fd, pieces, count, at);
}
EXPORT ssize_t readv(int fd, const struct iovec *pieces, int count) {
  return open_passes("read", fd, -1, length_of(pieces, count)) ? syscall(SYS_readv, fd, pieces, (long)count) : -1;
}

EXPORT ssize_t write(int fd, const void *bytes, size_t count) {
  return open_passes("write", fd, -1, count) ? syscall(SYS_write, fd, bytes, count) : -1;
}
EXPORT ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  return open_passes("write", fd, at, count) ? syscall(SYS_pwrite64, fd, bytes, count, at) : -1;
}
EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { return pwrite(fd, bytes, count, at); }
EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count) {
  return open_passes("write", fd, -1, length_of(pieces, count)) ? syscall(SYS_writev, fd, pieces, (long)count) : -1;
}
EXPORT ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at) {
  if (!open_passes("write", fd, at, length_of(pieces, count))) return -1;
  return syscall(SYS_pwritev, fd, pieces, (long)count, (long)at, 0L);
}
EXPORT ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t at) {
  return pwritev(fd, pieces, count, at);
}

EXPORT int ftruncate(int fd, off_t length) {
  return open_passes("truncate", fd, length, 0) ? (int)syscall(SYS_ftruncate, fd, length) : -1;
}
EXPORT int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

/* ---- syncing ---- */

EXPORT int fsync(int fd) { return open_passes("sync", fd, 0, 0) ? (int)syscall(SYS_fsync, fd) : -1; }
EXPORT int fdatasync(int fd) { return open_passes("sync", fd, 0, 0) ? (int)syscall(SYS_fdatasync, fd) : -1; }

/* ---- names ---- */

EXPORT int unlinkat(int at, const char *name, int flags) {
  char path[PATH_BYTES];
  if (locate(at, name, path) && !passes("remove", path, -1, 0)) return -1;
  return (int)syscall(SYS_unlinkat, at, name, flags);
}
EXPORT int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
EXPORT int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
EXPORT int remove(const char *path) {
  struct stat st;
  bool is_folder = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
  return unlinkat(AT_FDCWD, path, is_folder ? AT_REMOVEDIR : 0);
}

EXPORT int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned int flags) {
  char path[PATH_BYTES];
  if (locate(to_at, to, path) && !passes("rename", path, -1, 0)) return -1;
  return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
}
EXPORT int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

EXPORT int mkdirat(int at, const char *name, mode_t mode) {
  char path[PATH_BYTES];
  if (locate(at, name, path) && !passes("folder", path, -1, 0)) return -1;
  return (int)syscall(SYS_mkdirat, at, name, mode);
}
EXPORT int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* Remembers what a power loss may take back. Preloaded into the server, it writes an undo entry for every change of a
 * file or a folder below UNSYNCED_ROOT into UNSYNCED_DIR/undo.log before the change is made, keeps what is unlinked or
 * replaced in UNSYNCED_DIR/grave/<position of the entry>, and marks what fsync and fdatasync made durable. After a
 * SIGKILL, src/power-loss/ takes back what was not. Invariant: no change without its entry; a call that changes files in
 * a way that can not be taken back is an entry of kind 'X', which fails the run.
 *
 * Entry, little-endian, aligned by the struct below: header, path, second path, old bytes. Its position in the log is
 * its name. Old bytes that are missing are zeros. */
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

#define MAGIC 0x4f444e55u /* "UNDO" */
#define PIECE (1 << 20)

struct entry {
  uint32_t magic;
  uint32_t kind;      /* W write, T length, C create, R rename, U unlink, M mkdir, D rmdir, B/E sync, X unsupported */
  uint64_t inode;     /* of the file, or of the folder that is synced */
  uint64_t parent;    /* inode of the folder that holds the name */
  uint64_t offset;    /* W: where; T: new length; R: 1 where a file was replaced; E: position of its B */
  uint64_t length;    /* W: bytes */
  uint64_t size;      /* W, T: length of the file before */
  uint32_t old_bytes; /* W: bytes that follow the paths */
  uint16_t path_bytes;
  uint16_t other_bytes;
};

static char dir[PATH_MAX];
/* How long a sync takes at least: where the disk is fast, a kill would hardly ever meet one. */
static struct timespec sync_time;
/* Entries follow one another in the order of the changes. Syncs run outside. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char *what) {
  dprintf(2, "unsynced: %s: %s\n", what, strerror(errno));
  _exit(97);
}

__attribute__((constructor)) static void begin(void) {
  const char *to = getenv("UNSYNCED_DIR");
  if (getenv("UNSYNCED_ROOT") == NULL || to == NULL || realpath(to, dir) == NULL) return;
  const char *sync_ms = getenv("UNSYNCED_SYNC_MS");
  sync_time.tv_nsec = sync_ms == NULL ? 0 : atol(sync_ms) * 1000000;
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/undo.log", dir);
  if (!begin_below(getenv("UNSYNCED_ROOT"), path)) give_up("open the undo log");
}

/* True for an open file or folder of ours. */
static bool is_ours(int fd, mode_t type, struct stat *st) {
  char path[PATH_BYTES];
  return locate_open(fd, path, st) && (st->st_mode & S_IFMT) == type;
}

static uint64_t inode_of(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static uint64_t parent_of(const char *path) {
  char parent[PATH_BYTES];
  snprintf(parent, sizeof parent, "%s", path);
  char *slash = strrchr(parent, '/');
  if (slash == NULL) return 0;
  *slash = 0;
  return inode_of(parent);
}

static uint64_t log_end(void) {
  struct stat st;
  if (fstat(own_fd, &st) != 0) give_up("look at the undo log");
  return (uint64_t)st.st_size;
}

static void append(struct entry *entry, const char *path, const char *other, const void *old) {
  entry->magic = MAGIC;
  entry->path_bytes = path == NULL ? 0 : (uint16_t)strlen(path);
  entry->other_bytes = other == NULL ? 0 : (uint16_t)strlen(other);
  struct iovec pieces[] = {
    {entry, sizeof *entry},
    {(void *)path, entry->path_bytes},
    {(void *)other, entry->other_bytes},
    {(void *)old, entry->old_bytes},
  };
  size_t bytes = sizeof *entry + entry->path_bytes + entry->other_bytes + entry->old_bytes;
  if (syscall(SYS_writev, own_fd, pieces, 4) != (long)bytes) give_up("write the undo log");
}

static void unsupported(const char *call) {
  struct entry entry = {.kind = 'X'};
  pthread_mutex_lock(&lock);
  append(&entry, call, NULL, NULL);
  pthread_mutex_unlock(&lock);
}

static bool all_zero(const char *bytes, size_t count) {
  return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

/* One W for [offset, offset + length) with the old bytes; `fd` is readable. */
static void keep_piece(int fd, const struct stat *st, uint64_t offset, uint64_t length) {
  struct entry entry = {.kind = 'W', .inode = st->st_ino, .offset = offset, .length = length, .size = st->st_size};
  uint64_t end = offset + length < (uint64_t)st->st_size ? offset + length : (uint64_t)st->st_size;
  char *old = NULL;
  if (offset < end) {
    size_t wanted = end - offset;
    size_t filled = 0;
    if ((old = malloc(wanted)) == NULL) give_up("memory for old bytes");
    while (filled < wanted) {
      ssize_t count = pread(fd, old + filled, wanted - filled, (off_t)(offset + filled));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) give_up("read old bytes");
      if (count == 0) break;
      filled += (size_t)count;
    }
    if (!all_zero(old, filled)) entry.old_bytes = (uint32_t)filled;
  }
  append(&entry, NULL, NULL, old);
  free(old);
}

/* A descriptor of the same file that can be read. */
static int readable(int fd) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int again = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (again < 0) give_up("open a file again");
  return again;
}

static void keep_range(int fd, const struct stat *st, uint64_t offset, uint64_t length) {
  int from = readable(fd);
  for (uint64_t done = 0; done < length; done += PIECE) {
    keep_piece(from, st, offset + done, length - done < PIECE ? length - done : PIECE);
  }
  close(from);
}

/* Before the length of a file changes: what would be cut off, hole by hole, and the old length. */
static void keep_length(int from, const struct stat *st, uint64_t length) {
  uint64_t at = length;
  while (at < (uint64_t)st->st_size) {
    off_t data = lseek(from, (off_t)at, SEEK_DATA);
    if (data < 0) break;
    off_t hole = lseek(from, data, SEEK_HOLE);
    for (uint64_t piece = (uint64_t)data; piece < (uint64_t)hole; piece += PIECE) {
      uint64_t left = (uint64_t)hole - piece;
      keep_piece(from, st, piece, left < PIECE ? left : PIECE);
    }
    at = (uint64_t)hole;
  }
  struct entry entry = {.kind = 'T', .inode = st->st_ino, .offset = length, .size = st->st_size};
  append(&entry, NULL, NULL, NULL);
}

/* A second name for a file about to lose its own. */
static void bury(const char *path, uint64_t position) {
  char grave[PATH_BYTES];
  snprintf(grave, sizeof grave, "%s/grave/%llu", dir, (unsigned long long)position);
  if (syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, grave, 0) != 0 && errno != EEXIST) give_up("keep an unlinked file");
}

/* ---- opening ---- */

static int open_ours(int at, const char *name, const char *path, int flags, mode_t mode) {
  struct stat st;
  pthread_mutex_lock(&lock);
  bool exists = lstat(path, &st) == 0;
  struct entry entry = {.kind = 'C', .parent = parent_of(path)};
  if (!exists && (flags & O_CREAT) != 0 && entry.parent != 0) append(&entry, path, NULL, NULL);
  if (exists && (flags & O_TRUNC) != 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
    int from = (int)syscall(SYS_openat, at, name, O_RDONLY | O_CLOEXEC, 0);
    if (from < 0) give_up("open a file to be truncated");
    keep_length(from, &st, 0);
    close(from);
  }
  int result = (int)syscall(SYS_openat, at, name, flags, mode);
  int failure = errno;
  pthread_mutex_unlock(&lock);
  errno = failure;
  return result;
}

static int open_any(int at, const char *name, int flags, mode_t mode) {
  char path[PATH_BYTES];
  if ((flags & (O_CREAT | O_TRUNC)) != 0 && locate(at, name, path)) {
    if ((flags & O_TMPFILE) == O_TMPFILE) unsupported("open O_TMPFILE");
    return open_ours(at, name, path, flags, mode);
  }
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
EXPORT int creat(const char *path, mode_t mode) {
  return open_any(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* ---- writing ---- */

static ssize_t write_pieces(int fd, const struct iovec *pieces, int count, off_t offset) {
  if (offset >= 0) return syscall(SYS_pwritev, fd, pieces, (long)count, (long)offset, 0L);
  return syscall(SYS_writev, fd, pieces, (long)count);
}

/* A negative offset: at the position of the file. */
static ssize_t write_any(int fd, const struct iovec *pieces, int count, off_t offset) {
  struct stat st;
  if (!is_ours(fd, S_IFREG, &st)) return write_pieces(fd, pieces, count, offset);
  uint64_t length = 0;
  for (int index = 0; index < count; index += 1) length += pieces[index].iov_len;
  pthread_mutex_lock(&lock);
  if (fstat(fd, &st) != 0) give_up("look at a file");
  off_t at = offset;
  if (at < 0) at = (fcntl(fd, F_GETFL) & O_APPEND) != 0 ? st.st_size : lseek(fd, 0, SEEK_CUR);
  keep_range(fd, &st, (uint64_t)at, length);
  ssize_t result = write_pieces(fd, pieces, count, offset);
  int failure = errno;
  pthread_mutex_unlock(&lock);
  errno = failure;
  return result;
}

static ssize_t write_one(int fd, const void *bytes, size_t count, off_t offset) {
  struct iovec piece = {(void *)bytes, count};
  return write_any(fd, &piece, 1, offset);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t count) {
  struct stat st;
  if (is_ours(fd, S_IFREG, &st)) return write_one(fd, bytes, count, -1);
  return syscall(SYS_write, fd, bytes, count);
}
EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count) { return write_any(fd, pieces, count, -1); }
EXPORT ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return write_one(fd, bytes, count, at); }
EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { return write_one(fd, bytes, count, at); }
EXPORT ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at) {
  return write_any(fd, pieces, count, at);
}
EXPORT ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t at) {
  return write_any(fd, pieces, count, at);
}
EXPORT ssize_t pwritev2(int fd, const struct iovec *pieces, int count, off_t at, int flags) {
  struct stat st;
  if (flags != 0 && is_ours(fd, S_IFREG, &st)) unsupported("pwritev2 with flags");
  return write_any(fd, pieces, count, at);
}
EXPORT ssize_t pwritev64v2(int fd, const struct iovec *pieces, int count, off_t at, int flags) {
  return pwritev2(fd, pieces, count, at, flags);
}

EXPORT int ftruncate(int fd, off_t length) {
  struct stat st;
  if (!is_ours(fd, S_IFREG, &st)) return (int)syscall(SYS_ftruncate, fd, length);
  pthread_mutex_lock(&lock);
  if (fstat(fd, &st) != 0) give_up("look at a file");
  int from = readable(fd);
  keep_length(from, &st, (uint64_t)length);
  close(from);
  int result = (int)syscall(SYS_ftruncate, fd, length);
  int failure = errno;
  pthread_mutex_unlock(&lock);
  errno = failure;
  return result;
}
EXPORT int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

/* ---- syncing ---- */

/* Someone made UNSYNCED_DIR/fail: the disk is broken from now on. */
static bool is_broken(void) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/fail", dir);
  return syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
}

/* What was changed before the sync began is durable when it ended well. */
static int sync_any(int fd, long call) {
  struct stat st;
  bool ours = is_ours(fd, S_IFREG, &st) || is_ours(fd, S_IFDIR, &st);
  if (ours && is_broken()) {
    errno = EIO;
    return -1;
  }
  struct entry begun = {.kind = 'B', .inode = ours ? st.st_ino : 0};
  struct entry ended = {.kind = 'E', .inode = begun.inode};
  if (ours) {
    pthread_mutex_lock(&lock);
    ended.offset = log_end();
    append(&begun, NULL, NULL, NULL);
    pthread_mutex_unlock(&lock);
    nanosleep(&sync_time, NULL);
  }
  int result = (int)syscall(call, fd);
  int failure = errno;
  if (ours && result == 0) {
    pthread_mutex_lock(&lock);
    append(&ended, NULL, NULL, NULL);
    pthread_mutex_unlock(&lock);
  }
  errno = failure;
  return result;
}

EXPORT int fsync(int fd) { return sync_any(fd, SYS_fsync); }
EXPORT int fdatasync(int fd) { return sync_any(fd, SYS_fdatasync); }

/* ---- names ---- */

static int unlink_any(int at, const char *name, int flags) {
  char path[PATH_BYTES];
  if (!locate(at, name, path)) return (int)syscall(SYS_unlinkat, at, name, flags);
  struct stat st;
  pthread_mutex_lock(&lock);
  if (lstat(path, &st) == 0) {
    struct entry entry = {.kind = S_ISDIR(st.st_mode) ? 'D' : 'U', .inode = st.st_ino, .parent = parent_of(path)};
    if (!S_ISDIR(st.st_mode)) bury(path, log_end());
    append(&entry, path, NULL, NULL);
  }
  int result = (int)syscall(SYS_unlinkat, at, name, flags);
  int failure = errno;
  pthread_mutex_unlock(&lock);
  errno = failure;
  return result;
}

EXPORT int unlink(const char *path) { return unlink_any(AT_FDCWD, path, 0); }
EXPORT int unlinkat(int at, const char *path, int flags) { return unlink_any(at, path, flags); }
EXPORT int rmdir(const char *path) { return unlink_any(AT_FDCWD, path, AT_REMOVEDIR); }
EXPORT int remove(const char *path) {
  struct stat st;
  bool is_folder = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
  return unlink_any(AT_FDCWD, path, is_folder ? AT_REMOVEDIR : 0);
}

EXPORT int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned int flags) {
  char source[PATH_BYTES];
  char target[PATH_BYTES];
  bool from_ours = locate(from_at, from, source);
  bool to_ours = locate(to_at, to, target);
  if (!from_ours && !to_ours) return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
  if (!from_ours || !to_ours || flags != 0) unsupported("rename across the root, or with flags");
  struct stat st;
  pthread_mutex_lock(&lock);
  struct entry entry = {.kind = 'R', .inode = inode_of(source), .parent = parent_of(target)};
  if (entry.inode != 0 && lstat(target, &st) == 0 && !S_ISDIR(st.st_mode)) {
    bury(target, log_end());
    entry.offset = 1;
  }
  append(&entry, source, target, NULL);
  int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
  int failure = errno;
  pthread_mutex_unlock(&lock);
  errno = failure;
  return result;
}
EXPORT int renameat(int from_at, const char *from, int to_at, const char *to) {
  return renameat2(from_at, from, to_at, to, 0);
}
EXPORT int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

EXPORT int mkdirat(int at, const char *name, mode_t mode) {
  char path[PATH_BYTES];
  if (!locate(at, name, path)) return (int)syscall(SYS_mkdirat, at, name, mode);
  pthread_mutex_lock(&lock);
  /* Without a parent the call will fail: Node makes the parents one by one, from the last to the first. */
  struct entry entry = {.kind = 'M', .parent = parent_of(path)};
  if (inode_of(path) == 0 && entry.parent != 0) append(&entry, path, NULL, NULL);
  int result = (int)syscall(SYS_mkdirat, at, name, mode);
  int failure = errno;
  pthread_mutex_unlock(&lock);
  errno = failure;
  return result;
}
EXPORT int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* ---- what can not be taken back ---- */

EXPORT int link(const char *from, const char *to) {
  char path[PATH_BYTES];
  if (locate(AT_FDCWD, to, path)) unsupported("link");
  return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
EXPORT int symlink(const char *from, const char *to) {
  char path[PATH_BYTES];
  if (locate(AT_FDCWD, to, path)) unsupported("symlink");
  return (int)syscall(SYS_symlinkat, from, AT_FDCWD, to);
}
EXPORT int truncate(const char *name, off_t length) {
  char path[PATH_BYTES];
  if (locate(AT_FDCWD, name, path)) unsupported("truncate");
  return (int)syscall(SYS_truncate, name, length);
}
EXPORT int truncate64(const char *name, off_t length) { return truncate(name, length); }
EXPORT int fallocate(int fd, int mode, off_t offset, off_t length) {
  struct stat st;
  if (is_ours(fd, S_IFREG, &st)) unsupported("fallocate");
  return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}
EXPORT int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }
EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t count) {
  struct stat st;
  if (is_ours(to, S_IFREG, &st)) unsupported("sendfile");
  return syscall(SYS_sendfile, to, from, offset, count);
}
EXPORT ssize_t sendfile64(int to, int from, off_t *offset, size_t count) { return sendfile(to, from, offset, count); }
EXPORT ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t count, unsigned int flags) {
  struct stat st;
  if (is_ours(to, S_IFREG, &st)) unsupported("copy_file_range");
  return syscall(SYS_copy_file_range, from, from_at, to, to_at, count, flags);
}

/* Which calls of a server concern the folder that a preloaded library looks after. Invariant: nothing is ours before
 * `begin_below` found the folder, and the library's own open file never is. */
#ifndef BELOW_H
#define BELOW_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define PATH_BYTES (2 * PATH_MAX)

static char root[PATH_MAX];
static size_t root_bytes;
/* What the library tells goes here. */
static int own_fd = -1;

/* False where the folder can not be found, or the library's own file not be opened. */
static bool begin_below(const char *folder, const char *own_file) {
  if (folder == NULL || own_file == NULL || realpath(folder, root) == NULL) return false;
  root_bytes = strlen(root);
  own_fd = (int)syscall(SYS_openat, AT_FDCWD, own_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  return own_fd >= 0;
}

static bool below_root(const char *path) {
  return strncmp(path, root, root_bytes) == 0 && (path[root_bytes] == '/' || path[root_bytes] == 0);
}

static bool read_link(const char *link_name, char *into) {
  ssize_t count = readlink(link_name, into, PATH_BYTES - 1);
  if (count < 0) return false;
  into[count] = 0;
  return true;
}

/* Absolute path of what a call names; false when it is not ours. */
static bool locate(int at, const char *path, char *into) {
  if (own_fd < 0 || path == NULL) return false;
  if (path[0] == '/') {
    snprintf(into, PATH_BYTES, "%s", path);
  } else {
    char base[PATH_BYTES];
    char link_name[64];
    snprintf(link_name, sizeof link_name, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
    if (!read_link(link_name, base)) return false;
    if (snprintf(into, PATH_BYTES, "%s/%s", base, path) >= PATH_BYTES) return false;
  }
  return below_root(into);
}

/* Path of an open file or folder; false when it is not ours. */
static bool locate_open(int fd, char *into, struct stat *st) {
  if (own_fd < 0 || fd < 0 || fd == own_fd || fstat(fd, st) != 0) return false;
  if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode)) return false;
  char link_name[64];
  snprintf(link_name, sizeof link_name, "/proc/self/fd/%d", fd);
  return read_link(link_name, into) && below_root(into);
}

#endif

/*
 * Preloaded into a process, this journals what it does to the files under CRASH_ROOT, and what it writes to its standard
 * output, in one order, into the file CRASH_JOURNAL. `journal.ts` reads that. A record: op, 3 unused bytes, length of the
 * path and of the data (u32 each), inode, offset (u64 each); path; data. A sync is journaled and not done: what would have
 * been lost without it is made up afterwards.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, TRUNCATE, SYNC, SYNC_DIRECTORY, RENAME, UNLINK, MAKE_DIRECTORY, TOLD };
enum { OTHER = 0, A_FILE, A_DIRECTORY };
#define MAX_FILES 65536

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static const char *root;
static size_t root_length;
static int journal = -1;
static unsigned char kinds[MAX_FILES];
static char *directories[MAX_FILES];

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (real == NULL) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("CRASH_JOURNAL");
  root = getenv("CRASH_ROOT");
  if (path == NULL || root == NULL) return;
  root_length = strlen(root);
  journal = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (journal < 0) abort();
}

static int is_ours(const char *path) {
  return journal >= 0 && path != NULL && strncmp(path, root, root_length) == 0;
}

static int kind_of(int fd) { return journal >= 0 && fd >= 0 && fd < MAX_FILES ? kinds[fd] : OTHER; }

static void put(const void *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t written = syscall(SYS_write, journal, (const char *)bytes + done, length - done);
    if (written < 0 && errno != EINTR) abort();
    if (written > 0) done += written;
  }
}

static void note(int op, uint64_t inode, uint64_t offset, const char *path, const void *data, size_t length) {
  struct { uint8_t op, unused[3]; uint32_t path, data, more; uint64_t inode, offset; } head = {0};
  head.op = op;
  head.path = path == NULL ? 0 : strlen(path);
  head.data = length;
  head.inode = inode;
  head.offset = offset;
  put(&head, sizeof head);
  put(path, head.path);
  put(data, length);
}

static uint64_t inode_of(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

static void lock(void) { pthread_mutex_lock(&one_at_a_time); }
static void unlock(void) { pthread_mutex_unlock(&one_at_a_time); }

static void opened(int fd, const char *path, int is_new, int flags) {
  struct stat found;
  if (fd < 0 || fd >= MAX_FILES || fstat(fd, &found) != 0) return;
  kinds[fd] = S_ISDIR(found.st_mode) ? A_DIRECTORY : A_FILE;
  if (kinds[fd] == A_DIRECTORY) {
    free(directories[fd]);
    directories[fd] = strdup(path);
  }
  if (is_new) note(CREATE, found.st_ino, 0, path, NULL, 0);
  else if (kinds[fd] == A_FILE && (flags & O_TRUNC)) note(TRUNCATE, found.st_ino, 0, NULL, NULL, 0);
}

static int open_any(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  if (!is_ours(path)) return real(path, flags, mode);
  lock();
  int is_new = (flags & O_CREAT) && access(path, F_OK) != 0;
  int fd = real(path, flags, mode);
  int error = errno;
  opened(fd, path, is_new, flags);
  unlock();
  errno = error;
  return fd;
}

#define OPENS(name) \
  int name(const char *path, int flags, ...) { \
    static int (*real)(const char *, int, ...); \
    if (real == NULL) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; \
    va_end(more); \
    return open_any(real, path, flags, mode); \
  }
OPENS(open)
OPENS(open64)

int close(int fd) {
  REAL(int, close, int);
  if (kind_of(fd) != OTHER) kinds[fd] = OTHER;
  return real(fd);
}

static ssize_t written(int fd, off64_t offset, const void *data, ssize_t length) {
  int error = errno;
  if (length > 0) note(WRITE, inode_of(fd), offset, NULL, data, length);
  errno = error;
  return length;
}

ssize_t write(int fd, const void *data, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  if (fd == 1 && journal >= 0) {
    lock();
    note(TOLD, 0, 0, NULL, data, length);
    unlock();
  }
  if (kind_of(fd) != A_FILE) return real(fd, data, length);
  lock();
  off64_t at = lseek64(fd, 0, SEEK_CUR);
  ssize_t result = written(fd, at, data, real(fd, data, length));
  unlock();
  return result;
}

#define WRITES_AT(name) \
  ssize_t name(int fd, const void *data, size_t length, off64_t offset) { \
    REAL(ssize_t, name, int, const void *, size_t, off64_t); \
    if (kind_of(fd) != A_FILE) return real(fd, data, length, offset); \
    lock(); \
    ssize_t result = written(fd, offset, data, real(fd, data, length, offset)); \
    unlock(); \
    return result; \
  }
WRITES_AT(pwrite)
WRITES_AT(pwrite64)

/* Nothing here writes to our files in this way: it would have to be journaled. */
ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset) {
  REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
  if (kind_of(fd) != OTHER) abort();
  return real(fd, pieces, count, offset);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (kind_of(fd) != OTHER) abort();
  return real(fd, pieces, count);
}

#define TRUNCATES(name) \
  int name(int fd, off64_t length) { \
    REAL(int, name, int, off64_t); \
    if (kind_of(fd) != A_FILE) return real(fd, length); \
    lock(); \
    int result = real(fd, length); \
    if (result == 0) note(TRUNCATE, inode_of(fd), length, NULL, NULL, 0); \
    unlock(); \
    return result; \
  }
TRUNCATES(ftruncate)
TRUNCATES(ftruncate64)

static int synced(int fd) {
  lock();
  if (kinds[fd] == A_DIRECTORY) note(SYNC_DIRECTORY, 0, 0, directories[fd], NULL, 0);
  else note(SYNC, inode_of(fd), 0, NULL, NULL, 0);
  unlock();
  return 0;
}

#define SYNCS(name) \
  int name(int fd) { \
    REAL(int, name, int); \
    return kind_of(fd) == OTHER ? real(fd) : synced(fd); \
  }
SYNCS(fsync)
SYNCS(fdatasync)

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  if (!is_ours(from)) return real(from, to);
  lock();
  int result = real(from, to);
  int error = errno;
  if (result == 0) note(RENAME, 0, 0, from, to, strlen(to));
  unlock();
  errno = error;
  return result;
}

#define ON_PATH(op, name, parameters, values, ...) \
  int name parameters { \
    REAL(int, name, __VA_ARGS__); \
    if (!is_ours(path)) return real values; \
    lock(); \
    int result = real values; \
    int error = errno; \
    if (result == 0) note(op, 0, 0, path, NULL, 0); \
    unlock(); \
    errno = error; \
    return result; \
  }
ON_PATH(UNLINK, unlink, (const char *path), (path), const char *)
ON_PATH(MAKE_DIRECTORY, mkdir, (const char *path, mode_t mode), (path, mode), const char *, mode_t)

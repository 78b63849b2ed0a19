/* A disk that forgets: loaded before a process with LD_PRELOAD, it notes every write below $POWERCUT_DIR that no
 * fsync or fdatasync has covered yet, with what was there before, in $POWERCUT_LOG/<inode>. When the process has been
 * killed, whoever reads those notes can put the files into any state that a power cut could have left: without those
 * writes, or with some of them.
 *
 * Creating, renaming and removing files is not undone. sync_file_range promises nothing and is noted as nothing.
 *
 * A disk that fails: with $POWERCUT_FAIL=KIND:N:ERRNO the N-th call of a KIND (w: write, s: sync, t: change of size) on
 * such a file and every later one fails with ERRNO.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

#define FDS 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ino_t inode_of[FDS]; /* 0: a file that is not watched */

static ssize_t raw_pwrite(int fd, const void *bytes, size_t count, off_t at) {
    return syscall(SYS_pwrite64, fd, bytes, count, at);
}

static void watch(int fd) {
    const char *dir = getenv("POWERCUT_DIR");
    char link[64], path[PATH_MAX];
    struct stat st;
    if (fd < 0 || fd >= FDS || !dir) return;
    inode_of[fd] = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    if (strncmp(path, dir, strlen(dir)) != 0) return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) inode_of[fd] = st.st_ino;
}

static int log_of(ino_t inode, int flags) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%lu", getenv("POWERCUT_LOG"), (unsigned long)inode);
    return syscall(SYS_openat, AT_FDCWD, path, flags | O_CREAT | O_CLOEXEC, 0600);
}

/* One record: offset, length, old length (what of the range existed), old size, then old bytes, then new bytes. */
static void note(int fd, const void *bytes, uint64_t count, uint64_t at) {
    struct stat st;
    if (fstat(fd, &st) != 0) abort();
    uint64_t size = st.st_size, old = at >= size ? 0 : (size - at < count ? size - at : count);
    uint64_t head[4] = {at, count, old, size};
    char *record = malloc(sizeof head + old + count);
    if (!record) abort();
    memcpy(record, head, sizeof head);
    /* The descriptor may be open for writing only. */
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int reader = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
    if (old && (reader < 0 || syscall(SYS_pread64, reader, record + sizeof head, old, at) != (ssize_t)old)) abort();
    if (reader >= 0) syscall(SYS_close, reader);
    memcpy(record + sizeof head + old, bytes, count);
    int out = log_of(inode_of[fd], O_WRONLY | O_APPEND);
    size_t length = sizeof head + old + count;
    if (syscall(SYS_write, out, record, length) != (ssize_t)length) abort();
    syscall(SYS_close, out);
    free(record);
}

/* A change of size: count is UINT64_MAX and the new size stands in the offset; what is cut off is kept. */
static void note_size(int fd, uint64_t to) {
    struct stat st;
    if (fstat(fd, &st) != 0) abort();
    uint64_t size = st.st_size, old = to < size ? size - to : 0;
    uint64_t head[4] = {to, UINT64_MAX, old, size};
    char *record = malloc(sizeof head + old);
    if (!record) abort();
    memcpy(record, head, sizeof head);
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int reader = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
    if (old && (reader < 0 || syscall(SYS_pread64, reader, record + sizeof head, old, to) != (ssize_t)old)) abort();
    if (reader >= 0) syscall(SYS_close, reader);
    int out = log_of(inode_of[fd], O_WRONLY | O_APPEND);
    if (syscall(SYS_write, out, record, sizeof head + old) != (ssize_t)(sizeof head + old)) abort();
    syscall(SYS_close, out);
    free(record);
}

/* Whether this call is to fail: errno is set then. */
static int fails(char kind) {
    static long seen;
    const char *wanted = getenv("POWERCUT_FAIL");
    char which;
    long from;
    int error;
    if (!wanted || sscanf(wanted, "%c:%ld:%d", &which, &from, &error) != 3 || which != kind) return 0;
    if (++seen < from) return 0;
    errno = error;
    return 1;
}

static int watched(int fd) { return fd >= 0 && fd < FDS && inode_of[fd] != 0; }

static int opened(int fd) {
    int kept = errno;
    pthread_mutex_lock(&lock);
    watch(fd);
    pthread_mutex_unlock(&lock);
    errno = kept;
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return opened(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
int open64(const char *path, int flags, ...) {
    MODE(flags)
    return opened(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
int openat(int dir, const char *path, int flags, ...) {
    MODE(flags)
    return opened(syscall(SYS_openat, dir, path, flags, mode));
}
int openat64(int dir, const char *path, int flags, ...) {
    MODE(flags)
    return opened(syscall(SYS_openat, dir, path, flags, mode));
}

int close(int fd) {
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FDS) inode_of[fd] = 0;
    pthread_mutex_unlock(&lock);
    return syscall(SYS_close, fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    if (!watched(fd)) return raw_pwrite(fd, bytes, count, at);
    pthread_mutex_lock(&lock);
    ssize_t written = -1;
    if (!fails('w')) {
        note(fd, bytes, count, at);
        written = raw_pwrite(fd, bytes, count, at);
    }
    pthread_mutex_unlock(&lock);
    return written;
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

ssize_t write(int fd, const void *bytes, size_t count) {
    if (!watched(fd)) return syscall(SYS_write, fd, bytes, count);
    pthread_mutex_lock(&lock);
    struct stat st;
    off_t at = syscall(SYS_lseek, fd, 0, SEEK_CUR);
    if (fcntl(fd, F_GETFL) & O_APPEND && fstat(fd, &st) == 0) at = st.st_size;
    ssize_t written = -1;
    if (!fails('w')) {
        note(fd, bytes, count, at);
        written = syscall(SYS_write, fd, bytes, count);
    }
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!watched(fd)) return syscall(SYS_writev, fd, parts, count);
    ssize_t all = 0;
    for (int part = 0; part < count; part++) {
        ssize_t written = write(fd, parts[part].iov_base, parts[part].iov_len);
        if (written < 0) return all ? all : written;
        all += written;
        if ((size_t)written < parts[part].iov_len) break;
    }
    return all;
}

int ftruncate64(int fd, off64_t size) {
    if (!watched(fd)) return syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&lock);
    int done = -1;
    if (!fails('t')) {
        note_size(fd, size);
        done = syscall(SYS_ftruncate, fd, size);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int synced(int fd, long call) {
    if (!watched(fd)) return syscall(call, fd);
    /* A slow disk: so that the power is mostly cut while something is not covered. */
    usleep(3000);
    pthread_mutex_lock(&lock);
    int done = fails('s') ? -1 : syscall(call, fd);
    /* What was noted so far is on the disk now. */
    if (done == 0) {
        int out = log_of(inode_of[fd], O_WRONLY | O_TRUNC);
        if (out < 0) abort();
        syscall(SYS_close, out);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

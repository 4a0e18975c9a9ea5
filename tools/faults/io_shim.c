// A library for LD_PRELOAD that watches the files of one folder (FAULTS_DIR).
//
// FAULTS_LOG=FILE    appends a record of each change and each sync, in the order in which they happened.
// FAULTS_COUNT=FILE  writes at the end how often each kind of call was made on watched files.
// FAULTS_FAIL="CALL FIRST TIMES ERRNO"  the calls of kind CALL number FIRST, FIRST+1, ... fail with ERRNO, TIMES
//                    in all (0: forever).
//
// SQLite and libstdc++ reach the kernel through these functions, so no ptrace is needed. A change that bypasses them
// (memory that is mapped, as in the -shm file) is not logged: a power cut may leave anything there.
#define _GNU_SOURCE
#define _LARGEFILE64_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS_MAX = 4096 };
enum Call { CALL_open, CALL_pwrite, CALL_pread, CALL_fsync, CALL_fdatasync, CALL_ftruncate, CALL_fallocate,
            CALL_fcntl, CALL_mmap, CALL_fstat, CALL_unlink, CALL_rename, CALLS };
static const char *const call_names[CALLS] = {"open", "pwrite", "pread", "fsync", "fdatasync", "ftruncate",
                                              "fallocate", "fcntl", "mmap", "fstat", "unlink", "rename"};

// Read by replay.py: the same fields in the same order.
struct Record {
    uint32_t operation;  // C create, W write, T truncate, A allocate, S sync, R rename, U unlink, X end of the process
    uint32_t pid;
    uint64_t inode, offset, data_bytes;
    uint32_t path_bytes, other_bytes;  // rename has two paths
} __attribute__((packed));

static char folder[4096];
static size_t folder_bytes;
static int log_fd = -1;
static const char *count_file;
static int failing_call = -1, failing_errno;
static long failing_first, failing_times;
static long counts[CALLS];
static unsigned char watched[FDS_MAX];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int is_watched(int fd) { return fd >= 0 && fd < FDS_MAX && watched[fd]; }

static int is_inside(const char *path) {
    if (!folder_bytes || !path) return 0;
    return strncmp(path, folder, folder_bytes) == 0 && (path[folder_bytes] == '/' || path[folder_bytes] == 0);
}

__attribute__((constructor)) static void begin(void) {
    const char *dir = getenv("FAULTS_DIR"), *log = getenv("FAULTS_LOG"), *fail = getenv("FAULTS_FAIL");
    if (!dir) return;
    snprintf(folder, sizeof folder, "%s", dir);
    folder_bytes = strlen(folder);
    count_file = getenv("FAULTS_COUNT");
    if (log) log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    char name[32];
    if (fail && sscanf(fail, "%31s %ld %ld %d", name, &failing_first, &failing_times, &failing_errno) == 4)
        for (int i = 0; i < CALLS; ++i)
            if (strcmp(name, call_names[i]) == 0) failing_call = i;
}

// True when this call is one of those that fail; errno is set then.
static int fails(enum Call call) {
    const long number = __atomic_add_fetch(&counts[call], 1, __ATOMIC_RELAXED);
    if ((int)call != failing_call || number < failing_first) return 0;
    if (failing_times != 0 && number >= failing_first + failing_times) return 0;
    errno = failing_errno;
    return 1;
}

// Between lock and unlock no other thread and no other process changes a watched file or the log.
static void lock(void) {
    if (log_fd < 0) return;
    pthread_mutex_lock(&mutex);
    flock(log_fd, LOCK_EX);
}
static void unlock(void) {
    if (log_fd < 0) return;
    const int saved = errno;
    flock(log_fd, LOCK_UN);
    pthread_mutex_unlock(&mutex);
    errno = saved;
}

static void record(char operation, uint64_t inode, const char *path, const char *other, uint64_t offset,
                   const void *data, uint64_t data_bytes) {
    if (log_fd < 0) return;
    const int saved = errno;
    struct Record head = {(uint32_t)operation, (uint32_t)getpid(), inode, offset, data_bytes,
                          path ? (uint32_t)strlen(path) : 0, other ? (uint32_t)strlen(other) : 0};
    struct iovec parts[4] = {{&head, sizeof head},
                             {(void *)path, head.path_bytes},
                             {(void *)other, head.other_bytes},
                             {(void *)data, data ? data_bytes : 0}};
    static ssize_t (*real_writev)(int, const struct iovec *, int);
    if (!real_writev) real_writev = (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
    if (real_writev(log_fd, parts, 4) < 0) abort();
    errno = saved;
}

static uint64_t inode_of(int fd) {
    struct stat info;
    return fstatat(fd, "", &info, AT_EMPTY_PATH) == 0 ? info.st_ino : 0;
}
static uint64_t inode_at(const char *path) {
    struct stat info;
    return fstatat(AT_FDCWD, path, &info, AT_SYMLINK_NOFOLLOW) == 0 ? info.st_ino : 0;
}

__attribute__((destructor)) static void end(void) {
    if (!folder_bytes) return;
    lock();
    record('X', 0, NULL, NULL, 0, NULL, 0);
    unlock();
    if (!count_file) return;
    FILE *out = fopen(count_file, "w");
    if (!out) return;
    for (int i = 0; i < CALLS; ++i) fprintf(out, "%s %ld\n", call_names[i], counts[i]);
    fclose(out);
}

// --- opening ------------------------------------------------------------------------------------

static int opened(const char *path, int flags, unsigned mode, int (*real)(const char *, int, ...)) {
    if (!is_inside(path)) return real(path, flags, mode);
    if (fails(CALL_open)) return -1;
    lock();
    const int unnamed = (flags & O_TMPFILE) == O_TMPFILE;
    const int is_new = (flags & O_CREAT) && inode_at(path) == 0;
    const int fd = real(path, flags, mode);
    if (fd >= 0 && fd < FDS_MAX) {
        watched[fd] = unnamed ? 2 : 1;
        if (is_new) record('C', inode_of(fd), path, NULL, 0, NULL, 0);
        if (!is_new && (flags & O_TRUNC)) record('T', inode_of(fd), NULL, NULL, 0, NULL, 0);
    }
    unlock();
    return fd;
}

static unsigned mode_of(int flags, va_list list) {
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, unsigned) : 0;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list list; \
        va_start(list, flags); \
        const unsigned mode = mode_of(flags, list); \
        va_end(list); \
        return opened(path, flags, mode, real); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name, plain) \
    int name(int at, const char *path, int flags, ...) { \
        REAL(name); \
        va_list list; \
        va_start(list, flags); \
        const unsigned mode = mode_of(flags, list); \
        va_end(list); \
        return is_inside(path) ? plain(path, flags, mode) : real(at, path, flags, mode); \
    }
OPENAT(openat, open)
OPENAT(openat64, open64)

#define FOPEN(name) \
    FILE *name(const char *path, const char *mode) { \
        REAL(name); \
        if (!is_inside(path)) return real(path, mode); \
        if (fails(CALL_open)) return NULL; \
        lock(); \
        const int is_new = mode[0] != 'r' && inode_at(path) == 0; \
        FILE *file = real(path, mode); \
        if (file && fileno(file) < FDS_MAX) { \
            watched[fileno(file)] = 1; \
            if (is_new) record('C', inode_of(fileno(file)), path, NULL, 0, NULL, 0); \
            if (!is_new && mode[0] == 'w') record('T', inode_of(fileno(file)), NULL, NULL, 0, NULL, 0); \
        } \
        unlock(); \
        return file; \
    }
FOPEN(fopen)
FOPEN(fopen64)

int close(int fd) {
    REAL(close);
    if (is_watched(fd)) watched[fd] = 0;
    return real(fd);
}

// --- reading and writing ------------------------------------------------------------------------

#define PREAD(name) \
    ssize_t name(int fd, void *data, size_t bytes, off_t offset) { \
        REAL(name); \
        if (is_watched(fd) && fails(CALL_pread)) return -1; \
        return real(fd, data, bytes, offset); \
    }
PREAD(pread)
PREAD(pread64)

ssize_t read(int fd, void *data, size_t bytes) {
    REAL(read);
    if (is_watched(fd) && fails(CALL_pread)) return -1;
    return real(fd, data, bytes);
}

#define PWRITE(name) \
    ssize_t name(int fd, const void *data, size_t bytes, off_t offset) { \
        REAL(name); \
        if (!is_watched(fd)) return real(fd, data, bytes, offset); \
        if (fails(CALL_pwrite)) return -1; \
        lock(); \
        const ssize_t written = real(fd, data, bytes, offset); \
        if (written > 0) record('W', inode_of(fd), NULL, NULL, (uint64_t)offset, data, (uint64_t)written); \
        unlock(); \
        return written; \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

static uint64_t place_of(int fd) {
    struct stat info;
    if ((fcntl(fd, F_GETFL) & O_APPEND) && fstatat(fd, "", &info, AT_EMPTY_PATH) == 0) return (uint64_t)info.st_size;
    const off_t place = lseek(fd, 0, SEEK_CUR);
    return place < 0 ? 0 : (uint64_t)place;
}

ssize_t write(int fd, const void *data, size_t bytes) {
    REAL(write);
    if (!is_watched(fd)) return real(fd, data, bytes);
    if (fails(CALL_pwrite)) return -1;
    lock();
    const uint64_t place = place_of(fd);
    const ssize_t written = real(fd, data, bytes);
    if (written > 0) record('W', inode_of(fd), NULL, NULL, place, data, (uint64_t)written);
    unlock();
    return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    if (!is_watched(fd)) return real(fd, parts, count);
    ssize_t total = 0;
    for (int i = 0; i < count; ++i) {
        const ssize_t written = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (written < 0) return total > 0 ? total : written;
        total += written;
        if ((size_t)written < parts[i].iov_len) break;
    }
    return total;
}

// --- sizes and syncs ----------------------------------------------------------------------------

#define CHANGE_SIZE(name) \
    int name(int fd, off_t size) { \
        REAL(name); \
        if (!is_watched(fd)) return real(fd, size); \
        if (fails(CALL_ftruncate)) return -1; \
        lock(); \
        const int result = real(fd, size); \
        if (result == 0) record('T', inode_of(fd), NULL, NULL, (uint64_t)size, NULL, 0); \
        unlock(); \
        return result; \
    }
CHANGE_SIZE(ftruncate)
CHANGE_SIZE(ftruncate64)

#define FALLOCATE(name) \
    int name(int fd, int mode, off_t offset, off_t bytes) { \
        REAL(name); \
        if (!is_watched(fd)) return real(fd, mode, offset, bytes); \
        if (fails(CALL_fallocate)) return -1; \
        lock(); \
        const int result = real(fd, mode, offset, bytes); \
        if (result == 0 && mode == 0 && watched[fd] == 1) \
            record('A', inode_of(fd), NULL, NULL, (uint64_t)(offset + bytes), NULL, 0); \
        unlock(); \
        return result; \
    }
FALLOCATE(fallocate)
FALLOCATE(fallocate64)

// Gives the error back instead of setting errno.
#define POSIX_FALLOCATE(name) \
    int name(int fd, off_t offset, off_t bytes) { \
        REAL(name); \
        if (!is_watched(fd)) return real(fd, offset, bytes); \
        if (fails(CALL_fallocate)) return errno; \
        lock(); \
        const int result = real(fd, offset, bytes); \
        if (result == 0 && watched[fd] == 1) \
            record('A', inode_of(fd), NULL, NULL, (uint64_t)(offset + bytes), NULL, 0); \
        unlock(); \
        return result; \
    }
POSIX_FALLOCATE(posix_fallocate)
POSIX_FALLOCATE(posix_fallocate64)

#define SYNC(name) \
    int name(int fd) { \
        REAL(name); \
        if (!is_watched(fd)) return real(fd); \
        if (fails(CALL_##name)) return -1; \
        lock(); \
        const int result = real(fd); \
        if (result == 0) record('S', inode_of(fd), NULL, NULL, 0, NULL, 0); \
        unlock(); \
        return result; \
    }
SYNC(fsync)
SYNC(fdatasync)

// --- names --------------------------------------------------------------------------------------

int unlink(const char *path) {
    REAL(unlink);
    if (!is_inside(path)) return real(path);
    if (fails(CALL_unlink)) return -1;
    lock();
    const uint64_t inode = inode_at(path);
    const int result = real(path);
    if (result == 0) record('U', inode, path, NULL, 0, NULL, 0);
    unlock();
    return result;
}

int remove(const char *path) {
    REAL(remove);
    return is_inside(path) ? unlink(path) : real(path);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    if (!is_inside(from) || !is_inside(to)) return real(from, to);
    if (fails(CALL_rename)) return -1;
    lock();
    const int result = real(from, to);
    if (result == 0) record('R', inode_at(to), from, to, 0, NULL, 0);
    unlock();
    return result;
}

// --- calls that fail and are not logged ----------------------------------------------------------

#define FCNTL(name) \
    int name(int fd, int command, ...) { \
        REAL(name); \
        va_list list; \
        va_start(list, command); \
        void *argument = va_arg(list, void *); \
        va_end(list); \
        const int locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK; \
        if (is_watched(fd) && locks && fails(CALL_fcntl)) return -1; \
        return real(fd, command, argument); \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

#define MMAP(name) \
    void *name(void *address, size_t bytes, int protection, int flags, int fd, off_t offset) { \
        REAL(name); \
        if (is_watched(fd) && fails(CALL_mmap)) return MAP_FAILED; \
        return real(address, bytes, protection, flags, fd, offset); \
    }
MMAP(mmap)
MMAP(mmap64)

#define FSTAT(name, type) \
    int name(int fd, struct type *info) { \
        REAL(name); \
        if (is_watched(fd) && fails(CALL_fstat)) return -1; \
        return real(fd, info); \
    }
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

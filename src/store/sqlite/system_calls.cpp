#include "store/sqlite/system_calls.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <initializer_list>

namespace peakward::store {
namespace {

thread_local int refused_open = 0, refused_call = 0;  // errno of the first

// SQLite asks for files that may be missing and for locks that may be held, and calls again after a
// signal: these answers refuse nothing.
bool is_ordinary(int error) {
    return error == 0 || error == ENOENT || error == EISDIR || error == EEXIST || error == EAGAIN ||
           error == EINTR;
}

template <typename Number>
Number noted(Number returned, int& first) {
    if (returned < 0 && first == 0 && !is_ordinary(errno)) first = errno;
    return returned;
}

int open_file(const char* path, int flags, int mode) {
    return noted(::open(path, flags, mode), refused_open);
}

// NOLINTNEXTLINE(cert-dcl50-cpp): SQLite calls it as it calls the system's.
int control_file(int file, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void* const argument = va_arg(rest, void*);
    va_end(rest);
    const int returned = ::fcntl(file, command, argument);
    // What POSIX lets a system say of a lock that is held.
    return returned < 0 && errno == EACCES ? returned : noted(returned, refused_call);
}

ssize_t read_at(int file, void* bytes, size_t count, off_t at) {
    return noted(::pread(file, bytes, count, at), refused_call);
}
ssize_t read_next(int file, void* bytes, size_t count) {
    return noted(::read(file, bytes, count), refused_call);
}
ssize_t write_at(int file, const void* bytes, size_t count, off_t at) {
    return noted(::pwrite(file, bytes, count, at), refused_call);
}

template <typename Function>
void replace_call(sqlite3_vfs& system, const char* name, Function* function) {
    system.xSetSystemCall(&system, name, reinterpret_cast<sqlite3_syscall_ptr>(function));
}

bool replace_calls() {
    sqlite3_initialize();
    sqlite3_vfs* const system = sqlite3_vfs_find("unix");
    if (system == nullptr || system->iVersion < 3) return false;
    replace_call(*system, "open", open_file);
    replace_call(*system, "fcntl", control_file);
    replace_call(*system, "read", read_next);
    static_assert(sizeof(off_t) == 8);
    for (const char* name : {"pread", "pread64"}) replace_call(*system, name, read_at);
    for (const char* name : {"pwrite", "pwrite64"}) replace_call(*system, name, write_at);
    return true;
}

}  // namespace

void watch_system_calls() { [[maybe_unused]] static const bool once = replace_calls(); }

void forget_refused_call() {
    refused_open = refused_call = 0;
    errno = 0;
}

int errno_of_refused_open() { return refused_open; }

int errno_of_refused_call() {
    if (refused_call != 0) return refused_call;
    // SQLite's syncs cannot be watched. What comes after a failed one does not fail like that.
    const int last = errno;
    return last == EIO || last == ENOSPC || last == EDQUOT ? last : 0;
}

}  // namespace peakward::store

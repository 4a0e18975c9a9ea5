// What failed, in words: the cause that the system names, and never one that was guessed.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <cerrno>

#include "store/sqlite/connection.hpp"

namespace peakward::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Failure {
    int code, system_errno;
    const char* said;
    const char* not_said = "please report it";
};

const Failure failures[] = {
    {SQLITE_CANTOPEN, EMFILE, "Too many open files", "read-only"},
    {SQLITE_CANTOPEN, ENFILE, "ulimit -n", "read-only"},
    {SQLITE_CANTOPEN, EIO, "Input/output error", "No such file"},
    {SQLITE_CANTOPEN, ENOSPC, "no room left", "permissions"},
    {SQLITE_CANTOPEN, EACCES, "check the permissions"},
    {SQLITE_CANTOPEN, EROFS, "read-only"},
    {SQLITE_CANTOPEN, ENAMETOOLONG, "a shorter path", "permissions"},
    {SQLITE_CANTOPEN, ENOMEM, "not enough memory", "permissions"},
    {SQLITE_CANTOPEN, ENOLCK, "does not lock files"},
    {SQLITE_CANTOPEN_ISDIR, EISDIR, "Is a directory"},
    {SQLITE_IOERR_READ, EIO, "Input/output error", "damaged"},
    {SQLITE_IOERR_CORRUPTFS, EIO, "check its disk", "damaged"},
    {SQLITE_IOERR_WRITE, ENOSPC, "no room left"},
    {SQLITE_IOERR_WRITE, EDQUOT, "quota"},
    {SQLITE_IOERR_WRITE, EFBIG, "no room left"},
    {SQLITE_IOERR_FSYNC, EIO, "reading or writing"},
    {SQLITE_IOERR_NOMEM, 0, "not enough memory"},
    {SQLITE_IOERR_SHMLOCK, EINVAL, "does not lock files"},
    {SQLITE_IOERR_LOCK, ENOLCK, "does not lock files"},
    {SQLITE_PROTOCOL, 0, "does not lock files"},
    {SQLITE_NOLFS, 0, "does not lock files"},
    {SQLITE_NOMEM, 0, "not enough memory"},
    {SQLITE_FULL, 0, "no room left"},
    {SQLITE_READONLY, 0, "read-only"},
    {SQLITE_BUSY, 0, "locked by another process for more than 10 s"},
    {SQLITE_BUSY_SNAPSHOT, 0, "locked by another process"},
    {SQLITE_NOTADB, 0, "is not a Peakward database"},
    {SQLITE_CORRUPT, 0, "is damaged (detail)"},
    {SQLITE_CORRUPT, EIO, "Input/output error", "damaged"},
    {SQLITE_BUSY, EIO, "Input/output error", "another process"},
    {SQLITE_TOOBIG, 0, "larger than this program reads"},
    {SQLITE_CONSTRAINT, 0, "refused the change: detail"},
    {SQLITE_MISUSE, 0, "please report it", "damaged"},
};

TEST(SqliteError, NamesTheTrueCause) {
    for (const Failure& failure : failures) {
        const Error error = sqlite_error("/x.db", failure.code, failure.system_errno, "detail",
                                         std::chrono::seconds(10));
        EXPECT_THAT(error.message, AllOf(HasSubstr("/x.db"), HasSubstr(failure.said),
                                         Not(HasSubstr(failure.not_said))))
            << failure.code << " " << failure.system_errno;
    }
}

}  // namespace
}  // namespace peakward::store

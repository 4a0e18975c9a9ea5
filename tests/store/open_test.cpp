// Everything that can be wrong with a database file: one sentence with the file and the way out.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>

#include "store/scratch.hpp"

namespace peakward {
namespace {

using store_test::as_nobody;
using store_test::in_child;
using store_test::make_small_run;
using store_test::message_of;
using store_test::read_file;
using store_test::write_file;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
namespace fs = std::filesystem;

class Open : public ::testing::Test {
protected:
    void make_database(int runs = 2) {
        auto store = open_store(path_, OpenMode::append);
        ASSERT_TRUE(store) << message_of(store);
        for (int i = 1; i <= runs; ++i)
            ASSERT_TRUE((*store)->append(make_small_run(std::uint64_t(i))));
    }
    static std::string opening(const std::string& path, OpenMode mode) {
        return message_of(open_store(path, mode));
    }
    // The sentence, the same for reading and appending.
    std::string opening_either() {
        const std::string reading = opening(path_, OpenMode::read);
        EXPECT_EQ(opening(path_, OpenMode::append), reading);
        return reading;
    }
    std::int64_t runs_in(const std::string& path) {
        auto store = open_store(path, OpenMode::read);
        return store ? (*store)->info()->runs : -1;
    }

    store_test::Scratch scratch_;
    std::string path_ = scratch_ / "a.db";
};

// Files are opened one after the other: the database, its log, the log's index. Whichever is one
// too many, that is what is said.
TEST_F(Open, TooManyOpenFilesAreTheCauseWhicheverFileFails) {
    make_database();
    for (const OpenMode mode : {OpenMode::read, OpenMode::append})
        for (int room = 0; room < 8; ++room) {
            const std::string said = in_child([&] {
                const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
                ::close(next);
                const auto most = static_cast<rlim_t>(next + room);
                const rlimit limit{most, most};
                if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return std::string("no limit");
                auto store = open_store(path_, mode);
                if (!store) return message_of(store);
                const auto info = (*store)->info();
                return info ? "" : info.error().message;
            });
            EXPECT_THAT(said, AnyOf(IsEmpty(), HasSubstr("Too many open files"))) << room;
            if (room == 0) {
                EXPECT_THAT(said, Not(IsEmpty()));
            }
        }
}

TEST_F(Open, NoDatabaseToRead) {
    EXPECT_THAT(opening(path_, OpenMode::read),
                AllOf(HasSubstr(path_), HasSubstr("'peakward calibrate'")));
    EXPECT_FALSE(fs::exists(path_)) << "reading made a file";
    EXPECT_THAT(opening(scratch_ / "no/such/folder/a.db", OpenMode::read),
                HasSubstr("there is no database"));
}

TEST_F(Open, AppendingMakesTheFolders) {
    path_ = scratch_ / "new/folder/with a space & % ? #/a.db";
    make_database();
    EXPECT_EQ(runs_in(path_), 2);
}

TEST_F(Open, NamesThatMeanSomethingToSqliteAreOrdinaryFiles) {
    ASSERT_EQ(::chdir(scratch_.folder().c_str()), 0);
    path_ = ":memory:";
    make_database();
    EXPECT_TRUE(fs::exists(scratch_ / ":memory:"));
    path_ = "file:b.db?mode=ro";
    make_database();
    EXPECT_TRUE(fs::exists(scratch_ / "file:b.db?mode=ro"));
    ASSERT_EQ(::chdir("/"), 0);
}

TEST_F(Open, OtherKindsOfLocation) {
    for (const char* url : {"postgresql://user:secret@host/db", "postgres://host/db"}) {
        const auto refused = open_store(url, OpenMode::append);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::usage);
        EXPECT_THAT(refused.error().message,
                    AllOf(HasSubstr("later release"), HasSubstr("--db"), Not(HasSubstr("secret"))));
    }
    EXPECT_THAT(opening("mysql://host/db", OpenMode::read), HasSubstr("'mysql'"));
    EXPECT_EQ(open_store("", OpenMode::read).error().kind, ErrorKind::usage);
    EXPECT_THAT(message_of(migrate_store("postgresql://h/db")), HasSubstr("later release"));
}

TEST_F(Open, AFolder) {
    fs::create_directory(path_);
    EXPECT_THAT(opening_either(),
                AllOf(HasSubstr("is a folder"), HasSubstr("--db " + path_ + "/")));
}

TEST_F(Open, SomethingThatIsNoFile) {
    EXPECT_THAT(opening("/dev/null", OpenMode::append), HasSubstr("not a regular file"));
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    EXPECT_THAT(opening_either(), HasSubstr("not a regular file"));
}

TEST_F(Open, AFolderThatCannotBeMade) {
    write_file(scratch_ / "file", "x");
    EXPECT_THAT(opening(scratch_ / "file/a.db", OpenMode::append),
                AllOf(HasSubstr("cannot be made"), HasSubstr("--db")));
    EXPECT_THAT(opening("/proc/peakward/a.db", OpenMode::append), HasSubstr("cannot be made"));
}

TEST_F(Open, NotADatabase) {
    for (const std::string& content : {std::string("{\"json\": 1}"), std::string("x"),
                                       std::string(10000, 'z'), std::string(4096, '\0')}) {
        write_file(path_, content);
        EXPECT_THAT(opening_either(),
                    AllOf(HasSubstr("not a Peakward database"), HasSubstr("--db")));
        EXPECT_TRUE(read_file(path_) == content) << "the file was touched";
    }
}

TEST_F(Open, AnEmptyFileIsADatabaseToBe) {
    write_file(path_, "");
    EXPECT_THAT(opening(path_, OpenMode::read),
                AllOf(HasSubstr("is empty"), HasSubstr("'peakward calibrate'")));
    EXPECT_TRUE(read_file(path_).empty());
    make_database();
    EXPECT_EQ(runs_in(path_), 2);
}

TEST_F(Open, AnEmptyFileWithAJournalWasCutOff) {
    make_database();
    write_file(path_ + "-wal", "content");
    write_file(path_, "");
    EXPECT_THAT(opening_either(), HasSubstr("cut off"));
}

TEST_F(Open, ADatabaseWithoutTablesHoldsNoRuns) {
    {
        store::Connection connection(path_, store::Connection::Access::create,
                                     std::chrono::milliseconds(0));
        connection.scalar_text("PRAGMA journal_mode = WAL");  // killed right after this
    }
    EXPECT_THAT(opening(path_, OpenMode::read), HasSubstr("holds no runs yet"));
    make_database();
}

TEST_F(Open, ATruncatedFile) {
    make_database();
    const std::string whole = read_file(path_);
    for (const std::size_t size : {whole.size() / 2, whole.size() - 4096, std::size_t{4096}}) {
        write_file(path_, whole.substr(0, size));
        EXPECT_THAT(opening_either(), AllOf(HasSubstr("is damaged"), HasSubstr("backup"))) << size;
    }
    write_file(path_, whole.substr(0, 50));
    EXPECT_THAT(opening_either(), HasSubstr("is damaged (it has been cut off)"));
    write_file(path_, whole.substr(0, 10));
    EXPECT_THAT(opening_either(), HasSubstr("is damaged (it has been cut off)"));
}

TEST_F(Open, ADamagedSchema) {
    make_database();
    std::string content = read_file(path_);
    for (std::size_t i = 100; i < 4096; ++i) content[i] = char(i * 31);
    write_file(path_, content);
    EXPECT_THAT(opening_either(), AllOf(HasSubstr("is damaged"), HasSubstr("backup")));
}

TEST_F(Open, ADatabaseOfAnotherApplication) {
    {
        store::Connection connection(path_, store::Connection::Access::create,
                                     std::chrono::milliseconds(0));
        connection.execute("CREATE TABLE bookmarks (url TEXT)");
    }
    const std::string before = read_file(path_);
    EXPECT_THAT(opening_either(), AllOf(HasSubstr("another application"), HasSubstr("--db")));
    EXPECT_TRUE(read_file(path_) == before) << "the file was touched";
    store_test::raw_connection(path_).execute(
        "PRAGMA application_id = 77; PRAGMA user_version = 1");
    EXPECT_THAT(opening_either(), HasSubstr("another application"));
}

TEST_F(Open, ANewerDatabase) {
    make_database();
    store_test::raw_connection(path_).execute("PRAGMA user_version = 99");
    EXPECT_THAT(opening_either(),
                AllOf(HasSubstr("newer Peakward (schema 99"), HasSubstr("update this program")));
    EXPECT_THAT(message_of(migrate_store(path_)), HasSubstr("newer Peakward"));
}

TEST_F(Open, ADatabaseThatBecameNewerWhileWeMeasured) {
    auto store = open_store(path_, OpenMode::append);
    store_test::raw_connection(path_).execute("PRAGMA user_version = 99");
    EXPECT_THAT(message_of((*store)->append(make_small_run(1))),
                HasSubstr("changed to schema 99 by another Peakward"));
}

TEST_F(Open, AReadOnlyFileIsReadAndNotAppendedTo) {
    make_database();
    ASSERT_EQ(::chmod(path_.c_str(), 0444), 0);
    EXPECT_THAT(as_nobody([&] { return opening(path_, OpenMode::append); }),
                AllOf(HasSubstr(path_), HasSubstr("read-only"), HasSubstr("--db")));
    EXPECT_EQ(as_nobody([&] { return std::to_string(runs_in(path_)); }), "2");
}

TEST_F(Open, AReadOnlyFolderIsReadAndNotAppendedTo) {
    make_database();
    ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
    ASSERT_EQ(::chmod(scratch_.folder().c_str(), 0555), 0);
    EXPECT_THAT(as_nobody([&] { return opening(path_, OpenMode::append); }),
                AllOf(HasSubstr(path_), HasSubstr("--db")));
    EXPECT_EQ(as_nobody([&] { return std::to_string(runs_in(path_)); }), "2");
    EXPECT_THAT(as_nobody([&] { return opening(scratch_ / "new.db", OpenMode::append); }),
                AllOf(HasSubstr("new.db"), HasSubstr("permission")));
    EXPECT_THAT(as_nobody([&] { return opening(scratch_ / "sub/new.db", OpenMode::append); }),
                HasSubstr("cannot be made"));
    ASSERT_EQ(::chmod(scratch_.folder().c_str(), 0777), 0);
}

TEST_F(Open, AFileThatMayNotBeRead) {
    make_database();
    ASSERT_EQ(::chmod(path_.c_str(), 0000), 0);
    for (const OpenMode mode : {OpenMode::read, OpenMode::append})
        EXPECT_THAT(as_nobody([&] { return opening(path_, mode); }),
                    AllOf(HasSubstr("cannot be opened"), HasSubstr("permissions")));
}

// Runs that only the journal holds must not be overlooked silently.
TEST_F(Open, AReadOnlyFolderWithAJournalThatIsNotMerged) {
    std::string wal, main;
    {
        auto store = open_store(path_, OpenMode::append);
        ASSERT_TRUE((*store)->append(make_small_run(1)));
        wal = read_file(path_ + "-wal");
        main = read_file(path_);
    }
    ASSERT_FALSE(wal.empty());
    write_file(path_, main);
    write_file(path_ + "-wal", wal);
    ASSERT_EQ(::chmod(scratch_.folder().c_str(), 0555), 0);
    EXPECT_THAT(as_nobody([&] { return opening(path_, OpenMode::read); }),
                AllOf(HasSubstr("-wal"), HasSubstr("copy both files")));
    ASSERT_EQ(::chmod(scratch_.folder().c_str(), 0777), 0);
    EXPECT_EQ(runs_in(path_), 1) << "the journal has the run";
}

TEST_F(Open, ReadingLeavesNoFilesBehindAndChangesNothing) {
    make_database();
    const std::string before = read_file(path_);
    for (int i = 0; i < 2; ++i) {
        auto store = open_store(path_, OpenMode::read);
        ASSERT_TRUE((*store)->history({}));
        ASSERT_TRUE((*store)->verify());
    }
    EXPECT_TRUE(read_file(path_) == before) << "the file was touched";
    EXPECT_FALSE(fs::exists(path_ + "-wal"));
    EXPECT_FALSE(fs::exists(path_ + "-shm"));
}

TEST_F(Open, TryingToWriteChangesNoRun) {
    make_database();
    const std::string head = (*open_store(path_, OpenMode::read))->info()->chain_head;
    ASSERT_TRUE(open_store(path_, OpenMode::append));
    auto store = open_store(path_, OpenMode::read);
    EXPECT_EQ((*store)->info()->chain_head, head);
    EXPECT_THAT((*store)->verify()->problems, IsEmpty());
}

TEST_F(Open, ALockedDatabaseIsToldAfterABoundedWait) {
    make_database();
    store::Connection holder = store_test::raw_connection(path_);
    holder.execute("BEGIN IMMEDIATE");
    store::SqliteOptions impatient;
    impatient.lock_wait = std::chrono::milliseconds(20);
    EXPECT_THAT(
        message_of(store::open_sqlite_store(path_, OpenMode::append, impatient)),
        AllOf(HasSubstr("locked by another process for more than 0.02 s"), HasSubstr("fuser")));
    EXPECT_TRUE(store::open_sqlite_store(path_, OpenMode::read, impatient)) << "readers go on";
    holder.execute("COMMIT");
    auto store = store::open_sqlite_store(path_, OpenMode::append, impatient);
    ASSERT_TRUE(store);
    holder.execute("BEGIN IMMEDIATE");
    EXPECT_THAT(message_of((*store)->append(make_small_run(8))), HasSubstr("locked"));
    holder.execute("COMMIT");
    EXPECT_TRUE((*store)->append(make_small_run(8)));
}

// ---------------------------------------------------------------------------------------------
// Full disks
// ---------------------------------------------------------------------------------------------

class FullDisk : public Open {
protected:
    // `body` in a child on a file system of `bytes`, mounted over the scratch folder, seen only
    // there.
    std::string on_small_disk(int bytes, const std::function<std::string()>& body) {
        return in_child([&]() -> std::string {
            const std::string size = "size=" + std::to_string(bytes);
            if (::unshare(CLONE_NEWNS) != 0 ||
                ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                ::mount("tmpfs", scratch_.folder().c_str(), "tmpfs", 0, size.c_str()) != 0)
                return "no mount";
            return body();
        });
    }
};

TEST_F(FullDisk, IsToldWhenOpening) {
    const std::string told =
        on_small_disk(1 << 20, [&] { return opening(path_, OpenMode::append); });
    if (told == "no mount") GTEST_SKIP() << "mounting a tmpfs needs root";
    EXPECT_THAT(told, AllOf(HasSubstr("no room left"), HasSubstr(path_), HasSubstr("free some")));
}

TEST_F(FullDisk, WhileAppendingLosesNothingThatWasStored) {
    const std::string told = on_small_disk(6 << 20, [&]() -> std::string {
        auto store = open_store(path_, OpenMode::append);
        if (!store) return message_of(store);
        std::uint64_t stored = 0;
        std::string message;
        for (std::uint64_t seed = 1; seed < 200 && message.empty(); ++seed) {
            message = message_of((*store)->append(store_test::make_run({.seed = seed})));
            if (message.empty()) stored = seed;
        }
        if (stored == 0 || stored > 190) return "stored " + std::to_string(stored);
        store->reset();
        auto again = open_store(path_, OpenMode::read);
        if (!again) return "reading: " + message_of(again);
        const auto report = (*again)->verify();
        if (!report || !report->problems.empty()) return "does not verify";
        if (report->runs != std::int64_t(stored)) return "lost runs";
        return message;
    });
    if (told == "no mount") GTEST_SKIP() << "mounting a tmpfs needs root";
    EXPECT_THAT(told, AllOf(HasSubstr("no room left"), HasSubstr("runs in it are intact")));
}

// The shared memory of readers has no room there either.
TEST_F(FullDisk, IsReadAndNothingIsLeftBehind) {
    const std::string told = on_small_disk(8 << 20, [&]() -> std::string {
        make_database();
        {
            std::ofstream fill(scratch_ / "fill", std::ios::binary);
            while (fill.write(std::string(1024, 'x').data(), 1024).flush()) {
            }
        }
        {
            auto store = open_store(path_, OpenMode::read);
            if (!store) return message_of(store);
            if (!(*store)->history({}) || !(*store)->verify()->problems.empty()) return "not read";
        }
        std::string files;
        for (const auto& entry : fs::directory_iterator(scratch_.folder()))
            files += entry.path().filename().string() + " ";
        return files.size() == std::string("a.db fill ").size() ? "read" : files;
    });
    if (told == "no mount") GTEST_SKIP() << "mounting a tmpfs needs root";
    EXPECT_EQ(told, "read");
}

TEST_F(FullDisk, AJournalThatIsNotMergedIsToldAsSuch) {
    const std::string told = on_small_disk(8 << 20, [&]() -> std::string {
        std::string wal, main;
        {
            auto store = open_store(path_, OpenMode::append);
            if (!store || !(*store)->append(make_small_run(1))) return "not made";
            wal = read_file(path_ + "-wal");
            main = read_file(path_);
        }
        write_file(path_, main);
        write_file(path_ + "-wal", wal);
        std::ofstream fill(scratch_ / "fill", std::ios::binary);
        while (fill.write(std::string(1024, 'x').data(), 1024).flush()) {
        }
        return opening(path_, OpenMode::read);
    });
    if (told == "no mount") GTEST_SKIP() << "mounting a tmpfs needs root";
    EXPECT_THAT(told, AllOf(HasSubstr("its disk is full"), HasSubstr("copy both files")));
}

// The limit on file sizes acts like a full disk and needs no rights.
TEST_F(FullDisk, AFileSizeLimitIsToldAndLosesNothing) {
    const std::string told = in_child([&]() -> std::string {
        std::signal(SIGXFSZ, SIG_IGN);
        auto store = open_store(path_, OpenMode::append);
        if (!store || !(*store)->append(make_small_run(1))) return "not even one";
        const rlimit limit{1 << 20, 1 << 20};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        std::string message;
        for (std::uint64_t seed = 2; seed < 200 && message.empty(); ++seed)
            message = message_of((*store)->append(store_test::make_run({.seed = seed})));
        const auto report = (*store)->verify();
        if (!report || !report->problems.empty()) return "does not verify";
        return message + "|" + message_of(open_store(path_, OpenMode::append));
    });
    EXPECT_THAT(told, AllOf(HasSubstr("no room left"), HasSubstr("|there is no room")));
}

TEST_F(FullDisk, AReadOnlyFileSystemIsReadAndNotAppendedTo) {
    make_database();
    const std::string told = in_child([&]() -> std::string {
        const char* folder = scratch_.folder().c_str();
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(folder, folder, nullptr, MS_BIND, nullptr) != 0 ||
            ::mount(folder, folder, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0)
            return "no mount";
        auto store = open_store(path_, OpenMode::read);
        if (!store) return message_of(store);
        if ((*store)->history({})->size() != 2 || !(*store)->find(make_small_run(1).run_id) ||
            !(*store)->verify()->problems.empty())
            return "not read";
        return opening(path_, OpenMode::append);
    });
    if (told == "no mount") GTEST_SKIP() << "mounting needs root";
    EXPECT_THAT(told, AllOf(HasSubstr("read-only"), HasSubstr("--db")));
}

// ---------------------------------------------------------------------------------------------

class Location : public ::testing::Test {
protected:
    void SetUp() override {
        for (const char* name : {"PEAKWARD_DB", "XDG_DATA_HOME", "HOME"}) {
            const char* value = std::getenv(name);
            if (value != nullptr) saved_.emplace_back(name, value);
            ::unsetenv(name);
        }
    }
    void TearDown() override {
        for (const char* name : {"PEAKWARD_DB", "XDG_DATA_HOME", "HOME"}) ::unsetenv(name);
        for (const auto& [name, value] : saved_) ::setenv(name.c_str(), value.c_str(), 1);
    }
    std::vector<std::pair<std::string, std::string>> saved_;
};

TEST_F(Location, OptionThenVariableThenDataFolder) {
    EXPECT_EQ(default_store_location(""), "");
    ::setenv("HOME", "/home/me", 1);
    EXPECT_EQ(default_store_location(""), "/home/me/.local/share/peakward/calibrations.db");
    ::setenv("XDG_DATA_HOME", "relative", 1);
    EXPECT_EQ(default_store_location(""), "/home/me/.local/share/peakward/calibrations.db");
    ::setenv("XDG_DATA_HOME", "/data", 1);
    EXPECT_EQ(default_store_location(""), "/data/peakward/calibrations.db");
    ::setenv("PEAKWARD_DB", "x.db", 1);
    EXPECT_EQ(default_store_location(""), "x.db");
    EXPECT_EQ(default_store_location("y.db"), "y.db");
}

}  // namespace
}  // namespace peakward

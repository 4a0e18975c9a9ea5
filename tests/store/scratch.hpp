// A fresh folder for one test, and ways to run a piece of it as somebody else.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "store/make_run.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace peakward::store_test {

class Scratch {
public:
    Scratch() {
        std::string name = ::testing::TempDir() + "peakward-store-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no scratch folder: " << name;
        folder_ = name;
        // So that the part of a test that runs without root's rights gets in.
        std::filesystem::permissions(folder_, std::filesystem::perms::all);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::string operator/(const std::string& name) const { return folder_ + "/" + name; }
    const std::string& folder() const { return folder_; }

private:
    std::string folder_;
};

inline std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_file(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

// Runs `body` in a child process and returns the text it gives; "child died" when it does not.
inline std::string in_child(const std::function<std::string()>& body) {
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(pipe_ends[0]);
        const std::string text = "." + body();
        const bool told = ::write(pipe_ends[1], text.data(), text.size()) == ssize_t(text.size());
        ::_exit(told ? 0 : 1);
    }
    ::close(pipe_ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
        text.append(buffer, std::size_t(n));
    ::close(pipe_ends[0]);
    ::waitpid(child, nullptr, 0);
    return text.empty() ? "child died" : text.substr(1);
}

// As in_child, without root's rights: permission bits mean nothing to root.
inline std::string as_nobody(const std::function<std::string()>& body) {
    return in_child([&]() -> std::string {
        if (::geteuid() == 0 && (::setegid(65534) != 0 || ::seteuid(65534) != 0))
            return "cannot become nobody";
        return body();
    });
}

// "" or the sentence.
template <typename T>
std::string message_of(const Result<T>& result) {
    return result ? "" : result.error().message;
}

inline store::Connection raw_connection(const std::string& path) {
    return store::Connection(path, store::Connection::Access::read_write,
                             std::chrono::milliseconds(1000));
}

// Changes the database behind the triggers' back, as somebody with an editor for SQLite would.
inline void tamper(const std::string& path, const std::string& sql) {
    store::Connection connection = raw_connection(path);
    std::vector<std::pair<std::string, std::string>> triggers;
    {
        store::Statement rows =
            connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
        while (rows.step()) triggers.emplace_back(rows.text(0), rows.text(1));
    }
    connection.execute("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; BEGIN");
    for (const auto& [name, definition] : triggers) connection.execute("DROP TRIGGER " + name);
    connection.execute(sql);
    for (const auto& [name, definition] : triggers) connection.execute(definition);
    connection.execute("COMMIT");
    const auto status = connection.status();
    ASSERT_TRUE(status) << status.error().message;
}

}  // namespace peakward::store_test

// A worker in a child process, as the host sees it: lines in, lines out. The child is a fork of the
// test that calls serve() (no program to find, also under an emulator), or a program.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/worker_protocol.hpp"

namespace peakward::worker {

class ConversationPartner {
public:
    explicit ConversationPartner(const std::function<int()>& child);
    explicit ConversationPartner(const std::vector<std::string>& argv);
    ~ConversationPartner();
    ConversationPartner(const ConversationPartner&) = delete;
    ConversationPartner& operator=(const ConversationPartner&) = delete;

    void send_line(const std::string& line);
    void close_input();
    // The next line of its stdout; "" when it ended, or said nothing for two minutes.
    std::string read_line();
    // Sends a request with the next id, returns the reply; null where it is not JSON.
    Json ask(const std::string& verb, Json fields = Json::object());
    // Exit code; -1 when a signal ended it. Closes its input first.
    int wait();
    // All it wrote to stderr; call after wait().
    std::string stderr_text();

private:
    void start(const std::function<int()>& child);

    int pid_ = -1, input_ = -1, output_ = -1, errors_ = -1, id_ = 0;
    std::string buffer_;
};

// A case as in the protocol.
Json case_json(const std::string& operation, const std::string& precision, Json shape,
               int threads = 1);

}  // namespace peakward::worker

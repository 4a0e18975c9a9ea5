#include "workers/conversation_partner.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace peakward::worker {

ConversationPartner::ConversationPartner(const std::function<int()>& child) { start(child); }

ConversationPartner::ConversationPartner(const std::vector<std::string>& argv) {
    start([argv] {
        std::vector<char*> words;
        for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
        words.push_back(nullptr);
        ::execv(words[0], words.data());
        return 127;
    });
}

void ConversationPartner::start(const std::function<int()>& child) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    // A file and not a pipe: nobody needs to read it while the conversation goes on.
    std::FILE* errors = std::tmpfile();
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(in[0], 0);
        ::dup2(out[1], 1);
        ::dup2(::fileno(errors), 2);
        for (int descriptor : {in[0], in[1], out[0], out[1]}) ::close(descriptor);
        const int code = child();
        std::fflush(nullptr);
        ::_exit(code);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = out[0];
    errors_ = ::dup(::fileno(errors));
    std::fclose(errors);
    ::signal(SIGPIPE, SIG_IGN);
}

ConversationPartner::~ConversationPartner() {
    close_input();
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(output_);
    ::close(errors_);
}

void ConversationPartner::send_line(const std::string& line) {
    const std::string text = line + "\n";
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t count = ::write(input_, text.data() + done, text.size() - done);
        if (count <= 0) return;
        done += static_cast<std::size_t>(count);
    }
}

void ConversationPartner::close_input() {
    if (input_ >= 0) ::close(input_);
    input_ = -1;
}

std::string ConversationPartner::read_line() {
    constexpr int silence_max_ms = 120'000;
    for (;;) {
        const std::size_t end = buffer_.find('\n');
        if (end != std::string::npos) {
            std::string line = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return line;
        }
        pollfd waiting = {output_, POLLIN, 0};
        if (::poll(&waiting, 1, silence_max_ms) <= 0) return "";
        char block[65536];
        const ssize_t count = ::read(output_, block, sizeof block);
        if (count <= 0) return "";
        buffer_.append(block, static_cast<std::size_t>(count));
    }
}

Json ConversationPartner::ask(const std::string& verb, Json fields) {
    fields["id"] = ++id_;
    fields["verb"] = verb;
    send_line(fields.dump());
    const std::string line = read_line();
    Json reply = Json::parse(line, nullptr, false);
    return reply.is_discarded() ? Json(nullptr) : reply;
}

int ConversationPartner::wait() {
    close_input();
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string ConversationPartner::stderr_text() {
    std::string text(1u << 20, '\0');
    const ssize_t count = ::pread(errors_, text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
}

Json case_json(const std::string& operation, const std::string& precision, Json shape,
               int threads) {
    return {{"operation", operation}, {"precision", precision}, {"shape", std::move(shape)},
            {"device", "cpu"},        {"backend", "blas"},      {"threads", threads}};
}

}  // namespace peakward::worker

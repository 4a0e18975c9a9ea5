// Asking a library that may hang, crash or change the process: in a child, with a limit.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/units.hpp"

namespace peakward::detail {

// What the child says, line by line, as it goes: what it said before it hung is kept.
class Speaker {
public:
    explicit Speaker(int descriptor) : descriptor_(descriptor) {}
    void say(std::string_view line) const;

private:
    int descriptor_;
};

struct ChildReport {
    std::string said;  // complete lines
    std::string
        misfortune;  // "did not answer within 5.0 s", "ended with signal 11"; "" when it ended well
};

// Runs `ask` in a child process that is killed when it says nothing for `silence_max`, and reaped.
ChildReport ask_in_child(const std::function<void(const Speaker&)>& ask, Nanoseconds silence_max);

}  // namespace peakward::detail

// How an operation says that it could not be done.
//
// A bug asserts. An operation that may fail returns Result<T>. A fact about the world that could
// not be had is not a failure: it is a Fact (fact.hpp) that carries the reason.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace peakward {

// The exit code a command ends with when this error reaches it (DESIGN section 6).
enum class ErrorKind {
    failed = 1,   // something did not work: what, where, and what to do
    usage = 2,    // the request itself was wrong
    refused = 3,  // preflight failed, platform mismatch, or a device would have fallen back
    interrupted,  // ended by a signal; the exit code is 128 + its number
};

// One clear sentence for the user: what happened, to which file, field or flag, and the way out.
struct Error {
    ErrorKind kind = ErrorKind::failed;
    std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

inline tl::unexpected<Error> failed(std::string message) {
    return tl::make_unexpected(Error{ErrorKind::failed, std::move(message)});
}
inline tl::unexpected<Error> wrong_usage(std::string message) {
    return tl::make_unexpected(Error{ErrorKind::usage, std::move(message)});
}
inline tl::unexpected<Error> refused(std::string message) {
    return tl::make_unexpected(Error{ErrorKind::refused, std::move(message)});
}

}  // namespace peakward

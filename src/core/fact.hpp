// A fact about a machine: either a value with the source that gave it, or the reason why it could
// not be had. Absence is a value; nothing real-looking is ever invented.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace peakward {

template <typename T>
class Fact {
public:
    Fact() : reason_("not looked for") {}

    // A value and where it was read: a path, an instruction, a library call, a formula.
    static Fact known(T value, std::string source) {
        Fact fact;
        fact.value_ = std::move(value);
        fact.source_ = std::move(source);
        fact.reason_.clear();
        return fact;
    }

    // Why it could not be had, as a phrase that completes "unknown: ...".
    static Fact unknown(std::string reason) {
        Fact fact;
        fact.reason_ = std::move(reason);
        return fact;
    }

    bool has_value() const { return value_.has_value(); }
    explicit operator bool() const { return has_value(); }
    const T& operator*() const {
        assert(value_);
        return *value_;
    }
    const T* operator->() const {
        assert(value_);
        return &*value_;
    }
    T value_or(T fallback) const { return value_.value_or(std::move(fallback)); }

    const std::string& source() const { return source_; }
    const std::string& reason() const { return reason_; }

    // This fact if known, else the other one: sources are tried in order of trust.
    Fact or_else(const Fact& other) const {
        if (has_value() || (!other.has_value() && reason_ != "not looked for")) return *this;
        return other;
    }

    friend bool operator==(const Fact&, const Fact&) = default;

private:
    std::optional<T> value_;
    std::string source_;
    std::string reason_;
};

}  // namespace peakward

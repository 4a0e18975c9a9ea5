#include "core/json.hpp"

#include <algorithm>
#include <cmath>

#include "core/progress.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

// A document nested deeper than this is not ours, and reading it would use the stack up.
constexpr std::size_t depth_max = 200;
// What the values of a text may take in memory. The largest lists of runs that an import reads
// (128 MiB) take half of it; a text of nothing but "{}," would take twenty times its own size.
constexpr std::size_t memory_bytes_max = std::size_t{1} << 30;
// As glibc gives them out: what stands behind an object or a list, and an entry of an object.
constexpr std::size_t object_bytes = 64, list_bytes = 32, entry_bytes = 96;
constexpr std::size_t events_between_looks = 4096;

// `byte` counts from 1, and may lie one behind the end.
std::string line_and_column(std::string_view text, std::size_t byte) {
    const std::string_view before = text.substr(0, byte > 0 ? byte - 1 : 0);
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const auto newline = before.rfind('\n');
    const std::size_t column =
        before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
    return fmt::format("line {}, column {}", lines + 1, column);
}

// Where the parser is: nlohmann's SAX interface tells the place of an error, but not of a key.
class Cursor {
public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    Cursor(const char* at, const char** place) : at_(at), place_(place) {}
    reference operator*() const { return *at_; }
    Cursor& operator++() {
        *place_ = ++at_;
        return *this;
    }
    bool operator==(const Cursor& other) const { return at_ == other.at_; }

private:
    const char* at_;
    const char** place_;
};

// Takes the events of the parser and puts the value together. nlohmann's own parser with a callback
// walks a list from its beginning at the end of every object in it.
class Builder {
public:
    Builder(std::string_view text, std::string_view what, const char* const& place,
            const StopToken* stop)
        : text_(text), what_(what), place_(place), stop_(stop) {}

    Result<Json> take(bool complete) && {
        if (error_) return tl::make_unexpected(std::move(*error_));
        if (!complete) return failed(fmt::format("{}: not valid JSON", what_));
        return std::move(root_);
    }

    bool null() { return put(nullptr, 0) != nullptr; }
    bool boolean(bool value) { return put(value, 0) != nullptr; }
    bool number_integer(Json::number_integer_t value) { return put(value, 0) != nullptr; }
    bool number_unsigned(Json::number_unsigned_t value) { return put(value, 0) != nullptr; }
    bool number_float(Json::number_float_t value, const std::string&) {
        return put(value, 0) != nullptr;
    }
    bool string(std::string& value) {
        const std::size_t bytes = string_bytes(value);
        return put(std::move(value), bytes) != nullptr;
    }
    bool binary(Json::binary_t&) { return refuse("not valid JSON"); }
    bool start_object(std::size_t) { return open(Json::object(), object_bytes); }
    bool start_array(std::size_t) { return open(Json::array(), list_bytes); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        if (!has_room(entry_bytes + string_bytes(name))) return false;
        auto& object = *open_.back()->get_ptr<Json::object_t*>();
        const auto [entry, is_new] = object.try_emplace(name);
        if (!is_new) return refuse_key(name);
        value_of_key_ = &entry->second;
        return true;
    }
    bool parse_error(std::size_t byte, const std::string&, const Json::exception& error) {
        // nlohmann's message repeats the position and quotes the input; the position is all we
        // need.
        if (dynamic_cast<const Json::parse_error*>(&error))
            return refuse("not valid JSON at " + line_and_column(text_, byte));
        return refuse(fmt::format("not valid JSON ({})", error.what()));
    }

private:
    static std::size_t string_bytes(const std::string& text) {
        return sizeof text + (text.size() > std::string().capacity() ? text.size() : 0);
    }

    bool refuse(const std::string& why) {
        error_ = Error{ErrorKind::failed, fmt::format("{}: {}", what_, why)};
        return false;
    }
    // The parser stands behind the quote that closes the key.
    bool refuse_key(const std::string& name) {
        const auto is_escaped = [&](std::size_t quote) {
            std::size_t slashes = 0;
            while (slashes < quote && text_[quote - slashes - 1] == '\\') ++slashes;
            return slashes % 2 == 1;
        };
        auto quote = static_cast<std::size_t>(place_ - text_.data()) - 1;
        do quote = text_.rfind('"', quote - 1);
        while (is_escaped(quote));
        constexpr std::size_t shown_bytes_max = 60;
        return refuse(fmt::format("ambiguous: one object has the key '{}' twice, at {} again",
                                  name.substr(0, shown_bytes_max),
                                  line_and_column(text_, quote + 1)));
    }
    bool has_room(std::size_t bytes) {
        bytes_ += bytes;
        if (bytes_ > memory_bytes_max)
            return refuse(fmt::format("too large: its values take more than {} MiB of memory",
                                      memory_bytes_max >> 20));
        if (++events_ % events_between_looks == 0 && stop_ && stop_->stop_requested()) {
            error_ =
                Error{ErrorKind::interrupted, fmt::format("interrupted while reading {}", what_)};
            return false;
        }
        return true;
    }
    // Places stay where they are: nothing is added to a list or object while one in it is open.
    template <typename T>
    Json* put(T&& value, std::size_t bytes) {
        if (!has_room(sizeof(Json) + bytes)) return nullptr;
        if (open_.empty()) {
            root_ = Json(std::forward<T>(value));
            return &root_;
        }
        if (auto* list = open_.back()->get_ptr<Json::array_t*>())
            return &list->emplace_back(std::forward<T>(value));
        *value_of_key_ = Json(std::forward<T>(value));
        return value_of_key_;
    }
    bool open(Json container, std::size_t bytes) {
        if (open_.size() == depth_max)
            return refuse(fmt::format("JSON nested deeper than {} levels", depth_max));
        Json* const place = put(std::move(container), bytes);
        if (place) open_.push_back(place);
        return place != nullptr;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::string_view text_, what_;
    const char* const& place_;
    const StopToken* stop_;
    Json root_;
    std::vector<Json*> open_;  // the lists and objects around what comes next, outermost first
    Json* value_of_key_ = nullptr;
    std::size_t bytes_ = 0, events_ = 0;
    std::optional<Error> error_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, const StopToken* stop) {
    const char* place = text.data();
    Builder builder(text, what, place, stop);
    const bool complete = Json::sax_parse(Cursor(text.data(), &place),
                                          Cursor(text.data() + text.size(), &place), &builder);
    return std::move(builder).take(complete);
}

std::string canonical_json(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string content_hash(const Json& value) { return sha256_hex(canonical_json(value)); }

}  // namespace peakward

#include "import/document.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>

#include "core/text.hpp"

namespace peakward::older {
namespace {

void put_utf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0 | (code >> 6));
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0 | (code >> 12));
        out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | (code >> 18));
        out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
        out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    }
}

// UTF-16 without its mark -> UTF-8; nothing when it is not whole.
std::optional<std::string> from_utf16(std::string_view bytes, bool big_endian) {
    if (bytes.size() % 2 != 0) return std::nullopt;
    const auto unit = [&](std::size_t at) {
        const auto first = static_cast<unsigned char>(bytes[at]);
        const auto second = static_cast<unsigned char>(bytes[at + 1]);
        return static_cast<std::uint32_t>(big_endian ? first << 8 | second : second << 8 | first);
    };
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 2) {
        std::uint32_t code = unit(at);
        if (code >= 0xD800 && code < 0xDC00) {
            if (at + 3 >= bytes.size()) return std::nullopt;
            const std::uint32_t low = unit(at + 2);
            if (low < 0xDC00 || low > 0xDFFF) return std::nullopt;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            at += 2;
        } else if (code >= 0xDC00 && code < 0xE000) {
            return std::nullopt;
        }
        put_utf8(out, code);
    }
    return out;
}

// What a file is that was not unpacked or not fetched ("a Git LFS pointer"); "" for any other.
std::string why_not_the_file(std::string_view text) {
    using namespace std::string_view_literals;
    for (const auto& [mark, name, remedy] : {std::tuple{"\x1f\x8b"sv, "gzip"sv, "gunzip"sv},
                                             {"\x28\xb5\x2f\xfd"sv, "zstd"sv, "unzstd"sv},
                                             {"\xfd"
                                              "7zXZ\0"sv,
                                              "xz"sv, "unxz"sv},
                                             {"BZh"sv, "bzip2"sv, "bunzip2"sv},
                                             {"PK\x03\x04"sv, "zip"sv, "unzip"sv}})
        if (text.starts_with(mark))
            return fmt::format("is compressed ({}): unpack it with {} first", name, remedy);
    if (text.starts_with("version https://git-lfs.github.com/spec/"))
        return "is a pointer of Git LFS and not the file itself: fetch it with git lfs pull";
    const std::string start = to_lower(trim(text.substr(0, 1024)));
    if (start.starts_with("/annex/objects/"))
        return "is a pointer of git-annex and not the file itself: fetch it with git annex get";
    if (start.starts_with("<!doctype html") || start.starts_with("<html"))
        return "is a web page (HTML) and not the file itself: the download was answered by a page";
    return "";
}

Result<std::string> as_utf8(std::string_view text) {
    using namespace std::string_view_literals;
    if (auto why = why_not_the_file(text); !why.empty()) return failed(std::move(why));
    if (text.starts_with("\xFF\xFE\x00\x00"sv) || text.starts_with("\x00\x00\xFE\xFF"sv))
        return failed("is UTF-32, which is not read: write it as UTF-8");
    for (const auto& [mark, big_endian] : {std::pair{"\xFF\xFE"sv, false}, {"\xFE\xFF"sv, true}})
        if (text.starts_with(mark)) {
            auto utf8 = from_utf16(text.substr(mark.size()), big_endian);
            if (!utf8) return failed("is UTF-16 that is cut short or damaged");
            return std::move(*utf8);
        }
    if (text.starts_with("\xEF\xBB\xBF"sv)) {
        text.remove_prefix(3);
        if (auto why = why_not_the_file(text); !why.empty()) return failed(std::move(why));
    }
    if (text.find('\0') != std::string_view::npos)
        return failed("is binary, and neither a profile nor an SQLite database");
    return std::string(text);
}

// Python's json writes NaN, Infinity and -Infinity where a figure is no number. JSON has no such
// words: null says the same, that there is no figure.
std::string without_not_numbers(std::string_view text, int& replaced) {
    std::string out;
    out.reserve(text.size());
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string && c == '\\') {
            out += text.substr(at, 2);
            ++at;
            continue;
        }
        if (c == '"') in_string = !in_string;
        const std::string_view left = text.substr(at);
        std::size_t length = 0;
        if (!in_string && (c == 'N' || c == 'I' || c == '-'))
            for (const std::string_view word : {"-Infinity", "Infinity", "NaN"})
                if (left.starts_with(word)) length = word.size();
        if (length == 0) {
            out += c;
            continue;
        }
        out += "null";
        ++replaced;
        at += length - 1;
    }
    return out;
}

bool has_all(const Json& object, std::initializer_list<const char*> names) {
    return object.is_object() && std::all_of(names.begin(), names.end(), [&](const char* name) {
               return object.contains(name);
           });
}

bool is_portable_profile(const Json& json) {
    return json.is_object() && json.value("kind", Json()) == "peakward-profile";
}

bool is_run(const Json& json) { return has_all(json, {"run_id", "context", "measurements"}); }

// A row needs what makes it a run of a machine: who, when, and one figure.
bool is_row(const Json& json) {
    return has_all(json, {"timestamp", "hardware_fingerprint", "precision", "device"});
}

std::string what_else(const Json& json) {
    if (!json.is_object()) return "is JSON, and no profile, run or list of runs";
    if (has_all(json, {"kind", "hardware_name", "precision_results"}) || is_portable_profile(json))
        return "is a portable profile of Peakward, which is a part of a run: import the run "
               "itself, as peakward show RUN --json prints it";
    if (json.contains("detection_patterns") || has_all(json, {"vendor", "theoretical_peaks"}))
        return "is a hardware specification and no calibration: peakward hardware import takes it";
    if (json.contains("$schema")) return "is a JSON Schema and no calibration";
    return "is JSON, and no profile, run or list of runs: a profile has metadata and "
           "operation_profiles, a list of runs has 'runs'";
}

}  // namespace

Result<Document> read_document(std::string_view text, const StopToken* stop) {
    auto utf8 = as_utf8(text);
    if (!utf8) return tl::make_unexpected(utf8.error());
    // Behind a byte order mark, too.
    if (trim(std::string_view(*utf8).substr(0, 4096)).empty() && trim(*utf8).empty())
        return failed("is empty");
    Document document;
    const std::string plain = without_not_numbers(*utf8, document.not_numbers);
    auto json = parse_json(plain, "the file", stop);
    if (!json && json.error().kind == ErrorKind::interrupted)
        return tl::make_unexpected(json.error());
    if (!json) {
        std::string message = json.error().message;
        message.erase(0, message.find(": ") + 2);
        const char last = trim(*utf8).back();
        if (message.starts_with("not valid") && last != '}' && last != ']')
            message += ", where it may be cut short";
        return failed("is " + message);
    }
    document.json = std::move(*json);
    return document;
}

const Json& items_of(const Json& json) {
    static const Json nothing = Json::array();
    if (json.is_array()) return json;
    if (!json.is_object()) return nothing;
    const auto runs = json.find("runs");
    return runs != json.end() && runs->is_array() ? *runs : nothing;
}

DocumentKind kind_of(const Json& json, std::string& why) {
    if (is_run(json)) return DocumentKind::run;
    const bool is_list =
        json.is_array() || (json.is_object() && json.contains("runs") && json["runs"].is_array());
    if (is_list) {
        const Json& items = items_of(json);
        if (items.empty()) {
            why = "is an empty list of runs";
            return DocumentKind::foreign;
        }
        if (std::all_of(items.begin(), items.end(), is_run)) return DocumentKind::runs;
        if (std::all_of(items.begin(), items.end(), is_row)) return DocumentKind::rows;
        why =
            "is a list whose entries are not all runs: each needs timestamp, "
            "hardware_fingerprint, precision and device, or is a whole run of Peakward";
        return DocumentKind::foreign;
    }
    // Its metadata and its matrix have the names of the older tool.
    if (json.is_object() && !is_portable_profile(json) && json.contains("metadata") &&
        (json.contains("operation_profiles") || json.contains("theoretical_peak_gflops") ||
         json.contains("best_measured_gflops") || json.contains("precision_matrix")))
        return DocumentKind::older_profile;
    why = what_else(json);
    return DocumentKind::foreign;
}

}  // namespace peakward::older

// Named fields of a JSON object that somebody else wrote. A field that is missing or null is
// absent; the first one that is of another type than it should be is kept as the trouble of the
// document.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/json.hpp"
#include "core/text.hpp"

namespace peakward::older {

class Fields {
public:
    // `trouble` outlives this; "" as long as all is well. Neither may be a temporary.
    Fields(const Json& object, std::string where, std::string& trouble)
        : object_(object), where_(std::move(where)), trouble_(trouble) {
        if (!object.is_object()) complain("", object, "an object");
    }

    std::string text(const char* name) const {
        const Json* found = find(name);
        if (!found) return "";
        if (found->is_string()) return found->get<std::string>();
        complain(name, *found, "a text");
        return "";
    }
    std::optional<double> number(const char* name) const {
        const Json* found = find(name);
        if (!found) return std::nullopt;
        if (found->is_number()) return found->get<double>();
        complain(name, *found, "a number");
        return std::nullopt;
    }
    // 6 and 6.0; what is no whole number of a countable size is trouble.
    std::optional<std::int64_t> whole(const char* name) const {
        const auto value = number(name);
        if (!value) return std::nullopt;
        if (std::abs(*value) < 0x1p53 && std::floor(*value) == *value)
            return static_cast<std::int64_t>(*value);
        complain(name, *find(name), "a whole number");
        return std::nullopt;
    }
    std::optional<bool> flag(const char* name) const {
        const Json* found = find(name);
        if (!found) return std::nullopt;
        if (found->is_boolean()) return found->get<bool>();
        complain(name, *found, "true or false");
        return std::nullopt;
    }
    const Json& object(const char* name) const {
        static const Json nothing = Json::object();
        const Json* found = find(name);
        if (!found) return nothing;
        if (found->is_object()) return *found;
        complain(name, *found, "an object");
        return nothing;
    }
    const Json& list(const char* name) const {
        static const Json nothing = Json::array();
        const Json* found = find(name);
        if (!found) return nothing;
        if (found->is_array()) return *found;
        complain(name, *found, "a list");
        return nothing;
    }
    bool has(const char* name) const { return find(name) != nullptr; }
    const std::string& where() const { return where_; }

private:
    const Json* find(const char* name) const {
        if (!object_.is_object()) return nullptr;
        const auto found = object_.find(name);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    void complain(const std::string& name, const Json& found, const char* wanted) const {
        if (!trouble_.empty()) return;
        const std::string dot = where_.empty() || name.empty() ? "" : ".";
        trouble_ = fmt::format("{}{}{} is {} and not {}", where_, dot, name,
                               found.is_number() ? found.dump() : kind_of(found), wanted);
    }
    static const char* kind_of(const Json& found) {
        if (found.is_object()) return "an object";
        if (found.is_array()) return "a list";
        return found.is_string() ? "a text" : found.type_name();
    }

    const Json& object_;
    std::string where_;
    std::string& trouble_;
};

}  // namespace peakward::older

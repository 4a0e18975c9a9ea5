#include "analyze/causes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "core/library_variables.hpp"
#include "core/text.hpp"

namespace peakward {
namespace {

// Below 97 % of its steady clock a core is throttled (METHODS 1.3).
constexpr double clock_share_min = 0.03;
// A change that cost less than this share of the drop elsewhere is no likely cause of it.
constexpr double acquitted_share = 0.25;
constexpr double blamed_share = 0.5;

struct Words {
    const char* name;
    const char* shown;
};

constexpr std::array<Words, 16> shown_names{{{"gpu_driver_version", "GPU driver"},
                                             {"cuda_version", "CUDA"},
                                             {"pytorch_version", "PyTorch"},
                                             {"numpy_version", "NumPy"},
                                             {"onnxruntime_version", "ONNX Runtime"},
                                             {"jax_version", "JAX"},
                                             {"blas_library", "BLAS library"},
                                             {"os_kernel", "kernel"},
                                             {"os_distro", "distribution"},
                                             {"cpu_microcode", "CPU microcode"},
                                             {"gpu_vbios", "GPU VBIOS"},
                                             {"power_mode", "power mode"},
                                             {"cpu_governor", "CPU governor"},
                                             {"thermal_state", "thermal state"},
                                             {"clock_mhz", "CPU clock in MHz"},
                                             {"peakward", "Peakward"}}};

constexpr const char* unknown_word = "unknown";
constexpr const char* not_set = "not set";

std::string shown_name(const std::string& name) {
    if (is_library_variable(name)) return name;
    for (const Words& words : shown_names)
        if (name == words.name) return words.shown;
    if (name.starts_with("clock_mhz ")) return "clock of " + name.substr(10) + " in MHz";
    std::string plain = name;
    for (const std::string_view tail : {"_version", "_library"})
        if (plain.ends_with(tail)) plain.erase(plain.size() - tail.size());
    std::replace(plain.begin(), plain.end(), '_', ' ');
    return plain;
}

// Libraries that choose among kernels of their own, and what makes them choose: OpenBLAS README
// (dynamic builds), oneMKL developer guide, oneDNN "CPU dispatcher control", BLIS docs/Debugging.
struct ChoosingLibrary {
    std::string_view name;  // as implementations spell it
    std::string_view backend;
    std::string_view prefix;  // of its variables
    std::string_view variables;
};
constexpr std::array<ChoosingLibrary, 4> choosing_libraries{
    {{"OpenBLAS", "", "OPENBLAS_", "OPENBLAS_CORETYPE"},
     {"MKL", "", "MKL_", "MKL_ENABLE_INSTRUCTIONS and MKL_DEBUG_CPU_TYPE"},
     {"BLIS", "", "BLIS_", "BLIS_ARCH_TYPE"},
     {"oneDNN", "onednn", "ONEDNN_", "ONEDNN_MAX_CPU_ISA"}}};

const ChoosingLibrary* library_of(const std::string& implementation, const std::string& backend) {
    for (const ChoosingLibrary& library : choosing_libraries)
        if (implementation.find(library.name) != std::string::npos ||
            (!library.backend.empty() && backend == library.backend))
            return &library;
    return nullptr;
}

// What a backend on a device is made of, the nearest first: breaks ties and no more.
int distance(const Difference& d, const SeriesKey& key, const ChoosingLibrary* library) {
    const std::string &device = key.device, &backend = key.backend;
    if (library && d.name.starts_with(library->prefix)) return 0;
    if (d.name == "CUDA_VISIBLE_DEVICES") return device == "cpu" ? 4 : 1;
    if (d.kind == DifferenceKind::environment && d.name != "virtualization") return 1;
    if (!backend.empty() && d.name.find(backend) != std::string::npos) return 0;
    if (backend == "numpy" && d.name.find("blas") != std::string::npos) return 1;
    const bool of_gpu = d.name.find("gpu") != std::string::npos ||
                        d.name.find("cuda") != std::string::npos ||
                        d.name.find("cudnn") != std::string::npos;
    if (of_gpu) return device == "cpu" ? 4 : 1;
    if (d.kind == DifferenceKind::firmware || d.name == "os_kernel") return 2;
    return 3;
}

using Facts = std::map<std::string, std::optional<std::string>>;

std::string value_of(const Facts& facts, const std::string& name) {
    const auto found = facts.find(name);
    if (found == facts.end() && is_library_variable(name)) return not_set;
    if (found == facts.end() || !found->second) return unknown_word;
    return *found->second;
}

double middle(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t n = values.size();
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

using Side = std::span<const RunFacts* const>;

// Numbers of a side, when every run of it has one.
std::vector<double> numbers(Side side, const Facts RunFacts::*part, const std::string& name) {
    std::vector<double> found;
    for (const RunFacts* run : side) {
        const auto number = parse_number(value_of(run->*part, name));
        if (!number) return {};
        found.push_back(*number);
    }
    return found;
}

void add_clock(Side before, Side after, const std::string& name, std::vector<Difference>& found) {
    const std::vector<double> was = numbers(before, &RunFacts::environment, name);
    const std::vector<double> is = numbers(after, &RunFacts::environment, name);
    if (was.empty() || is.empty()) return;
    const double old_mhz = middle(was), new_mhz = middle(is);
    if (old_mhz <= 0 || std::abs(new_mhz / old_mhz - 1) < clock_share_min) return;
    found.push_back({DifferenceKind::environment, name, fmt::format("{:.0f}", old_mhz),
                     fmt::format("{:.0f}", new_mhz), 0, 0});
}

void add_part(Side before, Side after, const Facts RunFacts::*part, DifferenceKind kind,
              std::vector<Difference>& found) {
    std::set<std::string> names;
    for (const Side side : {before, after})
        for (const RunFacts* run : side)
            for (const auto& [name, value] : run->*part) names.insert(name);
    for (const std::string& name : names) {
        if (is_library_variable(name) && !reaches_workers(name)) continue;
        if (name.starts_with("clock_mhz")) {
            add_clock(before, after, name, found);
            continue;
        }
        std::set<std::string> was, is;
        for (const RunFacts* run : before) was.insert(value_of(run->*part, name));
        for (const RunFacts* run : after) is.insert(value_of(run->*part, name));
        const bool shared = std::any_of(
            is.begin(), is.end(), [&](const std::string& value) { return was.contains(value); });
        if (shared) continue;
        // Nearest to the drop on either side.
        found.push_back({kind, name, value_of(before.back()->*part, name),
                         value_of(after.front()->*part, name), 0, 0});
    }
}

// What is unknown on one side may have been the same. It is a difference only where nothing else
// is.
void drop_unknown(std::vector<Difference>& found) {
    const auto is_unknown = [](const Difference& d) {
        return d.before == unknown_word || d.after == unknown_word;
    };
    if (!std::all_of(found.begin(), found.end(), is_unknown)) std::erase_if(found, is_unknown);
}

// The words of an implementation without versions ("0.3.21", "2.5.1+cu124") and percentages: a
// version is a component, and a share of huge pages moves by itself.
std::vector<std::string> lasting_words(const std::string& implementation) {
    std::vector<std::string> words = split(implementation, ' ');
    std::vector<std::string> lasting;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        const bool is_number = !word.empty() && is_digit(word.front());
        const bool is_share = i + 1 < words.size() && words[i + 1].starts_with('%');
        if (word.empty() || (is_number && (is_share || word.find('.') != std::string::npos)))
            continue;
        lasting.push_back(word);
    }
    return lasting;
}

std::string words_only_in(const std::string& text, const std::string& other) {
    std::vector<std::string> words = lasting_words(text);
    for (const std::string& word : lasting_words(other))
        if (const auto same = std::find(words.begin(), words.end(), word); same != words.end())
            words.erase(same);
    return fmt::format("{}", fmt::join(words, " "));
}

// "OpenBLAS kernels Zen -> Prescott" where one word behind the library's version differs.
std::string implementation_words(const Difference& d) {
    const std::string was = words_only_in(d.before, d.after), is = words_only_in(d.after, d.before);
    const ChoosingLibrary* library = library_of(d.before, "");
    const auto kernels_in = [&](const std::string& text) {
        const std::vector<std::string> words = lasting_words(text);
        const auto at = std::find(words.begin(), words.end(), library->name);
        return at == words.end() || at + 1 == words.end() ? "" : *(at + 1);
    };
    if (library && library == library_of(d.after, "") && kernels_in(d.before) == was &&
        kernels_in(d.after) == is && !was.empty() && !is.empty())
        return fmt::format("{} kernels {} -> {}", library->name, was, is);
    return fmt::format("implementation {} -> {}", d.before, d.after);
}

// Whether a case is one of those behind the series.
bool is_behind(const Case& what, const SeriesKey& key) {
    const auto fits = [](const std::string& own, const std::string& asked) {
        return asked.empty() || own == asked;
    };
    if (!fits(what.device, key.device) || !fits(what.backend, key.backend)) return false;
    const bool moves_memory = what.operation.starts_with("stream_");
    if (key.kind == SeriesKind::score) {
        const bool is_memory =
            key.metric == "stream_best_gbps" || key.metric == "bandwidth_efficiency";
        return is_memory ? moves_memory : !moves_memory && fits(what.precision, key.precision);
    }
    return fits(what.precision, key.precision) && fits(what.operation, key.operation) &&
           what.shape == key.shape && what.threads == key.threads;
}

// Each case with the texts that ran on one side, the nearest to the drop last.
using Implementations = std::map<std::string, std::vector<std::string>>;
void add_implementations(const RunFacts& run, const SeriesKey& key, Implementations& cases) {
    for (const CaseImplementation& one : run.implementations)
        if (is_behind(one.what, key))
            cases[fmt::format("{}|{}|{}|{}|{}|{}", one.what.operation, one.what.precision,
                              to_string(one.what.shape), one.what.device, one.what.backend,
                              one.what.threads)]
                .push_back(one.implementation);
}

// None: unknown.
std::optional<std::string> version_known_in(const std::map<std::string, std::string>& stack,
                                            const std::string& name) {
    if (const auto at = stack.find(name); at != stack.end()) return at->second;
    return is_library_variable(name) ? std::optional<std::string>(not_set) : std::nullopt;
}

std::string change_id(const std::string& name, const std::string& before,
                      const std::string& after) {
    return name + "|" + before + "|" + after;
}

}  // namespace

std::string_view to_string(DifferenceKind kind) {
    switch (kind) {
        case DifferenceKind::component:
            return "component";
        case DifferenceKind::firmware:
            return "firmware";
        case DifferenceKind::environment:
            return "environment";
        case DifferenceKind::implementation:
            return "implementation";
    }
    return "";
}

std::string difference_words(const Difference& d) {
    if (d.kind == DifferenceKind::implementation) return implementation_words(d);
    return fmt::format("{} {} -> {}", shown_name(d.name), d.before, d.after);
}

std::vector<Difference> differences_between(Side before, Side after) {
    std::vector<Difference> found;
    if (before.empty() || after.empty()) return found;
    add_part(before, after, &RunFacts::components, DifferenceKind::component, found);
    add_part(before, after, &RunFacts::firmware, DifferenceKind::firmware, found);
    add_part(before, after, &RunFacts::environment, DifferenceKind::environment, found);
    // Peakward measures, and is software too.
    if (before.back()->peakward_version != after.front()->peakward_version)
        found.push_back({DifferenceKind::component, "peakward", before.back()->peakward_version,
                         after.front()->peakward_version, 0, 0});
    drop_unknown(found);
    return found;
}

std::optional<Difference> implementation_change(Side before, Side after, const SeriesKey& key) {
    Implementations was, is;
    for (const RunFacts* run : before) add_implementations(*run, key, was);
    for (auto run = after.rbegin(); run != after.rend(); ++run) add_implementations(**run, key, is);
    std::map<std::string, int> cases_of_change;
    std::optional<Difference> chosen;
    for (const auto& [place, now] : is) {
        const auto then = was.find(place);
        if (then == was.end()) continue;
        std::set<std::vector<std::string>> earlier;
        for (const std::string& text : then->second) earlier.insert(lasting_words(text));
        const bool shared = std::any_of(now.begin(), now.end(), [&](const std::string& text) {
            return earlier.contains(lasting_words(text));
        });
        if (shared) continue;
        Difference change{DifferenceKind::implementation,
                          "implementation",
                          then->second.back(),
                          now.back(),
                          0,
                          0};
        const auto cases_with = [&](const Difference& d) -> int& {
            return cases_of_change[words_only_in(d.before, d.after) + '|' +
                                   words_only_in(d.after, d.before)];
        };
        const int count = ++cases_with(change);
        if (!chosen || count > cases_with(*chosen)) chosen = std::move(change);
    }
    return chosen;
}

ChangeHistory::ChangeHistory(std::span<const Series* const> series,
                             std::vector<std::map<std::string, std::string>> stacks) {
    const auto known = [&](std::int32_t stack) {
        return stack >= 0 && static_cast<std::size_t>(stack) < stacks.size() &&
               !stacks[static_cast<std::size_t>(stack)].empty();
    };
    for (const Series* s : series) {
        const double sign = larger_is_better(s->key) ? 1 : -1;
        std::vector<double> last, now;
        std::int32_t last_stack = -1, stack = -1;
        const auto close = [&] {
            if (last.empty() || now.empty() || !known(last_stack) || !known(stack)) return;
            const double ratio = middle(now) / middle(last);
            updates_.push_back({last_stack, stack, sign * 100 * (ratio - 1)});
        };
        for (const SeriesPoint& point : s->points) {
            if (point.doubts != 0 || !(point.value > 0)) continue;
            if (point.stack != stack) {
                close();
                last = std::move(now);
                last_stack = stack;
                now.clear();
                stack = point.stack;
            }
            now.push_back(point.value);
        }
        close();
    }
    for (std::size_t i = 0; i < updates_.size(); ++i) {
        const Update& update = updates_[i];
        const auto [place, is_new] = changes_.try_emplace({update.from, update.to});
        Changed& changed = place->second;
        if (is_new) {
            const auto& from = stacks[static_cast<std::size_t>(update.from)];
            const auto& to = stacks[static_cast<std::size_t>(update.to)];
            std::set<std::string> names;
            for (const auto* stack : {&from, &to})
                for (const auto& [name, version] : *stack) names.insert(name);
            for (const std::string& name : names) {
                const auto old = version_known_in(from, name), now = version_known_in(to, name);
                if (old && now && *old != *now) changed[name] = {*old, *now};
            }
        }
        for (const auto& [name, versions] : changed)
            by_change_[change_id(name, versions.first, versions.second)].push_back(i);
    }
}

const ChangeHistory::Changed& ChangeHistory::changed(std::int32_t from, std::int32_t to) const {
    return changes_.at({from, to});
}

std::vector<double> ChangeHistory::effects_percent(const Difference& change,
                                                   std::span<const Difference> companions) const {
    std::vector<double> effects;
    const auto places = by_change_.find(change_id(change.name, change.before, change.after));
    if (places == by_change_.end()) return effects;
    for (const std::size_t i : places->second) {
        const Changed& together = changed(updates_[i].from, updates_[i].to);
        // An update with all of the same companions is confounded in the same way: it tells
        // nothing.
        const bool all = std::all_of(companions.begin(), companions.end(), [&](const auto& other) {
            const auto found = together.find(other.name);
            return found != together.end() && found->second == std::pair(other.before, other.after);
        });
        if (!all) effects.push_back(updates_[i].effect_percent);
    }
    return effects;
}

namespace {

enum class Suspicion { blamed, unknown, acquitted };

Suspicion suspicion_of(const Difference& d, double change_percent) {
    if (d.places == 0) return Suspicion::unknown;
    const double share = d.effect_percent / change_percent;
    if (share >= blamed_share) return Suspicion::blamed;
    return share < acquitted_share ? Suspicion::acquitted : Suspicion::unknown;
}

void rank(std::vector<Difference>& differences, const DropSides& sides,
          const ChangeHistory* history, const std::optional<Difference>& implementation) {
    const ChoosingLibrary* library =
        implementation ? library_of(implementation->before, sides.key.backend) : nullptr;
    std::vector<Difference> components;
    for (const Difference& d : differences)
        if (d.kind == DifferenceKind::component) components.push_back(d);
    for (Difference& d : differences) {
        if (!history || d.kind != DifferenceKind::component || components.size() < 2) continue;
        const std::vector<double> effects = history->effects_percent(d, components);
        d.places = static_cast<int>(effects.size());
        if (!effects.empty()) d.effect_percent = middle(effects);
    }
    std::stable_sort(differences.begin(), differences.end(),
                     [&](const Difference& a, const Difference& b) {
                         const auto left = suspicion_of(a, sides.change_percent);
                         const auto right = suspicion_of(b, sides.change_percent);
                         if (left != right) return left < right;
                         if (left == Suspicion::blamed && a.effect_percent != b.effect_percent)
                             return a.effect_percent < b.effect_percent;
                         return distance(a, sides.key, library) < distance(b, sides.key, library);
                     });
}

std::string elsewhere(const Difference& d, double change_percent) {
    if (d.places == 0) return "not seen elsewhere";
    const char* verb =
        suspicion_of(d, change_percent) == Suspicion::acquitted ? "no such drop in" : "in";
    return fmt::format("{:+.1f} % {} {} other place{}", d.effect_percent, verb, d.places,
                       d.places == 1 ? "" : "s");
}

std::string list_of(const std::vector<Difference>& differences, double change_percent) {
    constexpr std::size_t most = 4;
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < std::min(most, differences.size()); ++i)
        parts.push_back(difference_words(differences[i]) + " (" +
                        elsewhere(differences[i], change_percent) + ")");
    if (differences.size() > most)
        parts.push_back(fmt::format("and {} more", differences.size() - most));
    return fmt::format("{}", fmt::join(parts, "; "));
}

void say_nothing_changed(LikelyCause& found, bool imported) {
    found.cause =
        "the software did not change, and nothing that is recorded of the environment did";
    found.recommendation =
        imported
            ? "Look at clock, temperature, power mode and load of that machine"
            : "Look at clock, temperature, power mode and load (peakward doctor), and calibrate "
              "again";
}

// "set OPENBLAS_CORETYPE back to Zen", "unset OPENBLAS_CORETYPE", "bring the kernel back to 6.1".
std::string way_back(const Difference& d) {
    if (!is_library_variable(d.name))
        return fmt::format("bring {} back to {}", shown_name(d.name), d.before);
    if (d.before == not_set) return "unset " + d.name;
    return fmt::format("set {} back to {}", d.name, d.before);
}

// What the change of kernels adds to a cause that is named already.
std::string and_implementation(const std::optional<Difference>& implementation) {
    if (!implementation) return "";
    return fmt::format(", and with it {}", difference_words(*implementation));
}

void say_one(LikelyCause& found, const Difference& only,
             const std::optional<Difference>& implementation) {
    const std::string name = shown_name(only.name);
    if (only.kind == DifferenceKind::environment) {
        found.cause = fmt::format("the software did not change; {} did", difference_words(only));
        found.recommendation =
            fmt::format("Bring the {} back to {} (peakward doctor shows how) and calibrate again",
                        name, only.before);
        return;
    }
    found.cause = fmt::format("{}{}: the only difference between the two sides",
                              difference_words(only), and_implementation(implementation));
    found.recommendation =
        is_library_variable(only.name)
            ? fmt::format("To see whether it is the cause, {} and calibrate again", way_back(only))
            : fmt::format("Investigate the {} change; consider a rollback to {}", name,
                          only.before);
}

void say_several(LikelyCause& found, const DropSides& sides,
                 const std::vector<Difference>& differences,
                 const std::optional<Difference>& implementation) {
    const Difference& first = differences.front();
    found.confounded = true;
    found.cause = fmt::format("confounded: {} things changed together{}; likeliest first: {}",
                              differences.size(), and_implementation(implementation),
                              list_of(differences, sides.change_percent));
    if (!found.software_changed) found.cause = "the software did not change; " + found.cause;
    found.recommendation =
        is_library_variable(first.name)
            ? fmt::format("Change one thing at a time: {} and calibrate again", way_back(first))
            : fmt::format(
                  "Change one thing at a time: bring {} alone back to {} and calibrate "
                  "again",
                  shown_name(first.name), first.before);
}

// No version changed, and other code ran. Whatever differs in the environment does not choose
// kernels, and may follow from them: narrower vectors let a core clock higher.
void say_implementation(LikelyCause& found, const Difference& implementation,
                        const std::vector<Difference>& others, const std::string& backend) {
    const std::string words = difference_words(implementation);
    const std::string texts = fmt::format("{} -> {}", implementation.before, implementation.after);
    found.cause = fmt::format("another implementation ran: {}", words);
    if (words.find(texts) == std::string::npos) found.cause += fmt::format(" ({})", texts);
    if (others.empty()) {
        found.cause += ", under the same versions: the only difference between the two sides";
    } else {
        found.confounded = true;
        std::vector<std::string> parts;
        for (const Difference& d : others) parts.push_back(difference_words(d));
        found.cause += fmt::format(", under the same versions; the environment differs too: {}",
                                   fmt::join(parts, "; "));
    }
    const ChoosingLibrary* library = library_of(implementation.after, backend);
    found.recommendation =
        library ? fmt::format(
                      "Look at {} and at how {} detects this CPU (a CPU that it does not know gets "
                      "its oldest kernels)",
                      library->variables, library->name)
                : std::string(
                      "Find out why the backend chose other code: compare its variables and the "
                      "CPU features that it sees");
}

}  // namespace

LikelyCause likely_cause(const DropSides& sides, const ChangeHistory* history) {
    LikelyCause found;
    std::vector<Difference> differences = differences_between(sides.before, sides.after);
    const auto implementation = implementation_change(sides.before, sides.after, sides.key);
    // A change of software is what made a library choose other kernels; without one the kernels
    // themselves are all that is known.
    const bool versions_changed =
        std::any_of(differences.begin(), differences.end(),
                    [](const Difference& d) { return d.kind != DifferenceKind::environment; });
    found.software_changed = versions_changed || implementation;
    rank(differences, sides, history, implementation);
    if (sides.before.empty() || sides.after.empty()) {
        found.cause = "unknown: what these runs ran on was not recorded";
        found.recommendation = "Calibrate again, so that the two sides can be compared";
    } else if (sides.gradual && sides.stacks_between > 1) {
        found.confounded = true;
        found.cause = fmt::format(
            "a slow decline over {} changes of the software: no single one made most of it{}",
            sides.stacks_between,
            differences.empty()
                ? ""
                : "; from end to end: " + list_of(differences, sides.change_percent));
        found.recommendation =
            "Go back in halves: calibrate with a stack from the middle of the decline";
    } else if (implementation && !versions_changed) {
        say_implementation(found, *implementation, differences, sides.key.backend);
    } else if (differences.empty()) {
        say_nothing_changed(found, sides.imported);
    } else if (differences.size() == 1) {
        say_one(found, differences.front(), implementation);
    } else {
        say_several(found, sides, differences, implementation);
    }
    found.recommendation += ".";
    if (sides.suspected && sides.imported)
        found.recommendation = fmt::format(
            "Have one run more before acting: these were imported, and only the tool "
            "that made them goes on from there. {}",
            found.recommendation);
    else if (sides.suspected)
        found.recommendation = fmt::format(
            "Run again before acting (peakward calibrate --confirm). {}", found.recommendation);
    if (implementation)
        differences.insert(versions_changed ? differences.end() : differences.begin(),
                           *implementation);
    found.differences = std::move(differences);
    return found;
}

}  // namespace peakward

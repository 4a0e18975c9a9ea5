#include "session/install_names.hpp"

#include "core/text.hpp"

namespace peakward {
namespace {

// One run of each is read.
constexpr std::size_t hosts_read_max = 200;
constexpr std::size_t fingerprint_characters = 8;
constexpr std::size_t id_characters = 4;

std::string name_of_host(RunStore& store, std::int64_t seq) {
    const auto facts = store.facts_of({seq});
    if (!facts || facts->empty()) return "";
    const auto run = store.find(facts->front().run_id);
    if (run && run->origin)
        for (const char* word : {"from", "hardware_name"})
            if (const auto said = run->origin->recorded.find(word);
                said != run->origin->recorded.end() && !said->second.empty())
                return said->second;
    return "host " + facts->front().hardware_fingerprint.substr(0, fingerprint_characters);
}

}  // namespace

std::map<std::string, std::string> imported_host_names(RunStore& store,
                                                       const std::vector<Subject>& subjects) {
    std::map<std::string, std::int64_t> newest;  // run of each install
    for (const Subject& subject : subjects)
        for (const SubjectSeries& one : subject.series)
            if (one.series.key.install.starts_with("imported-") && !one.series.points.empty())
                newest[one.series.key.install] = one.series.points.back().seq;
    std::map<std::string, std::string> names;
    if (newest.size() > hosts_read_max) return names;
    std::map<std::string, int> uses;
    for (const auto& [install, seq] : newest)
        if (const std::string name = name_of_host(store, seq); !name.empty()) {
            names[install] = name;
            ++uses[name];
        }
    for (auto& [install, name] : names)
        if (uses[name] > 1) name += " " + install.substr(install.size() - id_characters);
    return names;
}

}  // namespace peakward
